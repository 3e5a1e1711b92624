//! The table of kinds that the sandbox serves: names, scope, short names, subresources.
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Kind;

/// How one kind is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KindInfo {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub list_kind: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub has_status: bool,
    pub has_scale: bool,
    pub origin: Origin,
    /// The version in which objects are kept.
    pub storage_version: String,
}

/// Where a kind is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The table below.
    BuiltIn,
    /// A `CustomResourceDefinition`.
    Custom,
}

/// A group and a plural: what a path names, whatever the version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource {
    pub group: String,
    pub plural: String,
}

/// All kinds that are served, by group, version and plural.
#[derive(Clone, Debug)]
pub(super) struct Kinds(BTreeMap<(String, String, String), Arc<KindInfo>>);

/// A line of the built-in table: group, version, kind, plural, short names, categories, flags.
/// Flags: `n` namespaced, `s` status, `c` scale.
type Line = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const ALL: &[&str] = &["all"];
const EXTENSIONS: &[&str] = &["api-extensions"];
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

#[rustfmt::skip]
const BUILT_IN: &[Line] = &[
    ("", "v1", "ConfigMap", "configmaps", &["cm"], &[], "n"),
    ("", "v1", "Endpoints", "endpoints", &["ep"], &[], "n"),
    ("", "v1", "Event", "events", &["ev"], &[], "n"),
    ("", "v1", "LimitRange", "limitranges", &["limits"], &[], "n"),
    ("", "v1", "Namespace", "namespaces", &["ns"], &[], "s"),
    ("", "v1", "Node", "nodes", &["no"], &[], "s"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc"], &[], "ns"),
    ("", "v1", "PersistentVolume", "persistentvolumes", &["pv"], &[], "s"),
    ("", "v1", "Pod", "pods", &["po"], ALL, "ns"),
    ("", "v1", "PodTemplate", "podtemplates", &[], &[], "n"),
    ("", "v1", "ReplicationController", "replicationcontrollers", &["rc"], ALL, "nsc"),
    ("", "v1", "ResourceQuota", "resourcequotas", &["quota"], &[], "ns"),
    ("", "v1", "Secret", "secrets", &[], &[], "n"),
    ("", "v1", "ServiceAccount", "serviceaccounts", &["sa"], &[], "n"),
    ("", "v1", "Service", "services", &["svc"], ALL, "ns"),
    ("apiregistration.k8s.io", "v1", "APIService", "apiservices", &[], EXTENSIONS, "s"),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", &[], &[], "n"),
    ("apps", "v1", "DaemonSet", "daemonsets", &["ds"], ALL, "ns"),
    ("apps", "v1", "Deployment", "deployments", &["deploy"], ALL, "nsc"),
    ("apps", "v1", "ReplicaSet", "replicasets", &["rs"], ALL, "nsc"),
    ("apps", "v1", "StatefulSet", "statefulsets", &["sts"], ALL, "nsc"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", &["hpa"], ALL, "ns"),
    ("batch", "v1", "CronJob", "cronjobs", &["cj"], ALL, "ns"),
    ("batch", "v1", "Job", "jobs", &[], ALL, "ns"),
    ("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", &["csr"], &[], "s"),
    ("networking.k8s.io", "v1", "IngressClass", "ingressclasses", &[], &[], ""),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", &["ing"], &[], "ns"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", &["netpol"], &[], "n"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", &["pdb"], &[], "ns"),
    (RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", &[], &[], ""),
    (RBAC, "v1", "ClusterRole", "clusterroles", &[], &[], ""),
    (RBAC, "v1", "RoleBinding", "rolebindings", &[], &[], "n"),
    (RBAC, "v1", "Role", "roles", &[], &[], "n"),
    ("storage.k8s.io", "v1", "CSIDriver", "csidrivers", &[], &[], ""),
    ("storage.k8s.io", "v1", "CSINode", "csinodes", &[], &[], ""),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses", &["sc"], &[], ""),
    ("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", &[], &[], "s"),
    (ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", &[], EXTENSIONS, ""),
    (ADMISSION, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", &[], EXTENSIONS, "s"),
    (ADMISSION, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", &[], EXTENSIONS, ""),
    (ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", &[], EXTENSIONS, ""),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", &["crd", "crds"], EXTENSIONS, "s"),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", &["pc"], &[], ""),
    ("coordination.k8s.io", "v1", "Lease", "leases", &[], &[], "n"),
    ("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", &[], &[], ""),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", &[], &[], "n"),
];

/// The kinds whose `metadata.generation` counts the changes of their spec.
const COUNTED: &[&str] = &[
    "Pod",
    "DaemonSet",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "ReplicationController",
    "CronJob",
    "Job",
    "Ingress",
    "IngressClass",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "CustomResourceDefinition",
    "PriorityClass",
    "EndpointSlice",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

impl KindInfo {
    fn built_in(line: &Line) -> Self {
        let (group, version, kind, plural, short_names, categories, flags) = *line;
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            list_kind: format!("{kind}List"),
            short_names: texts(short_names),
            categories: texts(categories),
            namespaced: flags.contains('n'),
            has_status: flags.contains('s'),
            has_scale: flags.contains('c'),
            origin: Origin::BuiltIn,
            storage_version: version.to_owned(),
        }
    }

    /// Tells whether a definition made the kind.
    pub(super) fn is_custom(&self) -> bool {
        self.origin == Origin::Custom
    }

    /// Returns `deployments.apps`, or `pods` for the core group.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    pub(super) fn resource(&self) -> Resource {
        Resource { group: self.group.clone(), plural: self.plural.clone() }
    }

    /// Returns the kind in the version in which it is kept.
    pub(super) fn stored_kind(&self) -> Kind {
        Kind {
            group: self.group.as_str().into(),
            version: self.storage_version.as_str().into(),
            kind: self.kind.as_str().into(),
        }
    }

    /// Returns the text of `apiVersion` in the version that was asked for.
    pub(super) fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    pub(super) fn stored_api_version(&self) -> String {
        api_version(&self.group, &self.storage_version)
    }

    /// Tells whether the server counts the generations of this kind.
    pub(super) fn counts_generations(&self) -> bool {
        self.is_custom() || COUNTED.contains(&self.kind.as_str())
    }

    /// Tells whether this is a built-in kind of that name.
    pub(super) fn is(&self, kind: &str) -> bool {
        !self.is_custom() && self.kind == kind
    }

    pub(super) fn verbs(&self) -> &'static [&'static str] {
        if self.is("Namespace") {
            return &["create", "delete", "get", "list", "patch", "update", "watch"];
        }
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    }
}

impl Resource {
    pub(super) fn new(group: &str, plural: &str) -> Self {
        Self { group: group.to_owned(), plural: plural.to_owned() }
    }
}

impl Kinds {
    pub(super) fn built_in() -> Self {
        let mut kinds = Self(BTreeMap::new());
        for line in BUILT_IN {
            kinds.add(KindInfo::built_in(line));
        }
        kinds
    }

    pub(super) fn add(&mut self, info: KindInfo) {
        let key = (info.group.clone(), info.version.clone(), info.plural.clone());
        self.0.insert(key, Arc::new(info));
    }

    /// Forgets the custom kinds of a resource.
    pub(super) fn remove(&mut self, resource: &Resource) {
        self.0.retain(|_, info| !(info.is_custom() && info.resource() == *resource));
    }

    pub(super) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<KindInfo>> {
        self.0.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).cloned()
    }

    /// Returns a kind of a resource in the version in which it is kept.
    pub(super) fn stored(&self, resource: &Resource) -> Option<Arc<KindInfo>> {
        self.0
            .values()
            .find(|info| {
                info.group == resource.group && info.plural == resource.plural && info.version == info.storage_version
            })
            .cloned()
    }

    /// Returns the kind that an object's `apiVersion` and `kind` name.
    pub(super) fn of(&self, kind: &Kind) -> Option<Arc<KindInfo>> {
        self.0.values().find(|info| kind.is(&info.group, &info.kind) && *info.version == *kind.version).cloned()
    }

    /// Returns a kind by group and name, whatever its version.
    pub(super) fn named(&self, group: &str, kind: &str) -> Option<Arc<KindInfo>> {
        self.0.values().find(|info| info.group == group && info.kind == kind).cloned()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<KindInfo>> {
        self.0.values()
    }

    /// Returns each group with its versions, the core group first.
    pub(super) fn groups(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for info in self.0.values() {
            let versions = groups.entry(&info.group).or_default();
            if !versions.contains(&info.version.as_str()) {
                versions.push(&info.version);
            }
        }
        for versions in groups.values_mut() {
            versions.sort_by_key(|version| Reverse(version_order(version)));
        }
        groups
    }
}

/// Orders versions as discovery does: `v2` over `v1`, `v1` over `v1beta1`, that over `v1alpha1`.
fn version_order(version: &str) -> (u8, u64, u64) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = |text: &str| text.parse().unwrap_or(0);
    if let Some((major, minor)) = rest.split_once("beta") {
        return (2, digits(major), digits(minor));
    }
    if let Some((major, minor)) = rest.split_once("alpha") {
        return (1, digits(major), digits(minor));
    }
    rest.parse().map_or((0, 0, 0), |major| (3, major, 0))
}

/// Returns `apps/v1`, or `v1` for the core group.
pub(super) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

//! What is known of kinds without asking a cluster: which belong to the cluster, and which come first.
use std::collections::BTreeMap;

use crate::model::{GroupKind, Kind};

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Cluster,
    Namespace,
    /// Only the cluster, or the kind's definition, can tell.
    Unknown,
}

/// Where the objects of kinds live of which a user, or a definition, tells; by group and kind.
pub(crate) type Places = BTreeMap<GroupKind, Place>;

/// Returns where objects of a kind live, as far as it is known offline.
pub(crate) fn place(kind: &Kind) -> Place {
    match (&*kind.group, &*kind.kind) {
        ("", "Namespace" | "Node" | "PersistentVolume" | "ComponentStatus")
        | ("rbac.authorization.k8s.io", "ClusterRole" | "ClusterRoleBinding")
        | ("storage.k8s.io", "StorageClass" | "CSIDriver" | "CSINode" | "VolumeAttachment" | "VolumeAttributesClass")
        | ("networking.k8s.io", "IngressClass" | "IPAddress" | "ServiceCIDR")
        | ("resource.k8s.io", "DeviceClass" | "ResourceSlice" | "DeviceTaintRule")
        | ("authentication.k8s.io", "TokenReview" | "SelfSubjectReview")
        | ("authorization.k8s.io", "SubjectAccessReview" | "SelfSubjectAccessReview" | "SelfSubjectRulesReview")
        | (
            "admissionregistration.k8s.io"
            | "apiextensions.k8s.io"
            | "apiregistration.k8s.io"
            | "certificates.k8s.io"
            | "flowcontrol.apiserver.k8s.io"
            | "internal.apiserver.k8s.io"
            | "node.k8s.io"
            | "scheduling.k8s.io"
            | "storagemigration.k8s.io",
            _,
        ) => Place::Cluster,
        (
            ""
            | "apps"
            | "autoscaling"
            | "batch"
            | "coordination.k8s.io"
            | "discovery.k8s.io"
            | "events.k8s.io"
            | "authorization.k8s.io"
            | "networking.k8s.io"
            | "policy"
            | "rbac.authorization.k8s.io"
            | "resource.k8s.io"
            | "storage.k8s.io",
            _,
        ) => Place::Namespace,
        _ => well_known(kind),
    }
}

/// Returns where objects of the custom kinds that go with Ray live.
fn well_known(kind: &Kind) -> Place {
    match (&*kind.group, &*kind.kind) {
        ("kueue.x-k8s.io", "LocalQueue" | "Workload") | ("ray.io" | "monitoring.coreos.com", _) => Place::Namespace,
        ("cert-manager.io", "ClusterIssuer")
        | ("gateway.networking.k8s.io", "GatewayClass")
        | ("kueue.x-k8s.io" | "machineconfiguration.openshift.io" | "karpenter.sh", _) => Place::Cluster,
        ("cert-manager.io" | "gateway.networking.k8s.io", _) => Place::Namespace,
        _ => Place::Unknown,
    }
}

/// Returns the place of a kind in the order of applying: definitions, what others live in, what others read, what runs,
/// and custom resources last, behind whatever serves them.
pub(crate) fn rank(kind: &Kind) -> usize {
    const ORDER: [&[&str]; 12] = [
        &["CustomResourceDefinition"],
        &["Namespace"],
        &[
            "PriorityClass",
            "RuntimeClass",
            "StorageClass",
            "IngressClass",
            "ResourceQuota",
            "LimitRange",
            "NetworkPolicy",
        ],
        &["ServiceAccount", "ClusterRole", "Role"],
        &["ClusterRoleBinding", "RoleBinding"],
        &["Secret", "ConfigMap", "PersistentVolume", "PersistentVolumeClaim"],
        &["Service"],
        &["DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment", "StatefulSet"],
        &["PodDisruptionBudget", "HorizontalPodAutoscaler"],
        &["Job", "CronJob", "Ingress"],
        &["APIService"],
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
    ];
    if kind.is_custom() {
        return ORDER.len() + 1;
    }
    ORDER.iter().position(|kinds| kinds.contains(&&*kind.kind)).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api_version: &str, kind: &str, expected: Place) {
        assert_eq!(place(&Kind::new(api_version, kind)), expected, "{kind}");
    }

    #[test]
    fn places_of_kinds() {
        check("v1", "Namespace", Place::Cluster);
        check("v1", "ConfigMap", Place::Namespace);
        check("rbac.authorization.k8s.io/v1", "ClusterRole", Place::Cluster);
        check("rbac.authorization.k8s.io/v1", "Role", Place::Namespace);
        check("storage.k8s.io/v1", "StorageClass", Place::Cluster);
        check("storage.k8s.io/v1", "CSIStorageCapacity", Place::Namespace);
        check("kueue.x-k8s.io/v1beta1", "ClusterQueue", Place::Cluster);
        check("kueue.x-k8s.io/v1beta1", "LocalQueue", Place::Namespace);
        check("ray.io/v1", "RayCluster", Place::Namespace);
        check("example.com/v1", "Widget", Place::Unknown);
    }

    #[test]
    fn what_others_need_comes_first() {
        let kinds = [
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            ("v1", "Namespace"),
            ("v1", "ServiceAccount"),
            ("rbac.authorization.k8s.io/v1", "RoleBinding"),
            ("v1", "Secret"),
            ("v1", "Service"),
            ("apps/v1", "Deployment"),
            ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            ("ray.io/v1", "RayCluster"),
        ];
        let ranks: Vec<usize> = kinds.iter().map(|(version, kind)| rank(&Kind::new(version, kind))).collect();
        assert!(ranks.is_sorted_by(|left, right| left < right), "{ranks:?}");
    }
}

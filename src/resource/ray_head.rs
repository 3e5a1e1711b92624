//! `ray_head`: the one head of a Ray cluster, with what it needs around it.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::json;

use super::kit::{Context, ExpandedObject, Expansion, Problem, ResourceType, Target, parse};
use super::names::{DOMAIN, Labels, check_name, default_name, disruption_budget, labels_json, metadata, object};
use super::parts::{collect, join, take, without_nulls};
use super::pods::{self, Environment, Main, PodArguments, Resources, pod_template};
use super::ray::{
    self, AuthArguments, FaultToleranceArguments, Flags, GcsStore, LabelStyle, NetworkPolicyArguments, Node,
    RayArguments, RayVersion, ServiceArguments,
};
use crate::model::{Generated, Json, Object, Severity, UNKNOWN, Value};

/// A whole `ray_head`, as `Reference<RayHead>` means it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RayHead;

impl Target for RayHead {
    const NAME: &'static str = "ray_head";
}

/// What other resources can refer to.
pub(crate) const EXPORTS: &[(&str, &str)] = &[
    ("name", "The name of the Ray cluster; the label `ray.io/cluster` of all its pods."),
    ("namespace", "The namespace of the head and of its pools."),
    ("workload_kind", "`Deployment` or `StatefulSet`."),
    ("workload", "The name of that Deployment or StatefulSet."),
    ("service", "The name of the headless Service."),
    ("host", "The DNS name of the head inside the cluster."),
    ("gcs_address", "`host:port` of the GCS, as `ray start --address` takes it."),
    ("client_url", "The URL for Ray Client, such as `ray://…:10001`."),
    ("dashboard_url", "The URL of the dashboard and of the jobs API inside the cluster."),
    ("serve_url", "The URL of Ray Serve's HTTP proxy inside the cluster."),
    ("metrics_port", "The number of the port `metrics`, which every pod of the cluster has."),
    ("image", "The image of the head, which pools use unless they name another."),
    ("image_pull_policy", "The pull policy of that image, or empty."),
    ("image_pull_secrets", "A list of names of Secrets."),
    ("ray_version", "The Ray version, or empty where the image does not tell it."),
    ("service_account", "The service account of the pods."),
    ("label_style", "`kuberay` (the labels `ray.io/cluster` and so on) or `plain`."),
    ("selector", "A map: the labels that all pods of the cluster have, head and pools."),
    ("head_selector", "A map: the labels that the head's pod alone has."),
    ("fault_tolerant", "Whether the GCS keeps its state outside of the head."),
    ("auth_secret", "The name of the Secret with the auth token, or empty."),
    ("auth_secret_key", "The key of the token in that Secret, or empty."),
    ("template_checksum", "Changes when the head's pod changes; pools follow it where there is no fault tolerance."),
];

/// The one head of a Ray cluster: GCS, dashboard, jobs API, Ray Client.
///
/// It is one pod, recreated rather than rolled: two heads at once would be two clusters.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the Ray cluster. Default: the name of the block.
    name: Option<String>,
    /// The namespace, which is also that of the pools.
    namespace: String,
    /// What keeps the pod: `deployment`, or `stateful_set` for a stricter at-most-one. Default: `deployment`.
    #[serde(default)]
    kind: WorkloadKind,
    /// The labels of the pods. Default: `kuberay`.
    #[serde(default)]
    label_style: LabelStyle,
    /// Keeps the state of the GCS in a Redis, so that running work outlives the head.
    #[schemars(extend("x-block" = true))]
    gcs_fault_tolerance: Option<FaultToleranceArguments>,
    /// A second Service, for people and programs outside of the Ray cluster.
    #[schemars(extend("x-block" = true))]
    service: Option<ServiceArguments>,
    /// Closes the pods of the cluster off, but for each other and what it allows.
    #[schemars(extend("x-block" = true))]
    network_policy: Option<NetworkPolicyArguments>,
    /// Token authentication; Ray 2.52 or later.
    #[schemars(extend("x-block" = true))]
    auth: Option<AuthArguments>,
    /// Whether Ray may send usage statistics. Default: Ray's own, which is yes.
    usage_stats: Option<bool>,
    /// Whether a drain of the node waits for this pod to be moved by hand. Default: true.
    pod_disruption_budget: Option<bool>,
    /// The DNS domain of the Kubernetes cluster. Default: `cluster.local`.
    cluster_domain: Option<String>,
}

/// What keeps the head's pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WorkloadKind {
    #[default]
    Deployment,
    StatefulSet,
}

const GROUP: &str = "headgroup";
const TOKEN_KEY: &str = "auth_token";
/// Token authentication came with this version (CVE-2025-62593).
const FIRST_WITH_AUTH: RayVersion = RayVersion(2, 52, 0);
/// `--redis-username` came with this version.
const FIRST_WITH_REDIS_USER: RayVersion = RayVersion(2, 41, 0);

impl ResourceType for RayHead {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schema(&self) -> Schema {
        join(vec![schema_for!(Arguments), schema_for!(PodArguments), schema_for!(RayArguments)])
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        EXPORTS
    }

    fn example(&self) -> &'static str {
        r#"resource "namespace" "team_a" {
  name = "team-a"
}

resource "redis" "gcs" {
  namespace = namespace.team_a.name

  storage {
    size = "8Gi"
  }
}

resource "ray_head" "main" {
  namespace = namespace.team_a.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = "8Gi"

  env = {
    RAY_scheduler_spread_threshold = "0.0"
  }

  gcs_fault_tolerance {
    redis = redis.gcs
  }

  auth {}

  service {
    type  = "LoadBalancer"
    ports = ["dashboard", "serve"]
  }

  network_policy {
    allow_from {
      namespace = "monitoring"
      ports     = ["metrics"]
    }
  }
}
"#
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut rest = without_nulls(arguments);
        let settings = collect(take::<PodArguments>(&mut rest), take::<RayArguments>(&mut rest));
        let ((pod, ray), arguments) = collect(settings, parse::<Arguments>(rest))?;
        let head = Head::new(arguments, pod, ray, context)?;
        let mut problems = head.check();
        let expansion = head.expansion(&mut problems);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        Ok(Expansion { problems, ..expansion })
    }
}

/// The arguments with all that follows from them.
struct Head {
    name: String,
    arguments: Arguments,
    pod: PodArguments,
    ray: RayArguments,
    has_pools: bool,
    image: String,
    version: Option<RayVersion>,
    store: Option<GcsStore>,
    resources: Resources,
    flags: Flags,
    labels: Labels,
    selector: Labels,
    template: Json,
}

impl Head {
    fn new(
        arguments: Arguments,
        pod: PodArguments,
        ray: RayArguments,
        context: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let Some(image) = pod.image.clone() else {
            let problem =
                Problem::error("", "`ray_head` needs an `image`").hint("write `image = \"rayproject/ray:2.52.0\"`");
            return Err(vec![problem]);
        };
        let version = match &ray.ray_version {
            Some(text) => text.parse().map(Some).map_err(|error| vec![unknown_version(text, &error)])?,
            None => ray::ray_version(&image),
        };
        let store = arguments.gcs_fault_tolerance.as_ref();
        let store = store.map(|block| GcsStore::new(block, &arguments.namespace, &name)).transpose();
        let store = store.map_err(|problem| vec![problem])?;
        // Tasks on the head endanger the GCS, so that a head with pools runs none.
        let has_pools = context
            .referrers
            .iter()
            .any(|referrer| referrer.address.resource_type == "ray_worker_pool" && referrer.attribute == "head");
        let mut labels = pod.labels.clone();
        labels.extend(ray::node_labels(arguments.label_style, &name, "head", GROUP));
        let selector = ray::node_selector(arguments.label_style, &name, "head", GROUP);
        let resources = Resources::of_pod(&pod);
        let mut head = Self {
            name,
            arguments,
            pod,
            ray,
            has_pools,
            image,
            version,
            store,
            resources,
            labels,
            selector,
            flags: Flags::new(),
            template: Json::Null,
        };
        let (flags, command) = ray::start_command(head.derived_flags(), &head.ray);
        head.flags = flags;
        head.template = pod_template(&head.main(command), &head.pod);
        Ok(head)
    }

    fn derived_flags(&self) -> Flags {
        let mut flags = ray::derived_flags(&self.ray, &self.resources, self.has_pools.then_some(0));
        flags.insert("head".to_owned(), None);
        for (name, value) in [
            ("port", ray::GCS.to_string()),
            ("ray-client-server-port", ray::CLIENT.to_string()),
            ("dashboard-port", ray::DASHBOARD.to_string()),
            ("dashboard-host", "0.0.0.0".to_owned()),
        ] {
            flags.insert(name.to_owned(), Some(value));
        }
        flags.extend(self.store.iter().flat_map(GcsStore::flags));
        flags
    }

    fn main(&self, command: Vec<String>) -> Main {
        // An autoscaler of nodes must not move the pod that the cluster hangs on.
        let stay = ("cluster-autoscaler.kubernetes.io/safe-to-evict".to_owned(), "false".to_owned());
        Main {
            // KubeRay's recording rules ask for this name.
            name: "ray-head",
            image: self.image.clone(),
            command,
            ports: ray::head_ports(ray::flag_ports(&self.flags, "metrics-export-port").unwrap_or(ray::METRICS)),
            environment: self.environment(),
            resources: self.resources.clone(),
            probes: ray::head_probes(self.version),
            shared_memory: self.resources.limit_or_request("memory").cloned(),
            service_account: Some(self.service_account()),
            labels: self.labels.clone(),
            selector: self.selector.clone(),
            annotations: Labels::from([stay]),
            termination_grace_period_seconds: 60,
            ..Main::default()
        }
    }

    fn environment(&self) -> Environment {
        let mut environment = ray::common_environment(&self.name, &self.arguments.namespace, GROUP, "127.0.0.1");
        if let Some(store) = &self.store {
            store.set(&mut environment);
        }
        if let Some((secret, key)) = self.auth() {
            ray::authenticate(&mut environment, &secret, &key, self.version);
        }
        if let Some(may_send) = self.arguments.usage_stats {
            environment.set("RAY_USAGE_STATS_ENABLED", if may_send { "1" } else { "0" });
        }
        environment
    }

    /// Returns the Secret and the key with the auth token.
    fn auth(&self) -> Option<(String, String)> {
        let auth = self.arguments.auth.as_ref()?;
        let secret = auth.secret.clone().unwrap_or_else(|| format!("{}-auth", self.name));
        let key = auth.key.clone().filter(|_| auth.secret.is_some());
        Some((secret, key.unwrap_or_else(|| TOKEN_KEY.to_owned())))
    }

    fn service_account(&self) -> String {
        self.pod.service_account.clone().unwrap_or_else(|| format!("{}-ray", self.name))
    }

    fn service(&self) -> String {
        format!("{}-head-svc", self.name)
    }

    fn workload(&self) -> String {
        format!("{}-head", self.name)
    }

    fn host(&self) -> String {
        let domain = self.arguments.cluster_domain.as_deref().unwrap_or("cluster.local");
        format!("{}.{}.svc.{domain}", self.service(), self.arguments.namespace)
    }

    fn metadata(&self, name: &str) -> Json {
        metadata(name, &self.arguments.namespace, &self.labels)
    }

    fn node(&self) -> Node<'_> {
        Node {
            is_head: true,
            pod: &self.pod,
            ray: &self.ray,
            resources: &self.resources,
            flags: &self.flags,
            image: &self.image,
            version: self.version,
            is_fault_tolerant: self.store.is_some(),
            template: &self.template,
        }
    }

    fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_name("name", &self.name, 45).into_iter().collect();
        problems.extend(pods::check(&self.pod));
        problems.extend(ray::check_environment(&self.pod));
        problems.extend(ray::check_node(&self.node()));
        problems.extend(self.check_pools());
        problems.extend(self.check_versions());
        if self.store.is_none() {
            let message = "without `gcs_fault_tolerance` losing the head is losing the cluster with all its work";
            problems.push(Problem::info("", message).code("RF304"));
        }
        if self.arguments.auth.is_none() {
            let message = "there is no authentication: whoever reaches the head can run any code";
            problems.push(Problem::info("", message).code("RF602").hint("add `auth {}` (Ray 2.52 or later)"));
        }
        if self.arguments.pod_disruption_budget == Some(false) {
            let message = "without a budget a drain of its node takes the head away at once";
            problems.push(Problem::warning("pod_disruption_budget", message).code("RF317"));
        }
        problems
    }

    fn check_pools(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let cpus = self.flags.get("num-cpus").and_then(|value| value.as_deref());
        if self.has_pools && cpus.is_some_and(|cpus| cpus != "0") {
            let message = "the head runs tasks beside its pools: they may take what the GCS needs";
            problems
                .push(Problem::info("num_cpus", message).code("RF113").hint("leave it out: a head with pools has 0"));
        }
        if self.has_pools && self.pod.gpu.is_some_and(|count| count > 0) {
            let message = "a GPU on a head that has pools is idle most of the time";
            problems.push(Problem::warning("gpu", message).code("RF114").hint("give GPUs to a pool"));
        }
        problems
    }

    fn check_versions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let Some(version) = self.version else { return problems };
        if self.arguments.auth.is_some() && version < FIRST_WITH_AUTH {
            let message = format!("Ray {version} has no token authentication; it came with {FIRST_WITH_AUTH}");
            problems.push(Problem::error("auth", message).code("RF414"));
        }
        if self.store.as_ref().is_some_and(|store| store.username.is_some()) && version < FIRST_WITH_REDIS_USER {
            let message = format!("Ray {version} knows no Redis user; it came with {FIRST_WITH_REDIS_USER}");
            problems.push(Problem::error("gcs_fault_tolerance/username", message).code("RF314"));
        }
        problems
    }

    fn expansion(&self, problems: &mut Vec<Problem>) -> Expansion {
        if problems.iter().any(|problem| problem.argument == "name" && problem.severity == Severity::Error) {
            return Expansion::default();
        }
        let mut objects: Vec<ExpandedObject> = self.service_account_object().into_iter().collect();
        objects.extend(self.auth_secret());
        objects.push(ray::head_service(&self.metadata(&self.service()), &self.selector, &self.ports()));
        objects.extend(made_or_problem(ray_access(self), problems));
        objects.extend(made_or_problem(ray_policy(self), problems));
        objects.push(self.workload_object());
        if self.arguments.pod_disruption_budget.unwrap_or(true) {
            let meta = self.metadata(&self.workload());
            objects.push(disruption_budget(&meta, &self.selector, ("minAvailable", &json!(1))));
        }
        Expansion {
            objects,
            exports: self.exports(),
            on_restart: Some(self.on_restart()),
            on_delete: Some(self.on_delete()),
            before_delete: self.cleanup().into_iter().collect(),
            ..Expansion::default()
        }
    }

    fn ports(&self) -> Vec<(&'static str, u16)> {
        ray::head_ports(ray::flag_ports(&self.flags, "metrics-export-port").unwrap_or(ray::METRICS))
    }

    /// Ray asks nothing of the Kubernetes API: its pods get no token.
    fn service_account_object(&self) -> Option<ExpandedObject> {
        let json = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": self.metadata(&self.service_account()),
            "automountServiceAccountToken": false,
        });
        self.pod.service_account.is_none().then(|| object(json))
    }

    fn auth_secret(&self) -> Option<ExpandedObject> {
        let auth = self.arguments.auth.as_ref()?;
        if auth.secret.is_some() {
            return None;
        }
        let mut secret = object(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self.metadata(&format!("{}-auth", self.name)),
            "type": "Opaque",
        }));
        secret.generated.insert(format!("/data/{TOKEN_KEY}"), Generated { length: 48 });
        Some(secret)
    }

    fn workload_object(&self) -> ExpandedObject {
        let mut spec = json!({
            "replicas": 1,
            "selector": { "matchLabels": labels_json(&self.selector) },
            "template": self.template,
        });
        match self.arguments.kind {
            WorkloadKind::Deployment => {
                // Only one GCS may be alive: https://docs.ray.io/en/latest/ray-core/fault_tolerance/gcs.html
                spec["strategy"] = json!({ "type": "Recreate" });
                spec["progressDeadlineSeconds"] = json!(1800);
            }
            WorkloadKind::StatefulSet => {
                spec["serviceName"] = Json::from(self.service());
                spec["podManagementPolicy"] = json!("OrderedReady");
                spec["updateStrategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } });
            }
        }
        let meta = self.metadata(&self.workload());
        object(json!({ "apiVersion": "apps/v1", "kind": self.kind(), "metadata": meta, "spec": spec }))
    }

    fn kind(&self) -> &'static str {
        match self.arguments.kind {
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::StatefulSet => "StatefulSet",
        }
    }

    fn cleanup(&self) -> Option<Object> {
        let store = self.store.as_ref().filter(|store| store.is_cleaned)?;
        let labels = ray::node_labels(self.arguments.label_style, &self.name, "redis-cleanup", "redis-cleanup");
        let account = self.service_account();
        Some(ray::cleanup_job(store, (&self.name, &self.arguments.namespace), &self.image, &labels, Some(&account)))
    }

    fn on_restart(&self) -> String {
        match &self.store {
            Some(_) => {
                "restarts the head: running tasks go on, but no actor, job or placement group starts until it is back"
                    .to_owned()
            }
            None => "restarts the head: running jobs are lost, there is no GCS fault tolerance".to_owned(),
        }
    }

    fn on_delete(&self) -> String {
        let kept = match &self.store {
            Some(store) if !store.is_cleaned => format!("; its state stays in Redis as `{}`", store.storage_namespace),
            _ => String::new(),
        };
        format!("ends the Ray cluster `{}` with every running job{kept}", self.name)
    }

    fn exports(&self) -> BTreeMap<String, Value> {
        let host = self.host();
        let (auth_secret, auth_key) = self.auth().unwrap_or_default();
        let metrics = ray::flag_ports(&self.flags, "metrics-export-port").unwrap_or(ray::METRICS);
        let version = self.version.map(|version| version.to_string()).unwrap_or_default();
        let cluster = ray::cluster_labels(self.arguments.label_style, &self.name);
        let secrets = self.pod.image_pull_secrets.iter().map(Value::string).collect();
        let policy = self.pod.image_pull_policy.map(pods::PullPolicy::text).unwrap_or_default();
        let text = |value: &str| Value::string(value);
        [
            ("name", text(&self.name)),
            ("namespace", text(&self.arguments.namespace)),
            ("workload_kind", text(self.kind())),
            ("workload", text(&self.workload())),
            ("service", text(&self.service())),
            ("gcs_address", text(&format!("{host}:{}", ray::GCS))),
            ("client_url", text(&format!("ray://{host}:{}", ray::CLIENT))),
            ("dashboard_url", text(&format!("http://{host}:{}", ray::DASHBOARD))),
            ("serve_url", text(&format!("http://{host}:{}", ray::SERVE))),
            ("host", text(&host)),
            ("metrics_port", Value::Number(i64::from(metrics).into())),
            ("image", text(&self.image)),
            ("image_pull_policy", text(policy)),
            ("image_pull_secrets", Value::list(secrets)),
            ("ray_version", text(&version)),
            ("service_account", text(&self.service_account())),
            ("label_style", text(self.arguments.label_style.text())),
            ("selector", labels_value(&cluster)),
            ("head_selector", labels_value(&self.selector)),
            ("fault_tolerant", Value::Bool(self.store.is_some())),
            ("auth_secret", text(&auth_secret)),
            ("auth_secret_key", text(&auth_key)),
            ("template_checksum", checksum(&self.template)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

/// Returns what was made; a problem instead joins the others.
fn made_or_problem(
    made: Option<Result<ExpandedObject, Problem>>,
    problems: &mut Vec<Problem>,
) -> Option<ExpandedObject> {
    match made? {
        Ok(object) => Some(object),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn ray_access(head: &Head) -> Option<Result<ExpandedObject, Problem>> {
    let service = head.arguments.service.as_ref()?;
    let name = format!("{}-head-access", head.name);
    let place = (name.as_str(), head.arguments.namespace.as_str(), &head.labels);
    Some(ray::access_service(service, place, &head.selector, &head.ports(), head.arguments.auth.is_some()))
}

fn ray_policy(head: &Head) -> Option<Result<ExpandedObject, Problem>> {
    let policy = head.arguments.network_policy.as_ref()?;
    let cluster = ray::cluster_labels(head.arguments.label_style, &head.name);
    let meta = head.metadata(&format!("{}-ray", head.name));
    Some(ray::network_policy(policy, &meta, &cluster, &head.ports(), head.store.as_ref()))
}

/// Returns a mistake in `ray_version`.
pub(super) fn unknown_version(text: &str, error: &impl ToString) -> Problem {
    let hint = if text.contains(UNKNOWN) { "it must be known before the apply" } else { "write three numbers" };
    Problem::error("ray_version", error.to_string()).hint(hint)
}

/// Returns labels as a value of the language.
pub(super) fn labels_value(labels: &Labels) -> Value {
    Value::map(labels.iter().map(|(name, value)| (name, Value::string(value))))
}

/// Returns a short checksum of a pod template, unknown where the template is.
fn checksum(template: &Json) -> Value {
    let text = template.to_string();
    if text.contains(UNKNOWN) { Value::Unknown } else { Value::string(super::names::digest(&text)) }
}

/// The annotation that makes workers follow their head.
pub(super) fn head_checksum_annotation() -> String {
    format!("{DOMAIN}/head-checksum")
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests read better with literals as arguments")]
mod tests {
    use snapbox::{assert_data_eq, file};

    use super::*;
    use crate::resource::testing::{codes, errors, expand, expand_named, reference, yaml};

    fn redis() -> Json {
        let expansion = expand_named("redis", "gcs", json!({"namespace": "team-a", "storage": {"size": 1}}), &[]);
        reference("redis", "gcs", &expansion.unwrap())
    }

    fn with(more: Json) -> Json {
        let mut arguments = json!({"namespace": "team-a", "image": "rayproject/ray:2.53.0", "cpu": 2, "memory": "8Gi"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    }

    #[track_caller]
    fn check(more: Json, expected: &[&str]) {
        let quiet = ["RF304", "RF602"];
        let found = codes(&expand("ray_head", with(more)));
        let found: Vec<_> = found.iter().filter(|code| !quiet.iter().any(|quiet| code.starts_with(quiet))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn its_objects() {
        let arguments = with(json!({
            "gcs_fault_tolerance": {"redis": redis()},
            "auth": {},
            "service": {"type": "LoadBalancer", "ports": ["dashboard", "serve"]},
            "network_policy": {"allow_from": [{"namespace": "monitoring", "ports": ["metrics"]}], "restrict_egress": true},
            "env": {"RAY_scheduler_spread_threshold": 0.0},
        }));
        let expansion = expand_named("ray_head", "main", arguments, &[("ray_worker_pool", "head")]).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/ray_head.yaml"]);
    }

    #[test]
    fn the_smallest_head() {
        let expansion = expand("ray_head", with(json!({"image": "rayproject/ray:2.9.3"}))).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/ray_head_small.yaml"]);
    }

    #[test]
    fn exports_are_as_declared() {
        let expansion = expand("ray_head", with(json!({}))).unwrap();
        let declared: Vec<_> =
            EXPORTS.iter().map(|(name, _)| *name).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        assert_eq!(expansion.exports.keys().map(String::as_str).collect::<Vec<_>>(), declared);
        let url = &expansion.exports["dashboard_url"];
        assert_eq!(*url, Value::string("http://main-head-svc.team-a.svc.cluster.local:8265"));
    }

    #[test]
    fn a_restart_costs_what_it_costs() {
        let small = expand("ray_head", with(json!({}))).unwrap();
        assert_eq!(
            small.on_restart.unwrap(),
            "restarts the head: running jobs are lost, there is no GCS fault tolerance"
        );
        let tolerant = expand("ray_head", with(json!({"gcs_fault_tolerance": {"redis": redis()}}))).unwrap();
        assert!(tolerant.on_restart.unwrap().starts_with("restarts the head: running tasks go on"));
        assert_eq!(tolerant.before_delete.len(), 1);
    }

    #[test]
    fn a_stateful_set_names_its_service() {
        let expansion = expand("ray_head", with(json!({"kind": "stateful_set"}))).unwrap();
        let set = expansion.objects.iter().find(|object| object.object.kind_name() == "StatefulSet").unwrap();
        assert_eq!(set.object.text("/spec/serviceName"), Some("main-head-svc"));
        assert_eq!(set.object.pointer("/spec/strategy"), None);
    }

    #[test]
    fn sizes_are_checked() {
        check(json!({"memory": "1Gi"}), &["RF101 memory"]);
        check(json!({"memory": "4Gi"}), &["RF102 memory"]);
        check(json!({"cpu": "1500m"}), &["RF105 cpu"]);
        check(json!({"num_cpus": 4}), &["RF110 num_cpus"]);
        check(json!({"resources": {"requests": {"memory": "4Gi", "cpu": 1}}}), &["RF103 resources", "RF104 resources"]);
        check(json!({"num_gpus": 1}), &["RF111 num_gpus"]);
        check(json!({"gpu": 1}), &["RF701 gpu"]);
    }

    #[test]
    fn object_stores_are_checked() {
        check(json!({"object_store_memory": "9Gi"}), &["RF203 object_store_memory"]);
        check(
            json!({"object_store_memory": "12Gi", "memory": "64Gi", "shared_memory": "11Gi"}),
            &["RF202 object_store_memory"],
        );
        check(json!({"shared_memory": 0}), &["RF201 shared_memory"]);
        check(json!({"shared_memory": "65Gi", "memory": "64Gi"}), &["RF210 shared_memory"]);
        check(json!({"shared_memory": "64Gi", "memory": "64Gi"}), &[]);
        check(json!({"ray_start_params": {"memory": "4Gi"}}), &["RF107 ray_start_params/memory"]);
        check(
            json!({"ray_start_params": {"plasma-directory": "/plasma"}}),
            &["RF205 ray_start_params/plasma-directory"],
        );
        let claim = json!({
            "volume": [{"name": "tmp", "persistent_volume_claim": "x"}],
            "volume_mount": [{"name": "tmp", "mount_path": "/tmp/ray"}],
        });
        check(claim, &["RF208 volume_mount/0/mount_path"]);
    }

    #[test]
    fn versions_are_checked() {
        check(json!({"image": "rayproject/ray:2.20.0"}), &["RF405 image"]);
        check(json!({"image": "rayproject/ray"}), &["RF412 image"]);
        check(json!({"image_pull_policy": "Always"}), &["RF412 image_pull_policy"]);
        check(json!({"image": "rayproject/ray:2.51.0", "auth": {}}), &["RF414 auth"]);
        let tolerance = json!({"address": "redis:6379", "username": "ray"});
        check(
            json!({"image": "rayproject/ray:2.40.0", "gcs_fault_tolerance": tolerance}),
            &["RF314 gcs_fault_tolerance/username"],
        );
    }

    #[test]
    fn exposure_is_checked() {
        check(json!({"service": {"type": "NodePort"}}), &["RF601 service/type"]);
        check(json!({"service": {"type": "NodePort", "allow_unauthenticated_exposure": true}}), &[]);
        check(json!({"service": {"type": "NodePort", "ports": ["serve"]}}), &[]);
        check(json!({"service": {"type": "NodePort"}, "auth": {}}), &[]);
    }

    #[test]
    fn lives_are_checked() {
        check(json!({"pod_disruption_budget": false}), &["RF317 pod_disruption_budget"]);
        check(json!({"toleration": [{"key": "node.kubernetes.io/unreachable"}]}), &["RF319 toleration/0"]);
        check(json!({"termination_grace_period_seconds": 20}), &["RF705 termination_grace_period_seconds"]);
        check(
            json!({"liveness_probe": {"http_get": {"path": "/healthz", "port": 8080}}}),
            &["RF708 liveness_probe/http_get"],
        );
        check(json!({"node_selector": {"kubernetes.io/instance-type": "x"}}), &["RF702 node_selector"]);
        let hook = json!({"pre_stop": {"exec": {"command": ["/bin/sh", "-c", "ray stop"]}}});
        check(json!({"lifecycle_hooks": hook}), &["RF704 lifecycle_hooks"]);
    }

    #[test]
    fn ports_are_checked() {
        check(json!({"sidecar": [{"name": "x", "ports": {"http": 8080}}]}), &["RF609 sidecar/0/ports/http"]);
        check(json!({"ray_start_params": {"min-worker-port": 10000}}), &["RF609 ray_start_params"]);
        check(json!({"ray_start_params": {"metrics-export-port": 0}}), &["RF951 ray_start_params/metrics-export-port"]);
    }

    #[test]
    fn variables_are_checked() {
        check(json!({"env": {"RAY_SCHEDULER_SPREAD_THRESHOLD": "0.0"}}), &["RF610 env/RAY_SCHEDULER_SPREAD_THRESHOLD"]);
        check(json!({"env": {"RAY_GRAFANA_HOST": "grafana:3000"}}), &["RF617 env/RAY_GRAFANA_HOST"]);
        check(json!({"env": {"REDIS_PASSWORD": "123456"}}), &["RF310 env/REDIS_PASSWORD"]);
    }

    #[test]
    fn heads_with_pools_run_no_tasks() {
        let pools = [("ray_worker_pool", "head")];
        let result =
            expand_named("ray_head", "main", with(json!({"num_cpus": 1, "gpu": 1, "toleration": [{}]})), &pools);
        let codes = codes(&result);
        assert!(codes.contains(&"RF113 num_cpus".to_owned()) && codes.contains(&"RF114 gpu".to_owned()), "{codes:?}");
        let expansion = expand_named("ray_head", "main", with(json!({})), &pools).unwrap();
        assert!(yaml(&expansion).contains("--num-cpus=0 "));
    }

    #[test]
    fn mistakes_name_their_argument() {
        let check = |more: Json, expected: &str| assert_eq!(errors(&expand("ray_head", with(more))), [expected]);
        check(json!({"image": null}), ": `ray_head` needs an `image`");
        check(
            json!({"gcs_fault_tolerance": {}}),
            "gcs_fault_tolerance: `gcs_fault_tolerance` needs `redis` or `address`",
        );
        check(json!({"service": {"ports": ["http"]}}), "service/ports/0: the head has no port `http`");
        check(
            json!({"volume_mount": [{"name": "x", "mount_path": "/x"}]}),
            "volume_mount/0/name: there is no volume `x`",
        );
        check(json!({"volume": [{"name": "x"}]}), "volume/0: volume `x` needs exactly one source");
        check(json!({"env_value": [{"name": "X", "secret": "s"}]}), "env_value/0: `X` needs the `key` to read");
        check(json!({"ray_version": "2.5"}), "ray_version: `2.5` is not a Ray version such as `2.52.0`");
        check(
            json!({"resources": {"requests": {"cpu": 4}}}),
            "resources: the request of `cpu` (4) is above its limit (2)",
        );
        check(
            json!({"cpus": 1}),
            "cpus: unknown field `cpus`, expected one of `name`, `namespace`, `kind`, `label_style`, `gcs_fault_tolerance`, `service`, `network_policy`, `auth`, `usage_stats`, `pod_disruption_budget`, `cluster_domain`",
        );
        let foreign = json!({"$type": "ray_head", "$address": "ray_head.x"});
        check(
            json!({"gcs_fault_tolerance": {"redis": foreign}}),
            "gcs_fault_tolerance/redis: expected a `redis`, found a `ray_head`",
        );
    }

    #[test]
    fn unknown_texts_are_never_a_mistake() {
        let unknown = json!({
            "image": UNKNOWN, "namespace": UNKNOWN, "memory": UNKNOWN, "name": UNKNOWN,
            "gcs_fault_tolerance": {"address": format!("{UNKNOWN}:6379")},
        });
        let expansion = expand("ray_head", with(unknown)).unwrap();
        assert_eq!(expansion.exports["template_checksum"], Value::Unknown);
    }

    #[test]
    fn a_patch_is_merged_last() {
        let patch =
            json!({"host_network": true, "containers": [{"name": "ray-head", "env": [{"name": "X", "value": "1"}]}]});
        let expansion = expand("ray_head", with(json!({"pod_patch": patch}))).unwrap();
        let workload = expansion.objects.iter().find(|object| object.object.kind_name() == "Deployment").unwrap();
        let spec = workload.object.pointer("/spec/template/spec").unwrap();
        assert_eq!(spec["hostNetwork"], json!(true));
        assert_eq!(spec["containers"].as_array().unwrap().len(), 1);
        assert!(spec["containers"][0]["env"].as_array().unwrap().contains(&json!({"name": "X", "value": "1"})));
    }
}

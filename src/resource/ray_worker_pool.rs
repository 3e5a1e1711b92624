//! `ray_worker_pool`: a Deployment of Ray workers that join one head.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::json;

use super::arguments::{CountOrPercent, QuantityArgument};
use super::kit::{Context, ExpandedObject, Expansion, Problem, Reference, ResourceType, Target, parse};
use super::names::{Labels, check_name, default_name, disruption_budget, labels_json, metadata, object};
use super::parts::{collect, join, take, without_nulls};
use super::pods::{self, Environment, Main, PodArguments, PullPolicy, Resources, pod_template};
use super::ray::{self, Flags, LabelStyle, Node, RECONNECT_SECONDS, RayArguments, RayVersion};
use super::ray_head::{RayHead, head_checksum_annotation, labels_value, unknown_version};
use crate::model::{Json, Severity, UNKNOWN, Value};

/// A whole `ray_worker_pool`, as `Reference<RayWorkerPool>` means it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RayWorkerPool;

impl Target for RayWorkerPool {
    const NAME: &'static str = "ray_worker_pool";
}

/// What other resources can refer to.
pub(crate) const EXPORTS: &[(&str, &str)] = &[
    ("name", "The name of the pool; the label `ray.io/group` of its pods."),
    ("namespace", "The namespace, which is the head's."),
    ("cluster", "The name of the Ray cluster, which is the head's."),
    ("workload_kind", "`Deployment`."),
    ("workload", "The name of the Deployment."),
    ("container", "The name of the Ray container."),
    ("replicas", "How many workers there are to be; null where an autoscaler decides."),
    ("metrics_port", "The number of the port `metrics`."),
    ("image", "The image of the workers."),
    ("ray_version", "The Ray version, or empty where the image does not tell it."),
    ("selector", "A map: the labels that the pods of this pool, and no others, have."),
    ("requests", "A map: what one pod requests, as canonical quantities (`cpu`, `memory`, …)."),
];

/// Ray workers of one kind, which join a head.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The head that the workers join.
    head: Reference<RayHead>,
    /// The name of the pool. Default: the name of the block.
    name: Option<String>,
    /// How many workers. Default: 1; left to the autoscaler where one refers to the pool.
    replicas: Option<u32>,
    /// How the workers are replaced when they change.
    #[schemars(extend("x-block" = true))]
    rolling_update: Option<RollingUpdateArguments>,
    /// The container that waits for the GCS before Ray starts.
    #[schemars(extend("x-block" = true))]
    wait_for_gcs: Option<WaitArguments>,
    /// How many workers a drain of nodes may take away at once. Default: 1; `"100%"` for all.
    max_unavailable: Option<CountOrPercent>,
}

/// How the workers are replaced when they change.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct RollingUpdateArguments {
    /// How many more there may be meanwhile. Default: `"25%"`, 0 for pools with GPUs.
    max_surge: Option<CountOrPercent>,
    /// How many fewer there may be meanwhile. Default: 0, 1 for pools with GPUs.
    max_unavailable: Option<CountOrPercent>,
}

/// The container that waits for the GCS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct WaitArguments {
    /// False leaves it out.
    enabled: Option<bool>,
    /// CPU. Default: that of the worker; Kubernetes counts only the larger of the two.
    cpu: Option<QuantityArgument>,
    /// Memory. Default: that of the worker.
    memory: Option<QuantityArgument>,
}

/// Says nothing of itself for two minutes but the time, then shows what Ray answers.
const WAIT: &str = "\
begun=$SECONDS
until ray health-check --address \"$RAY_ADDRESS\" >/tmp/health-check 2>&1; do
  waited=$((SECONDS - begun))
  echo \"waiting for the GCS at $RAY_ADDRESS: $waited s\"
  if [ \"$waited\" -ge 120 ]; then cat /tmp/health-check; fi
  sleep 5
done
";

impl ResourceType for RayWorkerPool {
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

resource "ray_head" "main" {
  namespace = namespace.team_a.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = "8Gi"
}

resource "ray_worker_pool" "cpu" {
  head     = ray_head.main
  replicas = 2
  cpu      = 4
  memory   = "16Gi"

  topology_spread_constraint {
    topology_key = "topology.kubernetes.io/zone"
  }
}

resource "ray_worker_pool" "gpu" {
  head             = ray_head.main
  cpu              = 8
  memory           = "64Gi"
  gpu              = 1
  custom_resources = { a100 = 1 }

  toleration {
    key    = "nvidia.com/gpu"
    effect = "NoSchedule"
  }

  volume "scratch" {
    ephemeral {
      size = "100Gi"
    }
  }

  volume_mount {
    name       = "scratch"
    mount_path = "/scratch"
  }
}
"#
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut rest = without_nulls(arguments);
        let settings = collect(take::<PodArguments>(&mut rest), take::<RayArguments>(&mut rest));
        let ((pod, ray), arguments) = collect(settings, parse::<Arguments>(rest))?;
        let pool = Pool::new(arguments, pod, ray, context)?;
        let problems = pool.check();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        Ok(Expansion { problems, ..pool.expansion() })
    }
}

/// The arguments with all that follows from them.
struct Pool {
    name: String,
    arguments: Arguments,
    pod: PodArguments,
    ray: RayArguments,
    is_autoscaled: bool,
    image: String,
    version: Option<RayVersion>,
    resources: Resources,
    flags: Flags,
    labels: Labels,
    selector: Labels,
    template: Json,
}

impl Pool {
    fn new(
        arguments: Arguments,
        pod: PodArguments,
        ray: RayArguments,
        context: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let head = &arguments.head;
        let image = pod.image.clone().unwrap_or_else(|| head.text("image").to_owned());
        let version = match &ray.ray_version {
            Some(text) => text.parse().map(Some).map_err(|error| vec![unknown_version(text, &error)])?,
            // The head may say what its image does not.
            None if image == head.text("image") => head.text("ray_version").parse().ok(),
            None => ray::ray_version(&image),
        };
        let is_autoscaled = context.referrers.iter().any(|referrer| {
            referrer.address.resource_type == "horizontal_pod_autoscaler" && referrer.attribute == "target"
        });
        let style = LabelStyle::from_text(head.text("label_style"));
        let cluster = head.text("name");
        let mut labels = pod.labels.clone();
        labels.extend(ray::node_labels(style, cluster, "worker", &name));
        let selector = ray::node_selector(style, cluster, "worker", &name);
        let resources = Resources::of_pod(&pod);
        let mut pool = Self {
            name,
            arguments,
            pod,
            ray,
            is_autoscaled,
            image,
            version,
            resources,
            labels,
            selector,
            flags: Flags::new(),
            template: Json::Null,
        };
        let (flags, command) = ray::start_command(pool.derived_flags(), &pool.ray);
        pool.flags = flags;
        pool.template = pod_template(&pool.main(command), &pool.pod);
        Ok(pool)
    }

    fn cluster(&self) -> &str {
        self.arguments.head.text("name")
    }

    fn namespace(&self) -> &str {
        self.arguments.head.text("namespace")
    }

    fn is_fault_tolerant(&self) -> bool {
        self.arguments.head.exports.get("fault_tolerant").and_then(Json::as_bool).unwrap_or(false)
    }

    fn has_gpus(&self) -> bool {
        self.resources.limits.keys().any(|name| ray::is_accelerator(name))
    }

    fn workload(&self) -> String {
        format!("{}-worker-{}", self.cluster(), self.name)
    }

    fn metadata(&self, name: &str) -> Json {
        metadata(name, self.namespace(), &self.labels)
    }

    fn derived_flags(&self) -> Flags {
        let mut flags = ray::derived_flags(&self.ray, &self.resources, None);
        flags.insert("address".to_owned(), Some(self.arguments.head.text("gcs_address").to_owned()));
        flags
    }

    fn metrics_port(&self) -> u16 {
        ray::flag_ports(&self.flags, "metrics-export-port").unwrap_or(ray::METRICS)
    }

    fn main(&self, command: Vec<String>) -> Main {
        let head = &self.arguments.head;
        let secrets = head.exports.get("image_pull_secrets").and_then(Json::as_array).into_iter().flatten();
        let environment = self.environment();
        Main {
            name: "ray-worker",
            image: self.image.clone(),
            command,
            ports: ray::worker_ports(self.metrics_port()),
            init_containers: self.waiting_container(&environment).into_iter().collect(),
            environment,
            resources: self.resources.clone(),
            probes: ray::worker_probes(self.version),
            shared_memory: self.resources.limit_or_request("memory").cloned(),
            service_account: Some(head.text("service_account").to_owned()),
            image_pull_policy: PullPolicy::from_text(head.text("image_pull_policy")),
            image_pull_secrets: secrets.filter_map(Json::as_str).map(str::to_owned).collect(),
            labels: self.labels.clone(),
            selector: self.selector.clone(),
            annotations: self.annotations(),
            termination_grace_period_seconds: 60,
            ..Main::default()
        }
    }

    /// Without fault tolerance workers cannot go on with another head: they are replaced when it is.
    fn annotations(&self) -> Labels {
        let mut annotations = Labels::new();
        if !self.is_fault_tolerant() {
            annotations.insert(head_checksum_annotation(), self.arguments.head.text("template_checksum").to_owned());
        }
        annotations
    }

    fn environment(&self) -> Environment {
        let head = &self.arguments.head;
        let mut environment = ray::common_environment(self.cluster(), self.namespace(), &self.name, head.text("host"));
        environment.set("FQ_RAY_IP", head.text("host"));
        if self.is_fault_tolerant() {
            environment.set("RAY_gcs_rpc_server_reconnect_timeout_s", RECONNECT_SECONDS.to_string());
        }
        let secret = head.text("auth_secret");
        if !secret.is_empty() {
            ray::authenticate(&mut environment, secret, head.text("auth_secret_key"), self.version);
        }
        environment
    }

    fn waiting_container(&self, environment: &Environment) -> Option<Json> {
        let wait = self.arguments.wait_for_gcs.clone().unwrap_or_default();
        if wait.enabled == Some(false) {
            return None;
        }
        let mut environment = environment.clone();
        environment.overlay(&self.pod.env, &self.pod.env_value);
        let mut resources = Resources::default();
        for (name, own) in [("cpu", &wait.cpu), ("memory", &wait.memory)] {
            match (own, self.resources.requests.get(name), self.resources.limits.get(name)) {
                (Some(_), _, _) => resources.set_both(name, own.as_ref()),
                (None, request, limit) => {
                    resources.requests.extend(request.map(|request| (name.to_owned(), request.clone())));
                    resources.limits.extend(limit.map(|limit| (name.to_owned(), limit.clone())));
                }
            }
        }
        Some(pods::init_container(
            "wait-for-gcs",
            &self.image,
            &["/bin/bash", "-c", "--", WAIT],
            &environment,
            &resources,
            &self.pod,
        ))
    }

    fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_name("name", &self.name, 30).into_iter().collect();
        if problems.is_empty() {
            problems.extend(check_name("name", &self.workload(), 58));
        }
        problems.extend(pods::check(&self.pod));
        problems.extend(ray::check_environment(&self.pod));
        problems.extend(ray::check_node(&Node {
            is_head: false,
            pod: &self.pod,
            ray: &self.ray,
            resources: &self.resources,
            flags: &self.flags,
            image: &self.image,
            version: self.version,
            is_fault_tolerant: self.is_fault_tolerant(),
            template: &self.template,
        }));
        problems.extend(self.check_versions());
        if self.is_autoscaled && self.arguments.replicas.is_some() {
            let message = "an autoscaler decides how many workers there are; every apply would set them back";
            problems.push(Problem::error("replicas", message).code("RF503").hint("leave `replicas` out"));
        }
        if self.arguments.wait_for_gcs.as_ref().is_some_and(|wait| wait.enabled == Some(false)) {
            let message = "workers that start before their head fail and are started again, later and later";
            problems.push(Problem::warning("wait_for_gcs/enabled", message).code("RF706"));
        }
        problems
    }

    /// Nodes of different Ray or Python versions refuse to join.
    fn check_versions(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let head = &self.arguments.head;
        let argument = if self.ray.ray_version.is_some() { "ray_version" } else { "image" };
        if let (Some(own), Ok(theirs)) = (self.version, head.text("ray_version").parse::<RayVersion>())
            && own != theirs
        {
            let message = format!("the workers have Ray {own}, their head has {theirs}: they would not join");
            problems
                .push(Problem::error(argument, message).code("RF401").hint("leave `image` out, and it is the head's"));
        }
        if let (Some(own), Some(theirs)) = (ray::python_tag(&self.image), ray::python_tag(head.text("image")))
            && own != theirs
        {
            let message = format!("the workers have Python `{own}`, their head has `{theirs}`: tasks would fail");
            problems.push(Problem::error("image", message).code("RF402"));
        }
        problems
    }

    fn expansion(&self) -> Expansion {
        let budget = self.arguments.max_unavailable.as_ref().map_or_else(|| json!(1), |limit| limit.0.clone());
        let budget = disruption_budget(&self.metadata(&self.workload()), &self.selector, ("maxUnavailable", &budget));
        let name = &self.name;
        Expansion {
            objects: vec![self.deployment(), budget],
            exports: self.exports(),
            on_restart: Some(format!(
                "replaces the workers of `{name}`: tasks and actors that run on them are lost or tried again"
            )),
            on_delete: Some(format!(
                "removes the workers of `{name}`: tasks and actors that run on them are lost or tried again"
            )),
            ..Expansion::default()
        }
    }

    fn deployment(&self) -> ExpandedObject {
        let rolling = self.arguments.rolling_update.clone().unwrap_or_default();
        // A pool with GPUs has no spare ones to surge into.
        let (surge, unavailable) = if self.has_gpus() { (json!(0), json!(1)) } else { (json!("25%"), json!(0)) };
        let mut spec = json!({
            "selector": { "matchLabels": labels_json(&self.selector) },
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {
                    "maxSurge": rolling.max_surge.map_or(surge, |count| count.0),
                    "maxUnavailable": rolling.max_unavailable.map_or(unavailable, |count| count.0),
                },
            },
            "progressDeadlineSeconds": 1800,
            "template": self.template,
        });
        if !self.is_autoscaled {
            spec["replicas"] = Json::from(self.arguments.replicas.unwrap_or(1));
        }
        let meta = self.metadata(&self.workload());
        object(json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec }))
    }

    fn exports(&self) -> BTreeMap<String, Value> {
        let count = i64::from(self.arguments.replicas.unwrap_or(1));
        let replicas = if self.is_autoscaled { Value::Null } else { Value::Number(count.into()) };
        let request = |(name, amount): (&String, &QuantityArgument)| {
            let amount = amount.to_json();
            let text = amount.as_str().unwrap_or_default();
            (name.clone(), if text.contains(UNKNOWN) { Value::Unknown } else { Value::string(text) })
        };
        let version = self.version.map(|version| version.to_string()).unwrap_or_default();
        [
            ("name", Value::string(&self.name)),
            ("namespace", Value::string(self.namespace())),
            ("cluster", Value::string(self.cluster())),
            ("workload_kind", Value::string("Deployment")),
            ("workload", Value::string(self.workload())),
            ("container", Value::string("ray-worker")),
            ("replicas", replicas),
            ("metrics_port", Value::Number(i64::from(self.metrics_port()).into())),
            ("image", Value::string(&self.image)),
            ("ray_version", Value::string(version)),
            ("selector", labels_value(&self.selector)),
            ("requests", Value::map(self.resources.requests.iter().map(request))),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests read better with literals as arguments")]
mod tests {
    use snapbox::{assert_data_eq, file};

    use super::*;
    use crate::resource::testing::{codes, errors, expand, expand_named, reference, yaml};

    fn head(more: Json) -> Json {
        let mut arguments =
            json!({"namespace": "team-a", "image": "rayproject/ray:2.53.0-py311", "cpu": 2, "memory": "8Gi"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        reference("ray_head", "main", &expand("ray_head", arguments).unwrap())
    }

    fn with(more: Json) -> Json {
        let mut arguments = json!({"head": head(json!({})), "cpu": 4, "memory": "16Gi"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    }

    fn tolerant() -> Json {
        head(json!({"gcs_fault_tolerance": {"address": "redis:6379"}, "auth": {}}))
    }

    #[track_caller]
    fn check(more: Json, expected: &[&str]) {
        assert_eq!(codes(&expand("ray_worker_pool", with(more))), expected);
    }

    #[test]
    fn its_objects() {
        let expansion = expand_named("ray_worker_pool", "cpu", with(json!({"replicas": 2})), &[]).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/ray_worker_pool.yaml"]);
    }

    #[test]
    fn its_objects_under_fault_tolerance() {
        let arguments = with(json!({
            "head": tolerant(),
            "gpu": 1,
            "toleration": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
            "custom_resources": {"a100": 1},
            "volume": [{"name": "scratch", "ephemeral": {"size": "100Gi"}}],
            "volume_mount": [{"name": "scratch", "mount_path": "/scratch"}],
            "topology_spread_constraint": [{"topology_key": "topology.kubernetes.io/zone"}],
        }));
        let expansion =
            expand_named("ray_worker_pool", "gpu", arguments, &[("horizontal_pod_autoscaler", "target")]).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/ray_worker_pool_gpu.yaml"]);
    }

    #[test]
    fn an_autoscaler_owns_the_replicas() {
        let scaled = [("horizontal_pod_autoscaler", "target")];
        let expansion = expand_named("ray_worker_pool", "cpu", with(json!({})), &scaled).unwrap();
        assert_eq!(expansion.objects[0].object.pointer("/spec/replicas"), None);
        let result = expand_named("ray_worker_pool", "cpu", with(json!({"replicas": 2})), &scaled);
        assert_eq!(codes(&result), ["RF503 replicas"]);
    }

    #[test]
    fn workers_follow_their_head_only_without_fault_tolerance() {
        let annotation = "/spec/template/metadata/annotations/rayform.dev~1head-checksum";
        let expansion = expand("ray_worker_pool", with(json!({}))).unwrap();
        assert!(expansion.objects[0].object.text(annotation).is_some());
        let expansion = expand("ray_worker_pool", with(json!({"head": tolerant()}))).unwrap();
        assert_eq!(expansion.objects[0].object.text(annotation), None);
    }

    #[test]
    fn exports_are_as_declared() {
        let expansion = expand("ray_worker_pool", with(json!({}))).unwrap();
        let declared: Vec<_> =
            EXPORTS.iter().map(|(name, _)| *name).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        assert_eq!(expansion.exports.keys().map(String::as_str).collect::<Vec<_>>(), declared);
    }

    #[test]
    fn versions_are_those_of_the_head() {
        check(json!({"image": "rayproject/ray:2.52.0"}), &["RF401 image"]);
        check(json!({"image": "rayproject/ray:2.53.0-py312-gpu"}), &["RF402 image"]);
        check(json!({"image": "rayproject/ray-ml:2.53.0.abc-py311-gpu"}), &[]);
        check(json!({"image": "example.org/own:1", "ray_version": "2.52.0"}), &["RF401 ray_version"]);
    }

    #[test]
    fn lives_are_checked() {
        check(json!({"head": tolerant(), "liveness_probe": {"failure_threshold": 3}}), &["RF709 liveness_probe"]);
        let timeout = json!({"RAY_gcs_rpc_server_reconnect_timeout_s": 60});
        check(json!({"head": tolerant(), "env": timeout}), &["RF309 env/RAY_gcs_rpc_server_reconnect_timeout_s"]);
        check(json!({"wait_for_gcs": {"enabled": false}}), &["RF706 wait_for_gcs/enabled"]);
    }

    #[test]
    fn sizes_are_checked() {
        check(json!({"resources": {"requests": {"memory": "8Gi"}}}), &["RF103 resources"]);
        check(
            json!({"resources": {"limits": {"nvidia.com/gpu": 1, "google.com/tpu": 4}}, "toleration": [{}]}),
            &["RF112 resources"],
        );
        check(json!({"cpu": null}), &["RF106 "]);
    }

    #[test]
    fn mistakes_name_their_argument() {
        let check = |more: Json, expected: &str| assert_eq!(errors(&expand("ray_worker_pool", with(more))), [expected]);
        check(json!({"head": "main"}), "head: expected a whole `ray_head`, such as `ray_head.main`");
        check(
            json!({"memory": null}),
            ": without a memory limit Ray takes the memory of the whole machine for its own",
        );
        check(
            json!({"max_unavailable": "many"}),
            "max_unavailable: expected a whole number such as `1`, or a percentage such as `\"25%\"`",
        );
        check(json!({"replicas": -1}), "replicas: `-1` is less than nothing");
    }
}

//! `namespace`: a Namespace, with what its pods may take together (ResourceQuota) and one by one (LimitRange).
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map, json};

use super::arguments::QuantityArgument;
use super::kit::{Context, Expansion, Problem, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, exports, texts_json};
use super::names::{default_name, object};
use super::parts::without_nulls;
use crate::model::{Json, Quantity};

/// The resource type `namespace`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespace;

/// A Namespace, with a ResourceQuota, a LimitRange and pod security labels.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the Namespace. Default: the name of the block, with `-` for `_`.
    name: Option<String>,
    /// Labels of the Namespace.
    #[serde(default)]
    labels: Texts,
    /// Annotations of the Namespace.
    #[serde(default)]
    annotations: Texts,
    /// What all pods of the namespace may take together: a ResourceQuota with the name `quota`.
    #[schemars(extend("x-block" = true))]
    quota: Option<Quota>,
    /// What one container, pod or claim may take, and what it gets where it says nothing: a LimitRange with the name
    /// `limits`.
    #[serde(default)]
    #[schemars(extend("x-block" = true))]
    limits: Vec<Limits>,
    /// The pod security standard (`privileged`, `baseline`, `restricted`) that is enforced and warned about, or an
    /// object with `enforce`, `audit`, `warn` and `version`. Default: the cluster's.
    ///
    /// <https://kubernetes.io/docs/concepts/security/pod-security-admission/>
    pod_security: Option<PodSecurity>,
}

/// Bounds on what all pods take together. Containers that say nothing of a bounded resource are refused by the server;
/// so bounds on limits are only set where they are asked for, while requests are bounded by the short names.
///
/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/>
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Quota {
    /// CPU that all pods may request together, in cores (`requests.cpu`).
    cpu: Option<QuantityArgument>,
    /// Memory that all pods may request together (`requests.memory`).
    memory: Option<QuantityArgument>,
    /// GPUs that all pods may request together (`requests.nvidia.com/gpu`); for others use `hard`.
    gpu: Option<QuantityArgument>,
    /// Local disk that all pods may request together (`requests.ephemeral-storage`).
    ephemeral_storage: Option<QuantityArgument>,
    /// The sum of all CPU limits, in cores (`limits.cpu`). Every container must then have a limit.
    limits_cpu: Option<QuantityArgument>,
    /// The sum of all memory limits (`limits.memory`). Every container must then have a limit.
    limits_memory: Option<QuantityArgument>,
    /// Storage that all claims may request together (`requests.storage`).
    storage: Option<QuantityArgument>,
    /// How many pods there may be that have not ended.
    pods: Option<QuantityArgument>,
    /// How many claims there may be (`persistentvolumeclaims`).
    persistent_volume_claims: Option<QuantityArgument>,
    /// How many Services there may be.
    services: Option<QuantityArgument>,
    /// How many Services of type LoadBalancer there may be (`services.loadbalancers`).
    load_balancers: Option<QuantityArgument>,
    /// How many node ports there may be (`services.nodeports`).
    node_ports: Option<QuantityArgument>,
    /// How many Secrets there may be.
    secrets: Option<QuantityArgument>,
    /// How many ConfigMaps there may be (`configmaps`).
    config_maps: Option<QuantityArgument>,
    /// Any other bound, by Kubernetes' own name: `{ "requests.amd.com/gpu" = 8 }`.
    hard: BTreeMap<String, QuantityArgument>,
    /// Which pods count, such as `["NotTerminating"]`. Default: all.
    scopes: Vec<String>,
}

/// Bounds and defaults for one thing at a time.
///
/// <https://kubernetes.io/docs/concepts/policy/limit-range/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    /// What is bounded. Default: `Container`.
    #[serde(default)]
    r#type: LimitType,
    /// The limit of a container that names none, by resource. Default: `max`.
    #[serde(default)]
    default: Amounts,
    /// The request of a container that names none, by resource. Default: `default`, else `min`.
    #[serde(default)]
    default_request: Amounts,
    /// The largest limit, by resource.
    #[serde(default)]
    max: Amounts,
    /// The smallest request, by resource.
    #[serde(default)]
    min: Amounts,
    /// How many times its request a limit may be, by resource.
    #[serde(default)]
    max_limit_request_ratio: Amounts,
}

type Amounts = BTreeMap<String, QuantityArgument>;

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
enum LimitType {
    #[default]
    Container,
    Pod,
    PersistentVolumeClaim,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum PodSecurity {
    Standard(Standard),
    Each(PodSecurityModes),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PodSecurityModes {
    /// Pods that break it are refused.
    enforce: Option<Standard>,
    /// Pods that break it are written into the audit log.
    audit: Option<Standard>,
    /// Whoever creates pods that break it is warned.
    warn: Option<Standard>,
    /// The Kubernetes version whose rules count, such as `v1.33`. Default: the cluster's (`latest`).
    version: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Standard {
    Privileged,
    Baseline,
    Restricted,
}

impl ResourceType for Namespace {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "The name of the Namespace.")]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut arguments: Arguments = parse(without_nulls(arguments))?;
        let name = arguments.name.take().unwrap_or_else(|| default_name(context.address));
        let mut problems =
            Metadata { name: &name, namespace: None, labels: &arguments.labels, annotations: &arguments.annotations }
                .problems(NameRule::Label);
        problems.extend(arguments.limits.iter().enumerate().flat_map(|(index, limits)| limits.problems(index)));
        if !problems.is_empty() {
            return Err(problems);
        }
        let on_delete = format!("deletes namespace {name} with everything in it, also what was not made from here");
        Ok(Expansion {
            objects: objects(&name, &arguments).into_iter().map(object).collect(),
            exports: exports([("name", &name)]),
            on_delete: Some(on_delete),
            problems: reserved(&name).into_iter().collect(),
            ..Expansion::default()
        })
    }
}

const EXAMPLE: &str = r#"resource "namespace" "team_a" {
  name         = "team-a"
  labels       = { team = "a" }
  pod_security = { enforce = "baseline", warn = "restricted" }

  quota {
    cpu    = 64
    memory = "256Gi"
    gpu    = 8
    pods   = 50
    hard   = { "requests.amd.com/gpu" = 0 }
  }

  limits {
    default         = { cpu = 1, memory = "2Gi" }
    default_request = { cpu = "500m" }
    max             = { cpu = 32, memory = "128Gi" }
    min             = { memory = "64Mi" }
  }
}
"#;

fn objects(name: &str, arguments: &Arguments) -> Vec<Json> {
    let mut labels = pod_security_labels(arguments.pod_security.as_ref());
    if let Json::Object(own) = texts_json(&arguments.labels) {
        labels.extend(own);
    }
    let mut metadata =
        Metadata { name, namespace: None, labels: &Texts::new(), annotations: &arguments.annotations }.to_json();
    if !labels.is_empty() {
        metadata["labels"] = Json::Object(labels);
    }
    let mut objects = vec![json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata })];
    objects.extend(arguments.quota.as_ref().and_then(|quota| quota.object(name)));
    if !arguments.limits.is_empty() {
        objects.push(json!({
            "apiVersion": "v1",
            "kind": "LimitRange",
            "metadata": { "name": "limits", "namespace": name },
            "spec": { "limits": arguments.limits.iter().map(Limits::to_json).collect::<Vec<_>>() },
        }));
    }
    objects
}

impl Quota {
    /// Returns the bounds by Kubernetes' names; the long form stands before the short one.
    fn bounds(&self) -> BTreeMap<&str, &QuantityArgument> {
        let short = [
            ("requests.cpu", &self.cpu),
            ("requests.memory", &self.memory),
            ("requests.nvidia.com/gpu", &self.gpu),
            ("requests.ephemeral-storage", &self.ephemeral_storage),
            ("limits.cpu", &self.limits_cpu),
            ("limits.memory", &self.limits_memory),
            ("requests.storage", &self.storage),
            ("pods", &self.pods),
            ("persistentvolumeclaims", &self.persistent_volume_claims),
            ("services", &self.services),
            ("services.loadbalancers", &self.load_balancers),
            ("services.nodeports", &self.node_ports),
            ("secrets", &self.secrets),
            ("configmaps", &self.config_maps),
        ];
        let short = short.into_iter().filter_map(|(name, amount)| Some((name, amount.as_ref()?)));
        short.chain(self.hard.iter().map(|(name, amount)| (name.as_str(), amount))).collect()
    }

    fn object(&self, namespace: &str) -> Option<Json> {
        let hard: Map<String, Json> =
            self.bounds().into_iter().map(|(name, amount)| (name.to_owned(), milli(amount))).collect();
        let mut spec = json!({ "hard": hard });
        if !self.scopes.is_empty() {
            spec["scopes"] = self.scopes.clone().into();
        }
        (!hard.is_empty()).then(|| {
            json!({
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": { "name": "quota", "namespace": namespace },
                "spec": spec,
            })
        })
    }
}

impl Limits {
    fn problems(&self, index: usize) -> Vec<Problem> {
        let orders = [
            ("min", &self.min, "max", &self.max),
            ("min", &self.min, "default_request", &self.default_request),
            ("min", &self.min, "default", &self.default),
            ("default_request", &self.default_request, "default", &self.default),
            ("default_request", &self.default_request, "max", &self.max),
            ("default", &self.default, "max", &self.max),
        ];
        let mut problems: Vec<Problem> = orders
            .into_iter()
            .flat_map(|(low, lows, high, highs)| disorder(index, (low, lows), (high, highs)))
            .collect();
        let has_defaults = !self.default.is_empty() || !self.default_request.is_empty();
        if has_defaults && self.r#type != LimitType::Container {
            let name = if self.default.is_empty() { "default_request" } else { "default" };
            let message =
                format!("a {:?} has no defaults, only `max`, `min` and `max_limit_request_ratio`", self.r#type);
            problems.push(Problem::error(format!("limits/{index}/{name}"), message));
        }
        problems
    }

    /// Returns the item with the defaults that the server would fill in: the list is atomic, so that they must be told.
    ///
    /// `SetDefaults_LimitRangeItem` in
    /// <https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/v1/defaults.go>.
    fn to_json(&self) -> Json {
        let mut default = self.default.clone();
        let mut default_request = self.default_request.clone();
        if self.r#type == LimitType::Container {
            fill(&mut default, &self.max);
            fill(&mut default_request, &default);
            fill(&mut default_request, &self.min);
        }
        let mut item = json!({ "type": format!("{:?}", self.r#type) });
        let fields = [
            ("default", &default),
            ("defaultRequest", &default_request),
            ("max", &self.max),
            ("min", &self.min),
            ("maxLimitRequestRatio", &self.max_limit_request_ratio),
        ];
        for (name, amounts) in fields.into_iter().filter(|(_, amounts)| !amounts.is_empty()) {
            item[name] =
                amounts.iter().map(|(name, amount)| (name.clone(), milli(amount))).collect::<Map<_, _>>().into();
        }
        item
    }
}

/// Adds the amounts that are missing.
fn fill(amounts: &mut Amounts, defaults: &Amounts) {
    for (name, amount) in defaults {
        amounts.entry(name.clone()).or_insert_with(|| amount.clone());
    }
}

/// Returns an error for each amount that is larger than its upper bound.
fn disorder(index: usize, low: (&str, &Amounts), high: (&str, &Amounts)) -> Vec<Problem> {
    let known = |amounts: &Amounts, name: &str| amounts.get(name).and_then(QuantityArgument::known);
    let compare = |name: &String| -> Option<Problem> {
        let (smaller, larger): (Quantity, Quantity) = (known(low.1, name)?, known(high.1, name)?);
        let message = format!("`{}` of {name} is {smaller}, which is more than `{}`, {larger}", low.0, high.0);
        (smaller > larger).then(|| Problem::error(format!("limits/{index}/{}/{name}", low.0), message))
    };
    low.1.keys().filter_map(compare).collect()
}

/// Returns an amount as the server keeps it in a list of resources.
fn milli(amount: &QuantityArgument) -> Json {
    amount.known().map_or_else(|| amount.to_json(), |quantity| quantity.rounded_up_to_milli().to_string().into())
}

fn pod_security_labels(pod_security: Option<&PodSecurity>) -> Map<String, Json> {
    let (enforce, audit, warn, version) = match pod_security {
        None => (None, None, None, None),
        Some(PodSecurity::Standard(standard)) => (Some(*standard), None, Some(*standard), None),
        Some(PodSecurity::Each(modes)) => (modes.enforce, modes.audit, modes.warn, modes.version.as_deref()),
    };
    let mut labels = Map::new();
    for (mode, standard) in [("enforce", enforce), ("audit", audit), ("warn", warn)] {
        let Some(standard) = standard else { continue };
        let word = match standard {
            Standard::Privileged => "privileged",
            Standard::Baseline => "baseline",
            Standard::Restricted => "restricted",
        };
        labels.insert(format!("pod-security.kubernetes.io/{mode}"), word.into());
        if let Some(version) = version {
            labels.insert(format!("pod-security.kubernetes.io/{mode}-version"), version.into());
        }
    }
    labels
}

/// Warns of a namespace that belongs to the cluster itself.
fn reserved(name: &str) -> Option<Problem> {
    (name == "default" || name.starts_with("kube-")).then(|| {
        Problem::warning("name", format!("namespace {name} belongs to the cluster itself"))
            .hint("it will never be deleted from here; a namespace of its own keeps Ray apart")
    })
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, file};

    use super::*;
    use crate::resource::testing::{errors, expand, yaml};

    #[track_caller]
    fn refuses(arguments: Json, expected: &[&str]) {
        assert_eq!(errors(&expand("namespace", arguments)), expected);
    }

    #[test]
    fn its_objects() {
        let arguments = json!({
            "name": "team-a",
            "labels": {"team": "a"},
            "annotations": {"owner": "a@example.com"},
            "pod_security": {"enforce": "baseline", "warn": "restricted", "version": "v1.33"},
            "quota": {"cpu": 64, "memory": "256Gi", "gpu": 8, "pods": 50, "hard": {"requests.amd.com/gpu": 0}},
            "limits": [
                {"default": {"memory": "2Gi"}, "max": {"cpu": 32, "memory": "128Gi"}, "min": {"memory": "64Mi"}},
                {"type": "PersistentVolumeClaim", "max": {"storage": "1024Gi"}},
            ],
        });
        assert_data_eq!(yaml(&expand("namespace", arguments).unwrap()), file!["snapshots/namespace.yaml"]);
    }

    #[test]
    fn alone_it_is_one_object_with_the_name_of_the_block() {
        let expansion = expand("namespace", json!({})).unwrap();
        let expected = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "main"}});
        assert_eq!(expansion.objects[0].object.json(), &expected);
        assert_eq!(expansion.objects.len(), 1);
    }

    #[test]
    fn one_word_enforces_and_warns() {
        let expansion = expand("namespace", json!({"pod_security": "restricted"})).unwrap();
        let labels = json!({
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
        });
        assert_eq!(expansion.objects[0].object.pointer("/metadata/labels"), Some(&labels));
    }

    #[test]
    fn mistakes_name_their_argument() {
        refuses(json!({"name": "Team_A"}), &["name: `Team_A` is not a name that Kubernetes accepts"]);
        refuses(
            json!({"quota": {"cpu": "64 cores"}}),
            &["quota/cpu: `64 cores` is not a quantity; did you mean `64`?"],
        );
        refuses(
            json!({"limits": [{"default": {"cpu": 4}, "max": {"cpu": 2}}]}),
            &["limits/0/default/cpu: `default` of cpu is 4, which is more than `max`, 2"],
        );
        refuses(
            json!({"limits": [{"type": "Pod", "default": {"cpu": 4}}]}),
            &["limits/0/default: a Pod has no defaults, only `max`, `min` and `max_limit_request_ratio`"],
        );
        refuses(
            json!({"quota": {"cpus": 1}}),
            &[
                "quota/cpus: unknown field `cpus`, expected one of `cpu`, `memory`, `gpu`, `ephemeral_storage`, `limits_cpu`, \
             `limits_memory`, `storage`, `pods`, `persistent_volume_claims`, `services`, `load_balancers`, `node_ports`, \
             `secrets`, `config_maps`, `hard`, `scopes`",
            ],
        );
    }

    #[test]
    fn namespaces_of_the_cluster_are_warned_of() {
        let expansion = expand("namespace", json!({"name": "kube-system"})).unwrap();
        assert_eq!(expansion.problems[0].message, "namespace kube-system belongs to the cluster itself");
    }
}

//! `horizontal_pod_autoscaler`: lets Kubernetes choose how many workers a pool has.
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::json;

use super::arguments::{QuantityArgument, RawArgument};
use super::kit::{Context, Expansion, Problem, Reference, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, exports};
use super::names::{default_name, object};
use super::parts::without_nulls;
use super::ray_worker_pool::RayWorkerPool;
use crate::model::{Json, UNKNOWN};

/// The resource type `horizontal_pod_autoscaler`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HorizontalPodAutoscaler;

/// How long the autoscaler looks back before it takes workers away, in seconds. Kubernetes' own default is 300; Ray's
/// tasks are longer than most requests.
const LOOK_BACK: i64 = 600;

/// The least look-back that is not warned of, in seconds.
const SHORTEST_LOOK_BACK: i64 = 300;

/// An autoscaler (`autoscaling/v2`) on a pool of workers. The pool then has no `replicas` of its own.
///
/// It looks at what pods use, not at what Ray's tasks ask for, and whoever is scaled in loses its running tasks: Ray's
/// own advice is against it where jobs cannot be retried. So it scales in slowly unless told otherwise: one worker a
/// minute, after ten minutes of low use.
/// <https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/k8s-autoscaler.html>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the HorizontalPodAutoscaler. Default: the name of the block, with `-` for `_`.
    name: Option<String>,
    /// Labels of the HorizontalPodAutoscaler.
    #[serde(default)]
    labels: Texts,
    /// Annotations of the HorizontalPodAutoscaler.
    #[serde(default)]
    annotations: Texts,
    /// The pool that is scaled. A head cannot be: there is one of it.
    target: Reference<RayWorkerPool>,
    /// The fewest workers. Default: 1.
    #[serde(default = "one")]
    min_replicas: i64,
    /// The most workers.
    max_replicas: i64,
    /// What is looked at; of several metrics the one that asks for most workers decides. The label is `cpu`, `memory`,
    /// or the name of a metric of the pods or from outside.
    #[schemars(extend("x-block" = true, "x-label" = "name"), length(min = 1))]
    metric: Vec<Metric>,
    /// How fast the pool grows and shrinks.
    #[schemars(extend("x-block" = true))]
    behavior: Option<Behavior>,
}

/// One metric and the value that it is to have. One of `average_utilization`, `average_value` and `value` is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Metric {
    /// `cpu`, `memory`, or the name of a metric.
    name: String,
    /// Where the metric comes from. Default: `resource` for `cpu` and `memory`; to be told for others.
    source: Option<Source>,
    /// The use of `cpu` or `memory` in percent of what the pods request, on average.
    average_utilization: Option<i64>,
    /// The value per pod, on average: `"500m"`, `"12Gi"`.
    average_value: Option<QuantityArgument>,
    /// The value as a whole, of an `object` or `external` metric.
    value: Option<QuantityArgument>,
    /// The one container whose `cpu` or `memory` counts. Default: all containers of the pod.
    container: Option<String>,
    /// Which series of the metric count: `{ match_labels = {…} }`.
    selector: Option<RawArgument>,
    /// What an `object` metric describes: `{ api_version = "v1", kind = "Service", name = "…" }`.
    described_object: Option<RawArgument>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Source {
    Resource,
    Pods,
    Object,
    External,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Behavior {
    /// How the pool grows. Default: Kubernetes' own, which is as fast as it needs.
    #[schemars(extend("x-block" = true))]
    scale_up: Option<Rules>,
    /// How the pool shrinks. Default: one worker in 60 s, after 600 s of low use.
    #[schemars(extend("x-block" = true))]
    scale_down: Option<Rules>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Rules {
    /// How long the autoscaler looks back, in seconds: 0 to 3600. Default: 0 upwards, 600 downwards.
    stabilization_window_seconds: Option<i64>,
    /// Which of several policies counts. Default: `Max`.
    select_policy: Option<SelectPolicy>,
    /// A bound on the change in a while; the label is `Pods` or `Percent`.
    #[schemars(extend("x-block" = true, "x-label" = "type"))]
    policy: Vec<Policy>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum SelectPolicy {
    Max,
    Min,
    Disabled,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Policy {
    /// Whether `value` counts pods or percent of them.
    r#type: PolicyType,
    /// How many pods, or percent, may come or go.
    value: i64,
    /// In how many seconds: 1 to 1800.
    period_seconds: i64,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum PolicyType {
    Pods,
    Percent,
}

fn one() -> i64 {
    1
}

impl ResourceType for HorizontalPodAutoscaler {
    fn name(&self) -> &'static str {
        "horizontal_pod_autoscaler"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[("name", "The name of the HorizontalPodAutoscaler."), ("namespace", "Its namespace, which is the pool's.")]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments = without_nulls(arguments);
        if let Some(problem) = wrong_target(&arguments) {
            return Err(vec![problem]);
        }
        let arguments: Arguments = parse(arguments)?;
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let namespace = arguments.target.text("namespace");
        let metadata = Metadata {
            name: &name,
            namespace: Some(namespace),
            labels: &arguments.labels,
            annotations: &arguments.annotations,
        };
        let mut errors = metadata.problems(NameRule::Subdomain);
        errors.extend(arguments.errors());
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Expansion {
            objects: vec![object(arguments.to_json(&metadata.to_json()))],
            exports: exports([("name", &name), ("namespace", namespace)]),
            problems: arguments.warnings(),
            ..Expansion::default()
        })
    }
}

const EXAMPLE: &str = r#"resource "namespace" "ray" {
}

resource "ray_head" "main" {
  namespace = namespace.ray.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = "8Gi"
}

resource "ray_worker_pool" "cpu" {
  head   = ray_head.main
  cpu    = 4
  memory = "16Gi"
}

resource "horizontal_pod_autoscaler" "cpu" {
  target       = ray_worker_pool.cpu
  min_replicas = 1
  max_replicas = 10

  metric "memory" {
    average_utilization = 70
  }

  metric "cpu" {
    average_utilization = 80
  }

  behavior {
    scale_down {
      stabilization_window_seconds = 900

      policy "Pods" {
        value          = 1
        period_seconds = 120
      }
    }
  }
}
"#;

/// Says of a head why it cannot be scaled, before anything else is read.
fn wrong_target(arguments: &Json) -> Option<Problem> {
    let target = arguments.pointer("/target/$type").and_then(Json::as_str)?;
    (target == "ray_head").then(|| {
        Problem::error("target", "a head cannot be scaled: a Ray cluster has exactly one")
            .code("RF303")
            .hint("let `target` be a `ray_worker_pool`")
    })
}

impl Arguments {
    fn errors(&self) -> Vec<Problem> {
        let mut errors = Vec::new();
        if self.max_replicas < 1 {
            errors.push(Problem::error("max_replicas", "`max_replicas` must be at least 1").code("RF117"));
        } else if self.min_replicas > self.max_replicas {
            let message = format!("`min_replicas` is {}, `max_replicas` {}", self.min_replicas, self.max_replicas);
            errors.push(Problem::error("min_replicas", message).code("RF117"));
        }
        let may_be_none = self.metric.iter().any(|m| matches!(m.source, Some(Source::Object | Source::External)));
        if self.min_replicas < 0 {
            errors.push(Problem::error("min_replicas", "`min_replicas` cannot be less than 0").code("RF117"));
        } else if self.min_replicas == 0 && !may_be_none {
            let message = "a pool without pods has no metrics to grow by again";
            let hint = "set `min_replicas = 1`, or add a metric with `source = \"external\"`";
            errors.push(Problem::error("min_replicas", message).code("RF515").hint(hint));
        }
        if self.metric.is_empty() {
            errors.push(
                Problem::error("metric", "an autoscaler needs a metric").hint("such as `metric \"memory\" { … }`"),
            );
        }
        errors.extend(self.metric.iter().enumerate().flat_map(|(index, metric)| metric.errors(index)));
        errors.extend(self.metric.iter().enumerate().filter_map(|(index, metric)| self.lacks_request(index, metric)));
        let behavior = self.behavior.as_ref();
        for (name, rules) in [
            ("scale_up", behavior.and_then(|behavior| behavior.scale_up.as_ref())),
            ("scale_down", behavior.and_then(|behavior| behavior.scale_down.as_ref())),
        ] {
            errors.extend(rules.into_iter().flat_map(|rules| rules.errors(&format!("behavior/{name}"))));
        }
        errors
    }

    /// Refuses a share of a request that the pods do not make: the autoscaler would never know it.
    fn lacks_request(&self, index: usize, metric: &Metric) -> Option<Problem> {
        metric.average_utilization?;
        let requests = self.target.exports.get("requests")?.as_object()?;
        let is_missing = metric.is_resource() && !requests.contains_key(&metric.name);
        is_missing.then(|| {
            let message = format!(
                "the pods of {} request no {}, so that there is nothing to take a share of",
                self.target.address, metric.name
            );
            let hint = format!("set `{}` on {}, or use `average_value`", metric.name, self.target.address);
            Problem::error(format!("metric/{index}/average_utilization"), message).code("RF504").hint(hint)
        })
    }

    fn warnings(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        if self.min_replicas == 0 {
            let hint = "the cluster needs the feature gate `HPAScaleToZero`";
            warnings.push(
                Problem::warning("min_replicas", "most clusters refuse autoscalers without a least pod")
                    .code("RF515")
                    .hint(hint),
            );
        }
        if self.metric.iter().all(|metric| metric.is_resource() && metric.name == "cpu") {
            let message = "only CPU is looked at: a pool that runs out of memory does not grow";
            warnings.push(Problem::info("metric", message).code("RF505").hint("add `metric \"memory\" { … }`"));
        }
        for (index, metric) in self.metric.iter().enumerate() {
            if metric.is_resource()
                && metric.name == "memory"
                && metric.average_utilization.is_some_and(|share| share >= 100)
            {
                let message = "pods are killed for lack of memory before this is reached, where limit equals request";
                warnings.push(
                    Problem::warning(format!("metric/{index}/average_utilization"), message).hint("such as `70`"),
                );
            }
        }
        let down = self.behavior.as_ref().and_then(|behavior| behavior.scale_down.as_ref());
        if let Some(window) = down.and_then(|rules| rules.stabilization_window_seconds)
            && window < SHORTEST_LOOK_BACK
        {
            let message =
                format!("workers are taken away after {window} s of low use, and their running tasks with them");
            let hint = format!("{SHORTEST_LOOK_BACK} or more; the default is {LOOK_BACK}");
            let argument = "behavior/scale_down/stabilization_window_seconds";
            warnings.push(Problem::warning(argument, message).code("RF506").hint(hint));
        }
        warnings
    }

    fn to_json(&self, metadata: &Json) -> Json {
        let none = Rules::default();
        let behavior = self.behavior.as_ref();
        let down = behavior.and_then(|behavior| behavior.scale_down.as_ref()).unwrap_or(&none);
        let mut rules = json!({ "scaleDown": down.down().to_json() });
        if let Some(up) = behavior.and_then(|behavior| behavior.scale_up.as_ref()) {
            rules["scaleUp"] = up.to_json();
        }
        json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": metadata,
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": self.target.text("workload_kind"),
                    "name": self.target.text("workload"),
                },
                "minReplicas": self.min_replicas,
                "maxReplicas": self.max_replicas,
                "metrics": self.metric.iter().map(Metric::to_json).collect::<Vec<_>>(),
                "behavior": rules,
            },
        })
    }
}

impl Metric {
    /// Tells whether this is what the kubelet measures of the pods themselves.
    fn is_resource(&self) -> bool {
        self.source == Some(Source::Resource)
            || (self.source.is_none() && matches!(self.name.as_str(), "cpu" | "memory"))
    }

    fn errors(&self, index: usize) -> Vec<Problem> {
        let at = |name: &str| format!("metric/{index}{}{name}", if name.is_empty() { "" } else { "/" });
        let mut errors = Vec::new();
        if self.source.is_none() && !self.is_resource() && !self.name.contains(UNKNOWN) {
            let message = format!("where does the metric `{}` come from?", self.name);
            let hint = "set `source` to `pods`, `object` or `external`; `cpu` and `memory` need none";
            errors.push(Problem::error(at(""), message).hint(hint));
            return errors;
        }
        let allowed: &[&str] = match self.source {
            _ if self.is_resource() => &["average_utilization", "average_value"],
            Some(Source::Pods) => &["average_value"],
            _ => &["average_value", "value"],
        };
        let given = [
            ("average_utilization", self.average_utilization.is_some()),
            ("average_value", self.average_value.is_some()),
            ("value", self.value.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
        let words = allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
        match given.as_slice() {
            [one] if allowed.contains(one) => {}
            [one] => errors.push(Problem::error(at(one), format!("this metric takes {words}"))),
            [] => errors.push(Problem::error(at(""), format!("the metric has no value to reach: set {words}"))),
            [_, second, ..] => errors.push(Problem::error(at(second), "a metric has one value to reach")),
        }
        if self.average_utilization.is_some_and(|share| share < 1) {
            errors.push(Problem::error(at("average_utilization"), "percent, from 1 on"));
        }
        let zero = [("average_value", &self.average_value), ("value", &self.value)];
        let zero = zero
            .into_iter()
            .filter(|(_, value)| value.as_ref().and_then(QuantityArgument::known).is_some_and(|v| v.is_zero()));
        errors.extend(zero.map(|(name, _)| Problem::error(at(name), "the value must be more than 0")));
        errors.extend(
            self.misplaced().map(|(name, needs)| Problem::error(at(name), format!("`{name}` goes with {needs} only"))),
        );
        if self.source == Some(Source::Object) && self.described_object.is_none() {
            let hint = "such as `{ api_version = \"v1\", kind = \"Service\", name = \"…\" }`";
            errors.push(Problem::error(at(""), "an `object` metric needs `described_object`").hint(hint));
        }
        errors
    }

    /// Returns an attribute that means nothing for this source.
    fn misplaced(&self) -> Option<(&'static str, &'static str)> {
        let is_resource = self.is_resource();
        if self.container.is_some() && !is_resource {
            return Some(("container", "`cpu` and `memory`"));
        }
        if self.selector.is_some() && is_resource {
            return Some(("selector", "`pods`, `object` and `external` metrics"));
        }
        (self.described_object.is_some() && self.source != Some(Source::Object))
            .then_some(("described_object", "`source = \"object\"`"))
    }

    fn to_json(&self) -> Json {
        let target = match (self.average_utilization, &self.average_value, &self.value) {
            (Some(share), _, _) => json!({ "type": "Utilization", "averageUtilization": share }),
            (None, Some(average), _) => json!({ "type": "AverageValue", "averageValue": average.to_json() }),
            (None, None, value) => {
                json!({ "type": "Value", "value": value.as_ref().map_or(Json::Null, QuantityArgument::to_json) })
            }
        };
        if self.is_resource() {
            return match &self.container {
                None => json!({ "type": "Resource", "resource": { "name": self.name, "target": target } }),
                Some(container) => json!({
                    "type": "ContainerResource",
                    "containerResource": { "name": self.name, "container": container, "target": target },
                }),
            };
        }
        let mut metric = json!({ "name": self.name });
        if let Some(selector) = &self.selector {
            metric["selector"] = Json::Object(selector.0.clone());
        }
        match (self.source, &self.described_object) {
            (Some(Source::Object), Some(described)) => json!({
                "type": "Object",
                "object": { "metric": metric, "target": target, "describedObject": described.0 },
            }),
            (Some(Source::External), _) => {
                json!({ "type": "External", "external": { "metric": metric, "target": target } })
            }
            _ => json!({ "type": "Pods", "pods": { "metric": metric, "target": target } }),
        }
    }
}

impl Rules {
    fn errors(&self, argument: &str) -> Vec<Problem> {
        let mut errors = Vec::new();
        if self.stabilization_window_seconds.is_some_and(|window| !(0..=3600).contains(&window)) {
            errors.push(Problem::error(format!("{argument}/stabilization_window_seconds"), "from 0 to 3600 seconds"));
        }
        for (index, policy) in self.policy.iter().enumerate() {
            if policy.value < 1 {
                errors.push(Problem::error(format!("{argument}/policy/{index}/value"), "from 1 on"));
            }
            if !(1..=1800).contains(&policy.period_seconds) {
                let at = format!("{argument}/policy/{index}/period_seconds");
                errors.push(Problem::error(at, "from 1 to 1800 seconds"));
            }
        }
        errors
    }

    /// Returns the rules for shrinking, with what the user leaves open filled in.
    fn down(&self) -> Self {
        let slow = || vec![Policy { r#type: PolicyType::Pods, value: 1, period_seconds: 60 }];
        let policy =
            self.policy.iter().map(|p| Policy { r#type: p.r#type, value: p.value, period_seconds: p.period_seconds });
        Self {
            stabilization_window_seconds: self.stabilization_window_seconds.or(Some(LOOK_BACK)),
            select_policy: self.select_policy,
            policy: if self.policy.is_empty() { slow() } else { policy.collect() },
        }
    }

    fn to_json(&self) -> Json {
        let mut json = json!({});
        if let Some(window) = self.stabilization_window_seconds {
            json["stabilizationWindowSeconds"] = window.into();
        }
        if let Some(select) = self.select_policy {
            json["selectPolicy"] = format!("{select:?}").into();
        }
        if !self.policy.is_empty() {
            let policy = |p: &Policy| json!({ "type": format!("{:?}", p.r#type), "value": p.value, "periodSeconds": p.period_seconds });
            json["policies"] = self.policy.iter().map(policy).collect();
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, file};

    use super::*;
    use crate::resource::testing::{codes, errors, expand, yaml};

    fn pool() -> Json {
        json!({
            "$type": "ray_worker_pool",
            "$address": "ray_worker_pool.cpu",
            "namespace": "team-a",
            "workload_kind": "Deployment",
            "workload": "main-worker-cpu",
            "requests": {"cpu": "4", "memory": "16Gi"},
        })
    }

    fn with(more: Json) -> Json {
        let mut arguments = json!({
            "target": pool(),
            "max_replicas": 10,
            "metric": [{"name": "memory", "average_utilization": 70}],
        });
        let Json::Object(more) = more else { panic!("an object") };
        arguments.as_object_mut().unwrap().extend(more);
        arguments
    }

    #[track_caller]
    fn refuses(more: Json, expected: &[&str]) {
        assert_eq!(errors(&expand("horizontal_pod_autoscaler", with(more))), expected);
    }

    #[test]
    fn its_object() {
        let arguments = with(json!({
            "name": "cpu",
            "min_replicas": 2,
            "metric": [
                {"name": "memory", "average_utilization": 70},
                {"name": "cpu", "average_value": "1500m", "container": "ray-worker"},
                {"name": "queue_length", "source": "pods", "average_value": 0.5, "selector": {"match_labels": {"a_b": "c"}}},
                {"name": "jobs", "source": "external", "value": 30},
                {"name": "hits", "source": "object", "value": "1k",
                 "described_object": {"api_version": "v1", "kind": "Service", "name": "s"}},
            ],
            "behavior": {"scale_up": {"select_policy": "Min", "policy": [{"type": "Percent", "value": 50, "period_seconds": 60}]}},
        }));
        let expansion = expand("horizontal_pod_autoscaler", arguments).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/horizontal_pod_autoscaler.yaml"]);
    }

    #[test]
    fn it_scales_in_slowly_unless_told() {
        let down = |more| {
            let expansion = expand("horizontal_pod_autoscaler", with(more)).unwrap();
            expansion.objects[0].object.pointer("/spec/behavior/scaleDown").cloned().unwrap()
        };
        let slow = json!([{"type": "Pods", "value": 1, "periodSeconds": 60}]);
        assert_eq!(down(json!({})), json!({"stabilizationWindowSeconds": 600, "policies": slow}));
        let told =
            json!({"behavior": {"scale_down": {"stabilization_window_seconds": 900, "select_policy": "Disabled"}}});
        let expected = json!({"stabilizationWindowSeconds": 900, "selectPolicy": "Disabled", "policies": slow});
        assert_eq!(down(told), expected);
    }

    #[test]
    fn a_head_is_no_target() {
        let result = expand(
            "horizontal_pod_autoscaler",
            with(json!({"target": {"$type": "ray_head", "$address": "ray_head.a"}})),
        );
        assert_eq!(codes(&result), ["RF303 target"]);
        refuses(
            json!({"target": {"$type": "redis", "$address": "redis.a"}}),
            &["target: expected a `ray_worker_pool`, found a `redis`"],
        );
    }

    #[test]
    fn checks_have_their_codes() {
        let check =
            |more, expected: &[&str]| assert_eq!(codes(&expand("horizontal_pod_autoscaler", with(more))), expected);
        check(json!({}), &[]);
        check(json!({"min_replicas": 11}), &["RF117 min_replicas"]);
        check(json!({"min_replicas": -1}), &["RF117 min_replicas"]);
        check(json!({"max_replicas": 0}), &["RF117 max_replicas"]);
        check(json!({"min_replicas": 0}), &["RF515 min_replicas"]);
        let external = json!([{"name": "jobs", "source": "external", "value": 1}]);
        check(json!({"min_replicas": 0, "metric": external}), &["RF515 min_replicas"]);
        check(json!({"metric": [{"name": "cpu", "average_utilization": 70}]}), &["RF505 metric"]);
        check(
            json!({"behavior": {"scale_down": {"stabilization_window_seconds": 60}}}),
            &["RF506 behavior/scale_down/stabilization_window_seconds"],
        );
        let mut unbounded = pool();
        unbounded["requests"] = json!({"cpu": "4"});
        check(json!({"target": unbounded}), &["RF504 metric/0/average_utilization"]);
    }

    #[test]
    fn mistakes_name_their_argument() {
        refuses(json!({"metric": []}), &["metric: an autoscaler needs a metric"]);
        refuses(
            json!({"metric": [{"name": "memory"}]}),
            &["metric/0: the metric has no value to reach: set `average_utilization` or `average_value`"],
        );
        refuses(
            json!({"metric": [{"name": "hits", "average_value": 1}]}),
            &["metric/0: where does the metric `hits` come from?"],
        );
        refuses(
            json!({"metric": [{"name": "cpu", "value": 1}]}),
            &["metric/0/value: this metric takes `average_utilization` or `average_value`"],
        );
        refuses(
            json!({"metric": [{"name": "cpu", "average_value": 1, "average_utilization": 1}]}),
            &["metric/0/average_value: a metric has one value to reach"],
        );
        refuses(
            json!({"metric": [{"name": "x", "source": "external", "value": 1, "container": "a"}]}),
            &["metric/0/container: `container` goes with `cpu` and `memory` only"],
        );
        refuses(
            json!({"behavior": {"scale_up": {"policy": [{"type": "Pods", "value": 0, "period_seconds": 9999}]}}}),
            &[
                "behavior/scale_up/policy/0/value: from 1 on",
                "behavior/scale_up/policy/0/period_seconds: from 1 to 1800 seconds",
            ],
        );
    }
}

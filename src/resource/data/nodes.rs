//! `data "nodes"`: the nodes of the cluster, and what they offer.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::super::arguments::TextArgument;
use super::super::kit::{Problem, parse};
use super::kit::{DataSource, texts};
use crate::model::{Json, Kind, Object, Question, Value, Which};

/// The data source `nodes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nodes;

/// Reads the nodes of the cluster. They come and go: what is made of their number changes with it in the next plan.
///
/// <https://kubernetes.io/docs/concepts/architecture/nodes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Only nodes that bear all of these labels, such as `{ "nvidia.com/gpu.present" = "true" }`. Default: all nodes.
    #[serde(default)]
    labels: BTreeMap<String, TextArgument>,
    /// Only nodes that this label selector picks, such as `topology.kubernetes.io/zone in (a, b), !spot`.
    ///
    /// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
    selector: Option<String>,
}

impl DataSource for Nodes {
    fn name(&self) -> &'static str {
        "nodes"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("names", "The names of the nodes, sorted."),
            (
                "nodes",
                "The nodes, sorted by name, each with `name`, `labels`, `annotations`, `taints` (a list of `key`, \
                 `value` and `effect`), `capacity` and `allocatable` (quantities by name, such as `cpu`), `ready` and \
                 `unschedulable`.",
            ),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn question(&self, arguments: Json) -> Result<Question, Vec<Problem>> {
        let Arguments { labels, selector } = parse(arguments)?;
        let equal = labels.iter().map(|(name, value)| format!("{name}={}", value.0));
        let selector = equal.chain(selector).collect::<Vec<_>>().join(",");
        Ok(Question { kind: Kind::new("v1", "Node"), namespace: None, which: Which::Labelled(selector) })
    }

    fn answer(&self, _: &Question, found: &[Object]) -> Result<BTreeMap<String, Value>, Problem> {
        let sorted: BTreeMap<&str, &Object> = found.iter().map(|node| (node.name(), node)).collect();
        let names = Value::list(sorted.keys().map(Value::string).collect());
        let nodes = Value::list(sorted.values().map(|node| self::node(node)).collect());
        Ok([("names".to_owned(), names), ("nodes".to_owned(), nodes)].into())
    }
}

fn node(node: &Object) -> Value {
    let is_true = |condition: &&Json| condition["type"] == "Ready" && condition["status"] == "True";
    let is_ready = items(node, "/status/conditions").any(|condition| is_true(&condition));
    let unschedulable = node.pointer("/spec/unschedulable").and_then(Json::as_bool).unwrap_or(false);
    let of_taint = |taint: &Json| {
        let part = |name: &str| taint[name].as_str().map_or(Value::Null, Value::string);
        Value::map(["key", "value", "effect"].map(|name| (name, part(name))))
    };
    Value::map([
        ("name", Value::string(node.name())),
        ("labels", texts(node, "/metadata/labels")),
        ("annotations", texts(node, "/metadata/annotations")),
        ("taints", Value::list(items(node, "/spec/taints").map(of_taint).collect())),
        ("capacity", texts(node, "/status/capacity")),
        ("allocatable", texts(node, "/status/allocatable")),
        ("ready", Value::Bool(is_ready)),
        ("unschedulable", Value::Bool(unschedulable)),
    ])
}

fn items<'o>(object: &'o Object, pointer: &str) -> impl Iterator<Item = &'o Json> {
    object.pointer(pointer).and_then(Json::as_array).into_iter().flatten()
}

const EXAMPLE: &str = r#"data "nodes" "gpu" {
  labels = { "nvidia.com/gpu.present" = "true" }
}

resource "config_map" "capacity" {
  namespace = "default"

  data = {
    gpu_nodes = length(data.nodes.gpu.names)
    gpus      = sum(concat([0], [for node in data.nodes.gpu.nodes : node.allocatable["nvidia.com/gpu"]]))
  }
}
"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{answer, question};

    #[test]
    fn labels_and_a_selector_are_joined() {
        let arguments = json!({"labels": {"a": "b", "c": "d"}, "selector": "e in (f)"});
        assert_eq!(question("nodes", arguments), "v1 Node labelled a=b,c=d,e in (f)");
        assert_eq!(question("nodes", json!({})), "v1 Node labelled ");
    }

    #[test]
    fn nodes_are_sorted_and_tell_what_they_offer() {
        let node = |name: &str| {
            json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
                "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]},
                "status": {"allocatable": {"cpu": "4"}, "conditions": [{"type": "Ready", "status": "True"}]},
            })
        };
        let found = answer("nodes", json!({}), &[node("b"), node("a")]);
        assert_eq!(found["names"], json!(["a", "b"]));
        assert_eq!(
            found["nodes"][0],
            json!({
                "name": "a", "labels": {}, "annotations": {}, "capacity": {}, "allocatable": {"cpu": "4"},
                "taints": [{"key": "gpu", "value": null, "effect": "NoSchedule"}],
                "ready": true, "unschedulable": false,
            }),
        );
    }
}

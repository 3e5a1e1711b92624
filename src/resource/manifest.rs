//! `manifest`: any one object, as a value of the language.
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::Map;

use super::kinds::Places;
use super::kit::{Context, Expansion, Problem, ResourceType, parse};
use super::metadata::{exports, text_value};
use super::raw_object::{self, Placement};
use crate::model::{Json, Value};

/// The resource type `manifest`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manifest;

/// Any Kubernetes object.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The object, with Kubernetes' own names of fields: a value such as `{ apiVersion = "v1", kind = … }`, or
    /// `yamldecode(file("object.yaml"))`. `status` and what only a cluster writes into `metadata` is left out.
    object: Map<String, Json>,
    /// The namespace, where the object names none. Not for kinds that belong to the cluster.
    namespace: Option<String>,
    /// Whether apply waits until the object is ready. Default: true.
    #[serde(default = "yes")]
    wait: bool,
}

fn yes() -> bool {
    true
}

impl ResourceType for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("api_version", "The object's API version."),
            ("kind", "The object's kind."),
            ("name", "The object's name."),
            ("namespace", "The object's namespace; empty where it has none."),
            ("object", "The object as it is applied."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, _: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments: Arguments = parse(arguments)?;
        let placement = Placement { namespace: arguments.namespace.as_deref(), told: &Places::new() };
        let mut expanded = raw_object::prepare(Json::Object(arguments.object), placement).map_err(|refusal| {
            let problem = Problem::error("object", refusal.message);
            vec![match refusal.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }]
        })?;
        expanded.wait = arguments.wait;
        let object = &expanded.object;
        let kind = object.kind();
        let mut exports = exports([
            ("api_version", kind.api_version().as_str()),
            ("kind", &kind.kind),
            ("name", object.name()),
            ("namespace", object.namespace().unwrap_or_default()),
        ]);
        exports.insert("object".to_owned(), value(object.json()));
        Ok(Expansion { objects: vec![expanded], exports, ..Expansion::default() })
    }
}

const EXAMPLE: &str = r#"resource "namespace" "batch" {
}

resource "manifest" "reader" {
  object = {
    apiVersion = "rbac.authorization.k8s.io/v1"
    kind       = "Role"
    metadata = {
      name      = "pod-reader"
      namespace = namespace.batch.name
    }
    rules = [{ apiGroups = [""], resources = ["pods"], verbs = ["get", "list"] }]
  }
}
"#;

/// Returns JSON as a value whose texts are unknown where a part of them is. Recursion is as deep as the value, which
/// the limits of the language bound.
fn value(json: &Json) -> Value {
    match json {
        Json::String(text) => text_value(text),
        Json::Array(items) => Value::list(items.iter().map(value).collect()),
        Json::Object(fields) => Value::map(fields.iter().map(|(name, field)| (name, value(field)))),
        scalar => Value::from(scalar),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Carried, UNKNOWN};
    use crate::resource::testing::{errors, expand};

    #[track_caller]
    fn refuses(arguments: Json, expected: &str) {
        assert_eq!(errors(&expand("manifest", arguments)), [expected]);
    }

    fn ray_cluster(is_autoscaled: bool) -> Json {
        json!({
            "apiVersion": "ray.io/v1",
            "kind": "RayCluster",
            "metadata": {"name": "a", "namespace": "b"},
            "spec": {"enableInTreeAutoscaling": is_autoscaled, "workerGroupSpecs": [{"groupName": "cpu", "replicas": 1}]},
        })
    }

    #[test]
    fn the_object_is_applied_as_it_is() {
        let object = json!({
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "metadata": {"name": "a"},
            "spec": {"snake_case": 1, "camelCase": [{"x": null}]},
        });
        let expansion = expand("manifest", json!({"object": object, "wait": false})).unwrap();
        assert_eq!(expansion.objects[0].object.json(), &object);
        assert!(!expansion.objects[0].wait);
        assert_eq!(expansion.exports["kind"], Value::string("Widget"));
    }

    #[test]
    fn what_only_a_cluster_writes_is_left_out() {
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "a", "uid": "1", "resourceVersion": "2", "creationTimestamp": null,
                "annotations": {"deployment.kubernetes.io/revision": "9", "mine": "1"},
            },
            "status": {},
        });
        let expansion = expand("manifest", json!({"object": object, "namespace": "b"})).unwrap();
        let metadata = json!({"name": "a", "namespace": "b", "annotations": {"mine": "1"}});
        let expected = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
        assert_eq!(expansion.objects[0].object.json(), &expected);
    }

    #[test]
    fn fields_of_an_autoscaler_are_carried() {
        let carried = |object| expand("manifest", json!({"object": object})).unwrap().objects.remove(0).carried;
        let field = |field: &str| Carried {
            list: "/spec/workerGroupSpecs".to_owned(),
            key: "groupName".to_owned(),
            field: field.to_owned(),
        };
        assert_eq!(carried(ray_cluster(true)), [field("replicas"), field("scaleStrategy/workersToDelete")]);
        assert_eq!(carried(ray_cluster(false)), []);
    }

    #[test]
    fn unknown_parts_are_allowed_where_they_can_wait() {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": UNKNOWN, "namespace": "a"}});
        let expansion = expand("manifest", json!({"object": object})).unwrap();
        assert_eq!(expansion.exports["name"], Value::Unknown);
        let object = json!({"apiVersion": "v1", "kind": UNKNOWN, "metadata": {"name": "a", "namespace": "a"}});
        refuses(json!({"object": object}), "object: `kind` must be known before apply");
    }

    #[test]
    fn what_belongs_to_the_cluster_loses_its_namespace() {
        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a", "namespace": "b"}});
        let expansion = expand("manifest", json!({ "object": object })).unwrap();
        assert_eq!(expansion.objects[0].object.namespace(), None);
    }

    #[test]
    fn mistakes_are_refused() {
        let object = |api_version: &str, kind: &str, metadata: Json| json!({"object": {"apiVersion": api_version, "kind": kind, "metadata": metadata}});
        refuses(json!({"object": {}}), "object: `apiVersion` is missing or is not a text");
        refuses(
            object("v1", "Pod", json!({"generateName": "a-"})),
            "object: `metadata.name` is missing or is not a text",
        );
        refuses(object("v1", "Pod", json!({"name": "a"})), "object: Pod a has no namespace");
        refuses(
            object("v1", "ConfigMap", json!({"name": "a_b", "namespace": "b"})),
            "object: `a_b` cannot be the name of a ConfigMap: it needs lower-case letters, digits, `-` and `.`, \
             beginning and ending with a letter or digit",
        );
        let mut keys = object("v1", "Secret", json!({"name": "a.b-c", "namespace": "b"}));
        keys["object"]["stringData"] = json!({"a.b": "1", "a/b": "2"});
        refuses(keys, "object: `a/b` cannot be a key of Secret `a.b-c`: it needs letters, digits, `-`, `_` and `.`");
        refuses(
            object("apps.v1", "Deployment", json!({"name": "a", "namespace": "b"})),
            "object: `apps.v1` is not an API version such as `v1` or `apps/v1`",
        );
    }
}

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

//! `data "manifest"`: any object of the cluster.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::super::kit::{Problem, parse};
use super::kit::{DataSource, one};
use crate::model::{Json, Kind, Object, Question, Value, Which};

/// The data source `manifest`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manifest;

/// Reads any object that is there already.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The API version, such as `v1` or `apps/v1`. One that the cluster does not serve is an error.
    api_version: String,
    /// The kind, such as `Service`.
    kind: String,
    /// The name of the object. That there is none is an error.
    name: String,
    /// The namespace of the object; left out for what belongs to the cluster. Default: the namespace of the context.
    namespace: Option<String>,
}

impl DataSource for Manifest {
    fn name(&self) -> &'static str {
        "manifest"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "object",
            "The whole object as the cluster has it, but for `metadata.managedFields`; sensitive where it is a Secret.",
        )]
    }

    fn secrets(&self, arguments: &Json) -> &'static [&'static str] {
        // Of a kind that is not known yet, nothing is known that could be shown.
        if arguments["kind"] == "Secret" { &["object"] } else { &[] }
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn question(&self, arguments: Json) -> Result<Question, Vec<Problem>> {
        let Arguments { api_version, kind, name, namespace } = parse(arguments)?;
        Ok(Question { kind: Kind::new(&api_version, &kind), namespace, which: Which::Named(name) })
    }

    fn answer(&self, question: &Question, found: &[Object]) -> Result<BTreeMap<String, Value>, Problem> {
        let mut json = one(question, found)?.json().clone();
        if let Some(metadata) = json.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.remove("managedFields");
        }
        Ok([("object".to_owned(), Value::from(&json))].into())
    }
}

const EXAMPLE: &str = r#"data "manifest" "kubernetes" {
  api_version = "v1"
  kind        = "Service"
  namespace   = "default"
  name        = "kubernetes"
}

resource "config_map" "endpoints" {
  namespace = "default"
  data      = { api = "${data.manifest.kubernetes.object.spec.clusterIP}:443" }
}
"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{answer, failure, question};

    #[test]
    fn the_object_comes_whole_but_for_its_managers() {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "10.0.0.1"},
            "metadata": {"name": "a", "namespace": "n", "managedFields": [{}]},
        });
        let arguments = json!({"api_version": "v1", "kind": "Service", "name": "a", "namespace": "n"});
        assert_eq!(question("manifest", arguments.clone()), "v1 Service named n/a");
        assert_eq!(
            answer("manifest", arguments, &[service])["object"],
            json!({
                "apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "10.0.0.1"},
                "metadata": {"name": "a", "namespace": "n"},
            }),
        );
    }

    #[test]
    fn a_missing_one_is_told() {
        let arguments = json!({"api_version": "apps/v1", "kind": "Deployment", "name": "a"});
        assert_eq!(failure("manifest", arguments, &[]), "name: there is no Deployment `a`");
    }
}

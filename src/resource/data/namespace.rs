//! `data "namespace"`: a Namespace that somebody else made.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::super::kit::{Problem, parse};
use super::kit::{DataSource, metadata, one, text};
use crate::model::{Json, Kind, Object, Question, Value, Which};

/// The data source `namespace`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Namespace;

/// Reads a Namespace that is there already.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the Namespace. That there is none is an error.
    name: String,
}

impl DataSource for Namespace {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the Namespace."),
            ("uid", "What tells it apart from an earlier one of that name."),
            ("labels", "Its labels."),
            ("annotations", "Its annotations."),
            ("phase", "`Active`, or `Terminating` while it is being deleted."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn question(&self, arguments: Json) -> Result<Question, Vec<Problem>> {
        let Arguments { name } = parse(arguments)?;
        Ok(Question { kind: Kind::new("v1", "Namespace"), namespace: None, which: Which::Named(name) })
    }

    fn answer(&self, question: &Question, found: &[Object]) -> Result<BTreeMap<String, Value>, Problem> {
        let namespace = one(question, found)?;
        let mut exports = metadata(namespace);
        exports.insert("phase".to_owned(), text(namespace, "/status/phase"));
        Ok(exports)
    }
}

const EXAMPLE: &str = r#"data "namespace" "shared" {
  name = "default"
}

resource "config_map" "notes" {
  namespace = data.namespace.shared.name
  data      = { phase = data.namespace.shared.phase }
}
"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{answer, failure};

    #[test]
    fn labels_and_phase_can_be_referred_to() {
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Active"},
            "metadata": {"name": "a", "uid": "u", "labels": {"team": "ml"}},
        });
        assert_eq!(
            answer("namespace", json!({"name": "a"}), &[namespace]),
            json!({"name": "a", "uid": "u", "labels": {"team": "ml"}, "annotations": {}, "phase": "Active"}),
        );
    }

    #[test]
    fn a_missing_one_is_told_by_its_name() {
        assert_eq!(failure("namespace", json!({"name": "a"}), &[]), "name: there is no Namespace `a`");
    }
}

//! `data "secret"`: a Secret that somebody else made.
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::super::kit::{Problem, parse};
use super::kit::{DataSource, metadata, one, text};
use crate::model::{Json, Kind, Object, Question, Value, Which};

/// The data source `secret`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret;

/// Reads a Secret that is there already. What it holds is sensitive: it is never shown, nor written to the state, a plan
/// file or a log, and it reaches the cluster only in the fields of objects that refer to it.
///
/// <https://kubernetes.io/docs/concepts/configuration/secret/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the Secret. That there is none is an error.
    name: String,
    /// The namespace of the Secret.
    namespace: String,
}

impl DataSource for Secret {
    fn name(&self) -> &'static str {
        "secret"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the Secret."),
            ("namespace", "The namespace of the Secret."),
            ("uid", "What tells it apart from an earlier one of that name."),
            ("labels", "Its labels."),
            ("annotations", "Its annotations, which may hold what it holds: sensitive."),
            ("type", "Its type, such as `Opaque`."),
            ("data", "Its entries that are text, by key; sensitive."),
            ("binary_data", "All of its entries in base64, by key; sensitive."),
        ]
    }

    fn secrets(&self, _: &Json) -> &'static [&'static str] {
        // `kubectl apply` keeps all that it applied in an annotation.
        &["annotations", "data", "binary_data"]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn question(&self, arguments: Json) -> Result<Question, Vec<Problem>> {
        let Arguments { name, namespace } = parse(arguments)?;
        Ok(Question { kind: Kind::new("v1", "Secret"), namespace: Some(namespace), which: Which::Named(name) })
    }

    fn answer(&self, question: &Question, found: &[Object]) -> Result<BTreeMap<String, Value>, Problem> {
        let secret = one(question, found)?;
        let mut exports = metadata(secret);
        let (texts, all) = entries(secret);
        for (name, value) in [
            ("namespace", text(secret, "/metadata/namespace")),
            ("type", text(secret, "/type")),
            ("data", texts),
            ("binary_data", all),
        ] {
            exports.insert(name.to_owned(), value);
        }
        Ok(exports)
    }
}

/// Returns the entries that are text, and all of them in base64.
fn entries(secret: &Object) -> (Value, Value) {
    let data = secret.pointer("/data").and_then(Json::as_object);
    let encoded: BTreeMap<&str, &str> =
        data.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
    let decoded = encoded.iter().filter_map(|(key, value)| {
        let bytes = STANDARD.decode(value).ok()?;
        Some((*key, Value::string(String::from_utf8(bytes).ok()?)))
    });
    let texts = Value::map(decoded);
    (texts, Value::map(encoded.iter().map(|(key, value)| (*key, Value::string(value)))))
}

const EXAMPLE: &str = r#"resource "secret" "registry" {
  namespace = "default"
  data      = { password = "swordfish" }
}

data "secret" "registry" {
  name       = "registry"
  namespace  = "default"
  depends_on = [secret.registry]
}

resource "secret" "copy" {
  namespace = "default"
  data      = { password = data.secret.registry.data["password"] }
}
"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{answer, failure};

    #[test]
    fn what_is_no_text_is_there_in_base64_only() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"a": "eA==", "b": "/w=="},
            "metadata": {"name": "s", "namespace": "n", "uid": "u"},
        });
        let found = answer("secret", json!({"name": "s", "namespace": "n"}), &[secret]);
        assert_eq!(found["data"], json!({"a": "x"}));
        assert_eq!(found["binary_data"], json!({"a": "eA==", "b": "/w=="}));
        assert_eq!((&found["type"], &found["namespace"]), (&json!("Opaque"), &json!("n")));
    }

    #[test]
    fn a_missing_one_is_told_with_its_namespace() {
        let arguments = json!({"name": "s", "namespace": "n"});
        assert_eq!(failure("secret", arguments, &[]), "name: there is no Secret `n/s`");
    }
}

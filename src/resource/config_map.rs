//! `config_map`: a ConfigMap.
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::json;

use super::kit::{Context, Expansion, Problem, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, exports};
use super::names::{default_name, object};
use super::parts::without_nulls;
use super::payload;
use crate::model::Json;

/// The resource type `config_map`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfigMap;

/// A ConfigMap: texts and files under keys, 1 MiB together.
///
/// <https://kubernetes.io/docs/concepts/configuration/configmap/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the ConfigMap. Default: the name of the block, with `-` for `_`.
    name: Option<String>,
    /// The namespace of the ConfigMap.
    namespace: String,
    /// Labels of the ConfigMap.
    #[serde(default)]
    labels: Texts,
    /// Annotations of the ConfigMap.
    #[serde(default)]
    annotations: Texts,
    /// Texts by key, such as `{ "app.yaml" = file("app.yaml") }`.
    #[serde(default)]
    data: Texts,
    /// Other bytes by key, as base64, such as `{ "model.bin" = filebase64("model.bin") }`.
    #[serde(default)]
    binary_data: BTreeMap<String, String>,
    /// Whether the entries are fixed for good; a change of them then replaces the ConfigMap. Default: false.
    immutable: Option<bool>,
}

impl ResourceType for ConfigMap {
    fn name(&self) -> &'static str {
        "config_map"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the ConfigMap."),
            ("namespace", "The namespace of the ConfigMap."),
            ("checksum", "Changes when an entry changes; an annotation with it rolls pods."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments: Arguments = parse(without_nulls(arguments))?;
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let namespace = arguments.namespace.as_str();
        let metadata = Metadata {
            name: &name,
            namespace: Some(namespace),
            labels: &arguments.labels,
            annotations: &arguments.annotations,
        };
        let (binary, mut problems) = arguments.payload();
        problems.extend(metadata.problems(NameRule::Subdomain));
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut json = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata.to_json() });
        let texts: BTreeMap<String, String> = arguments.data.into_iter().map(|(key, value)| (key, value.0)).collect();
        let checksum = payload::checksum(texts.iter().chain(&binary));
        if !texts.is_empty() {
            json["data"] = payload::entries_json(texts);
        }
        if !binary.is_empty() {
            json["binaryData"] = payload::entries_json(binary);
        }
        if let Some(immutable) = arguments.immutable {
            json["immutable"] = immutable.into();
        }
        let mut exports = exports([("name", &name), ("namespace", namespace)]);
        exports.insert("checksum".to_owned(), checksum);
        Ok(Expansion { objects: vec![object(json)], exports, ..Expansion::default() })
    }
}

const EXAMPLE: &str = r#"resource "namespace" "app" {
}

resource "config_map" "settings" {
  namespace   = namespace.app.name
  data        = { "app.properties" = "batch.size=32\n" }
  binary_data = { "header.bin" = "AAECAw==" }
}
"#;

impl Arguments {
    /// Returns the binary entries in canonical form, and what is wrong with all entries.
    fn payload(&self) -> (BTreeMap<String, String>, Vec<Problem>) {
        let (mut binary, mut problems, mut taken) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        let mut bytes = 0;
        for (key, value) in &self.data {
            problems.extend(payload::check_key(format_args!("data/{key}"), key, &mut taken));
            bytes += value.0.len();
        }
        for (key, value) in &self.binary_data {
            let argument = format!("binary_data/{key}");
            problems.extend(payload::check_key(&argument, key, &mut taken));
            match payload::recode(&argument, value) {
                Ok((text, length)) => {
                    bytes += length;
                    binary.insert(key.clone(), text);
                }
                Err(problem) => problems.push(problem),
            }
        }
        problems.extend(payload::check_size(if self.data.is_empty() { "binary_data" } else { "data" }, bytes));
        (binary, problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{UNKNOWN, Value};
    use crate::resource::testing::{errors, expand};

    #[test]
    fn its_object() {
        let arguments = json!({
            "namespace": "a",
            "data": {"app.properties": "x=1\n", "port": 8080},
            "binary_data": {"b": "AAEC\n Aw=="},
            "immutable": true,
        });
        let expansion = expand("config_map", arguments).unwrap();
        let expected = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "main", "namespace": "a"},
            "data": {"app.properties": "x=1\n", "port": "8080"},
            "binaryData": {"b": "AAECAw=="},
            "immutable": true,
        });
        assert_eq!(expansion.objects[0].object.json(), &expected);
    }

    #[test]
    fn mistakes_name_their_argument() {
        let arguments = json!({"namespace": "a", "data": {"a/b": "", "c": ""}, "binary_data": {"c": "", "d": "?"}});
        assert_eq!(
            errors(&expand("config_map", arguments)),
            [
                "data/a/b: `a/b` is not a key that Kubernetes accepts",
                "binary_data/c: the key `c` is there twice",
                "binary_data/d: the value is not base64",
            ]
        );
        let large = "x".repeat(1 << 20);
        let arguments = json!({"namespace": "a", "data": {"a": large, "b": "1"}});
        let expected = ["data: the values have 1048577 bytes together; Kubernetes allows 1048576"];
        assert_eq!(errors(&expand("config_map", arguments)), expected);
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        let expansion = expand("config_map", json!({"namespace": UNKNOWN, "data": {"a": UNKNOWN}})).unwrap();
        assert_eq!(expansion.exports["namespace"], Value::Unknown);
        assert_eq!(expansion.exports["checksum"], Value::Unknown);
        assert_eq!(expansion.exports["name"], Value::string("main"));
    }
}

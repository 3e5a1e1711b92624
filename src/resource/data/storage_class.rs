//! `data "storage_class"`: a StorageClass of the cluster, or its default one.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::super::kit::{Problem, parse};
use super::kit::{DataSource, metadata, one, text, texts};
use crate::model::{Json, Kind, Object, Question, Value, Which};

/// The annotation of the class that claims without a class get.
const IS_DEFAULT: &str = "/metadata/annotations/storageclass.kubernetes.io~1is-default-class";

/// The data source `storage_class`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StorageClass;

/// Reads a StorageClass that is there already, or the default one of the cluster.
///
/// <https://kubernetes.io/docs/concepts/storage/storage-classes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the StorageClass. Default: the class that the cluster gives to claims that name none; where several
    /// are marked so, the one that was made last, as the API server chooses.
    name: Option<String>,
}

impl DataSource for StorageClass {
    fn name(&self) -> &'static str {
        "storage_class"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the StorageClass."),
            ("uid", "What tells it apart from an earlier one of that name."),
            ("labels", "Its labels."),
            ("annotations", "Its annotations."),
            ("provisioner", "The driver that makes the volumes."),
            ("parameters", "Settings of the driver."),
            ("reclaim_policy", "What becomes of a volume whose claim is deleted: `Delete` or `Retain`."),
            ("volume_binding_mode", "When a claim gets its volume: `Immediate` or `WaitForFirstConsumer`."),
            ("allow_volume_expansion", "Whether claims may grow."),
            ("is_default", "Whether claims that name no class get this one."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn question(&self, arguments: Json) -> Result<Question, Vec<Problem>> {
        let Arguments { name } = parse(arguments)?;
        let which = name.map_or_else(|| Which::Labelled(String::new()), Which::Named);
        Ok(Question { kind: Kind::new("storage.k8s.io/v1", "StorageClass"), namespace: None, which })
    }

    fn answer(&self, question: &Question, found: &[Object]) -> Result<BTreeMap<String, Value>, Problem> {
        let class = match &question.which {
            Which::Named(_) => one(question, found)?,
            Which::Labelled(_) => default_class(found)?,
        };
        let mut exports = metadata(class);
        let may_grow = class.pointer("/allowVolumeExpansion").and_then(Json::as_bool).unwrap_or(false);
        for (name, value) in [
            ("provisioner", text(class, "/provisioner")),
            ("parameters", texts(class, "/parameters")),
            ("reclaim_policy", text(class, "/reclaimPolicy")),
            ("volume_binding_mode", text(class, "/volumeBindingMode")),
            ("allow_volume_expansion", Value::Bool(may_grow)),
            ("is_default", Value::Bool(is_default(class))),
        ] {
            exports.insert(name.to_owned(), value);
        }
        Ok(exports)
    }
}

fn is_default(class: &Object) -> bool {
    class.text(IS_DEFAULT) == Some("true")
}

/// Returns the default class: of several the newest, of several as new the first by name.
///
/// <https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass>
fn default_class(found: &[Object]) -> Result<&Object, Problem> {
    let created = |class: &Object| class.text("/metadata/creationTimestamp").unwrap_or_default().to_owned();
    let newest = found
        .iter()
        .filter(|class| is_default(class))
        .max_by(|a, b| created(a).cmp(&created(b)).then_with(|| b.name().cmp(a.name())));
    newest.ok_or_else(|| {
        let names: Vec<String> = found.iter().take(8).map(|class| format!("`{}`", class.name())).collect();
        let hint = match names.as_slice() {
            [] => "it has no StorageClass at all".to_owned(),
            names => format!("write the `name` of one of {}", names.join(", ")),
        };
        Problem::error("", "the cluster has no default StorageClass").hint(hint)
    })
}

const EXAMPLE: &str = r#"resource "storage_class" "ssd" {
  name        = "ssd"
  provisioner = "ebs.csi.aws.com"
  default     = true
}

data "storage_class" "default" {
  depends_on = [storage_class.ssd]
}

resource "config_map" "storage" {
  namespace = "default"
  data      = { class = data.storage_class.default.name }
}
"#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{answer, failure};
    use super::*;

    fn class(name: &str, created: &str, is_default: &str) -> Json {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "p",
            "metadata": {
                "name": name, "creationTimestamp": created,
                "annotations": {"storageclass.kubernetes.io/is-default-class": is_default},
            },
        })
    }

    #[test]
    fn without_a_name_it_is_the_newest_default() {
        let all =
            [class("a", "2026-01-02", "true"), class("b", "2026-01-01", "true"), class("c", "2026-01-03", "false")];
        let found = answer("storage_class", json!({}), &all);
        assert_eq!((&found["name"], &found["is_default"]), (&json!("a"), &json!(true)));
        assert_eq!(found["allow_volume_expansion"], json!(false));
    }

    #[test]
    fn that_there_is_no_default_is_told_with_what_there_is() {
        let all = [class("c", "2026-01-03", "false")];
        assert_eq!(failure("storage_class", json!({}), &all), ": the cluster has no default StorageClass");
    }
}

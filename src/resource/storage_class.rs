//! `storage_class`: a StorageClass.
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::json;

use super::kit::{Context, Expansion, Problem, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, exports, texts_json};
use super::names::{default_name, object};
use super::parts::without_nulls;
use crate::model::{Json, UNKNOWN};

/// The resource type `storage_class`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StorageClass;

/// A StorageClass: how volumes are made. `provisioner`, `parameters`, `reclaim_policy` and `volume_binding_mode` cannot
/// be changed on a live one; such a change replaces it, which existing claims and volumes outlive.
///
/// <https://kubernetes.io/docs/concepts/storage/storage-classes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the StorageClass. Default: the name of the block, with `-` for `_`.
    name: Option<String>,
    /// Labels of the StorageClass.
    #[serde(default)]
    labels: Texts,
    /// Annotations of the StorageClass.
    #[serde(default)]
    annotations: Texts,
    /// The driver that makes the volumes, such as `ebs.csi.aws.com`; `kubernetes.io/no-provisioner` for none.
    provisioner: String,
    /// Settings of the driver, such as `{ type = "gp3" }`.
    #[serde(default)]
    parameters: Texts,
    /// What becomes of a volume whose claim is deleted. Default: `Delete`.
    reclaim_policy: Option<ReclaimPolicy>,
    /// When a claim gets its volume. `WaitForFirstConsumer` makes it where its pod runs, and is right for zonal disks.
    /// Default: `Immediate`.
    volume_binding_mode: Option<VolumeBindingMode>,
    /// Whether claims may grow. Default: false.
    allow_volume_expansion: Option<bool>,
    /// Options with which volumes are mounted, such as `["noatime"]`.
    #[serde(default)]
    mount_options: Vec<String>,
    /// The zones or nodes to which volumes may belong.
    #[serde(default)]
    #[schemars(extend("x-block" = true))]
    allowed_topology: Vec<Topology>,
    /// Whether claims that name no class get this one. Default: false.
    #[serde(default)]
    default: bool,
}

/// A label of nodes and the values that are allowed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Topology {
    /// The label, such as `topology.kubernetes.io/zone`.
    key: String,
    /// Its values, such as `["eu-central-1a"]`.
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum ReclaimPolicy {
    Delete,
    Retain,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum VolumeBindingMode {
    Immediate,
    WaitForFirstConsumer,
}

impl ResourceType for StorageClass {
    fn name(&self) -> &'static str {
        "storage_class"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the StorageClass."),
            ("provisioner", "The driver that makes the volumes."),
            ("allow_volume_expansion", "Whether claims may grow."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments: Arguments = parse(without_nulls(arguments))?;
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let mut annotations = arguments.annotations.clone();
        if arguments.default {
            let key = "storageclass.kubernetes.io/is-default-class".to_owned();
            annotations.insert(key, super::arguments::TextArgument("true".to_owned()));
        }
        let metadata = Metadata { name: &name, namespace: None, labels: &arguments.labels, annotations: &annotations };
        let mut problems = metadata.problems(NameRule::Subdomain);
        if arguments.provisioner.is_empty() {
            let hint = "`kubernetes.io/no-provisioner` is for volumes that are made by hand";
            problems.push(Problem::error("provisioner", "`provisioner` is empty").hint(hint));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut exports = exports([("name", &name), ("provisioner", &arguments.provisioner)]);
        let may_grow = arguments.allow_volume_expansion.unwrap_or(false);
        exports.insert("allow_volume_expansion".to_owned(), crate::model::Value::Bool(may_grow));
        Ok(Expansion {
            objects: vec![object(arguments.to_json(&metadata.to_json()))],
            exports,
            problems: arguments.by_hand().into_iter().collect(),
            ..Expansion::default()
        })
    }
}

const EXAMPLE: &str = r#"resource "storage_class" "ssd" {
  name                   = "ray-ssd"
  provisioner            = "ebs.csi.aws.com"
  parameters             = { type = "gp3" }
  volume_binding_mode    = "WaitForFirstConsumer"
  reclaim_policy         = "Retain"
  allow_volume_expansion = true

  allowed_topology {
    key    = "topology.kubernetes.io/zone"
    values = ["eu-central-1a", "eu-central-1b"]
  }
}
"#;

impl Arguments {
    fn to_json(&self, metadata: &Json) -> Json {
        let mut json = json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": metadata,
            "provisioner": self.provisioner,
        });
        if !self.parameters.is_empty() {
            json["parameters"] = texts_json(&self.parameters);
        }
        if let Some(policy) = self.reclaim_policy {
            json["reclaimPolicy"] = format!("{policy:?}").into();
        }
        if let Some(mode) = self.volume_binding_mode {
            json["volumeBindingMode"] = format!("{mode:?}").into();
        }
        if let Some(may_grow) = self.allow_volume_expansion {
            json["allowVolumeExpansion"] = may_grow.into();
        }
        if !self.mount_options.is_empty() {
            json["mountOptions"] = self.mount_options.clone().into();
        }
        if !self.allowed_topology.is_empty() {
            let expressions: Vec<Json> =
                self.allowed_topology.iter().map(|t| json!({ "key": t.key, "values": t.values })).collect();
            json["allowedTopologies"] = json!([{ "matchLabelExpressions": expressions }]);
        }
        json
    }

    /// Warns of a class without a driver that binds at once: it binds to whatever volume is free, wherever that is.
    fn by_hand(&self) -> Option<Problem> {
        let is_late = matches!(self.volume_binding_mode, Some(VolumeBindingMode::WaitForFirstConsumer));
        let has_none = self.provisioner == "kubernetes.io/no-provisioner" && !self.provisioner.contains(UNKNOWN);
        (has_none && !is_late).then(|| {
            Problem::warning("volume_binding_mode", "local volumes are bound before it is known where the pod runs")
                .hint("set `volume_binding_mode = \"WaitForFirstConsumer\"`")
        })
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::resource::testing::{errors, expand, yaml};

    #[test]
    fn its_object() {
        let arguments = json!({
            "name": "ray-ssd",
            "provisioner": "ebs.csi.aws.com",
            "parameters": {"type": "gp3", "iops": 3000},
            "volume_binding_mode": "WaitForFirstConsumer",
            "reclaim_policy": "Retain",
            "allow_volume_expansion": true,
            "mount_options": ["noatime"],
            "default": true,
            "allowed_topology": [{"key": "topology.kubernetes.io/zone", "values": ["a", "b"]}],
        });
        assert_data_eq!(
            yaml(&expand("storage_class", arguments).unwrap()),
            str![[r#"
allowVolumeExpansion: true
allowedTopologies:
- matchLabelExpressions:
  - key: topology.kubernetes.io/zone
    values:
    - a
    - b
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
  name: ray-ssd
mountOptions:
- noatime
parameters:
  iops: "3000"
  type: gp3
provisioner: ebs.csi.aws.com
reclaimPolicy: Retain
volumeBindingMode: WaitForFirstConsumer

"#]]
        );
    }

    #[test]
    fn mistakes_name_their_argument() {
        let result = expand("storage_class", json!({"provisioner": ""}));
        assert_eq!(errors(&result), ["provisioner: `provisioner` is empty"]);
        let result = expand("storage_class", json!({"provisioner": "a", "reclaim_policy": "Keep"}));
        assert_eq!(errors(&result), ["reclaim_policy: unknown variant `Keep`, expected `Delete` or `Retain`"]);
        let result = expand("storage_class", json!({}));
        assert_eq!(errors(&result), [": missing field `provisioner`"]);
    }

    #[test]
    fn local_volumes_that_bind_at_once_are_warned_of() {
        let expansion = expand("storage_class", json!({"provisioner": "kubernetes.io/no-provisioner"})).unwrap();
        assert_eq!(expansion.problems[0].argument, "volume_binding_mode");
    }
}

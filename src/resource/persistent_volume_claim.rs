//! `persistent_volume_claim`: a claim on storage.
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::json;

use super::arguments::{QuantityArgument, RawArgument};
use super::kit::{Context, Expansion, Problem, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, exports};
use super::names::{default_name, object};
use super::parts::without_nulls;
use crate::model::Json;

/// The resource type `persistent_volume_claim`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PersistentVolumeClaim;

/// A PersistentVolumeClaim. Of a live claim only `size` can grow, where its class allows it.
///
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the claim. Default: the name of the block, with `-` for `_`.
    name: Option<String>,
    /// The namespace of the claim.
    namespace: String,
    /// Labels of the claim.
    #[serde(default)]
    labels: Texts,
    /// Annotations of the claim.
    #[serde(default)]
    annotations: Texts,
    /// How much storage is asked for, such as `"100Gi"`.
    size: QuantityArgument,
    /// The most storage that is taken, where volumes come in fixed sizes.
    size_limit: Option<QuantityArgument>,
    /// How nodes may mount it. Default: `["ReadWriteOnce"]`.
    #[serde(default = "read_write_once")]
    access_modes: Vec<AccessMode>,
    /// The name of the StorageClass; `""` for volumes without one. Default: the cluster's default class.
    storage_class: Option<String>,
    /// `Filesystem` or `Block`. Default: `Filesystem`.
    volume_mode: Option<VolumeMode>,
    /// The name of one volume to bind to.
    volume_name: Option<String>,
    /// Which volumes may be bound: `{ match_labels = {…} }`.
    selector: Option<RawArgument>,
    /// What the volume is filled from: `{ kind = "PersistentVolumeClaim", name = "…" }`, or a snapshot with its
    /// `api_group`.
    data_source: Option<RawArgument>,
    /// Like `data_source`, for any kind, and with a `namespace` where the cluster allows it.
    data_source_ref: Option<RawArgument>,
    /// The name of a VolumeAttributesClass.
    volume_attributes_class: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the names are those of Kubernetes")]
enum AccessMode {
    ReadWriteOnce,
    ReadOnlyMany,
    ReadWriteMany,
    ReadWriteOncePod,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum VolumeMode {
    Filesystem,
    Block,
}

fn read_write_once() -> Vec<AccessMode> {
    vec![AccessMode::ReadWriteOnce]
}

impl ResourceType for PersistentVolumeClaim {
    fn name(&self) -> &'static str {
        "persistent_volume_claim"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the claim, as a volume takes it."),
            ("namespace", "The namespace of the claim."),
            ("size", "How much storage is asked for."),
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
        let mut problems = metadata.problems(NameRule::Subdomain);
        problems.extend(arguments.problems());
        if !problems.is_empty() {
            return Err(problems);
        }
        let size = arguments.size.to_json();
        Ok(Expansion {
            exports: exports([("name", &name), ("namespace", namespace), ("size", size.as_str().unwrap_or_default())]),
            objects: vec![object(arguments.to_json(&metadata.to_json()))],
            on_delete: Some(format!("deletes claim {name}; what it holds is lost unless its volume is retained")),
            ..Expansion::default()
        })
    }
}

const EXAMPLE: &str = r#"resource "namespace" "data" {
}

resource "persistent_volume_claim" "datasets" {
  namespace    = namespace.data.name
  size         = "100Gi"
  access_modes = ["ReadWriteMany"]
}
"#;

impl Arguments {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.size.known().is_some_and(|size| size.is_zero()) {
            problems.push(Problem::error("size", "`size` must be more than 0").hint("such as `\"100Gi\"`"));
        }
        if let (Some(size), Some(limit)) =
            (self.size.known(), self.size_limit.as_ref().and_then(QuantityArgument::known))
            && size > limit
        {
            problems
                .push(Problem::error("size", format!("`size` is {size}, which is more than `size_limit`, {limit}")));
        }
        if self.access_modes.is_empty() {
            problems.push(Problem::error("access_modes", "a claim needs at least one access mode"));
        }
        if self.access_modes.contains(&AccessMode::ReadWriteOncePod) && self.access_modes.len() > 1 {
            problems.push(Problem::error("access_modes", "`ReadWriteOncePod` goes with no other access mode"));
        }
        problems
    }

    fn to_json(&self, metadata: &Json) -> Json {
        let modes: Vec<String> = self.access_modes.iter().map(|mode| format!("{mode:?}")).collect();
        let mut spec = json!({ "accessModes": modes, "resources": { "requests": { "storage": self.size.to_json() } } });
        if let Some(limit) = &self.size_limit {
            spec["resources"]["limits"] = json!({ "storage": limit.to_json() });
        }
        let texts = [
            ("storageClassName", &self.storage_class),
            ("volumeName", &self.volume_name),
            ("volumeAttributesClassName", &self.volume_attributes_class),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                spec[field] = text.as_str().into();
            }
        }
        if let Some(mode) = self.volume_mode {
            spec["volumeMode"] = format!("{mode:?}").into();
        }
        let raw =
            [("selector", &self.selector), ("dataSource", &self.data_source), ("dataSourceRef", &self.data_source_ref)];
        for (field, value) in raw {
            if let Some(value) = value {
                spec[field] = Json::Object(value.0.clone());
            }
        }
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec })
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::resource::testing::{errors, expand, yaml};

    #[track_caller]
    fn refuses(more: Json, expected: &[&str]) {
        let mut arguments = json!({"namespace": "a", "size": "1Gi"});
        let Json::Object(more) = more else { panic!("an object") };
        arguments.as_object_mut().unwrap().extend(more);
        assert_eq!(errors(&expand("persistent_volume_claim", arguments)), expected);
    }

    #[test]
    fn its_object() {
        let arguments = json!({
            "namespace": "team-a",
            "name": "data.sets",
            "size": "1024Gi",
            "size_limit": "2Ti",
            "access_modes": ["ReadWriteMany"],
            "storage_class": "",
            "volume_mode": "Block",
            "volume_name": "volume-1",
            "selector": {"match_labels": {"tier": "gold"}},
            "data_source": {"api_group": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "yesterday"},
            "labels": {"a": 1},
        });
        assert_data_eq!(
            yaml(&expand("persistent_volume_claim", arguments).unwrap()),
            str![[r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  labels:
    a: "1"
  name: data.sets
  namespace: team-a
spec:
  accessModes:
  - ReadWriteMany
  dataSource:
    apiGroup: snapshot.storage.k8s.io
    kind: VolumeSnapshot
    name: yesterday
  resources:
    limits:
      storage: 2Ti
    requests:
      storage: 1Ti
  selector:
    matchLabels:
      tier: gold
  storageClassName: ""
  volumeMode: Block
  volumeName: volume-1

"#]]
        );
    }

    #[test]
    fn the_default_class_is_left_to_the_cluster() {
        let expansion = expand("persistent_volume_claim", json!({"namespace": "a", "size": 1_000_000})).unwrap();
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1M"}}});
        assert_eq!(expansion.objects[0].object.pointer("/spec"), Some(&spec));
    }

    #[test]
    fn mistakes_name_their_argument() {
        refuses(json!({"size": 0}), &["size: `size` must be more than 0"]);
        refuses(json!({"size_limit": "1Mi"}), &["size: `size` is 1Gi, which is more than `size_limit`, 1Mi"]);
        refuses(json!({"access_modes": []}), &["access_modes: a claim needs at least one access mode"]);
        refuses(
            json!({"access_modes": ["ReadWriteOncePod", "ReadOnlyMany"]}),
            &["access_modes: `ReadWriteOncePod` goes with no other access mode"],
        );
        refuses(
            json!({"access_modes": ["RWO"]}),
            &[
                "access_modes/0: unknown variant `RWO`, expected one of `ReadWriteOnce`, `ReadOnlyMany`, `ReadWriteMany`, \
             `ReadWriteOncePod`",
            ],
        );
    }
}

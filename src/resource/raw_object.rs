//! Turns an object as a user wrote it into one that can be applied.
use serde_json::Map;

use super::kinds::{self, Place, Places};
use super::kit::ExpandedObject;
use super::readiness::judge_of;
use crate::model::{Carried, Json, Kind, Object, UNKNOWN};

/// Fields of `metadata` that only a cluster writes; they come along when a live object is copied.
const WRITTEN_BY_THE_CLUSTER: [&str; 7] =
    ["creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// Annotations that controllers and `kubectl` write, and would write over.
const NOTES_OF_THE_CLUSTER: [&str; 12] = [
    "batch.kubernetes.io/job-tracking",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
];

/// What is wrong with an object, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub message: String,
    pub hint: Option<String>,
}

/// Where an object without a namespace goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement<'a> {
    /// The namespace that was given for all that name none.
    pub namespace: Option<&'a str>,
    /// Where kinds live of which the user, or a definition beside them, tells.
    pub told: &'a Places,
}

/// Checks an object, takes out what a cluster wrote, and gives it a namespace where it needs one.
pub(crate) fn prepare(json: Json, placement: Placement<'_>) -> Result<ExpandedObject, Refusal> {
    let refuse = |message: String, hint: Option<&str>| Refusal { message, hint: hint.map(str::to_owned) };
    let Json::Object(mut fields) = json else {
        return Err(refuse("a Kubernetes object is a map with `apiVersion`, `kind` and `metadata`".to_owned(), None));
    };
    fields.remove("status");
    if let Some(Json::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|name, _| !WRITTEN_BY_THE_CLUSTER.contains(&name.as_str()));
        if let Some(Json::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.retain(|name, _| !NOTES_OF_THE_CLUSTER.contains(&name.as_str()));
        }
    }
    let generates_name = fields.get("metadata").and_then(|metadata| metadata.get("generateName")).is_some();
    let mut object = Object::new(Json::Object(fields)).map_err(|error| {
        let hint =
            generates_name.then_some("with `generateName` every apply would make another object: give it a name");
        refuse(error.to_string(), hint)
    })?;
    let kind = object.kind();
    for (field, text) in [("apiVersion", kind.api_version()), ("kind", kind.kind.to_string())] {
        if text.contains(UNKNOWN) {
            return Err(refuse(format!("`{field}` must be known before apply"), None));
        }
    }
    if kind.group.is_empty() && kind.version.contains('.') {
        return Err(refuse(format!("`{}` is not an API version such as `v1` or `apps/v1`", kind.version), None));
    }
    if let Some(message) = mistake_of_plain(&object, &kind) {
        return Err(refuse(message, None));
    }
    object = placed(object, &kind, placement)?;
    let carried = carried(&object, &kind);
    let mut expanded = ExpandedObject::new(object, judge_of(&kind));
    expanded.carried = carried;
    Ok(expanded)
}

/// Returns what a server would refuse in an object that holds data only: such a one is not tried when planning where
/// its namespace is still to be made.
fn mistake_of_plain(object: &Object, kind: &Kind) -> Option<String> {
    if !kind.group.is_empty() || !matches!(&*kind.kind, "ConfigMap" | "Secret" | "ServiceAccount") {
        return None;
    }
    let name = object.name();
    if !name.contains(UNKNOWN) && !is_subdomain(name) {
        let rule = "lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit";
        return Some(format!("`{name}` cannot be the name of a {}: it needs {rule}", kind.kind));
    }
    let maps = ["/data", "/stringData", "/binaryData"].into_iter().filter_map(|path| object.pointer(path)?.as_object());
    let is_key = |key: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        (1..=253).contains(&key.len()) && key.chars().all(is_letter) && key != "." && !key.starts_with("..")
    };
    let wrong = maps.flat_map(|map| map.keys()).find(|key| !key.contains(UNKNOWN) && !is_key(key));
    wrong.map(|key| {
        format!("`{key}` cannot be a key of {} `{name}`: it needs letters, digits, `-`, `_` and `.`", kind.kind)
    })
}

/// Tells whether a name is a DNS subdomain (RFC 1123).
fn is_subdomain(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(is_end) && part.ends_with(is_end) && part.chars().all(|c| is_end(c) || c == '-')
    };
    name.len() <= 253 && name.split('.').all(is_part)
}

/// Returns the object where it belongs.
fn placed(object: Object, kind: &Kind, placement: Placement<'_>) -> Result<Object, Refusal> {
    let told = placement.told.get(&kind.group_kind()).copied();
    let place = told.unwrap_or_else(|| kinds::place(kind));
    let given = object.namespace().filter(|namespace| !namespace.is_empty()).map(str::to_owned);
    match (place, given, placement.namespace) {
        (Place::Namespace, None, None) => Err(Refusal {
            message: format!("{} {} has no namespace", kind.kind, object.name()),
            hint: Some("set `metadata.namespace`, or `namespace` for all objects that name none".to_owned()),
        }),
        // Public manifests often give a namespace to what has none; servers take no notice of it either.
        (Place::Cluster, ..) | (Place::Unknown, None, None) => Ok(with_namespace(object, None)),
        (_, Some(_), _) => Ok(object),
        (_, None, Some(namespace)) => Ok(with_namespace(object, Some(namespace))),
    }
}

fn with_namespace(object: Object, namespace: Option<&str>) -> Object {
    let mut json = object.into_json();
    if let Some(metadata) = json.get_mut("metadata").and_then(Json::as_object_mut) {
        match namespace {
            Some(namespace) => metadata.insert("namespace".to_owned(), namespace.into()),
            None => metadata.remove("namespace"),
        };
    }
    Object::new(json).expect("the name and the kind are as they were")
}

/// Returns the fields that Ray's autoscaler writes into the worker groups of a RayCluster.
///
/// `workerGroupSpecs` is an atomic list, so that applying it would otherwise take them back. RayJob and RayService are
/// not touched by it: it writes into the RayCluster that the operator makes of them.
fn carried(object: &Object, kind: &Kind) -> Vec<Carried> {
    let is_cluster = kind.is("ray.io", "RayCluster");
    if !is_cluster || object.pointer("/spec/enableInTreeAutoscaling") != Some(&Json::Bool(true)) {
        return Vec::new();
    }
    let field = |field: &str| Carried {
        list: "/spec/workerGroupSpecs".to_owned(),
        key: "groupName".to_owned(),
        field: field.to_owned(),
    };
    vec![field("replicas"), field("scaleStrategy/workersToDelete")]
}

/// Returns the items of a list of objects such as `kind: List`, or the object itself.
pub(crate) fn flatten(json: Json) -> Vec<Json> {
    let is_list = json.get("kind").and_then(Json::as_str).is_some_and(|kind| kind.ends_with("List"));
    match json {
        Json::Object(mut fields) if is_list => match fields.remove("items") {
            Some(Json::Array(items)) => items.into_iter().flat_map(flatten).collect(),
            Some(Json::Null) => Vec::new(),
            Some(items) => vec![Json::Object(restored(fields, items))],
            None => vec![Json::Object(fields)],
        },
        other => vec![other],
    }
}

fn restored(mut fields: Map<String, Json>, items: Json) -> Map<String, Json> {
    fields.insert("items".to_owned(), items);
    fields
}

//! Small questions about objects that several steps ask.
use std::sync::Arc;

use crate::model::{DesiredObject, FIELD_MANAGER, Identity, Json, Object, ServedKind};
use crate::plan;
use crate::state::{RecordedObject, applied_form};

/// Tells whether an object was applied by rayform from the state with this lineage.
///
/// Annotations alone are not enough: the Deployment controller copies them to its replica sets.
pub(super) fn is_ours(object: &Object, lineage: &str) -> bool {
    object.annotation(plan::LINEAGE) == Some(lineage) && managers(object).any(|it| it == (FIELD_MANAGER, "Apply"))
}

/// Returns manager and operation of all who wrote an object.
pub(super) fn managers(object: &Object) -> impl Iterator<Item = (&str, &str)> {
    let entries = object.pointer("/metadata/managedFields").and_then(Json::as_array);
    entries.into_iter().flatten().map(|entry| {
        let text = |name| entry.get(name).and_then(Json::as_str).unwrap_or_default();
        (text("manager"), text("operation"))
    })
}

/// Returns what is recorded of an object that is about to be applied, or was.
///
/// `desired` says where it lives and what of it is secret.
pub(super) fn recorded(object: &Object, desired: &DesiredObject, uid: &str, salt: &str) -> RecordedObject {
    RecordedObject {
        cluster: desired.cluster.clone(),
        kind: object.kind(),
        namespace: object.namespace().map(Arc::from),
        name: object.name().into(),
        uid: uid.to_owned(),
        applied: applied_form(object, &desired.sensitive, salt),
    }
}

/// Names an object in messages: `Deployment team-a/ray-head`.
pub(super) fn named(identity: &Identity) -> String {
    match &identity.namespace {
        Some(namespace) => format!("{} {namespace}/{}", identity.kind, identity.name),
        None => format!("{} {}", identity.kind, identity.name),
    }
}

/// Tells whether objects of a kind run pods, or stand for what does.
pub(super) fn bears_pods(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(kind, "Pod" | "ReplicationController"),
        "apps" | "batch" => true,
        _ => group.ends_with("ray.io"),
    }
}

/// Tells whether a kind is served in a version.
pub(super) fn serves(served: &ServedKind, version: &str) -> bool {
    served.versions.iter().any(|it| **it == *version)
}

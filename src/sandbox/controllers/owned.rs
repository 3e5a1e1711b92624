//! What controllers of pods have in common: finding their pods, making them from a template, judging them.
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::delete::{DeleteOptions, delete_object};
use super::super::json::{items, remove, set, text};
use super::super::kinds::Resource;
use super::super::selectors::Labels;
use super::super::status::Status;
use super::super::world::{Key, World, controller_reference};
use super::super::write::{self, Writer};
use crate::model::{Json, Object};

/// The name under which the controllers of Kubernetes write.
pub(super) const MANAGER: &str = "kube-controller-manager";
/// Letters of generated names: no vowels, so that no words come up.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Returns a writer of the controllers for an object itself.
pub(super) fn itself() -> Writer<'static> {
    Writer::controller(MANAGER, None)
}

/// Returns a writer of the controllers for a status.
pub(super) fn status() -> Writer<'static> {
    Writer::controller(MANAGER, Some("status"))
}

/// Returns five letters that depend on a text alone.
pub(in super::super) fn suffix(seed: &str) -> String {
    letters(seed, 5)
}

/// Returns the ten letters that stand for a pod template.
pub(super) fn template_hash(template: &Json) -> String {
    letters(&template.to_string(), 10)
}

fn letters(seed: &str, count: usize) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    digest.iter().take(count).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// Returns the objects of a resource that an object controls, in the order of their names.
pub(super) fn controlled(world: &World, owner: &Object, group: &str, plural: &str) -> Vec<Arc<Object>> {
    let resource = Resource::new(group, plural);
    let uid = owner.uid().unwrap_or_default();
    let keys = world.dependents(uid).into_iter().filter(|key| key.resource == resource);
    keys.filter_map(|key| world.get(&key).cloned()).filter(|object| is_controlled_by(object, uid)).collect()
}

fn is_controlled_by(object: &Object, uid: &str) -> bool {
    items(object.json(), "/metadata/ownerReferences")
        .iter()
        .any(|owner| owner["controller"] == true && text(owner, "/uid") == uid)
}

/// Takes over pods that match a selector and that nobody controls.
pub(super) fn adopt(world: &mut World, owner: &Object, group: &str, plural: &str) -> Result<(), Status> {
    let Some(selector) = Labels::of(owner.pointer("/spec/selector")) else { return Ok(()) };
    if owner.is_terminating() {
        return Ok(());
    }
    let is_free = |object: &Object| {
        items(object.json(), "/metadata/ownerReferences").iter().all(|owner| owner["controller"] != true)
    };
    let orphans: Vec<Arc<Object>> = world
        .list(&Resource::new(group, plural), owner.namespace())
        .filter(|object| selector.match_object(object) && is_free(object) && !object.is_terminating())
        .cloned()
        .collect();
    for orphan in orphans {
        let key = Key::new(group, plural, orphan.namespace().unwrap_or_default(), orphan.name());
        let mut owners = items(orphan.json(), "/metadata/ownerReferences").to_vec();
        owners.push(controller_reference(owner));
        write::modify(world, &key, itself(), |object| set(object, &["metadata", "ownerReferences"], owners))?;
    }
    Ok(())
}

/// Returns a pod made from a template, with a name and more labels.
pub(super) fn pod_of(owner: &Object, template: &Json, name: &str, labels: &[(&str, &str)]) -> Json {
    let mut metadata = template.get("metadata").cloned().unwrap_or_else(|| json!({}));
    for field in ["creationTimestamp", "name", "namespace"] {
        remove(&mut metadata, &[field]);
    }
    set(&mut metadata, &["name"], name);
    set(&mut metadata, &["namespace"], owner.namespace().unwrap_or_default());
    set(&mut metadata, &["ownerReferences"], vec![controller_reference(owner)]);
    for (label, value) in labels {
        set(&mut metadata, &["labels", label], *value);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Creates an object as the controllers do.
pub(super) fn create(world: &mut World, group: &str, plural: &str, object: Json) -> Result<Json, Status> {
    let info = world.kinds.stored(&Resource::new(group, plural)).ok_or_else(Status::no_such_path)?;
    let namespace = text(&object, "/metadata/namespace").to_owned();
    write::create(world, &info, &namespace, object, itself())
}

/// Deletes an object as the controllers do.
pub(super) fn delete(world: &mut World, object: &Arc<Object>) -> Result<(), Status> {
    let Some(info) = world.kinds.of(&object.kind()) else { return Ok(()) };
    delete_object(world, &info, object, &DeleteOptions::background()).map(|_| ())
}

/// Tells whether a condition of an object is true.
pub(super) fn has_condition(object: &Object, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

pub(super) fn condition<'a>(object: &'a Object, kind: &str) -> Option<&'a Json> {
    items(object.json(), "/status/conditions").iter().find(|condition| condition["type"] == kind)
}

/// Tells whether a pod is ready and stays.
pub(super) fn is_ready(pod: &Object) -> bool {
    has_condition(pod, "Ready") && !pod.is_terminating()
}

/// Tells whether a pod has neither ended nor is about to go.
pub(super) fn is_active(pod: &Object) -> bool {
    !pod.is_terminating() && !matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed"))
}

/// Returns a condition; its time is that of the last real change.
pub(super) fn make_condition(
    object: &Json,
    time: &str,
    kind: &str,
    is_true: bool,
    reason: &str,
    message: &str,
) -> Json {
    let status = if is_true { "True" } else { "False" };
    let old = items(object, "/status/conditions").iter().find(|condition| condition["type"] == kind);
    let since =
        old.filter(|old| old["status"] == status).and_then(|old| old["lastTransitionTime"].as_str()).unwrap_or(time);
    json!({"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message})
}

/// Writes the status of an object, if it has changed.
pub(super) fn set_status(world: &mut World, key: &Key, fields: &Json) -> Result<(), Status> {
    write::modify(world, key, status(), |object| {
        let mut new = object.get("status").cloned().unwrap_or_else(|| json!({}));
        for (name, value) in fields.as_object().into_iter().flatten() {
            if value.is_null() {
                remove(&mut new, &[name]);
            } else {
                set(&mut new, &[name], value.clone());
            }
        }
        object["status"] = new;
    })
}

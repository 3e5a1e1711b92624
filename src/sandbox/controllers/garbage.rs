//! The garbage collector: dependents go after, before or without their owner.
use std::sync::Arc;

use super::super::delete::{DeleteOptions, FOREGROUND, ORPHAN, Propagation, delete_object};
use super::super::json::{items, set, text};
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write;
use super::owned::itself;
use crate::model::{Json, Object};

/// Looks at an object whose owners, or whose dependents, may have changed.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(object) = world.get(key).cloned() else { return Ok(()) };
    if object.is_terminating() {
        return end_owner(world, key, &object);
    }
    let owners = items(object.json(), "/metadata/ownerReferences");
    let is_gone = |owner: &Json| world.by_uid(text(owner, "/uid")).is_none();
    if !owners.is_empty() && owners.iter().all(is_gone) {
        return delete(world, &object, Propagation::Background);
    }
    if owners.iter().any(is_gone) {
        let left: Vec<Json> = owners.iter().filter(|owner| !is_gone(owner)).cloned().collect();
        return write::modify(world, key, itself(), |object| set(object, &["metadata", "ownerReferences"], left));
    }
    Ok(())
}

/// Does what the finalizers of an owner ask for before it goes.
fn end_owner(world: &mut World, key: &Key, owner: &Arc<Object>) -> Result<(), Status> {
    let finalizers = items(owner.json(), "/metadata/finalizers");
    let uid = owner.uid().unwrap_or_default().to_owned();
    if finalizers.iter().any(|finalizer| finalizer == ORPHAN) {
        for dependent in world.dependents(&uid) {
            write::modify(world, &dependent, itself(), |object| {
                let left: Vec<Json> = items(object, "/metadata/ownerReferences")
                    .iter()
                    .filter(|reference| text(reference, "/uid") != uid)
                    .cloned()
                    .collect();
                if left.is_empty() {
                    super::super::json::remove(object, &["metadata", "ownerReferences"]);
                } else {
                    set(object, &["metadata", "ownerReferences"], left);
                }
            })?;
        }
        return drop_finalizer(world, key, ORPHAN);
    }
    if finalizers.iter().any(|finalizer| finalizer == FOREGROUND) {
        let mut is_blocked = false;
        for dependent in world.dependents(&uid) {
            let Some(object) = world.get(&dependent).cloned() else { continue };
            let blocks = items(object.json(), "/metadata/ownerReferences")
                .iter()
                .any(|reference| text(reference, "/uid") == uid && reference["blockOwnerDeletion"] == true);
            if !object.is_terminating() {
                delete(world, &object, if blocks { Propagation::Foreground } else { Propagation::Background })?;
            }
            is_blocked |= blocks && world.get(&dependent).is_some();
        }
        if !is_blocked {
            return drop_finalizer(world, key, FOREGROUND);
        }
    }
    Ok(())
}

fn drop_finalizer(world: &mut World, key: &Key, finalizer: &str) -> Result<(), Status> {
    write::modify(world, key, itself(), |object| remove_finalizer(object, finalizer))
}

/// Takes a finalizer out of an object.
pub(super) fn remove_finalizer(object: &mut Json, finalizer: &str) {
    let left: Vec<Json> =
        items(object, "/metadata/finalizers").iter().filter(|other| *other != finalizer).cloned().collect();
    if left.is_empty() {
        super::super::json::remove(object, &["metadata", "finalizers"]);
    } else {
        set(object, &["metadata", "finalizers"], left);
    }
}

fn delete(world: &mut World, object: &Arc<Object>, propagation: Propagation) -> Result<(), Status> {
    let Some(info) = world.kinds.of(&object.kind()) else { return Ok(()) };
    let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::background() };
    delete_object(world, &info, object, &options).map(|_| ())
}

//! Custom resource definitions: accepted, established; at their end their objects go first.
use serde_json::json;

use super::super::crd::{self, CLEANUP};
use super::super::json::text;
use super::super::kinds::Resource;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::garbage::remove_finalizer;
use super::owned::delete;

const MANAGER: &str = "kube-apiserver";

/// Looks at a definition.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(definition) = world.get(key).cloned() else { return Ok(()) };
    if !definition.is_terminating() {
        let time = world.time();
        return write::modify(world, key, Writer::controller(MANAGER, Some("status")), |object| {
            let status = crd::status(object, &time);
            object["status"] = json!(status);
        });
    }
    let json = definition.json();
    let resource = Resource::new(text(json, "/spec/group"), text(json, "/spec/names/plural"));
    let objects: Vec<_> = world.list(&resource, None).cloned().collect();
    for object in objects.iter().filter(|object| !object.is_terminating()) {
        delete(world, object)?;
    }
    if world.list(&resource, None).next().is_some() {
        return Ok(());
    }
    write::modify(world, key, Writer::controller(MANAGER, None), |object| remove_finalizer(object, CLEANUP))
}

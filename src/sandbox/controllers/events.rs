//! Events: what the controllers tell about the objects that they look at.
use serde_json::json;

use super::super::json::{integer, text};
use super::super::kinds::Resource;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::owned::{itself, suffix};
use crate::model::Object;

/// Tells of something normal.
pub(super) fn normal(world: &mut World, object: &Object, component: &str, reason: &str, message: &str) {
    tell(world, object, ("Normal", component, reason), message);
}

/// Tells of something wrong.
pub(super) fn warning(world: &mut World, object: &Object, component: &str, reason: &str, message: &str) {
    tell(world, object, ("Warning", component, reason), message);
}

/// Keeps an event; one that was told before is counted. Events are hints: one that cannot be kept is left out.
fn tell(world: &mut World, object: &Object, what: (&str, &str, &str), message: &str) {
    let (kind, component, reason) = what;
    let uid = object.uid().unwrap_or_default();
    let namespace = object.namespace().unwrap_or("default").to_owned();
    let name = format!("{}.{}", object.name(), long_suffix(&format!("{uid}/{component}/{reason}/{message}")));
    let key = Key::new("", "events", &namespace, &name);
    let time = world.time();
    let told = if world.get(&key).is_some() {
        write::modify(world, &key, itself(), |event| {
            let count = integer(event, "/count").unwrap_or(1);
            event["count"] = json!(count + 1);
            event["lastTimestamp"] = json!(time);
        })
    } else {
        let object_kind = object.kind();
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": object_kind.api_version(), "kind": object_kind.kind, "name": object.name(),
                "namespace": object.namespace(), "uid": uid, "resourceVersion": object.resource_version(),
            },
            "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": time, "lastTimestamp": time, "eventTime": null,
            "source": {"component": component}, "reportingComponent": component, "reportingInstance": "",
        });
        let Some(info) = world.kinds.stored(&Resource::new("", "events")) else { return };
        write::create(world, &info, &namespace, event, Writer::controller(component, None)).map(|_| ())
    };
    if let Err(status) = told {
        tracing::debug!("an event of {} was not kept: {}", text(object.json(), "/metadata/name"), status.message);
    }
}

fn long_suffix(seed: &str) -> String {
    format!("{}{}", suffix(seed), suffix(&format!("{seed}+")))
}

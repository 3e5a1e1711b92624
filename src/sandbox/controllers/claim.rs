//! Claims and volumes: bound, made, grown, released.
use std::sync::Arc;

use serde_json::json;

use super::super::admission::quantity;
use super::super::json::{get, items, set, text};
use super::super::kinds::Resource;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write;
use super::events;
use super::garbage::remove_finalizer;
use super::owned::{create, delete, itself, set_status, status};
use crate::model::{Json, Object};

const COMPONENT: &str = "persistentvolume-controller";
const SELECTED: &str = "volume.kubernetes.io/selected-node";
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// Looks at a claim or at a volume.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(object) = world.get(key).cloned() else { return Ok(()) };
    match (key.resource.plural.as_str(), object.is_terminating()) {
        ("persistentvolumes", false) => volume(world, key, &object),
        ("persistentvolumes", true) => end_volume(world, key, &object),
        (_, true) => end_claim(world, key),
        (_, false) => claim(world, key, &object),
    }
}

/// Returns the names of the claims that a pod mounts.
pub(super) fn claim_names(pod: &Object) -> Vec<String> {
    let volumes = items(pod.json(), "/spec/volumes").iter();
    volumes
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName").to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

pub(super) fn uses_claim(pod: &Object, name: &str) -> bool {
    items(pod.json(), "/spec/volumes").iter().any(|volume| text(volume, "/persistentVolumeClaim/claimName") == name)
}

fn class<'a>(world: &'a World, claim: &Object) -> Option<&'a Arc<Object>> {
    world.find("storage.k8s.io", "storageclasses", "", claim.text("/spec/storageClassName")?)
}

/// Tells whether a claim is bound only when a pod uses it.
pub(super) fn waits_for_pod(world: &World, claim: &Object) -> bool {
    class(world, claim).is_some_and(|class| class.text("/volumeBindingMode") == Some("WaitForFirstConsumer"))
}

fn claim(world: &mut World, key: &Key, claim: &Arc<Object>) -> Result<(), Status> {
    if let Some(volume) = claim.text("/spec/volumeName").map(str::to_owned) {
        return bound_claim(world, key, claim, &volume);
    }
    if waits_for_pod(world, claim) && claim.annotation(SELECTED).is_none() {
        let message = "waiting for first consumer to be created before binding";
        events::normal(world, claim, COMPONENT, "WaitForFirstConsumer", message);
        return Ok(());
    }
    if let Some(volume) = fitting_volume(world, claim) {
        return bind(world, key, claim, &volume);
    }
    let name = claim.text("/spec/storageClassName").unwrap_or_default();
    let Some(class) = class(world, claim).cloned() else {
        let message = if name.is_empty() {
            "no persistent volumes available for this claim and no storage class is set".to_owned()
        } else {
            format!("storageclass.storage.k8s.io \"{name}\" not found")
        };
        let reason = if name.is_empty() { "FailedBinding" } else { "ProvisioningFailed" };
        if name.is_empty() {
            events::normal(world, claim, COMPONENT, reason, &message);
        } else {
            events::warning(world, claim, COMPONENT, reason, &message);
        }
        return Ok(());
    };
    if class.text("/provisioner") == Some(NO_PROVISIONER) {
        let message = "no persistent volumes available for this claim and no storage class is set";
        events::normal(world, claim, COMPONENT, "FailedBinding", message);
        return Ok(());
    }
    provision(world, key, claim, &class)
}

/// Returns a volume that somebody made and that fits the claim: the smallest.
fn fitting_volume(world: &World, claim: &Object) -> Option<String> {
    let wanted = quantity(claim.pointer("/spec/resources/requests/storage"));
    let class = claim.text("/spec/storageClassName").unwrap_or_default();
    let fits = |volume: &&Arc<Object>| {
        let modes = items(volume.json(), "/spec/accessModes");
        let is_free = match get(volume.json(), &["spec", "claimRef"]) {
            None => true,
            Some(reference) => {
                text(reference, "/name") == claim.name() && Some(text(reference, "/namespace")) == claim.namespace()
            }
        };
        is_free
            && !volume.is_terminating()
            && volume.text("/spec/storageClassName").unwrap_or_default() == class
            && items(claim.json(), "/spec/accessModes").iter().all(|mode| modes.contains(mode))
            && quantity(volume.pointer("/spec/capacity/storage")) >= wanted
    };
    let volumes = world.list(&Resource::new("", "persistentvolumes"), None).filter(fits);
    volumes
        .min_by_key(|volume| quantity(volume.pointer("/spec/capacity/storage")))
        .map(|volume| volume.name().to_owned())
}

fn provision(world: &mut World, key: &Key, claim: &Arc<Object>, class: &Arc<Object>) -> Result<(), Status> {
    let name = format!("pvc-{}", claim.uid().unwrap_or_default());
    let provisioner = class.text("/provisioner").unwrap_or_default();
    let volume = json!({
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {
            "capacity": {"storage": claim.pointer("/spec/resources/requests/storage")},
            "accessModes": claim.pointer("/spec/accessModes"), "storageClassName": class.name(),
            "volumeMode": claim.pointer("/spec/volumeMode"),
            "persistentVolumeReclaimPolicy": class.text("/reclaimPolicy").unwrap_or("Delete"),
            "csi": {"driver": provisioner, "volumeHandle": name},
            "claimRef": reference(claim),
        },
    });
    match create(world, "", "persistentvolumes", volume) {
        Err(status) if status.reason != "AlreadyExists" => return Err(status),
        _ => {}
    }
    let message = format!("Successfully provisioned volume {name}");
    events::normal(world, claim, provisioner, "ProvisioningSucceeded", &message);
    write::modify(world, key, itself(), |claim| {
        for annotation in ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"]
        {
            set(claim, &["metadata", "annotations", annotation], provisioner);
        }
    })?;
    bind(world, key, claim, &name)
}

fn reference(claim: &Object) -> Json {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim.name(), "namespace": claim.namespace(), "uid": claim.uid()})
}

fn bind(world: &mut World, key: &Key, claim: &Object, volume: &str) -> Result<(), Status> {
    let volume_key = Key::new("", "persistentvolumes", "", volume);
    write::modify(world, &volume_key, itself(), |volume| set(volume, &["spec", "claimRef"], reference(claim)))?;
    set_status(world, &volume_key, &json!({"phase": "Bound"}))?;
    write::modify(world, key, itself(), |claim| {
        set(claim, &["spec", "volumeName"], volume);
        set(claim, &["metadata", "annotations", "pv.kubernetes.io/bind-completed"], "yes");
        set(claim, &["metadata", "annotations", "pv.kubernetes.io/bound-by-controller"], "yes");
    })?;
    let Some(claim) = world.get(key).cloned() else { return Ok(()) };
    bound_claim(world, key, &claim, volume)
}

fn bound_claim(world: &mut World, key: &Key, claim: &Object, volume: &str) -> Result<(), Status> {
    let volume_key = Key::new("", "persistentvolumes", "", volume);
    let Some(found) = world.get(&volume_key).cloned() else {
        return set_status(world, key, &json!({"phase": "Lost"}));
    };
    if text(found.json(), "/spec/claimRef/name").is_empty() {
        write::modify(world, &volume_key, itself(), |volume| set(volume, &["spec", "claimRef"], reference(claim)))?;
        set_status(world, &volume_key, &json!({"phase": "Bound"}))?;
    }
    let wanted = claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or_default();
    if quantity(Some(&wanted)) > quantity(found.pointer("/spec/capacity/storage")) {
        write::modify(world, &volume_key, itself(), |volume| {
            set(volume, &["spec", "capacity", "storage"], wanted.clone());
        })?;
    }
    let capacity = world.get(&volume_key).and_then(|volume| volume.pointer("/spec/capacity/storage").cloned());
    let modes = claim.pointer("/spec/accessModes").cloned();
    set_status(world, key, &json!({"phase": "Bound", "accessModes": modes, "capacity": {"storage": capacity}}))
}

/// A claim stays until no pod uses it.
fn end_claim(world: &mut World, key: &Key) -> Result<(), Status> {
    let mut pods = world.list(&Resource::new("", "pods"), Some(&key.namespace));
    if pods.any(|pod| uses_claim(pod, &key.name)) {
        return Ok(());
    }
    drop(pods);
    write::modify(world, key, itself(), |claim| remove_finalizer(claim, "kubernetes.io/pvc-protection"))
}

/// A volume without its claim is deleted or released, as its policy says.
fn volume(world: &mut World, key: &Key, volume: &Arc<Object>) -> Result<(), Status> {
    let Some(reference) = get(volume.json(), &["spec", "claimRef"]) else {
        return write_phase(world, key, "Available");
    };
    let claim = world.find("", "persistentvolumeclaims", text(reference, "/namespace"), text(reference, "/name"));
    let uid = text(reference, "/uid");
    if claim.is_some_and(|claim| uid.is_empty() || claim.uid() == Some(uid)) {
        return if uid.is_empty() { write_phase(world, key, "Available") } else { Ok(()) };
    }
    if uid.is_empty() {
        return write_phase(world, key, "Available");
    }
    if volume.text("/spec/persistentVolumeReclaimPolicy") == Some("Delete") {
        write_phase(world, key, "Released")?;
        let Some(volume) = world.get(key).cloned() else { return Ok(()) };
        return delete(world, &volume);
    }
    write_phase(world, key, "Released")
}

fn write_phase(world: &mut World, key: &Key, phase: &str) -> Result<(), Status> {
    let time = world.time();
    write::modify(world, key, status(), |volume| {
        if text(volume, "/status/phase") != phase {
            set(volume, &["status", "phase"], phase);
            set(volume, &["status", "lastPhaseTransitionTime"], time);
        }
    })
}

fn end_volume(world: &mut World, key: &Key, volume: &Object) -> Result<(), Status> {
    let reference = get(volume.json(), &["spec", "claimRef"]);
    let is_used = reference.is_some_and(|reference| {
        let claim = world.find("", "persistentvolumeclaims", text(reference, "/namespace"), text(reference, "/name"));
        claim.is_some_and(|claim| claim.uid() == Some(text(reference, "/uid")))
    });
    if is_used {
        return Ok(());
    }
    write::modify(world, key, itself(), |volume| remove_finalizer(volume, "kubernetes.io/pv-protection"))
}

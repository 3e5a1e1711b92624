//! Decides which controllers look at which objects after a change.
use std::sync::Arc;
use std::time::Duration;

use super::super::json::{items, text};
use super::super::kinds::Resource;
use super::super::selectors::Labels;
use super::super::world::{Change, Key, World};
use super::claim::uses_claim;
use super::queue::{Controller, STEP, Task};
use crate::model::{Json, Object};

/// How long a container takes to start.
const START: Duration = Duration::from_millis(60);

/// Lets the controllers look at everything that was read from the folder.
pub(in super::super) fn after_start(world: &mut World, object: &Arc<Object>) {
    let Some(info) = world.kinds.of(&object.kind()) else { return };
    let key = Key::of(&info, object.namespace().unwrap_or_default(), object.name());
    own_tasks(world, &key, object);
    if object.is_terminating() || !items(object.json(), "/metadata/ownerReferences").is_empty() {
        add(world, Controller::Garbage, key);
    }
}

/// Lets the controllers look at what a change concerns.
pub(in super::super) fn after_change(world: &mut World, change: &Change) {
    if change.key.resource.plural == "events" && change.key.resource.group.is_empty() {
        return;
    }
    if let Some(new) = &change.new {
        own_tasks(world, &change.key, new);
        let is_new_dependent = change.old.is_none() && !items(new.json(), "/metadata/ownerReferences").is_empty();
        if is_new_dependent || new.is_terminating() {
            add(world, Controller::Garbage, change.key.clone());
        }
    } else if let Some(uid) = change.old.as_ref().and_then(|old| old.uid()) {
        for dependent in world.dependents(uid) {
            add(world, Controller::Garbage, dependent);
        }
    }
    owner_tasks(world, change);
    neighbour_tasks(world, change);
}

pub(super) fn add(world: &mut World, controller: Controller, key: Key) {
    add_later(world, controller, key, STEP);
}

pub(super) fn add_later(world: &mut World, controller: Controller, key: Key, delay: Duration) {
    let now = world.now();
    world.queue.add(now, Task { controller, key }, delay);
}

/// Returns the controller that cares for objects of a resource.
fn controller_of(resource: &Resource) -> Option<Controller> {
    Some(match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => Controller::Namespace,
        ("", "resourcequotas") => Controller::Quota,
        ("", "persistentvolumeclaims" | "persistentvolumes") => Controller::Claim,
        ("", "services") => Controller::Endpoints,
        ("apps", "deployments") => Controller::Deployment,
        ("apps", "replicasets") => Controller::ReplicaSet,
        ("apps", "statefulsets") => Controller::StatefulSet,
        ("apps", "daemonsets") => Controller::DaemonSet,
        ("batch", "jobs") => Controller::Job,
        ("policy", "poddisruptionbudgets") => Controller::Budget,
        ("autoscaling", "horizontalpodautoscalers") => Controller::Autoscaler,
        ("apiextensions.k8s.io", "customresourcedefinitions") => Controller::Definition,
        ("ray.io", "rayclusters" | "rayjobs" | "rayservices") => Controller::Ray,
        _ => return None,
    })
}

fn own_tasks(world: &mut World, key: &Key, object: &Arc<Object>) {
    if let Some(controller) = controller_of(&key.resource) {
        add(world, controller, key.clone());
    }
    if key.resource == Resource::new("", "pods") {
        if object.text("/spec/nodeName").is_none() && !object.is_terminating() {
            add(world, Controller::Scheduler, key.clone());
        } else {
            add_later(world, Controller::Kubelet, key.clone(), START);
        }
    }
}

/// The controller of an object's owner looks at the owner again.
fn owner_tasks(world: &mut World, change: &Change) {
    let mut owners: Vec<Key> = Vec::new();
    for object in change.old.iter().chain(change.new.iter()) {
        let references = items(object.json(), "/metadata/ownerReferences");
        let found = references.iter().filter_map(|owner| world.by_uid(text(owner, "/uid"))).cloned();
        owners.extend(found);
    }
    owners.sort();
    owners.dedup();
    for owner in owners {
        if let Some(controller) = controller_of(&owner.resource) {
            add(world, controller, owner.clone());
        }
        if change.new.is_none() {
            add(world, Controller::Garbage, owner);
        }
    }
}

/// Objects that depend on others without owning them.
fn neighbour_tasks(world: &mut World, change: &Change) {
    let key = &change.key;
    let is_born_or_gone = change.old.is_none() || change.new.is_none();
    if is_born_or_gone && !key.namespace.is_empty() {
        add_all(world, Controller::Quota, "", "resourcequotas", &key.namespace, |_| true);
    }
    if change.new.is_none() && !key.namespace.is_empty() {
        let namespace = world.find("", "namespaces", "", &key.namespace);
        if namespace.is_some_and(|namespace| namespace.is_terminating()) {
            add(world, Controller::Namespace, Key::new("", "namespaces", "", &key.namespace));
        }
    }
    match (key.resource.group.as_str(), key.resource.plural.as_str()) {
        ("", "pods") => pod_neighbours(world, change),
        ("", "nodes") => {
            add_pending_pods(world, "");
            let namespaces: Vec<Key> = keys(world, "apps", "daemonsets", None, |_| true);
            for key in namespaces {
                add(world, Controller::DaemonSet, key);
            }
        }
        ("", "persistentvolumeclaims") => claim_neighbours(world, key),
        ("", "persistentvolumes") | ("storage.k8s.io", "storageclasses") => {
            let pending =
                keys(world, "", "persistentvolumeclaims", None, |claim| claim.text("/status/phase") != Some("Bound"));
            for key in pending {
                add(world, Controller::Claim, key);
            }
        }
        ("", "configmaps" | "secrets") if change.old.is_none() => {
            add_all(world, Controller::Kubelet, "", "pods", &key.namespace, |pod| {
                pod.text("/spec/nodeName").is_some() && pod.text("/status/phase") == Some("Pending")
            });
        }
        ("apps", "deployments" | "statefulsets" | "replicasets") | ("ray.io", _) => {
            let name = key.name.clone();
            add_all(
                world,
                Controller::Autoscaler,
                "autoscaling",
                "horizontalpodautoscalers",
                &key.namespace,
                move |scaler| scaler.text("/spec/scaleTargetRef/name") == Some(name.as_str()),
            );
        }
        _ => definition_neighbours(world, change),
    }
}

fn pod_neighbours(world: &mut World, change: &Change) {
    let key = &change.key;
    let labels: Vec<Json> = change
        .old
        .iter()
        .chain(change.new.iter())
        .map(|pod| pod.pointer("/metadata/labels").cloned().unwrap_or_default())
        .collect();
    let matches = |selector: Option<&Labels>| {
        selector.is_some_and(|selector| labels.iter().any(|labels| selector.matches(Some(labels))))
    };
    add_all(world, Controller::Endpoints, "", "services", &key.namespace, |service| {
        let selector = Labels::of_map(service.pointer("/spec/selector"));
        !selector.is_empty() && matches(Some(&selector))
    });
    add_all(world, Controller::Budget, "policy", "poddisruptionbudgets", &key.namespace, |budget| {
        matches(Labels::of(budget.pointer("/spec/selector")).as_ref())
    });
    let was_running = change.old.as_ref().is_some_and(|pod| pod.text("/spec/nodeName").is_some());
    let is_over =
        change.new.as_ref().is_none_or(|pod| matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed")));
    if was_running && is_over {
        add_pending_pods(world, "");
        add_all(world, Controller::Quota, "", "resourcequotas", &key.namespace, |_| true);
    }
    let claims: Vec<Key> = change
        .old
        .iter()
        .chain(change.new.iter())
        .flat_map(|pod| items(pod.json(), "/spec/volumes"))
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter(|name| !name.is_empty())
        .map(|name| Key::new("", "persistentvolumeclaims", &key.namespace, name))
        .collect();
    for key in claims {
        add(world, Controller::Claim, key);
    }
}

fn claim_neighbours(world: &mut World, key: &Key) {
    let name = key.name.clone();
    let users = keys(world, "", "pods", Some(&key.namespace), |pod| {
        uses_claim(pod, &name) && pod.text("/status/phase") == Some("Pending")
    });
    for user in users {
        add(world, Controller::Scheduler, user.clone());
        add_later(world, Controller::Kubelet, user, START);
    }
    let volumes =
        keys(world, "", "persistentvolumes", None, |volume| volume.text("/spec/claimRef/name") == Some(name.as_str()));
    for key in volumes {
        add(world, Controller::Claim, key);
    }
}

/// A definition that is being deleted waits for the last of its objects.
fn definition_neighbours(world: &mut World, change: &Change) {
    let Resource { group, plural } = &change.key.resource;
    if change.new.is_none()
        && world.find("apiextensions.k8s.io", "customresourcedefinitions", "", &format!("{plural}.{group}")).is_some()
    {
        let name = format!("{plural}.{group}");
        add(world, Controller::Definition, Key::new("apiextensions.k8s.io", "customresourcedefinitions", "", &name));
    }
}

fn add_pending_pods(world: &mut World, namespace: &str) {
    let namespace = (!namespace.is_empty()).then_some(namespace);
    let pending =
        keys(world, "", "pods", namespace, |pod| pod.text("/spec/nodeName").is_none() && !pod.is_terminating());
    for key in pending {
        add(world, Controller::Scheduler, key);
    }
}

fn add_all(
    world: &mut World,
    controller: Controller,
    group: &str,
    plural: &str,
    namespace: &str,
    wanted: impl Fn(&Object) -> bool,
) {
    let found = keys(world, group, plural, Some(namespace), wanted);
    for key in found {
        add(world, controller, key);
    }
}

fn keys(
    world: &World,
    group: &str,
    plural: &str,
    namespace: Option<&str>,
    wanted: impl Fn(&Object) -> bool,
) -> Vec<Key> {
    world
        .list(&Resource::new(group, plural), namespace)
        .filter(|object| wanted(object))
        .map(|object| Key::new(group, plural, object.namespace().unwrap_or_default(), object.name()))
        .collect()
}

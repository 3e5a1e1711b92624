//! Daemon sets: one pod on each node that takes it.
use std::sync::Arc;

use serde_json::json;

use super::super::kinds::Resource;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::events;
use super::owned::{controlled, create, delete, is_active, is_ready, pod_of, set_status, suffix, template_hash};
use super::scheduler::takes;
use crate::model::{Json, Object};

const COMPONENT: &str = "daemonset-controller";
const REVISION: &str = "controller-revision-hash";

/// Looks at a daemon set.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(owner) = world.get(key).cloned().filter(|owner| !owner.is_terminating()) else { return Ok(()) };
    let revision = template_hash(&owner.json()["spec"]["template"]);
    let pods: Vec<Arc<Object>> = controlled(world, &owner, "", "pods");
    let template = json!({"metadata": {}, "spec": owner.json()["spec"]["template"]["spec"]});
    let nodes: Vec<String> = world
        .list(&Resource::new("", "nodes"), None)
        .filter(|node| takes(node, &tolerating(&template)))
        .map(|node| node.name().to_owned())
        .collect();
    for node in &nodes {
        let here: Vec<&Arc<Object>> = pods.iter().filter(|pod| target(pod) == Some(node.as_str())).collect();
        if here.is_empty() {
            make_pod(world, &owner, node, &revision)?;
        }
    }
    for pod in pods.iter().filter(|pod| is_active(pod)) {
        if !nodes.iter().any(|node| target(pod) == Some(node.as_str())) {
            delete(world, pod)?;
        }
    }
    update(world, &owner, &pods, &revision)?;
    write_status(world, key, &owner, nodes.len(), &revision)
}

/// Returns the node that a pod is made for.
fn target(pod: &Object) -> Option<&str> {
    let terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    pod.text(&format!("{terms}/0/matchFields/0/values/0"))
}

/// Pods of daemon sets run on nodes that are not ready, too.
fn tolerating(pod: &Json) -> Json {
    let mut pod = pod.clone();
    let mut tolerations = super::super::json::items(&pod, "/spec/tolerations").to_vec();
    for (key, effect) in [
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ] {
        tolerations.push(json!({"key": key, "operator": "Exists", "effect": effect}));
    }
    pod["spec"]["tolerations"] = Json::Array(tolerations);
    pod
}

fn make_pod(world: &mut World, owner: &Arc<Object>, node: &str, revision: &str) -> Result<(), Status> {
    let name = format!("{}-{}", owner.name(), suffix(&format!("{}{node}{}", owner.name(), world.revision())));
    let labels = [(REVISION, revision), ("pod-template-generation", "1")];
    let mut pod = tolerating(&pod_of(owner, &owner.json()["spec"]["template"], &name, &labels));
    pod["metadata"]["generateName"] = json!(format!("{}-", owner.name()));
    let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
    match create(world, "", "pods", pod) {
        Ok(_) => events::normal(world, owner, COMPONENT, "SuccessfulCreate", &format!("Created pod: {name}")),
        Err(status) => {
            events::warning(world, owner, COMPONENT, "FailedCreate", &format!("Error creating: {}", status.message));
            return Err(status);
        }
    }
    Ok(())
}

/// Replaces one pod of an older template, when all others are ready.
fn update(world: &mut World, owner: &Object, pods: &[Arc<Object>], revision: &str) -> Result<(), Status> {
    let is_by_hand = owner.text("/spec/updateStrategy/type") == Some("OnDelete");
    let old = pods.iter().find(|pod| is_active(pod) && pod.label(REVISION) != Some(revision));
    match old {
        Some(old) if !is_by_hand && pods.iter().all(|pod| is_ready(pod) || pod.name() == old.name()) => {
            delete(world, old)
        }
        _ => Ok(()),
    }
}

fn write_status(world: &mut World, key: &Key, owner: &Object, wanted: usize, revision: &str) -> Result<(), Status> {
    let pods: Vec<Arc<Object>> =
        controlled(world, owner, "", "pods").into_iter().filter(|pod| is_active(pod)).collect();
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let updated = pods.iter().filter(|pod| pod.label(REVISION) == Some(revision)).count();
    let some = |count: usize| if count == 0 { Json::Null } else { json!(count) };
    let status = json!({
        "observedGeneration": owner.pointer("/metadata/generation"), "desiredNumberScheduled": wanted,
        "currentNumberScheduled": pods.len(), "numberMisscheduled": 0, "numberReady": ready,
        "updatedNumberScheduled": some(updated), "numberAvailable": some(ready),
        "numberUnavailable": some(wanted.saturating_sub(ready)),
    });
    set_status(world, key, &status)
}

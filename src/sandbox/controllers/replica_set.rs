//! Replica sets: as many pods as asked for.
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::defaults::replicas;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::events;
use super::owned::{
    adopt, condition, controlled, create, delete, is_active, is_ready, make_condition, pod_of, set_status, suffix,
};
use super::queue::Controller;
use super::route::add_later;
use crate::model::{Json, Object};

const COMPONENT: &str = "replicaset-controller";
/// How long after a pod was refused another is tried.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Looks at a replica set.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(set) = world.get(key).cloned().filter(|set| !set.is_terminating()) else { return Ok(()) };
    adopt(world, &set, "", "pods")?;
    let pods: Vec<Arc<Object>> = controlled(world, &set, "", "pods").into_iter().filter(|pod| is_active(pod)).collect();
    let wanted = usize::try_from(replicas(set.json())).unwrap_or(0);
    let failure = if pods.len() < wanted { add_pods(world, &set, wanted - pods.len()) } else { None };
    remove_pods(world, &set, &pods, wanted)?;
    if failure.is_some() {
        add_later(world, Controller::ReplicaSet, key.clone(), BACK_OFF);
    }
    let Some(set) = world.get(key).cloned() else { return Ok(()) };
    write_status(world, key, &set, failure)
}

/// Creates pods; returns why one was refused.
fn add_pods(world: &mut World, set: &Arc<Object>, count: usize) -> Option<String> {
    for _ in 0..count {
        let name = format!("{}-{}", set.name(), suffix(&format!("{}{}", set.name(), world.revision())));
        let mut pod = pod_of(set, &set.json()["spec"]["template"], &name, &[]);
        pod["metadata"]["generateName"] = json!(format!("{}-", set.name()));
        match create(world, "", "pods", pod) {
            Ok(_) => events::normal(world, set, COMPONENT, "SuccessfulCreate", &format!("Created pod: {name}")),
            Err(status) if status.reason == "AlreadyExists" => {}
            Err(status) => {
                let message = format!("Error creating: {}", status.message);
                events::warning(world, set, COMPONENT, "FailedCreate", &message);
                return Some(status.message);
            }
        }
    }
    None
}

/// Deletes the pods beyond those asked for: first those that are not ready, then the youngest.
fn remove_pods(world: &mut World, set: &Arc<Object>, pods: &[Arc<Object>], wanted: usize) -> Result<(), Status> {
    let mut pods: Vec<&Arc<Object>> = pods.iter().collect();
    pods.sort_by_key(|pod| {
        let version: u64 = pod.resource_version().and_then(|version| version.parse().ok()).unwrap_or(0);
        (is_ready(pod), pod.text("/spec/nodeName").is_some(), std::cmp::Reverse(version))
    });
    for pod in pods.iter().take(pods.len().saturating_sub(wanted)) {
        delete(world, pod)?;
        events::normal(world, set, COMPONENT, "SuccessfulDelete", &format!("Deleted pod: {}", pod.name()));
    }
    Ok(())
}

fn write_status(world: &mut World, key: &Key, set: &Object, failure: Option<String>) -> Result<(), Status> {
    let pods = controlled(world, set, "", "pods");
    let active = pods.iter().filter(|pod| is_active(pod)).count();
    let terminating = pods.iter().filter(|pod| pod.is_terminating()).count();
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let some = |count: usize| if count == 0 { Json::Null } else { json!(count) };
    let time = world.time();
    let conditions = match failure {
        Some(message) => {
            let old = condition(set, "ReplicaFailure").and_then(|old| old["message"].as_str()).map(str::to_owned);
            // The name of the pod differs at each try; the first refusal stands for all.
            let message = old.unwrap_or(message);
            json!([make_condition(set.json(), &time, "ReplicaFailure", true, "FailedCreate", &message)])
        }
        None => Json::Null,
    };
    let status = json!({
        "observedGeneration": set.pointer("/metadata/generation"),
        "replicas": active, "fullyLabeledReplicas": some(active), "readyReplicas": some(ready),
        "availableReplicas": some(ready), "terminatingReplicas": terminating, "conditions": conditions,
    });
    set_status(world, key, &status)
}

//! The nodes' part: pods start, become ready, fail to get their image, end.
//!
//! A pod with the annotation `sandbox.rayform.dev/crash: "true"` is in `CrashLoopBackOff`; with
//! `sandbox.rayform.dev/not-ready: "true"` it runs and never becomes ready.
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::delete::{DeleteOptions, delete_object};
use super::super::json::{get, items, text};
use super::super::kinds::Resource;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::claim::claim_names;
use super::events;
use super::owned::make_condition;
use super::queue::Controller;
use super::route::add_later;
use super::scheduler::scheduled;
use crate::model::{Json, Object};

const MANAGER: &str = "kubelet";
const CRASH: &str = "sandbox.rayform.dev/crash";
const NOT_READY: &str = "sandbox.rayform.dev/not-ready";
/// Parts of image names that no registry has.
const UNPULLABLE: [&str; 4] = ["does-not-exist", "invalid/", "unpullable", ".invalid"];
/// How long after the first failure the node waits before it pulls again.
const BACK_OFF: Duration = Duration::from_millis(200);

/// What a pod's containers do.
enum State {
    /// Something is missing: reason and message of the waiting containers.
    Waiting(String, String),
    Running {
        is_ready: bool,
    },
    Crashing,
    Succeeded,
}

/// Looks at a pod that has a node.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(pod) = world.get(key).cloned() else { return Ok(()) };
    if pod.is_terminating() {
        return end(world, &pod);
    }
    if pod.text("/spec/nodeName").is_none() || matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed")) {
        return Ok(());
    }
    let state = state(world, &pod);
    tell(world, key, &pod, &state);
    let time = world.time();
    let address = address(world, &pod);
    write::modify(world, key, Writer::controller(MANAGER, Some("status")), |pod| {
        let status = status(pod, &state, &time, &address);
        pod["status"] = status;
    })
}

/// A pod that is to go is gone as soon as the node has looked at it.
fn end(world: &mut World, pod: &Arc<Object>) -> Result<(), Status> {
    let Some(info) = world.kinds.stored(&Resource::new("", "pods")) else { return Ok(()) };
    let options = DeleteOptions { grace: Some(0), ..DeleteOptions::background() };
    events::normal(world, pod, MANAGER, "Killing", &format!("Stopping container {}", first_container(pod)));
    delete_object(world, &info, pod, &options).map(|_| ())
}

fn first_container(pod: &Object) -> &str {
    pod.text("/spec/containers/0/name").unwrap_or_default()
}

fn state(world: &World, pod: &Object) -> State {
    if let Some(message) = missing_volume(world, pod) {
        return State::Waiting("ContainerCreating".to_owned(), message);
    }
    if let Some(image) = unpullable(pod) {
        let waited = items(pod.json(), "/status/containerStatuses")
            .iter()
            .chain(items(pod.json(), "/status/initContainerStatuses"))
            .any(|status| matches!(text(status, "/state/waiting/reason"), "ErrImagePull" | "ImagePullBackOff"));
        return if waited {
            State::Waiting("ImagePullBackOff".to_owned(), format!("Back-off pulling image \"{image}\""))
        } else {
            let message = format!(
                "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": not found"
            );
            State::Waiting("ErrImagePull".to_owned(), message)
        };
    }
    if let Some(message) = missing_reference(world, pod) {
        return State::Waiting("CreateContainerConfigError".to_owned(), message);
    }
    if pod.annotation(CRASH) == Some("true") {
        return State::Crashing;
    }
    let is_job = items(pod.json(), "/metadata/ownerReferences").iter().any(|owner| owner["kind"] == "Job");
    if is_job { State::Succeeded } else { State::Running { is_ready: pod.annotation(NOT_READY) != Some("true") } }
}

fn containers(pod: &Object) -> impl Iterator<Item = &Json> {
    ["initContainers", "containers"].into_iter().flat_map(|list| items(pod.json(), &format!("/spec/{list}")))
}

fn unpullable(pod: &Object) -> Option<String> {
    let bad = |image: &&str| UNPULLABLE.iter().any(|part| image.contains(part));
    containers(pod).map(|container| text(container, "/image")).find(bad).map(str::to_owned)
}

/// Returns what a volume of the pod waits for.
fn missing_volume(world: &World, pod: &Object) -> Option<String> {
    let namespace = pod.namespace().unwrap_or_default();
    for name in claim_names(pod) {
        let claim = world.find("", "persistentvolumeclaims", namespace, &name);
        if claim.and_then(|claim| claim.text("/status/phase")) != Some("Bound") {
            return Some(String::new());
        }
    }
    for volume in items(pod.json(), "/spec/volumes") {
        for (source, field, plural) in [("configMap", "name", "configmaps"), ("secret", "secretName", "secrets")] {
            let Some(reference) = volume.get(source).filter(|reference| reference["optional"] != true) else {
                continue;
            };
            let wanted = text(reference, &format!("/{field}"));
            if world.find("", plural, namespace, wanted).is_none() {
                let kind = plural.trim_end_matches('s');
                let name = text(volume, "/name");
                return Some(format!("MountVolume.SetUp failed for volume \"{name}\" : {kind} \"{wanted}\" not found"));
            }
        }
    }
    None
}

/// Returns which ConfigMap or Secret, or which key of it, a variable waits for.
fn missing_reference(world: &World, pod: &Object) -> Option<String> {
    let namespace = pod.namespace().unwrap_or_default();
    let kinds = [("secretKeyRef", "secretRef", "secrets"), ("configMapKeyRef", "configMapRef", "configmaps")];
    for container in containers(pod) {
        for (key_reference, whole_reference, plural) in kinds {
            let of_keys =
                items(container, "/env").iter().filter_map(|variable| get(variable, &["valueFrom", key_reference]));
            let whole = items(container, "/envFrom").iter().filter_map(|source| source.get(whole_reference));
            for reference in of_keys.chain(whole).filter(|reference| reference["optional"] != true) {
                let (name, key) = (text(reference, "/name"), text(reference, "/key"));
                let kind = plural.trim_end_matches('s');
                let Some(found) = world.find("", plural, namespace, name) else {
                    return Some(format!("{kind} \"{name}\" not found"));
                };
                let has_key = ["data", "binaryData"].iter().any(|field| get(found.json(), &[field, key]).is_some());
                if !key.is_empty() && !has_key {
                    return Some(format!("couldn't find key {key} in {kind} {namespace}/{name}"));
                }
            }
        }
    }
    None
}

fn tell(world: &mut World, key: &Key, pod: &Arc<Object>, state: &State) {
    match state {
        State::Waiting(reason, message) if reason == "ErrImagePull" => {
            events::warning(world, pod, MANAGER, "Failed", &format!("Failed to pull image: {message}"));
            add_later(world, Controller::Kubelet, key.clone(), BACK_OFF);
        }
        State::Waiting(reason, message) if reason == "ImagePullBackOff" => {
            events::normal(world, pod, MANAGER, "BackOff", message);
        }
        State::Waiting(reason, message) if reason == "CreateContainerConfigError" => {
            events::warning(world, pod, MANAGER, "Failed", &format!("Error: {message}"));
        }
        State::Waiting(_, message) if !message.is_empty() => {
            events::warning(world, pod, MANAGER, "FailedMount", message);
        }
        State::Crashing => {
            events::warning(world, pod, MANAGER, "BackOff", "Back-off restarting failed container");
        }
        State::Running { .. } | State::Succeeded if pod.text("/status/phase") == Some("Pending") => {
            let container = first_container(pod).to_owned();
            let image = pod.text("/spec/containers/0/image").unwrap_or_default().to_owned();
            let pulled = format!("Successfully pulled image \"{image}\"");
            events::normal(world, pod, MANAGER, "Pulled", &pulled);
            events::normal(world, pod, MANAGER, "Created", &format!("Created container: {container}"));
            events::normal(world, pod, MANAGER, "Started", &format!("Started container {container}"));
        }
        _ => {}
    }
}

/// Returns an address for the pod: the one that it has, or one that depends on its name.
fn address(world: &World, pod: &Object) -> String {
    if let Some(address) = pod.text("/status/podIP") {
        return address.to_owned();
    }
    let number = super::super::admission::digest(&format!("{}/{}", pod.uid().unwrap_or_default(), world.revision()));
    format!("10.{}.{}.{}", (number >> 16) % 60, (number >> 8) & 0xff, (number & 0xff).max(1))
}

fn status(pod: &Json, state: &State, time: &str, address: &str) -> Json {
    let (phase, is_initialized, is_ready, ready_reason) = match state {
        State::Waiting(..) => ("Pending", false, false, "ContainersNotReady"),
        State::Running { is_ready } => ("Running", true, *is_ready, "ContainersNotReady"),
        State::Crashing => ("Running", true, false, "ContainersNotReady"),
        State::Succeeded => ("Succeeded", true, false, "PodCompleted"),
    };
    let is_initialized = is_initialized || items(pod, "/spec/initContainers").is_empty();
    let names: Vec<&str> = items(pod, "/spec/containers").iter().map(|container| text(container, "/name")).collect();
    let unready = format!("containers with unready status: [{}]", names.join(" "));
    let condition = |kind: &str, is_true: bool| {
        let (reason, message) = match (is_true, ready_reason) {
            (true, _) => ("", ""),
            (false, "PodCompleted") => ("PodCompleted", ""),
            (false, reason) => (reason, unready.as_str()),
        };
        let mut condition = make_condition(pod, time, kind, is_true, reason, message);
        condition["lastProbeTime"] = Json::Null;
        if let Some(fields) = condition.as_object_mut() {
            fields.retain(|_, value| value != "");
        }
        condition
    };
    let mut status = pod.get("status").cloned().unwrap_or_else(|| json!({}));
    status["phase"] = json!(phase);
    status["conditions"] = json!([
        condition("PodReadyToStartContainers", !matches!(state, State::Succeeded)),
        condition("Initialized", is_initialized),
        condition("Ready", is_ready),
        condition("ContainersReady", is_ready),
        scheduled(pod, time),
    ]);
    let started = text(pod, "/status/startTime");
    status["startTime"] = json!(if started.is_empty() { time } else { started });
    status["hostIP"] = json!("192.0.2.1");
    status["hostIPs"] = json!([{"ip": "192.0.2.1"}]);
    if !matches!(state, State::Waiting(..)) {
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{"ip": address}]);
    }
    for (list, statuses, is_init) in
        [("/spec/initContainers", "initContainerStatuses", true), ("/spec/containers", "containerStatuses", false)]
    {
        let containers: Vec<Json> =
            items(pod, list).iter().map(|container| container_status(pod, container, state, time, is_init)).collect();
        if !containers.is_empty() {
            status[statuses] = Json::Array(containers);
        }
    }
    status
}

fn container_status(pod: &Json, container: &Json, state: &State, time: &str, is_init: bool) -> Json {
    let list = if is_init { "/status/initContainerStatuses" } else { "/status/containerStatuses" };
    let old = items(pod, list).iter().find(|old| old["name"] == container["name"]);
    let since = |state: &str, field: &str| {
        let found =
            old.map(|old| text(old, &format!("/state/{state}/{field}")).to_owned()).filter(|since| !since.is_empty());
        found.unwrap_or_else(|| time.to_owned())
    };
    let ended = || {
        json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": since("terminated", "startedAt"),
        "finishedAt": since("terminated", "finishedAt")}})
    };
    let image = text(container, "/image");
    let is_own_fault = UNPULLABLE.iter().any(|part| image.contains(part));
    let (found, restarts) = match state {
        State::Waiting(reason, message) => {
            let (reason, message) = if reason.contains("Image") && !is_own_fault {
                ("PodInitializing", "")
            } else {
                (reason.as_str(), message.as_str())
            };
            let mut waiting = json!({"reason": reason});
            if !message.is_empty() && reason != "ContainerCreating" {
                waiting["message"] = json!(message);
            }
            (json!({"waiting": waiting}), 0)
        }
        _ if is_init => (ended(), 0),
        State::Running { .. } => (json!({"running": {"startedAt": since("running", "startedAt")}}), 0),
        State::Crashing => {
            let message = format!("back-off 5m0s restarting failed container={}", text(container, "/name"));
            (json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}), 5)
        }
        State::Succeeded => (ended(), 0),
    };
    let runs = matches!(state, State::Running { .. }) && !is_init;
    let is_ready = matches!(state, State::Running { is_ready: true }) || (is_init && found.get("terminated").is_some());
    json!({"name": container["name"], "image": image, "imageID": "", "ready": is_ready, "started": runs,
           "restartCount": restarts, "state": found, "lastState": {}})
}

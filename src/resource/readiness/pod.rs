//! Judges pods, alone and as the reason why what owns them is not ready.
use crate::model::{Json, Object, Readiness, Surroundings};

use super::generic;

/// Reasons of a waiting container that only a change of the configuration, or of the world, ends.
const HOPELESS: [&str; 7] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
    "SignatureValidationFailed",
];

/// Words in the message of a failed pull that say that a second try will not help.
const DEFINITE: [&str; 7] =
    ["not found", "manifest unknown", "denied", "unauthorized", "forbidden", "does not exist", "authorization failed"];

/// Judges one pod.
pub(super) fn pod(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::deleting(object) {
        return verdict;
    }
    match object.text("/status/phase") {
        Some("Succeeded") => return Readiness::ready(),
        Some("Failed") => return Readiness::failed(end_of(object)),
        _ => {}
    }
    if let Some(verdict) = statuses(object).find_map(trouble) {
        return verdict;
    }
    match generic::condition(object, "PodScheduled") {
        Some(scheduled) if scheduled.is("False") && scheduled.reason == "SchedulingGated" => {
            return Readiness::waiting("scheduling gates hold it back");
        }
        Some(scheduled) if scheduled.is("False") => {
            return unscheduled(object, scheduled.message, surroundings);
        }
        _ => {}
    }
    let ready = generic::condition(object, "Ready").is_some_and(|condition| condition.is("True"));
    if ready { Readiness::ready() } else { Readiness::waiting(hold_up(object, surroundings)) }
}

/// Returns the verdict on a pod that no node takes: room is made for it by an autoscaler of nodes, by pods that it
/// may drive out, and by those that are leaving.
///
/// <https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#what-events-are-emitted-by-ca>,
/// <https://karpenter.sh/docs/troubleshooting/>
fn unscheduled(object: &Object, message: &str, surroundings: Surroundings<'_>) -> Readiness {
    let reason = format!("cannot be scheduled: {message}");
    let newest = |reasons: &[&str]| generic::newest_event(object, surroundings, reasons).map(|told| told.time);
    let coming = newest(&["TriggeredScaleUp", "Nominated"]);
    if coming.is_some() && coming >= newest(&["NotTriggerScaleUp"]) {
        return Readiness::waiting(format!("{reason}; a node is on its way"));
    }
    let makes_room = object.text("/status/nominatedNodeName").is_some_and(|name| !name.is_empty());
    let is_left = surroundings.of_kind("Pod", object.namespace()).any(Object::is_terminating);
    if makes_room || is_left { Readiness::waiting(reason) } else { Readiness::stalled(reason) }
}

/// Returns the worst that the pods have to tell, the pod's name first: failures, then reasons to wait.
pub(super) fn worst(pods: &[&Object], surroundings: Surroundings<'_>) -> Option<Readiness> {
    let (mut stalled, mut waiting) = (None, None);
    for object in pods {
        match pod(object, surroundings) {
            Readiness::Failed { reason } => {
                return Some(Readiness::failed(format!("pod {}: {reason}", object.name())));
            }
            Readiness::Stalled { reason } => {
                stalled.get_or_insert_with(|| Readiness::stalled(format!("pod {}: {reason}", object.name())));
            }
            Readiness::Waiting { reason } => {
                waiting.get_or_insert_with(|| Readiness::waiting(format!("pod {}: {reason}", object.name())));
            }
            Readiness::Ready { .. } => {}
        }
    }
    stalled.or(waiting)
}

/// Returns the statuses of all containers, init containers first.
fn statuses(object: &Object) -> impl Iterator<Item = &Json> {
    let list = |pointer| object.pointer(pointer).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    list("/status/initContainerStatuses").iter().chain(list("/status/containerStatuses"))
}

fn text<'a>(status: &'a Json, pointer: &str) -> &'a str {
    status.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// Returns the verdict on a container that cannot start.
fn trouble(status: &Json) -> Option<Readiness> {
    let name = text(status, "/name");
    let reason = text(status, "/state/waiting/reason");
    let message = text(status, "/state/waiting/message");
    let told = if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
    match reason {
        "CrashLoopBackOff" => {
            Some(Readiness::failed(format!("container {name} crashes in a loop{}", last_end(status))))
        }
        "ErrImagePull" if DEFINITE.iter().any(|words| message.contains(words)) => {
            Some(Readiness::failed(format!("container {name}: {told}")))
        }
        "ErrImagePull" => Some(Readiness::waiting(format!("container {name}: {told}"))),
        reason if HOPELESS.contains(&reason) => Some(Readiness::failed(format!("container {name}: {told}"))),
        _ => None,
    }
}

/// Returns how the container ended the last time, such as ` (exit code 1, OOMKilled)`.
fn last_end(status: &Json) -> String {
    let Some(terminated) = status.pointer("/lastState/terminated").or_else(|| status.pointer("/state/terminated"))
    else {
        return String::new();
    };
    let code = terminated.get("exitCode").and_then(Json::as_i64).map(|code| format!("exit code {code}"));
    let reason = Some(text(terminated, "/reason")).filter(|reason| !matches!(*reason, "" | "Error")).map(str::to_owned);
    let message = text(terminated, "/message").lines().last().filter(|line| !line.is_empty()).map(str::to_owned);
    let parts: Vec<String> = [code, reason, message].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// Returns why a pod failed.
fn end_of(object: &Object) -> String {
    let told: Vec<&str> = ["/status/reason", "/status/message"].iter().filter_map(|at| object.text(at)).collect();
    if !told.is_empty() {
        return told.join(": ");
    }
    let ended =
        |status: &&Json| status.pointer("/state/terminated/exitCode").and_then(Json::as_i64).is_some_and(|c| c != 0);
    match statuses(object).find(ended) {
        Some(status) => format!("container {} ended{}", text(status, "/name"), last_end(status)),
        None => "it failed".to_owned(),
    }
}

/// Returns what a pod that runs into no trouble is waiting for.
fn hold_up(object: &Object, surroundings: Surroundings<'_>) -> String {
    if let Some(told) = generic::newest_event(object, surroundings, &["FailedMount", "FailedAttachVolume"])
        && object.text("/status/phase") != Some("Running")
    {
        return told.message;
    }
    let init = object.pointer("/status/initContainerStatuses").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    if let Some(running) = init
        .iter()
        .find(|status| status.pointer("/state/running").is_some() && status.get("started") != Some(&Json::Bool(true)))
    {
        return format!("init container {} is at work", text(running, "/name"));
    }
    match statuses(object).find(|status| status.get("ready") == Some(&Json::Bool(false))) {
        Some(status) if status.pointer("/state/running").is_some() => {
            format!("container {} is not ready", text(status, "/name"))
        }
        Some(status) if !text(status, "/state/waiting/reason").is_empty() => {
            format!("container {}: {}", text(status, "/name"), text(status, "/state/waiting/reason"))
        }
        _ => "it has not started".to_owned(),
    }
}

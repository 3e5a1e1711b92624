//! Jobs: pods that run to their end.
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::super::clock::between;
use super::super::json::{integer, items, text};
use super::super::status::Status;
use super::super::world::{Key, World};
use super::events;
use super::owned::{controlled, create, delete, has_condition, is_active, pod_of, set_status, suffix};
use super::queue::Controller;
use super::route::add_later;
use crate::model::{Json, Object};

const COMPONENT: &str = "job-controller";

/// Looks at a job.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(job) = world.get(key).cloned().filter(|job| !job.is_terminating()) else { return Ok(()) };
    if has_condition(&job, "Complete") || has_condition(&job, "Failed") {
        return expire(world, key, &job);
    }
    let pods = controlled(world, &job, "", "pods");
    let in_phase = |phase: &str| pods.iter().filter(|pod| pod.text("/status/phase") == Some(phase)).count();
    let (succeeded, failed) = (in_phase("Succeeded"), in_phase("Failed"));
    let active: Vec<&Arc<Object>> = pods.iter().filter(|pod| is_active(pod)).collect();
    let number =
        |pointer: &str, otherwise: i64| usize::try_from(integer(job.json(), pointer).unwrap_or(otherwise)).unwrap_or(0);
    let wanted = number("/spec/completions", 1);
    let is_suspended = job.pointer("/spec/suspend") == Some(&Json::Bool(true));
    let time = world.time();
    let mut status = json!({
        "active": some(active.len()), "succeeded": some(succeeded), "failed": some(failed),
        "ready": active.iter().filter(|pod| has_condition(pod, "Ready")).count(),
        "terminating": pods.iter().filter(|pod| pod.is_terminating()).count(), "uncountedTerminatedPods": {},
    });
    if is_suspended {
        active.iter().try_for_each(|pod| delete(world, pod))?;
        status["conditions"] = json!([ended(job.json(), &time, "Suspended", "JobSuspended", "Job suspended")]);
        status["startTime"] = Json::Null;
        return set_status(world, key, &status);
    }
    status["startTime"] = json!(job.text("/status/startTime").unwrap_or(&time));
    if succeeded >= wanted {
        let message = "Reached expected number of succeeded pods";
        let condition = |kind| ended(job.json(), &time, kind, "CompletionsReached", message);
        status["conditions"] = json!([condition("SuccessCriteriaMet"), condition("Complete")]);
        status["completionTime"] = json!(time);
        events::normal(world, &job, COMPONENT, "Completed", "Job completed");
    } else if failed > number("/spec/backoffLimit", 6) {
        active.iter().try_for_each(|pod| delete(world, pod))?;
        let message = "Job has reached the specified backoff limit";
        let condition = |kind| ended(job.json(), &time, kind, "BackoffLimitExceeded", message);
        status["conditions"] = json!([condition("FailureTarget"), condition("Failed")]);
        events::warning(world, &job, COMPONENT, "BackoffLimitExceeded", message);
    } else {
        status["conditions"] = Json::Null;
        let missing = number("/spec/parallelism", 1).min(wanted - succeeded).saturating_sub(active.len());
        add_pods(world, &job, missing)?;
    }
    set_status(world, key, &status)
}

fn some(count: usize) -> Json {
    if count == 0 { Json::Null } else { json!(count) }
}

fn ended(job: &Json, time: &str, kind: &str, reason: &str, message: &str) -> Json {
    let old = items(job, "/status/conditions").iter().find(|condition| condition["type"] == kind);
    old.filter(|old| old["status"] == "True").cloned().unwrap_or_else(|| {
        json!({"type": kind, "status": "True", "lastProbeTime": time, "lastTransitionTime": time,
               "reason": reason, "message": message})
    })
}

fn add_pods(world: &mut World, job: &Arc<Object>, count: usize) -> Result<(), Status> {
    for _ in 0..count {
        let name = format!("{}-{}", job.name(), suffix(&format!("{}{}", job.name(), world.revision())));
        let mut pod = pod_of(job, &job.json()["spec"]["template"], &name, &[]);
        pod["metadata"]["generateName"] = json!(format!("{}-", job.name()));
        if let Err(status) = create(world, "", "pods", pod) {
            events::warning(world, job, COMPONENT, "FailedCreate", &format!("Error creating: {}", status.message));
            return Err(status);
        }
        events::normal(world, job, COMPONENT, "SuccessfulCreate", &format!("Created pod: {name}"));
    }
    Ok(())
}

/// Deletes a finished job when its time to live is over.
fn expire(world: &mut World, key: &Key, job: &Arc<Object>) -> Result<(), Status> {
    let Some(seconds) = integer(job.json(), "/spec/ttlSecondsAfterFinished") else { return Ok(()) };
    let ended = items(job.json(), "/status/conditions")
        .iter()
        .filter(|condition| matches!(text(condition, "/type"), "Complete" | "Failed"))
        .find_map(|condition| text(condition, "/lastTransitionTime").parse::<Timestamp>().ok());
    let Some(ended) = ended else { return Ok(()) };
    let (life, age) = (Duration::from_secs(u64::try_from(seconds).unwrap_or(0)), between(ended, world.now()));
    if age >= life {
        return delete(world, job);
    }
    add_later(world, Controller::Job, key.clone(), life.saturating_sub(age));
    Ok(())
}

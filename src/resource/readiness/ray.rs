//! Judges KubeRay's kinds by the words that its operator writes into their status.
//!
//! <https://github.com/ray-project/kuberay/tree/master/ray-operator/apis/ray/v1>
use crate::model::{Json, Object, Readiness, Surroundings};

use super::{generic, pod};

/// Judges a RayCluster: ready once its head and its workers were up together.
pub(super) fn cluster(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object).or_else(|| suspended(object, "/status/state")) {
        return verdict;
    }
    let is_true = |name| generic::condition(object, name).filter(|condition| condition.is("True"));
    if let Some(failure) = is_true("RayClusterReplicaFailure") {
        return Readiness::failed(failure.says());
    }
    let state = object.text("/status/state").unwrap_or_default();
    if is_true("RayClusterProvisioned").is_some() || state.eq_ignore_ascii_case("ready") {
        return Readiness::ready();
    }
    if state.eq_ignore_ascii_case("failed") {
        return Readiness::failed(object.text("/status/reason").unwrap_or("the operator says that it failed"));
    }
    let pods: Vec<&Object> = surroundings
        .of_kind("Pod", object.namespace())
        .filter(|pod| pod.label("ray.io/cluster") == Some(object.name()) && !pod.is_terminating())
        .collect();
    pod::worst(&pods, surroundings).unwrap_or_else(|| {
        let head = generic::condition(object, "HeadPodReady").filter(|head| !head.is("True"));
        Readiness::waiting(head.map_or_else(|| "its pods are not up yet".to_owned(), |head| head.says()))
    })
}

/// Judges a RayJob: ready once the job has ended well.
pub(super) fn job(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object).or_else(|| suspended(object, "/status/jobDeploymentStatus")) {
        return verdict;
    }
    let deployment = object.text("/status/jobDeploymentStatus").unwrap_or_default();
    let status = object.text("/status/jobStatus").unwrap_or_default();
    let told: Vec<&str> = ["/status/reason", "/status/message"].iter().filter_map(|at| object.text(at)).collect();
    let told = if told.is_empty() { "the job failed".to_owned() } else { told.join(": ") };
    match (deployment, status) {
        ("Complete", "FAILED" | "STOPPED") | ("Failed" | "ValidationFailed", _) => Readiness::failed(told),
        ("Complete", _) => Readiness::ready(),
        ("", "") => Readiness::waiting("the operator has not seen it yet"),
        (deployment, "") => Readiness::waiting(format!("the job is {deployment}")),
        (deployment, status) => Readiness::waiting(format!("the job is {deployment} ({status})")),
    }
}

/// Judges a RayService: ready once its endpoints serve, and no upgrade is on its way.
pub(super) fn service(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object) {
        return verdict;
    }
    if let Some(reason) = broken_application(object) {
        return Readiness::failed(reason);
    }
    if let Some(upgrade) = generic::condition(object, "UpgradeInProgress").filter(|upgrade| upgrade.is("True")) {
        return Readiness::waiting(format!("an upgrade is on its way: {}", upgrade.says()));
    }
    match generic::condition(object, "Ready") {
        Some(ready) if ready.is("True") => Readiness::ready(),
        Some(ready) => Readiness::waiting(ready.says()),
        // Operators before 1.3 write no conditions.
        None if object.text("/status/serviceStatus") == Some("Running") => Readiness::ready(),
        None => Readiness::waiting("it does not serve yet"),
    }
}

/// Returns the verdict on what is suspended: by its owner on purpose, or by a queue that has not admitted it.
fn suspended(object: &Object, pointer: &str) -> Option<Readiness> {
    if object.pointer("/spec/suspend") != Some(&Json::Bool(true)) {
        return None;
    }
    if let Some(queue) = object.label("kueue.x-k8s.io/queue-name") {
        return Some(Readiness::waiting(format!("queue {queue} has not admitted it")));
    }
    let is_done = object.text(pointer).is_some_and(|state| state.eq_ignore_ascii_case("suspended"));
    Some(if is_done {
        Readiness::Ready { note: Some("it is suspended".to_owned()) }
    } else {
        Readiness::waiting("it is being suspended")
    })
}

/// Returns why a Serve application could not be deployed.
fn broken_application(object: &Object) -> Option<String> {
    ["/status/pendingServiceStatus", "/status/activeServiceStatus"].iter().find_map(|status| {
        let applications = object.pointer(&format!("{status}/applicationStatuses"))?.as_object()?;
        applications.iter().find_map(|(name, application)| {
            let is_broken = application.get("status").and_then(Json::as_str) == Some("DEPLOY_FAILED");
            let message = application.get("message").and_then(Json::as_str).unwrap_or_default();
            is_broken.then(|| format!("application {name} could not be deployed: {message}"))
        })
    })
}

//! The KubeRay operator's part, when its definitions are there: clusters become ready, jobs succeed, services run.
//! Statuses: <https://github.com/ray-project/kuberay/tree/master/ray-operator/apis/ray/v1>. No pods are made.
use serde_json::json;

use super::super::json::{integer, items};
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::owned::make_condition;
use crate::model::{Json, Object};

/// The name under which the operator writes.
const MANAGER: &str = "manager";

/// Looks at a Ray object.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(object) = world.get(key).cloned().filter(|object| !object.is_terminating()) else { return Ok(()) };
    let time = world.time();
    let mut status = match key.resource.plural.as_str() {
        "rayclusters" => cluster(&object, &time),
        "rayjobs" => job(&object, &time),
        _ => service(&object, &time),
    };
    status["observedGeneration"] = object.pointer("/metadata/generation").cloned().unwrap_or_default();
    write::modify(world, key, Writer::controller(MANAGER, Some("status")), |object| {
        let mut new = object.get("status").cloned().unwrap_or_else(|| json!({}));
        for (name, value) in status.as_object().into_iter().flatten() {
            new[name.as_str()] = value.clone();
        }
        object["status"] = new;
    })
}

fn is_suspended(object: &Object) -> bool {
    object.pointer("/spec/suspend") == Some(&Json::Bool(true))
}

fn cluster(object: &Object, time: &str) -> Json {
    let condition =
        |kind, is_true, reason, message| make_condition(object.json(), time, kind, is_true, reason, message);
    if is_suspended(object) {
        return json!({"state": "suspended", "conditions": [
            condition("RayClusterSuspended", true, "RayClusterSuspended", ""),
            condition("RayClusterProvisioned", false, "RayClusterPodsProvisioning", "")]});
    }
    let groups = items(object.json(), "/spec/workerGroupSpecs");
    let sum = |field: &str, otherwise: i64| -> i64 {
        groups.iter().map(|group| integer(group, &format!("/{field}")).unwrap_or(otherwise)).sum()
    };
    let wanted = sum("replicas", 0);
    json!({
        "state": "ready",
        "conditions": [
            condition("HeadPodReady", true, "HeadPodRunningAndReady", ""),
            condition("RayClusterProvisioned", true, "AllPodRunningAndReadyFirstTime", "All Ray Pods are ready for the first time"),
            condition("RayClusterSuspended", false, "RayClusterSuspended", ""),
            condition("RayClusterSuspending", false, "RayClusterSuspending", ""),
        ],
        "desiredWorkerReplicas": wanted, "readyWorkerReplicas": wanted, "availableWorkerReplicas": wanted,
        "minWorkerReplicas": sum("minReplicas", 0), "maxWorkerReplicas": sum("maxReplicas", 2_147_483_647),
        "head": {"serviceName": format!("{}-head-svc", object.name())},
        "endpoints": {"gcs-server": "6379", "dashboard": "8265", "client": "10001", "metrics": "8080", "serve": "8000"},
        "lastUpdateTime": since(object, "lastUpdateTime", time),
    })
}

/// Returns the time that the status already has, or now: a status that is looked at twice stays the same.
fn since(object: &Object, field: &str, time: &str) -> String {
    object.text(&format!("/status/{field}")).unwrap_or(time).to_owned()
}

fn job(object: &Object, time: &str) -> Json {
    if is_suspended(object) {
        return json!({"jobDeploymentStatus": "Suspended"});
    }
    json!({
        "jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete", "jobId": format!("{}-sandbox", object.name()),
        "rayClusterName": format!("{}-sandbox", object.name()), "message": "Job finished successfully.",
        "startTime": since(object, "startTime", time), "endTime": since(object, "endTime", time),
    })
}

fn service(object: &Object, time: &str) -> Json {
    let condition =
        |kind, is_true, reason, message| make_condition(object.json(), time, kind, is_true, reason, message);
    json!({
        "serviceStatus": "Running",
        "conditions": [
            condition("Ready", true, "NonZeroServeEndpoints", "Number of serve endpoints is greater than 0"),
            condition("UpgradeInProgress", false, "NoPendingCluster", "No pending cluster"),
        ],
        "numServeEndpoints": 1, "activeServiceStatus": {"rayClusterName": format!("{}-sandbox", object.name())},
        "lastUpdateTime": since(object, "lastUpdateTime", time),
    })
}

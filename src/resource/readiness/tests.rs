//! Verdicts by kind, as a table: what is live, what is around it, what is said of it.
use std::collections::BTreeMap;
use std::slice::from_ref;

use serde_json::json;

use super::judge_of;
use crate::model::{Json, Object, Readiness, Surroundings};

/// Returns the verdict as text: `ready`, `ready: note`, `waiting: …`, `failed: …`.
fn verdict(object: Json, around: &[Json]) -> String {
    let make = |json: Json| Object::new(json).expect("an object");
    let around: BTreeMap<_, _> = around.iter().cloned().map(make).map(|object| (object.identity(), object)).collect();
    let object = make(object);
    match judge_of(&object.kind())(&object, Surroundings { objects: &around }) {
        Readiness::Ready { note: None } => "ready".to_owned(),
        Readiness::Ready { note: Some(note) } => format!("ready: {note}"),
        Readiness::Waiting { reason } => format!("waiting: {reason}"),
        Readiness::Stalled { reason } => format!("stalled: {reason}"),
        Readiness::Failed { reason } => format!("failed: {reason}"),
    }
}

#[track_caller]
fn check(object: Json, expected: &str) {
    check_among(object, &[], expected);
}

#[track_caller]
fn check_among(object: Json, around: &[Json], expected: &str) {
    assert_eq!(verdict(object, around), expected);
}

/// Returns an object of namespace `a`, of generation 2.
#[expect(clippy::needless_pass_by_value, reason = "tables read better with literals")]
fn live(api_version: &str, kind: &str, spec: Json, status: Json) -> Json {
    json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "namespace": "a", "uid": "u", "generation": 2, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": spec,
        "status": status,
    })
}

fn condition(name: &str, status: &str, reason: &str, message: &str) -> Json {
    json!([{"type": name, "status": status, "reason": reason, "message": message}])
}

fn deployment(status: Json) -> Json {
    live("apps/v1", "Deployment", json!({"replicas": 2, "selector": {"matchLabels": {"app": "x"}}}), status)
}

/// Returns a pod with these statuses of its one container.
#[expect(clippy::needless_pass_by_value, reason = "tables read better with literals")]
fn pod(name: &str, hash: &str, created: &str, state: Json) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "a",
            "uid": name,
            "creationTimestamp": created,
            "labels": {"app": "x", "pod-template-hash": hash, "controller-revision-hash": hash},
        },
        "status": {"phase": "Pending", "containerStatuses": [state]},
    })
}

fn stuck(reason: &str, message: &str) -> Json {
    json!({"name": "main", "ready": false, "state": {"waiting": {"reason": reason, "message": message}}})
}

fn event(kind: &str, name: &str, reason: &str, message: &str, time: &str) -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": format!("{name}.{reason}"), "namespace": "a"},
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "lastTimestamp": time,
    })
}

const EARLY: &str = "2026-01-01T00:00:01Z";
const LATE: &str = "2026-01-01T00:09:00Z";

#[test]
fn what_goes_will_not_become_ready() {
    let mut object = live("v1", "ConfigMap", json!(null), json!(null));
    check(object.clone(), "ready");
    object["metadata"]["deletionTimestamp"] = json!(LATE);
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    check(object, "failed: it is being deleted, held by example.com/hold; wait until it is gone");
}

#[test]
fn deployments() {
    check(deployment(json!({})), "waiting: its controller has not seen it yet");
    check(deployment(json!({"observedGeneration": 1})), "waiting: its controller has not seen the change yet");
    let counts = |replicas, updated, available| {
        deployment(json!({
            "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available,
        }))
    };
    check(counts(2, 2, 2), "ready");
    check(counts(2, 1, 2), "waiting: 1 of 2 pods are new");
    check(counts(3, 2, 3), "waiting: 1 of 3 pods are old");
    check(counts(2, 2, 1), "waiting: 1 of 2 pods are available");
    let mut none = counts(0, 0, 0);
    none["spec"]["replicas"] = json!(0);
    check(none, "ready");
    let mut paused = counts(2, 1, 2);
    paused["spec"]["paused"] = json!(true);
    check(paused, "ready: it is paused: its pods are not rolled");
    let late = json!({
        "observedGeneration": 2,
        "conditions": condition("Progressing", "False", "ProgressDeadlineExceeded", "it took too long"),
    });
    check(deployment(late), "failed: it took too long");
}

#[test]
fn deployments_whose_pods_are_refused() {
    let refused = |message: &str, old: i64| {
        deployment(json!({
            "observedGeneration": 2,
            "replicas": old,
            "conditions": condition("ReplicaFailure", "True", "FailedCreate", message),
        }))
    };
    let quota = "pods \"x-1\" is forbidden: exceeded quota: quota, requested: cpu=4, used: cpu=0, limited: cpu=2";
    check(refused(quota, 0), &format!("failed: {quota}"));
    check(refused(quota, 1), &format!("waiting: {quota}"));
    check(refused("etcd is slow", 0), "waiting: etcd is slow");
}

#[test]
fn the_newest_pods_speak_for_a_deployment() {
    let of = |updated: i64| deployment(json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": updated}));
    let broken = pod("x-old", "1", EARLY, stuck("ImagePullBackOff", "Back-off pulling image"));
    let slow = pod("x-new", "2", LATE, stuck("ContainerCreating", ""));
    let failed = "failed: pod x-old: container main: ImagePullBackOff: Back-off pulling image";
    check_among(of(2), from_ref(&broken), failed);
    check_among(
        of(2),
        &[broken.clone(), slow],
        "waiting: 0 of 2 pods are available; pod x-new: container main: ContainerCreating",
    );
    check_among(of(0), from_ref(&broken), "waiting: 0 of 2 pods are new");
    let mut going = broken.clone();
    going["metadata"]["deletionTimestamp"] = json!(LATE);
    check_among(of(2), &[going], "waiting: 0 of 2 pods are available");
    let mut elsewhere = broken;
    elsewhere["metadata"]["labels"]["app"] = json!("y");
    check_among(of(2), &[elsewhere], "waiting: 0 of 2 pods are available");
}

#[test]
fn pods() {
    let with = |state: Json| pod("p", "1", EARLY, state);
    let crashed = json!({
        "name": "main",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "first\nlast words"}},
    });
    check(with(crashed), "failed: container main crashes in a loop (exit code 137, OOMKilled, last words)");
    check(with(stuck("ErrImagePull", "i/o timeout")), "waiting: container main: ErrImagePull: i/o timeout");
    check(with(stuck("ErrImagePull", "manifest unknown")), "failed: container main: ErrImagePull: manifest unknown");
    check(
        with(stuck("CreateContainerConfigError", "secret \"gone\" not found")),
        "failed: container main: CreateContainerConfigError: secret \"gone\" not found",
    );
    check(with(stuck("InvalidImageName", "")), "failed: container main: InvalidImageName");
    check(
        with(json!({"name": "main", "ready": false, "state": {"running": {}}})),
        "waiting: container main is not ready",
    );
}

#[test]
fn a_pod_that_no_node_takes_waits_while_room_is_made() {
    let conditions = condition("PodScheduled", "False", "Unschedulable", "no GPU");
    let status = json!({"phase": "Pending", "conditions": conditions});
    let pod = || live("v1", "Pod", json!({}), status.clone());
    let growing = event("Pod", "x", "TriggeredScaleUp", "1->2", EARLY);
    check_among(pod(), std::slice::from_ref(&growing), "waiting: cannot be scheduled: no GPU; a node is on its way");
    let full = event("Pod", "x", "NotTriggerScaleUp", "max node group size reached", LATE);
    check_among(pod(), &[growing, full], "stalled: cannot be scheduled: no GPU");
    let mut leaving = live("v1", "Pod", json!({}), json!({}));
    leaving["metadata"]["name"] = "old".into();
    leaving["metadata"]["deletionTimestamp"] = EARLY.into();
    check_among(pod(), &[leaving], "waiting: cannot be scheduled: no GPU");
    let mut nominated = pod();
    nominated["status"]["nominatedNodeName"] = "node-1".into();
    check(nominated, "waiting: cannot be scheduled: no GPU");
}

#[test]
fn pods_by_phase_and_condition() {
    let with = |status: Json| live("v1", "Pod", json!({}), status);
    check(with(json!({"phase": "Succeeded"})), "ready");
    check(with(json!({"phase": "Failed", "reason": "Evicted", "message": "no disk"})), "failed: Evicted: no disk");
    check(with(json!({"phase": "Running", "conditions": condition("Ready", "True", "", "")})), "ready");
    let unschedulable = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes: Insufficient nvidia.com/gpu");
    check(
        with(json!({"phase": "Pending", "conditions": unschedulable})),
        "stalled: cannot be scheduled: 0/3 nodes: Insufficient nvidia.com/gpu",
    );
    let gated = condition("PodScheduled", "False", "SchedulingGated", "");
    check(with(json!({"phase": "Pending", "conditions": gated})), "waiting: scheduling gates hold it back");
    check(with(json!({"phase": "Pending"})), "waiting: it has not started");
    let mount = event("Pod", "x", "FailedMount", "volume \"v\": secret not found", EARLY);
    check_among(with(json!({"phase": "Pending"})), &[mount], "waiting: volume \"v\": secret not found");
    let ended = json!({"name": "main", "state": {"terminated": {"exitCode": 3}}});
    check(with(json!({"phase": "Failed", "containerStatuses": [ended]})), "failed: container main ended (exit code 3)");
}

#[test]
fn stateful_sets() {
    let with = |spec: Json, status: Json| {
        let mut object =
            live("apps/v1", "StatefulSet", json!({"replicas": 2, "selector": {"matchLabels": {"app": "x"}}}), status);
        object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        object
    };
    let counts = |ready: i64, updated: i64, current: &str| {
        json!({
            "observedGeneration": 2, "replicas": 2, "readyReplicas": ready, "updatedReplicas": updated,
            "currentRevision": current, "updateRevision": "2",
        })
    };
    check(with(json!({}), counts(2, 2, "2")), "ready");
    check(with(json!({}), counts(1, 2, "2")), "waiting: 1 of 2 pods are ready");
    check(with(json!({}), counts(2, 1, "1")), "waiting: 1 of 2 pods are new");
    check(
        with(json!({"updateStrategy": {"type": "OnDelete"}}), counts(2, 0, "1")),
        "ready: 0 of 2 pods are new: with OnDelete the others stay until deleted",
    );
    check(
        with(
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}),
            counts(2, 1, "1"),
        ),
        "ready: its partition keeps 1 pods as they were",
    );
    check(with(json!({"replicas": 1}), counts(2, 2, "2")), "waiting: 1 pods too many are still there");
    let old = pod("x-0", "1", EARLY, stuck("CrashLoopBackOff", ""));
    check_among(
        with(json!({}), counts(1, 0, "1")),
        from_ref(&old),
        "failed: pod x-0: container main crashes in a loop; it is of the old revision: delete pod x-0 to go on",
    );
    let parallel = json!({"podManagementPolicy": "Parallel"});
    check_among(with(parallel, counts(1, 0, "1")), &[old], "waiting: 1 of 2 pods are ready");
}

#[test]
fn events_tell_of_refused_pods_unless_they_are_of_another_time() {
    let object = live(
        "apps/v1",
        "StatefulSet",
        json!({"replicas": 1, "selector": {"matchLabels": {"app": "x"}}}),
        json!({"observedGeneration": 2}),
    );
    let message = "create Pod x-0 in StatefulSet x failed error: pods \"x-0\" is forbidden: exceeded quota: quota, requested: cpu=4";
    let told = event("StatefulSet", "x", "FailedCreate", message, EARLY);
    check_among(object.clone(), from_ref(&told), &format!("failed: {message}"));
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {
            "name": "quota", "namespace": "a", "managedFields": [
                {"manager": "rayform", "time": LATE},
                {"manager": "controller", "subresource": "status", "time": "2027-01-01T00:00:00Z"},
            ],
        },
    });
    check_among(object, &[told, quota], &format!("waiting: {message}"));
}

#[test]
fn daemon_sets() {
    let with = |spec: Json, wanted: i64, updated: i64, available: i64| {
        live(
            "apps/v1",
            "DaemonSet",
            spec,
            json!({
                "observedGeneration": 2, "desiredNumberScheduled": wanted, "currentNumberScheduled": wanted,
                "updatedNumberScheduled": updated, "numberAvailable": available,
            }),
        )
    };
    check(with(json!({}), 0, 0, 0), "ready: no node takes its pods");
    check(with(json!({}), 2, 2, 2), "ready");
    check(with(json!({}), 2, 1, 2), "waiting: 2 of 2 pods are available, 1 are new");
    check(with(json!({}), 2, 2, 1), "waiting: 1 of 2 pods are available, 2 are new");
    let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
    check(with(on_delete, 2, 1, 2), "ready: 1 of 2 pods are new: with OnDelete the others stay");
}

#[test]
fn jobs() {
    let with = |spec: Json, status: Json| live("batch/v1", "Job", spec, status);
    check(with(json!({}), json!({"active": 1, "startTime": EARLY})), "waiting: 0 of 1 runs are done");
    check(with(json!({}), json!({"conditions": condition("Complete", "True", "", "")})), "ready");
    let failed = condition("Failed", "True", "BackoffLimitExceeded", "the limit is reached");
    check(with(json!({}), json!({"conditions": failed})), "failed: BackoffLimitExceeded: the limit is reached");
    check(with(json!({"suspend": true}), json!({})), "ready: it is suspended");
    let mut queued = with(json!({"suspend": true}), json!({}));
    queued["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "gpu"});
    check(queued, "waiting: queue gpu has not admitted it");
}

#[test]
fn claims() {
    let with =
        |class: Json, status: Json| live("v1", "PersistentVolumeClaim", json!({"storageClassName": class}), status);
    let class = |name: &str, mode: &str, is_default: &str| {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "volumeBindingMode": mode,
            "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": is_default}},
        })
    };
    let pending = || json!({"phase": "Pending"});
    let late = class("late", "WaitForFirstConsumer", "false");
    let later = "ready: it is bound when the first pod uses it";
    check(with(json!("late"), json!({"phase": "Bound"})), "ready");
    check(with(json!("late"), json!({"phase": "Lost"})), "failed: its volume is lost");
    check(with(json!("late"), pending()), "waiting: it is not bound to a volume yet");
    check_among(with(json!("late"), pending()), from_ref(&late), later);
    check_among(with(json!("other"), pending()), from_ref(&late), "waiting: it is not bound to a volume yet");
    check_among(with(json!(null), pending()), &[class("d", "WaitForFirstConsumer", "true")], later);
    check_among(
        with(json!(null), pending()),
        &[class("d", "Immediate", "true")],
        "waiting: it is not bound to a volume yet",
    );
    let told = event("PersistentVolumeClaim", "x", "WaitForFirstConsumer", "waiting for first consumer", EARLY);
    check_among(with(json!("late"), pending()), &[told], later);
    let user = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"},
        "spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}]},
    });
    let failed = event("PersistentVolumeClaim", "x", "ProvisioningFailed", "the zone is full", EARLY);
    check_among(with(json!("late"), pending()), &[late, user, failed], "waiting: the zone is full");
    let growing = json!({"phase": "Bound", "conditions": condition("FileSystemResizePending", "True", "", "")});
    check(with(json!("late"), growing), "ready: its file system grows when a pod mounts it");
}

#[test]
fn namespaces_and_definitions() {
    check(live("v1", "Namespace", json!({}), json!({"phase": "Active"})), "ready");
    check(live("v1", "Namespace", json!({}), json!({})), "waiting: the namespace is not active yet");
    let held = condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", "pods. has 1 instances");
    check(
        live("v1", "Namespace", json!({}), json!({"phase": "Terminating", "conditions": held})),
        "failed: the namespace is being deleted (SomeResourcesRemain: pods. has 1 instances); wait until it is gone",
    );
    let definition = |conditions: Json| {
        live("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), json!({"conditions": conditions}))
    };
    check(definition(condition("Established", "True", "", "")), "ready");
    check(definition(condition("NamesAccepted", "False", "PluralConflict", "taken")), "failed: PluralConflict: taken");
    check(definition(json!([])), "waiting: the definition is not established yet");
}

#[test]
fn services_and_autoscalers() {
    check(live("v1", "Service", json!({"type": "ClusterIP"}), json!({})), "ready");
    let balanced = live("v1", "Service", json!({"type": "LoadBalancer"}), json!({"loadBalancer": {}}));
    check(balanced, "ready: the load balancer has given no address yet");
    let autoscaler = |conditions: Json| {
        live("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({"conditions": conditions}))
    };
    check(autoscaler(json!([])), "waiting: the autoscaler has not looked at its target yet");
    check(
        autoscaler(condition("AbleToScale", "False", "FailedGetScale", "not found")),
        "waiting: FailedGetScale: not found",
    );
    check(
        autoscaler(json!([
            {"type": "AbleToScale", "status": "True"},
            {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"},
        ])),
        "ready: FailedGetResourceMetric: no metrics",
    );
    let budget = |status: Json| live("policy/v1", "PodDisruptionBudget", json!({}), status);
    check(budget(json!({})), "waiting: the budget has not been counted yet");
    check(budget(json!({"observedGeneration": 2})), "ready");
}

#[test]
fn custom_resources() {
    let with = |status: Json| live("example.com/v1", "Widget", json!({}), status);
    let mut silent = with(json!(null));
    silent.as_object_mut().unwrap().remove("status");
    check(silent, "ready: it reports no status");
    check(with(json!({"phase": "whatever"})), "ready");
    check(with(json!({"observedGeneration": "1"})), "waiting: its controller has not seen the change yet");
    check(with(json!({"observedGeneration": "2", "conditions": condition("Ready", "True", "", "")})), "ready");
    check(with(json!({"conditions": condition("Ready", "False", "Slow", "")})), "waiting: Ready is False (Slow)");
    check(with(json!({"conditions": condition("Stalled", "True", "", "no quota")})), "failed: no quota");
    check(with(json!({"conditions": condition("Reconciling", "True", "", "")})), "waiting: Reconciling is True");
}

#[test]
fn ray_kinds() {
    let cluster = |spec: Json, status: Json| live("ray.io/v1", "RayCluster", spec, status);
    check(cluster(json!({}), json!({"state": "ready"})), "ready");
    check(cluster(json!({}), json!({"conditions": condition("RayClusterProvisioned", "True", "", "")})), "ready");
    let failure = condition("RayClusterReplicaFailure", "True", "FailedCreateHeadPod", "exceeded quota");
    check(cluster(json!({}), json!({"conditions": failure})), "failed: FailedCreateHeadPod: exceeded quota");
    check(cluster(json!({"suspend": true}), json!({"state": "suspended"})), "ready: it is suspended");
    check(cluster(json!({}), json!({})), "waiting: its pods are not up yet");
    let mut head = pod("x-head", "1", EARLY, stuck("ImagePullBackOff", ""));
    head["metadata"]["labels"]["ray.io/cluster"] = json!("x");
    check_among(cluster(json!({}), json!({})), &[head], "failed: pod x-head: container main: ImagePullBackOff");

    let job = |status: Json| live("ray.io/v1", "RayJob", json!({}), status);
    check(
        job(json!({"jobDeploymentStatus": "Running", "jobStatus": "RUNNING"})),
        "waiting: the job is Running (RUNNING)",
    );
    check(job(json!({"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"})), "ready");
    check(
        job(json!({"jobDeploymentStatus": "Failed", "reason": "AppFailed", "message": "exit 1"})),
        "failed: AppFailed: exit 1",
    );
    check(job(json!({})), "waiting: the operator has not seen it yet");

    let service = |status: Json| live("ray.io/v1", "RayService", json!({}), status);
    check(service(json!({"conditions": condition("Ready", "True", "", "")})), "ready");
    check(service(json!({"serviceStatus": "Running"})), "ready");
    let broken = json!({"pendingServiceStatus": {"applicationStatuses": {"app": {"status": "DEPLOY_FAILED", "message": "no module"}}}});
    check(service(broken), "failed: application app could not be deployed: no module");
    let upgrade = condition("UpgradeInProgress", "True", "", "pending cluster");
    check(service(json!({"conditions": upgrade})), "waiting: an upgrade is on its way: pending cluster");
}

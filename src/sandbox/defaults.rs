//! What the server fills into objects of built-in kinds when they are written.
//! Sources: `pkg/apis/*/v1*/defaults.go` of <https://github.com/kubernetes/kubernetes>.
use serde_json::json;

use super::json::{default, get, integer, items, items_mut, remove, set, text};
use super::kinds::KindInfo;
use super::pod_defaults::fill_spec;
use super::{crd, json};
use crate::model::Json;

/// Fills in the defaults of a kind.
pub(super) fn fill(info: &KindInfo, object: &mut Json) {
    match info.kind.as_str() {
        "Pod" => fill_pod(object),
        "Deployment" => fill_deployment(object),
        "ReplicaSet" | "ReplicationController" => {
            default(object, &["spec", "replicas"], 1);
            fill_template(object, &["spec", "template"]);
        }
        "StatefulSet" => fill_stateful_set(object),
        "DaemonSet" => fill_daemon_set(object),
        "Job" => fill_job(object, &["spec"]),
        "CronJob" => fill_cron_job(object),
        "Service" => fill_service(object),
        "PersistentVolumeClaim" => {
            default(object, &["spec", "volumeMode"], "Filesystem");
            default(object, &["status", "phase"], "Pending");
        }
        "PersistentVolume" => fill_volume(object),
        "StorageClass" => {
            default(object, &["reclaimPolicy"], "Delete");
            default(object, &["volumeBindingMode"], "Immediate");
        }
        "HorizontalPodAutoscaler" => fill_autoscaler(object),
        "NetworkPolicy" => fill_network_policy(object),
        "Ingress" => default(object, &["status", "loadBalancer"], json!({})),
        "RoleBinding" | "ClusterRoleBinding" => fill_binding(object),
        "LimitRange" => items_mut(object, &["spec", "limits"]).for_each(fill_limit),
        "PriorityClass" => default(object, &["preemptionPolicy"], "PreemptLowerPriority"),
        "Secret" => default(object, &["type"], "Opaque"),
        "Namespace" => {
            let name = text(object, "/metadata/name").to_owned();
            set(object, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
            default(object, &["status", "phase"], "Active");
        }
        "CustomResourceDefinition" => crd::fill(object),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => fill_webhooks(info, object),
        _ => {}
    }
}

fn fill_pod(object: &mut Json) {
    if let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object()) {
        fill_spec(spec);
        default(spec, &["enableServiceLinks"], true);
    }
    default(object, &["status", "phase"], "Pending");
}

fn fill_template(object: &mut Json, path: &[&str]) {
    let spec: Vec<&str> = path.iter().copied().chain(["spec"]).collect();
    if let Some(spec) = json::get_mut(object, &spec).filter(|spec| spec.is_object()) {
        fill_spec(spec);
    }
}

fn fill_deployment(object: &mut Json) {
    default(object, &["spec", "replicas"], 1);
    default(object, &["spec", "revisionHistoryLimit"], 10);
    default(object, &["spec", "progressDeadlineSeconds"], 600);
    default(object, &["spec", "strategy", "type"], "RollingUpdate");
    if text(object, "/spec/strategy/type") == "RollingUpdate" {
        default(object, &["spec", "strategy", "rollingUpdate", "maxSurge"], "25%");
        default(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"], "25%");
    }
    fill_template(object, &["spec", "template"]);
}

fn fill_stateful_set(object: &mut Json) {
    default(object, &["spec", "replicas"], 1);
    default(object, &["spec", "revisionHistoryLimit"], 10);
    default(object, &["spec", "podManagementPolicy"], "OrderedReady");
    let has_type = get(object, &["spec", "updateStrategy", "type"]).is_some();
    let has_update = get(object, &["spec", "updateStrategy", "rollingUpdate"]).is_some();
    default(object, &["spec", "updateStrategy", "type"], "RollingUpdate");
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" && (!has_type || has_update) {
        default(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
    }
    default(object, &["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"], "Retain");
    default(object, &["spec", "persistentVolumeClaimRetentionPolicy", "whenScaled"], "Retain");
    for claim in items_mut(object, &["spec", "volumeClaimTemplates"]) {
        default(claim, &["apiVersion"], "v1");
        default(claim, &["kind"], "PersistentVolumeClaim");
        default(claim, &["spec", "volumeMode"], "Filesystem");
        default(claim, &["status", "phase"], "Pending");
    }
    fill_template(object, &["spec", "template"]);
}

fn fill_daemon_set(object: &mut Json) {
    let generation = integer(object, "/metadata/generation").unwrap_or(1).to_string();
    default(object, &["metadata", "annotations", "deprecated.daemonset.template.generation"], generation);
    default(object, &["spec", "revisionHistoryLimit"], 10);
    default(object, &["spec", "updateStrategy", "type"], "RollingUpdate");
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        default(object, &["spec", "updateStrategy", "rollingUpdate", "maxSurge"], 0);
        default(object, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], 1);
    }
    fill_template(object, &["spec", "template"]);
}

fn fill_job(object: &mut Json, path: &[&str]) {
    let Some(spec) = json::get_mut(object, path) else { return };
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        set(spec, &["completions"], 1);
    }
    default(spec, &["parallelism"], 1);
    default(spec, &["backoffLimit"], 6);
    default(spec, &["completionMode"], "NonIndexed");
    default(spec, &["suspend"], false);
    default(spec, &["manualSelector"], false);
    default(spec, &["podReplacementPolicy"], "TerminatingOrFailed");
    fill_template(spec, &["template"]);
}

fn fill_cron_job(object: &mut Json) {
    default(object, &["spec", "concurrencyPolicy"], "Allow");
    default(object, &["spec", "suspend"], false);
    default(object, &["spec", "successfulJobsHistoryLimit"], 3);
    default(object, &["spec", "failedJobsHistoryLimit"], 1);
    fill_template(object, &["spec", "jobTemplate", "spec", "template"]);
    default(object, &["status"], json!({}));
}

fn fill_service(object: &mut Json) {
    default(object, &["spec", "type"], "ClusterIP");
    default(object, &["spec", "sessionAffinity"], "None");
    let kind = text(object, "/spec/type").to_owned();
    if text(object, "/spec/sessionAffinity") == "ClientIP" {
        default(object, &["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"], 10_800);
    } else {
        remove(object, &["spec", "sessionAffinityConfig"]);
    }
    for port in items_mut(object, &["spec", "ports"]) {
        default(port, &["protocol"], "TCP");
        let number = port["port"].clone();
        default(port, &["targetPort"], number);
    }
    if kind != "ExternalName" {
        default(object, &["spec", "internalTrafficPolicy"], "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default(object, &["spec", "externalTrafficPolicy"], "Cluster");
    }
    if kind == "LoadBalancer" {
        default(object, &["spec", "allocateLoadBalancerNodePorts"], true);
    }
    default(object, &["status", "loadBalancer"], json!({}));
}

fn fill_volume(object: &mut Json) {
    default(object, &["spec", "persistentVolumeReclaimPolicy"], "Retain");
    default(object, &["spec", "volumeMode"], "Filesystem");
    if get(object, &["spec", "hostPath"]).is_some() {
        default(object, &["spec", "hostPath", "type"], "");
    }
    default(object, &["status", "phase"], "Pending");
}

fn fill_autoscaler(object: &mut Json) {
    default(object, &["spec", "minReplicas"], 1);
    if items(object, "/spec/metrics").is_empty() {
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80}}});
        set(object, &["spec", "metrics"], vec![cpu]);
    }
    if get(object, &["spec", "behavior"]).is_some() {
        fill_scaling(
            object,
            "scaleUp",
            Some(0),
            &[
                json!({"type": "Pods", "value": 4, "periodSeconds": 15}),
                json!({"type": "Percent", "value": 100, "periodSeconds": 15}),
            ],
        );
        fill_scaling(object, "scaleDown", None, &[json!({"type": "Percent", "value": 100, "periodSeconds": 15})]);
    }
    default(object, &["status", "desiredReplicas"], 0);
    default(object, &["status", "currentMetrics"], Json::Null);
}

fn fill_scaling(object: &mut Json, direction: &str, window: Option<i64>, policies: &[Json]) {
    let path = ["spec", "behavior", direction];
    if let Some(window) = window {
        default(object, &[path[0], path[1], path[2], "stabilizationWindowSeconds"], window);
    }
    default(object, &[path[0], path[1], path[2], "selectPolicy"], "Max");
    default(object, &[path[0], path[1], path[2], "policies"], policies.to_vec());
}

fn fill_network_policy(object: &mut Json) {
    default(object, &["spec", "podSelector"], json!({}));
    if items(object, "/spec/policyTypes").is_empty() {
        let has_egress = !items(object, "/spec/egress").is_empty();
        let types: &[&str] = if has_egress { &["Ingress", "Egress"] } else { &["Ingress"] };
        set(object, &["spec", "policyTypes"], types.to_vec());
    }
    for direction in ["ingress", "egress"] {
        for rule in items_mut(object, &["spec", direction]) {
            items_mut(rule, &["ports"]).for_each(|port| default(port, &["protocol"], "TCP"));
        }
    }
}

fn fill_binding(object: &mut Json) {
    default(object, &["roleRef", "apiGroup"], "rbac.authorization.k8s.io");
    for subject in items_mut(object, &["subjects"]) {
        if matches!(text(subject, "/kind"), "User" | "Group") {
            default(subject, &["apiGroup"], "rbac.authorization.k8s.io");
        }
    }
}

/// The limits of a container are defaults of each other: max, default, defaultRequest; then min.
fn fill_limit(limit: &mut Json) {
    if text(limit, "/type") != "Container" {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let values = limit.get(from).and_then(Json::as_object).cloned().unwrap_or_default();
        for (name, value) in values {
            default(limit, &[to, &name], value);
        }
    }
}

fn fill_webhooks(info: &KindInfo, object: &mut Json) {
    for webhook in items_mut(object, &["webhooks"]) {
        default(webhook, &["failurePolicy"], "Fail");
        default(webhook, &["matchPolicy"], "Equivalent");
        default(webhook, &["namespaceSelector"], json!({}));
        default(webhook, &["objectSelector"], json!({}));
        default(webhook, &["timeoutSeconds"], 10);
        if info.kind.starts_with("Mutating") {
            default(webhook, &["reinvocationPolicy"], "Never");
        }
        for rule in items_mut(webhook, &["rules"]) {
            default(rule, &["scope"], "*");
        }
        if get(webhook, &["clientConfig", "service"]).is_some() {
            default(webhook, &["clientConfig", "service", "port"], 443);
        }
    }
}

/// Returns the replicas that an object asks for.
pub(super) fn replicas(object: &Json) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

//! What the server fills into pods and pod templates.
//! Source: <https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/v1/defaults.go>.
use serde_json::json;

use super::json::{default, get, items_mut, set, text};
use crate::model::Json;

/// Fills in the spec of a pod or of a template.
pub(super) fn fill_spec(spec: &mut Json) {
    default(spec, &["dnsPolicy"], "ClusterFirst");
    default(spec, &["restartPolicy"], "Always");
    default(spec, &["schedulerName"], "default-scheduler");
    default(spec, &["terminationGracePeriodSeconds"], 30);
    default(spec, &["securityContext"], json!({}));
    // The old name of the field is kept equal to the new one.
    if let Some(account) = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned() {
        set(spec, &["serviceAccountName"], account.clone());
        set(spec, &["serviceAccount"], account);
    }
    let host_network = spec["hostNetwork"] == true;
    for list in ["containers", "initContainers"] {
        items_mut(spec, &[list]).for_each(|container| fill_container(container, host_network));
    }
    items_mut(spec, &["volumes"]).for_each(fill_volume);
    for constraint in items_mut(spec, &["topologySpreadConstraints"]) {
        default(constraint, &["whenUnsatisfiable"], "DoNotSchedule");
    }
}

fn fill_container(container: &mut Json, host_network: bool) {
    let policy = if is_latest(text(container, "/image")) { "Always" } else { "IfNotPresent" };
    default(container, &["imagePullPolicy"], policy);
    default(container, &["resources"], json!({}));
    default(container, &["terminationMessagePath"], "/dev/termination-log");
    default(container, &["terminationMessagePolicy"], "File");
    fill_requests(container);
    for port in items_mut(container, &["ports"]) {
        default(port, &["protocol"], "TCP");
        if host_network {
            let number = port["containerPort"].clone();
            default(port, &["hostPort"], number);
        }
    }
    for variable in items_mut(container, &["env"]) {
        if get(variable, &["valueFrom", "fieldRef"]).is_some() {
            default(variable, &["valueFrom", "fieldRef", "apiVersion"], "v1");
        }
        if get(variable, &["valueFrom", "resourceFieldRef"]).is_some() {
            default(variable, &["valueFrom", "resourceFieldRef", "divisor"], "0");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) {
            fill_probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(action) = container.get_mut("lifecycle").and_then(|lifecycle| lifecycle.get_mut(hook)) {
            fill_http(action);
        }
    }
}

/// Requests that are not given are as great as the limits.
fn fill_requests(container: &mut Json) {
    let limits = get(container, &["resources", "limits"]).and_then(Json::as_object).cloned().unwrap_or_default();
    for (name, limit) in limits {
        default(container, &["resources", "requests", &name], limit);
    }
}

fn fill_probe(probe: &mut Json) {
    default(probe, &["timeoutSeconds"], 1);
    default(probe, &["periodSeconds"], 10);
    default(probe, &["successThreshold"], 1);
    default(probe, &["failureThreshold"], 3);
    fill_http(probe);
    if probe.get("grpc").is_some() {
        default(probe, &["grpc", "service"], "");
    }
}

fn fill_http(action: &mut Json) {
    if action.get("httpGet").is_some() {
        default(action, &["httpGet", "path"], "/");
        default(action, &["httpGet", "scheme"], "HTTP");
    }
}

fn fill_volume(volume: &mut Json) {
    for source in ["configMap", "secret", "projected", "downwardAPI"] {
        if volume.get(source).is_some() {
            default(volume, &[source, "defaultMode"], 420);
        }
    }
    if volume.get("hostPath").is_some() {
        default(volume, &["hostPath", "type"], "");
    }
    for item in items_mut(volume, &["downwardAPI", "items"]) {
        fill_downward(item);
    }
    for source in items_mut(volume, &["projected", "sources"]) {
        if source.get("serviceAccountToken").is_some() {
            default(source, &["serviceAccountToken", "expirationSeconds"], 3600);
        }
        items_mut(source, &["downwardAPI", "items"]).for_each(fill_downward);
    }
    if get(volume, &["ephemeral", "volumeClaimTemplate", "spec"]).is_some() {
        default(volume, &["ephemeral", "volumeClaimTemplate", "spec", "volumeMode"], "Filesystem");
    }
}

fn fill_downward(item: &mut Json) {
    if item.get("fieldRef").is_some() {
        default(item, &["fieldRef", "apiVersion"], "v1");
    }
}

/// Tells whether an image is without a tag, or with the tag `latest`.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

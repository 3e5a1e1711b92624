//! Autoscalers against what they scale.
use super::view::{Item, Pods, View, items};
use crate::model::{Address, Diagnostic, Json, Severity};

type Finding = (Address, Diagnostic);

pub(super) fn check(view: &View<'_>) -> Vec<Finding> {
    view.of_kind("HorizontalPodAutoscaler").flat_map(|scaler| check_scaler(view, scaler)).collect()
}

fn check_scaler(view: &View<'_>, scaler: Item<'_>) -> Vec<Finding> {
    let object = scaler.object();
    let kind = object.text("/spec/scaleTargetRef/kind").unwrap_or_default();
    let name = object.text("/spec/scaleTargetRef/name").unwrap_or_default();
    if kind == "RayCluster" {
        let message = format!("{} targets a RayCluster, which no autoscaler of Kubernetes can scale", scaler.title());
        let (address, diagnostic) = scaler.finding(Severity::Error, "RF502", message);
        return vec![(address, diagnostic.hint("set `enableInTreeAutoscaling` on the RayCluster"))];
    }
    let Some(target) = view.find(kind, object.namespace(), name) else {
        let message = format!("{} targets the {kind} `{name}`, which this configuration does not make", scaler.title());
        return vec![scaler.finding(Severity::Warning, "RF607", message)];
    };
    let mut findings = Vec::new();
    for pods in view.pods.iter().filter(|pods| std::ptr::eq(pods.item.desired, target.desired)) {
        findings.extend(check_target(scaler, target, pods));
        findings.extend(check_requests(scaler, pods));
    }
    findings
}

fn check_target(scaler: Item<'_>, target: Item<'_>, pods: &Pods<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if pods.is_head() {
        let message = format!("{} would make a second head of a Ray cluster", scaler.title());
        let (address, diagnostic) = scaler.finding(Severity::Error, "RF303", message);
        findings.push((address, diagnostic.related(target.desired.span, "the head").hint("scale a worker pool")));
    }
    if target.object().pointer("/spec/replicas").is_some() {
        let message = format!(
            "{} has a fixed number of replicas, and {} scales it: every apply would set it back",
            target.title(),
            scaler.title()
        );
        // What others wrote for others' pods is theirs to decide.
        let severity = if pods.is_ray() { Severity::Error } else { Severity::Warning };
        let (address, diagnostic) = target.finding(severity, "RF503", message);
        findings
            .push((address, diagnostic.related(scaler.desired.span, "the autoscaler").hint("leave `replicas` out")));
    }
    findings
}

/// A utilization is a part of the request; without one in every container there is no number.
///
/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-resource-metrics>
fn check_requests(scaler: Item<'_>, pods: &Pods<'_>) -> Vec<Finding> {
    let metrics = items(scaler.object().json(), "/spec/metrics").filter(|metric| metric["type"] == "Resource");
    let resources =
        metrics.filter(|metric| metric.pointer("/resource/target/type") == Some(&Json::from("Utilization")));
    let mut findings = Vec::new();
    for resource in resources.filter_map(|metric| metric.pointer("/resource/name")?.as_str()) {
        let lacks = |container: &&Json| {
            let says = |side: &str| container.pointer(&format!("/resources/{side}/{resource}")).is_some();
            !says("requests") && !says("limits")
        };
        if let Some(container) = pods.containers().find(lacks) {
            let name = container["name"].as_str().unwrap_or_default();
            let title = pods.item.title();
            let message = format!(
                "{} measures `{resource}` against requests, and the container `{name}` of {title} has none",
                scaler.title()
            );
            let (address, diagnostic) = scaler.finding(Severity::Error, "RF504", message);
            findings.push((address, diagnostic.related(pods.item.desired.span, "the pods")));
        }
    }
    findings
}

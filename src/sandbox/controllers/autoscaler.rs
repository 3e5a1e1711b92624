//! Horizontal pod autoscalers. There are no metrics in a sandbox: an autoscaler keeps the replicas within its bounds,
//! and goes to the number that its annotation `sandbox.rayform.dev/replicas` says, as if metrics had asked for it.
use serde_json::json;

use super::super::defaults::replicas;
use super::super::json::{integer, set};
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::events;
use super::owned::{MANAGER, make_condition, set_status};
use crate::model::{Json, Kind, Object};

const COMPONENT: &str = "horizontal-pod-autoscaler";
const SCRIPT: &str = "sandbox.rayform.dev/replicas";

/// Looks at an autoscaler.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(scaler) = world.get(key).cloned().filter(|scaler| !scaler.is_terminating()) else { return Ok(()) };
    let text = |pointer: &str| scaler.text(pointer).unwrap_or_default().to_owned();
    let (kind, name) = (text("/spec/scaleTargetRef/kind"), text("/spec/scaleTargetRef/name"));
    let kind = Kind::new(&text("/spec/scaleTargetRef/apiVersion"), &kind);
    let info = world.kinds.named(&kind.group, &kind.kind).filter(|info| info.has_scale);
    let target = info.as_ref().map(|info| Key::of(info, &key.namespace, &name));
    let found = target.as_ref().and_then(|target| world.get(target).cloned());
    let (Some(info), Some(target), Some(found)) = (info, target, found) else {
        return report_missing(world, key, &scaler, &kind, &name);
    };
    let paths = super::super::scale::paths(world, &info);
    let path: Vec<&str> = paths.spec.iter().map(String::as_str).collect();
    let current =
        super::super::json::get(found.json(), &path).and_then(Json::as_i64).unwrap_or_else(|| replicas(found.json()));
    let least = integer(scaler.json(), "/spec/minReplicas").unwrap_or(1);
    let most = integer(scaler.json(), "/spec/maxReplicas").unwrap_or(least);
    let asked = scaler.annotation(SCRIPT).and_then(|text| text.parse().ok());
    // A target with no replicas is switched off: it is left alone.
    let wanted = if current == 0 { 0 } else { asked.unwrap_or(current).clamp(least, most.max(least)) };
    if wanted != current {
        write::modify(world, &target, Writer::controller(MANAGER, Some("scale")), |object| set(object, &path, wanted))?;
        let message = format!("New size: {wanted}; reason: All metrics below target");
        events::normal(world, &scaler, COMPONENT, "SuccessfulRescale", &message);
    }
    report(world, key, &scaler, current, wanted, asked.is_some())
}

fn report(
    world: &mut World,
    key: &Key,
    scaler: &Object,
    current: i64,
    wanted: i64,
    has_metrics: bool,
) -> Result<(), Status> {
    let time = world.time();
    let condition =
        |kind, is_true, reason, message| make_condition(scaler.json(), &time, kind, is_true, reason, message);
    let able = if wanted == current {
        condition(
            "AbleToScale",
            true,
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
    } else {
        condition("AbleToScale", true, "SucceededRescale", "the HPA controller was able to update the target scale")
    };
    let active = if current == 0 {
        condition(
            "ScalingActive",
            false,
            "ScalingDisabled",
            "scaling is disabled since the replica count of the target is zero",
        )
    } else if has_metrics {
        condition(
            "ScalingActive",
            true,
            "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count",
        )
    } else {
        let metric = scaler.pointer("/spec/metrics/0/resource/name").and_then(Json::as_str).unwrap_or("cpu");
        let message = format!(
            "the HPA was unable to compute the replica count: unable to get metrics for resource {metric}: unable to fetch \
             metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
        );
        condition("ScalingActive", false, "FailedGetResourceMetric", &message)
    };
    let desired = if has_metrics { wanted } else { 0 };
    set_status(
        world,
        key,
        &json!({"conditions": [able, active], "currentReplicas": wanted, "desiredReplicas": desired}),
    )
}

fn report_missing(world: &mut World, key: &Key, scaler: &Object, kind: &Kind, name: &str) -> Result<(), Status> {
    let plural = format!("{}s", kind.kind.to_lowercase());
    let resource = if kind.group.is_empty() { plural } else { format!("{plural}.{}", kind.group) };
    let why = format!("{resource} \"{name}\" not found");
    events::warning(world, scaler, COMPONENT, "FailedGetScale", &why);
    let time = world.time();
    let message = format!("the HPA controller was unable to get the target's current scale: {why}");
    let condition = make_condition(scaler.json(), &time, "AbleToScale", false, "FailedGetScale", &message);
    set_status(world, key, &json!({"conditions": [condition], "desiredReplicas": 0}))
}

//! Pod disruption budgets: how many pods may be away.
use std::sync::Arc;

use serde_json::json;

use super::super::json::get;
use super::super::kinds::Resource;
use super::super::selectors::Labels;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::owned::{is_active, is_ready, make_condition, set_status};
use crate::model::{Json, Object};

/// Looks at a budget.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(budget) = world.get(key).cloned().filter(|budget| !budget.is_terminating()) else { return Ok(()) };
    let selector = Labels::of(budget.pointer("/spec/selector"));
    let pods: Vec<Arc<Object>> = world
        .list(&Resource::new("", "pods"), Some(&key.namespace))
        .filter(|pod| selector.as_ref().is_some_and(|selector| selector.match_object(pod)) && is_active(pod))
        .cloned()
        .collect();
    let expected = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let healthy = i64::try_from(pods.iter().filter(|pod| is_ready(pod)).count()).unwrap_or(0);
    let desired = match (get(budget.json(), &["spec", "minAvailable"]), get(budget.json(), &["spec", "maxUnavailable"]))
    {
        (Some(least), _) => amount(least, expected),
        (None, Some(most)) => (expected - amount(most, expected)).max(0),
        (None, None) => (expected - 1).max(0),
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let reason = if allowed > 0 { "SufficientPods" } else { "InsufficientPods" };
    let time = world.time();
    let mut condition = make_condition(budget.json(), &time, "DisruptionAllowed", allowed > 0, reason, "");
    condition["observedGeneration"] = budget.pointer("/metadata/generation").cloned().unwrap_or_default();
    let status = json!({
        "observedGeneration": budget.pointer("/metadata/generation"), "expectedPods": expected, "currentHealthy": healthy,
        "desiredHealthy": desired, "disruptionsAllowed": allowed, "conditions": [condition],
    });
    set_status(world, key, &status)
}

/// Returns a number, or a part of all in percent, rounded up.
fn amount(value: &Json, all: i64) -> i64 {
    match value.as_str() {
        Some(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (percent.saturating_mul(all) + 99) / 100
        }
        None => value.as_i64().unwrap_or(0),
    }
}

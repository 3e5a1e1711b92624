//! What is recorded of a resource beside its objects: needs, lifecycle, exports, jobs.
use std::collections::BTreeMap;

use crate::model::{Address, Json, Object, Value};
use crate::state::{Recorded, Status};

use super::{Plan, ResourcePlan, value_to_json};

impl Plan {
    /// Returns what is to be recorded of a resource, without its objects.
    ///
    /// Exports that are not known yet, or secret, are left out.
    pub(crate) fn description(
        &self,
        address: &Address,
        status: Status,
        exports: &BTreeMap<String, Value>,
        before_delete: Vec<Json>,
    ) -> Recorded {
        let planned = self.resources.get(address);
        let lifecycle = planned.map(|planned| planned.lifecycle.clone()).unwrap_or_default();
        let shown = exports.iter().filter(|(_, value)| !holds_secret(value));
        Recorded {
            status,
            dependencies: self.graph.needs(address).cloned().collect(),
            exports: shown.filter_map(|(name, value)| Some((name.clone(), value_to_json(value)?))).collect(),
            on_destroy: lifecycle.on_destroy,
            prevent_destroy: lifecycle.prevent_destroy,
            triggers: planned.map(|planned| planned.triggers.clone()).unwrap_or_default(),
            before_delete,
            objects: Vec::new(),
        }
    }
}

/// Returns a recorded resource without its objects.
pub(super) fn without_objects(recorded: &Recorded) -> Recorded {
    Recorded {
        status: recorded.status,
        dependencies: recorded.dependencies.clone(),
        exports: recorded.exports.clone(),
        on_destroy: recorded.on_destroy,
        prevent_destroy: recorded.prevent_destroy,
        triggers: recorded.triggers.clone(),
        before_delete: recorded.before_delete.clone(),
        objects: Vec::new(),
    }
}

/// Tells whether an unchanged resource is described otherwise in the state; exports that are not known yet do not count.
pub(super) fn is_outdated(plan: &Plan, address: &Address, planned: &ResourcePlan, recorded: &Recorded) -> bool {
    let jobs = planned.before_delete.iter().map(|job: &Object| job.json().clone()).collect();
    let description = plan.description(address, Status::Ready, &planned.exports, jobs);
    let is_known = |name: &String| planned.exports.get(name).is_none_or(Value::is_wholly_known);
    let exports = recorded.exports.iter().filter(|(name, _)| is_known(name));
    let exports = exports.map(|(name, value)| (name.clone(), value.clone())).collect();
    description != Recorded { exports, ..without_objects(recorded) }
}

/// Tells whether anything in a value must not be shown.
fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Sensitive(_) => true,
        Value::List(items) => items.iter().any(holds_secret),
        Value::Set(items) => items.iter().any(holds_secret),
        Value::Map(entries) => entries.values().any(holds_secret),
        Value::Resource(exports) => exports.values.values().any(holds_secret),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown => false,
    }
}

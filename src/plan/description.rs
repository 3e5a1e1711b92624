//! What is recorded of a resource beside its objects: needs, lifecycle, exports, jobs.
use std::collections::BTreeMap;

use crate::model::{Address, Graph, Json, Object, Value};
use crate::state::{Recorded, Status};

use super::outputs::is_json;
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

/// Tells whether a resource that does not change is described otherwise in the state.
///
/// Exports that are not known yet do not count.
pub(super) fn is_outdated(
    graph: &Graph<Address>,
    address: &Address,
    planned: &ResourcePlan,
    recorded: &Recorded,
) -> bool {
    let lifecycle = &planned.lifecycle;
    let is_described = recorded.status == Status::Ready
        && recorded.on_destroy == lifecycle.on_destroy
        && recorded.prevent_destroy == lifecycle.prevent_destroy
        && recorded.triggers == planned.triggers
        && graph.needs(address).eq(&recorded.dependencies)
        && planned.before_delete.iter().map(Object::json).eq(&recorded.before_delete)
        && are_recorded(&planned.exports, &recorded.exports);
    !is_described
}

/// Tells whether all exports that are known, and no secret, are recorded, and no others.
fn are_recorded(exports: &BTreeMap<String, Value>, recorded: &BTreeMap<String, Json>) -> bool {
    let is_known = |name: &String| exports.get(name).is_none_or(Value::is_wholly_known);
    let shown = exports.iter().filter(|(_, value)| !holds_secret(value) && value.is_wholly_known());
    let mut count = 0;
    let are_same =
        shown.inspect(|_| count += 1).all(|(name, value)| recorded.get(name).is_some_and(|it| is_json(value, it)));
    are_same && recorded.keys().filter(|name| is_known(name)).count() == count
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

//! Conditions and values that stand outside of the configuration: those of tests.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::evaluate::{Evaluation, Inputs};
use super::expression::{Failure, evaluate};
use super::inputs;
use super::kinds::Kinds;
use super::module_instances::InstanceId;
use super::modules::{ModuleId, Modules};
use super::newer::Newer;
use super::operators::{Truth, truth};
use super::referrers::Referrers;
use super::scope::{Roots, Scope};
use super::world::{World, scope};
use crate::config::ir::Expression;
use crate::config::{Condition, Config};
use crate::model::{Diagnostic, Known, Value, on_large_stack};

/// What is known by a name beside the configuration, such as `run` and `output`.
pub(crate) type Names = BTreeMap<Arc<str>, Value>;

/// Evaluates an expression that refers to `names` alone.
pub(crate) fn value_of(
    config: &Arc<Config>,
    inputs: &Inputs,
    expression: &Expression,
    names: &Names,
) -> Result<Value, Failure> {
    on_large_stack(|| {
        let modules = Modules::new(config)?;
        let kinds = Kinds::new(inputs.resource_types);
        let referrers = Referrers::find(&modules, &kinds);
        let (world, roots) = (World::new(modules, kinds, referrers, inputs), Roots::default());
        world.within(ModuleId::ROOT, |environment| {
            evaluate(expression, &Scope { names: Some(names), ..scope(&roots, environment) }, None)
        })
    })
}

impl Evaluation {
    /// Returns a diagnostic for each condition on the root module that does not hold, or that nothing can be said of.
    ///
    /// `known` is what the resources that are up export.
    pub(crate) fn unmet(&self, conditions: &[Condition], known: &Known, names: &Names) -> Vec<Diagnostic> {
        on_large_stack(|| {
            Newer::of_all(self, known).within(InstanceId::ROOT, |scope| {
                let scope = Scope { names: Some(names), ..*scope };
                conditions.iter().filter_map(|condition| holds(condition, &scope)).collect()
            })
        })
    }
}

fn holds(condition: &Condition, scope: &Scope<'_>) -> Option<Diagnostic> {
    let is_open = |value: &Value| truth(value.unmark().0) == Truth::Unknown;
    if evaluate(&condition.condition, scope, None).is_ok_and(|value| is_open(&value)) {
        let message = "the condition depends on something that is known only after apply";
        return Some(Diagnostic::error(message).at(condition.condition.span).hint("write `command = apply`"));
    }
    inputs::check(condition, "the condition does not hold", scope)
}

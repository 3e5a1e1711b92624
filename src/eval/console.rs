//! Answers single expressions, as an output of the configuration would.
use std::collections::BTreeMap;

use super::evaluate::Evaluation;
use super::expression::{Failure, evaluate, fail};
use super::guess::guess;
use super::inspect::inspect;
use super::literal::literal;
use super::module_instances::InstanceId;
use super::newer::Newer;
use crate::config::ir::{Expression, Form};
use crate::model::{Json, Known, Value, on_large_stack};

impl Evaluation {
    /// Returns the text of an expression's value, with what the resources that are up export.
    pub(crate) fn answer(&self, expression: &Expression, known: &Known) -> Result<String, Failure> {
        on_large_stack(|| {
            if let Form::Call(call) = &expression.form
                && let ("type", [of]) = (&*call.name, call.arguments.as_slice())
            {
                return self.type_of(of, known);
            }
            let value = self.value(expression, known)?;
            Ok(literal(&value, &guess(expression, &self.world.modules.root().config)))
        })
    }

    fn type_of(&self, expression: &Expression, known: &Known) -> Result<String, Failure> {
        let value = self.value(expression, known)?;
        let guessed = guess(expression, &self.world.modules.root().config);
        Ok(if guessed == super::types::Type::Any { super::types::Type::of(&value) } else { guessed }.to_string())
    }

    fn value(&self, expression: &Expression, known: &Known) -> Result<Value, Failure> {
        let newer = Newer::of_all(self, known);
        let value = newer.within(InstanceId::ROOT, |scope| evaluate(expression, scope, None))?;
        inspect(&value).map_err(|error| fail(error.to_string(), expression.span))?;
        Ok(value)
    }
}

/// Returns what the resources that are up export, as the state records it.
pub(crate) fn exports(recorded: &BTreeMap<String, Json>) -> BTreeMap<String, Value> {
    recorded.iter().map(|(name, json)| (name.clone(), Value::from(json))).collect()
}

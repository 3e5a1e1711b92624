//! `count` and `for_each`: how many instances a block has, and what tells them apart.
use std::sync::Arc;

use super::expression::{Failure, evaluate, fail};
use super::operators::to_number;
use super::scope::{Instance, Scope};
use super::text::described;
use crate::config::Repetition;
use crate::config::ir::Expression;
use crate::model::{Diagnostic, Value};

/// How many instances one block may have.
const MAX_INSTANCES: usize = 100_000;

/// Returns the instances of a block, or nothing where their number is not known yet.
pub(super) fn instances(repetition: &Repetition, scope: &Scope<'_>) -> Result<Option<Vec<Instance>>, Failure> {
    match repetition {
        Repetition::Once => Ok(Some(vec![Instance::Single])),
        Repetition::Count(expression) => counted(expression, scope),
        Repetition::ForEach(expression) => each(expression, scope),
    }
}

/// Returns what stands for the instances of a block of which it is not known how many there are.
pub(super) fn any(repetition: &Repetition) -> Instance {
    match repetition {
        Repetition::Count(_) => Instance::Counted(Value::Unknown),
        Repetition::Once | Repetition::ForEach(_) => Instance::Each { key: Value::Unknown, value: Value::Unknown },
    }
}

/// Returns what a block is to others: the value of its only instance, or a list or map of those of all.
pub(super) fn joined(repetition: &Repetition, instances: &[Instance], values: Vec<Value>) -> Value {
    let key = |instance: &Instance| match instance {
        Instance::Each { key: Value::String(key), .. } => Some(key.clone()),
        _ => None,
    };
    match repetition {
        Repetition::Once => values.into_iter().next().unwrap_or_default(),
        Repetition::Count(_) => Value::list(values),
        Repetition::ForEach(_) => Value::Map(Arc::new(instances.iter().filter_map(key).zip(values).collect())),
    }
}

/// Says that the number of instances is not known while planning.
pub(super) fn not_known(repetition: &Repetition) -> Option<Diagnostic> {
    let name = if matches!(repetition, Repetition::Count(_)) { "count" } else { "for_each" };
    let expression = repetition.expression()?;
    let message = format!("`{name}` depends on something that is known only after apply");
    let hint = "let it depend on variables and locals, or apply what it needs first with `--target`";
    Some(Diagnostic::error(message).at(expression.span).hint(hint))
}

fn counted(expression: &Expression, scope: &Scope<'_>) -> Result<Option<Vec<Instance>>, Failure> {
    // How many there are is shown, as in Terraform, whatever it comes from.
    let value = evaluate(expression, scope, None)?;
    let (value, _) = value.unmark();
    if matches!(value, Value::Unknown) {
        return Ok(None);
    }
    let count = to_number(value).and_then(|number| number.as_i64()).and_then(|count| usize::try_from(count).ok());
    let Some(count) = count else {
        let message = format!("`count` is a whole number, zero or more, not {}", described(value));
        return Err(fail(message, expression.span));
    };
    limit(count, expression)?;
    let index = |index: usize| Value::Number(i64::try_from(index).unwrap_or(i64::MAX).into());
    Ok(Some((0..count).map(|number| Instance::Counted(index(number))).collect()))
}

fn each(expression: &Expression, scope: &Scope<'_>) -> Result<Option<Vec<Instance>>, Failure> {
    let value = evaluate(expression, scope, None)?;
    let instances: Vec<Instance> = match open(&value, expression)? {
        Value::Unknown => return Ok(None),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| Instance::Each { key: Value::String(key.clone()), value: value.clone() })
            .collect(),
        Value::Set(items) => {
            if items.contains(&Value::Unknown) {
                return Ok(None);
            }
            if let Some(item) = items.iter().find(|item| !matches!(item, Value::String(_))) {
                let message = format!("`for_each` takes a set of texts; this one holds {}", described(item));
                return Err(fail(message, expression.span));
            }
            items.iter().map(|item| Instance::Each { key: item.clone(), value: item.clone() }).collect()
        }
        other => {
            let message = format!("`for_each` takes a map or a set of texts, not {}", described(other));
            let failure = fail(message, expression.span);
            return Err(match other {
                Value::List(_) => Box::new(failure.hint("`toset(…)` makes a set of a list")),
                _ => failure,
            });
        }
    };
    limit(instances.len(), expression)?;
    Ok(Some(instances))
}

/// Refuses what is sensitive: the keys of instances are shown everywhere.
fn open<'v>(value: &'v Value, expression: &Expression) -> Result<&'v Value, Failure> {
    match value {
        Value::Sensitive(_) => {
            let diagnostic = Diagnostic::error("`for_each` is sensitive, and its instances would show it");
            let hint = "`nonsensitive(…)` says that it may be shown";
            Err(Box::new(diagnostic.at(expression.span).hint(hint)))
        }
        open => Ok(open),
    }
}

fn limit(count: usize, expression: &Expression) -> Result<(), Failure> {
    if count > MAX_INSTANCES {
        let message = format!("{count} instances are more than {MAX_INSTANCES}, which is the limit of one block");
        return Err(fail(message, expression.span));
    }
    Ok(())
}

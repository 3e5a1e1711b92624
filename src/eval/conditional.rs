//! Conditionals: one arm is taken, and both arms have one type.
use super::convert::convert;
use super::expression::{Failure, evaluate, mark};
use super::inspect::inspect;
use super::operators::condition;
use super::scope::{Frame, Scope};
use super::text::described;
use super::types::{Type, unify};
use crate::config::ir::Conditional;
use crate::model::{Diagnostic, Span, Value};

/// Evaluates a conditional. What fails in the arm that is not taken does not matter.
///
/// As in Terraform, an arm that is sensitive as a whole makes the result so, whichever is taken.
pub(super) fn conditional(
    conditional: &Conditional,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
) -> Result<Value, Failure> {
    let chosen = evaluate(&conditional.condition, scope, frame)?;
    let (_, sensitive) = chosen.unmark();
    let holds = condition(&chosen, "a condition is `true` or `false`", conditional.condition.span)?.as_bool();
    let span = Span { end: conditional.otherwise.span.end, ..conditional.then.span };
    let (taken, other) = match holds {
        Some(true) => (&conditional.then, &conditional.otherwise),
        Some(false) => (&conditional.otherwise, &conditional.then),
        None => {
            let arms = [&conditional.then, &conditional.otherwise].map(|arm| evaluate(arm, scope, frame).ok());
            return Ok(mark(either(arms, span)?, sensitive));
        }
    };
    let value = evaluate(taken, scope, frame)?;
    match evaluate(other, scope, frame) {
        Ok(other) => Ok(mark(meet(value, &other, span)?, sensitive || other.unmark().1)),
        Err(_) => Ok(mark(value, sensitive)),
    }
}

/// Returns what is known of a value that is one of two: that it is either of them where they are the same,
/// and that it is sensitive where one of them is.
fn either(arms: [Option<Value>; 2], span: Span) -> Result<Value, Failure> {
    let is_sensitive = |arm: &Value| inspect(arm).is_ok_and(|found| found.sensitive);
    let sensitive = arms.iter().flatten().any(is_sensitive);
    let [Some(then), Some(otherwise)] = arms else { return Ok(mark(Value::Unknown, sensitive)) };
    let first = meet(then.clone(), &otherwise, span)?;
    let second = meet(otherwise, &then, span)?;
    let is_same = first == second && first.is_wholly_known();
    Ok(if is_same { first } else { mark(Value::Unknown, sensitive) })
}

/// Converts the value of one arm to the type that it has in common with the other arm.
fn meet(value: Value, other: &Value, span: Span) -> Result<Value, Failure> {
    if is_alike(&value, other) {
        return Ok(value);
    }
    let types = [&value, other].map(|arm| inspect(arm).map(|_| Type::of(arm)));
    let [Ok(of_value), Ok(of_other)] = types else { return Ok(value) };
    let met = unify(&[of_value, of_other]).and_then(|to| convert(&value, &to).ok());
    met.ok_or_else(|| {
        let message =
            format!("both results of a conditional have one type, not {} and {}", described(&value), described(other));
        let hint = "convert one of them, or give both the same attributes; `null` goes with every type";
        Box::new(Diagnostic::error(message).at(span).hint(hint))
    })
}

/// Tells at once whether a value needs no conversion.
fn is_alike(value: &Value, other: &Value) -> bool {
    matches!(
        (value.unmark().0, other.unmark().0),
        (Value::Null | Value::Unknown, _)
            | (_, Value::Null | Value::Unknown)
            | (Value::Bool(_), Value::Bool(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::String(_), Value::Bool(_) | Value::Number(_) | Value::String(_))
    )
}

//! The operators, with Terraform's conversions: a text that holds a number is a number where one is needed.
use bigdecimal::Zero;

use super::expression::{Failure, evaluate, fail, mark};
use super::number;
use super::scope::{Frame, Scope};
use super::text::described;
use crate::config::ir::{Binary, BinaryOperator, UnaryOperator};
use crate::model::{Number, Span, Value};

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// Known only after apply.
    Unknown,
    /// The value is neither true nor false.
    Neither,
}

impl Truth {
    fn of(bool: bool) -> Self {
        if bool { Self::Yes } else { Self::No }
    }

    /// Returns the truth as a value.
    pub(super) fn as_bool(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Unknown | Self::Neither => None,
        }
    }
}

/// Returns the truth of a value; the texts `true` and `false` have one too.
pub(super) fn truth(value: &Value) -> Truth {
    match value {
        Value::Bool(bool) => Truth::of(*bool),
        Value::Unknown => Truth::Unknown,
        Value::String(text) if &**text == "true" => Truth::Yes,
        Value::String(text) if &**text == "false" => Truth::No,
        _ => Truth::Neither,
    }
}

/// Returns the number that a value is or holds.
pub(super) fn to_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => number::parse(text),
        _ => None,
    }
}

/// Applies an operator with one operand.
pub(super) fn unary(operator: UnaryOperator, value: &Value, span: Span) -> Result<Value, Failure> {
    let (bare, sensitive) = value.unmark();
    if matches!(bare, Value::Unknown) {
        return Ok(value.clone());
    }
    let result = match operator {
        UnaryOperator::Negate => to_number(bare).map(|number| Value::Number(Number(-number.0))),
        UnaryOperator::Not => truth(bare).as_bool().map(|bool| Value::Bool(!bool)),
    };
    let needed = if operator == UnaryOperator::Not { "`true` or `false`" } else { "a number" };
    result
        .map(|value| mark(value, sensitive))
        .ok_or_else(|| fail(format!("{needed} is needed here, not {}", described(bare)), span))
}

/// Evaluates an operation with two operands; `&&` and `||` skip the second where the first decides.
pub(super) fn binary(binary: &Binary, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let left = evaluate(&binary.left, scope, frame)?;
    let (left, left_marked) = left.unmark();
    if let BinaryOperator::And | BinaryOperator::Or = binary.operator {
        return logical(binary, left, left_marked, scope, frame);
    }
    let right = evaluate(&binary.right, scope, frame)?;
    let (right, right_marked) = right.unmark();
    let sensitive = left_marked || right_marked;
    if let BinaryOperator::Equal | BinaryOperator::NotEqual = binary.operator {
        return Ok(mark(equal(left, right, binary.operator == BinaryOperator::Equal), sensitive));
    }
    if matches!(left, Value::Unknown) || matches!(right, Value::Unknown) {
        return Ok(mark(Value::Unknown, sensitive));
    }
    let needed = |value: &Value, span| fail(format!("a number is needed here, not {}", described(value)), span);
    let first = to_number(left).ok_or_else(|| needed(left, binary.left.span))?;
    let second = to_number(right).ok_or_else(|| needed(right, binary.right.span))?;
    Ok(mark(arithmetic(binary, &first, &second)?, sensitive))
}

fn logical(
    binary: &Binary,
    left: &Value,
    left_marked: bool,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
) -> Result<Value, Failure> {
    let needed =
        |value: &Value, span| fail(format!("`true` or `false` is needed here, not {}", described(value)), span);
    let decides = Truth::of(binary.operator == BinaryOperator::Or);
    let first = truth(left);
    if first == Truth::Neither {
        return Err(needed(left, binary.left.span));
    }
    if first == decides {
        return Ok(mark(Value::Bool(decides == Truth::Yes), left_marked));
    }
    let right = evaluate(&binary.right, scope, frame)?;
    let (right, right_marked) = right.unmark();
    let second = truth(right);
    if second == Truth::Neither {
        return Err(needed(right, binary.right.span));
    }
    let is_open = first == Truth::Unknown && second != decides;
    let result = if is_open { None } else { second.as_bool() };
    Ok(mark(result.map_or(Value::Unknown, Value::Bool), left_marked || right_marked))
}

fn equal(left: &Value, right: &Value, wanted: bool) -> Value {
    if matches!((left, right), (Value::Unknown, _) | (_, Value::Unknown)) {
        return Value::Unknown;
    }
    let (left, left_inside) = bare(left);
    let (right, right_inside) = bare(right);
    if !left.is_wholly_known() || !right.is_wholly_known() {
        return mark(Value::Unknown, left_inside || right_inside);
    }
    mark(Value::Bool((left == right) == wanted), left_inside || right_inside)
}

/// Returns the value without any marks inside, and whether there were some.
pub(super) fn bare(value: &Value) -> (Value, bool) {
    super::inspect::unmark_deep(value)
}

fn arithmetic(binary: &Binary, left: &Number, right: &Number) -> Result<Value, Failure> {
    let (left, right) = (&left.0, &right.0);
    let divides = matches!(binary.operator, BinaryOperator::Divide | BinaryOperator::Remainder);
    if divides && right.is_zero() {
        return Err(fail("this divides by zero", binary.right.span));
    }
    let result = match binary.operator {
        BinaryOperator::Less => return Ok(Value::Bool(left < right)),
        BinaryOperator::LessOrEqual => return Ok(Value::Bool(left <= right)),
        BinaryOperator::Greater => return Ok(Value::Bool(left > right)),
        BinaryOperator::GreaterOrEqual => return Ok(Value::Bool(left >= right)),
        BinaryOperator::Add => left + right,
        BinaryOperator::Subtract => left - right,
        BinaryOperator::Multiply => left * right,
        BinaryOperator::Divide => left / right,
        // The logical operators and comparisons for equality were answered before.
        _ => left % right,
    };
    let span = Span { end: binary.right.span.end, ..binary.left.span };
    number::bounded(result).map(Value::Number).ok_or_else(|| fail("the result is too large or too small", span))
}

//! The operators, with Terraform's conversions: a text that holds a number is a number where one is needed.
use bigdecimal::Zero;

use super::expression::{Failure, evaluate, fail, mark};
use super::inspect::unmark_deep;
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

/// Returns the truth of a value; the texts `true`, `false`, `1` and `0` have one too.
pub(super) fn truth(value: &Value) -> Truth {
    match value {
        Value::Bool(bool) => Truth::of(*bool),
        Value::Unknown => Truth::Unknown,
        Value::String(text) => match &**text {
            "true" | "1" => Truth::Yes,
            "false" | "0" => Truth::No,
            _ => Truth::Neither,
        },
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
        UnaryOperator::Negate => {
            to_number(bare).map(|number| Value::Number(Number::new(-number.decimal().into_owned())))
        }
        UnaryOperator::Not => truth(bare).as_bool().map(|bool| Value::Bool(!bool)),
    };
    let needed = if operator == UnaryOperator::Not { "`true` or `false`" } else { "a number" };
    result
        .map(|result| mark(result, sensitive))
        .ok_or_else(|| fail(format!("{needed} is needed here, not {}", described(value)), span))
}

/// Evaluates an operation with two operands; `&&` and `||` skip the second where the first decides.
pub(super) fn binary(binary: &Binary, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let left = evaluate(&binary.left, scope, frame)?;
    if let BinaryOperator::And | BinaryOperator::Or = binary.operator {
        return logical(binary, &left, scope, frame);
    }
    let right = evaluate(&binary.right, scope, frame)?;
    if let BinaryOperator::Equal | BinaryOperator::NotEqual = binary.operator {
        return Ok(equal(&left, &right, binary.operator == BinaryOperator::Equal));
    }
    let (first, second) = (operand(&left, binary.left.span)?, operand(&right, binary.right.span)?);
    let result = match (first, second) {
        (Some(first), Some(second)) => arithmetic(binary, &first, &second)?,
        _ => Value::Unknown,
    };
    Ok(mark(result, left.unmark().1 || right.unmark().1))
}

/// Returns the number that an operand is; nothing where it is known only after apply.
fn operand(value: &Value, span: Span) -> Result<Option<Number>, Failure> {
    let (bare, _) = value.unmark();
    if matches!(bare, Value::Unknown) {
        return Ok(None);
    }
    match to_number(bare) {
        Some(number) => Ok(Some(number)),
        None => Err(fail(format!("a number is needed here, not {}", described(value)), span)),
    }
}

fn logical(binary: &Binary, left: &Value, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let decides = Truth::of(binary.operator == BinaryOperator::Or);
    let first = condition(left, "`true` or `false` is needed here", binary.left.span)?;
    let (_, left_marked) = left.unmark();
    if first == decides {
        return Ok(mark(Value::Bool(decides == Truth::Yes), left_marked));
    }
    let right = evaluate(&binary.right, scope, frame)?;
    let second = condition(&right, "`true` or `false` is needed here", binary.right.span)?;
    let is_open = first == Truth::Unknown && second != decides;
    let result = if is_open { None } else { second.as_bool() };
    Ok(mark(result.map_or(Value::Unknown, Value::Bool), left_marked || right.unmark().1))
}

/// Returns whether a value holds; the message says what is needed where it has no truth.
pub(super) fn condition(value: &Value, needed: &str, span: Span) -> Result<Truth, Failure> {
    match truth(value.unmark().0) {
        Truth::Neither => Err(fail(format!("{needed}, not {}", described(value)), span)),
        truth => Ok(truth),
    }
}

fn equal(left: &Value, right: &Value, wanted: bool) -> Value {
    let (left, left_inside) = unmark_deep(left);
    let (right, right_inside) = unmark_deep(right);
    let result = same(&left, &right).map_or(Value::Unknown, |same| Value::Bool(same == wanted));
    mark(result, left_inside || right_inside)
}

/// Tells whether two values without marks are the same; nothing where that is known only after apply.
///
/// Parts that are known and differ decide, whatever the unknown ones will be.
fn same(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => None,
        (Value::List(left), Value::List(right)) => {
            let pairs = left.iter().zip(right.iter());
            all_same(left.len() == right.len(), pairs)
        }
        (Value::Map(left), Value::Map(right)) => {
            let pairs = left.values().zip(right.values());
            all_same(left.keys().eq(right.keys()), pairs)
        }
        _ if left.is_wholly_known() && right.is_wholly_known() => Some(left == right),
        (Value::Set(_), Value::Set(_)) | (Value::Resource(_), Value::Resource(_)) => None,
        _ => Some(false),
    }
}

fn all_same<'a>(shape_is_same: bool, pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Option<bool> {
    if !shape_is_same {
        return Some(false);
    }
    let mut result = Some(true);
    for (left, right) in pairs {
        match same(left, right) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

fn arithmetic(binary: &Binary, left: &Number, right: &Number) -> Result<Value, Failure> {
    match binary.operator {
        BinaryOperator::Less => return Ok(Value::Bool(left < right)),
        BinaryOperator::LessOrEqual => return Ok(Value::Bool(left <= right)),
        BinaryOperator::Greater => return Ok(Value::Bool(left > right)),
        BinaryOperator::GreaterOrEqual => return Ok(Value::Bool(left >= right)),
        _ => {}
    }
    if let Some(integer) = of_integers(binary.operator, left, right) {
        return Ok(Value::Number(integer.into()));
    }
    let (left, right) = (&*left.decimal(), &*right.decimal());
    let divides = matches!(binary.operator, BinaryOperator::Divide | BinaryOperator::Remainder);
    if divides && right.is_zero() {
        return Err(fail("this divides by zero", binary.right.span));
    }
    let result = match binary.operator {
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

/// Returns the result of most sums, at a small part of the cost of decimals; nothing where it is no `i64`.
fn of_integers(operator: BinaryOperator, left: &Number, right: &Number) -> Option<i64> {
    let (left, right) = (left.as_i64()?, right.as_i64()?);
    match operator {
        BinaryOperator::Add => left.checked_add(right),
        BinaryOperator::Subtract => left.checked_sub(right),
        BinaryOperator::Multiply => left.checked_mul(right),
        _ => None,
    }
}

//! Values as text, and templates.
use std::sync::Arc;

use super::expression::{Failure, each_member, evaluate, fail, mark, members};
use super::operators;
use super::scope::{Frame, Scope};
use crate::config::ir::{Branch, Expression, Loop, Part};
use crate::model::{Span, Value};

/// How long a text may become, in bytes.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Returns the text of a value that converts to one without losing anything.
pub(super) fn to_text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(Arc::from(number.to_string())),
        Value::Bool(bool) => Some(Arc::from(if *bool { "true" } else { "false" })),
        _ => None,
    }
}

/// Returns how a value is called in messages: `null`, `a list`, `the number 5`.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::Bool(bool) => format!("`{bool}`"),
        Value::String(text) if text.chars().count() <= 30 => format!("the text {text:?}"),
        Value::String(_) => "a text".to_owned(),
        Value::Resource(exports) => format!("the whole resource `{}`", exports.address),
        Value::Sensitive(inner) => format!("a sensitive {}", inner.type_name()),
        Value::Unknown => "a value that is known only after apply".to_owned(),
        Value::List(_) | Value::Set(_) | Value::Map(_) => format!("a {}", value.type_name()),
    }
}

/// What a template has become so far.
#[derive(Default)]
struct Written {
    text: String,
    unknown: bool,
    sensitive: bool,
}

/// Evaluates a template. A sole interpolation keeps its type.
pub(super) fn template(
    parts: &[Part],
    span: Span,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
) -> Result<Value, Failure> {
    if let [Part::Interpolation(expression)] = parts {
        return evaluate(expression, scope, frame);
    }
    let mut written = Written::default();
    write(parts, span, scope, frame, &mut written)?;
    let value = if written.unknown { Value::Unknown } else { Value::string(written.text) };
    Ok(mark(value, written.sensitive))
}

fn write(
    parts: &[Part],
    span: Span,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
    written: &mut Written,
) -> Result<(), Failure> {
    for part in parts {
        match part {
            Part::Literal(text) => written.text.push_str(text),
            Part::Interpolation(expression) => interpolate(expression, scope, frame, written)?,
            Part::If(branch) => {
                let Branch { condition, then, otherwise } = &**branch;
                let value = evaluate(condition, scope, frame)?;
                written.sensitive |= value.unmark().1;
                match operators::condition(&value, "a condition is `true` or `false`", condition.span)?.as_bool() {
                    Some(true) => write(then, span, scope, frame, written)?,
                    Some(false) => write(otherwise, span, scope, frame, written)?,
                    None => written.unknown = true,
                }
            }
            Part::For(each) => {
                let Loop { names, collection, body } = &**each;
                let value = evaluate(collection, scope, frame)?;
                written.sensitive |= value.unmark().1;
                let Some(members) = members(&value, collection.span)? else {
                    written.unknown = true;
                    continue;
                };
                each_member(names, &members, collection.span, frame, |frame| write(body, span, scope, frame, written))?;
            }
        }
        if written.text.len() > MAX_BYTES {
            let message = format!("the text becomes longer than {} MiB, which is the limit", MAX_BYTES / 1024 / 1024);
            return Err(fail(message, span));
        }
    }
    Ok(())
}

fn interpolate(
    expression: &Expression,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
    written: &mut Written,
) -> Result<(), Failure> {
    let value = evaluate(expression, scope, frame)?;
    let (bare, marked) = value.unmark();
    written.sensitive |= marked;
    match (bare, to_text(bare)) {
        (Value::Unknown, _) => written.unknown = true,
        (_, Some(text)) => written.text.push_str(&text),
        (other, None) => {
            let mut failure = fail(format!("{} cannot stand in a text", described(&value)), expression.span);
            if let Value::Resource(exports) = other {
                let names: Vec<String> = exports.values.keys().map(|name| format!("`.{name}`")).collect();
                failure.hint = Some(format!("choose one of its values: {}", names.join(", ")));
            } else if !matches!(other, Value::Null) {
                failure.hint = Some("`jsonencode(…)` or `join(\", \", …)` make a text of it".to_owned());
            }
            return Err(failure);
        }
    }
    Ok(())
}

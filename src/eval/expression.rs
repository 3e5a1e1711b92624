//! Evaluates expressions. Nothing a configuration says makes it panic, hang or overflow the stack.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::calls;
use super::operators::{self, Truth};
use super::scope::{Frame, Scope};
use super::text;
use super::walk;
use crate::config::ir::{Conditional, Entry, Expression, For, Form, Names, Traversal};
use crate::model::{Diagnostic, Span, Value};

/// Why an expression has no value. Boxed, for results are passed up many levels.
pub(super) type Failure = Box<Diagnostic>;

/// Evaluates an expression.
pub(super) fn evaluate<'a>(
    expression: &'a Expression,
    scope: &Scope<'a>,
    frame: Option<&Frame<'_>>,
) -> Result<Value, Failure> {
    match &expression.form {
        Form::Literal(value) => Ok(value.clone()),
        Form::Template(parts) => text::template(parts, expression.span, scope, frame),
        Form::Tuple(items) => {
            let items = items.iter().map(|item| evaluate(item, scope, frame)).collect::<Result<_, _>>()?;
            Ok(Value::list(items))
        }
        Form::Object(entries) => object(entries, scope, frame),
        Form::Name(name) => {
            let (value, _) = scope.find(name, &[], expression.span, frame)?;
            Ok(value.into_owned())
        }
        Form::Traversal(traversal) => self::traversal(traversal, scope, frame),
        Form::Call(call) => calls::call(call, scope, frame),
        Form::Conditional(conditional) => self::conditional(conditional, scope, frame),
        Form::Unary(operator, operand) => {
            let value = evaluate(operand, scope, frame)?;
            operators::unary(*operator, &value, operand.span)
        }
        Form::Binary(binary) => operators::binary(binary, scope, frame),
        Form::For(each) => for_expression(each, scope, frame),
    }
}

/// Returns the error that stands for a mistake at one place.
pub(super) fn fail(message: impl Into<String>, span: Span) -> Failure {
    Box::new(Diagnostic::error(message).at(span))
}

/// Marks a value where something that it comes from was marked.
pub(super) fn mark(value: Value, sensitive: bool) -> Value {
    if sensitive { value.sensitive() } else { value }
}

fn object(entries: &[Entry], scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let (mut map, mut unknown, mut sensitive) = (BTreeMap::new(), false, false);
    for entry in entries {
        let key = evaluate(&entry.key, scope, frame)?;
        let (key, marked) = key.unmark();
        sensitive |= marked;
        let value = evaluate(&entry.value, scope, frame)?;
        match text::to_text(key) {
            _ if matches!(key, Value::Unknown) => unknown = true,
            Some(key) => {
                map.insert(key, value);
            }
            None => {
                let message = format!("a key of an object is a text, not {}", text::described(key));
                return Err(fail(message, entry.key.span));
            }
        }
    }
    let value = if unknown { Value::Unknown } else { Value::Map(Arc::new(map)) };
    Ok(mark(value, sensitive))
}

fn traversal(traversal: &Traversal, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let (root, used) = match &traversal.root.form {
        Form::Name(name) => scope.find(name, &traversal.steps, traversal.root.span, frame)?,
        _ => (Cow::Owned(evaluate(&traversal.root, scope, frame)?), 0),
    };
    walk::walk(&root, traversal, used, scope, frame)
}

fn conditional(conditional: &Conditional, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let condition = evaluate(&conditional.condition, scope, frame)?;
    let (bare, sensitive) = condition.unmark();
    let (taken, other) = match operators::truth(bare) {
        Truth::Yes => (&conditional.then, &conditional.otherwise),
        Truth::No => (&conditional.otherwise, &conditional.then),
        Truth::Unknown => return Ok(mark(Value::Unknown, sensitive)),
        Truth::Neither => {
            let message = format!("a condition is `true` or `false`, not {}", text::described(bare));
            return Err(fail(message, conditional.condition.span));
        }
    };
    let value = evaluate(taken, scope, frame)?;
    // Terraform gives both arms one type: a number beside a text becomes a text.
    let value = match value {
        Value::Number(_) | Value::Bool(_) if is_text(other, scope, frame) => {
            text::to_text(&value).map_or(value, Value::String)
        }
        value => value,
    };
    Ok(mark(value, sensitive))
}

/// Tells whether an expression is a text; one that fails is not.
fn is_text(expression: &Expression, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> bool {
    match &expression.form {
        Form::Literal(value) => matches!(value, Value::String(_)),
        Form::Binary(_) | Form::Unary(..) | Form::For(_) | Form::Tuple(_) | Form::Object(_) => false,
        _ => matches!(evaluate(expression, scope, frame), Ok(Value::String(_))),
    }
}

/// The members of a collection as a `for` meets them: key and value.
pub(super) type Members = Vec<(Value, Value)>;

/// Returns the members of a collection; nothing where it is unknown.
pub(super) fn members(collection: &Value, span: Span) -> Result<Option<Members>, Failure> {
    let numbered = |items: &mut dyn Iterator<Item = &Value>| {
        items.enumerate().map(|(index, item)| (index_value(index), item.clone())).collect()
    };
    Ok(Some(match collection {
        Value::List(items) => numbered(&mut items.iter()),
        Value::Set(items) => items.iter().map(|item| (item.clone(), item.clone())).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (Value::String(key.clone()), value.clone())).collect(),
        Value::Resource(exports) => {
            exports.values.iter().map(|(key, value)| (Value::string(key), value.clone())).collect()
        }
        Value::Unknown => return Ok(None),
        other => {
            let message = format!("`for` needs a list, set or map, not {}", text::described(other));
            return Err(fail(message, span));
        }
    }))
}

fn index_value(index: usize) -> Value {
    Value::Number(i64::try_from(index).unwrap_or(i64::MAX).into())
}

/// Calls `each` with the names of a `for` bound to one member.
pub(super) fn bind<T>(
    names: &Names,
    (key, value): &(Value, Value),
    frame: Option<&Frame<'_>>,
    each: impl FnOnce(Option<&Frame<'_>>) -> T,
) -> T {
    let outer = frame.copied();
    let keyed = names.key.as_deref().map(|name| Frame { parent: outer.as_ref(), name, value: key });
    let parent = keyed.or(outer);
    each(Some(&Frame { parent: parent.as_ref(), name: &names.value, value }))
}

/// What a `for` has gathered so far.
#[derive(Default)]
struct Gathered {
    items: Vec<Value>,
    entries: BTreeMap<Arc<str>, Value>,
    groups: BTreeMap<Arc<str>, Vec<Value>>,
    unknown: bool,
    sensitive: bool,
}

fn for_expression(each: &For, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let collection = evaluate(&each.collection, scope, frame)?;
    let (collection, sensitive) = collection.unmark();
    let Some(members) = members(collection, each.collection.span)? else {
        return Ok(mark(Value::Unknown, sensitive));
    };
    let mut gathered = Gathered { sensitive, ..Gathered::default() };
    for member in &members {
        bind(&each.names, member, frame, |frame| gather(each, scope, frame, &mut gathered))?;
    }
    let value = match (&each.key, each.grouped) {
        _ if gathered.unknown => Value::Unknown,
        (None, _) => Value::list(gathered.items),
        (Some(_), false) => Value::Map(Arc::new(gathered.entries)),
        (Some(_), true) => Value::map(gathered.groups.into_iter().map(|(key, items)| (key, Value::list(items)))),
    };
    Ok(mark(value, gathered.sensitive))
}

fn gather(each: &For, scope: &Scope<'_>, frame: Option<&Frame<'_>>, gathered: &mut Gathered) -> Result<(), Failure> {
    if let Some(condition) = &each.condition {
        let value = evaluate(condition, scope, frame)?;
        let (bare, marked) = value.unmark();
        gathered.sensitive |= marked;
        match operators::truth(bare) {
            Truth::Yes => {}
            Truth::No => return Ok(()),
            Truth::Unknown => gathered.unknown = true,
            Truth::Neither => {
                let message = format!("a condition is `true` or `false`, not {}", text::described(bare));
                return Err(fail(message, condition.span));
            }
        }
    }
    let Some(key_expression) = &each.key else {
        gathered.items.push(evaluate(&each.value, scope, frame)?);
        return Ok(());
    };
    let key = evaluate(key_expression, scope, frame)?;
    let (key, marked) = key.unmark();
    gathered.sensitive |= marked;
    let value = evaluate(&each.value, scope, frame)?;
    let key = match text::to_text(key) {
        _ if matches!(key, Value::Unknown) => {
            gathered.unknown = true;
            return Ok(());
        }
        Some(key) => key,
        None => {
            let message = format!("a key of an object is a text, not {}", text::described(key));
            return Err(fail(message, key_expression.span));
        }
    };
    if each.grouped {
        gathered.groups.entry(key).or_default().push(value);
    } else if gathered.entries.insert(key.clone(), value).is_some() {
        let diagnostic = Diagnostic::error(format!("two members have the key `{key}`")).at(key_expression.span);
        return Err(Box::new(diagnostic.hint("`...` behind the value collects the values of equal keys in a list")));
    }
    Ok(())
}

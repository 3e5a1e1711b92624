//! Evaluates expressions. Nothing a configuration says makes it panic, hang or overflow the stack.
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::calls;
use super::conditional;
use super::inspect::unmark_deep;
use super::operators::{self, condition};
use super::scope::{Frame, Scope};
use super::text;
use super::walk;
use crate::config::ir::{Entry, Expression, For, Form, Names, Traversal};
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
        Form::Conditional(conditional) => conditional::conditional(conditional, scope, frame),
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
        sensitive |= key.unmark().1;
        let value = evaluate(&entry.value, scope, frame)?;
        match object_key(&key, entry.key.span)? {
            Some(key) => {
                map.insert(key, value);
            }
            None => unknown = true,
        }
    }
    let value = if unknown { Value::Unknown } else { Value::Map(Arc::new(map)) };
    Ok(mark(value, sensitive))
}

/// Returns the text of a key; nothing where it is known only after apply.
fn object_key(key: &Value, span: Span) -> Result<Option<Arc<str>>, Failure> {
    match (key.unmark().0, text::to_text(key.unmark().0)) {
        (Value::Unknown, _) => Ok(None),
        (_, Some(text)) => Ok(Some(text)),
        (_, None) => Err(fail(format!("a key of an object is a text, not {}", text::described(key)), span)),
    }
}

fn traversal(traversal: &Traversal, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    let (root, used) = match &traversal.root.form {
        Form::Name(name) => scope.find(name, &traversal.steps, traversal.root.span, frame)?,
        _ => (Cow::Owned(evaluate(&traversal.root, scope, frame)?), 0),
    };
    walk::walk(&root, traversal, used, scope, frame)
}

/// The members of a collection as a `for` meets them: key and value.
pub(super) type Members = Vec<(Value, Value)>;

/// Returns the members of a collection; nothing where it is unknown. Those of a sensitive one are sensitive.
pub(super) fn members(collection: &Value, span: Span) -> Result<Option<Members>, Failure> {
    let (bare, sensitive) = collection.unmark();
    let numbered = |items: &mut dyn Iterator<Item = &Value>| {
        items.enumerate().map(|(index, item)| (index_value(index), item.clone())).collect()
    };
    let members: Members = match bare {
        Value::List(items) => numbered(&mut items.iter()),
        Value::Set(items) => items.iter().map(|item| (item.clone(), item.clone())).collect(),
        Value::Map(entries) => entries.iter().map(|(key, value)| (Value::String(key.clone()), value.clone())).collect(),
        Value::Resource(exports) => {
            exports.values.iter().map(|(key, value)| (Value::string(key), value.clone())).collect()
        }
        Value::Unknown => return Ok(None),
        _ => {
            let message = format!("`for` needs a list, set or map, not {}", text::described(collection));
            return Err(fail(message, span));
        }
    };
    let marked = |(key, value)| (mark(key, sensitive), mark(value, sensitive));
    Ok(Some(if sensitive { members.into_iter().map(marked).collect() } else { members }))
}

fn index_value(index: usize) -> Value {
    Value::Number(i64::try_from(index).unwrap_or(i64::MAX).into())
}

/// How many members a loop and all loops in it may go through.
const MAX_STEPS: usize = 2_000_000;

/// Calls `each` for every member of a collection, with the names of a `for` bound to it.
pub(super) fn each_member(
    names: &Names,
    members: &Members,
    span: Span,
    frame: Option<&Frame<'_>>,
    mut each: impl FnMut(Option<&Frame<'_>>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let own = Cell::new(0);
    let (outer, steps) = (frame.copied(), frame.map_or(&own, |frame| frame.steps));
    for (key, value) in members {
        steps.set(steps.get() + 1);
        if steps.get() > MAX_STEPS {
            return Err(fail(
                format!("loops go through more than {MAX_STEPS} members in all, which is the limit"),
                span,
            ));
        }
        let keyed = names.key.as_deref().map(|name| Frame { parent: outer.as_ref(), name, value: key, steps });
        let parent = keyed.or(outer);
        each(Some(&Frame { parent: parent.as_ref(), name: &names.value, value, steps }))?;
    }
    Ok(())
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
    let (_, sensitive) = collection.unmark();
    let Some(members) = members(&collection, each.collection.span)? else {
        return Ok(mark(Value::Unknown, sensitive));
    };
    let mut gathered = Gathered { sensitive, ..Gathered::default() };
    each_member(&each.names, &members, each.collection.span, frame, |frame| gather(each, scope, frame, &mut gathered))?;
    let value = match (&each.key, each.grouped) {
        _ if gathered.unknown => Value::Unknown,
        (None, _) => Value::list(gathered.items),
        (Some(_), false) => Value::Map(Arc::new(gathered.entries)),
        (Some(_), true) => Value::map(gathered.groups.into_iter().map(|(key, items)| (key, Value::list(items)))),
    };
    Ok(if gathered.sensitive { unmark_deep(&value).0.sensitive() } else { value })
}

fn gather(each: &For, scope: &Scope<'_>, frame: Option<&Frame<'_>>, gathered: &mut Gathered) -> Result<(), Failure> {
    if let Some(expression) = &each.condition {
        let value = evaluate(expression, scope, frame)?;
        gathered.sensitive |= value.unmark().1;
        match condition(&value, "a condition is `true` or `false`", expression.span)?.as_bool() {
            Some(true) => {}
            Some(false) => return Ok(()),
            None => gathered.unknown = true,
        }
    }
    let Some(key_expression) = &each.key else {
        gathered.items.push(evaluate(&each.value, scope, frame)?);
        return Ok(());
    };
    let key = evaluate(key_expression, scope, frame)?;
    let (_, is_secret) = key.unmark();
    gathered.sensitive |= is_secret;
    let value = evaluate(&each.value, scope, frame)?;
    let Some(key) = object_key(&key, key_expression.span)? else {
        gathered.unknown = true;
        return Ok(());
    };
    if each.grouped {
        gathered.groups.entry(key).or_default().push(value);
    } else if gathered.entries.insert(key.clone(), value).is_some() {
        let message = if is_secret {
            "two members have the same key".to_owned()
        } else {
            format!("two members have the key `{key}`")
        };
        let diagnostic = Diagnostic::error(message).at(key_expression.span);
        return Err(Box::new(diagnostic.hint("`...` behind the value collects the values of equal keys in a list")));
    }
    Ok(())
}

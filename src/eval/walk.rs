//! Walks into values: attributes, indices, splats.
use std::borrow::Cow;

use super::expression::{Failure, evaluate, fail, mark};
use super::operators::to_number;
use super::scope::{Frame, Scope};
use super::text::{described, to_text};
use crate::config::ir::{Form, Step, Traversal};
use crate::model::{Diagnostic, Exports, Span, Value, nearest};

/// Walks the steps of a traversal behind the first `used` ones.
pub(super) fn walk(
    root: &Value,
    traversal: &Traversal,
    used: usize,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
) -> Result<Value, Failure> {
    let walker = Walker { traversal, scope, frame };
    walker.steps(root, &traversal.steps[used..])
}

struct Walker<'a, 'b, 'c> {
    traversal: &'a Traversal,
    scope: &'b Scope<'c>,
    frame: Option<&'b Frame<'b>>,
}

impl Walker<'_, '_, '_> {
    fn steps(&self, root: &Value, steps: &[Step]) -> Result<Value, Failure> {
        let (mut current, mut sensitive) = (Cow::Borrowed(root), false);
        for step in steps {
            let (bare, marked) = current.unmark();
            sensitive |= marked;
            let key = if let Step::Index(index) = step { Some(evaluate(index, self.scope, self.frame)?) } else { None };
            sensitive |= key.as_ref().is_some_and(|key| key.unmark().1);
            let next = match step {
                _ if matches!(bare, Value::Unknown) => Ok(Value::Unknown),
                Step::Attribute(name, span) => self.attribute(bare, name, *span),
                Step::Index(index) => self.index(bare, key.as_ref().unwrap_or(&Value::Unknown).unmark().0, index.span),
                Step::Splat { each, span } => self.splat(bare, each, *span),
            };
            current = Cow::Owned(next.map_err(|failure| if sensitive { self.veiled(step.span()) } else { failure })?);
        }
        Ok(mark(current.into_owned(), sensitive))
    }

    /// Says that a part is missing without a word of what is there.
    fn veiled(&self, span: Span) -> Failure {
        fail(format!("there is no such part: {} or the key is sensitive, so neither is shown", self.named(span)), span)
    }

    fn attribute(&self, value: &Value, name: &str, span: Span) -> Result<Value, Failure> {
        let found = match value {
            Value::Map(entries) => entries.get(name).cloned(),
            Value::Resource(exports) => exports.values.get(name).cloned(),
            _ => None,
        };
        found.ok_or_else(|| Box::new(self.missing(value, name, span)))
    }

    fn missing(&self, value: &Value, name: &str, span: Span) -> Diagnostic {
        match value {
            Value::Map(entries) => {
                let message = format!("{} has no attribute `{name}`", self.named(span));
                suggest(Diagnostic::error(message).at(span), name, entries.keys().map(|key| &**key))
            }
            Value::Resource(exports) => unknown_export(exports, name, span),
            Value::List(items) => {
                let message = format!("{} is a list and has no attribute `{name}`", self.named(span));
                let hint = if items.iter().any(|item| matches!(item.unmark().0, Value::Resource(_))) {
                    "the block has `count`: write `[0]` for one of its instances, `[*]` for all of them"
                } else {
                    "write `[0]` for one of its elements, `[*]` for all of them"
                };
                Diagnostic::error(message).at(span).hint(hint)
            }
            other => {
                Diagnostic::error(format!("{} is {}, which has no attributes", self.named(span), described(other)))
                    .at(span)
            }
        }
    }

    /// Returns the source of what stands before a place, as far as it is plain.
    fn named(&self, before: Span) -> String {
        let Form::Name(root) = &self.traversal.root.form else { return "the value".to_owned() };
        let mut text = root.to_string();
        for step in &self.traversal.steps {
            match step {
                step if step.span().start >= before.start => break,
                Step::Attribute(name, _) => {
                    text.push('.');
                    text.push_str(name);
                }
                Step::Index(_) => text.push_str("[…]"),
                Step::Splat { .. } => text.push_str("[*]"),
            }
        }
        format!("`{text}`")
    }

    fn index(&self, value: &Value, key: &Value, span: Span) -> Result<Value, Failure> {
        match value {
            Value::List(_) | Value::Map(_) | Value::Resource(_) if matches!(key, Value::Unknown) => Ok(Value::Unknown),
            Value::List(items) => {
                let Some(number) = to_number(key) else {
                    let message = format!("a list is indexed by a number, not by {}", described(key));
                    return Err(fail(message, span));
                };
                let index = number.as_i64().and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| items.get(index)).cloned().ok_or_else(|| {
                    let message = match items.len() {
                        0 => format!("there is no element {number}: {} is empty", self.named(span)),
                        1 => format!("there is no element {number}: {} has only element 0", self.named(span)),
                        n => format!("there is no element {number}: {} has elements 0 to {}", self.named(span), n - 1),
                    };
                    fail(message, span)
                })
            }
            Value::Map(_) | Value::Resource(_) => match to_text(key) {
                Some(name) => self.entry(value, &name, span),
                None => Err(fail(format!("a map is indexed by a text, not by {}", described(key)), span)),
            },
            Value::Set(_) => {
                let hint = "`tolist(…)` makes a list of it, in the order of its elements";
                Err(Box::new(Diagnostic::error("a set has no order and cannot be indexed").at(span).hint(hint)))
            }
            other => Err(fail(format!("{} is {} and cannot be indexed", self.named(span), described(other)), span)),
        }
    }

    fn entry(&self, value: &Value, name: &str, span: Span) -> Result<Value, Failure> {
        match value {
            Value::Map(entries) => entries.get(name).cloned().ok_or_else(|| {
                let message = format!("{} has no element {name:?}", self.named(span));
                Box::new(suggest(Diagnostic::error(message).at(span), name, entries.keys().map(|key| &**key)))
            }),
            _ => self.attribute(value, name, span),
        }
    }

    fn splat(&self, value: &Value, each: &[Step], span: Span) -> Result<Value, Failure> {
        let items: Vec<&Value> = match value {
            Value::Null => Vec::new(),
            Value::List(items) => items.iter().collect(),
            Value::Set(items) => items.iter().collect(),
            Value::Map(entries) if entries.values().any(|entry| matches!(entry, Value::Resource(_))) => {
                let hint = "the block has `for_each`: write `values(…)[*]` for all of its instances";
                let message = format!("{} is a map, not a list", self.named(span));
                return Err(Box::new(Diagnostic::error(message).at(span).hint(hint)));
            }
            single => vec![single],
        };
        let results = items.into_iter().map(|item| self.steps(item, each)).collect::<Result<_, _>>()?;
        Ok(Value::list(results))
    }
}

/// Says that a resource has no such value, and which ones it has.
fn unknown_export(exports: &Exports, name: &str, span: Span) -> Diagnostic {
    let address = &exports.address;
    let message = format!("`{address}` exports no `{name}`");
    let diagnostic = Diagnostic::error(message).at(span);
    if let Some(meant) = nearest(name, exports.values.keys().map(String::as_str)) {
        return diagnostic.hint(format!("did you mean `{meant}`?"));
    }
    let names: Vec<String> = exports.values.keys().map(|name| format!("`{name}`")).collect();
    diagnostic.hint(format!("`{}` exports {}", address.resource_type, names.join(", ")))
}

fn suggest<'a>(diagnostic: Diagnostic, name: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    match nearest(name, known) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic,
    }
}

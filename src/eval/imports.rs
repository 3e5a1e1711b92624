//! `import` blocks: which live objects which instance takes over.
use super::expression::{Failure, evaluate, fail};
use super::instances::instances;
use super::referrers::key_of;
use super::scope::{Instance, Scope};
use super::text::{described, to_text};
use crate::config::ir::{Expression, Step};
use crate::config::{ImportBlock, Repetition};
use crate::model::{Diagnostic, Import, Key, Target, Value};

/// Evaluates one block: an import for each member of `for_each`, or one.
pub(super) fn imports<'a>(block: &'a ImportBlock, scope: &Scope<'a>) -> Result<Vec<Import>, Vec<Diagnostic>> {
    let repetition = block.for_each.clone().map_or(Repetition::Once, Repetition::ForEach);
    let found = instances(&repetition, scope).map_err(|failure| vec![*failure])?;
    let Some(found) = found else {
        let span = block.for_each.as_ref().unwrap_or(&block.to).span;
        let message = "`for_each` depends on something that is known only after apply";
        return Err(vec![Diagnostic::error(message).at(span)]);
    };
    let (mut imports, mut errors) = (Vec::new(), Vec::new());
    for instance in &found {
        match import(block, instance, scope) {
            Ok(import) => imports.push(import),
            Err(failure) => errors.push(*failure),
        }
    }
    if errors.is_empty() { Ok(imports) } else { Err(errors) }
}

fn import(block: &ImportBlock, instance: &Instance, scope: &Scope<'_>) -> Result<Import, Failure> {
    let scope = Scope { instance, ..*scope };
    let Some(Target::Resource(to)) = target(&block.to, &scope)? else {
        let failure = fail("`to` names no resource", block.to.span);
        let hint = "write one resource or one instance, such as `redis.gcs` or `redis.gcs[each.key]`";
        return Err(Box::new(failure.hint(hint)));
    };
    Ok(Import { to, id: id(&block.id, &scope)?, span: Some(block.id.span) })
}

/// Returns what a reference names, with the values of its keys.
fn target(to: &Expression, scope: &Scope<'_>) -> Result<Option<Target>, Failure> {
    if let Some(text) = to.as_text() {
        return Ok(text.parse().ok());
    }
    let Some((root, steps)) = to.as_reference() else { return Ok(None) };
    let mut parts: Vec<(String, Option<Key>)> = vec![(root.to_string(), None)];
    for step in steps {
        match (step, parts.last_mut()) {
            (Step::Attribute(name, _), _) => parts.push((name.to_string(), None)),
            (Step::Index(index), Some((_, key @ None))) => *key = Some(self::key(index, scope)?),
            _ => return Ok(None),
        }
    }
    Ok(Target::of_parts(parts))
}

fn key(index: &Expression, scope: &Scope<'_>) -> Result<Key, Failure> {
    let value = evaluate(index, scope, None)?;
    key_of(&value).ok_or_else(|| fail(format!("a key is a text or a number, not {}", described(&value)), index.span))
}

fn id(expression: &Expression, scope: &Scope<'_>) -> Result<String, Failure> {
    let value = evaluate(expression, scope, None)?;
    match &value {
        Value::Unknown => Err(fail("an id must be known when planning", expression.span)),
        Value::Sensitive(_) => Err(fail("an id is shown everywhere, and this one is sensitive", expression.span)),
        value => match to_text(value) {
            Some(text) => Ok(text.to_string()),
            None => Err(fail(format!("an id is a text, not {}", described(value)), expression.span)),
        },
    }
}

//! `replace_triggered_by`: which resources and values make an instance anew.
use super::expression::{Failure, evaluate, fail};
use super::kinds::Kinds;
use super::referrers::key_of;
use super::scope::Scope;
use super::text::described;
use crate::config::ResourceBlock;
use crate::config::ir::{Expression, Step};
use crate::model::{Address, Key, Target, Trigger};

/// Evaluates the entries for one instance.
pub(super) fn triggers(
    block: &ResourceBlock,
    address: &Address,
    kinds: &Kinds,
    scope: &Scope<'_>,
) -> Result<Vec<Trigger>, Vec<Failure>> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for entry in &block.triggers {
        match trigger(entry, address, kinds, scope) {
            Ok(trigger) => found.push(trigger),
            Err(failure) => errors.push(failure),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn trigger(entry: &Expression, address: &Address, kinds: &Kinds, scope: &Scope<'_>) -> Result<Trigger, Failure> {
    let Some((root, steps)) = entry.as_reference() else {
        return Err(fail("an entry is a reference, such as `config_map.settings` or `local.version`", entry.span));
    };
    let is_resource = kinds.get(root).is_some();
    match steps {
        [Step::Attribute(name, _)] if is_resource => Ok(resources(address, root, name, None)),
        [Step::Attribute(name, _), Step::Index(index)] if is_resource => {
            Ok(resources(address, root, name, Some(key(index, scope)?)))
        }
        steps => {
            let name = written(root, steps, scope)?;
            Ok(Trigger::Value { name, value: evaluate(entry, scope, None)? })
        }
    }
}

/// Means a block of the same module, or one instance of it.
fn resources(address: &Address, resource_type: &str, name: &str, key: Option<Key>) -> Trigger {
    let modules = address.modules.clone();
    Trigger::Resources(Target::Resource(Address { modules, key, ..Address::root(resource_type, name) }))
}

/// Returns how an entry is written, with the values of its keys.
fn written(root: &str, steps: &[Step], scope: &Scope<'_>) -> Result<String, Failure> {
    let mut text = root.to_owned();
    for step in steps {
        match step {
            Step::Attribute(name, _) => text = format!("{text}.{name}"),
            Step::Index(index) => text = format!("{text}{}", key(index, scope)?),
            Step::Splat { each, .. } => text = written(&format!("{text}[*]"), each, scope)?,
        }
    }
    Ok(text)
}

fn key(index: &Expression, scope: &Scope<'_>) -> Result<Key, Failure> {
    let value = evaluate(index, scope, None)?;
    key_of(&value).ok_or_else(|| fail(format!("a key is a text or a number, not {}", described(&value)), index.span))
}

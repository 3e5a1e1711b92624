//! What is inside a value: how large and deep it is, and whether parts are unknown or sensitive.
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{Exports, Value};

/// How deep values may be nested.
const MAX_DEPTH: usize = 256;

/// How many parts a value may have, shared parts counted each time.
const MAX_PARTS: usize = 4_000_000;

/// What an inspection found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inspection {
    /// Some part is known only after apply.
    pub unknown: bool,
    /// Some part must not be shown.
    pub sensitive: bool,
}

/// Says why a value cannot be walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooLarge {
    #[error("the value is nested deeper than {MAX_DEPTH} levels")]
    Deep,
    #[error("the value has more than {MAX_PARTS} parts")]
    Wide,
}

/// Walks a value and tells what is inside it. What passes here can be walked again without a limit.
pub(crate) fn inspect(value: &Value) -> Result<Inspection, TooLarge> {
    let (mut inspection, mut parts) = (Inspection::default(), 0);
    walk(value, 0, &mut parts, &mut inspection)?;
    Ok(inspection)
}

/// Returns the value without any mark, and whether there was one. The value must have been inspected.
pub(crate) fn unmark_deep(value: &Value) -> (Value, bool) {
    let mut found = false;
    let bare = strip(value, &mut found);
    (bare, found)
}

fn walk(value: &Value, depth: usize, parts: &mut usize, inspection: &mut Inspection) -> Result<(), TooLarge> {
    *parts += 1;
    if *parts > MAX_PARTS {
        return Err(TooLarge::Wide);
    }
    if depth > MAX_DEPTH {
        return Err(TooLarge::Deep);
    }
    match value {
        Value::Unknown => inspection.unknown = true,
        Value::Sensitive(inner) => {
            inspection.sensitive = true;
            walk(inner, depth + 1, parts, inspection)?;
        }
        Value::List(items) => items.iter().try_for_each(|item| walk(item, depth + 1, parts, inspection))?,
        Value::Set(items) => items.iter().try_for_each(|item| walk(item, depth + 1, parts, inspection))?,
        Value::Map(entries) => entries.values().try_for_each(|item| walk(item, depth + 1, parts, inspection))?,
        Value::Resource(exports) => {
            exports.values.values().try_for_each(|item| walk(item, depth + 1, parts, inspection))?;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn strip(value: &Value, found: &mut bool) -> Value {
    match value {
        Value::Sensitive(inner) => {
            *found = true;
            strip(inner, found)
        }
        Value::List(items) => Value::List(Arc::new(items.iter().map(|item| strip(item, found)).collect())),
        Value::Set(items) => Value::Set(Arc::new(items.iter().map(|item| strip(item, found)).collect::<BTreeSet<_>>())),
        Value::Map(entries) => {
            Value::Map(Arc::new(entries.iter().map(|(name, item)| (name.clone(), strip(item, found))).collect()))
        }
        Value::Resource(exports) => {
            let values = exports.values.iter().map(|(name, item)| (name.clone(), strip(item, found))).collect();
            Value::Resource(Arc::new(Exports { address: exports.address.clone(), values: Arc::new(values) }))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_at_any_depth() {
        let value = Value::list(vec![Value::map([("a", Value::Unknown)]), Value::string("x").sensitive()]);
        assert_eq!(inspect(&value), Ok(Inspection { unknown: true, sensitive: true }));
        assert_eq!(inspect(&Value::list(vec![Value::Null])), Ok(Inspection::default()));
    }

    #[test]
    fn a_small_text_that_stands_for_a_huge_value_is_refused() {
        let mut value = Value::string("x");
        for _ in 0..40 {
            value = Value::list(vec![value.clone(), value]);
        }
        assert_eq!(inspect(&value), Err(TooLarge::Wide));
    }

    #[test]
    fn a_deep_value_is_refused() {
        let mut value = Value::Null;
        for _ in 0..1000 {
            value = Value::list(vec![value]);
        }
        assert_eq!(inspect(&value), Err(TooLarge::Deep));
    }
}

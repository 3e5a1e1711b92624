//! Lets several structs of arguments share one block, each with its own schema and its own refusals.
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::kit::{Problem, parse};
use crate::model::Json;

/// Returns one schema with the properties of all parts; the first gives title and description.
pub(crate) fn join(parts: Vec<Schema>) -> Schema {
    let mut parts = parts.into_iter();
    let mut joined = parts.next().unwrap_or_default();
    for part in parts {
        for entry in ["properties", "$defs"] {
            if let Some(Json::Object(more)) = part.get(entry) {
                let slot = joined.ensure_object().entry(entry).or_insert_with(|| Json::Object(Map::new()));
                if let Json::Object(slot) = slot {
                    slot.extend(more.clone());
                }
            }
        }
        if let Some(Json::Array(more)) = part.get("required") {
            let slot = joined.ensure_object().entry("required").or_insert_with(|| Json::Array(Vec::new()));
            if let Json::Array(slot) = slot {
                slot.extend(more.iter().cloned());
            }
        }
    }
    close(joined.ensure_object());
    joined
}

/// Takes the arguments that belong to `T` out of `arguments`, and reads them.
pub(crate) fn take<T: JsonSchema + DeserializeOwned>(arguments: &mut Json) -> Result<T, Vec<Problem>> {
    let names = property_names(&schema_for!(T));
    let mut taken = Map::new();
    if let Json::Object(entries) = arguments {
        for name in names {
            if let Some((name, value)) = entries.remove_entry(&name) {
                taken.insert(name, value);
            }
        }
    }
    parse(Json::Object(taken))
}

/// Returns the arguments without nulls: in the language, null means unset.
pub(crate) fn without_nulls(mut value: Json) -> Json {
    drop_nulls(&mut value);
    value
}

fn drop_nulls(value: &mut Json) {
    match value {
        Json::Object(entries) => {
            entries.retain(|_, value| !value.is_null());
            entries.values_mut().for_each(drop_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Puts the problems of several parts together.
pub(crate) fn collect<A, B>(
    first: Result<A, Vec<Problem>>,
    second: Result<B, Vec<Problem>>,
) -> Result<(A, B), Vec<Problem>> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(mut problems), Err(more)) => {
            problems.extend(more);
            Err(problems)
        }
        (Err(problems), _) | (_, Err(problems)) => Err(problems),
    }
}

fn property_names(schema: &Schema) -> BTreeSet<String> {
    match schema.get("properties") {
        Some(Json::Object(properties)) => properties.keys().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

/// Says of every object with named properties that it has no others.
fn close(schema: &mut Map<String, Json>) {
    schema.remove("unevaluatedProperties");
    if schema.contains_key("properties") {
        schema.entry("additionalProperties").or_insert(Json::Bool(false));
    }
    for definitions in ["properties", "$defs"] {
        if let Some(Json::Object(entries)) = schema.get_mut(definitions) {
            entries.values_mut().filter_map(Json::as_object_mut).for_each(close);
        }
    }
    if let Some(Json::Object(items)) = schema.get_mut("items") {
        close(items);
    }
}

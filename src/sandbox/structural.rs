//! Custom resources by their definition's schema: pruned, defaulted, validated.
//! Rules: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.
use regex::Regex;
use serde_json::json;

use super::kinds::KindInfo;
use super::status::Cause;
use super::world::World;
use super::{crd, json::text};
use crate::model::Json;

/// Deeper values are refused before they come here; deeper schemas are not followed.
const DEPTH: usize = 128;

/// The schema of one version of a custom kind.
pub(super) struct Structure(Json);

/// Returns the schema of a custom kind, as it is kept.
pub(super) fn of(world: &World, info: &KindInfo) -> Option<Structure> {
    let stored = KindInfo { version: info.storage_version.clone(), ..info.clone() };
    let schema = crd::version(world, &stored)?.pointer("/schema/openAPIV3Schema")?;
    Some(Structure(schema.clone()))
}

/// Removes fields that the schema does not know, and fills in the defaults of those that it knows.
pub(super) fn complete(structure: &Structure, object: &mut Json) {
    let Some(properties) = structure.0.get("properties").and_then(Json::as_object) else { return };
    let keeps = preserves(&structure.0);
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, _| keeps || properties.contains_key(name) || is_common(name));
    }
    default_fields(properties, object);
    for (name, schema) in properties {
        if !is_common(name)
            && let Some(value) = object.get_mut(name)
        {
            complete_value(schema, value, DEPTH);
        }
    }
}

fn is_common(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

fn preserves(schema: &Json) -> bool {
    schema["x-kubernetes-preserve-unknown-fields"] == true
}

fn complete_value(schema: &Json, value: &mut Json, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Json::Object(fields) => {
            let properties = schema.get("properties").and_then(Json::as_object);
            let rest = schema.get("additionalProperties").filter(|rest| rest.is_object());
            let has_type = properties.is_some() || rest.is_some() || schema["type"] == "object";
            let keeps = preserves(schema)
                || rest.is_some()
                || schema["additionalProperties"] == true
                || schema["x-kubernetes-embedded-resource"] == true
                || !has_type;
            fields.retain(|name, _| keeps || properties.is_some_and(|properties| properties.contains_key(name)));
            // Null stands for an absent field where a default is there or null is not allowed.
            fields.retain(|name, value| {
                let schema = properties.and_then(|properties| properties.get(name));
                !value.is_null()
                    || schema.is_none_or(|schema| schema["nullable"] == true || schema.get("default").is_none())
            });
            if let Some(properties) = properties {
                default_fields(properties, value);
            }
            let Some(fields) = value.as_object_mut() else { return };
            for (name, value) in fields {
                let declared = properties.and_then(|properties| properties.get(name));
                if let Some(schema) = declared.or(rest) {
                    complete_value(schema, value, depth);
                }
            }
        }
        Json::Array(values) => {
            if let Some(schema) = schema.get("items") {
                for value in values {
                    complete_value(schema, value, depth);
                }
            }
        }
        _ => {}
    }
}

fn default_fields(properties: &serde_json::Map<String, Json>, value: &mut Json) {
    let Some(fields) = value.as_object_mut() else { return };
    for (name, schema) in properties {
        if let Some(default) = schema.get("default").filter(|_| !fields.contains_key(name)) {
            fields.insert(name.clone(), default.clone());
        }
    }
}

/// Returns what the schema does not allow in an object.
pub(super) fn validate(structure: &Structure, object: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    let required = structure.0.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    for name in required {
        if object.get(name).is_none() {
            causes.push(Cause::required(name, ""));
        }
    }
    for (name, schema) in structure.0.get("properties").and_then(Json::as_object).into_iter().flatten() {
        if let Some(value) = object.get(name).filter(|_| !is_common(name)) {
            check(schema, value, name, DEPTH, &mut causes);
        }
    }
    causes
}

fn check(schema: &Json, value: &Json, path: &str, depth: usize, causes: &mut Vec<Cause>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if !has_type(schema, value) {
        let wanted = text(schema, "/type");
        let why = format!("{path} in body must be of type {wanted}: \"{}\"", type_name(value));
        causes.push(Cause::wrong_type(path, type_name(value), &why));
        return;
    }
    check_limits(schema, value, path, causes);
    match value {
        Json::Object(fields) => {
            for name in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
                if !fields.contains_key(name) {
                    causes.push(Cause::required(format!("{path}.{name}"), ""));
                }
            }
            let rest = schema.get("additionalProperties").filter(|rest| rest.is_object());
            for (name, value) in fields {
                let declared = schema.get("properties").and_then(|properties| properties.get(name));
                if let Some(schema) = declared.or(rest) {
                    check(schema, value, &format!("{path}.{name}"), depth, causes);
                }
            }
        }
        Json::Array(values) => {
            if let Some(schema) = schema.get("items") {
                for (index, value) in values.iter().enumerate() {
                    check(schema, value, &format!("{path}[{index}]"), depth, causes);
                }
            }
        }
        _ => {}
    }
}

fn has_type(schema: &Json, value: &Json) -> bool {
    if schema["x-kubernetes-int-or-string"] == true {
        return value.is_i64() || value.is_u64() || value.is_string();
    }
    match text(schema, "/type") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        _ => true,
    }
}

fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

fn check_limits(schema: &Json, value: &Json, path: &str, causes: &mut Vec<Cause>) {
    if let Some(allowed) = schema.get("enum").and_then(Json::as_array).filter(|allowed| !allowed.contains(value)) {
        let words: Vec<&str> = allowed.iter().filter_map(Json::as_str).collect();
        causes.push(Cause::not_supported(path, value, &words));
    }
    let limit = |name: &str| schema.get(name).and_then(Json::as_f64);
    let mut wrong = |is_wrong: bool, why: String| {
        if is_wrong {
            causes.push(Cause::invalid(path, value, &format!("{path} in body should {why}")));
        }
    };
    if let Some(number) = value.as_f64() {
        let show = |limit: f64| json!(limit).to_string().trim_end_matches(".0").to_owned();
        if let Some(least) = limit("minimum") {
            wrong(number < least, format!("be greater than or equal to {}", show(least)));
        }
        if let Some(most) = limit("maximum") {
            wrong(number > most, format!("be less than or equal to {}", show(most)));
        }
    }
    let length = value.as_str().map(|text| text.chars().count()).or_else(|| value.as_array().map(Vec::len));
    if let Some(length) = length {
        let (least, most, what) = if value.is_string() {
            ("minLength", "maxLength", "chars long")
        } else {
            ("minItems", "maxItems", "items")
        };
        let bound = |name: &str| schema.get(name).and_then(Json::as_u64).and_then(|bound| usize::try_from(bound).ok());
        if let Some(least) = bound(least) {
            wrong(length < least, format!("be at least {least} {what}"));
        }
        if let Some(most) = bound(most) {
            wrong(length > most, format!("be at most {most} {what}"));
        }
    }
    if let (Some(text), Some(pattern)) = (value.as_str(), schema.get("pattern").and_then(Json::as_str)) {
        let matches = Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text));
        wrong(matches, format!("match '{pattern}'"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure() -> Structure {
        Structure(json!({"type": "object", "required": ["spec"], "properties": {
            "spec": {"type": "object", "required": ["n"], "properties": {
                "n": {"type": "integer", "default": 3, "maximum": 10},
                "items": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }},
        }}))
    }

    #[test]
    fn unknown_fields_go_and_defaults_come() {
        let mut object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a"}, "more": 1,
            "spec": {"items": [{"b": 1}], "free": {"x": 1}, "zz": 2}});
        complete(&structure(), &mut object);
        let expected = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a"},
            "spec": {"n": 3, "items": [{"a": "x"}], "free": {"x": 1}}});
        assert_eq!(object, expected);
    }

    #[test]
    fn mistakes_are_worded_as_the_server_words_them() {
        let texts = |object: Json| -> Vec<String> {
            validate(&structure(), &object)
                .into_iter()
                .map(|cause| format!("{}: {}", cause.field, cause.message))
                .collect()
        };
        assert_eq!(
            texts(json!({"spec": {"n": 50}})),
            ["spec.n: Invalid value: 50: spec.n in body should be less than or equal to 10"]
        );
        assert_eq!(
            texts(json!({"spec": {"n": "x"}})),
            ["spec.n: Invalid value: \"string\": spec.n in body must be of type integer: \"string\""]
        );
        assert_eq!(texts(json!({"spec": {}})), ["spec.n: Required value"]);
        assert_eq!(texts(json!({})), ["spec: Required value"]);
    }
}

//! Checks a value against its type, and lists the fields that it sets.
use std::collections::BTreeSet;

use super::fields::{FieldSet, write_step};
use super::schema::{List, Map, Scalar, Shape, Type};
use crate::model::{FieldPath, Json, Step};

/// What a schema does not allow.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{path}: {message}")]
pub(crate) struct Violation {
    pub path: FieldPath,
    pub message: String,
}

/// Returns the fields that a value sets. The value has been checked; what has no place is left out.
pub(super) fn field_set(value: &Json, of: Type<'_>) -> FieldSet {
    match of.shape(Some(value)) {
        Shape::Scalar(_) => FieldSet::leaf(),
        Shape::List(list) if list.is_atomic() => FieldSet::leaf(),
        Shape::List(list) => list_set(value, list, of),
        Shape::Map(map) if map.is_atomic => FieldSet::leaf(),
        Shape::Map(map) => map_set(value, map, of),
        Shape::Never => FieldSet::default(),
    }
}

fn list_set(value: &Json, list: &List, of: Type<'_>) -> FieldSet {
    let mut set = FieldSet::default();
    for item in value.as_array().into_iter().flatten() {
        if let Ok(step) = of.item_step(list, item) {
            let mut child = field_set(item, of.at(list.item));
            child.is_member = true;
            set.children.entry(write_step(&step)).or_default().extend(child);
        }
    }
    set
}

fn map_set(value: &Json, map: &Map, of: Type<'_>) -> FieldSet {
    let mut set = FieldSet::default();
    for (name, entry) in value.as_object().into_iter().flatten() {
        let mut child = of.entry(map, name).map_or_else(FieldSet::default, |of| field_set(entry, of));
        child.is_member |= is_member(map, name, entry);
        if !child.is_empty() {
            set.children.insert(format!("f:{name}"), child);
        }
    }
    set
}

/// Tells whether an entry is a member beside what is in it: where it is empty, and where its name is data.
pub(super) fn is_member(map: &Map, name: &str, entry: &Json) -> bool {
    let is_empty = entry.is_null() || entry.as_object().is_some_and(serde_json::Map::is_empty);
    is_empty || !map.fields.contains_key(name)
}

/// Returns everything that the type does not allow, sorted, worded as the server does.
pub(super) fn validate(value: &Json, of: Type<'_>) -> Vec<Violation> {
    let mut validator = Validator { path: FieldPath::default(), violations: Vec::new() };
    validator.validate(value, of);
    validator.violations.sort_by_cached_key(ToString::to_string);
    validator.violations
}

struct Validator {
    path: FieldPath,
    violations: Vec<Violation>,
}

impl Validator {
    fn validate(&mut self, value: &Json, of: Type<'_>) {
        match of.shape(Some(value)) {
            Shape::Scalar(scalar) => self.scalar(value, scalar),
            Shape::List(list) => self.list(value, list, of),
            Shape::Map(map) => self.map(value, map, of),
            Shape::Never => self.add("schema error: invalid atom: inlined"),
        }
    }

    fn scalar(&mut self, value: &Json, scalar: Scalar) {
        let is_scalar = matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_));
        match scalar {
            _ if value.is_null() => {}
            Scalar::Number | Scalar::Integer if !value.is_number() => {
                self.add(format!("expected numeric (int or float), got {}", go_type(value)));
            }
            Scalar::String if !value.is_string() => {
                self.add(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value)));
            }
            Scalar::Boolean if !value.is_boolean() => {
                self.add(format!("expected boolean, got &{{{}}}", go_plain(value)));
            }
            Scalar::Any if !is_scalar => {
                self.add(format!("expected any scalar, got &{{{}}}", go_plain(value)));
            }
            _ => {}
        }
    }

    fn list(&mut self, value: &Json, list: &List, of: Type<'_>) {
        let items = match value {
            Json::Array(items) => items,
            Json::Null => return,
            _ => return self.add(format!("expected list, got &{{{}}}", go_plain(value))),
        };
        let mut seen = BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let step = match of.item_step(list, item) {
                _ if list.is_atomic() => Step::Index(index),
                Ok(step) => step,
                // What has no key cannot be told from the rest.
                Err(error) => return self.add(format!("element {index}: {error}")),
            };
            if !list.is_atomic() && !seen.insert(write_step(&step)) {
                self.add(format!("duplicate entries for key {step}"));
            }
            self.below(step, |validator| validator.validate(item, of.at(list.item)));
        }
    }

    fn map(&mut self, value: &Json, map: &Map, of: Type<'_>) {
        let entries = match value {
            Json::Object(entries) => entries,
            Json::Null => return,
            _ => return self.add(format!("expected map, got &{{{}}}", go_plain(value))),
        };
        for (name, entry) in entries {
            self.below(Step::Field(name.clone()), |validator| match of.entry(map, name) {
                Some(of) => validator.validate(entry, of),
                None => validator.add("field not declared in schema"),
            });
        }
    }

    fn below(&mut self, step: Step, check: impl FnOnce(&mut Self)) {
        self.path.0.push(step);
        check(self);
        self.path.0.pop();
    }

    fn add(&mut self, message: impl Into<String>) {
        self.violations.push(Violation { path: self.path.clone(), message: message.into() });
    }
}

/// Words a value as the server's messages do, in the syntax of Go.
fn go_syntax(value: &Json) -> String {
    let nested = |value: &Json| if value.is_null() { "interface {}(nil)".to_owned() } else { go_syntax(value) };
    match value {
        Json::Null => "<nil>".to_owned(),
        Json::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(nested).collect::<Vec<_>>().join(", "))
        }
        Json::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, entry)| format!("{name:?}:{}", nested(entry))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Words a value as the server's messages do, without quotes and commas.
fn go_plain(value: &Json) -> String {
    match value {
        Json::Null => "<nil>".to_owned(),
        Json::String(text) => text.clone(),
        Json::Array(items) => format!("[{}]", items.iter().map(go_plain).collect::<Vec<_>>().join(" ")),
        Json::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, entry)| format!("{name}:{}", go_plain(entry))).collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

fn go_type(value: &Json) -> &'static str {
    match value {
        Json::Null => "<nil>",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float64",
        Json::Number(_) => "int64",
        Json::String(_) => "string",
        Json::Array(_) => "[]interface {}",
        Json::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Schemas;
    use super::*;
    use crate::model::Kind;

    /// The expected texts are the answers of a real API server (Kubernetes 1.36).
    #[track_caller]
    fn check(kind: &str, value: &Json, expected: &[&str]) {
        let schemas = Schemas::built_in();
        let violations = validate(value, schemas.of(&Kind::new("v1", kind)).unwrap().root());
        assert_eq!(violations.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn unknown_fields_are_mistakes() {
        check("ConfigMap", &json!({"dta": {"a": "1"}}), &[".dta: field not declared in schema"]);
    }

    #[test]
    fn wrong_types_are_worded_as_the_server_does() {
        check("ConfigMap", &json!({"data": []}), &[".data: expected map, got &{[]}"]);
        check("ConfigMap", &json!({"data": ["a", 1]}), &[".data: expected map, got &{[a 1]}"]);
        check(
            "Pod",
            &json!({"spec": {"containers": {"a": "b"}}}),
            &[".spec.containers: expected list, got &{map[a:b]}"],
        );
    }

    #[test]
    fn all_mistakes_are_found() {
        check(
            "ConfigMap",
            &json!({"data": {"a": {"b": 1, "c": [true, "x"]}, "d": 1.5, "e": true}}),
            &[
                r#".data.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":1, "c":[]interface {}{true, "x"}}}"#,
                ".data.d: expected string, got &value.valueUnstructured{Value:1.5}",
                ".data.e: expected string, got &value.valueUnstructured{Value:true}",
            ],
        );
        check(
            "Pod",
            &json!({"spec": {"containers": [{"name": "c", "stdin": "yes"}], "priority": "3", "x": 1}}),
            &[
                r#".spec.containers[name="c"].stdin: expected boolean, got &{yes}"#,
                ".spec.priority: expected numeric (int or float), got string",
                ".spec.x: field not declared in schema",
            ],
        );
    }

    #[test]
    fn items_that_cannot_be_told_apart_are_mistakes() {
        check(
            "Pod",
            &json!({"spec": {"containers": [null], "activeDeadlineSeconds": [1]}}),
            &[
                ".spec.activeDeadlineSeconds: expected numeric (int or float), got []interface {}",
                ".spec.containers: element 0: associative list with keys may not have a null element",
            ],
        );
        check(
            "Pod",
            &json!({"metadata": {"finalizers": ["a.b/c", "a.b/c", null, {}]}, "spec": {"containers": ["a", {}]}}),
            &[
                r#".metadata.finalizers: duplicate entries for key [="a.b/c"]"#,
                ".metadata.finalizers: element 2: associative list without keys has an element that's an explicit null",
                ".spec.containers: element 0: associative list with keys may not have non-map elements",
            ],
        );
        check(
            "Service",
            &json!({"spec": {"ports": [{"port": 53}, {"port": 53, "protocol": "TCP"}]}}),
            &[r#".spec.ports: duplicate entries for key [port=53,protocol="TCP"]"#],
        );
    }
}

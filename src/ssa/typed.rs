//! Checks a value against its type, and lists the fields that it sets.
use super::fields::{FieldSet, write_step};
use super::schema::{List, Map, Scalar, Shape, Type};
use crate::model::{FieldPath, Json, Step};

/// What a schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
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

/// Returns the first thing that the type does not allow, worded as the server does.
pub(super) fn validate(value: &Json, of: Type<'_>) -> Result<(), Violation> {
    Validator { path: FieldPath::default() }.validate(value, of)
}

struct Validator {
    path: FieldPath,
}

impl Validator {
    fn validate(&mut self, value: &Json, of: Type<'_>) -> Result<(), Violation> {
        match of.shape(Some(value)) {
            Shape::Scalar(scalar) => self.scalar(value, scalar),
            Shape::List(list) => self.list(value, list, of),
            Shape::Map(map) => self.map(value, map, of),
            Shape::Never => Err(self.violation("schema error: invalid atom: inlined")),
        }
    }

    fn scalar(&self, value: &Json, scalar: Scalar) -> Result<(), Violation> {
        let is_scalar = matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_));
        let (fits, message) = match scalar {
            _ if value.is_null() => return Ok(()),
            Scalar::Number | Scalar::Integer => {
                (value.is_number(), format!("expected numeric (int or float), got {}", go_type(value)))
            }
            Scalar::String => (value.is_string(), format!("expected string, got {}", go_value(value))),
            Scalar::Boolean => (value.is_boolean(), format!("expected boolean, got {}", go_plain(value))),
            Scalar::Any => (is_scalar, format!("expected any scalar, got {}", go_plain(value))),
        };
        if fits { Ok(()) } else { Err(self.violation(message)) }
    }

    fn list(&mut self, value: &Json, list: &List, of: Type<'_>) -> Result<(), Violation> {
        let items = match value {
            Json::Array(items) => items,
            Json::Null => return Ok(()),
            _ => return Err(self.violation(format!("expected list, got {}", go_plain(value)))),
        };
        let mut seen = std::collections::BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let step = if list.is_atomic() {
                Step::Index(index)
            } else {
                let step = of.item_step(list, item);
                step.map_err(|error| self.violation(format!("element {index}: {error}")))?
            };
            if !list.is_atomic() && !seen.insert(write_step(&step)) {
                return Err(self.violation(format!("duplicate entries for key {step}")));
            }
            self.below(step, |validator| validator.validate(item, of.at(list.item)))?;
        }
        Ok(())
    }

    fn map(&mut self, value: &Json, map: &Map, of: Type<'_>) -> Result<(), Violation> {
        let entries = match value {
            Json::Object(entries) => entries,
            Json::Null => return Ok(()),
            _ => return Err(self.violation(format!("expected map, got {}", go_plain(value)))),
        };
        for (name, entry) in entries {
            self.below(Step::Field(name.clone()), |validator| match of.entry(map, name) {
                Some(of) => validator.validate(entry, of),
                None => Err(validator.violation("field not declared in schema")),
            })?;
        }
        Ok(())
    }

    fn below(&mut self, step: Step, check: impl FnOnce(&mut Self) -> Result<(), Violation>) -> Result<(), Violation> {
        self.path.0.push(step);
        check(self)?;
        self.path.0.pop();
        Ok(())
    }

    fn violation(&self, message: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), message: message.into() }
    }
}

/// Words a value as the server's messages do, which show its inside.
fn go_value(value: &Json) -> String {
    let inside = match value {
        Json::Array(_) => format!("[]interface {{}}{}", go_plain(value)),
        Json::Object(_) => format!("map[string]interface {{}}{}", go_plain(value)),
        other => other.to_string(),
    };
    format!("&value.valueUnstructured{{Value:{inside}}}")
}

fn go_plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
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

    #[track_caller]
    fn check(kind: &str, value: &Json, expected: &str) {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", kind)).unwrap();
        let violation = validate(value, schema.root()).unwrap_err();
        assert_eq!(format!("{}: {}", violation.path, violation.message), expected);
    }

    #[test]
    fn mistakes_are_worded_as_the_server_does() {
        check("ConfigMap", &json!({"dta": {"a": "1"}}), ".dta: field not declared in schema");
        check(
            "ConfigMap",
            &json!({"data": {"a": 1}}),
            ".data.a: expected string, got &value.valueUnstructured{Value:1}",
        );
        check("ConfigMap", &json!({"data": []}), ".data: expected map, got []");
        check("Pod", &json!({"spec": {"containers": {}}}), ".spec.containers: expected list, got {}");
        check(
            "Pod",
            &json!({"spec": {"containers": [{"name": "c", "stdin": "yes"}]}}),
            ".spec.containers[name=\"c\"].stdin: expected boolean, got yes",
        );
        check(
            "Service",
            &json!({"spec": {"ports": [{"port": 53}, {"port": 53, "protocol": "TCP"}]}}),
            ".spec.ports: duplicate entries for key [port=53,protocol=\"TCP\"]",
        );
        check(
            "Pod",
            &json!({"spec": {"containers": [null]}}),
            ".spec.containers: element 0: associative list with keys may not have a null element",
        );
    }
}

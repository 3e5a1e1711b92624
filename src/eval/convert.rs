//! Values into the types that are asked for, by Terraform's rules of conversion.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::inspect::{inspect, unmark_deep};
use super::number;
use super::types::{Attribute, Presence, Type, unify};
use crate::model::Value;

/// Says which part of a value does not convert, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", at(path))]
pub(crate) struct ConvertError {
    /// From the value inwards.
    pub path: Vec<Step>,
    pub message: String,
}

/// One step into a value; prints as `.name` or `[0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Attribute(Arc<str>),
    Index(usize),
}

/// Returns the value as that type; null stays null, and unknown stays unknown.
///
/// Sensitive parts stay sensitive where they are, except in a set, which then is sensitive as a whole.
pub(crate) fn convert(value: &Value, to: &Type) -> Result<Value, ConvertError> {
    inspect(value).map_err(|error| ConvertError { path: Vec::new(), message: error.to_string() })?;
    Conversion { path: Vec::new() }.value(value, to)
}

/// Returns the values in the one type that they all convert to, as the arms of a conditional and the
/// elements of a list need it; none where there is no such type.
pub(crate) fn unify_values(values: &[Value]) -> Option<Vec<Value>> {
    if !values.iter().all(|value| inspect(value).is_ok()) {
        return None;
    }
    let types: Vec<_> = values.iter().map(Type::of).collect();
    let to = unify(&types)?;
    values.iter().map(|value| convert(value, &to).ok()).collect()
}

/// A conversion under way.
struct Conversion {
    path: Vec<Step>,
}

impl Conversion {
    fn value(&mut self, value: &Value, to: &Type) -> Result<Value, ConvertError> {
        match (value, to) {
            (Value::Null | Value::Unknown, _) | (_, Type::Any) => Ok(value.clone()),
            (Value::Sensitive(inner), _) => Ok(self.value(inner, to)?.sensitive()),
            (Value::Resource(exports), Type::Object(_) | Type::Map(_)) => {
                let entries = Value::map(exports.values.iter().map(|(name, value)| (name, value.clone())));
                self.value(&entries, to)
            }
            (_, Type::String) => self.string(value),
            (_, Type::Number) => self.number(value),
            (_, Type::Bool) => self.bool(value),
            (_, Type::List(element)) => self.list(value, element),
            (_, Type::Set(element)) => self.set(value, element),
            (_, Type::Map(element)) => self.map(value, element),
            (_, Type::Object(attributes)) => self.object(value, attributes),
            (_, Type::Tuple(elements)) => self.tuple(value, elements),
        }
    }

    fn string(&self, value: &Value) -> Result<Value, ConvertError> {
        match value {
            Value::String(_) => Ok(value.clone()),
            Value::Bool(bool) => Ok(Value::string(bool.to_string())),
            Value::Number(number) => Ok(Value::string(number.to_string())),
            _ => Err(self.mismatch(value, "string")),
        }
    }

    fn number(&self, value: &Value) -> Result<Value, ConvertError> {
        match value {
            Value::Number(_) => Ok(value.clone()),
            Value::String(text) => match number::parse(text) {
                Some(number) => Ok(Value::Number(number)),
                None => Err(self.error("a number is required")),
            },
            _ => Err(self.mismatch(value, "number")),
        }
    }

    fn bool(&self, value: &Value) -> Result<Value, ConvertError> {
        match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) => {
                match &**text {
                    "true" | "1" => Ok(Value::Bool(true)),
                    "false" | "0" => Ok(Value::Bool(false)),
                    other => match other.to_lowercase().as_str() {
                        lower @ ("true" | "false") => Err(self
                            .error(format!("a bool is required; to convert from string, use lowercase \"{lower}\""))),
                        _ => Err(self.error("a bool is required")),
                    },
                }
            }
            _ => Err(self.mismatch(value, "bool")),
        }
    }

    fn list(&mut self, value: &Value, element: &Type) -> Result<Value, ConvertError> {
        let items = match value {
            Value::List(items) => self.items(items.iter(), element)?,
            Value::Set(items) => self.items(items.iter(), element)?,
            _ => return Err(self.mismatch(value, "list")),
        };
        Ok(Value::list(items))
    }

    /// Members that are unknown may turn out to be equal, so the set is unknown as a whole.
    fn set(&mut self, value: &Value, element: &Type) -> Result<Value, ConvertError> {
        let items = match value {
            Value::List(items) => self.items(items.iter(), element)?,
            Value::Set(items) => self.items(items.iter(), element)?,
            _ => return Err(self.mismatch(value, "set")),
        };
        let (mut members, mut sensitive) = (BTreeSet::new(), false);
        let unknown = items.iter().any(|item| !item.is_wholly_known());
        for item in &items {
            let (bare, marked) = unmark_deep(item);
            sensitive |= marked;
            members.insert(bare);
        }
        let set = if unknown { Value::Unknown } else { Value::Set(Arc::new(members)) };
        Ok(if sensitive { set.sensitive() } else { set })
    }

    fn items<'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a Value> + Clone,
        element: &Type,
    ) -> Result<Vec<Value>, ConvertError> {
        let element = self.one_type(items.clone(), element)?;
        let mut converted = Vec::with_capacity(items.len());
        for (index, item) in items.enumerate() {
            self.path.push(Step::Index(index));
            converted.push(self.value(item, &element)?);
            self.path.pop();
        }
        Ok(converted)
    }

    fn map(&mut self, value: &Value, element: &Type) -> Result<Value, ConvertError> {
        let Value::Map(entries) = value else { return Err(self.mismatch(value, "map")) };
        let element = self.one_type(entries.values(), element)?;
        let mut converted = BTreeMap::new();
        for (name, entry) in entries.iter() {
            self.path.push(Step::Attribute(name.clone()));
            converted.insert(name.clone(), self.value(entry, &element)?);
            self.path.pop();
        }
        Ok(Value::Map(Arc::new(converted)))
    }

    /// Returns what all elements become: where any type will do, the one that they all convert to.
    fn one_type<'a>(&self, items: impl Iterator<Item = &'a Value>, element: &Type) -> Result<Type, ConvertError> {
        if *element != Type::Any {
            return Ok(if element.holds_any() {
                settled(element, &items.collect::<Vec<_>>())
            } else {
                element.clone()
            });
        }
        let types: Vec<_> = items.map(Type::of).collect();
        unify(&types).ok_or_else(|| self.error("all elements must have the same type"))
    }

    fn object(&mut self, value: &Value, attributes: &BTreeMap<Arc<str>, Attribute>) -> Result<Value, ConvertError> {
        let Value::Map(entries) = value else { return Err(self.mismatch(value, "object")) };
        let missing: Vec<_> = attributes
            .iter()
            .filter(|(name, attribute)| attribute.presence == Presence::Required && !entries.contains_key(*name))
            .map(|(name, _)| format!("\"{name}\""))
            .collect();
        match missing.as_slice() {
            [] => {}
            [one] => return Err(self.error(format!("attribute {one} is required"))),
            [first @ .., last] => {
                return Err(self.error(format!("attributes {} and {last} are required", first.join(", "))));
            }
        }
        let mut converted = BTreeMap::new();
        for (name, attribute) in attributes {
            self.path.push(Step::Attribute(name.clone()));
            let given = entries.get(name).unwrap_or(&Value::Null);
            converted.insert(name.clone(), self.attribute(given, attribute)?);
            self.path.pop();
        }
        Ok(Value::Map(Arc::new(converted)))
    }

    /// A default is converted as a given value is, so that defaults inside it are filled in.
    fn attribute(&mut self, given: &Value, attribute: &Attribute) -> Result<Value, ConvertError> {
        match &attribute.presence {
            Presence::Optional { default } if *given == Value::Null => self.value(default, &attribute.of),
            _ => self.value(given, &attribute.of),
        }
    }

    fn tuple(&mut self, value: &Value, elements: &[Type]) -> Result<Value, ConvertError> {
        let Value::List(items) = value else { return Err(self.mismatch(value, "tuple")) };
        if items.len() != elements.len() {
            let message = format!("a tuple of {} elements is required, but there are {}", elements.len(), items.len());
            return Err(self.error(message));
        }
        let mut converted = Vec::with_capacity(items.len());
        for (index, (item, element)) in items.iter().zip(elements).enumerate() {
            self.path.push(Step::Index(index));
            converted.push(self.value(item, element)?);
            self.path.pop();
        }
        Ok(Value::list(converted))
    }

    fn mismatch(&self, value: &Value, wanted: &str) -> ConvertError {
        self.error(format!("{wanted} required, but have {}", value.type_name()))
    }

    fn error(&self, message: impl Into<String>) -> ConvertError {
        ConvertError { path: self.path.clone(), message: message.into() }
    }
}

/// Returns a type in which each `any` is what the parts of all values there convert to; where that is nothing, it stays.
fn settled<'v>(of: &'v Type, values: &[&'v Value]) -> Type {
    let bare = values.iter().map(|value| value.unmark().0);
    match of {
        Type::Any => unify(&bare.map(Type::of).collect::<Vec<_>>()).unwrap_or(Type::Any),
        Type::List(element) => Type::list(settled(element, &members(bare))),
        Type::Set(element) => Type::set(settled(element, &members(bare))),
        Type::Map(element) => Type::map(settled(element, &members(bare))),
        Type::Object(attributes) => {
            let objects: Vec<_> = bare.collect();
            let settle = |(name, attribute): (&Arc<str>, &'v Attribute)| {
                let of = settled(&attribute.of, &given(&objects, name, attribute));
                (name.clone(), Attribute { of, ..attribute.clone() })
            };
            Type::Object(attributes.iter().map(settle).collect())
        }
        Type::String | Type::Number | Type::Bool | Type::Tuple(_) => of.clone(),
    }
}

/// Returns an attribute of all objects that have it, or its default.
fn given<'v>(objects: &[&'v Value], name: &str, attribute: &'v Attribute) -> Vec<&'v Value> {
    let given = |object: &&'v Value| match (object, &attribute.presence) {
        (Value::Map(entries), Presence::Optional { default }) => {
            Some(entries.get(name).filter(|value| **value != Value::Null).unwrap_or(default))
        }
        (Value::Map(entries), Presence::Required) => entries.get(name),
        _ => None,
    };
    objects.iter().filter_map(given).collect()
}

/// Returns the members of all collections among some values.
fn members<'v>(values: impl Iterator<Item = &'v Value>) -> Vec<&'v Value> {
    values
        .flat_map(|value| match value {
            Value::List(items) => items.iter().collect(),
            Value::Set(items) => items.iter().collect(),
            Value::Map(entries) => entries.values().collect(),
            _ => Vec::new(),
        })
        .collect()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Returns the path as the beginning of a message; nothing where it is empty.
fn at(path: &[Step]) -> String {
    if path.is_empty() {
        return String::new();
    }
    let steps: String = path.iter().map(Step::to_string).collect();
    format!("`{}`: ", steps.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        Value::from(&serde_json::from_str(json).unwrap())
    }

    #[track_caller]
    fn check(given: &str, to: &Type, expected: Result<&str, &str>) {
        let actual = convert(&value(given), to).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map(value).map_err(str::to_owned));
    }

    #[test]
    fn primitives_convert_by_terraforms_rules() {
        check("1.50", &Type::String, Ok("\"1.5\""));
        check("true", &Type::String, Ok("\"true\""));
        check("\"1e3\"", &Type::Number, Ok("1000"));
        check("\"x\"", &Type::Number, Err("a number is required"));
        check("\"0\"", &Type::Bool, Ok("false"));
        check("\"TRUE\"", &Type::Bool, Err("a bool is required; to convert from string, use lowercase \"true\""));
        check("1", &Type::Bool, Err("bool required, but have number"));
        check("[]", &Type::String, Err("string required, but have list"));
        check("null", &Type::Number, Ok("null"));
    }

    #[test]
    fn elements_of_any_type_become_one_type() {
        check(r#"[1, "a"]"#, &Type::list(Type::Any), Ok(r#"["1", "a"]"#));
        check("[1, true]", &Type::list(Type::Any), Err("all elements must have the same type"));
        check(r#"{"a": 1, "b": "x"}"#, &Type::map(Type::Any), Ok(r#"{"a": "1", "b": "x"}"#));
    }

    #[test]
    fn any_inside_of_elements_is_one_type_too() {
        let object =
            Type::object([("v", Attribute::optional(Type::Any, None)), ("w", Attribute::optional(Type::Number, None))]);
        let of = Type::list(object);
        check(r#"[{"v": 1, "w": "2"}, {"v": "x"}]"#, &of, Ok(r#"[{"v": "1", "w": 2}, {"v": "x", "w": null}]"#));
        let object = Type::object([("v", Attribute::optional(Type::Any, Some(value("[]"))))]);
        check(r#"[{"v": "x"}, {}]"#, &Type::list(object), Ok(r#"[{"v": "x"}, {"v": []}]"#));
        check(r#"[{"a": 1}, {"b": "x"}]"#, &Type::list(Type::map(Type::Any)), Ok(r#"[{"a": "1"}, {"b": "x"}]"#));
        check(r#"{"a": [1], "b": ["x"]}"#, &Type::map(Type::list(Type::Any)), Ok(r#"{"a": ["1"], "b": ["x"]}"#));
    }

    #[test]
    fn a_set_has_each_member_once() {
        let set = convert(&value(r#"[1, "1", 2]"#), &Type::set(Type::String)).unwrap();
        assert_eq!(set, Value::Set(Arc::new(BTreeSet::from([Value::string("1"), Value::string("2")]))));
    }

    #[test]
    fn errors_say_where() {
        let of = Type::map(Type::list(Type::Number));
        check(r#"{"a": [1, "x"]}"#, &of, Err("`a[1]`: a number is required"));
    }

    #[test]
    fn objects_drop_what_is_not_asked_for_and_name_what_is_missing() {
        let of = Type::object([("a", Attribute::required(Type::String)), ("b", Attribute::required(Type::Any))]);
        check(r#"{"a": 1, "b": [], "c": 3}"#, &of, Ok(r#"{"a": "1", "b": []}"#));
        check(r#"{"a": 1}"#, &of, Err("attribute \"b\" is required"));
        check("{}", &of, Err("attributes \"a\" and \"b\" are required"));
    }

    #[test]
    fn defaults_are_filled_in_at_every_depth() {
        let inner = Type::object([("x", Attribute::optional(Type::Number, Some(value("7"))))]);
        let of = Type::list(Type::object([
            ("a", Attribute::optional(Type::String, Some(value("\"d\"")))),
            ("b", Attribute::optional(inner, Some(value("{}")))),
            ("c", Attribute::optional(Type::Bool, None)),
        ]));
        check(r#"[{"a": null}]"#, &of, Ok(r#"[{"a": "d", "b": {"x": 7}, "c": null}]"#));
        check(r#"[{"b": {"x": "8"}, "c": "1"}]"#, &of, Ok(r#"[{"a": "d", "b": {"x": 8}, "c": true}]"#));
    }

    #[test]
    fn tuples_have_a_length() {
        let of = Type::Tuple(vec![Type::String, Type::Number]);
        check(r#"[1, "2"]"#, &of, Ok(r#"["1", 2]"#));
        check("[1]", &of, Err("a tuple of 2 elements is required, but there are 1"));
    }

    #[test]
    fn unknown_and_sensitive_parts_travel() {
        let given = Value::list(vec![Value::Unknown, Value::string("1").sensitive()]);
        let list = convert(&given, &Type::list(Type::Number)).unwrap();
        assert_eq!(list, Value::list(vec![Value::Unknown, value("1").sensitive()]));
        let set = convert(&given, &Type::set(Type::Number)).unwrap();
        assert_eq!(set, Value::Unknown.sensitive());
    }

    #[test]
    fn arms_of_a_conditional_meet_in_one_type() {
        let arms = unify_values(&[value(r#"{"a": 1, "b": "x"}"#), value("{}")]).unwrap();
        assert_eq!(arms, [value(r#"{"a": "1", "b": "x"}"#), value("{}")]);
        assert_eq!(unify_values(&[value("1"), value("true")]), None);
    }
}

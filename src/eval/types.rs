//! Type constraints: what `variable` blocks ask for and what function parameters accept.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::Value;

/// A type constraint, such as `map(object({ a = string, b = optional(number, 3) }))`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Any type; inside a collection, any one type for all elements.
    Any,
    String,
    Number,
    Bool,
    List(Box<Type>),
    Set(Box<Type>),
    Map(Box<Type>),
    Object(BTreeMap<Arc<str>, Attribute>),
    Tuple(Vec<Type>),
}

/// One attribute of an object type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub of: Type,
    pub presence: Presence,
}

/// Whether an attribute of an object may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    /// `optional(type, default)`; without a default it is null.
    Optional {
        default: Value,
    },
}

impl Type {
    /// Returns `list(element)`.
    pub(crate) fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// Returns `set(element)`.
    pub(crate) fn set(element: Self) -> Self {
        Self::Set(Box::new(element))
    }

    /// Returns `map(element)`.
    pub(crate) fn map(element: Self) -> Self {
        Self::Map(Box::new(element))
    }

    /// Returns `object({ … })`.
    pub(crate) fn object(attributes: impl IntoIterator<Item = (impl AsRef<str>, Attribute)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, attribute)| (Arc::from(name.as_ref()), attribute)).collect())
    }

    /// Tells whether some part may be of any type.
    pub(crate) fn holds_any(&self) -> bool {
        match self {
            Self::Any => true,
            Self::String | Self::Number | Self::Bool => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.holds_any(),
            Self::Object(attributes) => attributes.values().any(|attribute| attribute.of.holds_any()),
            Self::Tuple(elements) => elements.iter().any(Self::holds_any),
        }
    }

    /// Returns the type with this name where it is a word on its own: `any`, `string`, `number`, `bool`,
    /// or one of `list`, `set`, `map`, which then have elements of any type.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "any" => Some(Self::Any),
            "string" => Some(Self::String),
            "number" => Some(Self::Number),
            "bool" => Some(Self::Bool),
            "list" => Some(Self::list(Self::Any)),
            "set" => Some(Self::set(Self::Any)),
            "map" => Some(Self::map(Self::Any)),
            _ => None,
        }
    }

    /// Returns the most exact type of a value: lists are tuples, maps are objects, and null, unknown
    /// values and resources are of any type.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null | Value::Unknown | Value::Resource(_) => Self::Any,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::List(items) => Self::Tuple(items.iter().map(Self::of).collect()),
            Value::Set(items) => {
                let types: Vec<_> = items.iter().map(Self::of).collect();
                Self::set(unify(&types).unwrap_or(Self::Any))
            }
            Value::Map(entries) => {
                Self::object(entries.iter().map(|(name, value)| (name, Attribute::required(Self::of(value)))))
            }
            Value::Sensitive(inner) => Self::of(inner),
        }
    }

    /// Returns the word for the kind of type, without what is inside it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::String => "string",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Object(_) => "object",
            Self::Tuple(_) => "tuple",
        }
    }
}

impl Attribute {
    /// Returns an attribute that must be given.
    pub(crate) fn required(of: Type) -> Self {
        Self { of, presence: Presence::Required }
    }

    /// Returns an attribute that may be left out or null, and is then the default, or null.
    pub(crate) fn optional(of: Type, default: Option<Value>) -> Self {
        Self { of, presence: Presence::Optional { default: default.unwrap_or(Value::Null) } }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(element) | Self::Set(element) | Self::Map(element) => write!(f, "{}({element})", self.word()),
            Self::Object(attributes) => {
                let parts: Vec<_> = attributes.iter().map(|(name, attribute)| format!("{name}={attribute}")).collect();
                write!(f, "object({{{}}})", parts.join(","))
            }
            Self::Tuple(elements) => {
                let parts: Vec<_> = elements.iter().map(Self::to_string).collect();
                write!(f, "tuple([{}])", parts.join(","))
            }
            Self::Any | Self::String | Self::Number | Self::Bool => f.write_str(self.word()),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.presence {
            Presence::Required => self.of.fmt(f),
            Presence::Optional { .. } => write!(f, "optional({})", self.of),
        }
    }
}

/// Returns the one type that all these types convert to, as the arms of a conditional and the
/// elements of a list need it; none where there is no such type.
pub(crate) fn unify(types: &[Type]) -> Option<Type> {
    let known: Vec<&Type> = types.iter().filter(|of| **of != Type::Any).collect();
    let Some(first) = known.first() else { return Some(Type::Any) };
    if known.iter().all(|of| of == first) {
        return Some((*first).clone());
    }
    let all = |test: fn(&Type) -> bool| known.iter().all(|of| test(of));
    if all(|of| matches!(of, Type::String | Type::Number | Type::Bool)) {
        return known.contains(&&Type::String).then_some(Type::String);
    }
    if all(|of| matches!(of, Type::Object(_))) {
        return unify_objects(&known);
    }
    if all(|of| matches!(of, Type::Tuple(_))) {
        return unify_tuples(&known);
    }
    if all(|of| matches!(of, Type::Map(_) | Type::Object(_))) {
        return unify_elements(&known).map(Type::map);
    }
    if all(|of| matches!(of, Type::Set(_) | Type::Tuple(_))) {
        return unify_elements(&known).map(Type::set);
    }
    if all(|of| matches!(of, Type::List(_) | Type::Tuple(_) | Type::Set(_))) {
        return unify_elements(&known).map(Type::list);
    }
    None
}

/// Objects with the same attributes make an object; others make a map where all attributes have one type.
fn unify_objects(types: &[&Type]) -> Option<Type> {
    let objects: Vec<_> =
        types.iter().filter_map(|of| if let Type::Object(inner) = of { Some(inner) } else { None }).collect();
    let first = objects.first()?;
    if !objects.iter().all(|object| object.keys().eq(first.keys())) {
        return unify_elements(types).map(Type::map);
    }
    let attributes = first.keys().map(|name| {
        let column: Vec<_> = objects.iter().map(|object| object[name].of.clone()).collect();
        Some((name, Attribute::required(unify(&column)?)))
    });
    attributes.collect::<Option<Vec<_>>>().map(Type::object)
}

/// Tuples of the same length make a tuple; others make a list where all elements have one type.
fn unify_tuples(types: &[&Type]) -> Option<Type> {
    let tuples: Vec<_> =
        types.iter().filter_map(|of| if let Type::Tuple(inner) = of { Some(inner) } else { None }).collect();
    let length = tuples.first()?.len();
    if !tuples.iter().all(|tuple| tuple.len() == length) {
        return unify_elements(types).map(Type::list);
    }
    let columns = (0..length).map(|index| {
        let column: Vec<_> = tuples.iter().map(|tuple| tuple[index].clone()).collect();
        unify(&column)
    });
    columns.collect::<Option<Vec<_>>>().map(Type::Tuple)
}

fn unify_elements(types: &[&Type]) -> Option<Type> {
    let mut elements = Vec::new();
    for of in types {
        match of {
            Type::List(element) | Type::Set(element) | Type::Map(element) => elements.push((**element).clone()),
            Type::Object(attributes) => elements.extend(attributes.values().map(|attribute| attribute.of.clone())),
            Type::Tuple(inner) => elements.extend(inner.iter().cloned()),
            Type::Any | Type::String | Type::Number | Type::Bool => return None,
        }
    }
    unify(&elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Json;

    #[track_caller]
    fn check(values: &str, expected: Option<&str>) {
        let json: Vec<Json> = serde_json::from_str(values).unwrap();
        let types: Vec<_> = json.iter().map(|json| Type::of(&Value::from(json))).collect();
        assert_eq!(unify(&types).map(|of| of.to_string()).as_deref(), expected);
    }

    #[test]
    fn primitives_meet_in_string() {
        check(r#"[1, "a", true]"#, Some("string"));
        check("[1, true]", None);
        check("[1, 2]", Some("number"));
        check("[null, null]", Some("any"));
        check("[null, 2]", Some("number"));
    }

    #[test]
    fn structures_keep_their_shape_where_it_is_the_same() {
        check(r#"[{"a": 1}, {"a": "x"}]"#, Some("object({a=string})"));
        check(r#"[{"a": 1}, {"b": "x"}]"#, Some("map(string)"));
        check(r#"[{"a": 1}, {"b": []}]"#, None);
        check(r#"[[1, "x"], ["a", "b"]]"#, Some("tuple([string,string])"));
        check(r#"[[1], ["a", "b"]]"#, Some("list(string)"));
        check(r#"[{"a": 1}, [1]]"#, None);
        check("[[], [1]]", Some("list(number)"));
    }

    #[test]
    fn types_print_as_they_are_written() {
        let attributes = [("a", Attribute::required(Type::String)), ("b", Attribute::optional(Type::Number, None))];
        let of = Type::map(Type::object(attributes));
        assert_eq!(of.to_string(), "map(object({a=string,b=optional(number)}))");
    }
}

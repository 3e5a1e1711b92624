//! The values of the configuration language, unknown and sensitive ones included.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::{BigDecimal, ParseBigDecimalError, ToPrimitive, Zero};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{Exports, Json};

/// A decimal number without rounding, as Terraform has it. Cloning is cheap, and a value stays small.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(Arc<BigDecimal>);

/// What an expression evaluates to. Cloning is cheap.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    /// A list or a tuple.
    List(Arc<Vec<Value>>),
    /// Sorted, each member once.
    Set(Arc<BTreeSet<Value>>),
    /// A map or an object.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
    /// Known only after apply.
    Unknown,
    /// Must not be shown. Never nested in another `Sensitive`.
    Sensitive(Arc<Value>),
    /// A whole resource, passed by reference such as `head = ray_head.main`.
    Resource(Arc<Exports>),
    /// The last one, since null comes last among the members of a set.
    #[default]
    Null,
}

impl Number {
    pub(crate) fn new(decimal: BigDecimal) -> Self {
        Self(Arc::new(decimal))
    }

    /// Returns the decimal itself.
    pub(crate) fn decimal(&self) -> &BigDecimal {
        &self.0
    }

    /// Returns the integer, where it is one and fits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        if self.0.is_integer() { self.0.to_i64() } else { None }
    }

    /// Returns the nearest double.
    pub(crate) fn as_f64(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// Returns the number as JSON: an integer where it is one and fits, else a double.
    pub(crate) fn to_json(&self) -> Json {
        match self.as_i64() {
            Some(integer) => Json::from(integer),
            None => Json::from(self.as_f64()),
        }
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self::new(BigDecimal::from(integer))
    }
}

impl FromStr for Number {
    type Err = ParseBigDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<BigDecimal>().map(Self::new)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            return f.write_str("0");
        }
        f.write_str(&self.0.normalized().to_plain_string())
    }
}

impl Value {
    /// Returns a text.
    pub(crate) fn string(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(composed(text.as_ref())))
    }

    /// Returns a list.
    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// Returns a map.
    pub(crate) fn map(entries: impl IntoIterator<Item = (impl AsRef<str>, Self)>) -> Self {
        let entries = entries.into_iter().map(|(name, value)| (Arc::from(composed(name.as_ref())), value));
        Self::Map(Arc::new(entries.collect()))
    }

    /// Returns the value marked as sensitive; marking twice is marking once.
    pub(crate) fn sensitive(self) -> Self {
        match self {
            Self::Sensitive(_) => self,
            other => Self::Sensitive(Arc::new(other)),
        }
    }

    /// Returns the value below the mark, and whether there was one.
    pub(crate) fn unmark(&self) -> (&Self, bool) {
        match self {
            Self::Sensitive(inner) => (inner, true),
            other => (other, false),
        }
    }

    /// Tells whether nothing in the value waits for an apply.
    pub(crate) fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) => items.iter().all(Self::is_wholly_known),
            Self::Set(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(entries) => entries.values().all(Self::is_wholly_known),
            Self::Sensitive(inner) => inner.is_wholly_known(),
            Self::Resource(exports) => exports.values.values().all(Self::is_wholly_known),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// Returns the word for the value's type in messages.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Unknown => "unknown",
            Self::Sensitive(inner) => inner.type_name(),
            Self::Resource(_) => "resource",
        }
    }
}

/// Returns the text in normal form C, as Terraform keeps all texts: a letter and its accent are one character.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(bool) => Self::Bool(*bool),
            Json::Number(number) => match number.to_string().parse() {
                Ok(number) => Self::Number(number),
                Err(_) => Self::Null,
            },
            Json::String(text) => Self::string(text),
            Json::Array(items) => Self::list(items.iter().map(Self::from).collect()),
            Json::Object(entries) => Self::map(entries.iter().map(|(name, value)| (name, Self::from(value)))),
        }
    }
}

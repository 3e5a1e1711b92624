//! The values of the configuration language, unknown and sensitive ones included.
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bigdecimal::{BigDecimal, ParseBigDecimalError, ToPrimitive};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{Exports, Json};

/// A decimal number without rounding, as Terraform has it. Cloning is cheap, and a value stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number(Digits);

/// How a number is kept: whatever fits an `i64` is one, so that equal numbers are kept alike.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Digits {
    Integer(i64),
    Decimal(Arc<BigDecimal>),
}

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
        let integer = if decimal.is_integer() { decimal.to_i64() } else { None };
        Self(integer.map_or_else(|| Digits::Decimal(Arc::new(decimal)), Digits::Integer))
    }

    /// Returns the decimal itself.
    pub(crate) fn decimal(&self) -> Cow<'_, BigDecimal> {
        match &self.0 {
            Digits::Integer(integer) => Cow::Owned(BigDecimal::from(*integer)),
            Digits::Decimal(decimal) => Cow::Borrowed(decimal),
        }
    }

    /// Returns the integer, where it is one and fits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Digits::Integer(integer) => Some(*integer),
            Digits::Decimal(_) => None,
        }
    }

    /// Returns the nearest double.
    pub(crate) fn as_f64(&self) -> f64 {
        self.decimal().to_f64().unwrap_or(f64::NAN)
    }

    /// Returns the number as JSON: an integer where it is one and fits, else a double.
    pub(crate) fn to_json(&self) -> Json {
        match self.as_i64() {
            Some(integer) => Json::from(integer),
            None => Json::from(self.as_f64()),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.as_i64(), other.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => self.decimal().cmp(&other.decimal()),
        }
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self(Digits::Integer(integer))
    }
}

impl FromStr for Number {
    type Err = ParseBigDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse::<i64>() {
            Ok(integer) => Ok(Self::from(integer)),
            Err(_) => text.parse::<BigDecimal>().map(Self::new),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Digits::Integer(integer) => integer.fmt(f),
            Digits::Decimal(decimal) => f.write_str(&decimal.normalized().to_plain_string()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().expect("a number")
    }

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        for (one, other) in
            [("1", "1.0"), ("100", "1e2"), ("0", "-0"), ("9223372036854775807", "9223372036854775807.0")]
        {
            assert_eq!(number(one), number(other), "{one} {other}");
        }
        assert_ne!(number("9223372036854775807"), number("9223372036854775808"));
    }

    #[test]
    fn numbers_are_in_order_whatever_their_size() {
        let texts = ["-9223372036854775809", "-9223372036854775808", "-0.5", "0", "0.5", "1", "9223372036854775808"];
        assert!(texts.map(number).is_sorted_by(|left, right| left < right));
    }

    #[test]
    fn a_number_is_written_plainly() {
        for (text, expected) in [("1e3", "1000"), ("1.50", "1.5"), ("-0.0", "0"), ("1e20", "100000000000000000000")] {
            assert_eq!(number(text).to_string(), expected);
        }
    }
}

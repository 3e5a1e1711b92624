//! The arguments of a call, checked and converted, read by place.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::call::FunctionError;
use crate::model::{Number, Value};

/// The arguments of a call. They have the types that the table declares.
#[derive(Debug)]
pub(super) struct Arguments(pub Vec<Value>);

impl Arguments {
    /// Returns an argument of any type.
    pub(super) fn value(&self, index: usize) -> &Value {
        &self.0[index]
    }

    /// Returns the arguments from this place on.
    pub(super) fn rest(&self, from: usize) -> &[Value] {
        self.0.get(from..).unwrap_or_default()
    }

    pub(super) fn string(&self, index: usize) -> &str {
        match &self.0[index] {
            Value::String(text) => text,
            other => unreachable!("argument {index} is declared a string, not {}", other.type_name()),
        }
    }

    pub(super) fn number(&self, index: usize) -> &Number {
        match &self.0[index] {
            Value::Number(number) => number,
            other => unreachable!("argument {index} is declared a number, not {}", other.type_name()),
        }
    }

    pub(super) fn list(&self, index: usize) -> &[Value] {
        match &self.0[index] {
            Value::List(items) => items,
            other => unreachable!("argument {index} is declared a list, not {}", other.type_name()),
        }
    }

    pub(super) fn map(&self, index: usize) -> &BTreeMap<Arc<str>, Value> {
        match &self.0[index] {
            Value::Map(entries) => entries,
            other => unreachable!("argument {index} is declared a map, not {}", other.type_name()),
        }
    }

    /// Returns a number that must be whole and fit.
    pub(super) fn integer(&self, index: usize) -> Result<i64, FunctionError> {
        let number = self.number(index);
        number.as_i64().ok_or_else(|| {
            FunctionError::at(index, format!("value must be a whole number, between {} and {}", i64::MIN, i64::MAX))
        })
    }

    /// Returns a number that must be whole, not negative, and fit.
    pub(super) fn natural(&self, index: usize) -> Result<usize, FunctionError> {
        let integer = self.integer(index)?;
        usize::try_from(integer).map_err(|_| FunctionError::at(index, "the value must be zero or greater"))
    }

    /// Returns the texts of a list of strings, none of which may be null.
    pub(super) fn strings(&self, index: usize) -> Result<Vec<&str>, FunctionError> {
        let texts = self.list(index).iter().enumerate().map(|(place, item)| match item {
            Value::String(text) => Ok(&**text),
            _ => Err(FunctionError::at(index, format!("element {place} is null"))),
        });
        texts.collect()
    }
}

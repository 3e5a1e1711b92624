//! The table of all functions, from which calls, documentation and suggestions derive.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::arguments::Arguments;
use super::call::{Environment, Outcome};
use super::{
    collection, conversion, encoding, filesystem, format, hash, kubernetes, map, matching, network, numeric, set,
    string, time,
};
use crate::eval::types::Type;
use crate::model::Value;

/// One function.
#[derive(Debug)]
pub(crate) struct Function {
    pub name: &'static str,
    /// What it does, as a sentence.
    pub about: &'static str,
    pub parameters: &'static [Parameter],
    /// What any number of further arguments must be; none where there may be no more.
    pub rest: Option<Parameter>,
    pub(super) run: Run,
}

/// One parameter of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub name: &'static str,
    /// What it is for, as a phrase.
    pub about: &'static str,
    pub accepts: Accepts,
    pub nullable: bool,
    pub(super) parts: Parts,
}

/// The types that parameters have; arguments are converted to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepts {
    Any,
    String,
    Number,
    /// Any one type for all elements.
    List,
    Strings,
    Bools,
    /// Any one type for all members.
    Set,
    MapOfStrings,
}

/// What is done about unknown and sensitive parts of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// An unknown part makes the result unknown, a sensitive part makes it sensitive.
    Whole,
    /// So does the argument itself; parts of it are left as they are, for the result holds them.
    Apart,
    /// The function sees the argument as it is.
    Raw,
}

/// Who carries a function out.
#[derive(Debug)]
pub(super) enum Run {
    Plain(fn(&Arguments) -> Outcome),
    /// It cannot fail once its arguments are of the right types.
    Sure(fn(&Arguments) -> Value),
    /// It needs files or the time.
    Within(fn(&Arguments, &Environment<'_>) -> Outcome),
    /// It needs them, and cannot fail.
    SureWithin(fn(&Arguments, &Environment<'_>) -> Value),
    /// It takes expressions or templates, not values: the evaluator.
    Evaluator,
}

/// The functions by subject, one file each.
const GROUPS: &[&[Function]] = &[
    collection::FUNCTIONS,
    conversion::FUNCTIONS,
    encoding::FUNCTIONS,
    filesystem::FUNCTIONS,
    format::FUNCTIONS,
    hash::FUNCTIONS,
    kubernetes::FUNCTIONS,
    map::FUNCTIONS,
    matching::FUNCTIONS,
    network::FUNCTIONS,
    numeric::FUNCTIONS,
    set::FUNCTIONS,
    string::FUNCTIONS,
    time::FUNCTIONS,
];

static TABLE: LazyLock<BTreeMap<&'static str, &'static Function>> =
    LazyLock::new(|| GROUPS.iter().copied().flatten().map(|function| (function.name, function)).collect());

/// Returns every function, by name.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    TABLE.values().copied()
}

/// Returns the names of all functions, in order, those that the evaluator carries out included.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.keys().copied()
}

/// Returns the function with this name, `core::` before it or not.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLE.get(name.strip_prefix("core::").unwrap_or(name)).copied()
}

impl Function {
    /// Returns the parameter that takes the argument at this place.
    pub(crate) fn parameter(&self, index: usize) -> Option<&Parameter> {
        self.parameters.get(index).or(self.rest.as_ref())
    }

    /// Returns how it is called, such as `join(separator, lists...)`.
    pub(crate) fn signature(&self) -> String {
        let mut names: Vec<_> = self.parameters.iter().map(|parameter| parameter.name.to_owned()).collect();
        names.extend(self.rest.map(|rest| format!("{}...", rest.name)));
        format!("{}({})", self.name, names.join(", "))
    }
}

impl Parameter {
    pub(super) const fn new(name: &'static str, accepts: Accepts, about: &'static str) -> Self {
        Self { name, about, accepts, nullable: false, parts: Parts::Whole }
    }

    pub(super) const fn any(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Accepts::Any, about)
    }

    pub(super) const fn string(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Accepts::String, about)
    }

    pub(super) const fn number(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Accepts::Number, about)
    }

    pub(super) const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(super) const fn apart(self) -> Self {
        Self { parts: Parts::Apart, ..self }
    }

    pub(super) const fn raw(self) -> Self {
        Self { parts: Parts::Raw, ..self }
    }
}

impl Accepts {
    /// Returns the type constraint.
    pub(crate) fn to_type(self) -> Type {
        match self {
            Self::Any => Type::Any,
            Self::String => Type::String,
            Self::Number => Type::Number,
            Self::List => Type::list(Type::Any),
            Self::Strings => Type::list(Type::String),
            Self::Bools => Type::list(Type::Bool),
            Self::Set => Type::set(Type::Any),
            Self::MapOfStrings => Type::map(Type::list(Type::String)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        assert_eq!(GROUPS.iter().map(|group| group.len()).sum::<usize>(), all().count());
    }

    #[test]
    fn signatures_name_the_parameters() {
        assert_eq!(find("core::join").unwrap().signature(), "join(separator, lists...)");
    }
}

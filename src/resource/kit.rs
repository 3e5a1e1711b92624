//! What every resource type is made of.
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Segment;

use crate::model::{Address, Carried, Generated, Json, Judge, Object, Severity, Value};

/// One kind of `resource` block. Everything else (help, schema, reference page, tests) is derived from it.
pub(crate) trait ResourceType: Sync {
    /// The first label of the block, such as `ray_head`.
    fn name(&self) -> &'static str;

    /// The JSON schema of the arguments, with docs: `schemars::schema_for!(Arguments)`.
    ///
    /// Extensions: `x-block: true` on a property that is written as a block (an array of objects may
    /// be repeated); `x-label: "name"` on a block whose label fills that field.
    fn schema(&self) -> Schema;

    /// What other resources can refer to, as `(name, what it is)`.
    fn exports(&self) -> &'static [(&'static str, &'static str)];

    /// A complete configuration that uses it; tests apply it twice.
    fn example(&self) -> &'static str;

    /// Turns checked arguments into objects. Texts may hold `model::UNKNOWN`.
    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>>;
}

/// What a resource type may know beside its arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub address: &'a Address,
    /// The blocks that refer to this one as a whole.
    pub referrers: &'a [Referrer],
}

/// A block that refers to a resource as a whole, such as an autoscaler's `target = ray_worker_pool.cpu`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub address: Address,
    /// The attribute that holds the reference, such as `target`.
    pub attribute: String,
    /// The names of all attributes and blocks that the referring block sets at its top level.
    pub sets: BTreeSet<String>,
}

/// What a resource stands for.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    pub objects: Vec<ExpandedObject>,
    pub exports: BTreeMap<String, Value>,
    pub on_restart: Option<String>,
    pub on_delete: Option<String>,
    pub before_delete: Vec<Object>,
    /// Warnings and remarks; errors are the other arm of the result.
    pub problems: Vec<Problem>,
}

/// One object of an expansion; `eval` adds the line and the unknown and sensitive marks.
#[derive(Debug)]
pub(crate) struct ExpandedObject {
    pub object: Object,
    pub judge: Judge,
    pub carried: Vec<Carried>,
    pub generated: BTreeMap<String, Generated>,
    pub wait: bool,
    /// The argument that it comes from, as in [`Problem::argument`]; empty for the block.
    pub argument: String,
    /// Where in that argument, such as `line 12 of the text`; empty where there is no more to say.
    pub place: String,
}

/// A finding about one argument; `eval` turns it into a diagnostic with the argument's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub severity: Severity,
    /// Such as `RF101`.
    pub code: Option<&'static str>,
    /// Which argument: names and indices joined by `/` (`storage/size`, `volume/0/claim`); empty for the block.
    pub argument: String,
    pub message: String,
    pub hint: Option<String>,
}

/// A whole resource of one type, passed by reference.
///
/// On the way it is a JSON object of the exports with two more entries, `$type` and `$address`.
#[derive(Clone, Debug)]
pub(crate) struct Reference<T> {
    pub address: String,
    pub exports: BTreeMap<String, Json>,
    target: PhantomData<T>,
}

/// The resource type that a [`Reference`] must lead to.
pub(crate) trait Target {
    const NAME: &'static str;
}

impl Problem {
    /// Returns an error about one argument.
    pub(crate) fn error(argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code: None, argument: argument.into(), message: message.into(), hint: None }
    }

    /// Returns a warning about one argument.
    pub(crate) fn warning(argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(argument, message) }
    }

    /// Returns a remark about one argument.
    pub(crate) fn info(argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(argument, message) }
    }

    /// Adds the one sentence that helps.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Gives the code of the check that speaks.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }
}

impl ExpandedObject {
    /// Returns an object that apply waits for.
    pub(crate) fn new(object: Object, judge: Judge) -> Self {
        Self {
            object,
            judge,
            carried: Vec::new(),
            generated: BTreeMap::new(),
            wait: true,
            argument: String::new(),
            place: String::new(),
        }
    }
}

/// Reads arguments into the struct of a resource type.
pub(crate) fn parse<T: DeserializeOwned>(arguments: Json) -> Result<T, Vec<Problem>> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let step = |segment: &Segment| match segment {
            Segment::Seq { index } => index.to_string(),
            other => other.to_string(),
        };
        let argument = error.path().iter().map(step).collect::<Vec<_>>().join("/");
        vec![Problem::error(argument, reworded(&error.inner().to_string()))]
    })
}

/// Says of a number that does not fit what is wrong with it, where serde names a type of Rust.
fn reworded(message: &str) -> String {
    let is_whole = |expected: &str| matches!(expected, "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64");
    let number = || message.split('`').nth(1);
    match message.rsplit_once(", expected ") {
        Some((found, expected)) if is_whole(expected) => match number() {
            Some(number) if found.contains("floating point") => format!("`{number}` is not a whole number"),
            Some(number) if number.starts_with('-') => format!("`{number}` is less than nothing"),
            Some(number) if found.contains("integer") => format!("`{number}` is too large"),
            _ => message.to_owned(),
        },
        _ => message.to_owned(),
    }
}

impl<T: Target> Reference<T> {
    /// Returns an exported text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.exports.get(name).and_then(Json::as_str).unwrap_or_default()
    }
}

impl<'de, T: Target> Deserialize<'de> for Reference<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = T::NAME;
        let mut exports: BTreeMap<String, Json> = match Json::deserialize(deserializer)? {
            Json::Object(entries) => entries.into_iter().collect(),
            _ => return Err(D::Error::custom(format!("expected a whole `{wanted}`, such as `{wanted}.main`"))),
        };
        let mut take = |name| exports.remove(name).and_then(|value| value.as_str().map(str::to_owned));
        match (take("$type"), take("$address")) {
            (Some(found), Some(address)) if found == wanted => Ok(Self { address, exports, target: PhantomData }),
            (Some(found), _) => Err(D::Error::custom(format!("expected a `{wanted}`, found a `{found}`"))),
            _ => Err(D::Error::custom(format!("expected a whole `{wanted}`, such as `{wanted}.main`"))),
        }
    }
}

impl<T: Target> JsonSchema for Reference<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("reference_to_{}", T::NAME).into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "object",
            "x-reference": T::NAME,
            "description": format!("A whole `{}`, such as `{}.main`.", T::NAME, T::NAME),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: Json, expected: &str) {
        let problems = parse::<BTreeMap<String, u32>>(arguments).expect_err("it is no count");
        assert_eq!(problems[0].message, expected);
    }

    #[test]
    fn a_number_that_is_no_count_is_told_without_types_of_rust() {
        check(serde_json::json!({"gpu": 0.5}), "`0.5` is not a whole number");
        check(serde_json::json!({"gpu": -1}), "`-1` is less than nothing");
        check(serde_json::json!({"gpu": 5_000_000_000_u64}), "`5000000000` is too large");
    }
}

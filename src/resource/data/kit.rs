//! What a data source says of itself, and what several of them share.
use std::collections::BTreeMap;

use schemars::Schema;

use super::super::kit::Problem;
use crate::model::{Json, Object, Question, Value};

/// A type of `data` block.
pub(crate) trait DataSource: Sync {
    /// The first label of the block, such as `storage_class`.
    fn name(&self) -> &'static str;

    /// The JSON schema of the arguments, with docs; extensions as those of resource types.
    fn schema(&self) -> Schema;

    /// What can be referred to, as `(name, what it is)`.
    fn exports(&self) -> &'static [(&'static str, &'static str)];

    /// The exports that must not be shown.
    fn secrets(&self, _arguments: &Json) -> &'static [&'static str] {
        &[]
    }

    /// A complete configuration that uses it; tests apply it twice.
    fn example(&self) -> &'static str;

    /// Returns what to ask the cluster for. Nothing in the arguments is unknown.
    fn question(&self, arguments: Json) -> Result<Question, Vec<Problem>>;

    /// Returns what can be referred to, from what was found for its question.
    fn answer(&self, question: &Question, found: &[Object]) -> Result<BTreeMap<String, Value>, Problem>;
}

/// Returns the object that was asked for by its name.
pub(super) fn one<'o>(question: &Question, found: &'o [Object]) -> Result<&'o Object, Problem> {
    found.first().ok_or_else(|| {
        let kind = &question.kind.kind;
        let name = match &question.which {
            crate::model::Which::Named(name) => name.as_str(),
            crate::model::Which::Labelled(_) => "",
        };
        let name = question.namespace.as_ref().map_or_else(|| name.to_owned(), |it| format!("{it}/{name}"));
        let hint = "where this configuration makes it, name the resource in `depends_on`: it is read when that is up";
        Problem::error("name", format!("there is no {kind} `{name}`")).hint(hint)
    })
}

/// Returns the map of texts at a pointer; an empty one where there is none.
pub(super) fn texts(object: &Object, pointer: &str) -> Value {
    let entries = object.pointer(pointer).and_then(Json::as_object);
    let texts = entries.into_iter().flatten().filter_map(|(name, value)| Some((name, Value::string(value.as_str()?))));
    Value::map(texts)
}

/// Returns the text at a pointer, else null.
pub(super) fn text(object: &Object, pointer: &str) -> Value {
    object.text(pointer).map_or(Value::Null, Value::string)
}

/// Returns labels, annotations, name and uid.
pub(super) fn metadata(object: &Object) -> BTreeMap<String, Value> {
    let values = [
        ("name", Value::string(object.name())),
        ("uid", text(object, "/metadata/uid")),
        ("labels", texts(object, "/metadata/labels")),
        ("annotations", texts(object, "/metadata/annotations")),
    ];
    values.map(|(name, value)| (name.to_owned(), value)).into()
}

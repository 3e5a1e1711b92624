//! What the tests of resource types share: expanding blocks written as JSON, and references between them.
use serde_json::json;

use super::kit::{Context, Expansion, Problem, Referrer};
use crate::model::{Address, Exports, Json, UNKNOWN, Value};

/// Expands a block `type "main"`.
pub(crate) fn expand(resource_type: &str, arguments: Json) -> Result<Expansion, Vec<Problem>> {
    expand_named(resource_type, "main", arguments, &[])
}

/// Expands a block to which others refer, as `(type, attribute)`.
pub(crate) fn expand_named(
    resource_type: &str,
    name: &str,
    arguments: Json,
    referrers: &[(&str, &str)],
) -> Result<Expansion, Vec<Problem>> {
    let address = Address::root(resource_type, name);
    let referrers: Vec<Referrer> = referrers
        .iter()
        .map(|(resource_type, attribute)| Referrer {
            address: Address::root(resource_type, "other"),
            attribute: (*attribute).to_owned(),
            sets: [(*attribute).to_owned()].into(),
        })
        .collect();
    let context = Context { address: &address, referrers: &referrers };
    super::find(resource_type).expect("a resource type").expand(arguments, &context)
}

/// Returns what a reference to a resource looks like as an argument.
pub(crate) fn reference(resource_type: &str, name: &str, expansion: &Expansion) -> Json {
    let mut json = to_json(&Value::map(expansion.exports.iter().map(|(name, value)| (name, value.clone()))));
    json["$type"] = json!(resource_type);
    json["$address"] = json!(Address::root(resource_type, name).to_string());
    json
}

/// Returns the codes of all problems, errors or not, each with its argument.
pub(crate) fn codes(result: &Result<Expansion, Vec<Problem>>) -> Vec<String> {
    let problems = match result {
        Ok(expansion) => &expansion.problems,
        Err(problems) => problems,
    };
    problems.iter().filter_map(|problem| Some(format!("{} {}", problem.code?, problem.argument))).collect()
}

/// Returns the messages of the errors.
pub(crate) fn errors(result: &Result<Expansion, Vec<Problem>>) -> Vec<String> {
    let problems = result.as_ref().err().cloned().unwrap_or_default();
    let errors = problems.iter().filter(|problem| problem.severity == crate::model::Severity::Error);
    errors.map(|problem| format!("{}: {}", problem.argument, problem.message)).collect()
}

/// Returns all objects as YAML documents.
pub(crate) fn yaml(expansion: &Expansion) -> String {
    let documents = expansion.objects.iter().map(|object| object.object.json());
    let documents = documents.chain(expansion.before_delete.iter().map(crate::model::Object::json));
    documents.map(|json| serde_saphyr::to_string(json).expect("objects are YAML")).collect::<Vec<_>>().join("---\n")
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Number(number) => number.to_json(),
        Value::String(text) => json!(&**text),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Set(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => entries.iter().map(|(name, value)| (name.to_string(), to_json(value))).collect(),
        Value::Unknown => json!(UNKNOWN),
        Value::Sensitive(inner) => to_json(inner),
        Value::Resource(exports) => resource(exports),
    }
}

fn resource(exports: &Exports) -> Json {
    exports.values.iter().map(|(name, value)| (name.clone(), to_json(value))).collect()
}

//! What the tests of data sources share.
use super::DataSource;
use crate::model::{Json, Object, Value, Which};

fn find(name: &str) -> &'static dyn DataSource {
    super::all().iter().copied().find(|source| source.name() == name).expect("a data source")
}

/// Returns what a block asks for, in words.
pub(super) fn question(name: &str, arguments: Json) -> String {
    let question = find(name).question(arguments).expect("right arguments");
    let kind = format!("{} {}", question.kind.api_version(), question.kind.kind);
    let namespace = question.namespace.map(|namespace| namespace + "/").unwrap_or_default();
    match question.which {
        Which::Named(name) => format!("{kind} named {namespace}{name}"),
        Which::Labelled(selector) => format!("{kind} labelled {selector}"),
    }
}

/// Returns what can be referred to, as JSON.
pub(super) fn answer(name: &str, arguments: Json, found: &[Json]) -> Json {
    let source = find(name);
    let question = source.question(arguments).expect("right arguments");
    let exports = source.answer(&question, &objects(found)).expect("an answer");
    let declared: Vec<&str> = source.exports().iter().map(|(name, _)| *name).collect();
    assert!(exports.keys().all(|name| declared.contains(&name.as_str())) && exports.len() == declared.len());
    exports.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}

/// Returns why there is no answer.
pub(super) fn failure(name: &str, arguments: Json, found: &[Json]) -> String {
    let question = find(name).question(arguments).expect("right arguments");
    let problem = find(name).answer(&question, &objects(found)).expect_err("no answer");
    format!("{}: {}", problem.argument, problem.message)
}

fn objects(found: &[Json]) -> Vec<Object> {
    found.iter().map(|json| Object::new(json.clone()).expect("an object")).collect()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Bool(bool) => Json::from(*bool),
        Value::Number(number) => number.to_json(),
        Value::String(text) => Json::from(&**text),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|(name, value)| (name.to_string(), json(value))).collect(),
        Value::Sensitive(inner) => json(inner),
        _ => Json::Null,
    }
}

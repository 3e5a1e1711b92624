//! Runs the table of expressions in `tests/data/expressions.json`; a plan of Terraform 1.11 gave the answers.
//!
//! `$unknown` and `$sensitive` stand for what is known only after apply and for what must not be shown.
//! A row with `why` is one where ours differs on purpose: `terraform` is what Terraform has.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::super::expression::evaluate;
use super::super::functions::{Environment, ReadError, call};
use super::super::scope::{Instance, Roots, Scope};
use crate::config::parse_expression;
use crate::model::{FileId, Value};

const TABLE: &str = include_str!("../../../tests/data/expressions.json");

/// Returns a value in the form of the table: sets as lists, marks as objects.
fn shown(value: &Value) -> Value {
    match value {
        Value::Unknown => Value::map([("$unknown", Value::Bool(true))]),
        Value::Sensitive(inner) => Value::map([("$sensitive", shown(&super::super::inspect::unmark_deep(inner).0))]),
        Value::List(items) => Value::list(items.iter().map(shown).collect()),
        Value::Set(items) => Value::list(items.iter().map(shown).collect()),
        Value::Map(entries) => Value::map(entries.iter().map(|(name, entry)| (name, shown(entry)))),
        other => other.clone(),
    }
}

fn environment() -> Environment<'static> {
    Environment {
        folder: Path::new("/"),
        place: Path::new("."),
        root: Path::new("/"),
        home: None,
        now: super::NOW,
        workspace: "default",
        read: &|_| Err(ReadError::Outside),
        list: &|_| Err(ReadError::Outside),
    }
}

/// Calls a function that cannot fail.
fn sure(name: &str, argument: &Value) -> Value {
    call(name, std::slice::from_ref(argument), &environment()).expect(name)
}

/// Evaluates a text in which the given names have a meaning.
fn run(text: &str, names: &BTreeMap<Arc<str>, Value>) -> Result<Value, String> {
    let (roots, instance, environment) = (Roots::default(), Instance::Single, environment());
    let scope = Scope {
        newer: None,
        roots: &roots,
        names: Some(names),
        instance: &instance,
        environment: &environment,
        templates: 0,
    };
    let parsed = parse_expression(text, FileId(0)).map_err(|error| error.to_string())?;
    evaluate(&parsed, &scope, None).map_err(|error| error.to_string())
}

fn entries(value: &Value) -> &BTreeMap<Arc<str>, Value> {
    if let Value::Map(entries) = value { entries } else { panic!("not an object: {value:?}") }
}

fn rows(value: &Value) -> &[Value] {
    if let Value::List(items) = value { items } else { panic!("not a list: {value:?}") }
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    match entries(row).get(name) {
        Some(Value::String(text)) => text,
        other => panic!("{name} is {other:?}"),
    }
}

/// Returns the names of the table's `locals`, each of which may refer to those before it.
fn names(table: &Value) -> BTreeMap<Arc<str>, Value> {
    let mut locals = BTreeMap::new();
    let bind = |locals: &BTreeMap<Arc<str>, Value>| {
        BTreeMap::from([("local".into(), Value::Map(Arc::new(locals.clone()))), ("unknown".into(), Value::Unknown)])
    };
    for row in rows(&entries(table)["locals"]) {
        let value = run(text(row, "expression"), &bind(&locals)).expect("a local has a value");
        locals.insert(text(row, "name").into(), value);
    }
    bind(&locals)
}

#[test]
fn expressions_give_terraforms_results() {
    let table = sure("jsondecode", &Value::string(TABLE));
    let names = names(&table);
    let mut wrong = Vec::new();
    for row in rows(&entries(&table)["cases"]) {
        let expression = text(row, "expression");
        let actual = run(expression, &names).map(|value| sure("jsonencode", &shown(&value)));
        let actual = actual.map_err(Value::string);
        let expected = match entries(row).get("expected") {
            Some(expected) => Ok(sure("jsonencode", expected)),
            None => Err(Value::string(text(row, "says"))),
        };
        if actual != expected {
            wrong.push(format!("{expression}\n  is       {actual:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

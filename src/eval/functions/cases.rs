//! Runs the table of cases in `tests/data/functions.json`; `terraform console` 1.11 gave the answers.
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

use super::call::{Environment, FunctionError, ReadError, call};
use super::json;
use super::table::{Run, all, find};
use crate::model::Value;

const TABLE: &str = include_str!("../../../tests/data/functions.json");

/// The folder of `tests/data/functions`.
const FILES: [(&str, &[u8]); 8] = [
    ("bytes.bin", include_bytes!("../../../tests/data/functions/bytes.bin")),
    ("empty.txt", include_bytes!("../../../tests/data/functions/empty.txt")),
    ("greeting.tftpl", include_bytes!("../../../tests/data/functions/greeting.tftpl")),
    ("hello.txt", include_bytes!("../../../tests/data/functions/hello.txt")),
    ("nested/.hidden", include_bytes!("../../../tests/data/functions/nested/.hidden")),
    ("nested/a.txt", include_bytes!("../../../tests/data/functions/nested/a.txt")),
    ("nested/b.md", include_bytes!("../../../tests/data/functions/nested/b.md")),
    ("nested/deep/c.txt", include_bytes!("../../../tests/data/functions/nested/deep/c.txt")),
];

const ROOT: &str = "/root";

fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let relative = path.strip_prefix(ROOT).unwrap();
    let kind = match FILES.iter().find(|(name, _)| Path::new(name) == relative) {
        Some((_, bytes)) => return Ok(bytes.to_vec()),
        None if FILES.iter().any(|(name, _)| Path::new(name).starts_with(relative)) => std::io::ErrorKind::IsADirectory,
        None => std::io::ErrorKind::NotFound,
    };
    Err(ReadError::Io(kind.into()))
}

fn list(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let relative = path.strip_prefix(ROOT).unwrap();
    let below = FILES.iter().filter_map(|(name, _)| Path::new(name).strip_prefix(relative).ok());
    let below: Vec<_> = below.filter(|path| !path.as_os_str().is_empty()).map(Path::to_path_buf).collect();
    if below.is_empty() { Err(ReadError::Io(std::io::ErrorKind::NotFound.into())) } else { Ok(below) }
}

pub(super) fn run(name: &str, arguments: &[Value]) -> Result<Value, FunctionError> {
    let environment = Environment {
        workspace: "default",
        folder: Path::new(ROOT),
        place: Path::new("."),
        root: Path::new(ROOT),
        home: Some(Path::new("/home/user")),
        now: "2026-11-22T21:05:45Z",
        read: &read,
        list: &list,
    };
    call(name, arguments, &environment)
}

fn field<'a>(row: &'a Value, name: &str) -> Option<&'a Value> {
    if let Value::Map(entries) = row { entries.get(name) } else { None }
}

fn text(value: &Value) -> &str {
    if let Value::String(text) = value { text } else { panic!("not a text: {value:?}") }
}

fn items(value: &Value) -> &[Value] {
    if let Value::List(items) = value { items } else { panic!("not a list: {value:?}") }
}

/// Reads `{"$set": […]}` and `{"$sensitive": …}` at every depth.
fn argument(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::list(items.iter().map(argument).collect()),
        Value::Map(entries) => match (entries.get("$set"), entries.get("$sensitive")) {
            (Some(Value::List(items)), _) => Value::Set(Arc::new(items.iter().map(argument).collect())),
            (_, Some(inner)) => argument(inner).sensitive(),
            _ => Value::map(entries.iter().map(|(name, value)| (name, argument(value)))),
        },
        other => other.clone(),
    }
}

/// There are several ways to compress the same text.
fn inflate(quoted: &str) -> String {
    let bytes = STANDARD.decode(quoted.trim_matches('"')).unwrap();
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// What is said must share a word with Terraform's message.
fn shares_a_word(ours: &str, theirs: &str) -> bool {
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| word.len() > 2);
        words
            .map(str::to_lowercase)
            .filter(|word| !["the", "must", "value", "invalid", "for"].contains(&word.as_str()))
            .collect()
    };
    !words(ours).is_disjoint(&words(theirs))
}

#[test]
fn functions_give_terraforms_results() {
    let mut wrong = Vec::new();
    for row in items(&json::decode(TABLE).unwrap()) {
        let function = find(text(field(row, "function").unwrap())).unwrap();
        if matches!(function.run, Run::Evaluator) {
            continue;
        }
        let expression = text(field(row, "expression").unwrap());
        let arguments: Vec<_> = items(field(row, "arguments").unwrap()).iter().map(argument).collect();
        let actual = run(function.name, &arguments);
        match (actual, field(row, "expected"), field(row, "error")) {
            (Ok(value), Some(expected), _) => {
                let (actual, expected) = (json::encode(&value).unwrap(), json::encode(expected).unwrap());
                let is_same = if function.name == "base64gzip" {
                    inflate(&actual) == inflate(&expected)
                } else {
                    actual == expected
                };
                if !is_same {
                    wrong.push(format!("{expression}\n  is       {actual}\n  expected {expected}"));
                }
            }
            (Err(error), _, Some(expected)) => {
                if !shares_a_word(&error.message, text(expected)) {
                    wrong.push(format!("{expression}\n  says     {error}\n  expected {}", text(expected)));
                }
            }
            (actual, expected, error) => {
                let actual = actual.map(|value| json::encode(&value).unwrap()).map_err(|error| error.message);
                wrong.push(format!("{expression}\n  is       {actual:?}\n  expected {:?}", expected.or(error)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_function_of_terraform_has_six_cases() {
    let mut counts = BTreeMap::new();
    for row in items(&json::decode(TABLE).unwrap()) {
        *counts.entry(text(field(row, "function").unwrap()).to_owned()).or_insert(0) += 1;
    }
    let ours = ["dns_label", "plantimestamp", "quantity", "templatestring", "yamldecode_all"];
    let few = all()
        .filter(|function| !ours.contains(&function.name) && counts.get(function.name).is_none_or(|count| *count < 6));
    assert_eq!(few.map(|function| function.name).collect::<Vec<_>>(), Vec::<&str>::new());
}

//! The files in `schemas/` are what `rayform schema --out schemas` writes now, and the reference pages are whole.
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

#[test]
fn the_schemas_are_current() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
    let status = command.args(["schema", "--out"]).arg(folder.path()).status().expect("it runs");
    assert!(status.success());
    let kept = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"));
    assert_eq!(kept, read(folder.path()), "run: cargo run -- schema --out schemas");
    assert!(kept.len() >= 12);
}

#[test]
fn what_the_whole_schema_refers_to_is_there() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/configuration.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a text")).expect("JSON");
    let mut count = 0;
    each(&schema, &mut |object| {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            assert!(schema.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
            count += 1;
        }
        assert!(object.keys().all(|key| key != "x-reference"), "a reference is a template in JSON: {object:?}");
    });
    assert!(count > 100);
}

#[test]
fn every_type_has_a_page_that_names_every_argument() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
    let status = command.args(["schema", "--format", "markdown", "--out"]).arg(folder.path()).status();
    assert!(status.expect("it runs").success());
    let pages = read(folder.path());
    let language = &pages["language.md"];
    for (name, schema) in read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")) {
        let name = name.trim_end_matches(".json");
        if name == "configuration" {
            continue;
        }
        assert!(language.contains(&format!("[`{name}`]({name}.md)")), "{name} is missing");
        let (page, schema) = (&pages[&format!("{name}.md")], serde_json::from_str(&schema).expect("JSON"));
        assert!(page.contains("## Example\n\n```hcl\n") && page.contains("## Exports"), "{name}");
        each(&schema, &mut |object| {
            let members = object.get("properties").and_then(Value::as_object);
            let missing: Vec<_> =
                members.into_iter().flatten().filter(|(key, _)| !page.contains(key.as_str())).collect();
            assert!(missing.is_empty(), "{name} does not tell {missing:?}");
        });
    }
}

/// Calls `found` with every object in a value.
fn each(value: &Value, found: &mut dyn FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            found(object);
            object.values().for_each(|inner| each(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| each(inner, found)),
        _ => {}
    }
}

/// Returns the files of a folder, by name.
fn read(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    let read = |path: &Path| std::fs::read_to_string(path).expect("a text");
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(&entry.path()))).collect()
}

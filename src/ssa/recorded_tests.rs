//! Runs answers that a real API server (Kubernetes 1.36) gave against ours: `tests/data/ssa-server.jsonl`.
//!
//! A `proof` line holds an object as a user wrote it and what the server kept of its canonical form; applying it again was
//! a no-op. `apply` and `update` lines hold one request, what was live before it, and `managedFields` after it.
use serde_json::json;

use super::fields::FieldSet;
use super::{Proof, Schema, Schemas, apply, canonical, prove, update};
use crate::model::{Json, Object};

static RECORDED: &str = include_str!("../../tests/data/ssa-server.jsonl");
const NOW: &str = "2030-01-01T00:00:00Z";

/// Calls back with every line of an operation, and the schema of its object.
fn each(operation: &str, mut check: impl FnMut(&Json, &Schema)) {
    let (mut schemas, mut count) = (Schemas::built_in(), 0);
    for line in RECORDED.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        if line["op"] == "definition" {
            schemas.add_definition(&object(&line["object"]).unwrap()).unwrap();
        } else if line["op"] == operation {
            let kind = ["source", "config", "new"].iter().find_map(|field| object(&line[field])).unwrap().kind();
            check(&line, schemas.of(&kind).unwrap());
            count += 1;
        }
    }
    assert!(count > 0, "no {operation} is recorded");
}

fn object(json: &Json) -> Option<Object> {
    Object::new(json.clone()).ok()
}

/// The entries without their times, in the order of the server.
fn entries(managed_fields: &Json) -> Vec<Json> {
    let plain = |entry: &Json| {
        let mut entry = entry.clone();
        entry["fieldsV1"] = FieldSet::from_json(&entry["fieldsV1"]).to_json();
        entry["time"] = json!(entry.get("time").is_some());
        entry
    };
    let mut entries: Vec<Json> = managed_fields.as_array().into_iter().flatten().map(plain).collect();
    entries.sort_by_key(Json::to_string);
    entries
}

#[test]
fn what_the_server_kept_is_proven_unchanged() {
    each("proof", |line, schema| {
        let desired = canonical(object(&line["source"]).unwrap(), Some(schema));
        let proof = prove(&desired, &object(&line["live"]).unwrap(), schema, "rayform");
        assert_eq!(proof, Proof::Unchanged, "{}", line["step"]);
    });
}

#[test]
fn an_apply_to_what_the_server_kept_changes_nothing() {
    each("proof", |line, schema| {
        let live = object(&line["live"]).unwrap();
        let desired = canonical(object(&line["source"]).unwrap(), Some(schema));
        let again = apply(Some(&live), &desired, schema, "rayform", false, NOW).unwrap();
        assert!(!again.changed, "{}", line["step"]);
    });
}

#[test]
fn every_change_of_a_kept_object_is_seen() {
    each("proof", |line, schema| {
        let live = object(&line["live"]).unwrap();
        let mut source = line["source"].clone();
        source["metadata"]["labels"]["a"] = "changed".into();
        let desired = canonical(object(&source).unwrap(), Some(schema));
        let Proof::Changed { values, released, unowned } = prove(&desired, &live, schema, "rayform") else {
            panic!("{} is no change", line["step"])
        };
        assert_eq!((values.len(), released.len(), unowned.len()), (1, 0, 0), "{}: {values:?}", line["step"]);
        assert_eq!(values[0].0.to_string(), ".metadata.labels.a");
    });
}

#[test]
fn an_apply_leaves_the_managers_that_the_server_left() {
    each("apply", |line, schema| {
        let config = object(&line["config"]).unwrap();
        let (manager, force) = (line["manager"].as_str().unwrap(), line["force"] == true);
        let applied = apply(object(&line["live"]).as_ref(), &config, schema, manager, force, NOW).unwrap();
        let managed_fields = applied.object.pointer("/metadata/managedFields").unwrap();
        assert_eq!(entries(managed_fields), entries(&line["managedFields"]), "{}", line["step"]);
    });
}

#[test]
fn an_update_leaves_the_managers_that_the_server_left() {
    each("update", |line, schema| {
        let new = object(&line["new"]).unwrap();
        let manager = line["manager"].as_str().unwrap();
        let updated = update(object(&line["live"]).as_ref(), &new, schema, manager, None, NOW);
        let managed_fields = updated.pointer("/metadata/managedFields").unwrap_or(&Json::Null);
        assert_eq!(entries(managed_fields), entries(&line["managedFields"]), "{}", line["step"]);
    });
}

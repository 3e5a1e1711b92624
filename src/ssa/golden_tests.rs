//! Runs recorded answers of the real merge library against ours.
//!
//! Each line is one step of a case: an operation on a live value, and what came of it. `RAYFORM_SSA_GOLDEN` puts another
//! file of that form in the place of `tests/data/ssa-golden.jsonl`.
use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::compare::{Comparison, compare};
use super::fields::FieldSet;
use super::owners::{self, Context, Owners};
use super::schema::{Schema, equal};
use super::schemas::named;
use super::typed::validate;
use super::{Proof, prove};
use crate::model::{Json, Object};

/// The live value of a case, and its managers; `true` for those that applied last.
#[derive(Debug, Default)]
struct World {
    live: Option<Json>,
    owners: Owners<String>,
    applied: BTreeMap<String, bool>,
}

/// What came of a step, in the words of the file.
#[derive(Debug)]
struct Outcome {
    result: &'static str,
    error: Option<String>,
    conflicts: Vec<(String, String)>,
    comparison: Comparison,
}

#[test]
fn the_merge_answers_as_the_real_library_does() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ssa-golden.jsonl").to_owned();
    let path = std::env::var("RAYFORM_SSA_GOLDEN").unwrap_or(default);
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut world, mut steps, mut failures) = (World::default(), 0, Vec::new());
    let mut schemas: BTreeMap<String, Schema> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let expected: Json = serde_json::from_str(line).unwrap();
        if expected["step"] == 0 {
            world = World::default();
        }
        steps += 1;
        let name = expected["type"].as_str().unwrap();
        let schema = schemas.entry(name.to_owned()).or_insert_with(|| named(name).unwrap());
        let proof = world.prove(&expected, schema);
        let outcome = world.run(&expected, schema);
        failures.extend(differences(&world, &outcome, &expected));
        failures.extend(wrong_proof(proof.as_ref(), &expected));
    }
    assert!(steps > 0, "{path} is empty");
    assert!(failures.is_empty(), "{} of {steps} steps differ:\n{}", failures.len(), failures.join("\n"));
}

impl World {
    fn run(&mut self, step: &Json, schema: &Schema) -> Outcome {
        let (manager, input) = (step["manager"].as_str().unwrap().to_owned(), &step["input"]);
        let context = Context { of: schema.root(), ignored: &FieldSet::default() };
        let live = self.live.clone().unwrap_or_else(|| json!({}));
        let mut outcome =
            Outcome { result: "changed", error: None, conflicts: Vec::new(), comparison: Comparison::default() };
        match step["op"].as_str().unwrap() {
            "raw" => self.live = Some(input.clone()),
            "update" => {
                let written = owners::update(context, &live, input, &mut self.owners);
                if !written.is_empty() {
                    self.owners.entry(manager.clone()).or_default().extend(written);
                    self.applied.insert(manager, false);
                } else if let Some(applied) = self.applied.get_mut(&manager) {
                    *applied = false;
                }
                self.live = Some(input.clone());
            }
            "apply" => self.apply(step, context, &live, manager, &mut outcome),
            other => panic!("{other} is no operation"),
        }
        let new = self.live.clone().unwrap_or_else(|| json!({}));
        outcome.comparison = compare(&live, &new, schema.root());
        outcome
    }

    fn apply(&mut self, step: &Json, context: Context<'_>, live: &Json, manager: String, outcome: &mut Outcome) {
        let input = &step["input"];
        let violations: Vec<String> = validate(input, context.of).iter().map(ToString::to_string).collect();
        if !violations.is_empty() {
            outcome.result = "typed-error";
            outcome.error = Some(match violations.as_slice() {
                [only] => only.clone(),
                several => format!("errors:\n  {}", several.join("\n  ")),
            });
            return;
        }
        let mut owners = self.owners.clone();
        match owners::apply(context, live, input, &mut owners, &manager, step["force"] == true) {
            Ok(new) => {
                outcome.result = if new.is_some() { "changed" } else { "noop" };
                self.live = new.or_else(|| self.live.take());
                self.owners = owners;
                self.applied.insert(manager, true);
            }
            Err(taking) => {
                outcome.result = "conflict";
                let paths = |(name, set): (&String, &FieldSet)| -> Vec<(String, String)> {
                    set.paths().iter().map(|path| (name.clone(), path.to_string())).collect()
                };
                outcome.conflicts = taking.iter().flat_map(paths).collect();
            }
        }
    }

    /// Returns what the proof says of an apply, before it is made.
    fn prove(&self, step: &Json, schema: &Schema) -> Option<Proof> {
        let whole = |value: &Json, managed_fields: Option<Json>| {
            let mut value = value.clone();
            value["apiVersion"] = "v1".into();
            value["kind"] = "Kind".into();
            value["metadata"]["name"] = "name".into();
            if let Some(managed_fields) = managed_fields {
                value["metadata"]["managedFields"] = managed_fields;
            }
            Object::new(value).unwrap()
        };
        let manager = step["manager"].as_str().unwrap();
        let entry = |(name, set): (&String, &FieldSet)| {
            let operation = if name == manager || self.applied.get(name) == Some(&true) { "Apply" } else { "Update" };
            json!({"manager": name, "operation": operation, "apiVersion": "v1", "fieldsV1": set.to_json()})
        };
        let managed_fields = self.owners.iter().map(entry).collect();
        let live = whole(self.live.as_ref()?, Some(managed_fields));
        (step["op"] == "apply").then(|| prove(&whole(&step["input"], None), &live, schema, manager))
    }

    fn managers(&self) -> Json {
        let entry = |(name, set): (&String, &FieldSet)| {
            (name.clone(), json!({"applied": self.applied.get(name), "set": set.to_json()}))
        };
        Json::Object(self.owners.iter().map(entry).collect::<Map<_, _>>())
    }
}

fn differences(world: &World, outcome: &Outcome, expected: &Json) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, ours: Json, theirs: &Json| {
        if !theirs.is_null() && !equal(&ours, theirs) {
            differences.push(format!(
                "{} step {}: {what}\n  ours   {ours}\n  theirs {theirs}",
                expected["case"], expected["step"]
            ));
        }
    };
    check("result", outcome.result.into(), &expected["result"]);
    if outcome.result == "typed-error" {
        check("error", outcome.error.clone().into(), &expected["error"]);
    }
    let mut conflicts: Vec<Json> =
        outcome.conflicts.iter().map(|(manager, path)| json!({"manager": manager, "path": path})).collect();
    conflicts.sort_by_key(Json::to_string);
    check("conflicts", conflicts.into(), &sorted(&expected["conflicts"]));
    check("live", world.live.clone().unwrap_or_default(), &expected["live"]);
    check("managers", world.managers(), &normalized_managers(&expected["managers"]));
    let paths = |set: &FieldSet| sorted(&set.paths().iter().map(ToString::to_string).collect::<Vec<_>>().into());
    check("added", paths(&outcome.comparison.added), &sorted(&expected["added"]));
    check("modified", paths(&outcome.comparison.modified), &sorted(&expected["modified"]));
    check("removed", paths(&outcome.comparison.removed), &sorted(&expected["removed"]));
    differences
}

fn sorted(list: &Json) -> Json {
    let Json::Array(items) = list else { return list.clone() };
    let mut items = items.clone();
    items.sort_by_key(Json::to_string);
    Json::Array(items)
}

fn normalized_managers(managers: &Json) -> Json {
    let mut managers = managers.clone();
    for (_, manager) in managers.as_object_mut().into_iter().flatten() {
        let set = FieldSet::from_json(&manager["set"]);
        manager["set"] = set.to_json();
    }
    managers
}

/// A proof may miss a no-op where there is an explicit null; else it is exact.
fn wrong_proof(proof: Option<&Proof>, expected: &Json) -> Option<String> {
    let is_noop = expected["result"] == "noop" && expected["managers_changed"] != true;
    let is_unchanged = *proof? == Proof::Unchanged;
    let may_miss = is_noop && expected["input"].to_string().contains("null");
    (is_unchanged != is_noop && !may_miss).then(|| {
        format!("{} step {}: proof {proof:?}\n  theirs {}", expected["case"], expected["step"], expected["result"])
    })
}

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
use super::schemas::Schemas;
use super::typed::validate;
use crate::model::{Json, Kind};

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
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let expected: Json = serde_json::from_str(line).unwrap();
        if expected["step"] == 0 {
            world = World::default();
        }
        steps += 1;
        let schema = schema(expected["type"].as_str().unwrap());
        let outcome = world.run(&expected, &schema);
        failures.extend(differences(&world, &outcome, &expected));
    }
    assert!(steps > 0, "{path} is empty");
    assert!(failures.is_empty(), "{} of {steps} steps differ:\n{}", failures.len(), failures.join("\n"));
}

/// Returns the schema of a type by its OpenAPI name, such as `io.k8s.api.apps.v1.Deployment`.
fn schema(name: &str) -> Schema {
    const DOTTED: [(&str, &str); 9] = [
        ("core", ""),
        ("rbac", "rbac.authorization.k8s.io"),
        ("networking", "networking.k8s.io"),
        ("storage", "storage.k8s.io"),
        ("scheduling", "scheduling.k8s.io"),
        ("coordination", "coordination.k8s.io"),
        ("discovery", "discovery.k8s.io"),
        ("admissionregistration", "admissionregistration.k8s.io"),
        ("apiextensions", "apiextensions.k8s.io"),
    ];
    let parts: Vec<&str> = name.rsplit('.').collect();
    let [kind, version, group, ..] = parts.as_slice() else { panic!("{name} is no type") };
    let group = DOTTED.iter().find(|(short, _)| short == group).map_or(*group, |(_, full)| full);
    let kind = Kind { group: group.to_owned(), version: (*version).to_owned(), kind: (*kind).to_owned() };
    Schemas::built_in().of(&kind).unwrap_or_else(|| panic!("{kind} is not built in")).clone()
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
        if let Err(violation) = validate(input, context.of) {
            outcome.result = "typed-error";
            outcome.error = Some(format!("{}: {}", violation.path, violation.message));
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

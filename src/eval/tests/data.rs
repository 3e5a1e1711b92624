//! `data` blocks: what they ask, what they are with the answers, and when they are read.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::resources::data;
use super::{NOW, evaluated, fails, told};
use crate::config;
use crate::eval::{Evaluation, Inputs, Pass, Read as Reads, Reading, pass};
use crate::model::{Address, Answer, Json, Known, Object, Objects, Read, Secrets, Unresolved, Value, Which};
use crate::resource;

/// What a cluster holds: objects by kind.
fn cluster() -> Vec<Json> {
    let namespace = |name: &str, team: &str| {
        json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": team}},
            "status": {"phase": "Active"},
        })
    };
    vec![
        namespace("a", "red"),
        namespace("b", "blue"),
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"password": "c3dvcmRmaXNo"},
            "metadata": {"name": "s", "namespace": "a"},
        }),
    ]
}

fn answer(read: &Read) -> Answer {
    if &*read.question.kind.kind == "Node" {
        return Err("nodes may not be listed".to_owned());
    }
    let objects = cluster().into_iter().map(|json| Object::new(json).expect("an object"));
    let is_meant = |object: &Object| match &read.question.which {
        Which::Named(name) => object.name() == name && object.kind() == read.question.kind,
        Which::Labelled(_) => object.kind() == read.question.kind,
    };
    Ok(objects.filter(is_meant).collect())
}

/// Evaluates as a plan does, with these resources up; returns how often it was asked, too.
fn planned(text: &str, up: &[&str]) -> (usize, Result<Evaluation, Vec<String>>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("main.rf.hcl"), text).expect("a file");
    let loaded = config::load(folder.path());
    let config = loaded.config.unwrap_or_else(|found| panic!("{:#?}", told(&loaded.sources, &found)));
    let up = up.iter().map(|address| address.parse().expect("an address")).collect();
    let mut reads = Reads { up, ..Reads::default() };
    for round in 0.. {
        let inputs = Inputs {
            assignments: Vec::new(),
            now: NOW.to_owned(),
            home: None,
            workspace: "default".to_owned(),
            resource_types: resource::all(),
            reading: Reading::From(reads.clone()),
        };
        let Pass { result, wanted, .. } = pass(&config, &inputs, &mut Secrets::default());
        if wanted.is_empty() {
            return (round, result.map_err(|found| told(&loaded.sources, &found)));
        }
        reads.answers.extend(wanted.into_iter().map(|read| (read.clone(), answer(&read))));
    }
    unreachable!("every round answers something")
}

#[track_caller]
fn plans(text: &str, up: &[&str]) -> (usize, Evaluation) {
    let (rounds, result) = planned(text, up);
    (rounds, result.unwrap_or_else(|found| panic!("{found:#?}")))
}

#[track_caller]
fn refuses(text: &str, expected: &[&str]) {
    assert_eq!(planned(text, &[]).1.map(|_| ()), Err(expected.iter().map(ToString::to_string).collect()));
}

fn entry(evaluation: &Evaluation, address: &str, key: &str) -> Json {
    data(&evaluation.desired.resources[&address.parse().expect("an address")], key).clone()
}

/// A ConfigMap with one entry.
fn config_map(value: &str) -> String {
    format!("resource \"config_map\" \"c\" {{\n  namespace = \"x\"\n  data = {{ value = {value} }}\n}}\n")
}

const NAMESPACE: &str = "data \"namespace\" \"a\" {\n  name = \"a\"\n}\n";

#[test]
fn what_is_read_can_be_referred_to() {
    let text = NAMESPACE.to_owned() + &config_map("data.namespace.a.labels[\"team\"]");
    let (rounds, evaluation) = plans(&text, &[]);
    assert_eq!((rounds, entry(&evaluation, "config_map.c", "value")), (1, json!("red")));
}

#[test]
fn what_is_asked_may_depend_on_an_answer() {
    let second =
        "data \"namespace\" \"second\" {\n  name = data.namespace.a.labels.team == \"red\" ? \"b\" : \"?\"\n}\n";
    let (rounds, evaluation) =
        plans(&(NAMESPACE.to_owned() + second + &config_map("data.namespace.second.labels.team")), &[]);
    assert_eq!((rounds, entry(&evaluation, "config_map.c", "value")), (2, json!("blue")));
}

#[test]
fn instances_may_come_from_an_answer_and_have_keys() {
    let text = r#"
data "namespace" "all" {
  for_each = toset(["a", "b"])
  name     = each.key
}
resource "config_map" "c" {
  for_each  = { for name, it in data.namespace.all : it.labels.team => name }
  namespace = "x"
  data      = { value = each.value }
}
"#;
    let (_, evaluation) = plans(text, &[]);
    assert_eq!(entry(&evaluation, "config_map.c[\"red\"]", "value"), json!("a"));
    assert_eq!(entry(&evaluation, "config_map.c[\"blue\"]", "value"), json!("b"));
}

#[test]
fn a_secret_is_marked_wherever_it_goes() {
    let text = "data \"secret\" \"s\" {\n  name = \"s\"\n  namespace = \"a\"\n}\n".to_owned()
        + &config_map("\"p=${data.secret.s.data.password}\"");
    let (_, evaluation) = plans(&text, &[]);
    let objects = evaluation.desired.resources[&Address::root("config_map", "c")].objects.known();
    assert!(objects[0].sensitive.contains("/data/value") && evaluation.desired.secrets.taints("swordfish"));
    let shown = text + "output \"o\" {\n  value = data.secret.s.data\n}\n";
    let found = planned(&shown, &[]).1.map(|_| ()).expect_err("a sensitive output");
    assert!(found[0].contains("output `o` shows a sensitive value"), "{found:?}");
}

/// A Namespace, a block that reads it, and a ConfigMap that needs what was read.
fn depending() -> String {
    let text = r#"
resource "namespace" "made" {
  name = "a"
}
data "namespace" "made" {
  name       = "a"
  depends_on = [namespace.made]
}
"#;
    text.to_owned() + &config_map("\"${data.namespace.made.name} ${data.namespace.made.labels.team}\"")
}

#[test]
fn what_needs_a_resource_that_is_not_up_is_read_during_apply() {
    let (rounds, evaluation) = plans(&depending(), &[]);
    assert_eq!(rounds, 0);
    let made = Address::root("namespace", "made");
    let deferred = &evaluation.desired.deferred[&Address::data("namespace", "made")];
    assert_eq!(deferred.until, std::slice::from_ref(&made));
    let address = Address::root("config_map", "c");
    let objects = evaluation.desired.resources[&address].objects.known();
    assert_eq!(objects[0].unknown, BTreeSet::from(["/data/value".to_owned()]));
    let needs: Vec<&Address> = evaluation.desired.graph.needs(&address).collect();
    assert_eq!(needs, [&made]);

    let mut known = Known { exports: BTreeMap::from([(made, Arc::default())]), ..Known::default() };
    let Err(Unresolved::Wants(wanted)) = evaluation.resolve(&address, &known) else { panic!("it must ask first") };
    known.answers.extend(wanted.into_iter().map(|read| (read.clone(), answer(&read))));
    let resolved = evaluation.resolve(&address, &known).expect("everything is answered");
    assert_eq!(data(&resolved, "value"), &json!("a red"));
}

#[test]
fn what_needs_a_resource_that_is_up_is_read_at_once() {
    let (rounds, evaluation) = plans(&depending(), &["namespace.made"]);
    assert_eq!((rounds, evaluation.desired.deferred.len()), (1, 0));
    assert_eq!(entry(&evaluation, "config_map.c", "value"), json!("a red"));
}

#[test]
fn a_resource_whose_name_is_read_during_apply_waits_for_what_that_needs() {
    let text = depending() + "resource \"namespace\" \"n\" {\n  name = data.namespace.made.phase\n}\n";
    let (_, evaluation) = plans(&text, &[]);
    let objects = &evaluation.desired.resources[&Address::root("namespace", "n")].objects;
    let expected = BTreeSet::from([Address::root("namespace", "made")]);
    assert!(matches!(objects, Objects::Unknown { until } if *until == expected));
}

#[test]
fn without_a_cluster_it_is_unknown_and_nothing_else_is_wrong() {
    let text = NAMESPACE.to_owned()
        + "resource \"config_map\" \"c\" {\n  for_each = data.namespace.a.labels\n  namespace = \"x\"\n  data = { value = each.value }\n}\n"
        + "output \"name\" {\n  value = data.namespace.a.name\n}\n";
    let (sources, result) = evaluated(&text, resource::all());
    let evaluation = result.unwrap_or_else(|found| panic!("{:#?}", told(&sources, &found)));
    assert_eq!(evaluation.desired.outputs["name"].value, Value::string("a"));
    let info = "5: `for_each` depends on something that a plan reads from the cluster at data.namespace.a.labels";
    assert_eq!(told(&sources, &evaluation.desired.diagnostics), [info]);
}

#[test]
fn mistakes_are_told_by_name_and_place() {
    refuses(
        "data \"namespace\" \"a\" {\n  name = \"gone\"\n}\n",
        &[
            "2: there is no Namespace `gone` (where this configuration makes it, name the resource in `depends_on`: it is \
           read when that is up) at \"gone\"",
        ],
    );
    refuses(
        "data \"nodes\" \"all\" {}\n",
        &["1: `data.nodes.all` cannot be read: nodes may not be listed at data \"nodes\" \"all\""],
    );
    fails(
        "data \"namespaces\" \"a\" {}\ndata \"namespace\" \"b\" {\n  nam = \"a\"\n}\noutput \"o\" {\n  value = data.namespace.c.name\n}\n",
        resource::all(),
        &[
            "1: there is no data source `namespaces` (did you mean `namespace`?) at \"namespaces\"",
            "3: `namespace` has no attribute `nam` (did you mean `name`?) at nam",
            "6: there is no `data.namespace.c` (did you mean `data.namespace.b`?) at data.namespace.c",
        ],
    );
}

#[test]
fn conditions_are_checked_before_and_after() {
    let with = |kind: &str, condition: &str| {
        format!(
            "data \"namespace\" \"a\" {{\n  name = \"a\"\n  lifecycle {{\n    {kind} {{\n      condition = {condition}\n      \
             error_message = \"no\"\n    }}\n  }}\n}}\n"
        )
    };
    plans(&with("postcondition", "self.labels.team == \"red\""), &[]);
    refuses(
        &with("postcondition", "self.labels.team == \"blue\""),
        &["5: `data.namespace.a`: no at self.labels.team == \"blue\""],
    );
    refuses(&with("precondition", "1 == 2"), &["5: `data.namespace.a`: no at 1 == 2"]);
}

#[test]
fn what_a_check_reads_only_warns_and_is_its_own() {
    let check = |name: &str| {
        format!(
            "check \"c\" {{\n  data \"namespace\" \"n\" {{\n    name = \"{name}\"\n  }}\n  assert {{\n    condition = \
             data.namespace.n.labels.team == \"blue\"\n    error_message = \"not blue\"\n  }}\n}}\n"
        )
    };
    let warned = |text: &str| {
        let (_, evaluation) = plans(text, &[]);
        let warnings = evaluation.desired.diagnostics.iter().map(|warning| warning.message.clone());
        warnings.collect::<Vec<_>>()
    };
    assert_eq!(warned(&check("b")), Vec::<String>::new());
    assert_eq!(warned(&check("a")), ["check `c`: not blue"]);
    assert_eq!(warned(&check("gone")), ["there is no Namespace `gone`"]);
    let foreign = check("a") + "output \"o\" {\n  value = data.namespace.n.name\n}\n";
    refuses(
        &foreign,
        &[
            "11: `data.namespace.n` belongs to check `c`, and only that can refer to it (move the block out of the `check`) \
           at data.namespace.n",
        ],
    );
}

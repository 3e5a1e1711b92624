//! Modules: inputs, outputs, instances, needs across modules, circles, mistakes in calls.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::resources::{TICKETS, data};
use super::{in_folder, told};
use crate::config::Sources;
use crate::eval::{Evaluation, ResourceTypes};
use crate::model::{Address, Diagnostic, Json, Known, Value};

/// Writes files into a folder; `(path, text)`.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

fn evaluated(files: &[(&str, &str)], types: ResourceTypes) -> (Sources, Result<Evaluation, Vec<Diagnostic>>) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), files);
    in_folder(folder.path(), &[], types)
}

#[track_caller]
fn succeeds(files: &[(&str, &str)], types: ResourceTypes) -> Evaluation {
    let (sources, result) = evaluated(files, types);
    result.unwrap_or_else(|diagnostics| panic!("{:#?}", told(&sources, &diagnostics)))
}

/// Checks the mistakes of a configuration; each is told as `file line: message (hint) at source`.
#[track_caller]
fn fails(files: &[(&str, &str)], types: ResourceTypes, expected: &[&str]) {
    let (sources, result) = evaluated(files, types);
    let diagnostics = result.map_or_else(|found| found, |evaluation| evaluation.desired.diagnostics);
    let file = |diagnostic: &Diagnostic| match &diagnostic.at {
        Some((span, _)) => {
            let path = Path::new(sources.name(span.file));
            format!("{} ", path.file_name().unwrap_or_default().display())
        }
        None => String::new(),
    };
    let found: Vec<String> = told(&sources, &diagnostics)
        .into_iter()
        .zip(&diagnostics)
        .map(|(text, diagnostic)| file(diagnostic) + &text)
        .collect();
    assert_eq!(found, expected);
}

/// Returns the outputs of the root module as JSON.
fn outputs(evaluation: &Evaluation) -> Json {
    let output = |(name, output): (&String, &crate::model::Output)| (name.clone(), json(&output.value));
    Json::Object(evaluation.desired.outputs.iter().map(output).collect())
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::from(*bool),
        Value::Number(number) => number.to_json(),
        Value::String(text) => Json::from(&**text),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Set(items) => items.iter().map(json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|(key, it)| (key.to_string(), json(it))).collect()),
        Value::Unknown => Json::from("(unknown)"),
        Value::Sensitive(_) => Json::from("(sensitive)"),
        Value::Resource(exports) => Json::from(exports.address.to_string()),
    }
}

const CALLS: &str = r#"
module "one" {
  source = "./modules/greeting"
  name   = "one"
}
module "each" {
  source   = "./modules/greeting"
  for_each = { a = "x", b = "y" }
  name     = "${each.key}-${each.value}"
  count_by = "3"
}
module "counted" {
  source   = "./modules/greeting"
  count    = 2
  name     = "n${count.index}"
  greeting = null
}
output "all" {
  value = {
    one     = module.one.text
    each    = module.each["b"].text
    every   = [for key, it in module.each : "${key}:${it.next}"]
    splat   = module.counted[*].text
    second  = module.counted[1].text
    whole   = module.one
    places  = [path.module, module.one.place, path.root]
  }
}
"#;

const GREETING: &str = r#"
variable "name" {
  type = string
}
variable "greeting" {
  type     = string
  default  = "hello"
  nullable = false
}
variable "count_by" {
  type    = number
  default = 1
}
locals {
  text = "${var.greeting} ${var.name}"
}
output "text" {
  value = local.text
}
output "next" {
  value = var.count_by + 1
}
output "place" {
  value = path.module
}
"#;

#[test]
fn inputs_go_in_and_outputs_come_out() {
    let evaluation = succeeds(&[("main.rf.hcl", CALLS), ("modules/greeting/main.rf.hcl", GREETING)], &[]);
    let expected = serde_json::json!({ "all": {
        "one": "hello one",
        "each": "hello b-y",
        "every": ["a:4", "b:4"],
        "splat": ["hello n0", "hello n1"],
        "second": "hello n1",
        "whole": { "text": "hello one", "next": 2, "place": "modules/greeting" },
        "places": [".", "modules/greeting", "."],
    }});
    assert_eq!(outputs(&evaluation), expected);
}

#[test]
fn two_modules_may_use_each_other_where_no_value_needs_itself() {
    let pass = "variable \"a\" {}\nvariable \"b\" {}\noutput \"a\" {\n  value = \"${var.a}!\"\n}\noutput \"b\" {\n  value = \"${var.b}?\"\n}\n";
    let main = r#"
module "x" {
  source = "./pass"
  a      = "start"
  b      = module.y.a
}
module "y" {
  source = "./pass"
  a      = module.x.a
  b      = module.x.b
}
output "end" {
  value = module.y.b
}
"#;
    let evaluation = succeeds(&[("main.rf.hcl", main), ("pass/main.rf.hcl", pass)], &[]);
    assert_eq!(outputs(&evaluation), serde_json::json!({ "end": "start!!??" }));
}

#[test]
fn a_circle_is_a_path_through_the_modules() {
    let pass = "variable \"a\" {}\nlocals {\n  a = var.a\n}\noutput \"a\" {\n  value = local.a\n}\n";
    let main = r#"
module "x" {
  source = "./pass"
  a      = module.y.a
}
module "y" {
  source = "./pass"
  a      = module.x.a
}
"#;
    let (sources, result) = evaluated(&[("main.rf.hcl", main), ("pass/main.rf.hcl", pass)], &[]);
    let diagnostics = result.expect_err("a circle");
    assert_eq!(
        told(&sources, &diagnostics),
        ["4: these need each other in a circle: `module.x.var.a` → `module.y.output.a` → `module.y.local.a` → \
             `module.y.var.a` → `module.x.output.a` → `module.x.local.a` → `module.x.var.a` at module.y"]
    );
    let steps: Vec<String> = diagnostics[0]
        .related
        .iter()
        .map(|(span, label)| format!("{label}: {}", &sources.text(span.file)[span.start as usize..span.end as usize]))
        .collect();
    assert_eq!(
        steps,
        [
            "`module.y.output.a` needs `module.y.local.a`: local.a",
            "`module.y.local.a` needs `module.y.var.a`: var.a",
            "`module.y.var.a` needs `module.x.output.a`: module.x",
            "`module.x.output.a` needs `module.x.local.a`: local.a",
            "`module.x.local.a` needs `module.x.var.a`: var.a",
        ]
    );
}

const HEAD: &str = r#"
variable "name" {
  default = null
}
variable "of" {
  type    = any
  default = null
}
resource "ticket" "main" {
  name = var.name
  text = "head"
}
output "head" {
  value = ticket.main
}
output "id" {
  value = ticket.main.id
}
"#;

const POOL: &str = r#"
variable "head" {
  type = any
}
variable "text" {
  default = null
}
locals {
  head = var.head
}
resource "ticket" "pool" {
  of   = local.head
  text = var.text
}
"#;

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn needs(evaluation: &Evaluation, of: &str) -> Vec<String> {
    evaluation.desired.graph.needs(&address(of)).map(Address::to_string).collect()
}

#[test]
fn a_resource_goes_from_module_to_module() {
    let main = r#"
module "head" {
  source   = "./head"
  for_each = toset(["a", "b"])
  name     = each.key
}
module "pool" {
  source   = "./pool"
  for_each = { a = "x", b = "y" }
  head     = module.head[each.key].head
}
module "single" {
  source = "./pool"
  head   = module.head["a"].head
}
"#;
    let files = [("main.rf.hcl", main), ("head/main.rf.hcl", HEAD), ("pool/main.rf.hcl", POOL)];
    let evaluation = succeeds(&files, TICKETS);
    let addresses: Vec<String> = evaluation.desired.resources.keys().map(Address::to_string).collect();
    assert_eq!(
        addresses,
        [
            r#"module.head["a"].ticket.main"#,
            r#"module.head["b"].ticket.main"#,
            r#"module.pool["a"].ticket.pool"#,
            r#"module.pool["b"].ticket.pool"#,
            "module.single.ticket.pool",
        ]
    );
    assert_eq!(needs(&evaluation, r#"module.pool["b"].ticket.pool"#), [r#"module.head["b"].ticket.main"#]);
    let resource = |name: &str| &evaluation.desired.resources[&address(name)];
    assert_eq!(data(resource("module.single.ticket.pool"), "of")["$address"], r#"module.head["a"].ticket.main"#);
    let referrers = |name: &str| data(resource(name), "referrers").clone();
    assert_eq!(
        referrers(r#"module.head["a"].ticket.main"#),
        serde_json::json!(["module.pool.ticket.pool of", "module.single.ticket.pool of"])
    );
    assert_eq!(referrers(r#"module.head["b"].ticket.main"#), serde_json::json!(["module.pool.ticket.pool of"]));
}

#[test]
fn referrers_inside_of_one_instance_are_told_apart() {
    let main = "module \"tenant\" {\n  source   = \"./tenant\"\n  for_each = toset([\"a\", \"b\"])\n}\n";
    let tenant = r#"
module "head" {
  source = "../head"
}
module "pool" {
  source = "../pool"
  head   = { main = module.head.head }["main"]
}
module "other" {
  source = "../pool"
  head   = local.heads.first
}
locals {
  heads = { first = module.head.head }
}
"#;
    let files =
        [("main.rf.hcl", main), ("tenant/main.rf.hcl", tenant), ("head/main.rf.hcl", HEAD), ("pool/main.rf.hcl", POOL)];
    let evaluation = succeeds(&files, TICKETS);
    let head = &evaluation.desired.resources[&address(r#"module.tenant["b"].module.head.ticket.main"#)];
    assert_eq!(
        data(head, "referrers"),
        &serde_json::json!([
            r#"module.tenant["b"].module.other.ticket.pool of"#,
            r#"module.tenant["b"].module.pool.ticket.pool of"#,
        ])
    );
}

#[test]
fn what_a_module_depends_on_is_needed_by_all_in_it() {
    let main = r#"
resource "ticket" "first" {}
resource "ticket" "after" {
  depends_on = [module.outer]
}
module "outer" {
  source     = "./outer"
  depends_on = [ticket.first]
}
"#;
    let outer = "module \"head\" {\n  source = \"../head\"\n}\n";
    let files = [("main.rf.hcl", main), ("outer/main.rf.hcl", outer), ("head/main.rf.hcl", HEAD)];
    let evaluation = succeeds(&files, TICKETS);
    assert_eq!(needs(&evaluation, "module.outer.module.head.ticket.main"), ["ticket.first"]);
    assert_eq!(needs(&evaluation, "ticket.after"), ["module.outer.module.head.ticket.main"]);
}

#[test]
fn what_is_unknown_is_evaluated_again_through_modules() {
    let main = r#"
resource "ticket" "root" {}
module "head" {
  source = "./head"
}
module "pool" {
  source   = "./pool"
  for_each = { a = { id = module.head.id }, b = { id = ticket.root.id } }
  head     = module.head.head
  text     = "id ${each.value.id}"
}
output "id" {
  value = module.head.id
}
"#;
    let files = [("main.rf.hcl", main), ("head/main.rf.hcl", HEAD), ("pool/main.rf.hcl", POOL)];
    let evaluation = succeeds(&files, TICKETS);
    let id = |text| Arc::new(BTreeMap::from([("id".to_owned(), Value::string(text))]));
    let exports = BTreeMap::from([(address("module.head.ticket.main"), id("12")), (address("ticket.root"), id("7"))]);
    let known = Known { exports, ..Known::default() };
    let again = |name: &str| evaluation.resolve(&address(name), &known).expect("it is known now");
    let (a, b) = (again(r#"module.pool["a"].ticket.pool"#), again(r#"module.pool["b"].ticket.pool"#));
    assert_eq!(data(&a, "text"), "of id 12");
    assert_eq!(data(&a, "of")["id"], "12");
    assert_eq!(data(&b, "text"), "of id 7");
    assert_eq!(evaluation.outputs(&known).expect("nothing is to be read")["id"].value, Value::string("12"));
}

#[test]
fn what_a_module_does_not_have_may_be_tried() {
    let main = r#"
module "a" {
  source = "./a"
}
output "tried" {
  value = [try(module.a.none, "fallback"), can(module.a.none), can(module.a.text)]
}
"#;
    let files = [("main.rf.hcl", main), ("a/main.rf.hcl", "output \"text\" {\n  value = 1\n}\n")];
    let desired = succeeds(&files, TICKETS).desired;
    let expected = vec![Value::string("fallback"), Value::Bool(false), Value::Bool(true)];
    assert_eq!(desired.outputs["tried"].value, Value::list(expected));
}

#[test]
fn mistakes_in_calls_are_explained() {
    let main = r#"
module "a" {
  source = "./head"
  naem   = "x"
  whole  = 1
}
module "b" {
  source = "./pool"
}
module "c" {
  source   = "./head"
  for_each = toset(["x"])
}
output "a" {
  value = [module.a.haed, module.b.text, module.c.head, module.d.head]
}
"#;
    fails(
        &[("main.rf.hcl", main), ("head/main.rf.hcl", HEAD), ("pool/main.rf.hcl", POOL)],
        TICKETS,
        &[
            "main.rf.hcl 4: module `a` has no input `naem` (did you mean `name`?) at naem",
            "main.rf.hcl 5: module `a` has no input `whole` (declare it in the module: `variable \"whole\" { … }`) at whole",
            "main.rf.hcl 7: module `b` needs the input `head` at module \"b\"",
            "main.rf.hcl 15: module `a` has no output `haed` (did you mean `head`?) at haed",
            "main.rf.hcl 15: module `b` has no output `text` (it has none; declare it in the module: `output \"text\" { … }`) at text",
            "main.rf.hcl 15: module `c` has `for_each`, so it has an output `head` for each of its instances (write `module.c[\"…\"].head`) at head",
            "main.rf.hcl 15: there is no module `d` (did you mean `module.a`?) at module.d",
        ],
    );
}

#[test]
fn mistakes_in_sources_are_explained() {
    let main = r#"
module "a" {
  source = "./haed"
}
module "b" {
  source = "head"
}
module "c" {
}
module "d" {
  source = "./empty"
}
module "e" {
  source  = var.x
  version = "1"
}
module "f" {
  source = "./loop"
  input {}
}
"#;
    let files = [
        ("main.rf.hcl", main),
        ("head/main.rf.hcl", HEAD),
        ("empty/readme", ""),
        ("loop/main.rf.hcl", "module \"g\" {\n  source = \"./deeper\"\n}\n"),
        ("loop/deeper/main.rf.hcl", "module \"h\" {\n  source = \"../\"\n}\n"),
    ];
    let (sources, result) = evaluated(&files, TICKETS);
    let found = told(&sources, &result.expect_err("mistakes"));
    let short: Vec<String> = found.iter().map(|text| masked(text)).collect();
    assert_eq!(
        short,
        [
            "3: there is no folder `…/haed` (did you mean `./head`?) at \"./haed\"",
            "6: `head` does not say where the module is (a folder begins with `./` or `../`: write `./head`) at \"head\"",
            "8: module `c` has no `source` (write the folder of the module: `source = \"./modules/name\"`) at module \"c\"",
            "11: there is no module in `…/empty`: no file ends in `.rf.hcl` or `.rf.json` at \"./empty\"",
            "14: `source` must be a text, written out at var.x",
            "15: `module` has no attribute `version` (a module from git is held at a version by `?ref=…` at the end of its `source`) at version",
            "19: `module` has no block `input` (the inputs of a module are attributes: write `input = …`) at input",
            "2: modules call one another without an end: `module.g` → `module.h` and so on at \"./deeper\"",
        ]
    );
}

/// Hides the temporary folder in a message.
fn masked(text: &str) -> String {
    let hide = |part: &str| match part.strip_prefix('`').filter(|rest| rest.starts_with('/')) {
        Some(path) => format!("`…/{}", path.rsplit('/').next().unwrap_or_default()),
        None => part.to_owned(),
    };
    text.split(' ').map(hide).collect::<Vec<_>>().join(" ")
}

#[test]
fn mistakes_inside_of_modules_are_reported_once() {
    let main = "module \"a\" {\n  source = \"./m\"\n  count  = 3\n  size   = \"x\"\n}\nmodule \"b\" {\n  source = \"./m\"\n  size   = 30\n}\n";
    let module = r#"
variable "size" {
  type = number
  validation {
    condition     = var.size < local.limit
    error_message = "must be less than ${local.limit}."
  }
}
locals {
  limit = 10
  wrong = local.missing
}
resource "ticket" "a" {
  txet = 1
}
cluster {
  context = "x"
}
"#;
    fails(
        &[("main.rf.hcl", main), ("m/main.rf.hcl", module)],
        TICKETS,
        &[
            "main.rf.hcl 4: variable `size`: a number is required at \"x\"",
            "main.rf.hcl 5: variable `size`: must be less than 10 at var.size < local.limit",
            "main.rf.hcl 11: there is no local value `missing` at local.missing",
            "main.rf.hcl 14: `ticket` has no attribute `txet` (did you mean `text`?) at txet",
            "main.rf.hcl 16: clusters are described in the root module (the call of a module chooses one for all that is \
             in it: `cluster = cluster.NAME`) at cluster",
        ],
    );
}

#[test]
fn files_are_read_inside_of_the_modules_own_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let module = r#"
output "own" {
  value = [file("${path.module}/own.txt"), fileset(path.module, "*.txt")]
}
output "others" {
  value = [can(file("root.txt")), can(fileset("${path.module}/out", "*")), can(file("${path.module}/out/secret"))]
}
"#;
    let main = "module \"m\" {\n  source = \"./m\"\n}\noutput \"all\" {\n  value = module.m\n}\n";
    write(
        folder.path(),
        &[
            ("root/main.rf.hcl", main),
            ("root/root.txt", "root"),
            ("root/m/main.rf.hcl", module),
            ("root/m/own.txt", "own"),
            ("outside/secret", "secret"),
        ],
    );
    std::os::unix::fs::symlink(folder.path().join("outside"), folder.path().join("root/m/out")).expect("a link");
    let (sources, result) = in_folder(&folder.path().join("root"), &[], &[]);
    let evaluation = result.unwrap_or_else(|found| panic!("{:#?}", told(&sources, &found)));
    let expected = serde_json::json!({ "all": { "own": ["own", ["own.txt"]], "others": [false, false, false] } });
    assert_eq!(outputs(&evaluation), expected);
}

const MARKS: &str = r#"
variable "secret" {
  default   = "hunter22"
  sensitive = true
}
module "m" {
  source = "./m"
  x      = var.secret
  n      = null
  each   = null
}
module "none" {
  source = "./m"
  count  = 0
  x      = "a"
}
output "all" {
  value = {
    plain = nonsensitive(module.m.plain)
    none  = module.none
    every = module.none[*].plain
    n     = module.m.n
    each  = module.m.each
    names = keys(module.m)
    marks = [issensitive(module.m.plain), issensitive(module.m.flagged), issensitive(module.m.n)]
  }
}
"#;

const MARKED: &str = r#"
variable "x" {}
variable "n" {
  type     = number
  default  = 5
  nullable = false
}
variable "each" {
  default = "z"
}
output "plain" {
  value = var.x
}
output "n" {
  value = var.n
}
output "each" {
  value = var.each
}
output "flagged" {
  value     = "open"
  sensitive = true
}
"#;

#[test]
fn nulls_marks_and_absent_instances_are_terraforms() {
    let evaluation = succeeds(&[("main.rf.hcl", MARKS), ("m/main.rf.hcl", MARKED)], &[]);
    let expected = serde_json::json!({ "all": {
        "plain": "hunter22",
        "none": [],
        "every": [],
        "n": 5,
        "each": null,
        "names": ["each", "flagged", "n", "plain"],
        "marks": [true, true, false],
    }});
    assert_eq!(outputs(&evaluation), expected);
}

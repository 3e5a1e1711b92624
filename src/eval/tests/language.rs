//! Blocks, names, variables, cycles: what a configuration may say and what it is told.
use super::{fails, in_folder, repeated, succeeds, told};
use crate::model::{Number, Value};
use crate::resource;

#[test]
fn all_mistakes_are_reported_at_once_in_order() {
    fails(
        r#"
output "a" {
  value = var.imgae
}
variable "image" {
  type = strng
  default = "x"
}
locals {
  b = local.missing + foo
}
output "c" {
  value = rayhead.main
}
resource "rayhead" "main" {}
"#,
        crate::resource::all(),
        &[
            "3: there is no variable `imgae` (did you mean `var.image`?) at var.imgae",
            "6: there is no type `strng` (did you mean `string`?) at strng",
            "10: there is no local value `missing` at local.missing",
            "10: `foo` alone is no value (a text stands in quotes: `\"…\"`) at foo",
            "15: there is no resource type `rayhead` (did you mean `ray_head`?) at \"rayhead\"",
        ],
    );
}

#[test]
fn what_only_terraform_has_is_explained() {
    fails(
        "rayform {\n  required_providers {}\n}\nresource \"ray_head\" \"a\" {\n  lifecycle {\n    create_before_destroy = true\n  }\n}\n",
        resource::all(),
        &[
            "2: `rayform` has no block `required_providers` (the resource types are part of rayform: leave it out) at \
             required_providers",
            "6: `lifecycle` has no attribute `create_before_destroy` (two objects cannot have one name: what must be \
             replaced is deleted first; leave it out) at create_before_destroy",
        ],
    );
    fails(
        "resource \"ray_worker_pool\" \"a\" {\n  namespace = \"a\"\n  head = 1\n}\n",
        resource::all(),
        &[
            "2: `ray_worker_pool` has no attribute `namespace` (it lives in the namespace of its `head`: leave it out) at \
             namespace",
            "3: `head` takes a whole `ray_head`, not the number 1 (write it as `ray_head.main`, with the name of the \
             block) at 1",
        ],
    );
}

#[test]
fn misplaced_things_are_explained() {
    fails(
        "a = 1\nvariabel \"x\" {}\nvariable {}\nmodule \"m\" {}\nlocals {\n  a = 1\n  a = 2\n}\n",
        &[],
        &["7: this attribute is set twice at a"],
    );
    fails(
        "a = 1\nvariabel \"x\" {}\nvariable {}\nmodule \"m\" {}\noutput \"x\" {\n  vale = 1\n}\nlocals {\n  a = 1\n}\nlocals {\n  a = 2\n}\n",
        &[],
        &[
            "1: `a` stands outside of any block (attributes belong into blocks; a value to refer to belongs into \
             `locals { … }`) at a",
            "2: there is no block `variabel` (did you mean `variable`?) at variabel \"x\"",
            "3: `variable` has 1 label, not 0 (write `variable \"name\" { … }`) at variable",
            "4: module `m` has no `source` (write the folder of the module: `source = \"./modules/name\"`) at module \"m\"",
            "5: output `x` has no `value` at output \"x\"",
            "6: `output` has no attribute `vale` (did you mean `value`?) at vale",
            "12: a second local `a` at a",
        ],
    );
}

#[test]
fn a_backend_is_refused_in_either_syntax() {
    let told_of = "`backend` blocks are not supported yet (the state is kept in `rayform.state.json` beside the \
                   configuration) at ";
    let hcl = "rayform {\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n";
    fails(hcl, &[], &[&format!("2: {told_of}backend \"s3\"")]);
    let folder = tempfile::tempdir().unwrap();
    let json = "{\"rayform\": {\n  \"backend\": {\"s3\": {\"bucket\": \"b\"}}\n}}\n";
    std::fs::write(folder.path().join("main.rf.json"), json).unwrap();
    let (sources, result) = in_folder(folder.path(), &[], &[]);
    assert_eq!(told(&sources, &result.unwrap_err()), [format!("2: {told_of}\"backend\"")]);
}

#[test]
fn a_cycle_is_a_path_with_places() {
    let text = "locals {\n  a = local.b\n  b = local.c\n  c = local.a\n}\n";
    let (_, result) = super::evaluated(text, &[]);
    let diagnostics = result.expect_err("a cycle");
    assert_eq!(
        diagnostics[0].message,
        "these need each other in a circle: `local.a` → `local.b` → `local.c` → `local.a`"
    );
    let at = |span: crate::model::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(
        diagnostics[0].at.as_ref().map(|(span, label)| (at(*span), label.as_str())),
        Some(("local.b", "`local.a` needs `local.b`"))
    );
    let related: Vec<_> = diagnostics[0].related.iter().map(|(span, label)| (at(*span), label.as_str())).collect();
    assert_eq!(related, [("local.c", "`local.b` needs `local.c`"), ("local.a", "`local.c` needs `local.a`")]);
}

#[test]
fn a_ring_of_ten_thousand_is_found() {
    let steps: String = repeated(0..10_000, |step| format!("  l{step} = local.l{}\n", (step + 1) % 10_000));
    let (_, result) = super::evaluated(&format!("locals {{\n{steps}}}\n"), &[]);
    assert!(result.expect_err("a cycle")[0].message.contains("(9980 more)"));
}

#[test]
fn variables_have_types_and_conditions() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
variable "count_of_heads" {
  type = number
}
variable "sizes" {
  type = map(object({ cpu = number, memory = optional(string, "1Gi") }))
  default = {}
}
variable "name" {
  type = string
  default = "a"
  validation {
    condition     = length(var.name) < 4
    error_message = "The name ${var.name} is too long."
  }
}
output "a" {
  value = [var.count_of_heads, var.sizes]
}
"#;
    std::fs::write(folder.path().join("main.rf.hcl"), text).unwrap();
    let fails = |variables: &[&str], expected: &[&str]| {
        let (sources, result) = in_folder(folder.path(), variables, &[]);
        assert_eq!(told(&sources, &result.expect_err("a mistake")), expected);
    };
    fails(
        &[],
        &["2: variable `count_of_heads` has no value (give it a `default`, `--var count_of_heads=…`, or a line in \
           `rayform.vars.hcl`) at variable \"count_of_heads\""],
    );
    fails(
        &["count_of_heads=1", "name=abcd", "nmae=x"],
        &[
            "no variable `nmae` is declared (did you mean `name`?)",
            "13: variable `name`: The name abcd is too long at length(var.name) < 4",
        ],
    );
    let (_, result) = in_folder(folder.path(), &["count_of_heads=3", "sizes={ a = { cpu = \"2\" } }"], &[]);
    let number = |number: i64| Value::Number(Number::from(number));
    let size = Value::map([("cpu", number(2)), ("memory", Value::string("1Gi"))]);
    let expected = Value::list(vec![number(3), Value::map([("a", size)])]);
    assert_eq!(result.expect("it evaluates").desired.outputs["a"].value, expected);
}

#[test]
fn values_from_flags_are_read_by_the_declared_type() {
    let folder = tempfile::tempdir().unwrap();
    let text = "variable \"any\" {\n  type = any\n}\nvariable \"open\" {}\nvariable \"text\" {\n  type = string\n}\n\
                output \"a\" {\n  value = [var.any, var.open, var.text]\n}\n";
    std::fs::write(folder.path().join("main.rf.hcl"), text).unwrap();
    let (_, result) = in_folder(folder.path(), &["any=[true]", "open=[true]", "text=[true]"], &[]);
    let plain = Value::string("[true]");
    let expected = Value::list(vec![Value::list(vec![Value::Bool(true)]), plain.clone(), plain]);
    assert_eq!(result.expect("it evaluates").desired.outputs["a"].value, expected);
    let (sources, result) = in_folder(folder.path(), &["any=abc", "open=1", "text=x"], &[]);
    let expected = "1: a constant is needed here: no references and no functions at abc";
    assert_eq!(told(&sources, &result.expect_err("a mistake")), [expected]);
}

#[test]
fn files_have_limits_and_may_be_odd() {
    let fails = |name: &str, bytes: &[u8], expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let (sources, result) = in_folder(folder.path(), &[], &[]);
        let found = told(&sources, &result.expect_err("a mistake")).join("\n");
        let found = found.replace(&folder.path().display().to_string(), "DIR");
        assert_eq!(found, expected);
    };
    fails(
        "main.rf.hcl",
        &vec![b' '; 50 << 20],
        "`DIR/main.rf.hcl` is larger than 16 MiB, which is the limit of one file",
    );
    fails(
        "main.rf.hcl",
        b"a = \"\xFF\"",
        "`DIR/main.rf.hcl` is not UTF-8: line 1 holds a byte that no character begins with (save the file as UTF-8)",
    );
    fails(
        "readme.md",
        b"",
        "there is no configuration in `DIR`: no file ends in `.rf.hcl` or `.rf.json` (`rayform init` writes a starter configuration; \
         `--chdir` leads to another folder)",
    );
    let text =
        "\u{FEFF}locals {\r\n  a = <<-EOT\r\n    x\r\n  EOT\r\n}\r\noutput \"a\" {\r\n  value = local.a\r\n}\r\n";
    assert_eq!(succeeds(text, &[]).desired.outputs["a"].value, Value::string("x\n"));
}

#[test]
fn the_cluster_is_chosen_by_expressions() {
    let evaluation =
        succeeds("variable \"c\" {\n  default = \"kind\"\n}\ncluster {\n  context = \"x-${var.c}\"\n}\n", &[]);
    let settings = &evaluation.clusters[&crate::model::ClusterName::default()];
    assert_eq!(settings.context.as_deref(), Some("x-kind"));
    assert_eq!(settings.kubeconfig, None);
}

use super::body;
use crate::config::ir::{Body, Form};
use crate::config::parse::parse_body;
use crate::model::{FileId, on_large_stack};

/// Takes the places out of what a body looks like.
fn bare(body: &Body) -> String {
    let spans = regex::Regex::new(r"Span \{[^}]*\}").expect("a pattern");
    spans.replace_all(&format!("{body:?}"), "-").replace("json: true", "json: false")
}

/// Checks that both syntaxes say the same.
#[track_caller]
fn same(json: &str, hcl: &str) {
    let (json, hcl) = (body(json, FileId(0)), on_large_stack(|| parse_body(hcl, FileId(0))));
    assert_eq!(bare(&json.expect("it is JSON")), bare(&hcl.expect("it is HCL")));
}

/// Checks the places, messages and hints of all mistakes.
#[track_caller]
fn fails(text: &str, expected: &[(&str, &str)]) {
    let found = body(text, FileId(0)).expect_err("a mistake");
    let tell = |diagnostic: &crate::model::Diagnostic| {
        let (span, _) = diagnostic.at.as_ref().expect("a place");
        (text[span.start as usize..span.end as usize].to_owned(), diagnostic.message.clone())
    };
    let found: Vec<(String, String)> = found.iter().map(tell).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(at, message)| (at.as_str(), message.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn labels_are_names_of_objects() {
    same(
        r#"{"variable": {"a": {"type": "map(string)", "default": {"x": "${y}"}}}, "locals": {"b": 1.50, "//": "no"},
            "output": {"c": {"value": "${var.a}"}}}"#,
        "variable \"a\" {\n  type = map(string)\n  default = { \"x\" = \"$${y}\" }\n}\nlocals {\n  b = 1.50\n}\n\
         output \"c\" {\n  value = \"${var.a}\"\n}\n",
    );
}

#[test]
fn arrays_repeat_blocks_at_every_level() {
    same(
        r#"[{"locals": [{"a": null}, {"b": [true]}]}, {"resource": [{"t": {"n": [{}]}}, {"t": [{"m": {}}]}]}]"#,
        "locals {\n  a = null\n}\nlocals {\n  b = [true]\n}\nresource \"t\" \"n\" {\n}\nresource \"t\" \"m\" {\n}\n",
    );
}

#[test]
fn what_is_read_early_is_no_template() {
    same(
        r#"{"resource": {"t": {"n": {"depends_on": ["a.b", "c.d[0]"], "x": "a${b}c$${d}",
            "lifecycle": {"ignore_changes": ["spec.x"], "precondition": {"condition": "${1 < 2}"}}}}}}"#,
        "resource \"t\" \"n\" {\n  depends_on = [a.b, c.d[0]]\n  x = \"a${b}c$${d}\"\n  lifecycle {\n    \
         ignore_changes = [\"spec.x\"]\n    precondition {\n      condition = \"${1 < 2}\"\n    }\n  }\n}\n",
    );
}

#[test]
fn a_cluster_has_a_label_where_it_holds_objects() {
    same(
        r#"{"cluster": [{"context": "a"}, {"b": {"context": "c"}}]}"#,
        "cluster {\n  context = \"a\"\n}\ncluster \"b\" {\n  context = \"c\"\n}\n",
    );
}

#[test]
fn places_lead_through_escapes() {
    let text = r#"{"locals": {"a": "\u00e9\n\"${ var.größe } ${x"}}"#;
    fails(text, &[("${", "`${` is not closed")]);
    let text = r#"{"locals": {"a": "\ud83d\ude00 ${var.b}"}}"#;
    let found = body(text, FileId(0)).expect("it is JSON");
    let Form::Template(parts) = &found.blocks[0].body.attributes[0].value.form else { panic!("a template") };
    let crate::config::ir::Part::Interpolation(inner) = &parts[1] else { panic!("{parts:?}") };
    assert_eq!(&text[inner.span.start as usize..inner.span.end as usize], "var.b");
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    fails(r#"{"a": 1,}"#, &[("}", "this is not JSON: `}` stands where a name in double quotes should")]);
    fails("{\"a\": 'x'}", &[("'", "this is not JSON: `'` stands where a value should")]);
    fails("{\"a\": \"x\n\"}", &[("\"x", "the text is not closed before the end of its line")]);
    fails(r#"{"a": 01}"#, &[("01", "`01` is not a number in JSON")]);
    fails(r#"{"a": "\x"}"#, &[("\\x", "JSON has no such escape")]);
    fails(r#"{"a": "\ud800"}"#, &[("\\ud800", "this escape is no character")]);
    fails("{} {}", &[("{", "this is not JSON: `{` stands where the end of the file should")]);
    fails("", &[("", "this is not JSON: it ends where a value should stand")]);
    fails(r#"{"locals": 1}"#, &[("1", "a block `locals` is an object, `{ … }`, or an array of objects")]);
    fails(
        r#"{"locals": {"a": {"b": 1, "b": 2}, "c": 1, "c": 2}}"#,
        &[("\"b\"", "a second member `b`"), ("\"c\"", "this attribute is set twice")],
    );
}

#[test]
fn depth_and_numbers_are_limited() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    fails(&deep, &[("[", "this is nested more than 64 levels deep, which is the limit")]);
    fails(r#"{"locals": {"a": 1e-99999999}}"#, &[("1e-99999999", "this number is too large or too small")]);
}

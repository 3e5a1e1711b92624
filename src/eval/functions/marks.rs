//! How unknown and sensitive values travel through functions; `terraform console` gave the answers.
use std::path::Path;

use super::call::{Environment, ReadError, call};
use crate::eval::inspect::inspect;
use crate::model::{Json, Value};

fn run(name: &str, arguments: &[Value]) -> Value {
    let environment = Environment {
        workspace: "default",
        folder: Path::new("/"),
        place: Path::new("."),
        root: Path::new("/"),
        home: None,
        now: "",
        read: &|_: &Path| Err(ReadError::Outside),
        list: &|_: &Path| Err(ReadError::Outside),
    };
    call(name, arguments, &environment).unwrap()
}

/// Reads JSON in which `?` before a text makes it sensitive, and `??` is an unknown value.
fn value(json: &Json) -> Value {
    match json {
        Json::String(text) if text == "??" => Value::Unknown,
        Json::String(text) => match text.strip_prefix('?') {
            Some(secret) => Value::string(secret).sensitive(),
            None => Value::string(text),
        },
        Json::Array(items) => Value::list(items.iter().map(value).collect()),
        Json::Object(entries) if entries.contains_key("?") => value(&entries["?"]).sensitive(),
        Json::Object(entries) => Value::map(entries.iter().map(|(name, entry)| (name, value(entry)))),
        other => Value::from(other),
    }
}

fn call_with(name: &str, arguments: &str) -> Value {
    let arguments: Vec<Json> = serde_json::from_str(arguments).unwrap();
    run(name, &arguments.iter().map(value).collect::<Vec<_>>())
}

/// Compares the whole result, marks included.
#[track_caller]
fn check(name: &str, arguments: &str, expected: &str) {
    assert_eq!(call_with(name, arguments), value(&serde_json::from_str(expected).unwrap()), "{name}({arguments})");
}

#[track_caller]
fn check_sensitive(name: &str, arguments: &str) {
    assert!(matches!(call_with(name, arguments), Value::Sensitive(_)), "{name}({arguments})");
}

#[test]
fn elements_keep_their_marks_where_the_result_holds_them() {
    check("concat", r#"[["?a"], ["b"]]"#, r#"["?a", "b"]"#);
    check("reverse", r#"[["?a", "b"]]"#, r#"["b", "?a"]"#);
    check("slice", r#"[["?a", "b"], 1, 2]"#, r#"["b"]"#);
    check("element", r#"[["?a", "b"], 1]"#, r#""b""#);
    check("flatten", r#"[[["?a"], "b"]]"#, r#"["?a", "b"]"#);
    check("chunklist", r#"[["?a", "b"], 1]"#, r#"[["?a"], ["b"]]"#);
    check("setproduct", r#"[["a", "?b"], ["c"]]"#, r#"[["a", "c"], ["?b", "c"]]"#);
    check("one", r#"[["?a"]]"#, r#""?a""#);
    check("tolist", r#"[["?a"]]"#, r#"["?a"]"#);
}

#[test]
fn attributes_keep_their_marks() {
    check("values", r#"[{"a": "?x"}]"#, r#"["?x"]"#);
    check("keys", r#"[{"a": "?x"}]"#, r#"["a"]"#);
    check("lookup", r#"[{"a": "?x", "b": "y"}, "b"]"#, r#""y""#);
    check("lookup", r#"[{"a": "x"}, "b", "?z"]"#, r#""?z""#);
    check("lookup", r#"[{"a": "x"}, "a", "?z"]"#, r#""x""#);
    check("merge", r#"[{"a": "?x"}, {"b": 1}]"#, r#"{"a": "?x", "b": 1}"#);
    check("zipmap", r#"[["a"], ["?x"]]"#, r#"{"a": "?x"}"#);
    check("tomap", r#"[{"a": "?x"}]"#, r#"{"a": "?x"}"#);
}

#[test]
fn what_is_derived_from_a_sensitive_part_is_sensitive() {
    for (name, arguments) in [
        ("length", r#"[{"?": ["a"]}]"#),
        ("concat", r#"[{"?": ["a"]}, ["b"]]"#),
        ("flatten", r#"[[{"?": ["a"]}, "b"]]"#),
        ("zipmap", r#"[["?a"], ["a"]]"#),
        ("contains", r#"[["?a"], "b"]"#),
        ("contains", r#"[["a"], "?b"]"#),
        ("coalesce", r#"["a", "?b"]"#),
        ("coalescelist", r#"[[], {"?": ["b"]}]"#),
        ("distinct", r#"[["?a", "b"]]"#),
        ("index", r#"[["?a", "b"], "b"]"#),
        ("matchkeys", r#"[["?a", "b"], ["x", "y"], ["y"]]"#),
        ("alltrue", r#"[["?true"]]"#),
        ("sum", r#"[["?1", 2]]"#),
        ("compact", r#"[["?a", "b"]]"#),
        ("sort", r#"[["?a", "b"]]"#),
        ("toset", r#"[["?a"]]"#),
        ("transpose", r#"[{"a": ["?b"]}]"#),
        ("jsonencode", r#"[{"a": "?a"}]"#),
        ("yamlencode", r#"[{"a": "?a"}]"#),
        ("formatlist", r#"["%s", ["?a", "b"]]"#),
        ("format", r#"["%v", ["?a"]]"#),
        ("join", r#"[",", ["?a"]]"#),
        ("setunion", r#"[["?a"], ["b"]]"#),
        ("max", r#"["?1", 2]"#),
        ("split", r#"[",", "?a,b"]"#),
        ("regexall", r#"["a", "?a"]"#),
        ("sha256", r#"["?a"]"#),
        ("upper", r#"[{"?": "??"}]"#),
    ] {
        check_sensitive(name, arguments);
    }
}

#[test]
fn marks_are_set_asked_for_and_taken_off() {
    check("sensitive", r#"["a"]"#, r#""?a""#);
    check("sensitive", r#"["?a"]"#, r#""?a""#);
    check("nonsensitive", r#"["?a"]"#, r#""a""#);
    check("nonsensitive", r#"[["?a"]]"#, r#"["?a"]"#);
    check("issensitive", r#"["?a"]"#, "true");
    check("issensitive", r#"[["?a"]]"#, "false");
    check("issensitive", r#"["??"]"#, r#""??""#);
}

#[test]
fn unknown_elements_stay_where_the_result_holds_them() {
    check("length", r#"[["??", "a"]]"#, "2");
    check("keys", r#"[{"a": "??"}]"#, r#"["a"]"#);
    check("values", r#"[{"a": "??", "b": 1}]"#, r#"["??", 1]"#);
    check("concat", r#"[["??"], ["a"]]"#, r#"["??", "a"]"#);
    check("element", r#"[["??", "a"], 1]"#, r#""a""#);
    check("merge", r#"[{"a": "??"}, {"b": 1}]"#, r#"{"a": "??", "b": 1}"#);
    check("lookup", r#"[{"a": "??", "b": 1}, "b"]"#, "1");
    check("zipmap", r#"[["a"], ["??"]]"#, r#"{"a": "??"}"#);
    check("flatten", r#"[[[{"a": "??"}]]]"#, r#"[{"a": "??"}]"#);
    check("coalesce", r#"["a", "??"]"#, r#""a""#);
    check("contains", r#"[["??", "a"], "a"]"#, "true");
    check("alltrue", r#"[["??", false]]"#, "false");
    check("anytrue", r#"[["??", true]]"#, "true");
    check("tolist", r#"[["??", 1]]"#, r#"["??", 1]"#);
}

#[test]
fn what_depends_on_an_unknown_part_is_unknown() {
    for (name, arguments) in [
        ("upper", r#"["??"]"#),
        ("join", r#"[",", ["a", "??"]]"#),
        ("jsonencode", r#"[{"a": ["??"]}]"#),
        ("format", r#"["%s", "??"]"#),
        ("sort", r#"[["a", "??"]]"#),
        ("distinct", r#"[["a", "??"]]"#),
        ("flatten", r#"[[["a"], "??"]]"#),
        ("contains", r#"[["??", "a"], "b"]"#),
        ("coalesce", r#"["??", "a"]"#),
        ("alltrue", r#"[["??", true]]"#),
        ("anytrue", r#"[["??", false]]"#),
        ("toset", r#"[["??", "a"]]"#),
        ("lookup", r#"[{"a": 1}, "??"]"#),
        ("merge", r#"["??", {"a": 1}]"#),
        ("zipmap", r#"[["??"], [1]]"#),
        ("max", r#"["??", 1]"#),
    ] {
        check(name, arguments, r#""??""#);
    }
}

#[test]
fn results_have_limits() {
    let environment = Environment {
        workspace: "default",
        folder: Path::new("/"),
        place: Path::new("."),
        root: Path::new("/"),
        home: None,
        now: "",
        read: &|_: &Path| Err(ReadError::Outside),
        list: &|_: &Path| Err(ReadError::Outside),
    };
    let long = Value::string("a".repeat(1_000_000));
    let wide = Value::list(vec![Value::Null; 2_000]);
    let mut deep = Value::string("x");
    for _ in 0..30 {
        deep = Value::list(vec![deep.clone(), deep]);
    }
    let number = |text: &str| Value::from(&serde_json::from_str::<Json>(text).unwrap());
    for (name, arguments) in [
        ("replace", vec![long.clone(), Value::string("a"), Value::string("b".repeat(100))]),
        ("replace", vec![long.clone(), Value::string("/a/"), Value::string("b".repeat(100))]),
        ("join", vec![long.clone(), Value::list(vec![Value::string("a"); 100])]),
        ("indent", vec![number("1000000"), Value::string("\n".repeat(1000))]),
        ("format", vec![Value::string("%1000000000d"), number("1")]),
        ("format", vec![Value::string("%999999d".repeat(20)), number("1")]),
        ("format", vec![Value::string("%[1]999999d".repeat(20)), number("1")]),
        ("setproduct", vec![wide.clone(), wide.clone()]),
        ("setproduct", vec![wide.clone(); 40]),
        ("jsonencode", vec![deep.clone()]),
        ("flatten", vec![deep]),
        ("pow", vec![number("10"), number("1000000000")]),
        ("range", vec![number("1000000000")]),
        ("tonumber", vec![Value::string("1e1000000000")]),
        ("jsondecode", vec![Value::string("1e1000000000")]),
        ("quantity", vec![Value::string("1e1000000000")]),
        ("substr", vec![Value::string("a"), number("1e300"), number("1")]),
        ("element", vec![Value::list(vec![Value::Null]), number("1e300")]),
        ("parseint", vec![long, number("10")]),
    ] {
        assert!(call(name, &arguments, &environment).is_err(), "{name}");
    }
}

#[test]
fn a_result_of_the_largest_size_can_be_walked() {
    let list = Value::list(vec![Value::Null; 1_000_000]);
    assert!(inspect(&run("concat", &[list])).is_ok());
}

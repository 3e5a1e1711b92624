//! Expressions and their values, as Terraform has them.
use super::{fails, repeated, succeeds};
use crate::model::Value;

/// Checks that an expression has the value of another; `!` before it: that it is an error with this message.
#[track_caller]
fn check(expression: &str, expected: &str) {
    let text = format!("{SURROUNDINGS}output \"a\" {{\n  value = {expression}\n}}\n");
    if let Some(message) = expected.strip_prefix('!') {
        let (_, result) = super::evaluated(&text, &[]);
        let messages: Vec<String> =
            result.expect_err(expression).iter().map(|diagnostic| diagnostic.message.clone()).collect();
        assert_eq!(messages, [message], "{expression}");
        return;
    }
    let text = format!("{text}output \"b\" {{\n  value = {expected}\n}}\n");
    let evaluation = succeeds(&text, &[]);
    let outputs = &evaluation.desired.outputs;
    assert_eq!(outputs["a"].value, outputs["b"].value, "{expression}");
}

const SURROUNDINGS: &str = r#"
variable "empty" {
  default = null
}
variable "list" {
  default = ["a", "b"]
}
locals {
  map  = { x = 1, y = { z = "deep" } }
  zero = 0
}
"#;

#[test]
fn numbers_are_decimals() {
    check("0.1 + 0.2", "0.3");
    check("10 / 4", "2.5");
    check("5 % -3", "2");
    check("-5 % 3", "-2");
    check("5.5 % 2", "1.5");
    check("\"1\" + 1", "2");
    check("12345678901234567890123 * 10", "123456789012345678901230");
    check("1 < \"2\"", "true");
    check("-(1 + 2) * 3", "-9");
    check("1 / local.zero", "!this divides by zero");
    check("1 % local.zero", "!this divides by zero");
    check("\"x\" + 1", "!a number is needed here, not the text \"x\"");
    check("var.empty + 1", "!a number is needed here, not null");
}

#[test]
fn equality_does_not_convert() {
    check("\"1\" == 1", "false");
    check("null == null", "true");
    check("[1, 2] == [1, 2]", "true");
    check("{ a = 1 } != { a = 2 }", "true");
}

#[test]
fn logic_skips_what_does_not_matter() {
    check("false && 1 / 0 == 1", "false");
    check("true || 1 / 0 == 1", "true");
    check("!(\"true\" && true)", "false");
    check("true && var.empty", "!`true` or `false` is needed here, not null");
}

#[test]
fn conditionals_evaluate_one_arm() {
    check("true ? 1 : 1 / 0", "1");
    check("true ? 1 : \"a\"", "\"1\"");
    check("\"false\" ? 1 : 2", "2");
    check("var.empty ? 1 : 2", "!a condition is `true` or `false`, not null");
}

#[test]
fn templates_convert_simple_values() {
    check("\"a${1}${true}\"", "\"a1true\"");
    check("\"${[1]}\"", "[1]");
    check("\"a${var.list}\"", "!a list cannot stand in a text");
    check("\"a${var.empty}\"", "!null cannot stand in a text");
    check("\"%{ if true }yes%{ else }no%{ endif }\"", "\"yes\"");
    check("\"%{ for i, x in var.list }${i}${x} %{ endfor }\"", "\"0a 1b \"");
    check("length(\"$${a} %%{b}\")", "9");
}

#[test]
fn for_makes_lists_and_maps() {
    check("[for k, v in { b = 1, a = 2 } : k]", "[\"a\", \"b\"]");
    check("[for x in [1, 2, 3] : x * 2 if x > 1]", "[4, 6]");
    check("{ for x in var.list : x => upper(x) }", "{ a = \"A\", b = \"B\" }");
    check("{ for x in [\"a\", \"a\"] : x => 1... }", "{ a = [1, 1] }");
    check("{ for x in [\"a\", \"a\"] : x => 1 }", "!two members have the key `a`");
    check("[for x in 5 : x]", "!`for` needs a list, set or map, not the number 5");
}

#[test]
fn splats_go_over_lists() {
    check("[{ a = 1 }, { a = 2 }][*].a", "[1, 2]");
    check("[{ a = 1 }, { a = 2 }].*.a", "[1, 2]");
    check("var.empty[*]", "[]");
    check("5[*]", "[5]");
    check("[[{ a = 1 }]][*][0].a", "[1]");
}

#[test]
fn values_are_walked_into() {
    check("local.map.y.z", "\"deep\"");
    check("local.map[\"y\"][\"z\"]", "\"deep\"");
    check("var.list[1]", "\"b\"");
    check("var.list[\"1\"]", "\"b\"");
    check("var.list.0", "\"a\"");
    check("var.list[2]", "!there is no element 2: `var.list` has elements 0 to 1");
    check("local.map.q", "!`local.map` has no attribute `q`");
    check("var.list.x", "!`var.list` is a list and has no attribute `x`");
    check("var.empty.x", "!`var.empty` is null, which has no attributes");
}

#[test]
fn try_and_can_are_lazy() {
    check("try(local.map.q, \"other\")", "\"other\"");
    check("try(1 / 0, local.map.q.r, 3)", "3");
    check("can(local.map.q)", "false");
    check("can(local.map.x)", "true");
    check("try(1 / 0)", "!this divides by zero");
}

#[test]
fn arguments_can_be_spread() {
    check("max([1, 3, 2]...)", "3");
    check("uper(\"a\")", "!there is no function `uper`");
}

#[test]
fn templates_see_only_their_variables() {
    check("templatestring(\"$${a}-$${b}\", { a = 1, b = 2 })", "\"1-2\"");
    check("templatestring(\"$${c}\", { a = 1 })", "!line 1 of the template: `c` alone is no value");
}

#[test]
fn template_files_are_read_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.tpl"), "%{ for x in xs ~}\n- ${x}\n%{ endfor ~}\n").unwrap();
    let text = "output \"a\" {\n  value = templatefile(\"a.tpl\", { xs = [1, 2] })\n}\n";
    std::fs::write(folder.path().join("main.rf.hcl"), text).unwrap();
    let evaluation = super::in_folder(folder.path(), &[], &[]).1.expect("it evaluates");
    assert_eq!(evaluation.desired.outputs["a"].value, Value::string("- 1\n- 2\n"));
}

#[test]
fn sensitive_marks_travel() {
    let text = "output \"a\" {\n  value = \"x-${sensitive(\"secret\")}\"\n}\n";
    fails(
        text,
        &[],
        &["2: output `a` shows a sensitive value (write `sensitive = true`, or `nonsensitive(…)` where it may be \
           shown) at \"x-${sensitive(\"secret\")}\""],
    );
    for expression in [
        "sensitive(1) + 1",
        "{ a = sensitive(1) }.a",
        "[1, 2][sensitive(0)]",
        "sensitive(true) ? 1 : 2",
        "[for x in sensitive([1]) : x]",
        "{ for x in [\"a\"] : sensitive(x) => 1 }",
        "sensitive({ a = 1 }).a",
        "upper(sensitive(\"a\"))",
        "!sensitive(true)",
        "sensitive(null) == null",
        "templatestring(\"$${a}\", { a = sensitive(1) })",
    ] {
        let (_, result) = super::evaluated(&format!("output \"a\" {{\n  value = {expression}\n}}\n"), &[]);
        assert_eq!(result.expect_err(expression).len(), 1, "{expression}");
    }
    let evaluation = succeeds("output \"a\" {\n  value = [sensitive(1), 2][1]\n}\n", &[]);
    assert_eq!(evaluation.desired.outputs["a"].value, Value::Number(2.into()));
}

#[test]
fn messages_do_not_show_what_is_sensitive() {
    for expression in [
        "local.secret + 1",
        "1 - local.secret",
        "-local.secret",
        "!local.secret",
        "local.secret && true",
        "true && local.secret",
        "local.secret ? 1 : 2",
        "\"%{ if local.secret }a%{ endif }\"",
        "[for x in local.secret : x]",
        "[for x in [1] : x if local.secret]",
        "[for x in sensitive([\"sesame\"]) : x + 1]",
        "\"%{ for x in sensitive([\"sesame\"]) }${x + 1}%{ endfor }\"",
        "{ for x in [1, 2] : local.secret => x }",
        "{ (sensitive([\"sesame\"])) = 1 }",
        "sensitive({ sesame = 1 }).sesam",
        "sensitive({ sesame = 1 })[\"sesam\"]",
        "sensitive([{ a = \"sesame\" }])[*].a.b",
        "{ a = 1 }[local.secret]",
        "[1][local.secret]",
        "local.secret.a",
        "local.secret[0]",
        "tonumber(local.secret)",
        "jsondecode(local.secret)",
        "lookup({ a = 1 }, local.secret)",
        "timeadd(local.secret, \"1h\")",
        "cidrhost(local.secret, 1)",
        "max(local.secret...)",
        "templatestring(\"$${a + 1}\", sensitive({ a = \"sesame\" }))",
        "templatestring(\"$${a + 1}\", { a = local.secret })",
        "local.secret == \"x\" ? [1] : { sesame = local.secret }",
    ] {
        let text =
            format!("locals {{\n  secret = sensitive(\"sesame\")\n}}\noutput \"a\" {{\n  value = {expression}\n}}\n");
        let (_, result) = super::evaluated(&text, &[]);
        for diagnostic in result.expect_err(expression) {
            let told = format!("{} {:?}", diagnostic.message, diagnostic.hint);
            assert!(!told.contains("sesame"), "{expression}: {told}");
        }
    }
}

#[test]
fn templates_in_quotes_resolve_escapes_in_directives() {
    check("\"%{ if true }a\\n\\\"b\\u00e9%{ endif }\"", "\"a\\n\\\"bé\"");
    let text = "output \"a\" {\n  value = \"%{ if true }\\q%{ endif }\"\n}\n";
    fails(
        text,
        &[],
        &["2: `\\q` is no escape (there are `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\uNNNN`, `\\UNNNNNNNN`) at \\q"],
    );
}

#[test]
fn loops_in_loops_have_a_limit() {
    let limit = "!loops go through more than 2000000 members in all, which is the limit";
    check("[for a in range(1024) : [for b in range(1024) : [for c in range(4) : 1]]]", limit);
    let inner = "%{ for b in range(1024) }%{ for c in range(4) }%{ endfor }%{ endfor }";
    check(&format!("\"%{{ for a in range(1024) }}{inner}%{{ endfor }}\""), limit);
}

#[test]
fn chains_of_ten_thousand_steps_are_evaluated() {
    let steps: String = repeated(1..10_000, |step| format!("  l{step} = local.l{} + 1\n", step - 1));
    let text = format!("locals {{\n  l0 = 0\n{steps}}}\noutput \"a\" {{\n  value = local.l9999\n}}\n");
    assert_eq!(succeeds(&text, &[]).desired.outputs["a"].value, Value::Number(9999.into()));
}

#[test]
fn values_that_grow_without_end_are_refused() {
    let deep: String = repeated(1..2_000, |step| format!("  l{step} = [local.l{}]\n", step - 1));
    let wide: String = repeated(1..60, |step| format!("  l{step} = [local.l{0}, local.l{0}]\n", step - 1));
    let long: String = repeated(1..60, |step| format!("  l{step} = \"${{local.l{0}}}${{local.l{0}}}\"\n", step - 1));
    let large: String = repeated(1..60, |step| format!("  l{step} = local.l{0} * local.l{0}\n", step - 1));
    for (steps, first) in [(deep, "0"), (wide, "0"), (long, "\"a\""), (large, "12345")] {
        let (_, result) = super::evaluated(&format!("locals {{\n  l0 = {first}\n{steps}}}\n"), &[]);
        assert_eq!(result.expect_err("a limit").len(), 1);
    }
}

//! The blocks `moved`, `removed`, `import` and `check`: what becomes of resources that are there already.
use std::sync::Arc;

use super::blocks::{CheckBlock, Config, ImportBlock};
use super::collect::{check_names, conditions, labels, taker};
use super::ir::{Attribute, Block, Expression, Form, Step};
use super::{data, settings};
use crate::model::{Diagnostic, Key, Move, Removal, Target, Value};

/// Adds a `moved` block.
pub(super) fn moved(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    labels(&block, &[], diagnostics);
    check_names(&block, &["from", "to"], &[], diagnostics);
    let header = block.header;
    let mut take = taker(block.body.attributes);
    let (Some(from), Some(to)) = (take("from"), take("to")) else {
        let hint = "write `moved { from = redis.a, to = redis.b }`, each on a line of its own";
        diagnostics.push(Diagnostic::error("`moved` needs `from` and `to`").at(header).hint(hint));
        return;
    };
    let (from_span, to_span) = (from.value.span, to.value.span);
    let (Some(from), Some(to)) = (selector(&from, diagnostics), selector(&to, diagnostics)) else { return };
    let is_module = |selector: &Target| matches!(selector, Target::Module(_));
    if is_module(&from) != is_module(&to) {
        let message = "a resource becomes a resource, and a module a module";
        diagnostics.push(Diagnostic::error(message).at(to_span).related(from_span, "moved from here"));
    } else if from == to {
        diagnostics.push(Diagnostic::error(format!("`{from}` has moved to itself")).at(to_span));
    } else {
        config.moves.push(Move { within: Vec::new(), from, to, from_span, to_span });
    }
}

/// Adds a `removed` block.
pub(super) fn removed(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    labels(&block, &[], diagnostics);
    check_names(&block, &["from"], &["lifecycle"], diagnostics);
    let destroy = destroy(&block, diagnostics);
    let header = block.header;
    let Some(from) = taker(block.body.attributes)("from") else {
        let hint = "write `from = redis.a` in it";
        diagnostics.push(Diagnostic::error("`removed` needs `from`").at(header).hint(hint));
        return;
    };
    let from_span = from.value.span;
    let Some(from) = selector(&from, diagnostics) else { return };
    if from.has_keys() {
        let message = "`removed` names a whole block or module, not one instance";
        let hint = format!("write `{}`; one instance goes with its key in `for_each`", from.without_keys());
        diagnostics.push(Diagnostic::error(message).at(from_span).hint(hint));
        return;
    }
    config.removals.push(Removal { within: Vec::new(), from, from_span, destroy });
}

/// Reads `lifecycle { destroy = … }`.
fn destroy(block: &Block, diagnostics: &mut Vec<Diagnostic>) -> Option<bool> {
    let mut found = None;
    for inner in block.body.blocks_of("lifecycle") {
        labels(inner, &[], diagnostics);
        check_names(inner, &["destroy"], &[], diagnostics);
        if let Some(attribute) = inner.body.attribute("destroy") {
            found = Some(settings::flag(Some(attribute.clone()), "destroy", true, diagnostics));
        }
    }
    found
}

/// Adds an `import` block.
pub(super) fn import(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    labels(&block, &[], diagnostics);
    check_names(&block, &["to", "id", "for_each"], &[], diagnostics);
    let header = block.header;
    let mut take = taker(block.body.attributes);
    let (Some(to), Some(id)) = (take("to"), take("id")) else {
        let hint = "write `import { to = redis.a, id = \"namespace/name\" }`, each on a line of its own";
        diagnostics.push(Diagnostic::error("`import` needs `to` and `id`").at(header).hint(hint));
        return;
    };
    if to.value.as_reference().is_none() && to.value.as_text().is_none() {
        diagnostics.push(no_name(&to.name, &to.value));
        return;
    }
    let for_each = take("for_each").map(|attribute| attribute.value);
    config.imports.push(ImportBlock { to: to.value, id: id.value, for_each });
}

/// Adds a `check` block.
pub(super) fn check(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    let Some([name]) = labels(&block, &["name"], diagnostics) else { return };
    check_names(&block, &[], &["assert", "data"], diagnostics);
    let asserts = conditions(&block.body, "assert", diagnostics);
    let header = block.header;
    if asserts.is_empty() && block.body.blocks_of("assert").next().is_none() {
        diagnostics.push(Diagnostic::error(format!("check `{name}` has no `assert` block")).at(header));
        return;
    }
    if let Some(first) = config.checks.get(&name) {
        let diagnostic = Diagnostic::error(format!("a second check `{name}`")).at(header);
        diagnostics.push(diagnostic.related(first.header, "the first is here"));
        return;
    }
    for inner in block.body.blocks.into_iter().filter(|inner| &*inner.kind == "data") {
        data::collect(inner, Some(&name), config, diagnostics);
    }
    config.checks.insert(name, CheckBlock { header, asserts });
}

/// Reads a name that is written out: a reference, or a text that holds one.
fn selector(attribute: &Attribute, diagnostics: &mut Vec<Diagnostic>) -> Option<Target> {
    named(&attribute.name, &attribute.value, diagnostics)
}

/// Reads one name of an attribute's value.
pub(super) fn named(attribute: &str, value: &Expression, diagnostics: &mut Vec<Diagnostic>) -> Option<Target> {
    let found = match value.as_text() {
        Some(text) => text.parse().ok(),
        None => parts(value).and_then(Target::of_parts),
    };
    if found.is_none() {
        diagnostics.push(no_name(attribute, value));
    }
    found
}

fn no_name(attribute: &str, value: &Expression) -> Diagnostic {
    let message = format!("`{attribute}` names no resource or module");
    let hint = "a name is written out, such as `redis.gcs`, `redis.gcs[\"a\"]` or `module.team[\"a\"].redis.gcs`";
    Diagnostic::error(message).at(value.span).hint(hint)
}

/// Returns the parts of a reference with their keys, where all keys are written out.
fn parts(expression: &Expression) -> Option<Vec<(String, Option<Key>)>> {
    let (root, steps) = expression.as_reference()?;
    let mut parts: Vec<(String, Option<Key>)> = vec![(root.to_string(), None)];
    for step in steps {
        match step {
            Step::Attribute(name, _) => parts.push((name.to_string(), None)),
            Step::Index(index) => {
                let (_, key) = parts.last_mut().filter(|(_, key)| key.is_none())?;
                *key = Some(literal_key(index)?);
            }
            Step::Splat { .. } => return None,
        }
    }
    Some(parts)
}

fn literal_key(index: &Expression) -> Option<Key> {
    match &index.form {
        Form::Literal(Value::String(name)) => Some(Key::Name(Arc::clone(name).to_string())),
        Form::Literal(Value::Number(number)) => number.as_i64().and_then(|it| u64::try_from(it).ok()).map(Key::Index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one file; returns what was collected, or the mistakes.
    fn config(text: &str) -> Result<Config, Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("main.rf.hcl"), text).expect("a file");
        let loaded = super::super::load(folder.path());
        let told = |found: &Diagnostic| found.message.clone();
        loaded.config.map(|config| (*config).clone()).map_err(|found| found.iter().map(told).collect())
    }

    #[track_caller]
    fn fails(text: &str, expected: &str) {
        assert_eq!(config(text).map(|_| ()), Err(vec![expected.to_owned()]));
    }

    #[track_caller]
    fn moves(from: &str, to: &str) -> String {
        let config = config(&format!("moved {{\n  from = {from}\n  to = {to}\n}}\n")).expect("no mistakes");
        format!("{} -> {}", config.moves[0].from, config.moves[0].to)
    }

    #[test]
    fn names_are_references_or_texts() {
        assert_eq!(moves("redis.a", "redis.b[0]"), "redis.a -> redis.b[0]");
        assert_eq!(moves("module.t[\"a\"].redis.a", "redis.b"), "module.t[\"a\"].redis.a -> redis.b");
        assert_eq!(moves("\"module.t\"", "module.u[\"x\"]"), "module.t -> module.u[\"x\"]");
    }

    #[test]
    fn what_moves_nowhere_is_refused() {
        fails("moved {\n  from = redis.a\n  to = redis.a\n}\n", "`redis.a` has moved to itself");
        fails(
            "moved {\n  from = redis.a\n  to = module.b\n}\n",
            "a resource becomes a resource, and a module a module",
        );
        fails("moved {\n  from = redis.a[var.x]\n  to = redis.b\n}\n", "`from` names no resource or module");
        fails("moved {\n  from = redis.a\n}\n", "`moved` needs `from` and `to`");
    }

    #[test]
    fn removed_is_a_block_and_says_what_becomes_of_the_objects() {
        let text = "removed {\n  from = redis.a\n  lifecycle {\n    destroy = false\n  }\n}\nremoved {\n  from = module.t\n}\n";
        let found = config(text).expect("no mistakes").removals;
        assert_eq!(found.iter().map(|it| it.destroy).collect::<Vec<_>>(), [Some(false), None]);
        fails("removed {\n  from = redis.a[0]\n}\n", "`removed` names a whole block or module, not one instance");
        fails("removed {}\n", "`removed` needs `from`");
    }

    #[test]
    fn imports_and_checks_are_complete() {
        fails("import {\n  to = redis.a\n}\n", "`import` needs `to` and `id`");
        fails("import {\n  to = 1\n  id = \"a\"\n}\n", "`to` names no resource or module");
        fails("check \"a\" {}\n", "check `a` has no `assert` block");
        let assert = "check \"a\" {\n  assert {\n    condition = true\n    error_message = \"x\"\n  }\n}\n";
        fails(&assert.repeat(2), "a second check `a`");
        assert_eq!(config(assert).expect("no mistakes").checks.len(), 1);
    }
}

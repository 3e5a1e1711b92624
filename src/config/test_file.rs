//! `*.rftest.hcl`: runs of a configuration with values for its variables, and what must hold then.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocks::{Condition, Config};
use super::collect::{check_names, conditions, items, labels, taker, twice};
use super::ir::{Attribute, Block, Body, Expression, Form, Step};
use super::module::{self, Source};
use super::refactoring::named;
use super::settings::{flag, literal_needed};
use super::{Sources, parse};
use crate::model::{Diagnostic, Span, Target, nearest, on_large_stack};

/// One file of tests.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestFile {
    /// Values for the variables of all runs.
    pub variables: Vec<Attribute>,
    pub runs: Vec<TestRun>,
}

/// One run: the configuration is planned or applied, and looked at.
#[derive(Clone, Debug)]
pub(crate) struct TestRun {
    pub name: Arc<str>,
    pub header: Span,
    pub command: TestCommand,
    pub variables: Vec<Attribute>,
    pub asserts: Vec<Condition>,
    /// What must refuse: variables, outputs and resources, by reference.
    pub expect_failures: Vec<Expression>,
    /// The folder of another module that is run instead, relative to that of the configuration.
    pub module: Option<PathBuf>,
    pub options: PlanOptions,
}

/// How a run plans: the flags of `plan` with the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlanOptions {
    pub refresh_only: bool,
    /// `refresh = false`: the state is trusted.
    pub trusting: bool,
    pub targets: Vec<Target>,
    pub replace: Vec<Target>,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TestCommand {
    Plan,
    #[default]
    Apply,
}

/// Reads a file of tests; every mistake is reported.
pub(crate) fn test_file(path: &Path, sources: &mut Sources) -> Result<TestFile, Vec<Diagnostic>> {
    let file = sources.read(path).map_err(|diagnostic| vec![*diagnostic])?;
    let body = on_large_stack(|| parse::parse_body(sources.text(file), file))?;
    let (mut tests, mut diagnostics) = (TestFile::default(), Vec::new());
    for attribute in &body.attributes {
        let message = format!("`{}` stands outside of any block", attribute.name);
        let hint = "values of variables belong into `variables { … }`";
        diagnostics.push(Diagnostic::error(message).at(attribute.name_span).hint(hint));
    }
    for block in body.blocks {
        match &*block.kind {
            "variables" => tests.variables.extend(variables(block, &mut diagnostics)),
            "run" => run(block, &mut tests, &mut diagnostics),
            other => {
                let diagnostic = Diagnostic::error(format!("a test has no block `{other}`")).at(block.header);
                let meant = nearest(other, ["variables", "run"]).map(|meant| format!("did you mean `{meant}`?"));
                diagnostics
                    .push(diagnostic.hint(meant.unwrap_or_else(|| "blocks are `variables` and `run`".to_owned())));
            }
        }
    }
    if diagnostics.is_empty() { Ok(tests) } else { Err(diagnostics) }
}

fn variables(block: Block, diagnostics: &mut Vec<Diagnostic>) -> Vec<Attribute> {
    labels(&block, &[], diagnostics);
    for inner in &block.body.blocks {
        let message = format!("`variables` holds values, not blocks such as `{}`", inner.kind);
        diagnostics.push(Diagnostic::error(message).at(inner.header));
    }
    block.body.attributes
}

fn run(block: Block, tests: &mut TestFile, diagnostics: &mut Vec<Diagnostic>) {
    let Some([name]) = labels(&block, &["name"], diagnostics) else { return };
    let blocks = ["variables", "assert", "module", "plan_options"];
    check_names(&block, &["command", "expect_failures"], &blocks, diagnostics);
    let asserts = conditions(&block.body, "assert", diagnostics);
    let header = block.header;
    let Body { attributes, blocks, .. } = block.body;
    let (mut given, mut folder, mut options) = (Vec::new(), None, PlanOptions::default());
    for inner in blocks {
        match &*inner.kind {
            "variables" => given.extend(variables(inner, diagnostics)),
            "module" => folder = module(inner, diagnostics),
            "plan_options" => options = plan_options(inner, diagnostics),
            _ => {}
        }
    }
    let mut take = taker(attributes);
    let command = command(take("command"), diagnostics);
    let expect_failures = expected(take("expect_failures"), diagnostics);
    if let Some(first) = tests.runs.iter().find(|run| run.name == name) {
        return diagnostics.push(twice(format!("a second run `{name}`"), header, first.header));
    }
    tests.runs.push(TestRun {
        name,
        header,
        command,
        variables: given,
        asserts,
        expect_failures,
        module: folder,
        options,
    });
}

/// Reads `module { source = "./…" }`.
fn module(block: Block, diagnostics: &mut Vec<Diagnostic>) -> Option<PathBuf> {
    labels(&block, &[], diagnostics);
    check_names(&block, &["source"], &[], diagnostics);
    let header = block.header;
    let Some(source) = taker(block.body.attributes)("source") else {
        diagnostics.push(Diagnostic::error("`module` needs the `source`").at(header));
        return None;
    };
    match source.value.as_text().map(module::parse) {
        Some(Ok(Source::Local(folder))) => return Some(folder),
        Some(Err(diagnostic)) => diagnostics.push(diagnostic.at(source.value.span)),
        Some(Ok(Source::Git(_))) | None => {
            let message = "a run takes a module from a folder, written out, such as `\"./tests/setup\"`";
            diagnostics.push(Diagnostic::error(message).at(source.value.span));
        }
    }
    None
}

/// Reads `plan_options { … }`.
fn plan_options(block: Block, diagnostics: &mut Vec<Diagnostic>) -> PlanOptions {
    labels(&block, &[], diagnostics);
    check_names(&block, &["mode", "refresh", "target", "replace"], &[], diagnostics);
    let mut take = taker(block.body.attributes);
    let mut options =
        PlanOptions { trusting: !flag(take("refresh"), "refresh", true, diagnostics), ..PlanOptions::default() };
    if let Some(mode) = take("mode") {
        match (&mode.value.form, mode.value.as_text()) {
            (Form::Name(name), _) if &**name == "normal" => {}
            // `refresh-only` reads as one name, for names have hyphens.
            (Form::Name(name), _) if &**name == "refresh-only" => options.refresh_only = true,
            (_, Some("normal")) => {}
            (_, Some("refresh-only")) => options.refresh_only = true,
            _ => diagnostics.push(literal_needed("mode", "`normal` or `refresh-only`", &mode.value)),
        }
    }
    options.targets = targets(take("target"), diagnostics);
    options.replace = targets(take("replace"), diagnostics);
    options
}

fn targets(attribute: Option<Attribute>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Target> {
    let Some(attribute) = attribute else { return Vec::new() };
    let (name, span) = (attribute.name, attribute.value.span);
    let Some(items) = items(attribute.value) else {
        diagnostics.push(Diagnostic::error(format!("`{name}` is a list of names, such as `[redis.gcs]`")).at(span));
        return Vec::new();
    };
    items.iter().filter_map(|item| named(&name, item, diagnostics)).collect()
}

fn command(attribute: Option<Attribute>, diagnostics: &mut Vec<Diagnostic>) -> TestCommand {
    let Some(attribute) = attribute else { return TestCommand::default() };
    let word = match &attribute.value.form {
        Form::Name(word) => Some(&**word),
        _ => attribute.value.as_text(),
    };
    match word {
        Some("plan") => TestCommand::Plan,
        Some("apply") => TestCommand::Apply,
        _ => {
            diagnostics.push(Diagnostic::error("`command` is `plan` or `apply`").at(attribute.value.span));
            TestCommand::default()
        }
    }
}

fn expected(attribute: Option<Attribute>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Expression> {
    let Some(attribute) = attribute else { return Vec::new() };
    let span = attribute.value.span;
    let is_name = |item: &Expression| item.as_reference().is_some_and(|(_, steps)| !steps.is_empty());
    items(attribute.value).filter(|items| items.iter().all(is_name)).unwrap_or_else(|| {
        let message = "`expect_failures` is a list of what refuses, such as `[var.memory, ray_head.main]`";
        diagnostics.push(Diagnostic::error(message).at(span));
        Vec::new()
    })
}

impl Config {
    /// Returns the places of the conditions of a variable, an output or a resource of this module; nothing where there
    /// is no such thing.
    pub(crate) fn conditions_of(&self, reference: &Expression) -> Option<Vec<Span>> {
        let (root, steps) = reference.as_reference()?;
        let Some(Step::Attribute(name, _)) = steps.first() else { return None };
        let conditions: Vec<&Condition> = match &**root {
            "var" => self.variables.get(name)?.validations.iter().collect(),
            "output" => self.outputs.get(name)?.preconditions.iter().collect(),
            "check" => self.checks.get(name)?.asserts.iter().collect(),
            _ => {
                let block = self.resources.get(&(root.clone(), name.clone()))?;
                block.preconditions.iter().chain(&block.postconditions).collect()
            }
        };
        Some(conditions.into_iter().map(|condition| condition.condition.span).collect())
    }
}

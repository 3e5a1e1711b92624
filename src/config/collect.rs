//! Bodies of files into the blocks of a configuration; every misplaced or misspelt thing is reported.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::blocks::{ClusterBlock, Condition, Config, OutputBlock, Repetition, ResourceBlock, Variable};
use super::ir::{Attribute, Block, Body, Expression, Form};
use super::{data, module, refactoring, settings, version};
use crate::model::{ClusterName, Diagnostic, Span, Value, nearest};

/// The kinds of top-level blocks.
const KINDS: [&str; 12] = [
    "rayform", "cluster", "variable", "locals", "output", "resource", "data", "module", "moved", "removed", "import",
    "check",
];

/// Adds the blocks of one file.
pub(super) fn collect(body: Body, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    for attribute in &body.attributes {
        let message = format!("`{}` stands outside of any block", attribute.name);
        let hint = "attributes belong into blocks; a value to refer to belongs into `locals { … }`";
        diagnostics.push(Diagnostic::error(message).at(attribute.name_span).hint(hint));
    }
    for block in body.blocks {
        match &*block.kind {
            "rayform" => rayform(block, diagnostics),
            "cluster" => cluster(block, config, diagnostics),
            "variable" => variable(block, config, diagnostics),
            "locals" => locals(block, config, diagnostics),
            "output" => output(block, config, diagnostics),
            "resource" => resource(block, config, diagnostics),
            "data" => data::collect(block, None, config, diagnostics),
            "module" => module::collect(block, config, diagnostics),
            "moved" => refactoring::moved(block, config, diagnostics),
            "removed" => refactoring::removed(block, config, diagnostics),
            "import" => refactoring::import(block, config, diagnostics),
            "check" => refactoring::check(block, config, diagnostics),
            _ => diagnostics.push(unknown_block(&block)),
        }
    }
}

fn unknown_block(block: &Block) -> Diagnostic {
    let kind = &*block.kind;
    let diagnostic = Diagnostic::error(format!("there is no block `{kind}`")).at(block.header);
    match nearest(kind, KINDS) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None if kind == "terraform" => diagnostic.hint("settings of rayform stand in a `rayform` block"),
        None if kind == "provider" => diagnostic.hint("the cluster is chosen by a `cluster` block"),
        None => diagnostic.hint(format!("blocks are {}", list(&KINDS))),
    }
}

/// Joins names as a sentence does.
fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn rayform(mut block: Block, diagnostics: &mut Vec<Diagnostic>) {
    labels(&block, &[], diagnostics);
    let backends = backends(&mut block.body);
    check_names(&block, &["required_version"], &["backend"], diagnostics);
    if let Some(attribute) = block.body.attribute("required_version") {
        match attribute.value.as_text() {
            Some(text) => diagnostics.extend(version::check(text, attribute.value.span)),
            None => diagnostics.push(settings::literal_needed("required_version", "a text", &attribute.value)),
        }
    }
    for backend in backends {
        let hint = "the state is kept in `rayform.state.json` beside the configuration";
        diagnostics.push(Diagnostic::error("`backend` blocks are not supported yet").at(backend).hint(hint));
    }
}

/// Returns the places of all `backend` blocks; those in JSON, which look like attributes, are taken out.
fn backends(body: &mut Body) -> Vec<Span> {
    let is_backend = |attribute: &mut Attribute| &*attribute.name == "backend";
    let in_json = if body.json { body.attributes.extract_if(.., is_backend).collect() } else { Vec::new() };
    let headers = body.blocks_of("backend").map(|block| block.header);
    headers.chain(in_json.iter().map(|attribute| attribute.name_span)).collect()
}

fn cluster(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    check_names(&block, &["kubeconfig", "context"], &[], diagnostics);
    let name = match block.labels.len() {
        0 => ClusterName::default(),
        _ => match labels(&block, &["name"], diagnostics) {
            Some([name]) => ClusterName::named(&*name),
            None => return,
        },
    };
    if let Some(first) = config.clusters.get(&name) {
        let what = name.name().map_or("`cluster` block".to_owned(), |name| format!("`cluster \"{name}\"`"));
        diagnostics.push(twice(format!("a second {what}"), block.header, first.header));
        return;
    }
    let header = block.header;
    let mut take = taker(block.body.attributes);
    let cluster = ClusterBlock {
        header,
        kubeconfig: take("kubeconfig").map(|attribute| attribute.value),
        context: take("context").map(|attribute| attribute.value),
    };
    config.clusters.insert(name, cluster);
}

fn variable(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    let Some([name]) = labels(&block, &["name"], diagnostics) else { return };
    if module::RESERVED.contains(&&*name) {
        let message = format!("a variable cannot be called `{name}`: in a `module` block that is a setting");
        diagnostics.push(Diagnostic::error(message).at(block.header));
    }
    let known = ["type", "default", "description", "sensitive", "nullable", "ephemeral"];
    check_names(&block, &known, &["validation"], diagnostics);
    let validations = conditions(&block.body, "validation", diagnostics);
    let header = block.header;
    let mut take = taker(block.body.attributes);
    let description = settings::text(take("description"), "description", diagnostics);
    let sensitive = settings::flag(take("sensitive"), "sensitive", false, diagnostics);
    let nullable = settings::flag(take("nullable"), "nullable", true, diagnostics);
    let variable = Variable {
        header,
        constraint: take("type").map(|attribute| attribute.value),
        default: take("default").map(|attribute| attribute.value),
        description,
        sensitive,
        nullable,
        validations,
    };
    add(&mut config.variables, name, variable, |variable| variable.header, "variable", diagnostics);
}

fn locals(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    labels(&block, &[], diagnostics);
    for inner in &block.body.blocks {
        let message = format!("`locals` holds values, not blocks such as `{}`", inner.kind);
        diagnostics.push(Diagnostic::error(message).at(inner.header).hint(format!("write `{} = …`", inner.kind)));
    }
    for attribute in block.body.attributes {
        add(
            &mut config.locals,
            attribute.name.clone(),
            attribute,
            |attribute| attribute.name_span,
            "local",
            diagnostics,
        );
    }
}

fn output(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    let Some([name]) = labels(&block, &["name"], diagnostics) else { return };
    check_names(&block, &["value", "description", "sensitive", "depends_on"], &["precondition"], diagnostics);
    let preconditions = conditions(&block.body, "precondition", diagnostics);
    let header = block.header;
    let mut take = taker(block.body.attributes);
    // For whoever reads the file; only its type is checked.
    settings::text(take("description"), "description", diagnostics);
    let sensitive = settings::flag(take("sensitive"), "sensitive", false, diagnostics);
    let depends_on = settings::references(take("depends_on"), diagnostics);
    let Some(value) = take("value") else {
        diagnostics.push(Diagnostic::error(format!("output `{name}` has no `value`")).at(header));
        return;
    };
    let output = OutputBlock { header, value: value.value, sensitive, depends_on, preconditions };
    add(&mut config.outputs, name, output, |output| output.header, "output", diagnostics);
}

fn resource(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    let Some([resource_type, name]) = labels(&block, &["type", "name"], diagnostics) else { return };
    let (header, type_span) = (block.header, block.labels[0].span);
    let mut arguments = block.body;
    let (mut taken, kept) =
        split(arguments.attributes, &["count", "for_each", "depends_on", "allow_checks", "cluster"]);
    arguments.attributes = kept;
    let (lifecycle_blocks, kept) = arguments.blocks.into_iter().partition(|inner| &*inner.kind == "lifecycle");
    arguments.blocks = kept;
    let settings::LifecycleBlock { lifecycle, preconditions, postconditions, triggers } =
        settings::lifecycle(lifecycle_blocks, diagnostics);
    let resource = ResourceBlock {
        resource_type: resource_type.clone(),
        type_span,
        name: name.clone(),
        header,
        repetition: repetition(taken.remove("count"), taken.remove("for_each"), diagnostics),
        cluster: taken.remove("cluster").map(|attribute| attribute.value),
        depends_on: settings::references(taken.remove("depends_on"), diagnostics),
        allow_checks: settings::texts(taken.remove("allow_checks"), "allow_checks", diagnostics),
        lifecycle,
        preconditions,
        postconditions,
        triggers,
        arguments,
    };
    if let Some(first) = config.resources.get(&(resource_type.clone(), name.clone())) {
        diagnostics.push(twice(format!("a second `{resource_type}.{name}`"), header, first.header));
        return;
    }
    config.resources.insert((resource_type, name), resource);
}

/// Reads `count` and `for_each`.
pub(super) fn repetition(
    count: Option<Attribute>,
    for_each: Option<Attribute>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Repetition {
    match (count, for_each) {
        (Some(count), Some(for_each)) => {
            let message = "a block has either `count` or `for_each`";
            diagnostics.push(Diagnostic::error(message).at(for_each.name_span).related(count.name_span, "the other"));
            Repetition::Once
        }
        (Some(count), None) => Repetition::Count(count.value),
        (None, Some(for_each)) => Repetition::ForEach(for_each.value),
        (None, None) => Repetition::Once,
    }
}

/// Reads the blocks that hold `condition` and `error_message`.
pub(super) fn conditions(body: &Body, kind: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Condition> {
    let mut found = Vec::new();
    for block in body.blocks_of(kind) {
        labels(block, &[], diagnostics);
        check_names(block, &["condition", "error_message"], &[], diagnostics);
        match (block.body.attribute("condition"), block.body.attribute("error_message")) {
            (Some(condition), Some(message)) => {
                found.push(Condition { condition: condition.value.clone(), message: message.value.clone() });
            }
            _ => diagnostics
                .push(Diagnostic::error(format!("`{kind}` needs `condition` and `error_message`")).at(block.header)),
        }
    }
    found
}

/// Returns the labels of a block, if there are as many as there should be.
pub(super) fn labels<const N: usize>(
    block: &Block,
    names: &[&str; N],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<[Arc<str>; N]> {
    for label in &block.labels {
        if !is_name(&label.text) {
            let message = format!("`{}` is not a name: letters, digits, `_` and `-`, a letter first", label.text);
            diagnostics.push(Diagnostic::error(message).at(label.span));
            return None;
        }
    }
    let texts: Vec<Arc<str>> = block.labels.iter().map(|label| label.text.clone()).collect();
    texts.try_into().ok().or_else(|| {
        let form = names.iter().fold(String::new(), |form, name| form + " \"" + name + "\"");
        let message = format!("`{}` has {} labels, not {}", block.kind, N, block.labels.len());
        let hint = format!("write `{}{form} {{ … }}`", block.kind);
        diagnostics.push(Diagnostic::error(message.replace(" 1 labels", " 1 label")).at(block.header).hint(hint));
        None
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Reports attributes and blocks that a block does not have.
pub(super) fn check_names(block: &Block, attributes: &[&str], blocks: &[&str], diagnostics: &mut Vec<Diagnostic>) {
    let all = || attributes.iter().chain(blocks).copied();
    for attribute in &block.body.attributes {
        let name = &*attribute.name;
        if blocks.contains(&name) {
            let message = format!("`{name}` is a block, not an attribute");
            let hint = format!("write `{name} {{ … }}`");
            diagnostics.push(Diagnostic::error(message).at(attribute.name_span).hint(hint));
        } else if !attributes.contains(&name) {
            diagnostics.push(unknown(&block.kind, "attribute", name, attribute.name_span, all()));
        }
    }
    for inner in &block.body.blocks {
        let name = &*inner.kind;
        if attributes.contains(&name) {
            let message = format!("`{name}` is an attribute, not a block");
            diagnostics.push(Diagnostic::error(message).at(inner.header).hint(format!("write `{name} = …`")));
        } else if !blocks.contains(&name) {
            diagnostics.push(unknown(&block.kind, "block", name, inner.header, all()));
        }
    }
}

fn unknown<'a>(kind: &str, what: &str, name: &str, span: Span, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("`{kind}` has no {what} `{name}`")).at(span);
    match (of_terraform(kind, name), nearest(name, known)) {
        (Some(hint), _) => diagnostic.hint(hint),
        (None, Some(meant)) => diagnostic.hint(format!("did you mean `{meant}`?")),
        (None, None) => diagnostic,
    }
}

/// Says what to do instead of what Terraform has.
fn of_terraform(kind: &str, name: &str) -> Option<&'static str> {
    match (kind, name) {
        ("lifecycle", "create_before_destroy") => {
            Some("two objects cannot have one name: what must be replaced is deleted first; leave it out")
        }
        ("rayform", "required_providers") => Some("the resource types are part of rayform: leave it out"),
        ("output", "ephemeral") => Some("no secret is ever recorded: write `sensitive = true`"),
        _ => None,
    }
}

/// Adds a block under its name; a second one of that name is a mistake.
pub(super) fn add<T>(
    map: &mut BTreeMap<Arc<str>, T>,
    name: Arc<str>,
    item: T,
    span: impl Fn(&T) -> Span,
    what: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if let Some(first) = map.get(&name) {
        diagnostics.push(twice(format!("a second {what} `{name}`"), span(&item), span(first)));
        return;
    }
    map.insert(name, item);
}

pub(super) fn twice(what: String, second: Span, first: Span) -> Diagnostic {
    Diagnostic::error(what).at(second).related(first, "the first is here")
}

/// Returns a function that takes attributes out by name.
pub(super) fn taker(attributes: Vec<Attribute>) -> impl FnMut(&str) -> Option<Attribute> {
    let mut attributes: BTreeMap<Arc<str>, Attribute> =
        attributes.into_iter().map(|attribute| (attribute.name.clone(), attribute)).collect();
    move |name| attributes.remove(name)
}

/// Takes the attributes with these names out of the others.
pub(super) fn split(attributes: Vec<Attribute>, names: &[&str]) -> (BTreeMap<Arc<str>, Attribute>, Vec<Attribute>) {
    let (taken, kept): (Vec<_>, Vec<_>) =
        attributes.into_iter().partition(|attribute| names.contains(&&*attribute.name));
    (taken.into_iter().map(|attribute| (attribute.name.clone(), attribute)).collect(), kept)
}

/// Returns the items of a list expression.
pub(super) fn items(expression: Expression) -> Option<Vec<Expression>> {
    match expression.form {
        Form::Tuple(items) => Some(items),
        Form::Literal(Value::Null) => Some(Vec::new()),
        _ => None,
    }
}

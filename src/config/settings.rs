//! The settings that must be written out, for they are read before anything is evaluated.
use super::blocks::Condition;
use super::collect::{check_names, conditions, items, labels, taker};
use super::ir::{Attribute, Block, Expression, Form, Step};
use crate::model::{Diagnostic, FieldPath, Lifecycle, OnDestroy, Step as PathStep, Value};

/// Reads a literal text.
pub(super) fn text(attribute: Option<Attribute>, name: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    let attribute = attribute?;
    let text = attribute.value.as_text().map(str::to_owned);
    if text.is_none() {
        diagnostics.push(literal_needed(name, "a text", &attribute.value));
    }
    text
}

/// Reads a literal `true` or `false`.
pub(super) fn flag(attribute: Option<Attribute>, name: &str, default: bool, diagnostics: &mut Vec<Diagnostic>) -> bool {
    match attribute.map(|attribute| attribute.value) {
        None => default,
        Some(Expression { form: Form::Literal(Value::Bool(flag)), .. }) => flag,
        Some(other) => {
            diagnostics.push(literal_needed(name, "`true` or `false`", &other));
            default
        }
    }
}

/// Reads a list of literal texts, with their places.
pub(super) fn texts(
    attribute: Option<Attribute>,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(String, crate::model::Span)> {
    let Some(attribute) = attribute else { return Vec::new() };
    let error = literal_needed(name, "a list of texts", &attribute.value);
    let read = |item: &Expression| item.as_text().map(|text| (text.to_owned(), item.span));
    let texts = items(attribute.value).and_then(|items| items.iter().map(read).collect());
    texts.unwrap_or_else(|| {
        diagnostics.push(error);
        Vec::new()
    })
}

/// Reads a list of references, such as that of `depends_on`.
pub(super) fn references(attribute: Option<Attribute>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Expression> {
    let Some(attribute) = attribute else { return Vec::new() };
    let name = attribute.name.clone();
    let span = attribute.value.span;
    let found = items(attribute.value).filter(|items| items.iter().all(|item| item.as_reference().is_some()));
    found.unwrap_or_else(|| {
        let message = format!("`{name}` is a list of references, such as `[ray_head.main]`");
        diagnostics.push(Diagnostic::error(message).at(span));
        Vec::new()
    })
}

/// Says that a setting must be written out.
pub(super) fn literal_needed(name: &str, what: &str, value: &Expression) -> Diagnostic {
    Diagnostic::error(format!("`{name}` must be {what}, written out")).at(value.span)
}

/// What a `lifecycle` block says.
#[derive(Debug, Default)]
pub(super) struct LifecycleBlock {
    pub lifecycle: Lifecycle,
    pub preconditions: Vec<Condition>,
    pub postconditions: Vec<Condition>,
    /// The list of `replace_triggered_by`.
    pub triggers: Vec<Expression>,
}

/// Reads the `lifecycle` blocks of a resource, of which there should be at most one.
pub(super) fn lifecycle(blocks: Vec<Block>, diagnostics: &mut Vec<Diagnostic>) -> LifecycleBlock {
    let Some(block) = only_lifecycle(blocks, diagnostics) else { return LifecycleBlock::default() };
    let attributes = ["prevent_destroy", "on_destroy", "ignore_changes", "replace_triggered_by"];
    check_names(&block, &attributes, &["precondition", "postcondition"], diagnostics);
    let preconditions = conditions(&block.body, "precondition", diagnostics);
    let postconditions = conditions(&block.body, "postcondition", diagnostics);
    let mut take = taker(block.body.attributes);
    let triggers = references(take("replace_triggered_by"), diagnostics);
    let lifecycle = Lifecycle {
        prevent_destroy: flag(take("prevent_destroy"), "prevent_destroy", false, diagnostics),
        on_destroy: on_destroy(take("on_destroy"), diagnostics),
        ignore_changes: ignore_changes(take("ignore_changes"), diagnostics),
    };
    LifecycleBlock { lifecycle, preconditions, postconditions, triggers }
}

/// Reads the `lifecycle` blocks of a `data` block, which hold conditions alone: those before, and those after.
pub(super) fn conditions_of_lifecycle(
    blocks: Vec<Block>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Vec<Condition>, Vec<Condition>) {
    let Some(block) = only_lifecycle(blocks, diagnostics) else { return Default::default() };
    check_names(&block, &[], &["precondition", "postcondition"], diagnostics);
    let preconditions = conditions(&block.body, "precondition", diagnostics);
    (preconditions, conditions(&block.body, "postcondition", diagnostics))
}

fn only_lifecycle(blocks: Vec<Block>, diagnostics: &mut Vec<Diagnostic>) -> Option<Block> {
    let mut blocks = blocks.into_iter();
    let block = blocks.next()?;
    for second in blocks {
        let message = "a second `lifecycle` block";
        diagnostics.push(Diagnostic::error(message).at(second.header).related(block.header, "the first is here"));
    }
    labels(&block, &[], diagnostics);
    Some(block)
}

fn on_destroy(attribute: Option<Attribute>, diagnostics: &mut Vec<Diagnostic>) -> OnDestroy {
    let Some(attribute) = attribute else { return OnDestroy::default() };
    match attribute.value.as_text() {
        Some("delete") => OnDestroy::Delete,
        Some("keep") => OnDestroy::Keep,
        _ => {
            diagnostics.push(literal_needed("on_destroy", "`\"delete\"` or `\"keep\"`", &attribute.value));
            OnDestroy::default()
        }
    }
}

fn ignore_changes(attribute: Option<Attribute>, diagnostics: &mut Vec<Diagnostic>) -> Vec<FieldPath> {
    let Some(attribute) = attribute else { return Vec::new() };
    if matches!(&attribute.value.form, Form::Name(name) if &**name == "all") {
        return vec![FieldPath::default()];
    }
    let span = attribute.value.span;
    let Some(items) = items(attribute.value) else {
        let message = "`ignore_changes` is a list of field paths, such as `[spec.replicas]`, or `all`";
        diagnostics.push(Diagnostic::error(message).at(span));
        return Vec::new();
    };
    let mut paths = Vec::new();
    for item in items {
        if let Some(path) = field_path(&item) {
            paths.push(path);
        } else {
            let message = "this is not a path to a field";
            let hint = "write it as `spec.replicas` or `metadata.annotations[\"example.com/name\"]`";
            diagnostics.push(Diagnostic::error(message).at(item.span).hint(hint));
        }
    }
    paths
}

/// Reads a path into an object, written as a reference or as a text that holds one.
fn field_path(expression: &Expression) -> Option<FieldPath> {
    if let Some(text) = expression.as_text() {
        let parsed = super::parse::parse_expression(text.trim_start_matches('.'), expression.span.file).ok()?;
        return field_path(&parsed);
    }
    let (root, steps) = expression.as_reference()?;
    let mut path = vec![PathStep::Field(root.to_string())];
    for step in steps {
        path.push(match step {
            Step::Attribute(name, _) => PathStep::Field(name.to_string()),
            Step::Index(Expression { form: Form::Literal(Value::Number(index)), .. }) => {
                PathStep::Index(usize::try_from(index.as_i64()?).ok()?)
            }
            Step::Index(index) => PathStep::Field(index.as_text()?.to_owned()),
            Step::Splat { .. } => return None,
        });
    }
    Some(FieldPath(path))
}

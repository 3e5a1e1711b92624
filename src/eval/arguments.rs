//! The body of a resource block into JSON arguments: names, blocks, labels and what is required.
use std::sync::Arc;

use serde_json::Map;

use super::dynamic;
use super::expression::evaluate;
use super::json::{Json, Output, convert};
use super::scope::{Frame, Scope};
use super::shape::{Field, Fields, Shape};
use crate::config::ir::{Attribute, Block, Body};
use crate::model::{Diagnostic, Span, nearest};

/// Whose body is read, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    /// `ray_head`, or the kind of an inner block.
    pub kind: &'a str,
    pub header: Span,
}

/// Reads a body; mistakes go to the output, which is useless then.
pub(super) fn body<'a>(
    owner: Owner<'_>,
    body: &'a Body,
    fields: &Fields,
    scope: &Scope<'a>,
    frame: Option<&Frame<'_>>,
    output: &mut Output,
) -> Map<String, Json> {
    let mut map = Map::new();
    for attribute in &body.attributes {
        self::attribute(owner, attribute, fields, scope, frame, output, &mut map);
    }
    for block in &body.blocks {
        if &*block.kind == "dynamic" {
            dynamic::expand(owner, block, fields, scope, frame, output, &mut map);
        } else {
            add_block(owner, block, &block.kind, &labels(block), fields, scope, frame, output, &mut map);
        }
    }
    for (name, _) in fields.by_name.iter().filter(|(name, field)| field.required && !map.contains_key(*name)) {
        let is_given = body.attribute(name).is_some() || body.blocks_of(name).next().is_some();
        if !is_given && !is_dynamic(body, name) && !is_misspelt(body, fields, name) {
            let message = format!("`{}` needs `{name}`", owner.kind);
            output.diagnostics.push(Diagnostic::error(message).at(owner.header));
        }
    }
    map
}

/// Tells whether a `dynamic` block may provide what is missing.
fn is_dynamic(body: &Body, name: &str) -> bool {
    body.blocks_of("dynamic").any(|block| block.labels.first().is_some_and(|label| &*label.text == name))
}

/// Tells whether a name that does not exist was probably meant to be this one.
fn is_misspelt(body: &Body, fields: &Fields, name: &str) -> bool {
    let names =
        body.attributes.iter().map(|attribute| &*attribute.name).chain(body.blocks.iter().map(|block| &*block.kind));
    let mut unknown = names.filter(|given| !fields.by_name.contains_key(*given));
    unknown.any(|given| nearest(given, fields.by_name.keys().map(String::as_str)) == Some(name))
}

fn attribute<'a>(
    owner: Owner<'_>,
    attribute: &'a Attribute,
    fields: &Fields,
    scope: &Scope<'a>,
    frame: Option<&Frame<'_>>,
    output: &mut Output,
    map: &mut Map<String, Json>,
) {
    let name = &*attribute.name;
    let shape = match fields.by_name.get(name) {
        Some(field) if field.block => {
            let diagnostic = Diagnostic::error(format!("`{name}` is a block, not an attribute"));
            let hint = format!("write {}", block_form(name, field));
            return output.diagnostics.push(diagnostic.at(attribute.name_span).hint(hint));
        }
        Some(field) => &field.shape,
        None if fields.open => &Shape::Any,
        None => return output.diagnostics.push(unknown(owner, "attribute", name, attribute.name_span, fields)),
    };
    match evaluate(&attribute.value, scope, frame) {
        Ok(value) => {
            let required = fields.by_name.get(name).is_some_and(|field| field.required);
            if value.unmark().0 == &crate::model::Value::Null {
                if required {
                    let message = format!("`{}` needs `{name}`, which is null here", owner.kind);
                    output.diagnostics.push(Diagnostic::error(message).at(attribute.value.span));
                }
            } else if let Some(json) = convert(&value, shape, name, &attribute.value, output) {
                map.insert(name.to_owned(), json);
            }
        }
        Err(failure) => output.diagnostics.push(*failure),
    }
}

/// The label of a block, as far as it was evaluated.
pub(super) type Labels = Vec<(Arc<str>, Span)>;

fn labels(block: &Block) -> Labels {
    block.labels.iter().map(|label| (label.text.clone(), label.span)).collect()
}

/// Adds one block; `kind` and `labels` are given apart, for a `dynamic` block has others than it seems.
#[expect(clippy::too_many_arguments, reason = "one step of a recursion whose state has no other home")]
pub(super) fn add_block<'a>(
    owner: Owner<'_>,
    block: &'a Block,
    kind: &str,
    labels: &Labels,
    fields: &Fields,
    scope: &Scope<'a>,
    frame: Option<&Frame<'_>>,
    output: &mut Output,
    map: &mut Map<String, Json>,
) {
    let Some(field) = fields.by_name.get(kind) else {
        if !fields.open {
            output.diagnostics.push(unknown(owner, "block", kind, block.header, fields));
        }
        return;
    };
    if !field.block {
        let diagnostic = Diagnostic::error(format!("`{kind}` is an attribute, not a block")).at(block.header);
        let form = if matches!(field.shape, Shape::Map(_) | Shape::Any) { "{ … }" } else { "…" };
        return output.diagnostics.push(diagnostic.hint(format!("write `{kind} = {form}`")));
    }
    let open = Fields { open: true, ..Fields::default() };
    let (inner_fields, repeated) = field.block_fields();
    let inner_fields = inner_fields.map_or(&open, |fields| fields);
    let label = label(field, kind, labels, block.header, output);
    let mut without_label;
    let checked_fields = match (&field.label, &label) {
        (Some(name), _) => {
            without_label = inner_fields.clone();
            without_label.by_name.remove(name);
            &without_label
        }
        _ => inner_fields,
    };
    let inner_owner = Owner { kind, header: block.header };
    let mut value = body(inner_owner, &block.body, checked_fields, scope, frame, output);
    if let (Some(name), Some(label)) = (&field.label, label) {
        value.insert(name.clone(), Json::from(&*label));
    }
    if repeated {
        let list = map.entry(kind.to_owned()).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(items) = list {
            items.push(Json::Object(value));
        }
    } else if map.insert(kind.to_owned(), Json::Object(value)).is_some() {
        let message = format!("a second `{kind}` block in `{}`", owner.kind);
        output.diagnostics.push(Diagnostic::error(message).at(block.header));
    }
}

fn label(field: &Field, kind: &str, labels: &Labels, header: Span, output: &mut Output) -> Option<Arc<str>> {
    match (&field.label, labels.as_slice()) {
        (Some(_), [(label, _)]) => Some(label.clone()),
        (None, []) => None,
        (Some(_), _) => {
            let message = format!("`{kind}` has one label");
            let hint = format!("write {}", block_form(kind, field));
            output.diagnostics.push(Diagnostic::error(message).at(header).hint(hint));
            None
        }
        (None, [(_, span), ..]) => {
            let message = format!("`{kind}` has no label");
            let hint = format!("write {}", block_form(kind, field));
            output.diagnostics.push(Diagnostic::error(message).at(*span).hint(hint));
            None
        }
    }
}

/// Returns how a block is written.
fn block_form(kind: &str, field: &Field) -> String {
    match &field.label {
        Some(label) => format!("`{kind} \"{label}\" {{ … }}`"),
        None => format!("`{kind} {{ … }}`"),
    }
}

/// Says that there is no such attribute or block, and which one was probably meant.
fn unknown(owner: Owner<'_>, what: &str, name: &str, span: Span, fields: &Fields) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("`{}` has no {what} `{name}`", owner.kind)).at(span);
    let known = || fields.by_name.keys().map(String::as_str);
    if let Some(meant) = nearest(name, known()) {
        return diagnostic.hint(format!("did you mean `{meant}`?"));
    }
    if name == "namespace"
        && let Some(other) = ["head", "target"].into_iter().find(|other| fields.by_name.contains_key(*other))
    {
        return diagnostic.hint(format!("it lives in the namespace of its `{other}`: leave it out"));
    }
    let all: Vec<String> = known().map(|name| format!("`{name}`")).collect();
    if all.is_empty() || all.len() > 12 {
        return diagnostic;
    }
    diagnostic.hint(format!("it has {}", all.join(", ")))
}

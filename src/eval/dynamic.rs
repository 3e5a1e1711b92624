//! `dynamic "kind" { for_each = … content { … } }`: blocks made from a collection.
use std::cell::Cell;
use std::sync::Arc;

use serde_json::Map;

use super::arguments::{Labels, Owner, add_block};
use super::expression::{evaluate, fail, members};
use super::json::{Json, Output};
use super::scope::{Frame, Scope};
use super::shape::Fields;
use super::text::{described, to_text};
use crate::config::ir::{Block, Expression, Form};
use crate::model::{Diagnostic, Value};

/// Returns the name that a `dynamic` block binds, or nothing for any other block.
pub(super) fn iterator(block: &Block) -> Option<&str> {
    if &*block.kind != "dynamic" {
        return None;
    }
    let label = block.labels.first()?;
    let named = block.body.attribute("iterator").and_then(|attribute| match &attribute.value.form {
        Form::Name(name) => Some(&**name),
        _ => attribute.value.as_text(),
    });
    Some(named.unwrap_or(&label.text))
}

/// Adds the blocks that a `dynamic` block stands for.
pub(super) fn expand<'a>(
    owner: Owner<'_>,
    block: &'a Block,
    fields: &Fields,
    scope: &Scope<'a>,
    frame: Option<&Frame<'_>>,
    output: &mut Output,
    map: &mut Map<String, Json>,
) {
    let (Some(kind), Some(name)) = (block.labels.first(), iterator(block)) else {
        let hint = "write `dynamic \"kind\" { for_each = … content { … } }`";
        return output.diagnostics.push(Diagnostic::error("`dynamic` has one label").at(block.header).hint(hint));
    };
    let contents: Vec<&Block> = block.body.blocks_of("content").collect();
    let (Some(for_each), [content]) = (block.body.attribute("for_each"), contents.as_slice()) else {
        let message = "`dynamic` needs `for_each` and one `content` block";
        return output.diagnostics.push(Diagnostic::error(message).at(block.header));
    };
    for other in block.body.attributes.iter().filter(|a| !["for_each", "iterator", "labels"].contains(&&*a.name)) {
        let message = format!("`dynamic` has no attribute `{}`", other.name);
        let hint = "what belongs to the block itself stands in `content { … }`";
        output.diagnostics.push(Diagnostic::error(message).at(other.name_span).hint(hint));
    }
    let found = evaluate(&for_each.value, scope, frame).and_then(|value| members(&value, for_each.value.span));
    let members = match found {
        Ok(Some(members)) => members,
        Ok(None) => return output.unknown = true,
        Err(failure) => return output.diagnostics.push(*failure),
    };
    for (key, value) in members {
        let bound = Value::map([("key", key), ("value", value)]);
        let outer = frame.copied();
        let own = Cell::new(0);
        let steps = frame.map_or(&own, |frame| frame.steps);
        let inner = Frame { parent: outer.as_ref(), name, value: &bound, steps };
        let labels = block.body.attribute("labels").map(|attribute| labels(&attribute.value, scope, &inner, output));
        let labels = labels.unwrap_or_default();
        add_block(owner, content, &kind.text, &labels, fields, scope, Some(&inner), output, map);
    }
}

fn labels<'a>(expression: &'a Expression, scope: &Scope<'a>, frame: &Frame<'_>, output: &mut Output) -> Labels {
    let value = match evaluate(expression, scope, Some(frame)) {
        Ok(value) => value,
        Err(failure) => {
            output.diagnostics.push(*failure);
            return Labels::new();
        }
    };
    let items = match value.unmark().0 {
        Value::List(items) => items.iter().map(to_text).collect::<Option<Vec<Arc<str>>>>(),
        _ => None,
    };
    let Some(items) = items else {
        let message = format!("`labels` takes a list of texts, not {}", described(&value));
        output.diagnostics.push(*fail(message, expression.span));
        return Labels::new();
    };
    items.into_iter().map(|text| (text, expression.span)).collect()
}

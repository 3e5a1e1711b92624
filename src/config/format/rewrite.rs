//! The few things that have an older way to be written: labels without quotes, `"${x}"` for `x`, `type = "string"`.
use std::ops::Range;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, BlockLabel, Body, Structure};
use hcl_edit::template::Element;

use super::tokens::{Kind, tokens};

/// What stands in the place of a stretch of the text.
type Edit = (Range<usize>, String);

/// The types that may stand in quotes, and those that take the type of their elements.
const SIMPLE: [&str; 4] = ["any", "bool", "number", "string"];
const COLLECTIONS: [&str; 3] = ["list", "map", "set"];

/// Returns a text with those things written in the new way.
pub(super) fn rewrite(text: &str, tree: &Body) -> String {
    let mut edits = Vec::new();
    of_body(text, tree, &[], &mut edits);
    edits.sort_by_key(|(range, _)| range.start);
    let (mut result, mut at) = (String::with_capacity(text.len()), 0);
    for (range, replacement) in edits {
        result.push_str(&text[at..range.start]);
        result.push_str(&replacement);
        at = range.end;
    }
    result.push_str(&text[at..]);
    result
}

fn of_body(text: &str, body: &Body, around: &[&str], edits: &mut Vec<Edit>) {
    for structure in body {
        match structure {
            Structure::Attribute(attribute) if around == ["variable"] && attribute.key.as_str() == "type" => {
                edits.extend(of_type(text, attribute));
            }
            Structure::Attribute(attribute) => edits.extend(unwrapped(text, attribute)),
            Structure::Block(block) => {
                edits.extend(block.labels.iter().filter_map(quoted));
                let around: Vec<&str> = around.iter().copied().chain([kind(block)]).collect();
                of_body(text, &block.body, &around, edits);
            }
        }
    }
}

fn kind(block: &Block) -> &str {
    block.ident.as_str()
}

fn quoted(label: &BlockLabel) -> Option<Edit> {
    match label {
        BlockLabel::Ident(word) => Some((word.span()?, format!("\"{}\"", word.as_str()))),
        BlockLabel::String(_) => None,
    }
}

/// Writes a type as it is written now. A collection of anything says so.
fn of_type(text: &str, attribute: &Attribute) -> Option<Edit> {
    let word = match &attribute.value {
        Expression::String(word) => word.as_str(),
        Expression::Variable(word) if COLLECTIONS.contains(&word.as_str()) => word.as_str(),
        _ => return unwrapped(text, attribute),
    };
    let range = attribute.value.span()?;
    if SIMPLE.contains(&word) {
        return Some((range, word.to_owned()));
    }
    COLLECTIONS.contains(&word).then(|| (range, format!("{word}(any)")))
}

/// Returns `x` for `"${x}"`, where nothing is lost.
fn unwrapped(text: &str, attribute: &Attribute) -> Option<Edit> {
    let range = attribute.value.span()?;
    let (mut expression, mut inside) = (sole(&attribute.value)?, trimmed(&text[range.clone()])?);
    while let Some(inner) = sole(expression) {
        inside = trimmed(inside)?;
        expression = inner;
    }
    if tokens(inside).last().is_none_or(|token| token.kind == Kind::LineComment) {
        return None;
    }
    // Behind `=`, an expression goes on in the next line only in parentheses.
    let needs_parentheses = inside.contains('\n') && !matches!(expression, Expression::Parenthesis(_));
    Some((range, if needs_parentheses { format!("({inside})") } else { inside.to_owned() }))
}

/// Returns the expression of a template that is one interpolation and nothing else.
fn sole(expression: &Expression) -> Option<&Expression> {
    let Expression::StringTemplate(template) = expression else { return None };
    let mut elements = template.iter();
    match (elements.next(), elements.next()) {
        (Some(Element::Interpolation(interpolation)), None) => Some(&interpolation.expr),
        _ => None,
    }
}

/// Returns the inside of `"${…}"` without the white space at its ends.
fn trimmed(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("\"${")?.strip_suffix("}\"")?;
    let inside = inside.strip_prefix('~').unwrap_or(inside);
    Some(inside.strip_suffix('~').unwrap_or(inside).trim())
}

//! Finds the place of an argument that a resource type complains about: `storage/size`, `volume/0/claim`.
use crate::config::ir::{Block, Body, Expression, Form};
use crate::model::Span;

/// Returns the place of an argument, or of the nearest block around it.
pub(super) fn locate(body: &Body, argument: &str, header: Span) -> Span {
    let steps: Vec<&str> =
        argument.split('/').map(|step| step.trim_matches(['[', ']'])).filter(|step| !step.is_empty()).collect();
    in_body(body, &steps, header)
}

fn in_body(body: &Body, steps: &[&str], header: Span) -> Span {
    let Some((name, rest)) = steps.split_first() else { return header };
    if let Some(attribute) = body.attribute(name) {
        return in_expression(&attribute.value, rest);
    }
    let blocks: Vec<&Block> = body.blocks_of(name).collect();
    let index = rest.first().and_then(|step| step.parse::<usize>().ok());
    let (index, rest) = match index {
        Some(index) => (index, &rest[1..]),
        None => (0, rest),
    };
    match blocks.get(index) {
        Some(block) if labels(block, rest) => block.labels[0].span,
        Some(block) => in_body(&block.body, rest, block.header),
        None => dynamic(body, name).map_or(header, |block| block.header),
    }
}

/// Tells whether the step is no attribute of the block, and so its label.
fn labels(block: &Block, rest: &[&str]) -> bool {
    matches!(rest, [name] if !block.labels.is_empty() && *name == "name" && block.body.attribute(name).is_none())
}

fn dynamic<'b>(body: &'b Body, name: &str) -> Option<&'b Block> {
    body.blocks_of("dynamic").find(|block| block.labels.first().is_some_and(|label| &*label.text == name))
}

fn in_expression(expression: &Expression, steps: &[&str]) -> Span {
    let mut expression = expression;
    for (depth, step) in steps.iter().enumerate() {
        let next = match &expression.form {
            Form::Tuple(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            Form::Object(entries) => {
                // A key may hold `/` itself.
                let joined = steps[depth..].join("/");
                let named = |name: &str| entries.iter().find(|entry| entry.key.as_text() == Some(name));
                if let Some(entry) = named(&joined) {
                    return entry.value.span;
                }
                named(step).map(|entry| &entry.value)
            }
            _ => None,
        };
        let Some(next) = next else { break };
        expression = next;
    }
    expression.span
}

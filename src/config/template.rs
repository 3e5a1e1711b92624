//! Templates: strip markers applied, heredocs dedented, directives as parts.
use std::ops::Range;
use std::sync::Arc;

use hcl_edit::template::{Directive, Element, HeredocTemplate, Strip, Template};

use super::ir::{Expression, Form, Names, Part};
use super::lower::{Lowering, Shift};
use crate::model::{Diagnostic, Value};

/// Lowers the elements of a template.
pub(super) fn parts(lowering: &Lowering<'_>, template: &Template) -> Result<Vec<Part>, Box<Diagnostic>> {
    lower(lowering, template, false, false)
}

/// Returns a literal for what is only text, the inner expression for `"${x}"`, else a template.
pub(super) fn simplify(mut parts: Vec<Part>) -> Form {
    parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
    match parts.as_slice() {
        [] => Form::Literal(Value::string("")),
        [Part::Literal(text)] => Form::Literal(Value::String(text.clone())),
        _ => Form::Template(parts),
    }
}

/// Lowers a heredoc; `<<-` loses the smallest indentation of its lines.
///
/// The text is cut out and parsed again after it was dedented: the parser dedents only what stands
/// outside of directives.
pub(super) fn heredoc(
    lowering: &Lowering<'_>,
    heredoc: &HeredocTemplate,
    range: Option<Range<usize>>,
) -> Result<Form, Box<Diagnostic>> {
    let cut = range.clone().and_then(|range| Some((range.start, lowering.text.get(range)?)));
    let Some((start, source)) = cut.filter(|(_, source)| source.starts_with("<<-")) else {
        return Ok(simplify(parts(lowering, &heredoc.template)?));
    };
    let first = source.find('\n').map_or(source.len(), |index| index + 1);
    let last = source.rfind('\n').map_or(first, |index| index + 1).max(first);
    let (text, shifts) = dedent(&source[first..last], |offset| lowering.offset(start + first + offset));
    let template = hcl_edit::parser::parse_template(&text)
        .map_err(|error| Box::new(Diagnostic::error(error.message().replace('\n', "; ")).at(lowering.span(range))))?;
    let inner = Lowering { file: lowering.file, text: &text, shifts };
    Ok(simplify(parts(&inner, &template)?))
}

/// Removes the smallest indentation, and says where each line came from.
fn dedent(raw: &str, origin: impl Fn(usize) -> usize) -> (String, Vec<Shift>) {
    let indentation = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let lines = || raw.split_inclusive('\n');
    let smallest = lines().filter(|line| !line.trim().is_empty()).map(indentation).min().unwrap_or(0);
    let (mut text, mut shifts, mut offset) = (String::with_capacity(raw.len()), Vec::new(), 0);
    for line in lines() {
        let removed = smallest.min(indentation(line));
        shifts.push(Shift { start: text.len(), origin: origin(offset + removed) });
        text.push_str(&line[removed..]);
        offset += line.len();
    }
    (text, shifts)
}

/// Lowers elements; `strip_start` and `strip_end` come from the markers around them.
fn lower(
    lowering: &Lowering<'_>,
    template: &Template,
    strip_start: bool,
    strip_end: bool,
) -> Result<Vec<Part>, Box<Diagnostic>> {
    let elements: Vec<&Element> = template.iter().collect();
    let mut parts = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        let part = match element {
            Element::Literal(text) => {
                let before = index.checked_sub(1).map(|index| elements[index]);
                let strip_before = before.map_or(strip_start, |element| ends(element).strip_end());
                let strip_after = elements.get(index + 1).map_or(strip_end, |element| starts(element).strip_start());
                Part::Literal(Arc::from(strip(text.as_str(), strip_before, strip_after)))
            }
            Element::Interpolation(interpolation) => Part::Interpolation(lowering.expression(&interpolation.expr)?),
            Element::Directive(directive) => self::directive(lowering, directive)?,
        };
        parts.push(part);
    }
    Ok(parts)
}

fn directive(lowering: &Lowering<'_>, directive: &Directive) -> Result<Part, Box<Diagnostic>> {
    match directive {
        Directive::If(branch) => {
            let (then, end) = (&branch.if_expr, &branch.endif_expr);
            let behind = branch.else_expr.as_ref().map_or(end.strip, |otherwise| otherwise.strip);
            let otherwise = match &branch.else_expr {
                Some(otherwise) => {
                    lower(lowering, &otherwise.template, otherwise.strip.strip_end(), end.strip.strip_start())?
                }
                None => Vec::new(),
            };
            Ok(Part::If {
                condition: lowering.expression(&then.cond_expr)?,
                then: lower(lowering, &then.template, then.strip.strip_end(), behind.strip_start())?,
                otherwise,
            })
        }
        Directive::For(each) => {
            let (head, end) = (&each.for_expr, &each.endfor_expr);
            Ok(Part::For {
                names: Names {
                    key: head.key_var.as_ref().map(|name| Arc::from(name.as_str())),
                    value: Arc::from(head.value_var.as_str()),
                },
                collection: lowering.expression(&head.collection_expr)?,
                body: lower(lowering, &head.template, head.strip.strip_end(), end.strip.strip_start())?,
            })
        }
    }
}

/// Returns the markers at the beginning of an element.
fn starts(element: &Element) -> Strip {
    match element {
        Element::Literal(_) => Strip::None,
        Element::Interpolation(interpolation) => interpolation.strip,
        Element::Directive(directive) => match &**directive {
            Directive::If(branch) => branch.if_expr.strip,
            Directive::For(each) => each.for_expr.strip,
        },
    }
}

/// Returns the markers at the end of an element.
fn ends(element: &Element) -> Strip {
    match element {
        Element::Literal(_) => Strip::None,
        Element::Interpolation(interpolation) => interpolation.strip,
        Element::Directive(directive) => match &**directive {
            Directive::If(branch) => branch.endif_expr.strip,
            Directive::For(each) => each.endfor_expr.strip,
        },
    }
}

/// Removes white space within the line that touches a marker, as Terraform does.
fn strip(text: &str, start: bool, end: bool) -> &str {
    let mut text = text;
    if start {
        let line = text.find('\n').map_or(text.len(), |index| index + 1);
        text = if text[..line].trim().is_empty() { &text[line..] } else { text.trim_start() };
    }
    if end {
        let body = text.strip_suffix('\n').unwrap_or(text);
        let line = body.rfind('\n').map_or(0, |index| index + 1);
        text = if text[line..].trim().is_empty() { &text[..line] } else { text.trim_end() };
    }
    text
}

/// Lowers a text that is a template as a whole, such as a file for `templatefile`.
pub(super) fn whole(lowering: &Lowering<'_>, template: &Template) -> Result<Expression, Box<Diagnostic>> {
    let form = simplify(parts(lowering, template)?);
    Ok(Expression { span: lowering.span(Some(0..lowering.text.len())), form })
}

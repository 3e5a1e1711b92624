//! Templates: strip markers applied, heredocs dedented, directives as parts.
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, HeredocTemplate, Strip, Template};

use super::ir::{Branch, Expression, Form, Loop, Names, Part};
use super::lower::{Lowering, Shift};
use crate::model::{Diagnostic, Span, Value};

/// How the literal text of a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// In quotes, with escapes. The parser resolves those outside of directives.
    Quoted,
    /// The same, inside of a directive, where the parser leaves escapes as they are.
    QuotedDirective,
    /// In lines, as they are.
    Lines,
}

impl Style {
    fn inside(self) -> Self {
        if self == Self::Lines { Self::Lines } else { Self::QuotedDirective }
    }
}

/// Lowers a template in quotes.
pub(super) fn quoted(lowering: &Lowering<'_>, template: &Template) -> Result<Form, Box<Diagnostic>> {
    Ok(simplify(lower(lowering, template, Style::Quoted, false, false)?))
}

/// Lowers the elements of a template in lines.
fn parts(lowering: &Lowering<'_>, template: &Template) -> Result<Vec<Part>, Box<Diagnostic>> {
    lower(lowering, template, Style::Lines, false, false)
}

/// Returns a literal for what is only text, else a template; pieces of text beside each other are joined.
fn simplify(parts: Vec<Part>) -> Form {
    let is_alone = parts.len() == 1;
    let mut parts = join(parts);
    match parts.as_slice() {
        [] => return Form::Literal(Value::string("")),
        [Part::Literal(text)] => return Form::Literal(Value::string(text)),
        // White space that was removed still makes the result a text.
        [Part::Interpolation(_)] if !is_alone => parts.push(Part::Literal(Arc::from(""))),
        _ => {}
    }
    Form::Template(parts)
}

fn join(parts: Vec<Part>) -> Vec<Part> {
    if is_joined(&parts) {
        return parts;
    }
    let (mut joined, mut text) = (Vec::with_capacity(parts.len()), String::new());
    for part in parts {
        let part = match part {
            Part::Literal(piece) => {
                text.push_str(&piece);
                continue;
            }
            Part::If(branch) => {
                let Branch { condition, then, otherwise } = *branch;
                Part::If(Box::new(Branch { condition, then: join(then), otherwise: join(otherwise) }))
            }
            Part::For(each) => {
                let Loop { names, collection, body } = *each;
                Part::For(Box::new(Loop { names, collection, body: join(body) }))
            }
            Part::Interpolation(expression) => Part::Interpolation(expression),
        };
        if !text.is_empty() {
            joined.push(Part::Literal(Arc::from(std::mem::take(&mut text))));
        }
        joined.push(part);
    }
    if !text.is_empty() {
        joined.push(Part::Literal(Arc::from(text)));
    }
    joined
}

/// Tells whether there is nothing to join: no text is empty, or beside another one, or inside of a directive.
fn is_joined(parts: &[Part]) -> bool {
    let is_plain = |part: &Part| match part {
        Part::Literal(text) => !text.is_empty(),
        Part::Interpolation(_) => true,
        Part::If(_) | Part::For(_) => false,
    };
    let are_texts = |pair: &[Part]| matches!(pair, [Part::Literal(_), Part::Literal(_)]);
    parts.iter().all(is_plain) && !parts.windows(2).any(are_texts)
}

/// Lowers a heredoc; `<<-` loses the smallest indentation of its lines.
///
/// The text of `<<-` is cut out and parsed again as it stands, for the parser removes indentation in another way.
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
    let text = &source[first..last];
    let template = hcl_edit::parser::parse_template(text)
        .map_err(|error| Box::new(Diagnostic::error(error.message().replace('\n', "; ")).at(lowering.span(range))))?;
    let shifts = vec![Shift { start: 0, origin: lowering.offset(start + first) }];
    let mut parts = parts(&Lowering::new(lowering.file, text, shifts), &template)?;
    dedent(&mut parts);
    Ok(simplify(parts))
}

/// Lowers elements; `strip_start` and `strip_end` come from the markers around them.
fn lower(
    lowering: &Lowering<'_>,
    template: &Template,
    style: Style,
    strip_start: bool,
    strip_end: bool,
) -> Result<Vec<Part>, Box<Diagnostic>> {
    let elements: Vec<&Element> = template.iter().collect();
    let mut parts = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        match element {
            Element::Literal(text) => {
                let before = index.checked_sub(1).map(|index| elements[index]);
                let strip_before = before.map_or(strip_start, |element| ends(element).strip_end());
                let strip_after = elements.get(index + 1).map_or(strip_end, |element| starts(element).strip_start());
                let text = match style {
                    Style::QuotedDirective => {
                        let refused = |escape: String| invalid_escape(&escape, lowering.span(text.span()));
                        Cow::Owned(unescape(text.as_str()).map_err(refused)?)
                    }
                    Style::Quoted | Style::Lines => Cow::Borrowed(text.as_str()),
                };
                literals(&text, style, strip_before, strip_after, &mut parts);
            }
            Element::Interpolation(interpolation) => {
                parts.push(Part::Interpolation(lowering.expression(&interpolation.expr)?));
            }
            Element::Directive(directive) => parts.push(self::directive(lowering, directive, style.inside())?),
        }
    }
    Ok(parts)
}

/// Adds a text without the white space that touches a marker: in lines, each is a piece of its own, and
/// only the nearest one loses its white space. <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#templates>
fn literals(text: &str, style: Style, strip_start: bool, strip_end: bool, parts: &mut Vec<Part>) {
    let mut pieces: Vec<&str> = if style == Style::Lines { text.split_inclusive('\n').collect() } else { vec![text] };
    if let Some(first) = pieces.first_mut().filter(|_| strip_start) {
        *first = first.trim_start();
    }
    if let Some(last) = pieces.last_mut().filter(|_| strip_end) {
        *last = last.trim_end();
    }
    parts.extend(pieces.into_iter().map(|piece| Part::Literal(Arc::from(piece))));
}

/// Removes the indentation that all lines have. As in Terraform, markers were applied before: a line
/// whose indentation they removed has none, and what they joined to the line before does not begin one.
fn dedent(parts: &mut [Part]) {
    let mut smallest = usize::MAX;
    begin_lines(parts, &mut true, &mut |line| {
        let indentation = line.map_or(0, |line| line.chars().take_while(|character| character.is_whitespace()).count());
        smallest = smallest.min(indentation);
    });
    let cut = |line: &Arc<str>| Arc::from(line.chars().skip(smallest).collect::<String>());
    begin_lines(parts, &mut true, &mut |line| {
        if let Some(line) = line {
            *line = cut(line);
        }
    });
}

/// Calls `each` with what every line that is not blank begins with: a text, or nothing where it is no text.
fn begin_lines(parts: &mut [Part], at_start: &mut bool, each: &mut dyn FnMut(Option<&mut Arc<str>>)) {
    for part in parts {
        if let Part::Literal(text) = part {
            let ends_line = text.ends_with('\n');
            let is_blank = ends_line && text.trim_start().is_empty();
            if std::mem::replace(at_start, ends_line) && !is_blank {
                each(Some(text));
            }
            continue;
        }
        let marker = |at_start: &mut bool, each: &mut dyn FnMut(Option<&mut Arc<str>>)| {
            if std::mem::take(at_start) {
                each(None);
            }
        };
        marker(at_start, each);
        match part {
            Part::If(branch) => {
                begin_lines(&mut branch.then, at_start, each);
                if !branch.otherwise.is_empty() {
                    marker(at_start, each);
                    begin_lines(&mut branch.otherwise, at_start, each);
                }
                marker(at_start, each);
            }
            Part::For(inner) => {
                begin_lines(&mut inner.body, at_start, each);
                marker(at_start, each);
            }
            Part::Literal(_) | Part::Interpolation(_) => {}
        }
    }
}

fn directive(lowering: &Lowering<'_>, directive: &Directive, style: Style) -> Result<Part, Box<Diagnostic>> {
    let lower = |template: &Template, start, end| lower(lowering, template, style, start, end);
    match directive {
        Directive::If(branch) => {
            let (then, end) = (&branch.if_expr, &branch.endif_expr);
            let behind = branch.else_expr.as_ref().map_or(end.strip, |otherwise| otherwise.strip);
            let otherwise = match &branch.else_expr {
                Some(otherwise) => lower(&otherwise.template, otherwise.strip.strip_end(), end.strip.strip_start())?,
                None => Vec::new(),
            };
            Ok(Part::If(Box::new(Branch {
                condition: lowering.expression(&then.cond_expr)?,
                then: lower(&then.template, then.strip.strip_end(), behind.strip_start())?,
                otherwise,
            })))
        }
        Directive::For(each) => {
            let (head, end) = (&each.for_expr, &each.endfor_expr);
            Ok(Part::For(Box::new(Loop {
                names: Names {
                    key: head.key_var.as_ref().map(|name| lowering.name(name.as_str())),
                    value: lowering.name(head.value_var.as_str()),
                },
                collection: lowering.expression(&head.collection_expr)?,
                body: lower(&head.template, head.strip.strip_end(), end.strip.strip_start())?,
            })))
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

/// Resolves the escapes of a text in quotes; the error is the one that means nothing.
fn unescape(text: &str) -> Result<String, String> {
    let (mut resolved, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        resolved.push_str(&rest[..at]);
        let escape = &rest[at..];
        let length = match escape.as_bytes().get(1) {
            Some(b'u') => 6,
            Some(b'U') => 10,
            _ => 2,
        };
        let escape = escape.get(..length).unwrap_or(escape);
        resolved.push(character(escape).ok_or_else(|| escape.to_owned())?);
        rest = &rest[at + escape.len()..];
    }
    resolved.push_str(rest);
    Ok(resolved)
}

/// Returns the character that an escape stands for.
fn character(escape: &str) -> Option<char> {
    match escape {
        "\\n" => Some('\n'),
        "\\r" => Some('\r'),
        "\\t" => Some('\t'),
        "\\\"" => Some('"'),
        "\\\\" => Some('\\'),
        _ => {
            let digits = escape.get(2..).filter(|digits| matches!(digits.len(), 4 | 8))?;
            u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
        }
    }
}

fn invalid_escape(escape: &str, span: Span) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error(format!("`{escape}` is no escape")).at(span);
    Box::new(diagnostic.hint("there are `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\uNNNN`, `\\UNNNNNNNN`"))
}

/// Lowers a text that is a template as a whole, such as a file for `templatefile`.
pub(super) fn whole(lowering: &Lowering<'_>, template: &Template) -> Result<Expression, Box<Diagnostic>> {
    let form = simplify(parts(lowering, template)?);
    Ok(Expression { span: lowering.span(Some(0..lowering.text.len())), form })
}

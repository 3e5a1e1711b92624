//! Nodes into expressions: texts are templates, or expressions where only a reference makes sense.
use hcl_edit::parser;

use super::super::ir::{Entry, Expression, Form};
use super::super::lower::{Lowering, decimal};
use super::super::{parse, template};
use super::text::{Node, NodeForm, Place, Quoted};
use crate::model::{Diagnostic, Value};

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Texts {
    /// A template, such as `"${var.image}"`.
    Template,
    /// Itself: it is read before anything is evaluated.
    Literal,
    /// An expression, such as `"ray_head.main"`.
    Expression,
}

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

/// Lowers a node.
pub(in crate::config) fn expression(node: &Node, texts: Texts, place: Place) -> Result<Expression> {
    let span = place.of(&node.place);
    let form = match &node.form {
        NodeForm::Null => Form::Literal(Value::Null),
        NodeForm::Bool(bool) => Form::Literal(Value::Bool(*bool)),
        NodeForm::Number(text) => Form::Literal(Value::Number(decimal(text, span)?)),
        NodeForm::Text(text) => return self::text(text, texts, place),
        NodeForm::Array(items) => {
            Form::Tuple(items.iter().map(|item| expression(item, texts, place)).collect::<Result<_>>()?)
        }
        NodeForm::Object(entries) => object(entries, texts, place)?,
    };
    Ok(Expression { span, form })
}

fn object(entries: &[(Quoted, Node)], texts: Texts, place: Place) -> Result<Form> {
    let mut lowered: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut names = std::collections::BTreeMap::new();
    for (name, node) in entries {
        if let Some(first) = names.insert(&name.text, &name.place) {
            let diagnostic = Diagnostic::error(format!("a second member `{}`", name.text)).at(place.of(&name.place));
            return Err(Box::new(diagnostic.related(place.of(first), "the first is here")));
        }
        // A name is a template, but never an expression.
        let kind = if texts == Texts::Template { Texts::Template } else { Texts::Literal };
        lowered.push(Entry { key: text(name, kind, place)?, value: expression(node, texts, place)? });
    }
    Ok(Form::Object(lowered))
}

/// Lowers a text.
pub(in crate::config) fn text(text: &Quoted, texts: Texts, place: Place) -> Result<Expression> {
    let span = place.of(&text.place);
    let is_template = text.text.contains("${") || text.text.contains("%{");
    let lowering = Lowering::new(place.0, &text.text, text.shifts.clone());
    match texts {
        Texts::Expression => {
            let parsed = parser::parse_expr(text.text.trim_end());
            let parsed = parsed.map_err(|error| Box::new(parse::diagnose(&lowering, &error)))?;
            lowering.expression(&parsed)
        }
        Texts::Template if is_template => {
            let parsed = parser::parse_template(&text.text);
            let parsed = parsed.map_err(|error| Box::new(parse::diagnose(&lowering, &error)))?;
            Ok(Expression { span, ..template::whole(&lowering, &parsed)? })
        }
        Texts::Template | Texts::Literal => Ok(Expression { span, form: Form::Literal(Value::string(&text.text)) }),
    }
}

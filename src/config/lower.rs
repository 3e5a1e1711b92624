//! The parser's tree into our own form, which is much smaller and has file offsets everywhere.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{
    BinaryOperator as ParsedBinary, Expression as Parsed, ObjectKey, TraversalOperator, UnaryOperator as ParsedUnary,
};
use hcl_edit::structure;

use super::ir::{
    Attribute, Binary, BinaryOperator, Block, Body, Call, Conditional, Entry, Expression, For, Form, Label, Names,
    Step, Traversal, UnaryOperator,
};
use super::template;
use crate::model::{Diagnostic, FileId, Number, Span, Value, composed};

/// How many splats may stand in one another.
const MAX_SPLATS: usize = 32;

/// The largest and smallest power of ten of a number.
const MAX_EXPONENT: i64 = 5_000;

/// How long a number may be.
const MAX_DIGITS: usize = 10_000;

/// Where the parsed text stands in its file.
#[derive(Clone, Debug)]
pub(super) struct Lowering<'a> {
    pub file: FileId,
    /// The parsed text.
    pub text: &'a str,
    /// From offsets in the parsed text to offsets in the file: `(from, minus, plus)`, sorted.
    pub shifts: Vec<Shift>,
    /// Names and numbers that were met: each is kept once, for most of them come again and again.
    names: RefCell<Known>,
    numbers: RefCell<BTreeMap<String, Number>>,
}

/// From `start` on, an offset in the parsed text is `offset - start + origin` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    pub start: usize,
    pub origin: usize,
}

#[expect(clippy::disallowed_types, reason = "names are looked up, never gone through")]
type Known = std::collections::HashSet<Arc<str>>;

impl<'a> Lowering<'a> {
    pub(super) fn new(file: FileId, text: &'a str, shifts: Vec<Shift>) -> Self {
        Self { file, text, shifts, names: RefCell::default(), numbers: RefCell::default() }
    }

    /// Returns a name, the same one for each time that it comes.
    pub(super) fn name(&self, name: &str) -> Arc<str> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(name) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(name);
        names.insert(new.clone());
        new
    }

    /// Returns the place in the file.
    pub(super) fn span(&self, range: Option<Range<usize>>) -> Span {
        let range = range.unwrap_or(0..0);
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.file, start: narrow(start), end: narrow(end.max(start)) }
    }

    /// Returns the offset in the file of an offset in the parsed text.
    pub(super) fn offset(&self, offset: usize) -> usize {
        let next = self.shifts.partition_point(|shift| shift.start <= offset);
        match next.checked_sub(1).and_then(|index| self.shifts.get(index)) {
            Some(shift) => offset - shift.start + shift.origin,
            None => offset,
        }
    }

    /// Lowers the inside of a block.
    pub(super) fn body(&self, body: &structure::Body) -> Result<Body, Box<Diagnostic>> {
        let mut lowered = Body::default();
        for structure in body {
            match structure {
                structure::Structure::Attribute(attribute) => lowered.attributes.push(self.attribute(attribute)?),
                structure::Structure::Block(block) => lowered.blocks.push(self.block(block)?),
            }
        }
        Ok(lowered)
    }

    fn attribute(&self, attribute: &structure::Attribute) -> Result<Attribute, Box<Diagnostic>> {
        Ok(Attribute {
            name: self.name(attribute.key.as_str()),
            name_span: self.span(attribute.key.span()),
            value: self.expression(&attribute.value)?,
        })
    }

    fn block(&self, block: &structure::Block) -> Result<Block, Box<Diagnostic>> {
        let kind = self.span(block.ident.span());
        let labels: Vec<Label> = block
            .labels
            .iter()
            .map(|label| Label { text: self.name(label.as_str()), span: self.span(label.span()) })
            .collect();
        let end = labels.last().map_or(kind.end, |label| label.span.end);
        Ok(Block {
            kind: self.name(block.ident.as_str()),
            header: Span { end, ..kind },
            labels,
            body: self.body(&block.body)?,
        })
    }

    /// Lowers an expression.
    pub(super) fn expression(&self, parsed: &Parsed) -> Result<Expression, Box<Diagnostic>> {
        let span = self.span(parsed.span());
        let form = match parsed {
            Parsed::Null(_) => Form::Literal(Value::Null),
            Parsed::Bool(bool) => Form::Literal(Value::Bool(*bool.value())),
            Parsed::Number(_) => self.number(parsed, span)?,
            Parsed::String(text) => Form::Literal(Value::String(self.name(&composed(text.value())))),
            Parsed::Array(items) => Form::Tuple(self.all(items.iter(), items.len())?),
            Parsed::Object(object) => self.object(object)?,
            Parsed::StringTemplate(parts) => template::quoted(self, parts)?,
            Parsed::HeredocTemplate(heredoc) => template::heredoc(self, heredoc, parsed.span())?,
            Parsed::Parenthesis(inner) => return Ok(Expression { span, ..self.expression(inner.inner())? }),
            Parsed::Variable(name) => Form::Name(self.name(name.as_str())),
            Parsed::Conditional(conditional) => Form::Conditional(Box::new(Conditional {
                condition: self.expression(&conditional.cond_expr)?,
                then: self.expression(&conditional.true_expr)?,
                otherwise: self.expression(&conditional.false_expr)?,
            })),
            Parsed::FuncCall(call) => self.call(call)?,
            Parsed::Traversal(traversal) => self.traversal(traversal)?,
            Parsed::UnaryOp(operation) => {
                Form::Unary(unary(*operation.operator.value()), Box::new(self.expression(&operation.expr)?))
            }
            Parsed::BinaryOp(operation) => Form::Binary(Box::new(Binary {
                left: self.expression(&operation.lhs_expr)?,
                operator: binary(*operation.operator.value()),
                right: self.expression(&operation.rhs_expr)?,
            })),
            Parsed::ForExpr(each) => self.for_expression(each)?,
        };
        Ok(Expression { span, form })
    }

    /// Reads a number from its text, for the parser's own number is a double.
    fn number(&self, parsed: &Parsed, span: Span) -> Result<Form, Box<Diagnostic>> {
        let text = parsed.span().and_then(|range| self.text.get(range)).unwrap_or_default();
        let digits: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        if let Some(known) = self.numbers.borrow().get(&digits) {
            return Ok(Form::Literal(Value::Number(known.clone())));
        }
        let number = decimal(&digits, span)?;
        self.numbers.borrow_mut().insert(digits, number.clone());
        Ok(Form::Literal(Value::Number(number)))
    }

    /// Lowers expressions one after the other; a vector that grows by itself would keep room for more.
    fn all<'p>(
        &self,
        items: impl Iterator<Item = &'p Parsed>,
        count: usize,
    ) -> Result<Vec<Expression>, Box<Diagnostic>> {
        let mut lowered = Vec::with_capacity(count);
        for item in items {
            lowered.push(self.expression(item)?);
        }
        Ok(lowered)
    }

    fn object(&self, object: &hcl_edit::expr::Object) -> Result<Form, Box<Diagnostic>> {
        let mut entries = Vec::with_capacity(object.len());
        for (key, value) in object {
            let word = |text: &str, span| Expression {
                span: self.span(span),
                form: Form::Literal(Value::String(self.name(&composed(text)))),
            };
            let key = match key {
                ObjectKey::Ident(name) | ObjectKey::Expression(Parsed::Variable(name)) => {
                    word(name.as_str(), name.span())
                }
                ObjectKey::Expression(null @ Parsed::Null(_)) => word("null", null.span()),
                ObjectKey::Expression(Parsed::Traversal(traversal)) => {
                    let hint = "write `(a.b)` for the value that it refers to, `\"a.b\"` for the text";
                    let diagnostic = Diagnostic::error("it is not clear what this key means").hint(hint);
                    return Err(Box::new(diagnostic.at(self.span(traversal.span()))));
                }
                ObjectKey::Expression(expression) => self.expression(expression)?,
            };
            entries.push(Entry { key, value: self.expression(value.expr())? });
        }
        Ok(Form::Object(entries))
    }

    fn call(&self, call: &hcl_edit::expr::FuncCall) -> Result<Form, Box<Diagnostic>> {
        let mut name = String::new();
        for part in &call.name.namespace {
            name.push_str(part.as_str());
            name.push_str("::");
        }
        name.push_str(call.name.name.as_str());
        Ok(Form::Call(Box::new(Call {
            name: self.name(&name),
            name_span: self.span(call.name.name.span()),
            arguments: self.all(call.args.iter(), call.args.len())?,
            spread: call.args.expand_final(),
        })))
    }

    fn traversal(&self, traversal: &hcl_edit::expr::Traversal) -> Result<Form, Box<Diagnostic>> {
        let mut operators = Vec::with_capacity(traversal.operators.len());
        for operator in &traversal.operators {
            let span = self.span(operator.span());
            operators.push(match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    Operator::Step(Step::Attribute(self.name(name.as_str()), self.span(name.span())))
                }
                TraversalOperator::Index(index) => Operator::Step(Step::Index(self.expression(index)?)),
                TraversalOperator::LegacyIndex(index) => {
                    let number = Value::Number(Number::new((*index.value()).into()));
                    Operator::LegacyIndex(Step::Index(Expression { span, form: Form::Literal(number) }))
                }
                TraversalOperator::AttrSplat(_) => Operator::AttributeSplat(span),
                TraversalOperator::FullSplat(_) => Operator::FullSplat(span),
            });
        }
        let mut steps = nest(operators)?;
        steps.shrink_to_fit();
        Ok(Form::Traversal(Box::new(Traversal { root: self.expression(&traversal.expr)?, steps })))
    }

    fn for_expression(&self, each: &hcl_edit::expr::ForExpr) -> Result<Form, Box<Diagnostic>> {
        Ok(Form::For(Box::new(For {
            names: Names {
                key: each.intro.key_var.as_ref().map(|name| self.name(name.as_str())),
                value: self.name(each.intro.value_var.as_str()),
            },
            collection: self.expression(&each.intro.collection_expr)?,
            key: each.key_expr.as_ref().map(|key| self.expression(key)).transpose()?,
            value: self.expression(&each.value_expr)?,
            grouped: each.grouping,
            condition: each.cond.as_ref().map(|condition| self.expression(&condition.expr)).transpose()?,
        })))
    }
}

/// Reads a number. One whose digits would fill the memory is refused.
pub(super) fn decimal(text: &str, span: Span) -> Result<Number, Box<Diagnostic>> {
    let exponent = text.find(['e', 'E']).map_or(Ok(0), |at| text[at + 1..].parse::<i64>());
    if exponent.is_ok_and(|exponent| exponent.abs() > MAX_EXPONENT) || text.len() > MAX_DIGITS {
        return Err(Box::new(Diagnostic::error("this number is too large or too small").at(span)));
    }
    text.parse().map_err(|_| Box::new(Diagnostic::error(format!("`{text}` is not a number")).at(span)))
}

/// A step before splats have taken what follows them.
enum Operator {
    Step(Step),
    /// `.0`, which counts as an attribute.
    LegacyIndex(Step),
    AttributeSplat(Span),
    FullSplat(Span),
}

/// Gives every splat the steps that it applies to each element.
///
/// `[*]` takes everything behind it, `.*` only the attributes behind it.
/// <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#splat-operators>
fn nest(operators: Vec<Operator>) -> Result<Vec<Step>, Box<Diagnostic>> {
    let mut levels: Vec<(Span, Vec<Step>)> = Vec::new();
    let mut steps = Vec::new();
    let mut operators = operators.into_iter().peekable();
    while let Some(operator) = operators.next() {
        match operator {
            Operator::Step(step) | Operator::LegacyIndex(step) => steps.push(step),
            Operator::AttributeSplat(span) => {
                let mut each = Vec::new();
                while let Some(Operator::Step(step) | Operator::LegacyIndex(step)) = operators
                    .next_if(|next| matches!(next, Operator::Step(Step::Attribute(..)) | Operator::LegacyIndex(_)))
                {
                    each.push(step);
                }
                steps.push(Step::Splat { each, span });
            }
            Operator::FullSplat(span) if levels.len() == MAX_SPLATS => {
                let message = format!("more than {MAX_SPLATS} splats stand in one another");
                return Err(Box::new(Diagnostic::error(message).at(span)));
            }
            Operator::FullSplat(span) => levels.push((span, std::mem::take(&mut steps))),
        }
    }
    for (span, mut before) in levels.into_iter().rev() {
        before.push(Step::Splat { each: steps, span });
        steps = before;
    }
    Ok(steps)
}

fn unary(operator: ParsedUnary) -> UnaryOperator {
    match operator {
        ParsedUnary::Neg => UnaryOperator::Negate,
        ParsedUnary::Not => UnaryOperator::Not,
    }
}

fn binary(operator: ParsedBinary) -> BinaryOperator {
    match operator {
        ParsedBinary::And => BinaryOperator::And,
        ParsedBinary::Or => BinaryOperator::Or,
        ParsedBinary::Eq => BinaryOperator::Equal,
        ParsedBinary::NotEq => BinaryOperator::NotEqual,
        ParsedBinary::Less => BinaryOperator::Less,
        ParsedBinary::LessEq => BinaryOperator::LessOrEqual,
        ParsedBinary::Greater => BinaryOperator::Greater,
        ParsedBinary::GreaterEq => BinaryOperator::GreaterOrEqual,
        ParsedBinary::Plus => BinaryOperator::Add,
        ParsedBinary::Minus => BinaryOperator::Subtract,
        ParsedBinary::Mul => BinaryOperator::Multiply,
        ParsedBinary::Div => BinaryOperator::Divide,
        ParsedBinary::Mod => BinaryOperator::Remainder,
    }
}

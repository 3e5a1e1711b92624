//! The configuration language as rayform keeps it: blocks, attributes and expressions with spans.
use std::sync::Arc;

use crate::model::{Span, Value};

/// The inside of a block or of a whole file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub attributes: Vec<Attribute>,
    pub blocks: Vec<Block>,
    /// Written in JSON, where a block of a resource type looks like an attribute.
    pub json: bool,
}

/// One `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    pub name: Arc<str>,
    pub name_span: Span,
    pub value: Expression,
}

/// One `kind "label" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub kind: Arc<str>,
    pub labels: Vec<Label>,
    pub body: Body,
    /// From the kind to the last label: what is underlined when the whole block is meant.
    pub header: Span,
}

/// A text behind the kind of a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    pub text: Arc<str>,
    pub span: Span,
}

/// Something that can be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub span: Span,
    pub form: Form,
}

/// The forms of expressions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    Literal(Value),
    Template(Vec<Part>),
    Tuple(Vec<Expression>),
    Object(Vec<Entry>),
    /// A bare name: the root of a reference, or a variable of `for`.
    Name(Arc<str>),
    Traversal(Box<Traversal>),
    Call(Box<Call>),
    Conditional(Box<Conditional>),
    Unary(UnaryOperator, Box<Expression>),
    Binary(Box<Binary>),
    For(Box<For>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Literal(Arc<str>),
    Interpolation(Expression),
    If(Box<Branch>),
    For(Box<Loop>),
}

/// `%{ if condition }then%{ else }otherwise%{ endif }`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Branch {
    pub condition: Expression,
    pub then: Vec<Part>,
    pub otherwise: Vec<Part>,
}

/// `%{ for names in collection }body%{ endfor }`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loop {
    pub names: Names,
    pub collection: Expression,
    pub body: Vec<Part>,
}

/// One `key = value` of an object expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// A bare word is a literal text.
    pub key: Expression,
    pub value: Expression,
}

/// A value and the way into it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Traversal {
    pub root: Expression,
    pub steps: Vec<Step>,
}

/// One step of a traversal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Attribute(Arc<str>, Span),
    Index(Expression),
    /// `.*` or `[*]`: what follows is taken of each element.
    Splat {
        each: Vec<Step>,
        span: Span,
    },
}

/// A function call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub name: Arc<str>,
    pub name_span: Span,
    pub arguments: Vec<Expression>,
    /// The last argument is a list that is spread out: `f(list...)`.
    pub spread: bool,
}

/// `condition ? then : otherwise`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conditional {
    pub condition: Expression,
    pub then: Expression,
    pub otherwise: Expression,
}

/// Two operands and what joins them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binary {
    pub left: Expression,
    pub operator: BinaryOperator,
    pub right: Expression,
}

/// The names that a `for` binds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Names {
    pub key: Option<Arc<str>>,
    pub value: Arc<str>,
}

/// `[for …]` and `{for …}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct For {
    pub names: Names,
    pub collection: Expression,
    /// Present: the result is an object.
    pub key: Option<Expression>,
    pub value: Expression,
    /// `...`: values of equal keys are collected.
    pub grouped: bool,
    pub condition: Option<Expression>,
}

/// The operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Negate,
    Not,
}

/// The operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Step {
    /// Returns the place of the step.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Attribute(_, span) | Self::Splat { span, .. } => *span,
            Self::Index(index) => index.span,
        }
    }
}

impl Expression {
    /// Returns the text of a literal.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.form {
            Form::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the root name and the steps, where the expression is a plain reference such as `var.image`.
    pub(crate) fn as_reference(&self) -> Option<(&Arc<str>, &[Step])> {
        match &self.form {
            Form::Name(name) => Some((name, &[])),
            Form::Traversal(traversal) => match &traversal.root.form {
                Form::Name(name) => Some(without_prefix(name, &traversal.steps)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Returns the root and the steps of a reference without `resource.`, which may stand before a resource type.
pub(crate) fn without_prefix<'a>(root: &'a Arc<str>, steps: &'a [Step]) -> (&'a Arc<str>, &'a [Step]) {
    match steps {
        [Step::Attribute(resource_type, _), rest @ ..] if &**root == "resource" => (resource_type, rest),
        _ => (root, steps),
    }
}

impl Body {
    /// Returns the attribute with this name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| &*attribute.name == name)
    }

    /// Returns the blocks of this kind, in order.
    pub(crate) fn blocks_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |block| &*block.kind == kind)
    }
}

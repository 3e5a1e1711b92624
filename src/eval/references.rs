//! What an expression refers to, without evaluating it. Variables of `for` are not references.
use std::sync::Arc;

use crate::config::ir::{Body, Expression, Form, Names, Part, Step, without_prefix};
use crate::model::Span;

/// A name from outside of an expression, such as `var.image` or `ray_head.main`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reference<'a> {
    pub root: &'a Arc<str>,
    pub steps: &'a [Step],
    /// From the root to the last step that belongs to the name.
    pub span: Span,
    /// It stands inside of `try` or `can`, where what a module does not have is no mistake.
    pub is_tried: bool,
}

impl<'a> Reference<'a> {
    /// Returns the name behind the root, such as `image` of `var.image`.
    pub(super) fn name(&self) -> Option<&'a Arc<str>> {
        match self.steps.first() {
            Some(Step::Attribute(name, _)) => Some(name),
            _ => None,
        }
    }

    /// Returns the name behind that, such as `shared` of `data.namespace.shared`.
    pub(super) fn second(&self) -> Option<&'a Arc<str>> {
        match self.steps.get(1) {
            Some(Step::Attribute(name, _)) => Some(name),
            _ => None,
        }
    }

    /// Returns the index right behind the name, such as `0` of `ray_head.main[0]`.
    pub(super) fn index(&self) -> Option<&'a Expression> {
        match self.steps.get(1) {
            Some(Step::Index(index)) => Some(index),
            _ => None,
        }
    }

    /// Tells whether the reference means a resource as a whole, or an instance of it.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.steps, [Step::Attribute(..)] | [Step::Attribute(..), Step::Index(_)])
    }
}

/// Calls `found` with every reference of an expression.
pub(super) fn of_expression<'a>(expression: &'a Expression, found: &mut dyn FnMut(Reference<'a>)) {
    Visitor { bound: Vec::new(), tries: 0, found }.expression(expression);
}

/// Calls `found` with every reference of a body, its blocks included.
pub(super) fn of_body<'a>(body: &'a Body, found: &mut dyn FnMut(Reference<'a>)) {
    Visitor { bound: Vec::new(), tries: 0, found }.body(body);
}

struct Visitor<'a, 'f> {
    bound: Vec<&'a str>,
    /// How many calls of `try` and `can` are around.
    tries: usize,
    found: &'f mut dyn FnMut(Reference<'a>),
}

impl<'a> Visitor<'a, '_> {
    fn body(&mut self, body: &'a Body) {
        for attribute in &body.attributes {
            self.expression(&attribute.value);
        }
        for block in &body.blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &'a crate::config::ir::Block) {
        let iterator = super::dynamic::iterator(block);
        if let Some(for_each) = block.body.attribute("for_each").filter(|_| iterator.is_some()) {
            self.expression(&for_each.value);
        }
        let depth = self.bound.len();
        self.bound.extend(iterator);
        if iterator.is_some() {
            for attribute in block.body.attributes.iter().filter(|attribute| &*attribute.name == "labels") {
                self.expression(&attribute.value);
            }
            block.body.blocks.iter().for_each(|content| self.body(&content.body));
        } else {
            self.body(&block.body);
        }
        self.bound.truncate(depth);
    }

    fn expression(&mut self, expression: &'a Expression) {
        match &expression.form {
            Form::Literal(_) => {}
            Form::Template(parts) => self.parts(parts),
            Form::Tuple(items) => items.iter().for_each(|item| self.expression(item)),
            Form::Object(entries) => entries.iter().for_each(|entry| {
                self.expression(&entry.key);
                self.expression(&entry.value);
            }),
            Form::Name(name) => self.name(name, &[], expression.span),
            Form::Traversal(traversal) => {
                match &traversal.root.form {
                    Form::Name(name) => self.name(name, &traversal.steps, traversal.root.span),
                    _ => self.expression(&traversal.root),
                }
                self.steps(&traversal.steps);
            }
            Form::Call(call) => {
                let tries = usize::from(matches!(&*call.name, "try" | "can"));
                self.tries += tries;
                call.arguments.iter().for_each(|argument| self.expression(argument));
                self.tries -= tries;
            }
            Form::Conditional(conditional) => {
                self.expression(&conditional.condition);
                self.expression(&conditional.then);
                self.expression(&conditional.otherwise);
            }
            Form::Unary(_, operand) => self.expression(operand),
            Form::Binary(binary) => {
                self.expression(&binary.left);
                self.expression(&binary.right);
            }
            Form::For(each) => {
                self.expression(&each.collection);
                self.with(&each.names, |visitor| {
                    each.key.iter().chain(&each.condition).for_each(|inner| visitor.expression(inner));
                    visitor.expression(&each.value);
                });
            }
        }
    }

    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            match step {
                Step::Attribute(..) => {}
                Step::Index(index) => self.expression(index),
                Step::Splat { each, .. } => self.steps(each),
            }
        }
    }

    fn parts(&mut self, parts: &'a [Part]) {
        for part in parts {
            match part {
                Part::Literal(_) => {}
                Part::Interpolation(expression) => self.expression(expression),
                Part::If(branch) => {
                    self.expression(&branch.condition);
                    self.parts(&branch.then);
                    self.parts(&branch.otherwise);
                }
                Part::For(each) => {
                    self.expression(&each.collection);
                    self.with(&each.names, |visitor| visitor.parts(&each.body));
                }
            }
        }
    }

    fn with(&mut self, names: &'a Names, inner: impl FnOnce(&mut Self)) {
        let depth = self.bound.len();
        self.bound.extend(names.key.as_deref());
        self.bound.push(&names.value);
        inner(self);
        self.bound.truncate(depth);
    }

    fn name(&mut self, root: &'a Arc<str>, steps: &'a [Step], span: Span) {
        if self.bound.contains(&&**root) {
            return;
        }
        let (root, steps) = without_prefix(root, steps);
        // The name of a `data` block has two parts.
        let last = if &**root == "data" { steps.get(1).or(steps.first()) } else { steps.first() };
        let end = match last {
            Some(step @ Step::Attribute(..)) => step.span().end,
            _ => span.end,
        };
        (self.found)(Reference { root, steps, span: Span { end, ..span }, is_tried: self.tries > 0 });
    }
}

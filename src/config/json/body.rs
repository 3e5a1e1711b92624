//! Nodes into the blocks of a configuration. In JSON a block looks like an attribute, so what is a block is told by
//! the definitions of the language; the arguments of a resource are left as attributes, and its type tells later.
use std::sync::Arc;

use super::super::definition::{BLOCKS, BlockDefinition, Of};
use super::super::ir::{Attribute, Block, Body, Label};
use super::expression::{Texts, expression};
use super::text::{Node, NodeForm, Place, Quoted, read};
use crate::model::{Diagnostic, FileId, Span};

/// Reads a whole file.
pub(in crate::config) fn body(text: &str, file: FileId) -> Result<Body, Vec<Diagnostic>> {
    let root = read(text, file).map_err(|diagnostic| vec![*diagnostic])?;
    let mut lowering = Lowering { place: Place(file), diagnostics: Vec::new() };
    let mut body = Body::default();
    for (name, node) in lowering.members(&root, "a configuration in JSON") {
        let kind = BLOCKS.iter().find(|kind| kind.name == name.text);
        match kind {
            Some(kind) => lowering.blocks(kind, name, node, &mut body),
            // Whoever collects the blocks says that there is no such block.
            None => body.blocks.push(lowering.block(&name.text, &[], name, Body::default())),
        }
    }
    if lowering.diagnostics.is_empty() { Ok(body) } else { Err(lowering.diagnostics) }
}

/// A label on the way into a block.
type Path<'n> = Vec<&'n Quoted>;

struct Lowering {
    place: Place,
    diagnostics: Vec<Diagnostic>,
}

impl Lowering {
    /// Returns the members of an object or of several objects in an array, comments left out.
    fn members<'n>(&mut self, node: &'n Node, what: &str) -> Vec<(&'n Quoted, &'n Node)> {
        match &node.form {
            NodeForm::Object(entries) => {
                entries.iter().filter(|(name, _)| name.text != "//").map(|(name, node)| (name, node)).collect()
            }
            NodeForm::Array(items) if items.iter().all(|item| matches!(item.form, NodeForm::Object(_))) => {
                items.iter().flat_map(|item| self.members(item, what)).collect()
            }
            NodeForm::Null => Vec::new(),
            _ => {
                let message = format!("{what} is an object, `{{ … }}`, or an array of objects");
                self.diagnostics.push(Diagnostic::error(message).at(self.place.of(&node.place)));
                Vec::new()
            }
        }
    }

    /// Adds the blocks of one kind.
    fn blocks(&mut self, kind: &BlockDefinition, name: &Quoted, node: &Node, body: &mut Body) {
        let mut found = Vec::new();
        match &node.form {
            NodeForm::Array(items) if kind.is_label_optional => {
                return items.iter().for_each(|item| self.blocks(kind, name, item, body));
            }
            _ => {
                // A label that may be left out is there where all that it holds are objects.
                let has_labels = !kind.is_label_optional || holds_objects_only(node);
                let count = if has_labels { kind.labels.len() } else { 0 };
                self.unlabel(kind.name, count, node, &mut Vec::new(), &mut found);
            }
        }
        for (path, node) in found {
            let inner = self.inner(kind, node);
            body.blocks.push(self.block(kind.name, &path, name, inner));
        }
    }

    /// Goes through the objects whose names are labels.
    fn unlabel<'n>(
        &mut self,
        kind: &str,
        labels: usize,
        node: &'n Node,
        path: &mut Path<'n>,
        found: &mut Vec<(Path<'n>, &'n Node)>,
    ) {
        if labels > 0 {
            for (label, node) in self.members(node, &format!("what stands between `{kind}` and its label")) {
                path.push(label);
                self.unlabel(kind, labels - 1, node, path, found);
                path.pop();
            }
            return;
        }
        match &node.form {
            NodeForm::Array(items) => found.extend(items.iter().map(|item| (path.clone(), item))),
            NodeForm::Null => {}
            _ => found.push((path.clone(), node)),
        }
    }

    /// Lowers the inside of a block.
    fn inner(&mut self, kind: &BlockDefinition, node: &Node) -> Body {
        let mut body = Body { json: true, ..Body::default() };
        for (name, node) in self.members(node, &format!("a block `{}`", kind.name)) {
            if let Some(inner) = kind.blocks.iter().find(|inner| inner.name == name.text) {
                self.blocks(inner, name, node, &mut body);
                continue;
            }
            let texts = texts(kind, &name.text);
            let name_span = self.place.of(&name.place);
            if let Some(first) = body.attributes.iter().find(|attribute| *attribute.name == *name.text) {
                let diagnostic = Diagnostic::error("this attribute is set twice").at(name_span);
                self.diagnostics.push(diagnostic.related(first.name_span, "the first is here"));
                continue;
            }
            match expression(node, texts, self.place) {
                Ok(value) => {
                    body.attributes.push(Attribute { name: Arc::from(name.text.as_str()), name_span, value });
                }
                Err(diagnostic) => self.diagnostics.push(*diagnostic),
            }
        }
        body
    }

    /// Returns a block; what is underlined is its last label, or its kind.
    fn block(&self, kind: &str, path: &[&Quoted], name: &Quoted, body: Body) -> Block {
        let label = |label: &&Quoted| Label { text: Arc::from(label.text.as_str()), span: self.place.of(&label.place) };
        let labels: Vec<Label> = path.iter().map(label).collect();
        let header: Span = labels.last().map_or_else(|| self.place.of(&name.place), |label| label.span);
        Block { kind: Arc::from(kind), labels, body, header }
    }
}

/// Returns what the texts of an attribute are.
fn texts(kind: &BlockDefinition, name: &str) -> Texts {
    match kind.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.of) {
        Some(Of::Constant | Of::ConstantText | Of::ConstantTexts | Of::ConstantBool) => Texts::Literal,
        Some(Of::References | Of::Reference | Of::Type) => Texts::Expression,
        _ => Texts::Template,
    }
}

/// Tells whether everything in an object is an object or an array of objects.
fn holds_objects_only(node: &Node) -> bool {
    match &node.form {
        NodeForm::Object(entries) => {
            let mut inner = entries.iter().filter(|(name, _)| name.text != "//").peekable();
            inner.peek().is_some() && inner.all(|(_, node)| is_block(node))
        }
        _ => false,
    }
}

fn is_block(node: &Node) -> bool {
    match &node.form {
        NodeForm::Object(_) => true,
        NodeForm::Array(items) => items.iter().all(is_block),
        _ => false,
    }
}

//! Finds the blocks among the arguments of a resource that was written in JSON, where they look like attributes.
use std::sync::Arc;

use super::kinds::{Kinds, ResourceTypes};
use super::shape::{Field, Fields};
use crate::config::Config;
use crate::config::ir::{Attribute, Block, Body, Entry, Expression, Form, Label};
use crate::model::{Diagnostic, Span, Value};

/// Returns the configuration with all blocks found; the same one where nothing was written in JSON.
pub(super) fn found(config: &Arc<Config>, types: ResourceTypes) -> Result<Arc<Config>, Vec<Diagnostic>> {
    if !is_json(config) {
        return Ok(config.clone());
    }
    let mut finder = Finder { kinds: Kinds::new(types), diagnostics: Vec::new() };
    let found = finder.config(config);
    if finder.diagnostics.is_empty() { Ok(found) } else { Err(finder.diagnostics) }
}

/// Tells whether some resource of a module, or of those that it calls, was written in JSON.
fn is_json(config: &Config) -> bool {
    config.resources.values().any(|resource| resource.arguments.json)
        || config.children.values().any(|child| is_json(child))
}

struct Finder {
    kinds: Kinds,
    diagnostics: Vec<Diagnostic>,
}

impl Finder {
    fn config(&mut self, config: &Arc<Config>) -> Arc<Config> {
        let mut config = Config::clone(config);
        for child in config.children.values_mut().filter(|child| is_json(child)) {
            *child = self.config(child);
        }
        for resource in config.resources.values_mut().filter(|resource| resource.arguments.json) {
            let fields = self.kinds.get(&resource.resource_type).map(|kind| kind.fields().clone());
            if let Some(fields) = fields {
                let body = std::mem::take(&mut resource.arguments);
                resource.arguments = self.body(body.attributes, &fields);
            }
        }
        Arc::new(config)
    }

    fn body(&mut self, attributes: Vec<Attribute>, fields: &Fields) -> Body {
        let mut body = Body::default();
        for attribute in attributes {
            match fields.by_name.get(&*attribute.name) {
                _ if &*attribute.name == "dynamic" => self.dynamic(attribute, fields, &mut body),
                Some(field) if field.block => {
                    let blocks = self.blocks(&attribute.name, attribute.name_span, attribute.value, field);
                    body.blocks.extend(blocks);
                }
                _ => body.attributes.push(attribute),
            }
        }
        body
    }

    /// Returns the blocks of one kind.
    fn blocks(&mut self, kind: &Arc<str>, span: Span, value: Expression, field: &Field) -> Vec<Block> {
        let mut blocks = Vec::new();
        if field.label.is_none() {
            for inner in self.objects(kind, value) {
                blocks.push(self.block(kind, span, None, inner, field));
            }
            return blocks;
        }
        for entries in self.objects(kind, value) {
            for entry in entries {
                let Some(label) = self.name(&entry.key) else { continue };
                for inner in self.objects(kind, entry.value) {
                    blocks.push(self.block(kind, span, Some(label.clone()), inner, field));
                }
            }
        }
        blocks
    }

    fn block(
        &mut self,
        kind: &Arc<str>,
        span: Span,
        label: Option<Label>,
        entries: Vec<Entry>,
        field: &Field,
    ) -> Block {
        let attributes = self.attributes(entries);
        let open = Fields { open: true, ..Fields::default() };
        let body = self.body(attributes, field.block_fields().0.map_or(&open, |fields| fields));
        let header = label.as_ref().map_or(span, |label| label.span);
        Block { kind: kind.clone(), labels: label.into_iter().collect(), body, header }
    }

    /// Reads `"dynamic": {"kind": {"for_each": …, "content": {…}}}`.
    fn dynamic(&mut self, attribute: Attribute, fields: &Fields, body: &mut Body) {
        let none = Field { shape: super::shape::Shape::Any, required: false, block: true, label: None };
        for kinds in self.objects(&attribute.name, attribute.value) {
            for entry in kinds {
                let Some(label) = self.name(&entry.key) else { continue };
                // The labels of what is made stand in `labels`, not around `content`.
                let field =
                    Field { label: None, ..fields.by_name.get(&*label.text).cloned().unwrap_or_else(|| none.clone()) };
                for inner in self.objects(&label.text, entry.value) {
                    let mut made = Body::default();
                    for inner in self.attributes(inner) {
                        if &*inner.name == "content" {
                            made.blocks.extend(self.blocks(&inner.name, inner.name_span, inner.value, &field));
                        } else {
                            made.attributes.push(inner);
                        }
                    }
                    let (kind, header) = (Arc::from("dynamic"), label.span);
                    body.blocks.push(Block { kind, labels: vec![label.clone()], body: made, header });
                }
            }
        }
    }

    /// Returns the members of an object as attributes, comments left out.
    fn attributes(&mut self, entries: Vec<Entry>) -> Vec<Attribute> {
        let mut attributes = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(name) = self.name(&entry.key).filter(|name| &*name.text != "//") else { continue };
            attributes.push(Attribute { name: name.text, name_span: name.span, value: entry.value });
        }
        attributes
    }

    fn name(&mut self, key: &Expression) -> Option<Label> {
        if let Form::Literal(Value::String(text)) = &key.form {
            return Some(Label { text: text.clone(), span: key.span });
        }
        self.diagnostics.push(Diagnostic::error("the name of a block or an attribute is no template").at(key.span));
        None
    }

    /// Returns the members of an object, or of every object in an array; null is no object.
    fn objects(&mut self, kind: &str, value: Expression) -> Vec<Vec<Entry>> {
        match value.form {
            Form::Object(entries) => vec![entries],
            Form::Tuple(items) => items.into_iter().flat_map(|item| self.objects(kind, item)).collect(),
            Form::Literal(Value::Null) => Vec::new(),
            _ => {
                let message = format!("`{kind}` is a block, not an attribute");
                let hint = format!(
                    "write `\"{kind}\": {{ … }}`, or an array of such objects; `dynamic` makes them from a list"
                );
                self.diagnostics.push(Diagnostic::error(message).at(value.span).hint(hint));
                Vec::new()
            }
        }
    }
}

//! Which blocks refer to a resource as a whole, found without evaluating anything.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::kinds::Kinds;
use super::references::{self, Reference};
use super::shape::Fields;
use super::text::to_text;
use crate::config::ir::{Body, Expression, Form};
use crate::config::{Config, Repetition, ResourceBlock};
use crate::model::{Address, Key, Value};
use crate::resource::Referrer;

/// How many locals may lead from an attribute to the resource that it means.
const MAX_LOCALS: usize = 8;

/// The referrers of every block, with the instance that they mean where it is written out.
#[derive(Debug, Default)]
pub(super) struct Referrers(BTreeMap<(Arc<str>, Arc<str>), Vec<Meant>>);

/// The instance that is meant, where it is written out, and who means it.
type Meant = (Option<Key>, Referrer);

impl Referrers {
    /// Finds the referrers of all blocks.
    pub(super) fn find(config: &Config, kinds: &Kinds) -> Self {
        let mut finder = Finder { config, found: Self::default() };
        for block in config.resources.values() {
            if let Some(kind) = kinds.get(&block.resource_type) {
                finder.body(block, &block.arguments, kind.fields(), "");
            }
        }
        finder.found
    }

    /// Returns the referrers of one instance.
    pub(super) fn of(&self, block: &ResourceBlock, key: Option<&Key>) -> Vec<Referrer> {
        let all = self.0.get(&(block.resource_type.clone(), block.name.clone()));
        let is_meant = |meant: &Option<Key>| meant.is_none() || meant.as_ref() == key;
        all.into_iter().flatten().filter(|(meant, _)| is_meant(meant)).map(|(_, referrer)| referrer.clone()).collect()
    }
}

struct Finder<'a> {
    config: &'a Config,
    found: Referrers,
}

impl<'a> Finder<'a> {
    fn body(&mut self, block: &'a ResourceBlock, body: &'a Body, fields: &Fields, path: &str) {
        for attribute in &body.attributes {
            let field = fields.by_name.get(&*attribute.name);
            if field.is_some_and(|field| field.shape.takes_reference()) {
                self.expression(block, &attribute.value, &format!("{path}{}", attribute.name), 0);
            }
        }
        for inner in &body.blocks {
            let field = fields.by_name.get(&*inner.kind).and_then(|field| field.block_fields().0);
            if let Some(fields) = field {
                self.body(block, &inner.body, fields, &format!("{path}{}/", inner.kind));
            }
        }
    }

    fn expression(&mut self, block: &'a ResourceBlock, expression: &'a Expression, attribute: &str, depth: usize) {
        let mut references = Vec::new();
        references::of_expression(expression, &mut |reference| references.push(reference));
        for reference in references {
            self.reference(block, &reference, attribute, depth);
        }
    }

    fn reference(&mut self, block: &'a ResourceBlock, reference: &Reference<'a>, attribute: &str, depth: usize) {
        let Some(name) = reference.name() else { return };
        match (&**reference.root, &block.repetition) {
            _ if depth > MAX_LOCALS => {}
            ("local", _) => {
                if let Some(local) = self.config.locals.get(name) {
                    self.expression(block, &local.value, attribute, depth + 1);
                }
            }
            ("each", Repetition::ForEach(collection)) if &**name == "value" && reference.steps.len() == 1 => {
                self.expression(block, collection, attribute, depth + 1);
            }
            _ if reference.is_whole() => {
                let target = (reference.root.clone(), name.clone());
                if self.config.resources.contains_key(&target) {
                    let referrer = (reference.index().and_then(literal_key), referrer(block, attribute));
                    self.found.0.entry(target).or_default().push(referrer);
                }
            }
            _ => {}
        }
    }
}

fn referrer(block: &ResourceBlock, attribute: &str) -> Referrer {
    let attributes = block.arguments.attributes.iter().map(|attribute| attribute.name.to_string());
    let blocks = block.arguments.blocks.iter().map(|inner| inner.kind.to_string());
    Referrer {
        address: Address::root(&block.resource_type, &block.name),
        attribute: attribute.to_owned(),
        sets: attributes.chain(blocks).collect(),
    }
}

/// Returns the key of an index that is written out.
fn literal_key(index: &Expression) -> Option<Key> {
    match &index.form {
        Form::Literal(Value::Number(number)) => {
            number.as_i64().and_then(|index| u64::try_from(index).ok()).map(Key::Index)
        }
        Form::Literal(value) => to_text(value).map(|text| Key::Name(text.to_string())),
        _ => None,
    }
}

/// Returns the key that an index value stands for in addresses.
pub(super) fn key_of(value: &Value) -> Option<Key> {
    match value.unmark().0 {
        Value::Number(number) => number.as_i64().and_then(|index| u64::try_from(index).ok()).map(Key::Index),
        Value::String(name) => Some(Key::Name(name.to_string())),
        _ => None,
    }
}

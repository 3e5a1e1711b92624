//! Which blocks refer to a resource as a whole, found without evaluating anything, through all modules.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::kinds::Kinds;
use super::modules::{ModuleId, Modules};
use super::references::{self, Reference};
use super::shape::Fields;
use super::targets::output_of;
use super::text::to_text;
use crate::config::ir::{Body, Expression, Form, Step};
use crate::config::{Repetition, ResourceBlock};
use crate::model::{Address, Key, Value};
use crate::resource::Referrer;

/// How many values may lead from an attribute to the resources that it means.
const MAX_VALUES: usize = 256;

/// The referrers of every block.
#[derive(Debug, Default)]
pub(super) struct Referrers(BTreeMap<Target, Vec<Meant>>);

/// A block of one module, by type and name.
type Target = (ModuleId, Arc<str>, Arc<str>);

/// Which instances of a block are meant, and by whom.
#[derive(Clone, Debug)]
struct Meant {
    way: Way,
    /// The key of the resource, where it is written out.
    key: Option<Key>,
    referrer: Referrer,
}

/// The way from the module of the referrer to the module of what it refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    module: ModuleId,
    /// How many steps of their paths lead to the same instance.
    shared: usize,
    /// The keys of the steps behind these, where they are written out.
    keys: Vec<Option<Key>>,
}

impl Referrers {
    /// Finds the referrers of all blocks.
    pub(super) fn find(modules: &Modules, kinds: &Kinds) -> Self {
        let mut finder = Finder { modules, found: Self::default() };
        for (id, module) in modules.all() {
            for block in module.config.resources.values() {
                if let Some(kind) = kinds.get(&block.resource_type) {
                    finder.body(id, block, &block.arguments, kind.fields(), "");
                }
            }
        }
        finder.found
    }

    /// Returns the referrers of one instance.
    pub(super) fn of(&self, module: ModuleId, address: &Address) -> Vec<Referrer> {
        let target = (module, Arc::from(address.resource_type.as_str()), Arc::from(address.name.as_str()));
        let all = self.0.get(&target).into_iter().flatten();
        all.filter(|meant| meant.is(address)).map(|meant| meant.by(address)).collect()
    }
}

impl Meant {
    /// Tells whether this instance is meant, as far as that is written out.
    fn is(&self, address: &Address) -> bool {
        let keys = address.modules.iter().skip(self.way.shared).map(|(_, key)| key);
        let is_open = |(wanted, key): (&Option<Key>, &Option<Key>)| wanted.is_none() || wanted == key;
        (self.key.is_none() || self.key == address.key) && self.way.keys.iter().zip(keys).all(is_open)
    }

    /// Returns the referrer, with the keys of the modules that it shares with what it refers to.
    fn by(&self, address: &Address) -> Referrer {
        let mut referrer = self.referrer.clone();
        for (step, shared) in referrer.address.modules.iter_mut().zip(address.modules.iter().take(self.way.shared)) {
            step.1.clone_from(&shared.1);
        }
        referrer
    }
}

struct Finder<'a> {
    modules: &'a Modules,
    found: Referrers,
}

impl<'a> Finder<'a> {
    fn body(&mut self, module: ModuleId, block: &'a ResourceBlock, body: &'a Body, fields: &Fields, path: &str) {
        for attribute in &body.attributes {
            let field = fields.by_name.get(&*attribute.name);
            if field.is_some_and(|field| field.shape.takes_reference()) {
                self.attribute(module, block, &attribute.value, format!("{path}{}", attribute.name));
            }
        }
        for inner in &body.blocks {
            let field = fields.by_name.get(&*inner.kind).and_then(|field| field.block_fields().0);
            if let Some(fields) = field {
                self.body(module, block, &inner.body, fields, &format!("{path}{}/", inner.kind));
            }
        }
    }

    fn attribute(&mut self, module: ModuleId, block: &'a ResourceBlock, value: &'a Expression, attribute: String) {
        let way = Way { module, shared: self.modules.names(module).len(), keys: Vec::new() };
        let mut trace = Trace { modules: self.modules, followed: 0, targets: Vec::new() };
        trace.expression(&way, &block.repetition, value, &[]);
        if trace.targets.is_empty() {
            return;
        }
        let referrer = referrer(self.modules, module, block, attribute);
        for (target, way, key) in trace.targets {
            self.found.0.entry(target).or_default().push(Meant { way, key, referrer: referrer.clone() });
        }
    }
}

/// A block, the way to it, and the key behind its name.
type Found = (Target, Way, Option<Key>);

/// Follows one attribute through variables, locals and outputs.
struct Trace<'a> {
    modules: &'a Modules,
    /// How many values were followed.
    followed: usize,
    targets: Vec<Found>,
}

impl<'a> Trace<'a> {
    /// Follows an expression; `rest` are the steps that are taken into its value.
    fn expression(&mut self, way: &Way, repetition: &'a Repetition, value: &'a Expression, rest: &[&'a Step]) {
        if self.followed == MAX_VALUES {
            return;
        }
        self.followed += 1;
        let (value, rest) = narrowed(value, rest);
        if let Some((root, steps)) = value.as_reference() {
            let span = value.span;
            return self.reference(way, repetition, &Reference { root, steps, span, is_tried: false }, rest);
        }
        let mut references = Vec::new();
        references::of_expression(value, &mut |reference| references.push(reference));
        for reference in &references {
            self.reference(way, repetition, reference, &[]);
        }
    }

    fn reference(&mut self, way: &Way, repetition: &'a Repetition, reference: &Reference<'a>, rest: &[&'a Step]) {
        let Some(name) = reference.name() else { return };
        let config = &self.modules.get(way.module).config;
        let behind = |used: usize| reference.steps.iter().skip(used).chain(rest.iter().copied()).collect::<Vec<_>>();
        match (&**reference.root, repetition) {
            ("local", _) => {
                if let Some(local) = config.locals.get(name) {
                    self.expression(way, &Repetition::Once, &local.value, &behind(1));
                }
            }
            ("each", Repetition::ForEach(collection)) if &**name == "value" => {
                let steps = behind(1);
                for value in members(collection) {
                    self.expression(way, &Repetition::Once, value, &steps);
                }
            }
            ("var", _) => self.variable(way, name, &behind(1)),
            ("module", _) => self.output(way, reference, &behind(0)),
            _ if rest.is_empty() && reference.is_whole() => self.resource(way, reference, name),
            _ => {}
        }
    }

    fn resource(&mut self, way: &Way, reference: &Reference<'a>, name: &Arc<str>) {
        let block = (reference.root.clone(), name.clone());
        if self.modules.get(way.module).config.resources.contains_key(&block) {
            let key = reference.index().and_then(literal_key);
            let found = ((way.module, block.0, block.1), way.clone(), key);
            if !self.targets.contains(&found) {
                self.targets.push(found);
            }
        }
    }

    /// Goes up to the input that the calling module gives.
    fn variable(&mut self, way: &Way, name: &Arc<str>, rest: &[&'a Step]) {
        let Some((caller, block)) = self.modules.block(way.module) else { return };
        let Some(input) = block.inputs.iter().find(|input| input.name == *name) else { return };
        let mut up = Way { module: caller, ..way.clone() };
        if up.keys.pop().is_none() {
            up.shared = up.shared.saturating_sub(1);
        }
        self.expression(&up, &block.repetition, &input.value, rest);
    }

    /// Goes down to the output of a called module.
    fn output(&mut self, way: &Way, reference: &Reference<'a>, steps: &[&'a Step]) {
        let (module, Some(name)) = (self.modules.get(way.module), reference.name()) else { return };
        let (Some(child), Some(block)) = (module.children.get(name), module.config.modules.get(name)) else { return };
        let Some((output, _)) = output_of(reference, block) else { return };
        let Some(value) = self.modules.get(*child).config.outputs.get(output) else { return };
        let key = match steps.get(1) {
            Some(Step::Index(index)) => literal_key(index),
            _ => None,
        };
        let used = if matches!(steps.get(1), Some(Step::Index(_))) { 3 } else { 2 };
        let mut down = Way { module: *child, ..way.clone() };
        down.keys.push(key);
        self.expression(&down, &Repetition::Once, &value.value, steps.get(used..).unwrap_or_default());
    }
}

/// Takes the first of the steps into a value that is written out, as far as they lead.
fn narrowed<'a, 's>(value: &'a Expression, rest: &'s [&'a Step]) -> (&'a Expression, &'s [&'a Step]) {
    let (mut value, mut rest) = (value, rest);
    while let (Form::Object(entries), Some((step, behind))) = (&value.form, rest.split_first()) {
        let name = match step {
            Step::Attribute(name, _) => Some(&**name),
            Step::Index(index) => index.as_text(),
            Step::Splat { .. } => None,
        };
        let entry = name.and_then(|name| entries.iter().find(|entry| entry.key.as_text() == Some(name)));
        let Some(entry) = entry else { break };
        (value, rest) = (&entry.value, behind);
    }
    (value, rest)
}

/// Returns the values of a collection that is written out, else the collection.
fn members(collection: &Expression) -> Vec<&Expression> {
    match &collection.form {
        Form::Object(entries) => entries.iter().map(|entry| &entry.value).collect(),
        _ => vec![collection],
    }
}

fn referrer(modules: &Modules, module: ModuleId, block: &ResourceBlock, attribute: String) -> Referrer {
    let attributes = block.arguments.attributes.iter().map(|attribute| attribute.name.to_string());
    let blocks = block.arguments.blocks.iter().map(|inner| inner.kind.to_string());
    let mut address = Address::root(&block.resource_type, &block.name);
    address.modules = modules.names(module).into_iter().map(|name| (name.to_string(), None)).collect();
    Referrer { address, attribute, sets: attributes.chain(blocks).collect() }
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

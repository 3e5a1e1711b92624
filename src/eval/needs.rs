//! Which resources an instance needs directly: those that it names, and those that its values come from.
//!
//! Variables, locals and outputs carry the resources that they come from, through all modules.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::expression::evaluate;
use super::module_instances::{InstanceId, ModuleInstances};
use super::modules::Modules;
use super::nodes::{Item, Node, Use, uses};
use super::referrers::key_of;
use super::scope::Scope;
use super::targets::output_of;
use crate::config::ir::Step;
use crate::model::{Address, Desired, Value};

/// Resources; shared where a value only passes on those of another.
pub(super) type Addresses = Arc<BTreeSet<Address>>;

/// The resources that the values of one instance of a module come from.
#[derive(Debug, Default)]
pub(super) struct Carried(BTreeMap<Item, Addresses>);

impl Carried {
    pub(super) fn insert(&mut self, item: Item, addresses: Addresses) {
        if !addresses.is_empty() {
            self.0.insert(item, addresses);
        }
    }

    /// Returns the resources that a value comes from; none where nothing is known of it.
    pub(super) fn of(&self, item: &Item) -> Addresses {
        self.get(item).cloned().unwrap_or_default()
    }

    fn get(&self, item: &Item) -> Option<&Addresses> {
        self.0.get(item)
    }
}

/// Finds what nodes need in one instance of a module.
pub(super) struct Finder<'a> {
    pub modules: &'a Modules,
    pub instances: &'a ModuleInstances,
    pub desired: &'a Desired,
}

/// What was gathered: whole sets of other values, and single resources.
#[derive(Default)]
struct Gathered {
    parts: Vec<Addresses>,
    own: BTreeSet<Address>,
}

impl Finder<'_> {
    /// Returns the resources that a node names in an instance. An index that can be evaluated picks one of them.
    ///
    /// The references of an input stand in the module that calls, so `at` is the caller for a variable.
    pub(super) fn of(&self, node: &Node, at: InstanceId, scope: &Scope<'_>) -> Addresses {
        let mut gathered = Gathered::default();
        uses(node, self.modules, &mut |used| self.reference(&used, at, scope, &mut gathered));
        gathered.together()
    }

    fn reference(&self, used: &Use<'_>, at: InstanceId, scope: &Scope<'_>, gathered: &mut Gathered) {
        let (reference, instance) = (&used.reference, self.instances.get(at));
        let Some(name) = reference.name() else { return };
        match &**reference.root {
            "var" => gathered.parts.extend(instance.carried.get(&Item::Variable(name.clone())).cloned()),
            "local" => gathered.parts.extend(instance.carried.get(&Item::Local(name.clone())).cloned()),
            "module" => self.module(used, name, at, scope, gathered),
            "data" => {
                let item = reference.second().map(|second| Item::Data(name.clone(), second.clone()));
                gathered.parts.extend(item.and_then(|item| instance.carried.get(&item)).cloned());
            }
            _ => {
                let value = instance.roots.resources.get(reference.root).and_then(|blocks| blocks.get(name));
                let Some(value) = value else { return };
                let block = Address { modules: instance.path.clone(), ..Address::root(reference.root, name) };
                let index = reference.index().filter(|_| !matches!(value, Value::Resource(_)));
                let key = index.and_then(|index| evaluate(index, scope, None).ok()).and_then(|value| key_of(&value));
                let one = key.map(|key| Address { key: Some(key), ..block.clone() });
                match one.filter(|one| self.desired.resources.contains_key(one)) {
                    Some(one) => drop(gathered.own.insert(one)),
                    None => self.all(&block, gathered),
                }
            }
        }
    }

    /// Adds all instances of a block.
    fn all(&self, block: &Address, gathered: &mut Gathered) {
        let instances = self.desired.resources.range(block.clone()..).map(|(address, _)| address);
        gathered.own.extend(instances.take_while(|address| block.covers(address)).cloned());
    }

    /// Adds what one output, or all of them, or everything in a module comes from.
    fn module(&self, used: &Use<'_>, name: &Arc<str>, at: InstanceId, scope: &Scope<'_>, gathered: &mut Gathered) {
        let module = self.modules.get(self.instances.get(at).module);
        let Some(block) = module.config.modules.get(name) else { return };
        if used.in_depends_on && used.reference.steps.len() == 1 {
            return self.inside(at, name, gathered);
        }
        let output = output_of(&used.reference, block).map(|(output, _)| output);
        let key = match used.reference.steps.get(1) {
            Some(Step::Index(index)) => evaluate(index, scope, None).ok().and_then(|value| key_of(&value)),
            _ => None,
        };
        for child in self.instances.called(at, name, key) {
            let child = self.instances.get(child);
            let is_meant = |item: &Item| match (item, output) {
                (Item::Output(name), Some(output)) => name == output,
                (Item::Output(_), None) => true,
                _ => false,
            };
            let found = child.carried.0.iter().filter(|(item, _)| is_meant(item));
            gathered.parts.extend(found.map(|(_, addresses)| addresses.clone()));
        }
    }

    /// Adds every resource inside of a call, at any depth.
    fn inside(&self, at: InstanceId, name: &str, gathered: &mut Gathered) {
        let caller = &self.instances.get(at).path;
        let mut first = Address::root("", "");
        first.modules = caller.iter().cloned().chain([(name.to_owned(), None)]).collect();
        let is_inside = |address: &Address| {
            address.modules.starts_with(caller) && address.modules.get(caller.len()).is_some_and(|(it, _)| it == name)
        };
        let found = self.desired.resources.range(first..).map(|(address, _)| address);
        gathered.own.extend(found.take_while(|address| is_inside(address)).cloned());
    }
}

impl Gathered {
    /// Joins everything; shared where one part holds all the others.
    fn together(mut self) -> Addresses {
        let largest = self.parts.iter().max_by_key(|part| part.len()).cloned();
        let Some(largest) = largest else { return Arc::new(self.own) };
        let holds = |part: &Addresses| Arc::ptr_eq(part, &largest) || part.is_subset(&largest);
        if self.parts.iter().all(holds) && self.own.is_subset(&largest) {
            return largest;
        }
        for part in &self.parts {
            self.own.extend(part.iter().cloned());
        }
        Arc::new(self.own)
    }
}

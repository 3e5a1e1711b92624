//! Which resources an instance needs directly: those that it names, and those that its locals name.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::expression::evaluate;
use super::nodes::{Node, Nodes, of_resource};
use super::references;
use super::referrers::key_of;
use super::scope::Scope;
use crate::config::{Config, ResourceBlock};
use crate::model::{Address, Desired, Value};

/// A block, by type and name.
type BlockName = (Arc<str>, Arc<str>);

/// What every node needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// The blocks that a local leads to, through other locals too.
    locals: BTreeMap<Arc<str>, Arc<BTreeSet<BlockName>>>,
    variables: BTreeMap<Node, BTreeSet<Arc<str>>>,
}

impl Needs {
    /// Finds what all nodes need. The nodes are in the order of evaluation.
    pub(super) fn find(config: &Config, nodes: &Nodes) -> Self {
        let mut needs = Self::default();
        for node in &nodes.order {
            if let Node::Local(name) = node {
                let blocks = needs.of_local(node, nodes);
                needs.locals.insert(name.clone(), blocks);
            }
            let variables = variables(config, node);
            if !variables.is_empty() {
                needs.variables.insert(node.clone(), variables);
            }
        }
        needs
    }

    /// Returns the blocks that a local leads to; shared where it only passes on those of one other local.
    fn of_local(&self, node: &Node, nodes: &Nodes) -> Arc<BTreeSet<BlockName>> {
        let mut parts: Vec<Arc<BTreeSet<BlockName>>> = Vec::new();
        let mut own = BTreeSet::new();
        for need in nodes.graph.needs(node) {
            match need {
                Node::Local(name) => parts.extend(self.locals.get(name).filter(|part| !part.is_empty()).cloned()),
                Node::Resource(resource_type, name) => {
                    own.insert((resource_type.clone(), name.clone()));
                }
                Node::Output(_) => {}
            }
        }
        match parts.as_slice() {
            [only] if own.is_subset(only) => only.clone(),
            parts => {
                for part in parts {
                    own.extend(part.iter().cloned());
                }
                Arc::new(own)
            }
        }
    }

    /// Returns the variables that a node refers to.
    pub(super) fn variables(&self, node: &Node) -> impl Iterator<Item = &Arc<str>> {
        self.variables.get(node).into_iter().flatten()
    }

    /// Returns the instances that one instance needs. An index that can be evaluated picks one of them.
    pub(super) fn of_instance(&self, block: &ResourceBlock, scope: &Scope<'_>, desired: &Desired) -> BTreeSet<Address> {
        let mut found = BTreeSet::new();
        of_resource(block, &mut |reference| {
            let Some(name) = reference.name() else { return };
            if &**reference.root == "local" {
                for (resource_type, name) in self.locals.get(name).into_iter().flat_map(|blocks| blocks.iter()) {
                    all(resource_type, name, desired, &mut found);
                }
                return;
            }
            let value = scope.roots.resources.get(reference.root).and_then(|blocks| blocks.get(name));
            let Some(value) = value else { return };
            let index = reference.index().filter(|_| !matches!(value, Value::Resource(_)));
            let key = index.and_then(|index| evaluate(index, scope, None).ok()).and_then(|value| key_of(&value));
            let one = key.map(|key| Address { key: Some(key), ..Address::root(reference.root, name) });
            match one.filter(|one| desired.resources.contains_key(one)) {
                Some(one) => drop(found.insert(one)),
                None => all(reference.root, name, desired, &mut found),
            }
        });
        found
    }
}

/// Adds all instances of a block.
fn all(resource_type: &str, name: &str, desired: &Desired, found: &mut BTreeSet<Address>) {
    let block = Address::root(resource_type, name);
    let instances = desired.resources.range(block.clone()..).map(|(address, _)| address);
    found.extend(instances.take_while(|address| block.covers(address)).cloned());
}

fn variables(config: &Config, node: &Node) -> BTreeSet<Arc<str>> {
    let mut found = BTreeSet::new();
    let mut add = |reference: references::Reference<'_>| {
        if &**reference.root == "var" {
            found.extend(reference.name().cloned());
        }
    };
    match node {
        Node::Local(name) => {
            if let Some(local) = config.locals.get(name) {
                references::of_expression(&local.value, &mut add);
            }
        }
        Node::Output(name) => {
            if let Some(output) = config.outputs.get(name) {
                references::of_expression(&output.value, &mut add);
            }
        }
        Node::Resource(resource_type, name) => {
            if let Some(block) = config.resources.get(&(resource_type.clone(), name.clone())) {
                of_resource(block, &mut add);
            }
        }
    }
    found
}

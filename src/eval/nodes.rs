//! The graph of evaluation: one for all modules, each call taken once however often it is repeated.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::modules::{ModuleId, Modules};
use super::references::{self, Reference};
use super::targets::Targets;
use crate::config::ir::{Body, Expression};
use crate::config::{Condition, Config, DataBlock, ResourceBlock};
use crate::model::{Diagnostic, Graph};

/// Something that is evaluated in its turn, once in every instance of its module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    pub module: ModuleId,
    pub item: Item,
}

/// What is evaluated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Variable(Arc<str>),
    /// The `validation` blocks of a variable; nothing needs them.
    Validation(Arc<str>),
    Local(Arc<str>),
    /// How often a module is called. All that is in the module needs it.
    Call(Arc<str>),
    /// A block, by type and name.
    Resource(Arc<str>, Arc<str>),
    /// A `data` block, by type and name.
    Data(Arc<str>, Arc<str>),
    Output(Arc<str>),
    /// A `check` block; nothing needs it.
    Check(Arc<str>),
    /// Everything that a call leads to, for `depends_on`.
    End(Arc<str>),
}

/// Numbers one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// All nodes of a configuration and what they need.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    list: Vec<Node>,
    index: BTreeMap<Node, NodeId>,
    pub graph: Graph<NodeId>,
    /// In the order of evaluation.
    pub order: Vec<NodeId>,
    /// Where each node stands in that order.
    positions: Vec<u32>,
    /// Nodes that refer to something that does not exist.
    pub broken: BTreeSet<NodeId>,
}

/// A reference, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use<'a> {
    /// The module in whose files it stands.
    pub module: ModuleId,
    pub reference: Reference<'a>,
    /// In `depends_on`, a module means all that is in it.
    pub in_depends_on: bool,
}

impl Nodes {
    pub(super) fn get(&self, id: NodeId) -> &Node {
        &self.list[id.0 as usize]
    }

    pub(super) fn id(&self, module: ModuleId, item: Item) -> Option<NodeId> {
        self.index.get(&Node { module, item }).copied()
    }

    /// Returns where a node stands in the order of evaluation.
    pub(super) fn position(&self, id: NodeId) -> u32 {
        self.positions[id.index()]
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    fn add(&mut self, module: ModuleId, item: Item) {
        let id = NodeId(u32::try_from(self.list.len()).expect("sources are limited, so nodes are"));
        self.list.push(Node { module, item });
        self.index.insert(self.list[id.index()].clone(), id);
        self.graph.add(id);
    }
}

impl NodeId {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Finds all nodes, and puts them in order unless they need each other in a circle.
pub(super) fn nodes(
    modules: &Modules,
    resource_types: &[&'static str],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Nodes> {
    let mut nodes = Nodes::default();
    for (id, module) in modules.all() {
        add_items(id, &module.config, &mut nodes);
    }
    for index in 0..nodes.len() {
        connect(NodeId(u32::try_from(index).unwrap_or(u32::MAX)), modules, resource_types, &mut nodes, diagnostics);
    }
    match nodes.graph.order() {
        Ok(order) => {
            nodes.positions = vec![0; nodes.len()];
            for (position, id) in (0..).zip(&order) {
                nodes.positions[id.index()] = position;
            }
            nodes.order = order;
            Some(nodes)
        }
        Err(cycle) => {
            diagnostics.push(super::cycle::told(&cycle, modules, &nodes));
            None
        }
    }
}

fn add_items(id: ModuleId, config: &Config, nodes: &mut Nodes) {
    config.variables.keys().for_each(|name| nodes.add(id, Item::Variable(name.clone())));
    let validated = config.variables.iter().filter(|(_, variable)| !variable.validations.is_empty());
    validated.for_each(|(name, _)| nodes.add(id, Item::Validation(name.clone())));
    config.locals.keys().for_each(|name| nodes.add(id, Item::Local(name.clone())));
    config.modules.keys().for_each(|name| nodes.add(id, Item::Call(name.clone())));
    let blocks = config.resources.keys();
    blocks.for_each(|(resource_type, name)| nodes.add(id, Item::Resource(resource_type.clone(), name.clone())));
    let data = config.data.keys();
    data.for_each(|(data_type, name)| nodes.add(id, Item::Data(data_type.clone(), name.clone())));
    config.outputs.keys().for_each(|name| nodes.add(id, Item::Output(name.clone())));
    config.checks.keys().for_each(|name| nodes.add(id, Item::Check(name.clone())));
    config.modules.keys().for_each(|name| nodes.add(id, Item::End(name.clone())));
}

/// Finds what a node needs.
fn connect(
    id: NodeId,
    modules: &Modules,
    resource_types: &[&'static str],
    nodes: &mut Nodes,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let (node, mut needs) = (nodes.get(id).clone(), BTreeSet::new());
    inherent(&node, modules, nodes, &mut needs);
    let (targets, mut is_broken) = (Targets { modules, nodes, resource_types }, false);
    uses(&node, modules, &mut |reference| match targets.of(&reference) {
        Ok(found) => {
            let foreign = found.iter().find_map(|need| of_another_check(&node.item, nodes.get(*need), modules));
            is_broken |= foreign.is_some();
            diagnostics.extend(foreign.map(|diagnostic| diagnostic.at(reference.reference.span)));
            needs.extend(found);
        }
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            is_broken = true;
        }
    });
    if is_broken {
        nodes.broken.insert(id);
    }
    if !matches!(node.item, Item::Validation(_)) {
        // A value that is refused is not used: what follows from it would only be refused again.
        needs.extend(needs.clone().into_iter().filter_map(|need| validation(nodes.get(need), nodes)));
    }
    needs.into_iter().for_each(|need| nodes.graph.depend(id, need));
}

/// Refuses a reference to a `data` block that belongs to a `check`.
fn of_another_check(from: &Item, to: &Node, modules: &Modules) -> Option<Diagnostic> {
    let Item::Data(data_type, name) = &to.item else { return None };
    let block = modules.get(to.module).config.data.get(&(data_type.clone(), name.clone()))?;
    let check = block.check.as_ref().filter(|check| *from != Item::Check((*check).clone()))?;
    let message = format!("`data.{data_type}.{name}` belongs to check `{check}`, and only that can refer to it");
    Some(Diagnostic::error(message).related(block.header, "it stands here").hint("move the block out of the `check`"))
}

/// Returns the validation of a variable, where it has one.
fn validation(node: &Node, nodes: &Nodes) -> Option<NodeId> {
    match &node.item {
        Item::Variable(name) => nodes.id(node.module, Item::Validation(name.clone())),
        _ => None,
    }
}

/// Finds what a node needs without naming it.
pub(super) fn inherent(node: &Node, modules: &Modules, nodes: &Nodes, needs: &mut BTreeSet<NodeId>) {
    let Node { module, item } = node;
    if let Some(call) = &modules.get(*module).call {
        needs.extend(nodes.id(call.caller, Item::Call(call.name.clone())));
    }
    match item {
        Item::Validation(name) => needs.extend(nodes.id(*module, Item::Variable(name.clone()))),
        Item::End(name) => {
            needs.extend(nodes.id(*module, Item::Call(name.clone())));
            let Some(child) = modules.get(*module).children.get(name) else { return };
            let config = &modules.get(*child).config;
            let resources = config.resources.keys().map(|(kind, name)| Item::Resource(kind.clone(), name.clone()));
            let outputs = config.outputs.keys().map(|name| Item::Output(name.clone()));
            let ends = config.modules.keys().map(|name| Item::End(name.clone()));
            needs.extend(resources.chain(outputs).chain(ends).filter_map(|item| nodes.id(*child, item)));
        }
        _ => {}
    }
}

/// Calls `found` with every reference of a node.
pub(super) fn uses<'a>(node: &Node, modules: &'a Modules, found: &mut dyn FnMut(Use<'a>)) {
    let (module, config) = (node.module, &modules.get(node.module).config);
    let mut visitor = Visitor { module, found };
    match &node.item {
        Item::Variable(name) => {
            if let Some((caller, block)) = modules.block(module)
                && let Some(input) = block.inputs.iter().find(|input| input.name == *name)
            {
                Visitor { module: caller, found: visitor.found }.expression(&input.value);
            }
        }
        Item::Validation(name) => {
            config.variables.get(name).into_iter().for_each(|variable| visitor.conditions(&variable.validations));
        }
        Item::Local(name) => config.locals.get(name).into_iter().for_each(|local| visitor.expression(&local.value)),
        Item::Call(name) => {
            if let Some(block) = config.modules.get(name) {
                let own = block.repetition.expression().into_iter().chain(&block.cluster);
                own.for_each(|expression| visitor.expression(expression));
                visitor.depends_on(&block.depends_on);
            }
        }
        Item::Resource(resource_type, name) => {
            if let Some(block) = config.resources.get(&(resource_type.clone(), name.clone())) {
                visitor.resource(block);
            }
        }
        Item::Data(data_type, name) => {
            config.data.get(&(data_type.clone(), name.clone())).into_iter().for_each(|block| visitor.data(block));
        }
        Item::Output(name) => {
            if let Some(output) = config.outputs.get(name) {
                visitor.expression(&output.value);
                visitor.conditions(&output.preconditions);
                visitor.depends_on(&output.depends_on);
            }
        }
        Item::Check(name) => {
            config.checks.get(name).into_iter().for_each(|check| visitor.conditions(&check.asserts));
        }
        Item::End(_) => {}
    }
}

struct Visitor<'a, 'f> {
    module: ModuleId,
    found: &'f mut dyn FnMut(Use<'a>),
}

impl<'a> Visitor<'a, '_> {
    fn expression(&mut self, expression: &'a Expression) {
        let (module, found) = (self.module, &mut *self.found);
        references::of_expression(expression, &mut |reference| {
            found(Use { module, reference, in_depends_on: false });
        });
    }

    fn conditions(&mut self, conditions: &'a [Condition]) {
        for check in conditions {
            self.expression(&check.condition);
            self.expression(&check.message);
        }
    }

    fn depends_on(&mut self, expressions: &'a [Expression]) {
        let (module, found) = (self.module, &mut *self.found);
        for expression in expressions {
            references::of_expression(expression, &mut |reference| {
                found(Use { module, reference, in_depends_on: true });
            });
        }
    }

    fn resource(&mut self, block: &'a ResourceBlock) {
        block
            .repetition
            .expression()
            .into_iter()
            .chain(&block.cluster)
            .for_each(|expression| self.expression(expression));
        self.depends_on(&block.depends_on);
        self.conditions(&block.preconditions);
        block.triggers.iter().for_each(|trigger| self.expression(trigger));
        self.postconditions(&block.postconditions);
        self.body(&block.arguments);
    }

    fn data(&mut self, block: &'a DataBlock) {
        let own = block.repetition.expression().into_iter().chain(&block.cluster);
        own.for_each(|expression| self.expression(expression));
        self.depends_on(&block.depends_on);
        self.conditions(&block.preconditions);
        self.postconditions(&block.postconditions);
        self.body(&block.arguments);
    }

    /// Visits conditions that speak of `self`.
    fn postconditions(&mut self, conditions: &'a [Condition]) {
        let (module, found) = (self.module, &mut *self.found);
        for expression in conditions.iter().flat_map(|check| [&check.condition, &check.message]) {
            references::of_expression(expression, &mut |reference| {
                if &**reference.root != "self" {
                    found(Use { module, reference, in_depends_on: false });
                }
            });
        }
    }

    fn body(&mut self, body: &'a Body) {
        let (module, found) = (self.module, &mut *self.found);
        references::of_body(body, &mut |reference| found(Use { module, reference, in_depends_on: false }));
    }
}

//! What needs what among locals, resources and outputs; names that do not exist, and cycles.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::references::{self, Reference};
use crate::config::ir::Expression;
use crate::config::{Config, ResourceBlock};
use crate::model::{Cycle, Diagnostic, Graph, Span, nearest};

/// Something that is evaluated in its turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Local(Arc<str>),
    /// A block, by type and name.
    Resource(Arc<str>, Arc<str>),
    Output(Arc<str>),
}

/// All nodes of a configuration and what they need.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    pub graph: Graph<Node>,
    /// In the order of evaluation.
    pub order: Vec<Node>,
    /// Nodes that refer to something that does not exist.
    pub broken: BTreeSet<Node>,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(name) => write!(f, "local.{name}"),
            Self::Resource(resource_type, name) => write!(f, "{resource_type}.{name}"),
            Self::Output(name) => write!(f, "output.{name}"),
        }
    }
}

/// Finds all nodes, and puts them in order unless they need each other in a circle.
pub(super) fn nodes(config: &Config, resource_types: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Option<Nodes> {
    let mut builder = Builder { config, resource_types, nodes: Nodes::default(), places: BTreeMap::new(), diagnostics };
    for (name, local) in &config.locals {
        builder.node(&Node::Local(name.clone()), |found| references::of_expression(&local.value, found));
    }
    for ((resource_type, name), block) in &config.resources {
        builder.node(&Node::Resource(resource_type.clone(), name.clone()), |found| of_resource(block, found));
    }
    for (name, output) in &config.outputs {
        let conditions = output.preconditions.iter().flat_map(|check| [&check.condition, &check.message]);
        let all: Vec<&Expression> = [&output.value].into_iter().chain(&output.depends_on).chain(conditions).collect();
        builder.node(&Node::Output(name.clone()), |found| {
            for expression in &all {
                references::of_expression(expression, found);
            }
        });
    }
    builder.check_others();
    builder.finish()
}

/// Calls `found` with every reference of a resource block.
pub(super) fn of_resource<'a>(block: &'a ResourceBlock, found: &mut dyn FnMut(Reference<'a>)) {
    block.repetition.expression().into_iter().for_each(|expression| references::of_expression(expression, found));
    block.depends_on.iter().for_each(|expression| references::of_expression(expression, found));
    for check in &block.preconditions {
        references::of_expression(&check.condition, found);
        references::of_expression(&check.message, found);
    }
    references::of_body(&block.arguments, found);
}

struct Builder<'a, 'd> {
    config: &'a Config,
    resource_types: &'a [&'a str],
    nodes: Nodes,
    /// Where one node first refers to another.
    places: BTreeMap<(Node, Node), Span>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl<'a> Builder<'a, '_> {
    fn node(&mut self, node: &Node, visit: impl FnOnce(&mut dyn FnMut(Reference<'a>))) {
        self.nodes.graph.add(node.clone());
        visit(&mut |reference| match self.target(&reference) {
            Ok(Some(target)) => {
                self.places.entry((node.clone(), target.clone())).or_insert(reference.span);
                self.nodes.graph.depend(node.clone(), target);
            }
            Ok(None) => {}
            Err(diagnostic) => {
                self.diagnostics.push(*diagnostic);
                self.nodes.broken.insert(node.clone());
            }
        });
    }

    /// Checks the names in what is not a node: variables and the cluster.
    fn check_others(&mut self) {
        let config = self.config;
        let variables = config.variables.values().flat_map(|variable| &variable.validations);
        let cluster = config.cluster.iter().flat_map(|cluster| cluster.kubeconfig.iter().chain(&cluster.context));
        let validations = variables.flat_map(|check| [&check.condition, &check.message]);
        for expression in validations.chain(cluster) {
            references::of_expression(expression, &mut |reference| match self.target(&reference) {
                Err(diagnostic) => self.diagnostics.push(*diagnostic),
                Ok(Some(Node::Resource(..))) => {
                    let message = "resources are not known yet where variables and the cluster are evaluated";
                    self.diagnostics.push(Diagnostic::error(message).at(reference.span));
                }
                Ok(_) => {}
            });
        }
    }

    /// Returns what a reference leads to; nothing for variables and what belongs to the block itself.
    fn target(&self, reference: &Reference<'_>) -> Result<Option<Node>, Box<Diagnostic>> {
        let (root, config) = (reference.root, self.config);
        let Some(name) = reference.name() else { return self.bare(reference) };
        match &**root {
            "var" if config.variables.contains_key(name) => Ok(None),
            "var" => Err(undeclared(reference, "variable", name, config.variables.keys())),
            "local" if config.locals.contains_key(name) => Ok(Some(Node::Local(name.clone()))),
            "local" => Err(undeclared(reference, "local value", name, config.locals.keys())),
            "each" | "count" | "path" => Ok(None),
            "data" | "module" | "self" | "terraform" => {
                Err(Box::new(Diagnostic::error(format!("`{root}` is not supported yet")).at(reference.span)))
            }
            _ if config.resources.contains_key(&(root.clone(), name.clone())) => {
                Ok(Some(Node::Resource(root.clone(), name.clone())))
            }
            _ => Err(self.no_resource(reference, name)),
        }
    }

    /// A root with no name behind it.
    fn bare(&self, reference: &Reference<'_>) -> Result<Option<Node>, Box<Diagnostic>> {
        let root = &**reference.root;
        let diagnostic = Diagnostic::error(format!("`{root}` alone is no value")).at(reference.span);
        let is_type = self.resource_types.contains(&root);
        Err(Box::new(match root {
            "var" | "local" | "each" | "count" | "path" => diagnostic.hint(format!("write `{root}.` and a name")),
            _ if is_type => diagnostic.hint(format!("write `{root}.` and the name of a block")),
            _ => diagnostic.hint("a text stands in quotes: `\"…\"`"),
        }))
    }

    fn no_resource(&self, reference: &Reference<'_>, name: &str) -> Box<Diagnostic> {
        let (root, resources) = (&**reference.root, &self.config.resources);
        let diagnostic = Diagnostic::error(format!("there is no `{root}.{name}`")).at(reference.span);
        let names = || resources.keys().filter(|(resource_type, _)| &**resource_type == root).map(|(_, name)| &**name);
        if let Some(meant) = nearest(name, names()) {
            return Box::new(diagnostic.hint(format!("did you mean `{root}.{meant}`?")));
        }
        let known = ["var", "local", "each", "count", "path"].into_iter();
        let declared = resources.keys().map(|(resource_type, _)| &**resource_type);
        Box::new(match nearest(root, known.chain(declared).chain(self.resource_types.iter().copied())) {
            Some(meant) if meant != root => diagnostic.hint(format!("did you mean `{meant}.{name}`?")),
            _ => match names().collect::<Vec<_>>().as_slice() {
                [] => diagnostic,
                names => {
                    let list: Vec<String> = names.iter().take(5).map(|name| format!("`{root}.{name}`")).collect();
                    diagnostic.hint(format!("there is {}", list.join(", ")))
                }
            },
        })
    }

    fn finish(mut self) -> Option<Nodes> {
        match self.nodes.graph.order() {
            Ok(order) => {
                self.nodes.order = order;
                Some(self.nodes)
            }
            Err(cycle) => {
                let diagnostic = self.cycle(&cycle);
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// Prints a cycle as a path, each step with the place of its reference.
    fn cycle(&self, cycle: &Cycle<Node>) -> Diagnostic {
        let nodes = &cycle.0;
        let steps: Vec<(&Node, &Node)> = nodes.iter().zip(nodes.iter().cycle().skip(1)).collect();
        let shown = steps.iter().take(MAX_SHOWN).map(|(node, _)| format!("`{node}`")).collect::<Vec<_>>().join(" → ");
        let more =
            if steps.len() > MAX_SHOWN { format!(" → ({} more)", steps.len() - MAX_SHOWN) } else { String::new() };
        let mut diagnostic =
            Diagnostic::error(format!("these need each other in a circle: {shown}{more} → `{}`", nodes[0]));
        let place = |(node, on): &(&Node, &Node)| self.places.get(&((*node).clone(), (*on).clone())).copied();
        let label = |(node, on): &(&Node, &Node)| format!("`{node}` needs `{on}`");
        for (index, step) in steps.iter().take(MAX_SHOWN).enumerate() {
            if let Some(span) = place(step) {
                diagnostic = if index == 0 {
                    diagnostic.labelled(span, label(step))
                } else {
                    diagnostic.related(span, label(step))
                };
            }
        }
        diagnostic
    }
}

/// How many steps of a cycle are printed.
const MAX_SHOWN: usize = 20;

/// Says that nothing is declared under a name.
fn undeclared<'n>(
    reference: &Reference<'_>,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n Arc<str>>,
) -> Box<Diagnostic> {
    let root = reference.root;
    let diagnostic = Diagnostic::error(format!("there is no {what} `{name}`")).at(reference.span);
    Box::new(match nearest(name, known.map(|known| &**known)) {
        Some(meant) => diagnostic.hint(format!("did you mean `{root}.{meant}`?")),
        None if what == "variable" => diagnostic.hint(format!("declare it: `variable \"{name}\" {{ … }}`")),
        None => diagnostic,
    })
}

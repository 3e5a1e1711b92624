//! A circle of nodes as a path through the modules, each step with the line of its reference.
use std::collections::BTreeSet;

use super::modules::Modules;
use super::nodes::{Item, Node, NodeId, Nodes, inherent, uses};
use super::targets::Targets;
use crate::model::{Cycle, Diagnostic, Span};

/// How many steps of a cycle are printed.
const MAX_SHOWN: usize = 20;

/// Words a cycle.
pub(super) fn told(cycle: &Cycle<NodeId>, modules: &Modules, nodes: &Nodes) -> Diagnostic {
    let ids = &cycle.0;
    let steps: Vec<(NodeId, NodeId)> = ids.iter().copied().zip(ids.iter().copied().cycle().skip(1)).collect();
    let name = |id: NodeId| name(nodes.get(id), modules);
    let shown = steps.iter().take(MAX_SHOWN).map(|(id, _)| format!("`{}`", name(*id))).collect::<Vec<_>>().join(" → ");
    let more = if steps.len() > MAX_SHOWN { format!(" → ({} more)", steps.len() - MAX_SHOWN) } else { String::new() };
    let mut diagnostic =
        Diagnostic::error(format!("these need each other in a circle: {shown}{more} → `{}`", name(ids[0])));
    for (id, on) in steps.iter().take(MAX_SHOWN) {
        let Some(span) = place(*id, *on, modules, nodes) else { continue };
        let label = format!("`{}` needs `{}`", name(*id), name(*on));
        diagnostic = match diagnostic.at {
            None => diagnostic.labelled(span, label),
            Some(_) => diagnostic.related(span, label),
        };
    }
    diagnostic
}

/// Returns the address of a node.
fn name(node: &Node, modules: &Modules) -> String {
    let item = match &node.item {
        Item::Variable(name) | Item::Validation(name) => format!("var.{name}"),
        Item::Local(name) => format!("local.{name}"),
        Item::Resource(resource_type, name) => format!("{resource_type}.{name}"),
        Item::Data(data_type, name) => format!("data.{data_type}.{name}"),
        Item::Output(name) => format!("output.{name}"),
        Item::Check(name) => format!("check.{name}"),
        Item::Call(name) | Item::End(name) => format!("module.{name}"),
    };
    let steps = modules.names(node.module).into_iter().map(|name| format!("module.{name}."));
    steps.collect::<String>() + &item
}

/// Returns where one node first refers to another, or the call that makes it need the other.
fn place(id: NodeId, on: NodeId, modules: &Modules, nodes: &Nodes) -> Option<Span> {
    let (node, targets) = (nodes.get(id), Targets { modules, nodes, resource_types: &[] });
    let mut found = None;
    uses(node, modules, &mut |used| {
        if found.is_none() && targets.of(&used).is_ok_and(|targets| targets.contains(&on)) {
            found = Some(used.reference.span);
        }
    });
    let mut needs = BTreeSet::new();
    inherent(node, modules, nodes, &mut needs);
    let call = || match &node.item {
        Item::End(name) => modules.get(node.module).config.modules.get(name).map(|block| block.header),
        _ => modules.block(node.module).map(|(_, block)| block.header),
    };
    found.or_else(|| call().filter(|_| needs.contains(&on)))
}

//! What is evaluated for the root module alone: the clusters. No node stands for them.
use super::modules::ModuleId;
use super::nodes::{Item, Nodes, Use};
use super::references;
use super::targets::Targets;
use super::world::World;
use crate::model::Diagnostic;

/// Checks the names in what is no node, and that it stands in the root module.
pub(super) fn check(world: &World, nodes: &Nodes, diagnostics: &mut Vec<Diagnostic>) {
    for (_, module) in world.modules.all().skip(1) {
        for block in module.config.clusters.values() {
            let diagnostic = Diagnostic::error("clusters are described in the root module").at(block.header);
            let hint = "the call of a module chooses one for all that is in it: `cluster = cluster.NAME`";
            diagnostics.push(diagnostic.hint(hint));
        }
    }
    let names = world.kinds.names();
    let targets = Targets { modules: &world.modules, nodes, resource_types: &names };
    let clusters = world.modules.root().config.clusters.values();
    for expression in clusters.flat_map(|cluster| cluster.kubeconfig.iter().chain(&cluster.context)) {
        references::of_expression(expression, &mut |reference| {
            let found = targets.of(&Use { module: ModuleId::ROOT, reference, in_depends_on: false });
            match found {
                Err(diagnostic) => diagnostics.push(*diagnostic),
                Ok(found) => {
                    let is_late = |item: &Item| matches!(item, Item::Resource(..) | Item::Data(..) | Item::Output(_));
                    if found.iter().any(|id| is_late(&nodes.get(*id).item)) {
                        let message = "resources and `data` blocks are not known yet where the cluster is chosen";
                        diagnostics.push(Diagnostic::error(message).at(reference.span));
                    }
                }
            }
        });
    }
}

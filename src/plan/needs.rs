//! The graph of a plan: what the configuration says, what the state remembers, and what the objects imply.
use std::collections::BTreeMap;

use crate::model::{Address, Desired, DesiredObject, Graph};
use crate::state::State;

use super::kinds;

/// Returns the needs among all resources that are desired or recorded.
pub(super) fn graph(
    desired: &Desired,
    stamped: &BTreeMap<Address, Vec<DesiredObject>>,
    state: &State,
) -> Graph<Address> {
    let mut graph = desired.graph.clone();
    for address in desired.resources.keys().chain(state.resources.keys()) {
        graph.add(address.clone());
    }
    let graph = extend(graph, &implied(stamped));
    extend(graph, &remembered(desired, state))
}

/// Adds edges, unless they close a cycle: what is written goes before what is concluded.
fn extend(graph: Graph<Address>, edges: &[(Address, Address)]) -> Graph<Address> {
    if edges.is_empty() {
        return graph;
    }
    let mut extended = graph.clone();
    for (node, on) in edges.iter().filter(|(node, on)| node != on) {
        extended.depend(node.clone(), on.clone());
    }
    if extended.order().is_ok() { extended } else { graph }
}

/// An object needs its namespace and the definition of its kind, those of its own cluster.
fn implied(stamped: &BTreeMap<Address, Vec<DesiredObject>>) -> Vec<(Address, Address)> {
    let (mut namespaces, mut definitions) = (BTreeMap::new(), BTreeMap::new());
    let all = || stamped.iter().flat_map(|(address, objects)| objects.iter().map(move |it| (address, it)));
    for (address, DesiredObject { cluster, object, .. }) in all() {
        let kind = object.kind();
        if &*kind.kind == "CustomResourceDefinition" {
            definitions.extend(kinds::defined(object).map(|defined| ((cluster, defined), address)));
        } else if kind.is("", "Namespace") {
            namespaces.insert((cluster, object.name()), address);
        }
    }
    let mut edges = Vec::new();
    for (address, DesiredObject { cluster, object, .. }) in all() {
        let kind = object.kind();
        let namespace = object.namespace().and_then(|name| namespaces.get(&(cluster, name)));
        let definition = definitions.get(&(cluster, (kind.group, kind.kind)));
        edges.extend(namespace.into_iter().chain(definition).map(|on| (address.clone(), (*on).clone())));
    }
    edges
}

/// What a removed resource needed when it was applied.
fn remembered(desired: &Desired, state: &State) -> Vec<(Address, Address)> {
    let is_there = |address: &Address| desired.resources.contains_key(address) || state.resources.contains_key(address);
    let removed = state.resources.iter().filter(|(address, _)| !desired.resources.contains_key(*address));
    let needs = |(address, recorded): (&Address, &crate::state::Recorded)| {
        let there = recorded.dependencies.iter().filter(|on| is_there(on));
        there.map(|on| (address.clone(), on.clone())).collect::<Vec<_>>()
    };
    removed.flat_map(needs).collect()
}

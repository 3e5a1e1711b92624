//! What needs what. One graph gives the order of evaluation, of apply, and reversed of destroy.
use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::DiGraph;

/// Nodes and what each of them needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Graph<N: Ord> {
    needs: BTreeMap<N, BTreeSet<N>>,
}

/// Nodes that need each other, as a path: each needs the next, the last needs the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle<N>(pub Vec<N>);

impl<N: Ord> Default for Graph<N> {
    fn default() -> Self {
        Self { needs: BTreeMap::new() }
    }
}

impl<N: Ord + Clone> Graph<N> {
    /// Adds a node that needs nothing yet.
    pub(crate) fn add(&mut self, node: N) {
        self.needs.entry(node).or_default();
    }

    /// Says that `node` needs `on`; both are added where they are missing.
    pub(crate) fn depend(&mut self, node: N, on: N) {
        self.add(on.clone());
        self.needs.entry(node).or_default().insert(on);
    }

    /// Returns all nodes, sorted.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &N> {
        self.needs.keys()
    }

    /// Returns what a node needs directly.
    pub(crate) fn needs(&self, node: &N) -> impl Iterator<Item = &N> {
        self.needs.get(node).into_iter().flatten()
    }

    /// Returns the same graph with every edge turned round.
    pub(crate) fn reversed(&self) -> Self {
        let mut reversed = Self::default();
        for (node, needs) in &self.needs {
            reversed.add(node.clone());
            for need in needs {
                reversed.depend(need.clone(), node.clone());
            }
        }
        reversed
    }

    /// Returns the nodes so that each stands behind all that it needs, or the first cycle.
    pub(crate) fn order(&self) -> Result<Vec<N>, Cycle<N>> {
        let nodes: Vec<&N> = self.needs.keys().collect();
        let graph = self.to_petgraph(&nodes);
        match toposort(&graph, None) {
            Ok(order) => Ok(order.into_iter().map(|index| nodes[index.index()].clone()).collect()),
            Err(_) => Err(self.cycle(&graph, &nodes)),
        }
    }

    /// Builds the petgraph form; edges lead from the needed to the needing.
    fn to_petgraph(&self, nodes: &[&N]) -> DiGraph<(), ()> {
        let position: BTreeMap<&N, usize> = nodes.iter().enumerate().map(|(index, node)| (*node, index)).collect();
        let mut graph = DiGraph::with_capacity(nodes.len(), nodes.len());
        let indices: Vec<_> = nodes.iter().map(|_| graph.add_node(())).collect();
        for (node, needs) in &self.needs {
            for need in needs {
                graph.add_edge(indices[position[need]], indices[position[node]], ());
            }
        }
        graph
    }

    /// Walks along needs inside the first strongly connected part until a node comes again.
    fn cycle(&self, graph: &DiGraph<(), ()>, nodes: &[&N]) -> Cycle<N> {
        let is_cyclic = |part: &Vec<petgraph::graph::NodeIndex>| {
            part.len() > 1 || part.iter().any(|index| graph.contains_edge(*index, *index))
        };
        let parts = kosaraju_scc(graph);
        let first = |part: &&Vec<petgraph::graph::NodeIndex>| part.iter().map(|index| index.index()).min();
        let part = parts.iter().filter(|part| is_cyclic(part)).min_by_key(first).expect("without an order, a cycle");
        let members: BTreeSet<&N> = part.iter().map(|index| nodes[index.index()]).collect();
        let mut node = *members.first().expect("a part has members");
        let (mut path, mut seen) = (Vec::new(), BTreeMap::new());
        loop {
            if let Some(start) = seen.insert(node, path.len()) {
                return Cycle(path.split_off(start));
            }
            path.push(node.clone());
            node = self.needs(node).find(|need| members.contains(need)).expect("members need each other");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(u32, u32)]) -> Graph<u32> {
        let mut graph = Graph::default();
        for (node, on) in edges {
            graph.depend(*node, *on);
        }
        graph
    }

    #[test]
    fn needs_come_first() {
        assert_eq!(graph(&[(3, 2), (2, 1)]).order(), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn reversed_turns_the_order_round() {
        assert_eq!(graph(&[(3, 2), (2, 1)]).reversed().order(), Ok(vec![3, 2, 1]));
    }

    #[test]
    fn a_cycle_is_a_path() {
        assert_eq!(graph(&[(1, 2), (2, 3), (3, 1), (4, 1)]).order(), Err(Cycle(vec![1, 2, 3])));
        assert_eq!(graph(&[(1, 1)]).order(), Err(Cycle(vec![1])));
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_does_not_overflow() {
        let chain: Vec<_> = (1..100_000).map(|node| (node, node - 1)).collect();
        assert_eq!(graph(&chain).order().map(|order| order.len()), Ok(100_000));
        let mut ring = chain;
        ring.push((0, 99_999));
        assert_eq!(graph(&ring).order().map_err(|cycle| cycle.0.len()), Err(100_000));
    }
}

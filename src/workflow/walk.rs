//! Which step may begin: each as soon as what it needs is done, whatever the others do. Pure.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Graph};

/// What is done to one resource at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Make and change its objects, and see them ready.
    Raise(Address),
    /// Delete and forget objects of it.
    Lower(Address),
}

/// The steps that are not done yet.
#[derive(Debug)]
pub(super) struct Walk {
    /// How many needs each step still has.
    missing: BTreeMap<Step, usize>,
    dependents: BTreeMap<Step, Vec<Step>>,
    ready: BTreeSet<Step>,
}

impl Step {
    pub(super) fn address(&self) -> &Address {
        match self {
            Self::Raise(address) | Self::Lower(address) => address,
        }
    }
}

impl Walk {
    /// Returns the walk over a graph without cycles: up along the needs, and down against them.
    ///
    /// A resource is lowered after it was raised, so that what left it is used no more, and after all
    /// that needs it was lowered.
    pub(super) fn new(graph: &Graph<Address>) -> Self {
        let mut walk = Self { missing: BTreeMap::new(), dependents: BTreeMap::new(), ready: BTreeSet::new() };
        for address in graph.nodes() {
            walk.missing.entry(Step::Raise(address.clone())).or_default();
            walk.order(Step::Raise(address.clone()), Step::Lower(address.clone()));
            for need in graph.needs(address) {
                walk.order(Step::Raise(need.clone()), Step::Raise(address.clone()));
                walk.order(Step::Lower(address.clone()), Step::Lower(need.clone()));
            }
        }
        walk.ready = walk.missing.iter().filter(|(_, count)| **count == 0).map(|(step, _)| step.clone()).collect();
        walk
    }

    fn order(&mut self, first: Step, then: Step) {
        *self.missing.entry(then.clone()).or_default() += 1;
        self.missing.entry(first.clone()).or_default();
        self.dependents.entry(first).or_default().push(then);
    }

    /// Returns a step that may begin now; each is returned once.
    pub(super) fn begin(&mut self) -> Option<Step> {
        let step = self.ready.pop_first()?;
        self.missing.remove(&step);
        Some(step)
    }

    /// Says that a step is done; what waited for it alone becomes ready.
    pub(super) fn done(&mut self, step: &Step) {
        for dependent in self.dependents.remove(step).unwrap_or_default() {
            if let Some(count) = self.missing.get_mut(&dependent) {
                *count -= 1;
                if *count == 0 {
                    self.ready.insert(dependent);
                }
            }
        }
    }

    /// Says that a step failed; returns the steps that will never begin because of it.
    pub(super) fn fail(&mut self, step: &Step) -> Vec<Step> {
        let (mut lost, mut queue) = (Vec::new(), vec![step.clone()]);
        while let Some(step) = queue.pop() {
            for dependent in self.dependents.remove(&step).unwrap_or_default() {
                if self.missing.remove(&dependent).is_some() {
                    lost.push(dependent.clone());
                    queue.push(dependent);
                }
            }
        }
        lost.sort();
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        Address::root("manifest", name)
    }

    fn walk(edges: &[(&str, &str)]) -> Walk {
        let mut graph = Graph::default();
        for (node, on) in edges {
            graph.depend(address(node), address(on));
        }
        Walk::new(&graph)
    }

    /// Does everything, one step at a time, and writes down the order.
    fn run(mut walk: Walk, fails: &str) -> (Vec<String>, Vec<String>) {
        let name = |step: &Step| match step {
            Step::Raise(address) => format!("+{}", address.name),
            Step::Lower(address) => format!("-{}", address.name),
        };
        let (mut order, mut lost) = (Vec::new(), Vec::new());
        while let Some(step) = walk.begin() {
            order.push(name(&step));
            if name(&step) == fails {
                lost.extend(walk.fail(&step).iter().map(name));
            } else {
                walk.done(&step);
            }
        }
        (order, lost)
    }

    #[test]
    fn needs_are_raised_first_and_lowered_last() {
        let (order, lost) = run(walk(&[("pool", "head"), ("head", "redis")]), "");
        assert_eq!(order, ["+redis", "+head", "+pool", "-pool", "-head", "-redis"]);
        assert!(lost.is_empty());
    }

    #[test]
    fn a_failure_stops_only_what_depends_on_it() {
        let (order, lost) = run(walk(&[("b", "a"), ("c", "b"), ("y", "x")]), "+b");
        assert_eq!(order, ["+a", "+b", "+x", "+y", "-y", "-x"]);
        assert_eq!(lost, ["+c", "-a", "-b", "-c"]);
    }

    #[test]
    fn a_diamond_waits_for_both_sides() {
        let mut walk = walk(&[("l", "a"), ("r", "a"), ("z", "l"), ("z", "r")]);
        let a = walk.begin().expect("a step");
        assert_eq!(walk.begin(), None);
        walk.done(&a);
        let (l, r) = (walk.begin().expect("a step"), walk.begin().expect("a step"));
        walk.done(&l);
        assert_eq!(walk.begin(), None);
        walk.done(&r);
        assert_eq!(walk.begin(), Some(Step::Raise(address("z"))));
    }

    #[test]
    fn a_long_chain_takes_linear_time() {
        let mut graph = Graph::default();
        for number in 1..10_000 {
            graph.depend(address(&format!("{number:06}")), address(&format!("{:06}", number - 1)));
        }
        assert_eq!(run(Walk::new(&graph), "").0.len(), 20_000);
    }
}

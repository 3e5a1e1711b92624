//! Resources that get other addresses, and what needs them follows.
use std::collections::BTreeMap;

use super::{Recorded, State};
use crate::model::Address;

/// Renames in the order in which they happen; a chain of them counts as one.
#[derive(Debug, Default)]
pub(super) struct Renames {
    now: BTreeMap<Address, Address>,
    origins: BTreeMap<Address, Address>,
}

impl Renames {
    /// Adds one more.
    pub(super) fn push(&mut self, from: &Address, to: &Address) {
        let origin = self.origins.remove(from).unwrap_or_else(|| from.clone());
        self.origins.insert(to.clone(), origin.clone());
        self.now.insert(origin, to.clone());
    }

    /// Renames the needs of all resources, once for all renames so far, and forgets them.
    pub(super) fn follow(&mut self, resources: &mut BTreeMap<Address, Recorded>) {
        if self.now.is_empty() {
            return;
        }
        for recorded in resources.values_mut() {
            let needs = std::mem::take(&mut recorded.dependencies);
            recorded.dependencies =
                needs.into_iter().map(|need| self.now.get(&need).cloned().unwrap_or(need)).collect();
        }
        *self = Self::default();
    }
}

impl State {
    /// Returns this state with resources under other addresses, renamed one after the other.
    ///
    /// A rename to an address that is taken, or of one that is not recorded, is left out.
    pub(crate) fn renamed(mut self, steps: &[(Address, Address)]) -> Self {
        let mut renames = Renames::default();
        for (from, to) in steps {
            if self.resources.contains_key(to) {
                continue;
            }
            if let Some(recorded) = self.resources.remove(from) {
                self.resources.insert(to.clone(), recorded);
                renames.push(from, to);
            }
        }
        renames.follow(&mut self.resources);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        Address::root("redis", name)
    }

    fn state(resources: &[(&str, &[&str])]) -> State {
        let recorded = |needs: &[&str]| Recorded {
            dependencies: needs.iter().map(|need| address(need)).collect(),
            ..Recorded::unseen()
        };
        let resources = resources.iter().map(|(name, needs)| (address(name), recorded(needs))).collect();
        State { resources, ..State::default() }
    }

    #[track_caller]
    fn check(before: &[(&str, &[&str])], steps: &[(&str, &str)], after: &[(&str, &[&str])]) {
        let steps: Vec<_> = steps.iter().map(|(from, to)| (address(from), address(to))).collect();
        assert_eq!(state(before).renamed(&steps), state(after));
    }

    #[test]
    fn needs_follow_a_chain() {
        check(&[("a", &[]), ("z", &["a"])], &[("a", "b"), ("b", "c")], &[("c", &[]), ("z", &["c"])]);
    }

    #[test]
    fn a_place_that_became_free_can_be_taken() {
        check(&[("a", &[]), ("b", &["a"])], &[("b", "c"), ("a", "b")], &[("b", &[]), ("c", &["b"])]);
    }

    #[test]
    fn nothing_is_renamed_over_another() {
        check(&[("a", &[]), ("b", &[])], &[("a", "b"), ("x", "y")], &[("a", &[]), ("b", &[])]);
    }
}

//! Folds journal entries into a state, each in logarithmic time.
use std::collections::{BTreeMap, BTreeSet};

use super::renames::Renames;
use super::{Act, Entry, Intent, Recorded, RecordedObject, State, Status};
use crate::model::{Address, ClusterName, Located};

/// A state that entries are folded into.
#[derive(Debug)]
pub(super) struct Fold {
    state: State,
    /// Objects of the touched resources, by identity, with their place in the order.
    touched: BTreeMap<Address, BTreeMap<Located, (usize, RecordedObject)>>,
    /// Requests that were sent and have no result yet.
    open: BTreeMap<(Address, Located), Intent>,
    /// Renames that the needs of the resources do not show yet.
    renames: Renames,
    /// The place of the object that was added last; those of the state file stand before all of them.
    next: usize,
}

impl Fold {
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            touched: BTreeMap::new(),
            open: BTreeMap::new(),
            renames: Renames::default(),
            next: usize::MAX / 2,
        }
    }

    /// Folds one entry in.
    pub(super) fn fold(&mut self, entry: Entry) {
        if !matches!(entry, Entry::Moved { .. }) {
            self.renames.follow(&mut self.state.resources);
        }
        match entry {
            Entry::Cluster { name, identity } => drop(self.state.clusters.insert(name, identity)),
            Entry::Intent { address, act, object } => {
                let key = (address.clone(), object.located());
                self.open.insert(key, Intent { address, act, object });
            }
            Entry::Applied { address, object } => {
                self.open.remove(&(address.clone(), object.located()));
                self.next += 1;
                let next = self.next;
                let objects = self.objects(&address);
                let place = objects.get(&object.located()).map_or(next, |(place, _)| *place);
                objects.insert(object.located(), (place, object));
            }
            Entry::Refused { address, object } => {
                self.open.remove(&(address, object));
            }
            Entry::Deleted { address, object } | Entry::Forgotten { address, object } => {
                self.open.remove(&(address.clone(), object.clone()));
                self.objects(&address).remove(&object);
            }
            Entry::Resource { address, recorded } => self.describe(address, recorded),
            Entry::Ready { address } => {
                if let Some(recorded) = self.state.resources.get_mut(&address) {
                    recorded.status = Status::Ready;
                }
            }
            Entry::Removed { address } => {
                self.touched.remove(&address);
                self.state.resources.remove(&address);
            }
            Entry::Moved { from, to } => self.rename(&from, &to),
            Entry::Output { name, output: Some(output) } => {
                self.state.outputs.insert(name, output);
            }
            Entry::Output { name, output: None } => {
                self.state.outputs.remove(&name);
            }
        }
    }

    /// Returns the state with everything folded in, and the requests without a result.
    pub(super) fn finish(mut self) -> (State, Vec<Intent>) {
        self.renames.follow(&mut self.state.resources);
        for (address, objects) in std::mem::take(&mut self.touched) {
            let mut ordered: Vec<_> = objects.into_values().collect();
            ordered.sort_by_key(|(place, _)| *place);
            let recorded = self.state.resources.entry(address).or_insert_with(Recorded::unseen);
            recorded.objects = ordered.into_iter().map(|(_, object)| object).collect();
        }
        let is_open = |intent: &Intent| intent.act == Act::Apply || !intent.object.uid.is_empty();
        let open: Vec<Intent> = self.open.into_values().filter(is_open).collect();
        forget_clusters(&mut self.state, &open);
        (self.state, open)
    }

    /// Returns the objects of a resource, by identity.
    fn objects(&mut self, address: &Address) -> &mut BTreeMap<Located, (usize, RecordedObject)> {
        self.touched.entry(address.clone()).or_insert_with(|| {
            let recorded = self.state.resources.entry(address.clone()).or_insert_with(Recorded::unseen);
            let objects = std::mem::take(&mut recorded.objects);
            objects.into_iter().enumerate().map(|(place, object)| (object.located(), (place, object))).collect()
        })
    }

    /// Takes over everything of a resource but its objects.
    fn describe(&mut self, address: Address, recorded: Recorded) {
        let objects = self.state.resources.remove(&address).map(|old| old.objects).unwrap_or_default();
        self.state.resources.insert(address, Recorded { objects, ..recorded });
    }

    /// Gives a resource another address; the needs for it follow with the next entry of another kind.
    fn rename(&mut self, from: &Address, to: &Address) {
        if let Some(objects) = self.touched.remove(from) {
            self.touched.insert(to.clone(), objects);
        }
        if let Some(recorded) = self.state.resources.remove(from) {
            self.state.resources.insert(to.clone(), recorded);
        }
        self.renames.push(from, to);
    }
}

/// Drops the identities of named clusters in which nothing is left, so that their names are free again.
fn forget_clusters(state: &mut State, open: &[Intent]) {
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    let used: BTreeSet<ClusterName> =
        recorded.chain(open.iter().map(|intent| &intent.object)).map(|object| object.cluster.clone()).collect();
    state.clusters.retain(|name, _| name.is_default() || used.contains(name));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{ClusterIdentity, ClusterName, Kind};

    fn object(name: &str, uid: &str) -> RecordedObject {
        let (cluster, kind) = (ClusterName::default(), Kind::new("v1", "ConfigMap"));
        let (namespace, name, uid) = (Some("n".into()), name.into(), uid.into());
        RecordedObject { cluster, kind, namespace, name, uid, applied: json!({}) }
    }

    fn address() -> Address {
        Address::root("config_map", "a")
    }

    fn fold(entries: Vec<Entry>) -> (State, Vec<Intent>) {
        let mut fold = Fold::new(State::default());
        entries.into_iter().for_each(|entry| fold.fold(entry));
        fold.finish()
    }

    #[test]
    fn an_intent_without_a_result_stays_open() {
        let intent = Entry::Intent { address: address(), act: Act::Apply, object: object("x", "") };
        assert_eq!(fold(vec![intent.clone()]).1.len(), 1);
        let done = Entry::Applied { address: address(), object: object("x", "1") };
        let (state, open) = fold(vec![intent, done]);
        assert!(open.is_empty());
        assert_eq!(state.resources[&address()].objects, [object("x", "1")]);
    }

    #[test]
    fn objects_keep_the_order_in_which_they_were_made() {
        let applied = |name: &str| Entry::Applied { address: address(), object: object(name, "1") };
        let deleted = Entry::Deleted { address: address(), object: object("b", "").located() };
        let (state, _) = fold(vec![applied("c"), applied("b"), applied("a"), deleted, applied("c"), applied("0")]);
        let names: Vec<_> = state.resources[&address()].objects.iter().map(|object| &*object.name).collect();
        assert_eq!(names, ["c", "a", "0"]);
    }

    #[test]
    fn one_name_in_two_clusters_is_two_objects() {
        let west = ClusterName::named("west");
        let moved = RecordedObject { cluster: west.clone(), ..object("x", "2") };
        let identity = |uid: &str| ClusterIdentity { uid: uid.to_owned(), server: "s".to_owned() };
        let begun = vec![
            Entry::Cluster { name: ClusterName::default(), identity: identity("c1") },
            Entry::Cluster { name: west.clone(), identity: identity("c2") },
            Entry::Applied { address: address(), object: object("x", "1") },
            Entry::Applied { address: address(), object: moved.clone() },
        ];
        let (state, _) = fold(begun.clone());
        assert_eq!(state.resources[&address()].objects, [object("x", "1"), moved.clone()]);
        assert_eq!(state.clusters.len(), 2);
        let deleted = Entry::Deleted { address: address(), object: moved.located() };
        let (state, _) = fold(begun.into_iter().chain([deleted]).collect());
        assert_eq!(state.resources[&address()].objects, [object("x", "1")]);
        assert!(!state.clusters.contains_key(&west), "nothing lives there any more");
    }

    #[test]
    fn what_is_up_is_ready_as_it_was_described() {
        let mut begun = Recorded::unseen();
        begun.dependencies.insert(Address::root("namespace", "n"));
        let incomplete = Recorded { status: Status::Incomplete, ..begun };
        let (state, _) = fold(vec![
            Entry::Resource { address: address(), recorded: incomplete.clone() },
            Entry::Applied { address: address(), object: object("x", "1") },
            Entry::Ready { address: address() },
        ]);
        let expected = Recorded { status: Status::Ready, objects: vec![object("x", "1")], ..incomplete };
        assert_eq!(state.resources[&address()], expected);
    }

    #[test]
    fn a_move_takes_the_needs_along() {
        let mut user = Recorded::unseen();
        user.dependencies.insert(address());
        let to = Address::root("config_map", "b");
        let (state, _) = fold(vec![
            Entry::Applied { address: address(), object: object("x", "1") },
            Entry::Resource { address: Address::root("redis", "r"), recorded: user },
            Entry::Moved { from: address(), to: to.clone() },
        ]);
        assert_eq!(state.resources[&to].objects.len(), 1);
        assert!(state.resources[&Address::root("redis", "r")].dependencies.contains(&to));
        assert!(!state.resources.contains_key(&address()));
    }
}

//! What is seen of the cluster while waiting: one watch per kind and namespace, shared by all who wait.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cluster::{Cluster, Seen};
use crate::model::{Identity, Json, Object, Scope};

/// All watches of one run. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Watching {
    cluster: Cluster,
    areas: Mutex<BTreeMap<Option<String>, Arc<Area>>>,
    followed: Mutex<BTreeMap<Scope, JoinHandle<()>>>,
}

/// What is live in one namespace, or in the cluster outside of all.
#[derive(Debug)]
pub(super) struct Area {
    seen: Mutex<Sight>,
    changes: watch::Sender<u64>,
}

/// The objects of an area, and which of its scopes were listed.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub objects: BTreeMap<Identity, Object>,
    /// Scopes of which everything is known.
    pub whole: BTreeSet<Scope>,
    /// Why a scope cannot be followed.
    pub lost: BTreeMap<Scope, String>,
}

impl Watching {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, areas: Mutex::default(), followed: Mutex::default() }
    }

    /// Returns what is seen of a namespace.
    pub(super) fn area(&self, namespace: Option<&str>) -> Arc<Area> {
        let mut areas = self.areas.lock().expect("no holder of this lock panics");
        let new = || Arc::new(Area { seen: Mutex::default(), changes: watch::Sender::new(0) });
        areas.entry(namespace.map(str::to_owned)).or_insert_with(new).clone()
    }

    /// Begins to follow a scope, if it is not followed yet, and shows it in the area of a namespace.
    ///
    /// What belongs to the whole cluster, such as storage classes, is shown beside what it concerns.
    pub(super) fn follow(&self, scope: Scope, namespace: Option<&str>) {
        let area = self.area(namespace);
        let key = Scope { namespace: namespace.map(Arc::from), ..scope.clone() };
        let mut followed = self.followed.lock().expect("no holder of this lock panics");
        if followed.contains_key(&key) {
            return;
        }
        let cluster = self.cluster.clone();
        let (sink, source) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let follow = cluster.follow(&scope, &sink);
            tokio::select! {
                () = follow => {}
                () = area.take_in(&scope, source) => {}
            }
        });
        followed.insert(key, task);
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Ok(followed) = self.followed.lock() {
            followed.values().for_each(JoinHandle::abort);
        }
    }
}

impl Area {
    /// Locks what is seen at this moment. Not to be held across an await.
    pub(super) fn sight(&self) -> MutexGuard<'_, Sight> {
        self.seen.lock().expect("no holder of this lock panics")
    }

    /// Returns a receiver that is told of every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes in what a watch sees, until it ends.
    async fn take_in(&self, scope: &Scope, mut source: mpsc::UnboundedReceiver<Seen>) {
        while let Some(seen) = source.recv().await {
            self.sight().take_in(scope, seen);
            self.changes.send_modify(|count| *count += 1);
        }
        // The follower ended for good; what it said last stands. Nothing more comes.
        std::future::pending::<()>().await;
    }
}

impl Sight {
    fn take_in(&mut self, scope: &Scope, seen: Seen) {
        match seen {
            Seen::All(objects) => {
                let is_old =
                    |identity: &Identity| identity.group == scope.kind.group && identity.kind == scope.kind.kind;
                self.objects.retain(|identity, _| !is_old(identity));
                self.objects.extend(objects.into_iter().map(slim).map(|object| (object.identity(), object)));
                self.whole.insert(scope.clone());
                self.lost.remove(scope);
            }
            Seen::Changed(object) => {
                let object = slim(object);
                self.objects.insert(object.identity(), object);
            }
            Seen::Gone(object) => {
                self.objects.remove(&object.identity());
            }
            Seen::Lost(error) => {
                self.lost.insert(scope.clone(), super::error::chain(&error));
            }
        }
    }
}

/// Drops what nobody judges by and what takes the most room.
fn slim(mut object: Object) -> Object {
    if object.pointer("/metadata/managedFields").is_some() {
        object.edit(|json| {
            json.pointer_mut("/metadata")
                .and_then(Json::as_object_mut)
                .map(|metadata| metadata.remove("managedFields"));
        });
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Kind;

    #[test]
    fn a_new_list_forgets_what_is_not_in_it() {
        let scope = Scope { kind: Kind::new("v1", "Pod"), namespace: Some("a".into()) };
        let pod = |name: &str| {
            let metadata = json!({ "name": name, "namespace": "a", "managedFields": [] });
            Object::new(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata })).expect("an object")
        };
        let mut sight = Sight::default();
        sight.take_in(&scope, Seen::All(vec![pod("one"), pod("two")]));
        sight.take_in(&scope, Seen::All(vec![pod("two")]));
        sight.take_in(&scope, Seen::Changed(pod("three")));
        let names: Vec<_> = sight.objects.values().map(Object::name).collect();
        assert_eq!(names, ["three", "two"]);
        assert!(sight.whole.contains(&scope));
        assert!(sight.objects.values().all(|object| object.pointer("/metadata/managedFields").is_none()));
    }
}

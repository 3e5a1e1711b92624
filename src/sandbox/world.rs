//! All objects of the sandbox in memory: lookups, the history that watches read, and what each change sets off.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::clock::{Clock, rfc3339};
use super::controllers::Queue;
use super::faults::Faults;
use super::json::{items, text};
use super::kinds::{KindInfo, Kinds, Resource};
use super::status::Status;
use super::store::{Log, SandboxError, Saved, read_faults};
use crate::model::{Json, Object};
use crate::ssa::Schemas;

/// How many changes are kept for watches that resume.
const HISTORY: usize = 20_000;

/// Where an object is kept. The namespace of what belongs to the cluster is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub resource: Resource,
    pub namespace: String,
    pub name: String,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub revision: u64,
    pub key: Key,
    pub old: Option<Arc<Object>>,
    /// Nothing where the object was removed.
    pub new: Option<Arc<Object>>,
    /// The last form of a removed object, with the revision of its removal.
    pub removed: Option<Arc<Object>>,
}

type Collection = BTreeMap<(String, String), Arc<Object>>;

/// The state of the sandbox.
#[derive(Debug)]
pub(super) struct World {
    pub kinds: Kinds,
    pub schemas: Schemas,
    pub clock: Clock,
    pub queue: Queue,
    pub faults: Faults,
    /// True when the server stops: watches end.
    pub is_closing: bool,
    /// What is left of lists that were read in pages, by number.
    pub snapshots: VecDeque<(u64, Vec<Arc<Object>>)>,
    collections: BTreeMap<Resource, Collection>,
    by_uid: BTreeMap<String, Key>,
    dependents: BTreeMap<String, BTreeSet<Key>>,
    revision: u64,
    history: VecDeque<Arc<Change>>,
    /// Changes up to this revision are forgotten.
    forgotten: u64,
    log: Option<Log>,
}

impl Key {
    pub(super) fn new(group: &str, plural: &str, namespace: &str, name: &str) -> Self {
        Self { resource: Resource::new(group, plural), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// Returns the key of an object of a kind.
    pub(super) fn of(info: &KindInfo, namespace: &str, name: &str) -> Self {
        let namespace = if info.namespaced { namespace } else { "" };
        Self { resource: info.resource(), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl World {
    /// Opens a folder, or starts empty and in memory.
    pub(super) fn open(folder: Option<&Path>, clock: Clock) -> Result<Self, SandboxError> {
        let (log, saved, faults) = match folder {
            None => (None, Saved::default(), Vec::new()),
            Some(folder) => {
                let (log, saved) = Log::open(folder)?;
                (Some(log), saved, read_faults(folder)?)
            }
        };
        let mut world = Self {
            kinds: Kinds::built_in(),
            schemas: Schemas::built_in(),
            clock,
            queue: Queue::default(),
            faults: Faults::new(faults),
            is_closing: false,
            snapshots: VecDeque::new(),
            collections: BTreeMap::new(),
            by_uid: BTreeMap::new(),
            dependents: BTreeMap::new(),
            revision: saved.revision,
            history: VecDeque::new(),
            forgotten: saved.revision,
            log,
        };
        world.restore(saved);
        Ok(world)
    }

    fn restore(&mut self, saved: Saved) {
        for (key, json) in saved.objects {
            // A log line without an object is impossible by the way it is written; a foreign one is passed over.
            if let Ok(object) = Object::new(json) {
                let object = Arc::new(object);
                self.index(&key, None, Some(&object));
                super::crd::learn(self, &object);
            }
        }
        let all: Vec<Arc<Object>> = self.collections.values().flat_map(BTreeMap::values).cloned().collect();
        for object in all {
            super::controllers::after_start(self, &object);
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the time as objects carry it.
    pub(super) fn time(&self) -> String {
        rfc3339(self.now())
    }

    /// Returns the revision of the newest change.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the revision up to which the history is forgotten.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        // Two small allocations per lookup are cheaper than a borrowed key type is to read.
        self.collections.get(&key.resource)?.get(&(key.namespace.clone(), key.name.clone()))
    }

    /// Returns an object of a built-in resource.
    pub(super) fn find(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.get(&Key::new(group, plural, namespace, name))
    }

    pub(super) fn by_uid(&self, uid: &str) -> Option<&Key> {
        self.by_uid.get(uid)
    }

    /// Returns the objects of a resource, of one namespace or of all, in the order of their names.
    pub(super) fn list<'a>(
        &'a self,
        resource: &Resource,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let start = match namespace {
            Some(namespace) => Bound::Included((namespace.to_owned(), String::new())),
            None => Bound::Unbounded,
        };
        let wanted = namespace.map(str::to_owned);
        self.collections
            .get(resource)
            .into_iter()
            .flat_map(move |collection| collection.range((start.clone(), Bound::Unbounded)))
            .take_while(move |((namespace, _), _)| wanted.as_ref().is_none_or(|wanted| wanted == namespace))
            .map(|(_, object)| object)
    }

    /// Returns the objects of a resource as they were at an earlier revision that the history reaches back to.
    pub(super) fn list_at(&self, resource: &Resource, namespace: Option<&str>, revision: u64) -> Vec<Arc<Object>> {
        let mut objects: BTreeMap<Key, Arc<Object>> = self
            .list(resource, namespace)
            .map(|object| {
                let namespace = object.namespace().unwrap_or_default();
                (Key::new(&resource.group, &resource.plural, namespace, object.name()), object.clone())
            })
            .collect();
        let undone = self.history.iter().rev().take_while(|change| change.revision > revision);
        for change in undone.filter(|change| change.key.resource == *resource) {
            if namespace.is_none_or(|namespace| namespace == change.key.namespace) {
                match &change.old {
                    Some(old) => objects.insert(change.key.clone(), old.clone()),
                    None => objects.remove(&change.key),
                };
            }
        }
        objects.into_values().collect()
    }

    /// Returns the objects that name a uid among their owners.
    pub(super) fn dependents(&self, uid: &str) -> Vec<Key> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Returns every object of a namespace.
    pub(super) fn in_namespace(&self, namespace: &str) -> Vec<(Key, Arc<Object>)> {
        let mut found = Vec::new();
        for resource in self.collections.keys() {
            for object in self.list(resource, Some(namespace)) {
                let key =
                    Key { resource: resource.clone(), namespace: namespace.to_owned(), name: object.name().to_owned() };
                found.push((key, object.clone()));
            }
        }
        found
    }

    /// Returns the changes after a revision, oldest first.
    pub(super) fn changes_after(&self, revision: u64) -> impl Iterator<Item = &Arc<Change>> {
        let start = self.history.partition_point(|change| change.revision <= revision);
        self.history.range(start..)
    }

    /// Keeps an object, new or changed, under the next revision.
    pub(super) fn put(&mut self, key: &Key, mut json: Json) -> Result<Arc<Object>, Status> {
        let revision = self.revision + 1;
        json["metadata"]["resourceVersion"] = Json::from(revision.to_string());
        let object = Object::new(json).map_err(|error| Status::bad_request(error.to_string()))?;
        self.write(revision, key, Some(object.json()))?;
        let (object, old) = (Arc::new(object), self.get(key).cloned());
        self.index(key, old.as_ref(), Some(&object));
        self.record(Change { revision, key: key.clone(), old, new: Some(object.clone()), removed: None });
        Ok(object)
    }

    /// Removes an object; returns its last form.
    pub(super) fn remove(&mut self, key: &Key) -> Result<Option<Arc<Object>>, Status> {
        let Some(old) = self.get(key).cloned() else { return Ok(None) };
        let revision = self.revision + 1;
        self.write(revision, key, None)?;
        self.index(key, Some(&old), None);
        let mut last = old.json().clone();
        last["metadata"]["resourceVersion"] = Json::from(revision.to_string());
        let last = Object::new(last).map_or_else(|_| old.clone(), Arc::new);
        self.record(Change { revision, key: key.clone(), old: Some(old), new: None, removed: Some(last.clone()) });
        Ok(Some(last))
    }

    /// Makes sure that all changes are on the disk.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.log.as_ref().map_or(Ok(()), Log::sync)
    }

    /// Forgets the history, so that every watch that resumes is too old.
    #[cfg(test)]
    pub(super) fn forget_history(&mut self) {
        self.history.clear();
        self.forgotten = self.revision;
    }

    fn write(&mut self, revision: u64, key: &Key, object: Option<&Json>) -> Result<(), Status> {
        if let Some(log) = &mut self.log {
            let written = log.append(revision, key, object);
            written.map_err(|error| Status::internal(format!("the sandbox folder could not be written: {error}")))?;
        }
        self.revision = revision;
        Ok(())
    }

    fn index(&mut self, key: &Key, old: Option<&Arc<Object>>, new: Option<&Arc<Object>>) {
        for owner in old.iter().flat_map(|object| owners(object)) {
            if let Some(keys) = self.dependents.get_mut(owner) {
                keys.remove(key);
                if keys.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        if let Some(uid) = old.and_then(|object| object.uid()) {
            self.by_uid.remove(uid);
        }
        let collection = self.collections.entry(key.resource.clone()).or_default();
        let place = (key.namespace.clone(), key.name.clone());
        let Some(object) = new else {
            collection.remove(&place);
            return;
        };
        collection.insert(place, object.clone());
        if let Some(uid) = object.uid() {
            self.by_uid.insert(uid.to_owned(), key.clone());
        }
        for owner in owners(object) {
            self.dependents.entry(owner.to_owned()).or_default().insert(key.clone());
        }
    }

    fn record(&mut self, change: Change) {
        let change = Arc::new(change);
        self.history.push_back(change.clone());
        if self.history.len() > HISTORY {
            let oldest = self.history.pop_front();
            self.forgotten = oldest.map_or(self.forgotten, |change| change.revision);
        }
        super::crd::follow(self, &change);
        super::controllers::after_change(self, &change);
        self.shrink_log();
    }

    /// Writes the log anew when most of it is outdated. A failure is no loss: the long log still holds everything.
    fn shrink_log(&mut self) {
        let Some(log) = self.log.as_mut().filter(|log| log.is_bloated()) else { return };
        let all: Vec<(Key, Arc<Object>)> = self
            .collections
            .iter()
            .flat_map(|(resource, collection)| {
                collection.iter().map(move |((namespace, name), object)| {
                    let key = Key { resource: resource.clone(), namespace: namespace.clone(), name: name.clone() };
                    (key, object.clone())
                })
            })
            .collect();
        if let Err(error) = log.rewrite(self.revision, all.iter().map(|(key, object)| (key, object.json()))) {
            tracing::warn!("the sandbox's log could not be shortened: {error}");
        }
    }
}

/// Returns the uids of an object's owners.
fn owners(object: &Object) -> Vec<&str> {
    items(object.json(), "/metadata/ownerReferences").iter().map(|owner| text(owner, "/uid")).collect()
}

/// Returns the owner reference that makes an object its owner's alone.
pub(super) fn controller_reference(owner: &Object) -> Json {
    json!({
        "apiVersion": owner.kind().api_version(), "kind": owner.kind_name(), "name": owner.name(),
        "uid": owner.uid().unwrap_or_default(), "controller": true, "blockOwnerDeletion": true,
    })
}

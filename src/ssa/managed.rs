//! Reads and writes `metadata.managedFields`, with the server's rules for identity, order and number of entries.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Map as JsonMap;

use super::fields::FieldSet;
use super::owners::Owners;
use crate::model::{Json, Owner};

/// So many managers that update are told apart; older ones are joined.
const UPDATER_LIMIT: usize = 10;
/// Stands for the joined ones.
const ANCIENT: &str = "ancient-changes";

/// What identifies an entry. The order is that of the operations, then of the names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ManagerId {
    /// `Apply` or `Update`.
    pub operation: String,
    pub manager: String,
    /// None for `Apply`: who applies has one entry, whatever the version.
    pub api_version: Option<String>,
    pub subresource: Option<String>,
}

/// All entries of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Managed(BTreeMap<ManagerId, Entry>);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    fields: FieldSet,
    api_version: String,
    time: Option<String>,
}

impl ManagerId {
    pub(super) fn apply(manager: &str) -> Self {
        Self::new("Apply", manager, None, None)
    }

    pub(super) fn update(manager: &str, api_version: &str, subresource: Option<&str>) -> Self {
        Self::new("Update", manager, Some(api_version), subresource)
    }

    fn new(operation: &str, manager: &str, api_version: Option<&str>, subresource: Option<&str>) -> Self {
        // The server names whoever does not name himself.
        let manager = if manager.is_empty() { "unknown" } else { manager };
        Self {
            operation: operation.to_owned(),
            manager: manager.to_owned(),
            api_version: api_version.map(str::to_owned),
            subresource: subresource.filter(|name| !name.is_empty()).map(str::to_owned),
        }
    }
}

impl Managed {
    /// Reads the entries of an object.
    pub(super) fn read(object: &Json) -> Self {
        let mut entries = BTreeMap::new();
        for entry in object.pointer("/metadata/managedFields").and_then(Json::as_array).into_iter().flatten() {
            let text = |field: &str| entry.get(field).and_then(Json::as_str);
            let (Some(operation @ ("Apply" | "Update")), Some(fields)) = (text("operation"), entry.get("fieldsV1"))
            else {
                continue;
            };
            let api_version = text("apiVersion").unwrap_or_default();
            let kept = (operation == "Update").then_some(api_version);
            let id = ManagerId::new(operation, text("manager").unwrap_or_default(), kept, text("subresource"));
            let fields = FieldSet::from_json(fields);
            let time = text("time").map(str::to_owned);
            entries.insert(id, Entry { fields, api_version: api_version.to_owned(), time });
        }
        Self(entries)
    }

    /// Writes the entries into an object, sorted as the server does; none are no field.
    pub(super) fn write(&self, object: &mut Json) {
        let mut entries: Vec<(&ManagerId, &Entry)> = self.0.iter().collect();
        entries.sort_by(|(left_id, left), (right_id, right)| {
            let key = |id: &ManagerId, entry: &Entry| {
                let time = entry.time.as_deref().unwrap_or_default().get(..19).unwrap_or_default().to_owned();
                (id.operation.clone(), time, id.manager.clone(), entry.api_version.clone(), id.subresource.clone())
            };
            key(left_id, left).cmp(&key(right_id, right))
        });
        let entries: Vec<Json> = entries.into_iter().map(|(id, entry)| entry.to_json(id)).collect();
        let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) else { return };
        if entries.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), Json::Array(entries));
        }
    }

    /// Takes the entry of a manager out.
    pub(super) fn remove(&mut self, id: &ManagerId) {
        self.0.remove(id);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn owners(&self) -> Owners<ManagerId> {
        self.0.iter().map(|(id, entry)| (id.clone(), entry.fields.clone())).collect()
    }

    /// Takes over the fields of all but one manager; whoever has none left is gone.
    pub(super) fn set_owners(&mut self, mut owners: Owners<ManagerId>) {
        self.0.retain(|id, entry| match owners.remove(id) {
            Some(fields) => {
                entry.fields = fields;
                true
            }
            None => false,
        });
    }

    /// Sets the fields of a manager that applied.
    pub(super) fn set(&mut self, id: &ManagerId, fields: &FieldSet, api_version: &str, time: Option<&str>) {
        let fields = stripped(fields);
        let known = self.0.remove(id);
        if !fields.is_empty() {
            let time = time.map(str::to_owned).or_else(|| known.and_then(|entry| entry.time));
            self.0.insert(id.clone(), Entry { fields, api_version: api_version.to_owned(), time });
        }
    }

    /// Adds fields that a manager wrote, if there are any.
    pub(super) fn add(&mut self, id: &ManagerId, written: &FieldSet, api_version: &str, time: &str) {
        let written = stripped(written);
        if written.is_empty() {
            return;
        }
        let fields = match self.0.get(id) {
            Some(entry) => entry.fields.union(&written),
            None => written,
        };
        let entry = Entry { fields, api_version: api_version.to_owned(), time: Some(time.to_owned()) };
        self.0.insert(id.clone(), entry);
        self.join_ancient();
    }

    /// Returns the owner that an identity stands for.
    pub(super) fn owner(&self, id: &ManagerId) -> Owner {
        Owner {
            manager: id.manager.clone(),
            operation: id.operation.clone(),
            subresource: id.subresource.clone(),
            time: self.0.get(id).and_then(|entry| entry.time.clone()),
        }
    }

    /// Returns all entries, with what they hold.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ManagerId, &FieldSet)> {
        self.0.iter().map(|(id, entry)| (id, &entry.fields))
    }

    /// Tells whether the entries are the same, whenever they were written.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let without_time =
            |(id, entry): (&ManagerId, &Entry)| (id.clone(), entry.fields.clone(), entry.api_version.clone());
        self.0.len() == other.0.len() && self.0.iter().map(without_time).eq(other.0.iter().map(without_time))
    }

    /// Joins the oldest updaters of a version until there are no more than the limit.
    fn join_ancient(&mut self) {
        let mut updaters: Vec<ManagerId> = self.0.keys().filter(|id| id.operation == "Update").cloned().collect();
        let mut count = updaters.len();
        updaters.sort_by_key(|id| (self.0[id].time.clone(), id.clone()));
        let mut first_of_version: BTreeMap<String, ManagerId> = BTreeMap::new();
        for id in updaters {
            if count <= UPDATER_LIMIT {
                return;
            }
            let version = self.0[&id].api_version.clone();
            let Some(first) = first_of_version.get(&version) else {
                first_of_version.insert(version, id);
                continue;
            };
            let bucket = ManagerId::update(ANCIENT, &version, None);
            if !self.0.contains_key(&bucket)
                && let Some(entry) = self.0.remove(first)
            {
                self.0.insert(bucket.clone(), entry);
            }
            if bucket != id
                && let Some(joined) = self.0.remove(&id)
                && let Some(entry) = self.0.get_mut(&bucket)
            {
                entry.fields.extend(joined.fields);
                entry.time = joined.time;
                count -= 1;
            }
        }
    }
}

impl Entry {
    fn to_json(&self, id: &ManagerId) -> Json {
        let mut entry = JsonMap::new();
        entry.insert("manager".to_owned(), id.manager.clone().into());
        entry.insert("operation".to_owned(), id.operation.clone().into());
        entry.insert("apiVersion".to_owned(), self.api_version.clone().into());
        entry.insert("fieldsType".to_owned(), "FieldsV1".into());
        entry.insert("fieldsV1".to_owned(), self.fields.to_json());
        if let Some(time) = &self.time {
            entry.insert("time".to_owned(), time.clone().into());
        }
        if let Some(subresource) = &id.subresource {
            entry.insert("subresource".to_owned(), subresource.clone().into());
        }
        Json::Object(entry)
    }
}

/// Fields of an object's metadata that nobody owns.
const UNOWNED_METADATA: [&str; 9] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// Tells whether nobody owns a field.
pub(super) fn is_nobodys(level: Level, name: &str) -> bool {
    match level {
        Level::Object => matches!(name, "apiVersion" | "kind"),
        Level::Metadata => UNOWNED_METADATA.contains(&name),
        Level::Below => false,
    }
}

/// Returns the fields without those that nobody owns.
pub(super) fn stripped(fields: &FieldSet) -> FieldSet {
    static NOBODYS: LazyLock<FieldSet> = LazyLock::new(|| {
        let mut set = FieldSet::default();
        for name in ["apiVersion", "kind", "metadata"] {
            set.insert(&[format!("f:{name}")]);
        }
        for name in UNOWNED_METADATA {
            set.insert(&["f:metadata".to_owned(), format!("f:{name}")]);
        }
        set
    });
    fields.difference(&NOBODYS)
}

/// Some fields of an object and of its metadata are nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Object,
    Metadata,
    Below,
}

impl Level {
    /// Returns the level of a field.
    pub(super) fn below(self, name: &str) -> Self {
        if self == Self::Object && name == "metadata" { Self::Metadata } else { Self::Below }
    }
}

//! The state file's own form; the journal writes the same entries.
//!
//! Format 2 knows several clusters. A state that lives in the default cluster alone is still written as format 1,
//! so that older versions can read all that they understand.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Recorded, RecordedObject, RecordedOutput, State, Status};
use crate::model::{Address, AddressError, ClusterIdentity, ClusterName, Clusters, Json, Kind, OnDestroy};

/// The newest format that this rayform knows.
pub(super) const FORMAT: u64 = 2;

/// The newest format that knows only one cluster.
const ONE_CLUSTER: u64 = 1;

/// The whole state file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StateFile {
    /// Tells a state file from other JSON.
    pub rayform_state: u64,
    pub rayform_version: String,
    pub serial: u64,
    pub lineage: String,
    pub salt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterIdentity>,
    /// Those that have a name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, ClusterIdentity>,
    pub resources: BTreeMap<String, ResourceEntry>,
    pub outputs: BTreeMap<String, OutputEntry>,
}

/// One resource.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ResourceEntry {
    pub status: StatusEntry,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dependencies: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exports: BTreeMap<String, Json>,
    #[serde(default)]
    pub on_destroy: OnDestroy,
    #[serde(default)]
    pub prevent_destroy: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_delete: Vec<Json>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectEntry>,
}

/// How far a resource got.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StatusEntry {
    Ready,
    Incomplete,
    Tainted,
}

/// One object.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ObjectEntry {
    #[serde(default, skip_serializing_if = "ClusterName::is_default")]
    pub cluster: ClusterName,
    pub api_version: String,
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    pub uid: String,
    pub applied: Json,
}

/// One output.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OutputEntry {
    pub value: Json,
    #[serde(default)]
    pub sensitive: bool,
}

impl From<&State> for StateFile {
    fn from(state: &State) -> Self {
        Self {
            rayform_state: if is_of_one_cluster(state) { ONE_CLUSTER } else { FORMAT },
            rayform_version: env!("CARGO_PKG_VERSION").to_owned(),
            serial: state.serial,
            lineage: state.lineage.clone(),
            salt: state.salt.clone(),
            cluster: state.clusters.get(&ClusterName::default()).cloned(),
            clusters: named(&state.clusters),
            resources: state.resources.iter().map(|(address, it)| (address.to_string(), it.into())).collect(),
            outputs: state.outputs.iter().map(|(name, output)| (name.clone(), output.into())).collect(),
        }
    }
}

impl TryFrom<StateFile> for State {
    type Error = AddressError;

    fn try_from(file: StateFile) -> Result<Self, Self::Error> {
        let resource = |(address, entry): (String, ResourceEntry)| Ok((address.parse()?, entry.try_into()?));
        Ok(Self {
            serial: file.serial,
            lineage: file.lineage,
            salt: file.salt,
            clusters: all(file.cluster, file.clusters),
            resources: file.resources.into_iter().map(resource).collect::<Result<_, AddressError>>()?,
            outputs: file.outputs.into_iter().map(|(name, entry)| (name, entry.into())).collect(),
        })
    }
}

/// Tells whether nothing of a state concerns a cluster that has a name.
fn is_of_one_cluster(state: &State) -> bool {
    let mut objects = state.resources.values().flat_map(|resource| &resource.objects);
    state.clusters.keys().all(ClusterName::is_default) && objects.all(|object| object.cluster.is_default())
}

fn named(clusters: &Clusters<ClusterIdentity>) -> BTreeMap<String, ClusterIdentity> {
    clusters.iter().filter_map(|(name, identity)| Some((name.name()?.to_owned(), identity.clone()))).collect()
}

fn all(default: Option<ClusterIdentity>, named: BTreeMap<String, ClusterIdentity>) -> Clusters<ClusterIdentity> {
    let default = default.map(|identity| (ClusterName::default(), identity));
    default.into_iter().chain(named.into_iter().map(|(name, it)| (ClusterName::named(name), it))).collect()
}

impl From<&Recorded> for ResourceEntry {
    fn from(recorded: &Recorded) -> Self {
        Self {
            status: recorded.status.into(),
            dependencies: recorded.dependencies.iter().map(Address::to_string).collect(),
            exports: recorded.exports.clone(),
            on_destroy: recorded.on_destroy,
            prevent_destroy: recorded.prevent_destroy,
            triggers: recorded.triggers.clone(),
            before_delete: recorded.before_delete.clone(),
            objects: recorded.objects.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<ResourceEntry> for Recorded {
    type Error = AddressError;

    fn try_from(entry: ResourceEntry) -> Result<Self, Self::Error> {
        Ok(Self {
            status: entry.status.into(),
            dependencies: entry.dependencies.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
            exports: entry.exports,
            on_destroy: entry.on_destroy,
            prevent_destroy: entry.prevent_destroy,
            triggers: entry.triggers,
            before_delete: entry.before_delete,
            objects: entry.objects.into_iter().map(Into::into).collect(),
        })
    }
}

impl From<Status> for StatusEntry {
    fn from(status: Status) -> Self {
        match status {
            Status::Ready => Self::Ready,
            Status::Incomplete => Self::Incomplete,
            Status::Tainted => Self::Tainted,
        }
    }
}

impl From<StatusEntry> for Status {
    fn from(entry: StatusEntry) -> Self {
        match entry {
            StatusEntry::Ready => Self::Ready,
            StatusEntry::Incomplete => Self::Incomplete,
            StatusEntry::Tainted => Self::Tainted,
        }
    }
}

impl From<&RecordedObject> for ObjectEntry {
    fn from(object: &RecordedObject) -> Self {
        Self {
            cluster: object.cluster.clone(),
            api_version: object.kind.api_version(),
            kind: object.kind.kind.to_string(),
            namespace: object.namespace.as_deref().map(str::to_owned),
            name: object.name.to_string(),
            uid: object.uid.clone(),
            applied: object.applied.clone(),
        }
    }
}

impl From<ObjectEntry> for RecordedObject {
    fn from(entry: ObjectEntry) -> Self {
        Self {
            cluster: entry.cluster,
            kind: Kind::new(&entry.api_version, &entry.kind),
            namespace: entry.namespace.map(Arc::from),
            name: entry.name.into(),
            uid: entry.uid,
            applied: entry.applied,
        }
    }
}

impl From<&RecordedOutput> for OutputEntry {
    fn from(output: &RecordedOutput) -> Self {
        Self { value: output.value.clone(), sensitive: output.sensitive }
    }
}

impl From<OutputEntry> for RecordedOutput {
    fn from(entry: OutputEntry) -> Self {
        Self { value: entry.value, sensitive: entry.sensitive }
    }
}

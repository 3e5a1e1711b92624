//! The state as the rest of rayform sees it; the file format is apart.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Address, ClusterIdentity, ClusterName, Clusters, Identity, Json, Kind, Located, OnDestroy};

/// Everything that rayform knows that it made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// Counts the versions of this state.
    pub serial: u64,
    /// Made once; a state with another lineage is another state.
    pub lineage: String,
    /// Salts the hashes of secrets; made once.
    pub salt: String,
    /// The clusters that the objects live in; none before the first apply.
    pub clusters: Clusters<ClusterIdentity>,
    pub resources: BTreeMap<Address, Recorded>,
    pub outputs: BTreeMap<String, RecordedOutput>,
}

/// One resource that was applied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub status: Status,
    /// What it needed directly, so that it can be destroyed in order when its block is gone.
    pub dependencies: BTreeSet<Address>,
    /// Sensitive exports are left out.
    pub exports: BTreeMap<String, Json>,
    pub on_destroy: OnDestroy,
    pub prevent_destroy: bool,
    /// Salted hashes of the values that make it anew when they change, by how they are written.
    pub triggers: BTreeMap<String, String>,
    /// Jobs to run before its objects are deleted.
    pub before_delete: Vec<Json>,
    pub objects: Vec<RecordedObject>,
}

/// How far a resource got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ready,
    /// Applied, not yet seen ready: the next run waits on.
    Incomplete,
    /// To be replaced by the next apply.
    Tainted,
}

/// One object that was applied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedObject {
    pub cluster: ClusterName,
    pub kind: Kind,
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
    pub uid: String,
    /// The applied form; secret payloads as `sha256:` and a salted hash.
    pub applied: Json,
}

/// The recorded value of an output; a sensitive one is a salted hash.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedOutput {
    pub value: Json,
    pub sensitive: bool,
}

impl Recorded {
    /// Returns a resource of which nothing is known but that it is there.
    pub(crate) fn unseen() -> Self {
        Self {
            status: Status::Incomplete,
            dependencies: BTreeSet::new(),
            exports: BTreeMap::new(),
            on_destroy: OnDestroy::default(),
            prevent_destroy: false,
            triggers: BTreeMap::new(),
            before_delete: Vec::new(),
            objects: Vec::new(),
        }
    }
}

impl RecordedObject {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            group: self.kind.group.clone(),
            kind: self.kind.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// Returns which object it is, and where.
    pub(crate) fn located(&self) -> Located {
        Located::new(&self.cluster, self.identity())
    }
}

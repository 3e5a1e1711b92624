//! What one refresh found in one cluster.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ClusterIdentity, GroupKind, Identity, Json, Kind, Object};

/// All live objects of one refresh, and what could not be seen.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub cluster: ClusterIdentity,
    /// The name by which the user chose the cluster, where there is one.
    pub context: Option<String>,
    /// What was asked for and is there, and everything else in the listed scopes.
    pub live: BTreeMap<Identity, Object>,
    /// What the server serves, by group and kind.
    pub kinds: BTreeMap<GroupKind, ServedKind>,
    /// `OpenAPI` v3 documents by `apiVersion`, for the kinds that the built-in table does not know.
    pub documents: BTreeMap<String, Arc<Json>>,
    /// Scopes that could not be read; what lies in them is not known to be absent.
    pub blind: Vec<Blind>,
    /// How many requests the refresh made.
    pub requests: u64,
}

/// One kind in one namespace, or in the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    pub kind: Kind,
    pub namespace: Option<Arc<str>>,
}

/// A scope that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blind {
    pub scope: Scope,
    pub reason: String,
}

/// A kind that the server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServedKind {
    /// With the version that the server prefers.
    pub kind: Kind,
    /// All served versions, the preferred first.
    pub versions: Vec<Arc<str>>,
    /// The name in URLs, such as `deployments`.
    pub plural: String,
    pub namespaced: bool,
}

impl Observed {
    /// Returns what the server says of a kind.
    pub(crate) fn served(&self, group: &str, kind: &str) -> Option<&ServedKind> {
        self.kinds.get(&(group.into(), kind.into()))
    }

    /// Returns why an object could not be looked for.
    pub(crate) fn blind_to(&self, identity: &Identity) -> Option<&Blind> {
        self.blind.iter().find(|blind| {
            let scope = &blind.scope;
            scope.kind.group == identity.group
                && scope.kind.kind == identity.kind
                && (scope.namespace.is_none() || scope.namespace == identity.namespace)
        })
    }
}

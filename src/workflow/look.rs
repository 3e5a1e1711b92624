//! Looks at objects of one cluster: one LIST per kind and namespace, all at once.
use std::collections::{BTreeMap, BTreeSet};

use super::object::serves;
use crate::cluster::{Cluster, ClusterError, Kinds};
use crate::model::{Blind, Identity, Kind, Object, Scope};

/// What is wanted from each scope.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub scopes: BTreeMap<Scope, BTreeSet<Identity>>,
    seen: BTreeSet<Identity>,
}

/// What was found in each scope.
pub(super) type Sight = BTreeMap<Scope, Found>;

/// What was found in one scope.
#[derive(Debug)]
pub(super) struct Found {
    pub objects: Vec<Object>,
    pub blind: Option<Blind>,
    /// Listing is forbidden; each object was read by its name.
    pub by_name: bool,
    pub covers: Coverage,
}

/// Which objects of a scope would have been found.
#[derive(Debug)]
pub(super) enum Coverage {
    All,
    Only(BTreeSet<Identity>),
}

impl Found {
    fn only(identities: &BTreeSet<Identity>) -> Self {
        let covers = Coverage::Only(identities.clone());
        Self { objects: Vec::new(), blind: None, by_name: false, covers }
    }

    /// Tells whether none of some objects would have been missed.
    pub(super) fn covers(&self, identities: &BTreeSet<Identity>) -> bool {
        match &self.covers {
            Coverage::All => true,
            Coverage::Only(names) => identities.is_subset(names),
        }
    }
}

impl Wanted {
    /// Wants an object that is recorded; what is not served cannot be there.
    pub(super) fn want_recorded(&mut self, kind: Kind, identity: Identity, kinds: &Kinds) {
        let Some(served) = kinds.get(&kind.group_kind()) else { return };
        let kind = if serves(served, &kind.version) { kind } else { served.kind.clone() };
        self.want(kind, identity, served.namespaced);
    }

    /// Wants an object that is desired. A version that is not served is for the server to refuse.
    pub(super) fn want_desired(&mut self, kind: Kind, identity: Identity, kinds: &Kinds) {
        let Some(served) = kinds.get(&kind.group_kind()) else { return };
        if serves(served, &kind.version) {
            self.want(kind, identity, served.namespaced);
        }
    }

    fn want(&mut self, kind: Kind, identity: Identity, namespaced: bool) {
        if self.seen.insert(identity.clone()) {
            let scope = Scope { kind, namespace: identity.namespace.clone().filter(|_| namespaced) };
            self.scopes.entry(scope).or_default().insert(identity);
        }
    }
}

/// Looks at all scopes at once; the cluster bounds how many requests run at the same time.
pub(super) async fn look(
    cluster: &Cluster,
    wanted: &BTreeMap<Scope, BTreeSet<Identity>>,
) -> Result<Sight, ClusterError> {
    // Parsing is spread over the threads: each scope is a task of its own.
    let looks = wanted.iter().map(|(scope, identities)| {
        let (cluster, scope, identities) = (cluster.clone(), scope.clone(), identities.clone());
        let task = tokio::spawn(async move {
            let found = look_at(&cluster, &scope, &identities).await?;
            Ok((scope, found))
        });
        async move {
            match task.await {
                Ok(found) => found,
                Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
            }
        }
    });
    Ok(futures::future::try_join_all(looks).await?.into_iter().collect())
}

async fn look_at(cluster: &Cluster, scope: &Scope, identities: &BTreeSet<Identity>) -> Result<Found, ClusterError> {
    if identities.len() == 1 && is_heavy(&scope.kind) {
        return get_each(cluster, scope, identities).await;
    }
    match cluster.list(scope).await {
        Ok(objects) => Ok(Found { objects, covers: Coverage::All, ..Found::only(&BTreeSet::new()) }),
        Err(ClusterError::Forbidden(_)) => {
            let found = get_each(cluster, scope, identities).await?;
            Ok(Found { by_name: true, ..found })
        }
        // The kind went away since it was discovered.
        Err(ClusterError::NotFound(_)) => Ok(Found::only(identities)),
        Err(error) => Err(error),
    }
}

/// Reads each object by its name; where that is forbidden, nothing is known of the scope.
async fn get_each(cluster: &Cluster, scope: &Scope, identities: &BTreeSet<Identity>) -> Result<Found, ClusterError> {
    let gets = identities.iter().map(|it| cluster.get(&scope.kind, it.namespace.as_deref(), &it.name));
    let answers = futures::future::join_all(gets).await;
    let mut found = Found::only(identities);
    for answer in answers {
        match answer {
            Ok(object) => found.objects.extend(object),
            Err(ClusterError::Forbidden(refusal)) => {
                found.blind = Some(Blind { scope: scope.clone(), reason: refusal.message });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Tells whether a LIST of the kind costs the server much more than a GET: there tend to be many.
fn is_heavy(kind: &Kind) -> bool {
    matches!(&*kind.kind, "Secret" | "ConfigMap" | "Pod" | "Event" | "ReplicaSet" | "Job")
}

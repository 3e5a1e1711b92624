//! Looks at what is recorded while the configuration is still evaluated: most of it is going to be desired, too.
use std::collections::{BTreeMap, BTreeSet};

use super::WorkflowError;
use super::look::{Found, Sight, Wanted, look};
use crate::cluster::Cluster;
use crate::model::{ClusterName, Identity, Kind, Scope};
use crate::state::State;

/// What was seen of one cluster at the first glance.
#[derive(Debug, Default)]
pub(crate) struct Glance(Sight);

/// Asks a cluster who it is and what it serves, and looks at what is recorded of it.
pub(crate) fn glance(
    cluster: &Cluster,
    name: &ClusterName,
    recorded: Option<&State>,
) -> impl Future<Output = Result<Glance, WorkflowError>> + Send + 'static {
    let recorded =
        recorded.into_iter().flat_map(|state| state.resources.values()).flat_map(|resource| &resource.objects);
    let here = recorded.filter(|object| object.cluster == *name);
    let recorded: Vec<(Kind, Identity)> = here.map(|object| (object.kind.clone(), object.identity())).collect();
    let cluster = cluster.clone();
    async move {
        let (_, kinds) =
            cluster.introduction().await.map_err(WorkflowError::doing("the cluster could not be identified"))?;
        let mut wanted = Wanted::default();
        for (kind, identity) in recorded {
            wanted.want_recorded(kind, identity, &kinds);
        }
        let sight = look(&cluster, &wanted.scopes).await;
        Ok(Glance(sight.map_err(WorkflowError::doing("the cluster could not be read"))?))
    }
}

impl Glance {
    /// Takes out what answers what is wanted, and leaves there what is still to be looked at.
    pub(super) fn take(mut self, wanted: &mut BTreeMap<Scope, BTreeSet<Identity>>) -> Sight {
        let mut answered = |scope: &Scope, identities: &BTreeSet<Identity>| -> Option<Found> {
            self.0.get(scope).filter(|found| found.covers(identities))?;
            self.0.remove(scope)
        };
        let mut sight = Sight::new();
        wanted.retain(|scope, identities| match answered(scope, identities) {
            Some(found) => {
                sight.insert(scope.clone(), found);
                false
            }
            None => true,
        });
        sight
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::Coverage;
    use super::*;

    fn identity(name: &str) -> Identity {
        let (group, kind) = ("".into(), "ConfigMap".into());
        Identity { group, kind, namespace: Some("team".into()), name: name.into() }
    }

    fn scope() -> Scope {
        let kind = Kind::new("v1", "ConfigMap");
        Scope { kind, namespace: Some("team".into()) }
    }

    /// Checks what is still to be looked at where objects are wanted.
    #[track_caller]
    fn check(covers: Coverage, wanted: &[&str], expected: &[&str]) {
        let found = Found { objects: Vec::new(), blind: None, by_name: false, covers };
        let mut wanted = BTreeMap::from([(scope(), wanted.iter().copied().map(identity).collect())]);
        let sight = Glance(Sight::from([(scope(), found)])).take(&mut wanted);
        let left: Vec<String> = wanted.into_values().flatten().map(|identity| identity.name.to_string()).collect();
        assert_eq!(left, expected);
        assert_eq!(sight.is_empty(), !expected.is_empty());
    }

    #[test]
    fn what_was_listed_is_not_asked_again() {
        check(Coverage::All, &["a", "b"], &[]);
    }

    #[test]
    fn what_was_read_by_name_is_asked_again_where_more_is_wanted() {
        check(Coverage::Only([identity("a")].into()), &["a"], &[]);
        check(Coverage::Only([identity("a")].into()), &["a", "b"], &["a", "b"]);
    }

    #[test]
    fn what_was_not_seen_is_looked_at() {
        let mut wanted = BTreeMap::from([(scope(), [identity("a")].into())]);
        assert!(Glance::default().take(&mut wanted).is_empty());
        assert_eq!(wanted.len(), 1);
    }
}

//! Finds out what became of requests whose result was lost, and of a state that was lost.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::WorkflowError;
use super::object::{is_ours, named};
use crate::cluster::{Cluster, ClusterError};
use crate::model::{Address, ClusterIdentity, ClusterName, Clusters, Kind, Object, Scope};
use crate::plan;
use crate::state::{Act, Intent, Recorded, RecordedObject, State, Status};

/// A state that agrees with the cluster again.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub state: State,
    /// What to tell the user, one sentence each.
    pub notices: Vec<String>,
}

/// What a request without a known result has left behind.
#[derive(Debug)]
pub(super) enum Settled {
    /// The object is there and ours.
    Ours(RecordedObject),
    /// An object of this name is there, and it is not ours.
    Foreign,
    Absent,
}

/// Resolves the requests of a run that died: each object is looked up and recorded, or dropped.
pub(crate) async fn recover(
    clusters: &Clusters<Cluster>,
    mut state: State,
    intents: Vec<Intent>,
) -> Result<Recovered, WorkflowError> {
    let failed = || WorkflowError::doing("the last run died, and what it left could not be looked up");
    let touched: BTreeSet<&ClusterName> = intents.iter().map(|intent| &intent.object.cluster).collect();
    for name in touched {
        let cluster = clusters.get(name).ok_or_else(|| WorkflowError::LostCluster { name: name.clone() })?;
        let (found, _) = futures::future::try_join(cluster.identity(), cluster.discover()).await.map_err(failed())?;
        if let Some(recorded) = state.clusters.get(name).cloned().filter(|recorded| recorded.uid != found.uid) {
            return Err(WorkflowError::WrongCluster { name: name.clone(), recorded, found });
        }
        state.clusters.insert(name.clone(), found);
    }
    let lineage = state.lineage.clone();
    let reachable = intents.iter().filter_map(|intent| Some((intent, clusters.get(&intent.object.cluster)?)));
    let lookups = reachable.map(|(intent, cluster)| settle(cluster, &lineage, intent));
    let settled = futures::future::join_all(lookups).await;
    let mut notices = Vec::new();
    for (intent, settled) in intents.iter().zip(settled) {
        notices.push(resolve(&mut state, intent, settled.map_err(failed())?));
    }
    Ok(Recovered { state, notices })
}

/// Looks an object up by its identity, its uid and our marks.
pub(super) async fn settle(cluster: &Cluster, lineage: &str, intent: &Intent) -> Result<Settled, ClusterError> {
    let object = &intent.object;
    let live = match cluster.get(&object.kind, object.namespace.as_deref(), &object.name).await {
        Ok(Some(live)) => live,
        Ok(None) | Err(ClusterError::NotServed { .. }) => return Ok(Settled::Absent),
        Err(error) => return Err(error),
    };
    let uid = live.uid().unwrap_or_default().to_owned();
    let is_same = if object.uid.is_empty() { is_ours(&live, lineage) } else { object.uid == uid };
    Ok(if is_same { Settled::Ours(RecordedObject { uid, ..object.clone() }) } else { Settled::Foreign })
}

/// Brings the state in line with what was found, and says so.
fn resolve(state: &mut State, intent: &Intent, settled: Settled) -> String {
    let name = intent.object.located();
    let address = &intent.address;
    let resource = state.resources.entry(address.clone()).or_insert_with(Recorded::unseen);
    let place = resource.objects.iter().position(|object| object.located() == name);
    let sentence = match (intent.act, settled) {
        (Act::Apply, Settled::Ours(object)) => {
            resource.status = Status::Incomplete;
            match place {
                Some(place) => resource.objects[place] = object,
                None => resource.objects.push(object),
            }
            format!("`{address}`: {name} had been applied; it is recorded now")
        }
        (Act::Apply, Settled::Foreign) => format!("`{address}`: {name} exists and is not ours; it is left alone"),
        (Act::Apply, Settled::Absent) => format!("`{address}`: {name} had not been made"),
        (Act::Delete, Settled::Ours(_)) => format!("`{address}`: {name} had not been deleted yet"),
        (Act::Delete, Settled::Absent | Settled::Foreign) => {
            if let Some(place) = place {
                resource.objects.remove(place);
            }
            format!("`{address}`: {name} had been deleted; it is recorded so now")
        }
    };
    let is_empty = resource.objects.is_empty();
    if is_empty {
        state.resources.remove(address);
    }
    sentence
}

/// Rebuilds a lost state from the marks that every object of ours bears.
///
/// Without a `lineage`, the one that is found is taken, if it is one. `salt` is for the new state.
pub(crate) async fn rebuild(
    clusters: &Clusters<Cluster>,
    lineage: Option<&str>,
    salt: String,
) -> Result<Recovered, WorkflowError> {
    let (mut notices, mut found, mut identities) = (Vec::new(), Vec::new(), Clusters::new());
    for (name, cluster) in clusters {
        let failed = WorkflowError::doing("the cluster could not be searched");
        let (identity, objects) = search(cluster, &mut notices).await.map_err(failed)?;
        check_twin(name, &identity, &identities)?;
        identities.insert(name.clone(), identity);
        found.extend(objects.into_iter().map(|object| (name, object)));
    }
    let lineage = choose(&found, lineage)?;
    found.retain(|(_, object)| is_ours(object, &lineage));
    let mut state = State { lineage, salt, clusters: identities, ..State::default() };
    notices.extend(record_all(&mut state, &found));
    let used: BTreeSet<&ClusterName> = found.iter().map(|(name, _)| *name).collect();
    state.clusters.retain(|name, _| name.is_default() || used.contains(name));
    Ok(Recovered { state, notices })
}

/// Two names of one cluster would record everything twice.
fn check_twin(
    name: &ClusterName,
    identity: &ClusterIdentity,
    others: &Clusters<ClusterIdentity>,
) -> Result<(), WorkflowError> {
    match others.iter().find(|(_, other)| other.uid == identity.uid) {
        Some((twin, _)) => Err(WorkflowError::Twins(Box::new((twin.clone(), name.clone())))),
        None => Ok(()),
    }
}

/// Returns who a cluster is, and all objects in it that bear our label.
async fn search(cluster: &Cluster, notices: &mut Vec<String>) -> Result<(ClusterIdentity, Vec<Object>), ClusterError> {
    let (identity, kinds) = futures::future::try_join(cluster.identity(), cluster.discover()).await?;
    let labels = format!("{}={}", plan::MANAGED_BY, crate::model::FIELD_MANAGER);
    let scopes = kinds.into_values().map(|served| Scope { kind: served.kind, namespace: None });
    let looks = scopes.map(|scope| {
        let labels = &labels;
        async move {
            let listed = cluster.list_labelled(&scope, labels).await;
            (scope.kind, listed)
        }
    });
    let answers = futures::future::join_all(looks).await;
    let mut found = Vec::new();
    for (kind, answer) in answers {
        match answer {
            Ok(objects) => found.extend(objects),
            Err(ClusterError::Forbidden(_)) => notices.push(unlisted(&kind)),
            // Kinds that cannot be listed hold nothing.
            Err(ClusterError::NotFound(_) | ClusterError::Server(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((identity, found))
}

fn unlisted(kind: &Kind) -> String {
    format!("{kind} may not be listed: objects of this kind are not found again")
}

/// Returns the lineage that is asked for, or the only one that there is.
fn choose(found: &[(&ClusterName, Object)], asked: Option<&str>) -> Result<String, WorkflowError> {
    let lineages = found.iter().filter_map(|(_, object)| object.annotation(plan::LINEAGE));
    let lineages: BTreeSet<&str> = lineages.filter(|it| asked.is_none_or(|asked| asked == *it)).collect();
    let mut rest = lineages.iter();
    match (rest.next(), rest.next()) {
        (None, _) => Err(WorkflowError::NothingToRebuild),
        (Some(only), None) => Ok((*only).to_owned()),
        _ => Err(WorkflowError::SeveralLineages(lineages.into_iter().map(str::to_owned).collect())),
    }
}

/// Records objects under their addresses, each once: several groups may serve the same object.
fn record_all(state: &mut State, objects: &[(&ClusterName, Object)]) -> Vec<String> {
    let mut notices = Vec::new();
    let mut uids = BTreeSet::new();
    for (cluster, object) in objects {
        let address = object.annotation(plan::ADDRESS).and_then(|text| text.parse::<Address>().ok());
        let Some(address) = address else {
            notices.push(format!("{} names no address of a resource; it is left out", named(&object.identity())));
            continue;
        };
        let uid = object.uid().unwrap_or_default().to_owned();
        if !uids.insert((*cluster, uid.clone())) {
            continue;
        }
        let identity = serde_json::json!({
            "apiVersion": object.kind().api_version(), "kind": object.kind_name(),
            "metadata": { "name": object.name(), "namespace": object.namespace() },
        });
        let recorded = RecordedObject {
            cluster: (*cluster).clone(),
            kind: object.kind(),
            namespace: object.namespace().map(Arc::from),
            name: object.name().into(),
            uid,
            applied: identity,
        };
        state.resources.entry(address).or_insert_with(Recorded::unseen).objects.push(recorded);
    }
    let count: usize = state.resources.values().map(|resource| resource.objects.len()).sum();
    notices.push(format!("found {count} objects of {} resources", state.resources.len()));
    notices
}

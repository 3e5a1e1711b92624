//! Looks at everything that is desired or recorded: one LIST per kind and namespace, all at once.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::WorkflowError;
use super::object::{edit, serves};
use crate::cluster::{Cluster, ClusterError, Kinds, defined_kind};
use crate::model::{
    Blind, ClusterIdentity, ClusterName, Clusters, Desired, DesiredObject, Diagnostic, Identity, Json, Kind, Object,
    Objects, Observed, Scope,
};
use crate::state::{Cache, State};

/// What is wanted from each scope.
type Wanted = BTreeMap<Scope, BTreeSet<Identity>>;

/// What was found in one scope.
#[derive(Debug, Default)]
struct Found {
    objects: Vec<Object>,
    blind: Option<Blind>,
    /// Listing is forbidden; each object was read by its name.
    by_name: bool,
}

/// What is known of a cluster before its objects are looked at.
#[derive(Debug)]
struct Introduced {
    identity: ClusterIdentity,
    kinds: Kinds,
}

/// Looks at everything that is desired or recorded, in all clusters at once, and settles the namespaces of desired
/// objects.
///
/// `knows` tells the kinds whose schema is built in; documents are fetched for the others.
pub(crate) async fn refresh(
    clusters: &Clusters<Cluster>,
    desired: &mut Desired,
    state: &State,
    knows: &(dyn Fn(&Kind) -> bool + Sync),
    cache: Option<&Cache>,
) -> Result<Clusters<Observed>, WorkflowError> {
    let introduced = futures::future::try_join_all(clusters.values().map(introduced)).await?;
    for ((name, cluster), introduced) in clusters.iter().zip(&introduced) {
        place(desired, name, &introduced.kinds, cluster.default_namespace());
    }
    let sights = clusters.iter().zip(introduced).map(|((name, cluster), introduced)| {
        let wanted = wanted(desired, state, name, &introduced.kinds);
        async move { Ok((name.clone(), observe(cluster, introduced, wanted, knows, cache).await?)) }
    });
    let observed: Vec<(ClusterName, (Observed, Vec<Diagnostic>))> = futures::future::try_join_all(sights).await?;
    let observed = observed.into_iter().map(|(name, (observed, remarks))| {
        desired.diagnostics.extend(remarks);
        (name, observed)
    });
    Ok(observed.collect())
}

/// Lets a cluster tell who it is and what it serves, before anybody needs it.
pub(crate) async fn introduce(cluster: &Cluster) -> Result<(), WorkflowError> {
    introduced(cluster).await.map(drop)
}

/// Asks a cluster who it is and what it serves.
async fn introduced(cluster: &Cluster) -> Result<Introduced, WorkflowError> {
    let (identity, kinds) =
        cluster.introduction().await.map_err(WorkflowError::doing("the cluster could not be identified"))?;
    Ok(Introduced { identity, kinds })
}

/// Reads what is wanted of one cluster; returns remarks on how that went, too.
async fn observe(
    cluster: &Cluster,
    introduced: Introduced,
    wanted: Wanted,
    knows: &(dyn Fn(&Kind) -> bool + Sync),
    cache: Option<&Cache>,
) -> Result<(Observed, Vec<Diagnostic>), WorkflowError> {
    let unknown: BTreeSet<String> =
        wanted.keys().filter(|scope| !knows(&scope.kind)).map(|scope| scope.kind.api_version()).collect();
    let (found, documents) =
        futures::future::try_join(look_at_all(cluster, &wanted), documents(cluster, &unknown, cache))
            .await
            .map_err(WorkflowError::doing("the cluster could not be read"))?;
    let mut observed = Observed {
        cluster: introduced.identity,
        context: cluster.context().map(str::to_owned),
        live: BTreeMap::new(),
        kinds: introduced.kinds,
        documents,
        blind: Vec::new(),
        requests: 0,
    };
    let mut remarks = Vec::new();
    for ((scope, identities), found) in wanted.iter().zip(found) {
        if found.by_name {
            remarks.push(remark(scope));
        }
        gather(&mut observed, identities, found);
    }
    observed.requests = cluster.requests();
    Ok((observed, remarks))
}

/// Gives namespaced objects a namespace where they name none, and takes it from those of the whole cluster.
///
/// Kinds that the definitions that are desired in this cluster bring count as served.
pub(crate) fn place(desired: &mut Desired, cluster: &ClusterName, kinds: &Kinds, namespace: &str) {
    let definitions = all_desired(desired, cluster).filter_map(|desired| defined_kind(&desired.object));
    let brought: BTreeMap<_, _> =
        definitions.map(|served| ((served.kind.group, served.kind.kind), served.namespaced)).collect();
    let here = desired.resources.values_mut().filter(|resource| resource.cluster == *cluster);
    let objects = here.filter_map(|resource| match &mut resource.objects {
        Objects::Known(objects) => Some(objects),
        Objects::Unknown { .. } => None,
    });
    for desired in objects.flatten() {
        let Kind { group, kind, .. } = desired.object.kind();
        let key = (group, kind);
        let namespaced = brought.get(&key).copied().or_else(|| kinds.get(&key).map(|served| served.namespaced));
        let has_one = desired.object.namespace().is_some_and(|namespace| !namespace.is_empty());
        match namespaced {
            Some(true) if !has_one => {
                edit(&mut desired.object, |json| json["metadata"]["namespace"] = namespace.into());
            }
            Some(false) if desired.object.pointer("/metadata/namespace").is_some() => {
                edit(&mut desired.object, |json| {
                    if let Some(metadata) = json["metadata"].as_object_mut() {
                        metadata.remove("namespace");
                    }
                });
            }
            _ => {}
        }
    }
}

fn all_desired<'a>(desired: &'a Desired, cluster: &ClusterName) -> impl Iterator<Item = &'a DesiredObject> {
    let here = desired.resources.values().filter(move |resource| resource.cluster == *cluster);
    here.flat_map(|resource| resource.objects.known())
}

/// Returns what to look for where in one cluster; what is not served cannot be there.
fn wanted(desired: &Desired, state: &State, cluster: &ClusterName, kinds: &Kinds) -> Wanted {
    let mut wanted = Wanted::new();
    let mut seen = BTreeSet::new();
    let mut want = |kind: Kind, identity: Identity, is_desired: bool| {
        let Some(served) = kinds.get(&(kind.group.clone(), kind.kind.clone())) else { return };
        let kind = match serves(served, &kind.version) {
            true => kind,
            // A version that is asked for and not served is for the server to refuse.
            false if is_desired => return,
            false => served.kind.clone(),
        };
        if seen.insert(identity.clone()) {
            let scope = Scope { kind, namespace: identity.namespace.clone().filter(|_| served.namespaced) };
            wanted.entry(scope).or_default().insert(identity);
        }
    };
    for desired in all_desired(desired, cluster) {
        want(desired.object.kind(), desired.object.identity(), true);
    }
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    for object in recorded.filter(|object| object.cluster == *cluster) {
        want(object.kind.clone(), object.identity(), false);
    }
    wanted
}

/// Looks at all scopes at once; the cluster bounds how many requests run at the same time.
async fn look_at_all(cluster: &Cluster, wanted: &Wanted) -> Result<Vec<Found>, ClusterError> {
    // Parsing is spread over the threads: each scope is a task of its own.
    let looks = wanted.iter().map(|(scope, identities)| {
        let (cluster, scope, identities) = (cluster.clone(), scope.clone(), identities.clone());
        let task = tokio::spawn(async move { look_at(&cluster, &scope, &identities).await });
        async move {
            match task.await {
                Ok(found) => found,
                Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
            }
        }
    });
    futures::future::try_join_all(looks).await
}

async fn look_at(cluster: &Cluster, scope: &Scope, identities: &BTreeSet<Identity>) -> Result<Found, ClusterError> {
    if identities.len() == 1 && is_heavy(&scope.kind) {
        return get_each(cluster, scope, identities).await;
    }
    match cluster.list(scope).await {
        Ok(objects) => Ok(Found { objects, ..Found::default() }),
        Err(ClusterError::Forbidden(_)) => {
            let found = get_each(cluster, scope, identities).await?;
            Ok(Found { by_name: true, ..found })
        }
        // The kind went away since it was discovered.
        Err(ClusterError::NotFound(_)) => Ok(Found::default()),
        Err(error) => Err(error),
    }
}

/// Reads each object by its name; where that is forbidden, nothing is known of the scope.
async fn get_each(cluster: &Cluster, scope: &Scope, identities: &BTreeSet<Identity>) -> Result<Found, ClusterError> {
    let gets = identities.iter().map(|it| cluster.get(&scope.kind, it.namespace.as_deref(), &it.name));
    let answers = futures::future::join_all(gets).await;
    let mut found = Found::default();
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
    matches!(kind.kind.as_str(), "Secret" | "ConfigMap" | "Pod" | "Event" | "ReplicaSet" | "Job")
}

/// Takes over what was found. An object in the version that is desired wins over the same in another.
fn gather(observed: &mut Observed, identities: &BTreeSet<Identity>, found: Found) {
    for object in found.objects {
        let identity = object.identity();
        if identities.contains(&identity) {
            observed.live.insert(identity, object);
        } else {
            observed.live.entry(identity).or_insert(object);
        }
    }
    observed.blind.extend(found.blind);
}

fn remark(scope: &Scope) -> Diagnostic {
    let place = scope.namespace.as_ref().map(|namespace| format!(" in `{namespace}`")).unwrap_or_default();
    Diagnostic::info(format!("{} may not be listed{place}; each object was read by its name", scope.kind))
        .hint("allow `list`: a plan then takes one request for all of them")
}

/// Returns the `OpenAPI` documents of some API versions, from the cache where their hash is known there.
async fn documents(
    cluster: &Cluster,
    api_versions: &BTreeSet<String>,
    cache: Option<&Cache>,
) -> Result<BTreeMap<String, Arc<Json>>, ClusterError> {
    if api_versions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let index = match cluster.document_index().await {
        Ok(index) => index,
        // Without documents, the server is asked instead of proving locally.
        Err(ClusterError::NotFound(_) | ClusterError::Forbidden(_)) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let listed = api_versions.iter().filter_map(|it| Some((it, index.get(it)?)));
    let fetches = listed.map(|(api_version, (path, hash))| async move {
        let document = fetch(cluster, path, hash, cache).await?;
        Ok::<_, ClusterError>(document.map(|document| (api_version.clone(), Arc::new(document))))
    });
    let found = futures::future::try_join_all(fetches).await?;
    Ok(found.into_iter().flatten().collect())
}

/// Reads one document; one that is no JSON counts as missing.
async fn fetch(cluster: &Cluster, path: &str, hash: &str, cache: Option<&Cache>) -> Result<Option<Json>, ClusterError> {
    let cache = cache.filter(|_| !hash.is_empty());
    let kept = cache.and_then(|cache| serde_json::from_slice(&cache.get(hash)?).ok());
    if kept.is_some() {
        return Ok(kept);
    }
    let bytes = cluster.document(path).await?;
    let document = serde_json::from_slice(&bytes).ok();
    if let (Some(cache), Some(_)) = (cache, &document) {
        cache.put(hash, &bytes);
    }
    Ok(document)
}

//! Looks at everything that is desired or recorded: one LIST per kind and namespace, all at once.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::WorkflowError;
use super::glance::Glance;
use super::look::{Found, Wanted, look};
use crate::cluster::{Cluster, ClusterError, Kinds, defined_kind};
use crate::model::{
    ClusterIdentity, ClusterName, Clusters, Desired, DesiredObject, Diagnostic, Identity, Json, Kind, Objects,
    Observed, Scope,
};
use crate::state::{Cache, State};

/// What is known of a cluster before its objects are looked at.
#[derive(Debug)]
struct Introduced {
    identity: ClusterIdentity,
    kinds: Kinds,
}

/// Looks at everything that is desired or recorded, in all clusters at once, and settles the namespaces of desired
/// objects.
///
/// What was seen at the first glance is not asked again. `knows` tells the kinds whose schema is built in; documents
/// are fetched for the others.
pub(crate) async fn refresh(
    clusters: &Clusters<Cluster>,
    mut glances: Clusters<Glance>,
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
        let glance = glances.remove(name).unwrap_or_default();
        async move { Ok((name.clone(), observe(cluster, introduced, wanted, glance, knows, cache).await?)) }
    });
    let observed: Vec<(ClusterName, (Observed, Vec<Diagnostic>))> = futures::future::try_join_all(sights).await?;
    let observed = observed.into_iter().map(|(name, (observed, remarks))| {
        desired.diagnostics.extend(remarks);
        (name, observed)
    });
    Ok(observed.collect())
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
    glance: Glance,
    knows: &(dyn Fn(&Kind) -> bool + Sync),
    cache: Option<&Cache>,
) -> Result<(Observed, Vec<Diagnostic>), WorkflowError> {
    let wanted = wanted.scopes;
    let mut unseen = wanted.clone();
    let mut sight = glance.take(&mut unseen);
    let unknown: BTreeSet<String> =
        wanted.keys().filter(|scope| !knows(&scope.kind)).map(|scope| scope.kind.api_version()).collect();
    let (found, documents) = futures::future::try_join(look(cluster, &unseen), documents(cluster, &unknown, cache))
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
    sight.extend(found);
    let mut remarks = Vec::new();
    for (scope, found) in sight {
        if found.by_name {
            remarks.push(remark(&scope));
        }
        gather(&mut observed, &wanted[&scope], found);
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
                desired.object.edit(|json| json["metadata"]["namespace"] = namespace.into());
            }
            Some(false) if desired.object.pointer("/metadata/namespace").is_some() => {
                desired.object.edit(|json| {
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

/// Returns what to look for where in one cluster.
fn wanted(desired: &Desired, state: &State, cluster: &ClusterName, kinds: &Kinds) -> Wanted {
    let mut wanted = Wanted::default();
    for desired in all_desired(desired, cluster) {
        wanted.want_desired(desired.object.kind(), desired.object.identity(), kinds);
    }
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    for object in recorded.filter(|object| object.cluster == *cluster) {
        wanted.want_recorded(object.kind.clone(), object.identity(), kinds);
    }
    wanted
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

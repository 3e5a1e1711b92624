//! Holds clusters apart: each must be the one that the state knows by its name, and no other.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, ClusterName, Clusters, Desired, Diagnostic, Observed};
use crate::state::State;

/// Refuses clusters that are not those that the state was made on, or of which something is recorded and nothing seen.
pub(crate) fn check_clusters(
    desired: &Desired,
    state: &State,
    observed: &Clusters<Observed>,
) -> Result<(), Vec<Diagnostic>> {
    let others = observed.iter().filter_map(|(name, observed)| other(name, state, observed));
    let errors: Vec<Diagnostic> =
        others.chain(twins(observed)).chain(missing(state, observed)).chain(unseen(desired, observed)).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The cluster behind a name is another one than before.
fn other(name: &ClusterName, state: &State, observed: &Observed) -> Option<Diagnostic> {
    let found = &observed.cluster;
    let recorded = state.clusters.get(name).filter(|recorded| recorded.uid != found.uid)?;
    let (what, hint) = match name.name() {
        None => (
            "this is another cluster".to_owned(),
            "choose the right context with `--context`, or a state of its own for this cluster".to_owned(),
        ),
        Some(label) => (
            format!("{name} is another cluster"),
            format!("choose the right context in `cluster \"{label}\"`, or give the new cluster a name of its own"),
        ),
    };
    let (server, uid) = (&recorded.server, &recorded.uid);
    let message =
        format!("{what} than the one in the state: {} ({}) instead of {server} ({uid})", found.server, found.uid);
    Some(Diagnostic::error(message).hint(hint))
}

/// Two names of one cluster would each undo what the other does.
fn twins(observed: &Clusters<Observed>) -> impl Iterator<Item = Diagnostic> {
    let mut first: BTreeMap<&str, &ClusterName> = BTreeMap::new();
    let seen = observed.iter().filter(|(_, observed)| !observed.cluster.is_unknown());
    seen.filter_map(move |(name, observed)| {
        let twin = *first.entry(&observed.cluster.uid).or_insert(name);
        (twin != name).then(|| {
            Diagnostic::error(format!("{twin} and {name} are one and the same: {}", observed.cluster.server))
                .hint("use one of the two names for all that lives there")
        })
    })
}

/// Something is recorded in a cluster that is no longer configured.
fn missing(state: &State, observed: &Clusters<Observed>) -> impl Iterator<Item = Diagnostic> {
    let mut holders: Clusters<BTreeSet<&Address>> = Clusters::new();
    for (address, recorded) in &state.resources {
        for object in recorded.objects.iter().filter(|object| !observed.contains_key(&object.cluster)) {
            holders.entry(object.cluster.clone()).or_default().insert(address);
        }
    }
    holders.into_iter().map(|(name, addresses)| gone(&name, &addresses))
}

fn gone(name: &ClusterName, addresses: &BTreeSet<&Address>) -> Diagnostic {
    let shown: Vec<String> = addresses.iter().take(3).map(|address| format!("`{address}`")).collect();
    let more = addresses.len().saturating_sub(shown.len());
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let holds = format!("holds objects of {}{rest}", shown.join(", "));
    let block = name.name().map_or("cluster { … }".to_owned(), |name| format!("cluster \"{name}\" {{ … }}"));
    Diagnostic::error(format!("{name} {holds}, and is not configured any more"))
        .hint(format!("put `{block}` back until they are destroyed or moved, or forget them with `rayform state rm`"))
}

/// Something is desired in a cluster that was not looked at.
fn unseen(desired: &Desired, observed: &Clusters<Observed>) -> impl Iterator<Item = Diagnostic> {
    let lost = desired.resources.values().filter(|resource| !observed.contains_key(&resource.cluster));
    lost.map(|resource| Diagnostic::error(format!("{} is not configured", resource.cluster)).at(resource.span))
}

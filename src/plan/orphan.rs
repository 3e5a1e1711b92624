//! What is recorded and desired no more: deleted, forgotten, or moved to another address.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Address, ClusterName, Clusters, Desired, Diagnostic, Lifecycle, Located, Object};
use crate::state::{Recorded, RecordedObject, State};

use super::judge::Context;
use super::{Action, Change, ResourcePlan};

/// Returns a plan that does nothing yet for a resource whose block is gone.
pub(super) fn plan(recorded: &Recorded) -> ResourcePlan {
    let jobs = recorded.before_delete.iter().filter_map(|job| Object::new(job.clone()).ok());
    ResourcePlan {
        action: Action::NoOp,
        cluster: home(recorded),
        moved_from: None,
        changes: Vec::new(),
        impact: None,
        lifecycle: Lifecycle {
            prevent_destroy: recorded.prevent_destroy,
            on_destroy: recorded.on_destroy,
            ignore_changes: Vec::new(),
        },
        triggers: BTreeMap::new(),
        triggered_by: None,
        before_delete: jobs.collect(),
        exports: Arc::default(),
        unknown_until: BTreeSet::new(),
        is_outdated: false,
    }
}

/// Returns the cluster that a recorded resource lives in: that of the object that was made last.
fn home(recorded: &Recorded) -> ClusterName {
    recorded.objects.last().map(|object| object.cluster.clone()).unwrap_or_default()
}

/// Returns what becomes of the recorded objects that this address does not desire any more, the last made first.
pub(super) fn changes(
    contexts: &Clusters<Context<'_>>,
    address: &Address,
    recorded: &Recorded,
    is_kept: bool,
    claimed: &BTreeMap<Located, Address>,
) -> Vec<Change> {
    let is_gone = |object: &&RecordedObject| claimed.get(&object.located()) != Some(address);
    let to_change = |object: &RecordedObject| {
        let context = contexts.get(&object.cluster)?;
        let (cluster, kind, identity) = (object.cluster.clone(), object.kind.clone(), object.identity());
        let live = context.observed.live.get(&identity);
        let is_blind = context.observed.blind_to(&identity).is_some();
        // Another object that bears the name is not ours to delete.
        let is_other = live.is_some_and(|live| live.uid() != Some(object.uid.as_str()));
        let is_absent = live.is_none() && !is_blind;
        if is_kept || claimed.contains_key(&object.located()) || is_other || is_absent {
            return Some(Change::Forget { cluster, kind, identity });
        }
        let live = live.cloned().map(Box::new);
        Some(Change::Delete { cluster, kind, identity, uid: object.uid.clone(), live })
    };
    recorded.objects.iter().rev().filter(is_gone).filter_map(to_change).collect()
}

/// Says where objects change their address, and where a deletion and a creation look like a new name.
///
/// `said` are the pairs of which the configuration says so itself.
pub(super) fn moved(
    state: &State,
    claimed: &BTreeMap<Located, Address>,
    desired: &Desired,
    said: &BTreeSet<(Address, Address)>,
) -> Vec<Diagnostic> {
    let mut found: BTreeMap<(&Address, &Address), usize> = BTreeMap::new();
    for (from, recorded) in &state.resources {
        for object in &recorded.objects {
            let other = claimed.get(&object.located()).filter(|to| *to != from);
            if let Some(to) = other.filter(|to| !said.contains(&(from.clone(), (*to).clone()))) {
                *found.entry((from, to)).or_default() += 1;
            }
        }
    }
    let renamed = found.into_iter().filter(|((from, _), _)| !desired.resources.contains_key(*from));
    let kept = renamed.map(|((from, to), count)| {
        let objects = if count == 1 { "object is".to_owned() } else { format!("{count} objects are") };
        let warning = Diagnostic::warning(format!("`{from}` seems to be called `{to}` now: its {objects} kept"));
        let warning = warning.hint(format!("say so with `moved {{ from = {from}, to = {to} }}`"));
        match desired.resources.get(to) {
            Some(resource) => warning.at(resource.span),
            None => warning,
        }
    });
    kept.chain(lookalikes(state, claimed, desired)).collect()
}

/// A resource that goes while one of its type comes may only have a new name.
fn lookalikes(state: &State, claimed: &BTreeMap<Located, Address>, desired: &Desired) -> Vec<Diagnostic> {
    if claimed.is_empty() {
        return Vec::new();
    }
    let is_moved = |recorded: &Recorded| recorded.objects.iter().any(|it| claimed.contains_key(&it.located()));
    let gone = state.resources.iter().filter(|(from, it)| !desired.resources.contains_key(*from) && !is_moved(it));
    let mut new: BTreeMap<(&str, bool), Vec<&Address>> = BTreeMap::new();
    for to in desired.resources.keys().filter(|to| !state.resources.contains_key(*to)) {
        new.entry(kind_of_block(to)).or_default().push(to);
    }
    let only = |from| match new.get(&kind_of_block(from)).map(Vec::as_slice) {
        Some([to]) => Some((from, *to)),
        _ => None,
    };
    gone.filter_map(|(from, _)| only(from)).map(|(from, to)| lookalike(from, to, desired)).collect()
}

fn kind_of_block(address: &Address) -> (&str, bool) {
    (address.resource_type.as_str(), address.key.is_some())
}

fn lookalike(from: &Address, to: &Address, desired: &Desired) -> Diagnostic {
    Diagnostic::warning(format!("`{from}` is deleted and `{to}` is created")).at(desired.resources[to].span).hint(
        format!(
            "to keep the objects under the new name, keep their names and add `moved {{ from = {from}, to = {to} }}`"
        ),
    )
}

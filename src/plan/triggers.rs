//! `replace_triggered_by`: what makes a resource anew although nothing of it has changed.
use std::collections::BTreeMap;

use crate::model::{Address, Trigger, salted_hash};
use crate::state::State;

use super::{Change, ResourcePlan, value_to_json};

/// Returns what is recorded of the values: salted hashes, for they may be secret; unknown ones are left out.
pub(super) fn digests(triggers: &[Trigger], salt: &str) -> BTreeMap<String, String> {
    let digest = |trigger: &Trigger| match trigger {
        Trigger::Resources(_) => None,
        Trigger::Value { name, value } => Some((name.clone(), salted_hash(salt, &value_to_json(value)?.to_string()))),
    };
    triggers.iter().filter_map(digest).collect()
}

/// Returns the first trigger that has gone off since the last apply. A new one has nothing to compare with.
pub(super) fn fired(
    triggers: &[Trigger],
    recorded: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    planned: &BTreeMap<Address, ResourcePlan>,
    state: &State,
) -> Option<String> {
    let is_anew = |address, planned| is_changed(planned) || goes_elsewhere(address, planned, state);
    let is_fired = |trigger: &&Trigger| match trigger {
        Trigger::Value { name, .. } => recorded.contains_key(name) && recorded.get(name) != now.get(name),
        Trigger::Resources(resources) => {
            planned.iter().any(|(address, planned)| resources.covers(address) && is_anew(address, planned))
        }
    };
    triggers.iter().find(is_fired).map(|trigger| match trigger {
        Trigger::Value { name, .. } => name.clone(),
        Trigger::Resources(resources) => resources.to_string(),
    })
}

/// Tells whether a resource that was there is changed or replaced; one that only comes or moves is not.
fn is_changed(planned: &ResourcePlan) -> bool {
    planned.changes.iter().any(|change| match change {
        Change::Update { adopt, .. } => !adopt && !change.is_relabelling(),
        Change::Replace { .. } => true,
        _ => false,
    })
}

/// Tells whether a resource leaves a cluster for another one: there it is made anew.
fn goes_elsewhere(address: &Address, planned: &ResourcePlan, state: &State) -> bool {
    let recorded = state.resources.get(address).into_iter().flat_map(|recorded| &recorded.objects);
    !planned.changes.is_empty() && recorded.into_iter().any(|object| object.cluster != planned.cluster)
}

//! What others did to recorded objects: recorded against live, field by field, with the owner.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Desired, DesiredResource, FIELD_MANAGER, FieldPath, Identity, Json, Object, Observed};
use crate::ssa::{self, Schemas};
use crate::state::{RecordedObject, State};

use super::judge::is_assumed;
use super::{Disagreement, Drift, DriftKind, kinds, mask, owner};

/// Returns all drift of what is recorded; with the configuration, what it ignores is expected.
pub(crate) fn drift(state: &State, observed: &Observed, desired: Option<&Desired>) -> Vec<Drift> {
    let ignored = desired.map(ignored).unwrap_or_default();
    find(state, observed, &kinds::with_documents(observed), &ignored, &BTreeSet::new())
}

/// The fields that a configuration leaves to others, by resource.
pub(super) type Ignored = BTreeMap<Address, Vec<FieldPath>>;

/// Returns what `ignore_changes` says.
pub(super) fn ignored(desired: &Desired) -> Ignored {
    let of = |(address, it): (&Address, &DesiredResource)| (address.clone(), it.lifecycle.ignore_changes.clone());
    desired.resources.iter().map(of).filter(|(_, paths)| !paths.is_empty()).collect()
}

/// Returns the drift of all objects but those that are proven to be as they were recorded.
pub(super) fn find(
    state: &State,
    observed: &Observed,
    schemas: &Schemas,
    ignored: &Ignored,
    proven: &BTreeSet<Identity>,
) -> Vec<Drift> {
    if is_assumed(observed) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (address, resource) in &state.resources {
        for recorded in &resource.objects {
            let identity = recorded.identity();
            if !proven.contains(&identity) && observed.blind_to(&identity).is_none() {
                let ignored = ignored.get(address).map_or(&[][..], Vec::as_slice);
                found.extend(of_object(address, recorded, observed.live.get(&identity), schemas, ignored));
            }
        }
    }
    found
}

fn of_object(
    address: &Address,
    recorded: &RecordedObject,
    live: Option<&Object>,
    schemas: &Schemas,
    ignored: &[FieldPath],
) -> Option<Drift> {
    let kind = match live {
        None => DriftKind::Deleted,
        Some(live) if live.uid().is_some_and(|uid| uid != recorded.uid) => {
            DriftKind::Recreated { recorded: recorded.uid.clone(), live: live.uid().unwrap_or_default().to_owned() }
        }
        Some(live) => DriftKind::Changed(disagreements(recorded, live, schemas, ignored)?),
    };
    Some(Drift { address: address.clone(), identity: recorded.identity(), kind })
}

fn disagreements(
    recorded: &RecordedObject,
    live: &Object,
    schemas: &Schemas,
    ignored: &[FieldPath],
) -> Option<Vec<Disagreement>> {
    let schema = schemas.of(&recorded.kind)?;
    let applied = Object::new(recorded.applied.clone()).ok()?;
    let found: Vec<Disagreement> = ssa::taken(&applied, live, schema, FIELD_MANAGER)
        .into_iter()
        .filter(|taken| taken.live.as_ref() != Some(&taken.desired))
        .map(|taken| {
            let sensitive = mask::is_secret(&recorded.kind, &taken.path) || holds_hash(&taken.desired);
            let is_ignored = ignored.iter().any(|path| path.covers(&taken.path));
            let by_design = taken.owner.as_ref().is_some_and(|owner| owner::is_expected(&taken.path, owner));
            let expected = is_ignored || (taken.certain && by_design);
            let hide = |value: Json| if sensitive { Json::Null } else { value };
            Disagreement {
                path: taken.path,
                recorded: Some(hide(taken.desired)),
                live: taken.live.map(hide),
                sensitive,
                owner: taken.owner,
                certain: taken.certain,
                expected,
            }
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// Secrets are recorded as hashes, wherever they stand.
fn holds_hash(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("sha256:") && text.len() == 71)
}

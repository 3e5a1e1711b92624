//! What others did to recorded objects: recorded against live, field by field, with the owner.
use std::collections::BTreeSet;

use crate::model::{Address, FIELD_MANAGER, Identity, Json, Object, Observed};
use crate::ssa::{self, Schemas};
use crate::state::{RecordedObject, State};

use super::judge::is_assumed;
use super::{Disagreement, Drift, DriftKind, kinds, mask, owner};

/// Returns all drift of what is recorded.
pub(crate) fn drift(state: &State, observed: &Observed) -> Vec<Drift> {
    find(state, observed, &kinds::with_documents(observed), &BTreeSet::new())
}

/// Returns the drift of all objects but those that are proven to be as they were recorded.
pub(super) fn find(state: &State, observed: &Observed, schemas: &Schemas, proven: &BTreeSet<Identity>) -> Vec<Drift> {
    if is_assumed(observed) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (address, resource) in &state.resources {
        for recorded in &resource.objects {
            let identity = recorded.identity();
            if !proven.contains(&identity) && observed.blind_to(&identity).is_none() {
                found.extend(of_object(address, recorded, observed.live.get(&identity), schemas));
            }
        }
    }
    found
}

fn of_object(address: &Address, recorded: &RecordedObject, live: Option<&Object>, schemas: &Schemas) -> Option<Drift> {
    let kind = match live {
        None => DriftKind::Deleted,
        Some(live) if live.uid().is_some_and(|uid| uid != recorded.uid) => {
            DriftKind::Recreated { recorded: recorded.uid.clone(), live: live.uid().unwrap_or_default().to_owned() }
        }
        Some(live) => DriftKind::Changed(disagreements(recorded, live, schemas)?),
    };
    Some(Drift { address: address.clone(), identity: recorded.identity(), kind })
}

fn disagreements(recorded: &RecordedObject, live: &Object, schemas: &Schemas) -> Option<Vec<Disagreement>> {
    let schema = schemas.of(&recorded.kind)?;
    let applied = Object::new(recorded.applied.clone()).ok()?;
    let found: Vec<Disagreement> = ssa::taken(&applied, live, schema, FIELD_MANAGER)
        .into_iter()
        .filter(|taken| taken.live.as_ref() != Some(&taken.desired))
        .map(|taken| {
            let sensitive = mask::is_secret(&recorded.kind, &taken.path) || holds_hash(&taken.desired);
            let expected =
                taken.certain && taken.owner.as_ref().is_some_and(|owner| owner::is_expected(&taken.path, owner));
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

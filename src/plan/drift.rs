//! What others did to recorded objects: recorded against live, field by field, with the owner.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Address, Carried, Clusters, Desired, DesiredResource, FIELD_MANAGER, FieldPath, Json, Located, Object, Observed,
};
use crate::ssa::{self, Schemas};
use crate::state::{RecordedObject, State};

use super::judge::is_assumed;
use super::{Disagreement, Drift, DriftKind, fields, kinds, mask, owner, prepare};

/// Returns all drift of what is recorded; with the configuration, what it ignores is expected.
pub(crate) fn drift(state: &State, observed: &Clusters<Observed>, desired: Option<&Desired>) -> Vec<Drift> {
    let ignored = desired.map(ignored).unwrap_or_default();
    let schemas = observed.iter().map(|(name, observed)| (name.clone(), kinds::with_documents(observed))).collect();
    let mut found = find(state, observed, &schemas, &ignored, &BTreeSet::new());
    found.extend(going(state, observed));
    found
}

/// Returns the recorded objects that somebody has asked the server to delete.
fn going(state: &State, observed: &Clusters<Observed>) -> Vec<Drift> {
    let objects =
        state.resources.iter().flat_map(|(address, it)| it.objects.iter().map(move |object| (address, object)));
    let going = |(address, recorded): (&Address, &RecordedObject)| {
        let live = observed.get(&recorded.cluster)?.live.get(&recorded.identity())?;
        if !live.is_terminating() || live.uid() != Some(&recorded.uid) {
            return None;
        }
        let kind = DriftKind::Deleting { finalizers: live.finalizers().map(str::to_owned).collect() };
        Some(Drift { address: address.clone(), object: recorded.located(), kind })
    };
    objects.filter_map(going).collect()
}

/// What a configuration leaves to others, by resource.
pub(super) type Ignored = BTreeMap<Address, Left>;

/// What one resource leaves to others.
#[derive(Clone, Debug, Default)]
pub(super) struct Left {
    /// What `ignore_changes` says.
    paths: Vec<FieldPath>,
    /// Fields inside atomic lists that are taken over from live.
    carried: Vec<Carried>,
}

/// Returns what a configuration leaves to others.
pub(super) fn ignored(desired: &Desired) -> Ignored {
    let of = |(address, it): (&Address, &DesiredResource)| {
        let carried = it.objects.known().iter().flat_map(|object| object.carried.clone()).collect();
        (address.clone(), Left { paths: it.lifecycle.ignore_changes.clone(), carried })
    };
    desired.resources.iter().map(of).filter(|(_, it)| !it.paths.is_empty() || !it.carried.is_empty()).collect()
}

/// Returns the drift of all objects but those that are proven to be as they were recorded.
pub(super) fn find(
    state: &State,
    observed: &Clusters<Observed>,
    schemas: &Clusters<Schemas>,
    ignored: &Ignored,
    proven: &BTreeSet<Located>,
) -> Vec<Drift> {
    let (mut found, nothing) = (Vec::new(), Left::default());
    for (address, resource) in &state.resources {
        for recorded in &resource.objects {
            let identity = recorded.identity();
            let Some(observed) = observed.get(&recorded.cluster).filter(|it| !is_assumed(it)) else { continue };
            let Some(schemas) = schemas.get(&recorded.cluster) else { continue };
            if !proven.contains(&recorded.located()) && observed.blind_to(&identity).is_none() {
                let left = ignored.get(address).unwrap_or(&nothing);
                found.extend(of_object(address, recorded, observed.live.get(&identity), schemas, left));
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
    left: &Left,
) -> Option<Drift> {
    let kind = match live {
        None => DriftKind::Deleted,
        Some(live) if live.uid().is_some_and(|uid| uid != recorded.uid) => {
            DriftKind::Recreated { recorded: recorded.uid.clone(), live: live.uid().unwrap_or_default().to_owned() }
        }
        Some(live) => DriftKind::Changed(disagreements(recorded, live, schemas, left)?),
    };
    Some(Drift { address: address.clone(), object: recorded.located(), kind })
}

fn disagreements(
    recorded: &RecordedObject,
    live: &Object,
    schemas: &Schemas,
    left: &Left,
) -> Option<Vec<Disagreement>> {
    let schema = schemas.of(&recorded.kind)?;
    let applied = Object::new(recorded.applied.clone()).ok()?;
    let mut carried = recorded.applied.clone();
    for field in &left.carried {
        prepare::carry_field(&mut carried, live.json(), field);
    }
    let found: Vec<Disagreement> = ssa::taken(&applied, live, schema, FIELD_MANAGER)
        .into_iter()
        .filter(|taken| taken.live.as_ref() != Some(&taken.desired))
        .map(|taken| {
            let sensitive = mask::is_secret(&recorded.kind, &taken.path) || mask::holds_hash(&taken.desired);
            let is_ignored = left.paths.iter().any(|path| fields::covers(live.json(), path, &taken.path))
                || fields::find(&carried, &taken.path) == taken.live.as_ref();
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

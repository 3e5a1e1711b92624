//! Who owns which field, and how applying and updating moves that; the algorithm of `structured-merge-diff`.
//!
//! See <https://github.com/kubernetes-sigs/structured-merge-diff/blob/master/merge/update.go>.
use std::collections::BTreeMap;

use super::compare::{Comparison, compare};
use super::fields::FieldSet;
use super::merge::{merge, remove};
use super::schema::{Type, equal};
use super::typed::field_set;
use crate::model::Json;

/// The fields of each manager.
pub(super) type Owners<K> = BTreeMap<K, FieldSet>;

/// The fields that an apply would take from others.
pub(super) type Taking<K> = BTreeMap<K, FieldSet>;

/// What an operation is about, beside the values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub of: Type<'a>,
    /// Fields that nobody comes to own by this operation.
    pub ignored: &'a FieldSet,
}

/// Applies a checked value over a live one. Returns the new value, unless it is the live one.
pub(super) fn apply<K: Ord + Clone>(
    context: Context<'_>,
    live: &Json,
    config: &Json,
    owners: &mut Owners<K>,
    manager: &K,
    force: bool,
) -> Result<Option<Json>, Taking<K>> {
    reconcile(owners, context.of);
    let set = field_set(config, context.of).recursive_difference(context.ignored);
    let last = owners.insert(manager.clone(), set);
    let merged = merge(live, config, context.of);
    let new = match last {
        Some(last) if !last.is_empty() => prune(&merged, &last, owners, context.of),
        _ => merged,
    };
    move_fields(context, live, &new, owners, Some(manager), force)?;
    Ok((!equal(live, &new)).then_some(new))
}

/// Records that something wrote `new` over `live`, and returns the fields that it wrote.
pub(super) fn update<K: Ord + Clone>(
    context: Context<'_>,
    live: &Json,
    new: &Json,
    owners: &mut Owners<K>,
) -> FieldSet {
    reconcile(owners, context.of);
    match move_fields(context, live, new, owners, None, true) {
        Ok(comparison) => comparison.written(),
        // Taking by force is never refused.
        Err(_) => FieldSet::default(),
    }
}

/// Follows a schema that has become more atomic since the sets were written.
fn reconcile<K: Ord>(owners: &mut Owners<K>, of: Type<'_>) {
    for set in owners.values_mut() {
        *set = set.reconciled(of);
    }
}

/// Takes what changed from everyone but the manager.
fn move_fields<K: Ord + Clone>(
    context: Context<'_>,
    live: &Json,
    new: &Json,
    owners: &mut Owners<K>,
    manager: Option<&K>,
    force: bool,
) -> Result<Comparison, Taking<K>> {
    let comparison = compare(live, new, context.of).without(context.ignored);
    let written = comparison.written();
    let others = |name: &K| manager != Some(name);
    let taking: Taking<K> = owners
        .iter()
        .filter(|(name, _)| others(name))
        .map(|(name, set)| (name.clone(), set.intersection(&written)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    if !force && !taking.is_empty() {
        return Err(taking);
    }
    for (name, set) in owners.iter_mut().filter(|(name, _)| others(name)) {
        if let Some(taken) = taking.get(name) {
            *set = set.difference(taken);
        }
        *set = set.difference(&comparison.removed);
    }
    owners.retain(|_, set| !set.is_empty());
    Ok(comparison)
}

/// Takes out what the manager applied last time and not this time, unless somebody else owns it.
fn prune<K: Ord>(merged: &Json, last: &FieldSet, owners: &Owners<K>, of: Type<'_>) -> Json {
    let with_parents = |set: &FieldSet| set.with_named_parents(Some(of));
    let fields = |value: &Json| with_parents(&field_set(value, of));
    let last = with_parents(last);
    let merged_fields = fields(merged);

    // What others own stays, with everything of the object that leads there.
    let pruned = remove(merged, &last, Some(of));
    let owned = owners.values().fold(FieldSet::default(), |all, set| all.union(set));
    let kept = fields(&pruned).union(&with_parents(&owned));
    let pruned = remove(merged, &merged_fields.difference(&kept), Some(of));

    // What nobody owns stays too, unless it was below something that went.
    let gone = merged_fields.difference(&fields(&pruned)).intersection(&last);
    remove(merged, &gone, Some(of))
}

//! The interface of this module; the bodies are still to be written.
use super::Schema;
use crate::model::{FieldPath, Json, Object, Owner};

/// Whether applying `desired` over `live` would change anything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Proof {
    /// Values, order and our own field set are equal: an apply is a no-op.
    Unchanged,
    /// Something differs, or cannot be proven equal.
    Changed {
        /// Where the value differs: path, desired, live. A field to be released has no desired value.
        values: Vec<(FieldPath, Option<Json>, Option<Json>)>,
        /// Paths that our entry owns and desired does not set any more: apply removes or releases them.
        released: Vec<FieldPath>,
        /// Paths that desired sets and our entry does not own.
        unowned: Vec<FieldPath>,
    },
}

/// The result of an apply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Applied {
    /// With its new `managedFields`.
    pub object: Object,
    /// False: nothing changed, `managedFields` included.
    pub changed: bool,
}

/// A field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub path: FieldPath,
    pub owner: Owner,
}

/// Says why an apply is refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(crate) enum ApplyError {
    #[error("{} fields belong to others", .0.len())]
    Conflicts(Vec<Conflict>),
    /// Unknown field, wrong type, duplicate keys: `(path, message)` as the server words it.
    #[error("{path}: {message}")]
    Invalid { path: FieldPath, message: String },
}

/// A field of ours that somebody else took or removed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    pub path: FieldPath,
    pub desired: Json,
    pub live: Option<Json>,
    /// Who holds it now; where nobody does, the newest other writer.
    pub owner: Option<Owner>,
    /// False where nobody holds it and the newest other writer is only a guess.
    pub certain: bool,
}

/// Returns the object as the server would keep it: see `kubernetes-semantics.md` §0a, §2.4, §2.6, §2.7.
pub(crate) fn canonical(object: &Object, schema: Option<&Schema>) -> Object {
    unreachable!("to be written: {object:?} {schema:?}")
}

/// Decides locally whether an apply of `desired` (canonical) by `manager` over `live` is a no-op.
pub(crate) fn prove(desired: &Object, live: &Object, schema: &Schema, manager: &str) -> Proof {
    unreachable!("to be written: {desired:?} {live:?} {schema:?} {manager}")
}

/// Applies `config` over `live` as the server does, `managedFields` included. `now` is RFC 3339.
pub(crate) fn apply(
    live: Option<&Object>,
    config: &Object,
    schema: &Schema,
    manager: &str,
    force: bool,
    now: &str,
) -> Result<Applied, ApplyError> {
    unreachable!("to be written: {live:?} {config:?} {schema:?} {manager} {force} {now}")
}

/// Records an update (create, put, patch) of `live` to `new` by a manager; returns `new` with `managedFields`.
pub(crate) fn update(
    live: Option<&Object>,
    new: &Object,
    schema: &Schema,
    manager: &str,
    subresource: Option<&str>,
    now: &str,
) -> Object {
    unreachable!("to be written: {live:?} {new:?} {schema:?} {manager} {subresource:?} {now}")
}

/// Returns the desired fields that our entry has lost, and who has them now.
pub(crate) fn taken(desired: &Object, live: &Object, schema: &Schema, manager: &str) -> Vec<Taken> {
    unreachable!("to be written: {desired:?} {live:?} {schema:?} {manager}")
}

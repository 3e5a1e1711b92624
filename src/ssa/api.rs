//! The interface of this module; the bodies are still to be written.
use crate::model::{FieldPath, Json, Kind, Object, Owner};

/// The schemas of all kinds that are known: a built-in table, and documents of the server.
#[derive(Clone, Debug)]
pub(crate) struct Schemas;

/// How one kind merges: which nodes are atomic, maps, sets or keyed lists; and structural defaults.
#[derive(Clone, Debug)]
pub(crate) struct Schema;

/// Says why an OpenAPI document cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document of `{api_version}` cannot be used: {reason}")]
pub(crate) struct SchemaError {
    pub api_version: String,
    pub reason: String,
}

/// The fields that an object sets, as `managedFields` writes them (`FieldsV1`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet;

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

impl Schemas {
    /// Returns the built-in table: every kind of `kubernetes-semantics.md` §2.5 and more.
    pub(crate) fn built_in() -> Self {
        unreachable!("to be written")
    }

    /// Adds the kinds of one OpenAPI v3 document (`/openapi/v3/apis/<group>/<version>`).
    pub(crate) fn add_document(&mut self, api_version: &str, document: &Json) -> Result<(), SchemaError> {
        unreachable!("to be written: {api_version} {document}")
    }

    /// Adds the kinds of a CustomResourceDefinition.
    pub(crate) fn add_definition(&mut self, definition: &Object) -> Result<(), SchemaError> {
        unreachable!("to be written: {definition:?}")
    }

    /// Returns the schema of a kind, where it is known.
    pub(crate) fn of(&self, kind: &Kind) -> Option<&Schema> {
        unreachable!("to be written: {kind}")
    }
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

//! Server-side apply: field sets, schema facts, canonical form, the proof, the merge, attribution.
mod api;

pub(crate) use api::{
    Applied, ApplyError, Conflict, FieldSet, Proof, Schema, SchemaError, Schemas, Taken, apply, canonical, prove,
    taken, update,
};

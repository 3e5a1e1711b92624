//! Server-side apply: field sets, schema facts, canonical form, the proof, the merge, attribution.
mod api;
mod compare;
mod fields;
#[cfg(test)]
mod golden_tests;
mod merge;
mod openapi;
mod owners;
mod schema;
mod schemas;
mod typed;

pub(crate) use api::{Applied, ApplyError, Conflict, Proof, Taken, apply, canonical, prove, taken, update};
pub(crate) use fields::FieldSet;
pub(crate) use openapi::SchemaError;
pub(crate) use schema::Schema;
pub(crate) use schemas::Schemas;

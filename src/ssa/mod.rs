//! Server-side apply: field sets, schema facts, canonical form, the proof, the merge, attribution.
mod apply;
mod attribution;
mod canonical;
mod compare;
mod fields;
#[cfg(test)]
mod golden_tests;
mod lookup;
mod managed;
mod merge;
mod migrate;
mod openapi;
mod owners;
mod proof;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod recorded_tests;
mod schema;
mod schemas;
mod typed;

pub(crate) use apply::{Applied, ApplyError, Conflict, apply, update, violations};
pub(crate) use attribution::{Taken, taken};
pub(crate) use canonical::canonical;
pub(crate) use migrate::migrated;
pub(crate) use proof::{Proof, prove};
pub(crate) use schema::Schema;
pub(crate) use schemas::Schemas;
pub(crate) use typed::Violation;

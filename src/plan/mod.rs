//! Desired × state × observed into a plan. Pure: the same inputs give the same plan.
mod answers;
mod assume;
#[cfg(test)]
mod cases;
mod change;
mod clusters;
mod description;
mod draft;
mod drift;
mod fields;
mod fingerprint;
mod finish;
mod form;
mod identities;
mod immutable;
mod imports;
mod judge;
mod judging;
mod kinds;
mod mask;
mod moves;
mod needs;
mod orphan;
mod outputs;
mod owner;
mod prepare;
#[cfg(test)]
mod refactoring_cases;
mod removals;
mod select;
mod statements;
mod totals;
mod triggers;

pub(crate) use assume::assume;
pub(crate) use change::{
    Action, Answer, ApprovedPlan, Change, ConflictPolicy, Disagreement, Drift, DriftKind, FieldChange, Mode, Options,
    OutputChange, Plan, PlannedCluster, Question, ResourcePlan, Totals, Validation,
};
pub(crate) use clusters::check_clusters;
pub(crate) use draft::draft;
pub(crate) use drift::drift;
pub(crate) use fingerprint::fingerprint;
pub(crate) use form::Form;
#[cfg(test)]
pub(crate) use form::of as form;
pub(crate) use identities::check_identities;
pub(crate) use mask::learn;
pub(crate) use outputs::{record as record_output, to_json as value_to_json};
pub(crate) use owner::is_maker;
pub(crate) use prepare::{ADDRESS, LINEAGE, MANAGED_BY};

//! Desired × state × observed into a plan. Pure: the same inputs give the same plan.
mod change;

pub(crate) use change::{
    Action, Answer, ApprovedPlan, Change, ConflictPolicy, Disagreement, Drift, DriftKind, FieldChange, Mode, Options,
    OutputChange, Plan, Question, ResourcePlan, Totals, Validation,
};

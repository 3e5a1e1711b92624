//! The nouns of rayform: what the stages hand to each other. Nothing here does any I/O.
mod address;
mod cluster;
mod desired;
mod diagnostic;
mod event;
mod graph;
mod lifecycle;
mod object;
mod observed;
mod path;
mod quantity;
mod read;
mod readiness;
mod refactoring;
mod secrets;
mod suggest;
mod target;
mod threads;
mod value;

pub(crate) use address::{Address, AddressError, Key, ModuleStep};
pub(crate) use cluster::{ClusterIdentity, ClusterName, Clusters, Located};
pub(crate) use desired::{
    Carried, Deferred, Desired, DesiredObject, DesiredResource, Exports, Generated, Objects, Output, UNKNOWN,
};
pub(crate) use diagnostic::{Diagnostic, FileId, Severity, Span};
pub(crate) use event::{Event, Verb};
pub(crate) use graph::{Cycle, Graph};
pub(crate) use lifecycle::{Lifecycle, OnDestroy, Trigger};
pub(crate) use object::{GroupKind, Identity, Kind, Object, Owner};
pub(crate) use observed::{Blind, Observed, Scope, ServedKind};
pub(crate) use path::{FieldPath, Step};
pub(crate) use quantity::Quantity;
pub(crate) use read::{Answer, Answers, Known, Question, Read, Unresolved, Which};
pub(crate) use readiness::{Judge, Readiness, Surroundings};
pub(crate) use refactoring::{Import, Move, Removal, relocated};
pub(crate) use secrets::{HIDDEN_WORDS, REDACTED, Secrets, salted_hash};
pub(crate) use suggest::nearest;
pub(crate) use target::Target;
pub(crate) use threads::{on_all_cores, on_large_stack};
pub(crate) use value::{Number, Value, composed};

/// The field manager that rayform applies as.
pub(crate) const FIELD_MANAGER: &str = "rayform";

/// A value as JSON, the form in which objects travel.
pub(crate) type Json = serde_json::Value;

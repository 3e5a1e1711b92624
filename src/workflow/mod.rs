//! Stages joined to the cluster: refresh, apply, wait.
mod apply;
mod ask;
mod body;
mod delete;
mod error;
mod guard;
mod object;
mod parting;
mod rank;
mod read;
mod recover;
mod refresh;
mod run;
mod send;
mod verify;
mod wait;
mod walk;
mod watching;

pub(crate) use apply::{Outcome, Work, apply};
pub(crate) use ask::ask;
pub(crate) use error::WorkflowError;
pub(crate) use read::read;
pub(crate) use recover::{rebuild, recover};
pub(crate) use refresh::{introduce, refresh};
pub(crate) use run::Limits;
pub(crate) use verify::verify;

//! How a command ends: exit codes, and the failures behind them.
use std::process::ExitCode;

use crate::cluster::ClusterError;
use crate::model::Diagnostic;
use crate::sandbox::SandboxError;
use crate::state::StateError;
use crate::workflow::WorkflowError;

/// How a command ended. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or no changes.
    Done = 0,
    /// What was looked at has mistakes, which were shown.
    Mistaken = 1,
    /// `plan --detailed-exitcode` found changes, or `drift` found drift.
    Changes = 2,
    /// `fmt --check` found files that are not in canonical layout.
    Unformatted = 3,
    /// Apply failed in part.
    Partial = 6,
    /// Ctrl-C.
    Interrupted = 130,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Mistakes of the user, with their lines.
    #[error("the configuration has errors")]
    Mistakes(Vec<Diagnostic>),
    #[error("could not work with the state")]
    State(#[from] StateError),
    #[error("could not work with the cluster")]
    Cluster(#[from] ClusterError),
    #[error("could not carry out the work")]
    Workflow(#[from] WorkflowError),
    #[error("could not run the sandbox")]
    Sandbox(#[from] SandboxError),
    #[error("the saved plan is stale: {0}")]
    Stale(String),
    /// The diagnostics of an apply, which the terminal held back, say what went wrong.
    #[error("apply failed in part")]
    Told,
    /// Anything else, said in one sentence and one hint.
    #[error("{message}")]
    Refused { message: String, hint: Option<String> },
    #[error("could not read or write `{path}`")]
    File { path: String, source: std::io::Error },
    #[error("could not print")]
    Print(#[from] std::io::Error),
}

impl Failure {
    /// Returns a refusal without a hint.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: None }
    }

    /// Returns a refusal that says what would help.
    pub(super) fn refused_with(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), hint: Some(hint.into()) }
    }

    /// Returns the exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::State(StateError::Locked { .. }) => 4,
            Self::Stale(_) => 5,
            _ => 1,
        }
    }

    /// Returns the sentence that helps.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::State(error) => error.hint().map(str::to_owned),
            Self::Cluster(error) | Self::Workflow(WorkflowError::Cluster { source: error, .. }) => error.hint(),
            Self::Stale(_) => Some("make a new plan and look at it".to_owned()),
            Self::Refused { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

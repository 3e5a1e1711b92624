//! What can stop a whole stage, as opposed to one resource of it.
use crate::cluster::ClusterError;
use crate::model::{Address, ClusterIdentity, ClusterName, Diagnostic};
use crate::state::StateError;

/// A failure that a stage cannot go on after.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkflowError {
    #[error("{doing}")]
    Cluster {
        doing: String,
        #[source]
        source: ClusterError,
    },
    #[error("the journal cannot be written: nothing more was sent to the cluster")]
    Journal {
        #[source]
        source: StateError,
    },
    #[error(
        "the state belongs to the cluster at {} (uid {}), and {name} is {} (uid {})",
        recorded.server, recorded.uid, found.server, found.uid
    )]
    WrongCluster { name: ClusterName, recorded: ClusterIdentity, found: ClusterIdentity },
    #[error("the last run died while it changed something in {name}, which is not configured any more")]
    LostCluster { name: ClusterName },
    #[error("{} and {} are one and the same", .0.0, .0.1)]
    Twins(Box<(ClusterName, ClusterName)>),
    #[error("resources need each other: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
    Cycle(Vec<Address>),
    #[error("no object of rayform was found in the cluster")]
    NothingToRebuild,
    #[error("the cluster holds objects of several states; choose one by its lineage: {}", .0.join(", "))]
    SeveralLineages(Vec<String>),
    #[error("the run was broken off; the journal has what was sent, and the next run takes it from there")]
    Abandoned,
}

impl WorkflowError {
    /// Returns a function that says what was being done when the cluster failed.
    pub(super) fn doing(doing: &str) -> impl FnOnce(ClusterError) -> Self + use<> {
        let doing = doing.to_owned();
        move |source| Self::Cluster { doing, source }
    }
}

/// Why one resource stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// It failed; what depends on it is skipped.
    Failed(Box<Diagnostic>),
    /// The user asked to stop; nothing is wrong with it.
    Interrupted,
    /// The journal is lost: nothing may be sent any more.
    Fatal(StateError),
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Failed(Box::new(diagnostic))
    }
}

/// Returns an error with everything that caused it, as one sentence.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Returns what the cluster said as a diagnostic with the hint that helps.
pub(super) fn diagnose(doing: &str, error: &ClusterError) -> Diagnostic {
    let mut message = format!("{doing}: {}", chain(error));
    for cause in error.refusal().into_iter().flat_map(|refusal| &refusal.causes) {
        if !cause.field.is_empty() && !message.contains(&cause.message) {
            message = format!("{message}; {}: {}", cause.field, cause.message);
        }
    }
    let diagnostic = Diagnostic::error(message);
    match error {
        ClusterError::Conflict(_) => diagnostic.hint(
            "these fields were taken by another manager since the plan: plan again, then choose with `--on-conflict`",
        ),
        ClusterError::Stale(_) => diagnostic.hint("the object changed since the plan: plan again"),
        ClusterError::Forbidden(_) => diagnostic.hint("ask for the missing permission, then apply again"),
        ClusterError::Unreachable { .. } | ClusterError::Timeout { .. } => {
            diagnostic.hint("apply again when the server answers: what was done is recorded")
        }
        other => other.hint().into_iter().fold(diagnostic, Diagnostic::hint),
    }
}

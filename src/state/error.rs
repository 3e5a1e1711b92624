//! What can go wrong with the state, each with the way out.
use std::path::PathBuf;

use super::lock::Owner;

/// A failure to read, write or lock the state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("could not read `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("could not write `{}`", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the state file `{}` is empty; a state is never empty", path.display())]
    Empty { path: PathBuf },
    #[error("the state file `{}` is not whole", path.display())]
    Torn { path: PathBuf, source: serde_json::Error },
    #[error("`{}` is no rayform state: {reason}", path.display())]
    Foreign { path: PathBuf, reason: String },
    #[error("the state file has format {found}; this rayform knows up to {known}")]
    TooNew { found: u64, known: u64 },
    #[error("the state file `{}` is gone, but `{}` remembers that there was one", path.display(), remembered.display())]
    Gone { path: PathBuf, remembered: PathBuf },
    #[error("the journal `{}` is damaged at line {line}", path.display())]
    Journal { path: PathBuf, line: usize },
    #[error("the journal `{}` belongs to another state: {reason}", path.display())]
    ForeignJournal { path: PathBuf, reason: String },
    #[error("the state is locked by {owner}")]
    Locked { owner: Owner },
    #[error("the journal could not be written any more: {reason}")]
    JournalClosed { reason: String },
}

impl StateError {
    /// Returns the sentence that helps.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Empty { .. } | Self::Torn { .. } | Self::Foreign { .. } | Self::Gone { .. } => Some(
                "copy the newest generation from `.rayform/` back, or rebuild it from the cluster with \
                 `rayform state recover`",
            ),
            Self::TooNew { .. } => Some("use the newer rayform that wrote it"),
            Self::Journal { .. } | Self::ForeignJournal { .. } => {
                Some("move the journal away and run `rayform state recover`: it asks the cluster what was made")
            }
            Self::Locked { .. } => {
                Some("wait for the other run, use `--lock-timeout=5m`, or `rayform force-unlock` when its host is gone")
            }
            Self::Read { .. } | Self::Write { .. } | Self::JournalClosed { .. } => None,
        }
    }
}

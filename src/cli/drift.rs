//! `drift`: what others changed of what is recorded, and who.
use clap::Args;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::planning;
use super::terminal::Terminal;
use crate::plan::DriftKind;

/// Show what others changed of what was applied, and who. Exits with 2 where there is drift to repair.
#[derive(Debug, Args)]
pub(super) struct Drift {
    #[command(flatten)]
    pub variables: Variables,
}

impl Drift {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let found = planning::drift(global, &self.variables, terminal).await?;
        terminal.drift(&found)?;
        let is_expected = |kind: &DriftKind| match kind {
            DriftKind::Changed(fields) => fields.iter().all(|field| field.expected),
            DriftKind::Deleted | DriftKind::Deleting { .. } | DriftKind::Recreated { .. } => false,
        };
        let is_clean = found.iter().all(|drift| is_expected(&drift.kind));
        Ok(if is_clean { Exit::Done } else { Exit::Changes })
    }
}

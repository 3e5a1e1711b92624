//! `plan`: shows what apply would do.
use std::path::PathBuf;

use clap::Args;

use super::arguments::{Global, Planning};
use super::exit::{Exit, Failure};
use super::planning;
use super::saved::SavedPlan;
use super::terminal::Terminal;

/// Show what apply would do. Changes nothing.
#[derive(Debug, Args)]
pub(super) struct Plan {
    #[command(flatten)]
    pub planning: Planning,
    /// Save the plan for `rayform apply FILE`. It holds no secrets.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 where there are changes.
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Plan {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let mode = planning::mode(&self.planning);
        let planned = planning::plan(global, &self.planning, mode, terminal).await?;
        terminal.plan(&planned.plan)?;
        if let Some(path) = &self.out {
            SavedPlan::new(&planned, &self.planning).write(path)?;
            terminal.message(&format!("\nSaved the plan. To carry it out:  rayform apply {}", path.display()));
        }
        let has_changes = self.detailed_exitcode && !planned.plan.is_empty();
        // The program ends: to take ten thousand resources apart would only take time.
        std::mem::forget(planned);
        Ok(if has_changes { Exit::Changes } else { Exit::Done })
    }
}

//! `apply`: plans, asks, carries out, waits.
use std::path::PathBuf;

use clap::Args;

use super::arguments::{Applying, Global, Planning};
use super::exit::{Exit, Failure};
use super::planning::{self, Planned};
use super::saved::SavedPlan;
use super::terminal::Terminal;
use super::working;
use crate::plan::Mode;

/// Plan, ask, and carry the plan out; a saved plan does not ask.
#[derive(Debug, Args)]
pub(super) struct Apply {
    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    applying: Applying,
    /// A plan saved by `rayform plan --out FILE`.
    plan: Option<PathBuf>,
}

impl Apply {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        match &self.plan {
            Some(path) => self.run_saved(path, global, terminal).await,
            None => run(global, &self.planning, &self.applying, planning::mode(&self.planning), terminal).await,
        }
    }

    /// Plans again as the saved plan did, and carries it out if nothing that it relied on has changed.
    async fn run_saved(
        &self,
        path: &std::path::Path,
        global: &Global,
        terminal: &mut Terminal,
    ) -> Result<Exit, Failure> {
        let saved = SavedPlan::read(path)?;
        let (planning, mode) = saved.planning(&self.planning);
        let locked = working::begin(global, &planning.locking, "apply", terminal)?;
        let planned = planning::plan(global, &planning, mode, terminal).await?;
        saved.check(&planned)?;
        working::carry_out(planned, locked, &self.applying, terminal).await
    }
}

/// Plans, asks and carries out.
pub(super) async fn run(
    global: &Global,
    planning: &Planning,
    applying: &Applying,
    mode: Mode,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let word = if mode == Mode::Destroy { "destroy" } else { "apply" };
    let locked = working::begin(global, &planning.locking, word, terminal)?;
    let planned = planning::plan(global, planning, mode, terminal).await?;
    terminal.plan(&planned.plan)?;
    if !planned.plan.is_empty() && !applying.auto_approve && !approved(&planned, terminal)? {
        terminal.message("\nNothing was changed.");
        return Ok(Exit::Done);
    }
    working::carry_out(planned, locked, applying, terminal).await
}

/// Asks the user.
fn approved(planned: &Planned, terminal: &mut Terminal) -> Result<bool, Failure> {
    let question = match planned.plan.mode {
        Mode::Apply => "\nDo you want to carry this out? Only `yes` is yes.",
        Mode::Destroy => "\nDo you really want to destroy all of this? There is no undo. Only `yes` is yes.",
        Mode::RefreshOnly => "\nDo you want to record this in the state? Only `yes` is yes.",
    };
    Ok(terminal.approves(question)?)
}

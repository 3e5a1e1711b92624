//! `force-unlock`: frees a lock that a run on another host left behind.
use clap::Args;

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::project;
use super::terminal::Terminal;

/// Free a lock that a run on another host left behind.
#[derive(Debug, Args)]
pub(super) struct ForceUnlock {}

impl ForceUnlock {
    pub(super) fn run(global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        match project::store(global).force_unlock()? {
            Some(owner) => terminal.message(&format!("Freed the lock of {owner}.")),
            None => terminal.message("The state is not locked."),
        }
        Ok(Exit::Done)
    }
}

//! `version`: prints the version.
use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Print the version.
#[derive(Debug, Args)]
pub(super) struct Version {}

impl Version {
    pub(super) fn run(terminal: &mut Terminal) -> Result<Exit, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        if terminal.json {
            terminal.line(&serde_json::json!({ "rayform": version }).to_string())?;
        } else {
            terminal.line(&format!("rayform {version}"))?;
        }
        Ok(Exit::Done)
    }
}

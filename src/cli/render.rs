//! `render`: prints the manifests, for review or `kubectl`.
use clap::Args;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::project::Project;
use super::terminal::Terminal;
use crate::render;

/// Print the manifests as YAML, for review or `kubectl`.
#[derive(Debug, Args)]
pub(super) struct Render {
    #[command(flatten)]
    pub variables: Variables,
    /// Print secret values, too.
    #[arg(long)]
    show_secrets: bool,
}

impl Render {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let project = Project::open(global, &self.variables, terminal)?;
        let manifests = render::yaml::manifests(&project.evaluation.desired, self.show_secrets);
        terminal.data(&manifests.map_err(|error| Failure::refused(error.to_string()))?)?;
        Ok(Exit::Done)
    }
}

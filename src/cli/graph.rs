//! `graph`: prints what needs what.
use clap::Args;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::project::Project;
use super::terminal::Terminal;
use crate::render;

/// Print what needs what, in the DOT language.
#[derive(Debug, Args)]
pub(super) struct Graph {
    #[command(flatten)]
    pub variables: Variables,
}

impl Graph {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let project = Project::open(global, &self.variables, terminal)?;
        terminal.data(&render::graph::dot(&project.evaluation.desired.graph))?;
        Ok(Exit::Done)
    }
}

//! `validate`: everything that can be known with no cluster.
use clap::Args;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::project::Project;
use super::terminal::Terminal;

/// Check everything that can be known with no cluster: syntax, references, types, names, Ray.
#[derive(Debug, Args)]
pub(super) struct Validate {
    #[command(flatten)]
    pub variables: Variables,
}

impl Validate {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let project = Project::open(global, &self.variables, terminal)?;
        let count = project.evaluation.desired.resources.len();
        if terminal.json {
            terminal
                .json(&format!("{}\n", serde_json::json!({"type": "validated", "valid": true, "resources": count})))?;
        } else {
            let resources = if count == 1 { "resource" } else { "resources" };
            terminal.line(&format!("The configuration is valid: {count} {resources}."))?;
        }
        Ok(Exit::Done)
    }
}

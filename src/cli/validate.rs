//! `validate`: everything that can be known with no cluster.
use clap::Args;
use serde_json::json;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::project::Project;
use super::terminal::Terminal;
use crate::model::{Diagnostic, Json};
use crate::plan;

/// Check everything that can be known with no cluster: syntax, references, types, names, Ray.
#[derive(Debug, Args)]
#[command(after_long_help = JSON_HELP)]
pub(super) struct Validate {
    #[command(flatten)]
    pub variables: Variables,
}

/// The shape of what `--json` prints.
const JSON_HELP: &str = "\
With --json, standard output has one JSON object per line:

  {\"type\": \"version\", \"rayform\": \"…\", \"format\": 1}         the first line
  {\"type\": \"diagnostic\", \"severity\": \"error\"|\"warning\"|\"info\", \"code\": \"RF101\"|null,
   \"message\": \"…\", \"hint\": \"…\"|null, \"at\": PLACE|null, \"related\": [PLACE, …]}
  {\"type\": \"validated\", \"valid\": true|false, \"errors\": 0, \"warnings\": 0, \"resources\": 7}

PLACE is {\"file\", \"line\", \"column\", \"start\", \"end\", \"label\", \"snippet\"}: lines and columns count characters from 1,
start and end are bytes of the file, and the snippet is the line. `resources` is there where the configuration is valid.
The exit code is 1 where it is not.";

impl Validate {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let opened = Project::open(global, &self.variables, terminal).and_then(|project| {
            plan::check_identities(&project.evaluation.desired).map_err(Failure::Mistakes)?;
            Ok(project)
        });
        let project = match opened {
            Err(Failure::Mistakes(found)) if terminal.json => {
                terminal.diagnostics(&found)?;
                let is_error = |diagnostic: &&Diagnostic| diagnostic.is_error();
                let errors = found.iter().filter(is_error).count();
                verdict(terminal, &json!({"valid": false, "errors": errors, "warnings": found.len() - errors}))?;
                return Ok(Exit::Mistaken);
            }
            other => other?,
        };
        let desired = &project.evaluation.desired;
        let (count, warnings) = (desired.resources.len(), desired.diagnostics.len());
        if terminal.json {
            verdict(terminal, &json!({"valid": true, "errors": 0, "warnings": warnings, "resources": count}))?;
        } else {
            let resources = if count == 1 { "resource" } else { "resources" };
            terminal.line(&format!("The configuration is valid: {count} {resources}."))?;
        }
        Ok(Exit::Done)
    }
}

/// Prints the last line.
fn verdict(terminal: &mut Terminal, verdict: &Json) -> std::io::Result<()> {
    let mut line = verdict.clone();
    line["type"] = "validated".into();
    terminal.json(&format!("{line}\n"))
}

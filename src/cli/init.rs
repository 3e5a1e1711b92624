//! `init`: writes a starter configuration into an empty folder.
use clap::Args;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::project::{self, Project};
use super::terminal::Terminal;

/// Write a starter configuration into an empty folder, or check the one that is there.
#[derive(Debug, Args)]
pub(super) struct Init {}

const STARTER: &str = include_str!("../../examples/quickstart/main.rf.hcl");

impl Init {
    pub(super) fn run(global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        if project::has_configuration(&global.chdir)? {
            Project::open(global, &Variables::default(), terminal)?;
            terminal.message("The configuration is complete: there is nothing to fetch. Next: rayform plan");
            return Ok(Exit::Done);
        }
        let path = global.chdir.join("main.rf.hcl");
        let failed = |source| Failure::File { path: path.display().to_string(), source };
        std::fs::create_dir_all(&global.chdir).map_err(failed)?;
        std::fs::write(&path, STARTER).map_err(failed)?;
        terminal.message(&format!("Wrote {}: a Ray cluster to start from.\n", path.display()));
        terminal.message("Try it with no cluster:   rayform apply --sandbox\nOn your own cluster:      rayform plan");
        Ok(Exit::Done)
    }
}

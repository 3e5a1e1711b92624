//! `init`: writes a starter configuration into an empty folder, or fetches the modules that the one there calls.
use clap::Args;

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{modules, project};

/// Write a starter configuration into an empty folder, or fetch the modules that the one there calls.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Move modules from git to what their `ref` means now, and write that to `rayform.lock.json`.
    #[arg(long)]
    upgrade: bool,
}

const STARTER: &str = include_str!("../../examples/quickstart/main.rf.hcl");

impl Init {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        if project::has_configuration(&global.chdir)? {
            let message = match modules::install(&global.chdir, self.upgrade, terminal)? {
                0 => "The configuration is complete: there is nothing to fetch. Next: rayform plan",
                _ => "The configuration is complete; keep `rayform.lock.json` with it. Next: rayform plan",
            };
            terminal.message(message);
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

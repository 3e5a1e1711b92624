//! `completions`: prints the completion script of a shell.
use clap::{Args, CommandFactory};

use super::arguments::Arguments;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Print the completion script of a shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell.
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(&self, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "rayform", &mut script);
        terminal.data(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}

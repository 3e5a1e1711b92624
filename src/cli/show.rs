//! `show`: prints the state, or a saved plan.
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::project;
use super::saved::SavedPlan;
use super::terminal::Terminal;
use crate::render;

/// Print the state, or a saved plan.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// A plan saved by `rayform plan --out FILE`; the state where it is left out.
    plan: Option<PathBuf>,
    /// The form.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// The forms that something can be shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Markdown,
    Html,
}

impl Show {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let format = if global.json { Format::Json } else { self.format };
        if let Some(path) = &self.plan {
            terminal.data(SavedPlan::read(path)?.rendered(format))?;
        } else {
            let state = project::load(&project::store(global))?.state;
            match format {
                Format::Json => terminal.data(&render::state::show_json(&state))?,
                Format::Text => terminal.data(&render::state::show(&state))?,
                Format::Markdown | Format::Html => {
                    return Err(Failure::refused("the state is shown as text or json; a plan in every format"));
                }
            }
        }
        Ok(Exit::Done)
    }
}

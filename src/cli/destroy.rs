//! `destroy`: apply, backwards.
use clap::Args;

use super::apply;
use super::arguments::{Applying, Global, Planning};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::plan::Mode;

/// Delete everything that apply made, in reverse order.
#[derive(Debug, Args)]
pub(super) struct Destroy {
    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    applying: Applying,
}

impl Destroy {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        apply::run(global, &self.planning, &self.applying, Mode::Destroy, terminal).await
    }
}

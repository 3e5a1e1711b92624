//! `import`: a resource takes over objects that exist.
use clap::Args;

use super::apply;
use super::arguments::{Applying, Global, Planning};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::model::{Address, Target};
use crate::plan::Mode;

/// Take over objects that exist: plan one resource with what it needs, ask, and apply.
///
/// The plan shows who owns the fields now. What `kubectl apply` set and the configuration does not have is
/// removed; fields that controllers own stay theirs.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The resource in the configuration, such as `config_map.settings`.
    address: Address,
    /// What it takes over: `namespace/name`, the bare name of what has no namespace, or
    /// `apiVersion/Kind/namespace/name` for one of several objects.
    id: String,
    #[command(flatten)]
    pub planning: Planning,
    #[command(flatten)]
    applying: Applying,
}

impl Import {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let mut planning = self.planning.clone();
        planning.targets.push(Target::from(self.address.clone()));
        planning.imports.push((self.address.clone(), self.id.clone()));
        apply::run(global, &planning, &self.applying, Mode::Apply, terminal).await
    }
}

//! `state`: looks at what is recorded, and mends it.
use clap::{Args, Subcommand};

use std::path::PathBuf;

use super::arguments::{Global, Locking};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{project, state_mv, state_push};
use crate::model::{Address, Target};
use crate::render;
use crate::workflow;

/// Look at what is recorded, and mend it.
#[derive(Debug, Args)]
pub(super) struct State {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the address of every recorded resource.
    List,
    /// Print one recorded resource with its objects.
    Show { address: Address },
    /// Give a resource, an instance or a module another address.
    Mv {
        source: Target,
        destination: Target,
        #[command(flatten)]
        locking: Locking,
    },
    /// Forget resources, or all of a module, without deleting their objects.
    Rm {
        #[arg(required = true)]
        addresses: Vec<Target>,
        #[command(flatten)]
        locking: Locking,
    },
    /// Print the whole state.
    Pull,
    /// Put a state from a file, or from standard input (`-`), in the place of the present one.
    Push {
        file: PathBuf,
        /// Push it although it is another state, or an older one.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        locking: Locking,
    },
    /// Rebuild a lost state from the objects in the cluster that bear rayform's label.
    Recover {
        /// Of several states in one cluster, the one with this lineage.
        #[arg(long)]
        lineage: Option<String>,
        #[command(flatten)]
        locking: Locking,
    },
}

impl State {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        match &self.action {
            Action::List => list(global, terminal),
            Action::Show { address } => show(global, address, terminal),
            Action::Mv { source, destination, locking } => {
                state_mv::run(global, source, destination, locking, terminal)
            }
            Action::Pull => state_push::pull(global, terminal),
            Action::Push { file, force, locking } => state_push::push(global, file, *force, locking, terminal),
            Action::Rm { addresses, locking } => remove(global, addresses, locking, terminal),
            Action::Recover { lineage, locking } => recover(global, lineage.as_deref(), locking, terminal).await,
        }
    }
}

fn list(global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let state = project::load(&project::store(global))?.state;
    terminal.data(&render::state::list(&state))?;
    Ok(Exit::Done)
}

fn show(global: &Global, address: &Address, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let state = project::load(&project::store(global))?.state;
    let recorded = state.resources.get(address).ok_or_else(|| unknown(&address.to_string()))?;
    terminal.data(&render::state::resource(address, recorded))?;
    Ok(Exit::Done)
}

fn remove(global: &Global, addresses: &[Target], locking: &Locking, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let store = project::store(global);
    let _lock = project::lock(&store, locking, "state rm", terminal)?;
    let loaded = project::load(&store)?;
    if loaded.unfinished.is_some() {
        return Err(unfinished());
    }
    let mut state = loaded.state;
    let is_meant = |address: &Address| addresses.iter().any(|meant| meant.covers(address));
    if let Some(missing) = addresses.iter().find(|meant| !state.resources.keys().any(|it| meant.covers(it))) {
        return Err(unknown(&missing.to_string()));
    }
    let removed: Vec<_> = state.resources.keys().filter(|address| is_meant(address)).cloned().collect();
    state.resources.retain(|address, _| !is_meant(address));
    store.save(state)?;
    removed.iter().for_each(|address| terminal.message(&format!("Forgot {address}. Its objects are still there.")));
    Ok(Exit::Done)
}

async fn recover(
    global: &Global,
    lineage: Option<&str>,
    locking: &Locking,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let store = project::store(global);
    let _lock = project::lock(&store, locking, "state recover", terminal)?;
    if project::load(&store).is_ok_and(|loaded| !loaded.is_new && !loaded.state.resources.is_empty()) {
        return Err(Failure::refused_with(
            "there is a state, and it can be read",
            "move it away first if it is to be rebuilt",
        ));
    }
    let connections = project::connect_all(global, terminal).await?;
    let salt = uuid::Uuid::new_v4().to_string();
    let rebuilt = workflow::rebuild(&connections.clusters, lineage, salt).await?;
    rebuilt.notices.iter().for_each(|notice| terminal.message(notice));
    let count = rebuilt.state.resources.len();
    store.replace(rebuilt.state)?;
    terminal.message(&format!("Rebuilt the state from the cluster: {count} resources. `rayform plan` shows the rest."));
    Ok(Exit::Done)
}

pub(super) fn unknown(address: &impl std::fmt::Display) -> Failure {
    Failure::refused_with(format!("`{address}` is not recorded"), "`rayform state list` shows what is")
}

/// Says that the journal of a run that died comes first.
pub(super) fn unfinished() -> Failure {
    Failure::refused_with("the last run died", "run `rayform apply` first: it clears up what it left")
}

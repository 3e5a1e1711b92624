//! `state mv`: gives recorded resources other addresses.
use super::arguments::{Global, Locking};
use super::exit::{Exit, Failure};
use super::project;
use super::state::{unfinished, unknown};
use super::terminal::Terminal;
use crate::model::{Address, Target, relocated};
use crate::state::State;

/// Renames in the state alone; the annotations in the cluster follow with the next apply.
pub(super) fn run(
    global: &Global,
    source: &Target,
    destination: &Target,
    locking: &Locking,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let store = project::store(global);
    let _lock = project::lock(&store, locking, "state mv", terminal)?;
    let loaded = project::load(&store)?;
    if loaded.unfinished.is_some() {
        return Err(unfinished());
    }
    let steps = steps(&loaded.state, source, destination)?;
    store.save(loaded.state.renamed(&steps))?;
    steps.iter().for_each(|(from, to)| terminal.message(&format!("Moved {from} to {to}.")));
    Ok(Exit::Done)
}

/// Returns what is renamed to what.
fn steps(state: &State, source: &Target, destination: &Target) -> Result<Vec<(Address, Address)>, Failure> {
    let is_module = |selector: &Target| matches!(selector, Target::Module(_));
    if is_module(source) != is_module(destination) {
        return Err(Failure::refused("a resource becomes a resource, and a module a module"));
    }
    let target = |from: &Address| Some((from.clone(), relocated(source, destination, from)?));
    let steps: Vec<(Address, Address)> = state.resources.keys().filter_map(target).collect();
    if steps.is_empty() {
        return Err(unknown(source));
    }
    match steps.iter().find(|(_, to)| state.resources.contains_key(to)) {
        Some((from, to)) => Err(Failure::refused_with(
            format!("`{from}` cannot move to `{to}`: that is recorded, too"),
            "forget it first with `rayform state rm`, or choose another name",
        )),
        None => Ok(steps),
    }
}

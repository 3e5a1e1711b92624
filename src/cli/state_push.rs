//! `state pull` and `state push`: the whole state as text, out and in.
use std::io::Read;
use std::path::Path;

use super::arguments::{Global, Locking};
use super::exit::{Exit, Failure};
use super::project;
use super::state::unfinished;
use super::terminal::Terminal;
use crate::state::{Loaded, State, Store};

/// Prints the state as it is kept.
pub(super) fn pull(global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
    let loaded = project::load(&project::store(global))?;
    if loaded.unfinished.is_some() {
        terminal.message("The last run died: what it had recorded is included, what it left open is not.");
    }
    terminal.data(&Store::text(&loaded.state))?;
    Ok(Exit::Done)
}

/// Puts a state in the place of the present one, which is kept among the older generations.
pub(super) fn push(
    global: &Global,
    file: &Path,
    force: bool,
    locking: &Locking,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let pushed = Store::parse(file, &read(file)?)?;
    let store = project::store(global);
    let _lock = project::lock(&store, locking, "state push", terminal)?;
    let present = match project::load(&store) {
        Ok(Loaded { unfinished: Some(_), .. }) => return Err(unfinished()),
        Ok(loaded) => Some(loaded).filter(|loaded| !loaded.is_new).map(|loaded| loaded.state),
        Err(_) if force => None,
        Err(failure) => return Err(failure),
    };
    if present.as_ref() == Some(&pushed) {
        terminal.message("The state is as it was.");
        return Ok(Exit::Done);
    }
    if let Some(present) = present.as_ref().filter(|_| !force) {
        check(present, &pushed)?;
    }
    // A number that was used is never used again: saved plans rely on it.
    let used = present.as_ref().map_or(0, |present| present.serial + 1);
    let next = State { serial: pushed.serial.max(used), ..pushed };
    let saved = match &present {
        Some(present) => store.supersede(present.serial, next)?,
        None => store.replace(next)?,
    };
    terminal.message(&format!("Pushed the state: {} resources, serial {}.", saved.resources.len(), saved.serial));
    Ok(Exit::Done)
}

/// Refuses a state that is not a later one of the same line.
fn check(present: &State, pushed: &State) -> Result<(), Failure> {
    let hint = "pull, change and push again, with a higher `serial`; `--force` pushes all the same";
    if present.lineage != pushed.lineage {
        let message = format!("it is another state: lineage {} instead of {}", pushed.lineage, present.lineage);
        return Err(Failure::refused_with(message, "`--force` pushes it all the same"));
    }
    if pushed.serial < present.serial {
        let message = format!("it is older: serial {} instead of {}", pushed.serial, present.serial);
        return Err(Failure::refused_with(message, hint));
    }
    if pushed.serial == present.serial {
        return Err(Failure::refused_with(format!("another state has the serial {} already", present.serial), hint));
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |source| Failure::File { path: file.display().to_string(), source };
    if file != Path::new("-") {
        return std::fs::read_to_string(file).map_err(failed);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

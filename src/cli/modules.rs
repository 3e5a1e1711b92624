//! Brings the modules from git that a configuration calls, and those that they call, and records their commits.
use std::collections::BTreeSet;
use std::path::Path;

use super::exit::Failure;
use super::git::Fetcher;
use super::terminal::Terminal;
use crate::config::{self, LockFile, Missing, Sources};
use crate::model::Diagnostic;

/// How often modules may lead to modules that are not here.
const MAX_ROUNDS: usize = 32;

/// Fetches what is missing; with `upgrade`, moves to what the references mean now. Returns how many were fetched.
pub(super) fn install(folder: &Path, upgrade: bool, terminal: &mut Terminal) -> Result<usize, Failure> {
    let read = LockFile::read(folder).map_err(|diagnostic| Failure::Mistakes(vec![*diagnostic]))?;
    let mut lock = if upgrade { LockFile::default() } else { read.clone() };
    let (mut fetcher, mut fetched) = (Fetcher::new(folder), BTreeSet::new());
    for _ in 0..MAX_ROUNDS {
        let loaded = config::load_with(folder, Sources::default(), &lock);
        terminal.sources = loaded.sources;
        let missing: Vec<Missing> = loaded.missing;
        if missing.is_empty() {
            loaded.config.map_err(Failure::Mistakes)?;
            lock.keep_only(&loaded.repositories);
            if lock != read {
                write(folder, &lock)?;
            }
            return Ok(fetched.len());
        }
        let mut mistakes = Vec::new();
        for Missing { source, span } in &missing {
            match fetcher.fetch(source, &lock) {
                Ok(commit) => {
                    lock.hold(source, &commit);
                    if fetched.insert((source.url.clone(), source.reference.clone())) {
                        terminal.message(&format!("Fetched {} ({}).", source.title(), &commit[..12]));
                    }
                }
                Err(error) => mistakes.push(Diagnostic::error(told(&error)).at(*span).hint(error.hint())),
            }
        }
        if !mistakes.is_empty() {
            return Err(Failure::Mistakes(mistakes));
        }
    }
    Err(Failure::refused(format!("modules lead to further modules more than {MAX_ROUNDS} times")))
}

/// Joins an error and its cause.
fn told(error: &super::git::GitError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn write(folder: &Path, lock: &LockFile) -> Result<(), Failure> {
    let path = LockFile::path(folder);
    let failed = |source| Failure::File { path: path.display().to_string(), source };
    if lock.is_empty() && !path.exists() {
        return Ok(());
    }
    let part = path.with_extension("json.part");
    std::fs::write(&part, lock.text()).map_err(failed)?;
    std::fs::rename(&part, &path).map_err(failed)
}

//! Reads and writes the state file: whole or not at all.
use std::io::Write;
use std::path::Path;

use super::journal::sync_folder;
use super::wire::{FORMAT, StateFile};
use super::{State, StateError};
use crate::model::Json;

/// Reads a state; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<State>, StateError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Read { path: path.to_owned(), source }),
    };
    parse(path, &text).map(Some)
}

/// Reads the text of a state file.
pub(super) fn parse(path: &Path, text: &str) -> Result<State, StateError> {
    if text.trim().is_empty() {
        return Err(StateError::Empty { path: path.to_owned() });
    }
    match serde_json::from_str::<StateFile>(text) {
        Ok(file) if file.rayform_state <= FORMAT => {
            let foreign = |error: crate::model::AddressError| StateError::Foreign {
                path: path.to_owned(),
                reason: error.to_string(),
            };
            file.try_into().map_err(foreign)
        }
        Ok(file) => Err(StateError::TooNew { found: file.rayform_state, known: FORMAT }),
        Err(error) => Err(explain(path, text, error)),
    }
}

/// Says why a text is no state of this format.
fn explain(path: &Path, text: &str, error: serde_json::Error) -> StateError {
    let Ok(json) = serde_json::from_str::<Json>(text) else {
        return StateError::Torn { path: path.to_owned(), source: error };
    };
    match json.get("rayform_state").and_then(Json::as_u64) {
        Some(found) if found > FORMAT => StateError::TooNew { found, known: FORMAT },
        Some(_) => StateError::Foreign { path: path.to_owned(), reason: error.to_string() },
        None if json.get("terraform_version").is_some() => {
            StateError::Foreign { path: path.to_owned(), reason: "it was written by Terraform".to_owned() }
        }
        None => StateError::Foreign { path: path.to_owned(), reason: "it does not say `rayform_state`".to_owned() },
    }
}

/// Returns the text of the state file.
pub(super) fn text(state: &State) -> String {
    let mut text =
        serde_json::to_string_pretty(&StateFile::from(state)).expect("a state holds nothing that JSON cannot");
    text.push('\n');
    text
}

/// Writes a state beside the file, syncs it, and puts it in its place.
pub(super) fn write(path: &Path, state: &State) -> Result<(), StateError> {
    let result = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".rayform.state.").suffix(".tmp").tempfile_in(folder)?;
        file.write_all(text(state).as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(path)
    };
    result().map_err(|source| StateError::Write { path: path.to_owned(), source })
}

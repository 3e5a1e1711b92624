//! One run at a time changes a state: a lock on a file of its own.
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::StateError;

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub who: String,
    pub host: String,
    pub pid: u32,
    /// RFC 3339.
    pub since: String,
    pub command: String,
}

/// The held lock; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// The run that held it before and ended without freeing it.
    pub abandoned_by: Option<Owner>,
}

/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(100);

impl Lock {
    /// Takes the lock, waiting up to `timeout` for another run on this host.
    pub(super) fn take(path: &Path, owner: &Owner, timeout: Duration) -> Result<Self, StateError> {
        let failed = |source| StateError::Write { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path).map_err(failed)?;
        let deadline = Instant::now() + timeout;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if Instant::now() < deadline => std::thread::sleep(PAUSE),
                TryLockError::WouldBlock => return Err(StateError::Locked { owner: holder(path) }),
                TryLockError::Error(source) => return Err(failed(source)),
            }
        }
        let abandoned_by = read_owner(&mut file);
        if let Some(other) = abandoned_by.as_ref().filter(|other| other.host != owner.host) {
            // A lock that this host cannot see may still be held there: the folder may be shared.
            return Err(StateError::Locked { owner: other.clone() });
        }
        write_owner(&mut file, Some(owner)).map_err(failed)?;
        Ok(Self { file, abandoned_by })
    }

    /// Frees a lock that a run on another host left behind.
    pub(super) fn break_open(path: &PathBuf) -> Result<Option<Owner>, StateError> {
        let failed = |source| StateError::Write { path: path.clone(), source };
        let mut file =
            OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path).map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(StateError::Locked { owner: holder(path) });
        }
        let owner = read_owner(&mut file);
        write_owner(&mut file, None).map_err(failed)?;
        Ok(owner)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be cleared is taken for an abandoned lock of this host: harmless.
        write_owner(&mut self.file, None).unwrap_or_default();
    }
}

/// Returns who holds the lock, as far as the file tells.
fn holder(path: &Path) -> Owner {
    let unknown = || {
        let text = || "unknown".to_owned();
        Owner { who: text(), host: text(), pid: 0, since: text(), command: text() }
    };
    File::open(path).ok().and_then(|mut file| read_owner(&mut file)).unwrap_or_else(unknown)
}

fn read_owner(file: &mut File) -> Option<Owner> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write_owner(file: &mut File, owner: Option<&Owner>) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    if let Some(owner) = owner {
        file.write_all(&serde_json::to_vec(owner)?)?;
    }
    file.sync_data()
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, host, pid, since, command } = self;
        write!(f, "{who} on {host} (process {pid}, `rayform {command}`, since {since})")
    }
}

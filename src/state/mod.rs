//! What rayform knows that it made: the state file, its journal, locks.
mod cache;
mod error;
mod file;
mod fold;
mod journal;
mod lock;
mod record;
mod redact;
mod renames;
mod store;
mod wire;

pub(crate) use cache::Cache;
pub(crate) use error::StateError;
pub(crate) use journal::{Act, Entry, Intent, Journal};
pub(crate) use lock::{Lock, Owner as LockOwner};
pub(crate) use record::{Recorded, RecordedObject, RecordedOutput, State, Status};
pub(crate) use redact::{applied_form, hidden};
pub(crate) use store::{Loaded, Store};

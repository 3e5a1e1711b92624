//! What rayform knows that it made: the state file, its journal, locks.
mod record;

pub(crate) use record::{Recorded, RecordedObject, RecordedOutput, State, Status};

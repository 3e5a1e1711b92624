//! What does not change while a configuration is evaluated: its blocks, resource types and surroundings.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::functions::{Environment, ReadError};
use super::kinds::Kinds;
use super::referrers::Referrers;
use super::scope::{Instance, Roots, Scope};
use crate::config::{self, Config};

/// The fixed part of an evaluation.
#[derive(Debug)]
pub(super) struct World {
    pub config: Arc<Config>,
    pub kinds: Kinds,
    pub referrers: Referrers,
    /// When the plan was made, RFC 3339.
    pub now: String,
    pub home: Option<PathBuf>,
    /// The module's folder, absolute.
    pub folder: PathBuf,
}

impl World {
    /// Calls `work` with the surroundings of functions.
    pub(super) fn within<T>(&self, work: impl FnOnce(&Environment<'_>) -> T) -> T {
        let read = |path: &Path| config::read_inside(&self.folder, path).map_err(refused);
        let list = |path: &Path| config::list_files(path).map_err(refused);
        work(&Environment {
            folder: &self.folder,
            root: &self.folder,
            home: self.home.as_deref(),
            now: &self.now,
            read: &read,
            list: &list,
        })
    }
}

/// Returns the scope of what stands in no instance.
pub(super) fn scope<'a>(roots: &'a Roots, environment: &'a Environment<'a>) -> Scope<'a> {
    Scope { newer: None, roots, names: None, instance: &Instance::Single, environment, templates: 0 }
}

fn refused(error: config::ReadError) -> ReadError {
    match error {
        config::ReadError::TooLarge => ReadError::TooLarge,
        config::ReadError::Outside => ReadError::Outside,
        config::ReadError::Io(error) => ReadError::Io(error),
    }
}

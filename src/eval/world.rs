//! What does not change while a configuration is evaluated: its modules, resource types and surroundings.
use std::path::{Path, PathBuf};

use super::evaluate::Inputs;
use super::functions::{Environment, ReadError};
use super::kinds::Kinds;
use super::modules::{ModuleId, Modules};
use super::reading::{Reading, Sources};
use super::referrers::Referrers;
use super::scope::{Instance, Roots, Scope};
use crate::config;

/// The fixed part of an evaluation.
#[derive(Debug)]
pub(super) struct World {
    pub modules: Modules,
    pub kinds: Kinds,
    pub referrers: Referrers,
    /// When the plan was made, RFC 3339.
    pub now: String,
    pub home: Option<PathBuf>,
    /// The workspace that is worked in.
    pub workspace: String,
    pub sources: Sources,
    pub reading: Reading,
}

impl World {
    pub(super) fn new(modules: Modules, kinds: Kinds, referrers: Referrers, inputs: &Inputs) -> Self {
        Self {
            modules,
            kinds,
            referrers,
            now: inputs.now.clone(),
            home: inputs.home.clone(),
            workspace: inputs.workspace.clone(),
            sources: Sources::all(),
            reading: inputs.reading.clone(),
        }
    }

    /// Calls `work` with the surroundings of functions in the files of one module.
    pub(super) fn within<T>(&self, module: ModuleId, work: impl FnOnce(&Environment<'_>) -> T) -> T {
        let (module, root) = (self.modules.get(module), self.modules.root());
        let read = |path: &Path| config::read_inside(&module.folder, path).map_err(refused);
        let list = |path: &Path| config::list_inside(&module.folder, path).map_err(refused);
        let place = match module.config.place.as_path() {
            place if place.as_os_str().is_empty() => Path::new("."),
            place => place,
        };
        work(&Environment {
            folder: &module.folder,
            place,
            root: &root.folder,
            home: self.home.as_deref(),
            now: &self.now,
            workspace: &self.workspace,
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

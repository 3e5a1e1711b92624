//! The resource types that a configuration may use, with their schemas read once.
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::shape::{self, Fields};
use crate::resource::ResourceType;

/// A list of resource types.
pub(crate) type ResourceTypes = &'static [&'static dyn ResourceType];

/// The resource types by name.
#[derive(Default)]
pub(super) struct Kinds(BTreeMap<&'static str, Kind>);

/// One resource type.
pub(super) struct Kind {
    pub resource_type: &'static dyn ResourceType,
    fields: OnceLock<Arc<Fields>>,
}

impl Kinds {
    pub(super) fn new(types: ResourceTypes) -> Self {
        let kind = |resource_type: &&'static dyn ResourceType| {
            (resource_type.name(), Kind { resource_type: *resource_type, fields: OnceLock::new() })
        };
        Self(types.iter().map(kind).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}

impl Kind {
    /// Returns the arguments of the type.
    pub(super) fn fields(&self) -> &Arc<Fields> {
        self.fields.get_or_init(|| shape::read(self.resource_type.schema().as_value()))
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

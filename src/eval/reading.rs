//! What may be asked of clusters while a configuration is evaluated.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::shape::{self, Fields};
use crate::model::{Address, Answers, Move};
use crate::resource::{DataSource, data_sources};

/// Whether clusters are asked for what `data` blocks read.
#[derive(Clone, Debug, Default)]
pub(crate) enum Reading {
    /// Nothing is asked: all that they read is unknown.
    #[default]
    Never,
    /// With what has been answered so far.
    From(Read),
}

/// What is known of clusters so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    pub answers: Answers,
    /// The resources that are up. A block that needs another one is read during apply, when that is up.
    pub up: BTreeSet<Address>,
}

impl Read {
    /// Takes what is up under its new names, too; tells whether that says more than before.
    pub(crate) fn follow(&mut self, moves: &[Move]) -> bool {
        let before = self.up.len();
        for moved in moves {
            let found: Vec<Address> = self.up.iter().filter_map(|address| moved.target(address)).collect();
            self.up.extend(found);
        }
        self.up.len() > before
    }
}

/// The data sources by name, with their schemas read once.
#[derive(Default)]
pub(super) struct Sources(BTreeMap<&'static str, Source>);

/// One data source.
pub(super) struct Source {
    pub data_source: &'static dyn DataSource,
    fields: OnceLock<Arc<Fields>>,
}

impl Sources {
    pub(super) fn all() -> Self {
        let source = |data_source: &&'static dyn DataSource| {
            (data_source.name(), Source { data_source: *data_source, fields: OnceLock::new() })
        };
        Self(data_sources().iter().map(source).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Source> {
        self.0.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl Source {
    /// Returns the arguments of the data source.
    pub(super) fn fields(&self) -> &Arc<Fields> {
        self.fields.get_or_init(|| shape::read(self.data_source.schema().as_value()))
    }
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

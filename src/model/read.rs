//! What is asked of a cluster on behalf of `data` blocks, and what came of it.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Address, ClusterName, Diagnostic, Kind, Object, Value};

/// One question of a `data` block to one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Read {
    pub cluster: ClusterName,
    pub question: Question,
}

/// Which objects are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    pub kind: Kind,
    /// Of a kind that has namespaces; where none is named, the default one of the connection.
    pub namespace: Option<String>,
    pub which: Which,
}

/// Which objects of a kind are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// The one of this name.
    Named(String),
    /// All that a label selector picks; an empty one picks all.
    Labelled(String),
}

/// What was found, or why nothing can be: the kind is not served, or may not be read.
pub(crate) type Answer = Result<Vec<Object>, String>;

/// What was found, by question.
pub(crate) type Answers = BTreeMap<Read, Answer>;

/// Why something cannot be evaluated during apply.
#[derive(Clone, Debug)]
pub(crate) enum Unresolved {
    Mistakes(Vec<Diagnostic>),
    /// The clusters are to be asked first.
    Wants(BTreeSet<Read>),
}

impl From<Vec<Diagnostic>> for Unresolved {
    fn from(mistakes: Vec<Diagnostic>) -> Self {
        Self::Mistakes(mistakes)
    }
}

/// What is known beyond the configuration: what the resources that are up export, and what `data` blocks have read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    pub exports: BTreeMap<Address, Arc<BTreeMap<String, Value>>>,
    pub answers: Answers,
}

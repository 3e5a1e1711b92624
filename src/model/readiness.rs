//! How a live object is judged: ready, on its way, or failed for good.
use std::collections::BTreeMap;

use super::{Identity, Object};

/// The verdict on one live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Done; a note says what a reader should still know.
    Ready { note: Option<String> },
    /// On its way, with the reason that the object itself gives.
    Waiting { reason: String },
    /// Nothing that it needs is on its way, as far as can be seen: it is waited for, but not for long.
    Stalled { reason: String },
    /// It will not become ready without a change.
    Failed { reason: String },
}

/// What else is live around an object: its pods, claims' storage classes, events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub objects: &'a BTreeMap<Identity, Object>,
}

/// Judges a live object. Pure.
pub(crate) type Judge = fn(&Object, Surroundings<'_>) -> Readiness;

impl Readiness {
    /// Returns the verdict of an object that is done.
    pub(crate) fn ready() -> Self {
        Self::Ready { note: None }
    }

    /// Returns the verdict of an object that is on its way.
    pub(crate) fn waiting(reason: impl Into<String>) -> Self {
        Self::Waiting { reason: reason.into() }
    }

    /// Returns the verdict of an object that needs what is not on its way.
    pub(crate) fn stalled(reason: impl Into<String>) -> Self {
        Self::Stalled { reason: reason.into() }
    }

    /// Returns the verdict of an object that will not become ready.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self::Failed { reason: reason.into() }
    }
}

impl<'a> Surroundings<'a> {
    /// Returns the live objects of one kind in one namespace.
    pub(crate) fn of_kind(self, kind: &'a str, namespace: Option<&'a str>) -> impl Iterator<Item = &'a Object> {
        let is_meant = move |identity: &Identity| *identity.kind == *kind && identity.namespace.as_deref() == namespace;
        self.objects.iter().filter(move |(identity, _)| is_meant(identity)).map(|(_, object)| object)
    }
}

//! What a resource's `lifecycle` block asks for.
use serde::{Deserialize, Serialize};

/// What becomes of the objects when the resource is destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnDestroy {
    /// They are deleted.
    #[default]
    Delete,
    /// They stay in the cluster and are forgotten.
    Keep,
}

/// The settings of a `lifecycle` block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lifecycle {
    /// A plan that would delete or replace the resource is an error.
    pub prevent_destroy: bool,
    pub on_destroy: OnDestroy,
    /// Fields that are applied when the object is made and left alone afterwards, as field paths
    /// into the objects (`spec.replicas`, `metadata.annotations["a/b"]`); `all` is one empty path.
    pub ignore_changes: Vec<super::FieldPath>,
}

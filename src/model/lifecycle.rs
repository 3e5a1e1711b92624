//! What a resource's `lifecycle` block asks for.
use serde::{Deserialize, Serialize};

use super::{Target, Value};

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

/// What makes a resource anew: an entry of `replace_triggered_by`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trigger {
    /// Resources: when one of them is changed or replaced.
    Resources(Target),
    /// A value, by how it is written: when it is another than at the last apply.
    Value { name: String, value: Value },
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

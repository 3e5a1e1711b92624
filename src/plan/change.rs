//! The nouns of a plan: what will be done to which object, and why.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{
    Address, ClusterIdentity, ClusterName, Clusters, DesiredObject, Diagnostic, FieldPath, Graph, Identity, Import,
    Json, Kind, Lifecycle, Located, Object, Owner, Secrets, Target, Value,
};

use super::Form;

/// What a plan is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Apply,
    /// Everything is deleted.
    Destroy,
    /// Only the state is brought up to what is live.
    RefreshOnly,
}

/// What to do where another manager owns a field that we want to set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ConflictPolicy {
    /// The plan is an error that names the owner.
    #[default]
    Fail,
    /// Take the field.
    Force,
    /// Leave the field to its owner.
    Yield,
}

/// What the user asked of this plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub mode: Mode,
    pub on_conflict: ConflictPolicy,
    /// Only these and what they need; empty means everything.
    pub targets: Vec<Target>,
    pub excludes: Vec<Target>,
    pub replace: Vec<Target>,
    /// Of the command line; those of the configuration come with it.
    pub imports: Vec<Import>,
    /// Objects that exist but are not recorded are taken over instead of being an error.
    pub adopt: bool,
    /// Second flag: replacing a claim, volume, namespace or CRD is allowed.
    pub allow_data_loss: bool,
}

/// The plan: what apply will do, or it stops.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub mode: Mode,
    /// Those that anything desired or recorded lives in.
    pub clusters: Clusters<PlannedCluster>,
    pub lineage: String,
    pub serial: u64,
    /// What is renamed in the state before anything else, one after the other.
    pub moves: Vec<(Address, Address)>,
    /// Every resource that is desired or recorded.
    pub resources: BTreeMap<Address, ResourcePlan>,
    /// Needs among them: the order of apply, and reversed of deletion.
    pub graph: Graph<Address>,
    pub drift: Vec<Drift>,
    pub outputs: BTreeMap<String, OutputChange>,
    /// The `data` blocks that are read during apply, each with the resources that must be up first.
    pub deferred: BTreeMap<Address, Vec<Address>>,
    /// Warnings and remarks.
    pub diagnostics: Vec<Diagnostic>,
    pub totals: Totals,
    pub secrets: Secrets,
}

/// A cluster that a plan is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedCluster {
    pub identity: ClusterIdentity,
    /// The name by which the user chose it, where there is one.
    pub context: Option<String>,
}

/// A plan that may be applied. Only [`Plan::approve`] makes one.
#[derive(Debug)]
pub(crate) struct ApprovedPlan(Plan);

/// What happens to one resource.
#[derive(Clone, Debug)]
pub(crate) struct ResourcePlan {
    pub action: Action,
    /// Where it is to live; what leaves another cluster says so itself.
    pub cluster: ClusterName,
    /// Where it, or some object of it, was recorded before.
    pub moved_from: Option<Address>,
    /// In the order of apply; deletions in the order of deletion behind them.
    pub changes: Vec<Change>,
    /// What it costs a running Ray system, as one plain sentence.
    pub impact: Option<String>,
    pub lifecycle: Lifecycle,
    /// Salted hashes of the values that make it anew when they change; those that are not known yet are left out.
    pub triggers: BTreeMap<String, String>,
    /// Which entry of `replace_triggered_by` makes it anew.
    pub triggered_by: Option<String>,
    /// Jobs to run and wait for before anything of it is deleted.
    pub before_delete: Vec<Object>,
    /// What to record; `Value::Unknown` parts are evaluated again during apply.
    pub exports: Arc<BTreeMap<String, Value>>,
    /// Its objects are known only when these are up; apply evaluates it then.
    pub unknown_until: BTreeSet<Address>,
    /// Nothing changes in the cluster, but its needs, lifecycle, exports or jobs are to be recorded anew.
    pub is_outdated: bool,
}

/// The sum of what happens to a resource's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    NoOp,
    Create,
    Update,
    Replace,
    Delete,
    /// Recorded under another address from now on; its objects are as they were.
    Move,
    /// Taken over from its present owners, not made.
    Adopt,
    /// Forgotten, not deleted.
    Forget,
    /// Unchanged, but an earlier run did not see it ready.
    Wait,
}

/// What happens to one object.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Proven equal; costs nothing.
    Keep {
        desired: DesiredObject,
        live: Box<Object>,
    },
    /// As `Keep`, but its readiness is still to be seen.
    Wait {
        desired: DesiredObject,
        live: Box<Object>,
    },
    Create {
        desired: DesiredObject,
        validation: Validation,
    },
    Update {
        desired: DesiredObject,
        live: Box<Object>,
        fields: Vec<FieldChange>,
        /// Fields are taken from other managers: the request is bound to the live resourceVersion.
        force: bool,
        /// The object exists and was not recorded.
        adopt: bool,
    },
    Replace {
        desired: DesiredObject,
        live: Box<Object>,
        fields: Vec<FieldChange>,
        orphan_pods: bool,
    },
    Delete {
        cluster: ClusterName,
        kind: Kind,
        identity: Identity,
        uid: String,
        live: Option<Box<Object>>,
    },
    Forget {
        cluster: ClusterName,
        kind: Kind,
        identity: Identity,
    },
}

/// What the server said of an object that is to be created or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    /// A dry-run accepted it.
    Server,
    /// It cannot be asked yet, for the reason given.
    NotYet { reason: String },
}

/// One field that changes. Secret values are compared, never kept here: they are [`FieldChange::sensitive`] and null.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that are free of each other")]
pub(crate) struct FieldChange {
    pub path: FieldPath,
    /// Absent: the field is added.
    pub before: Option<Json>,
    /// Absent: the field is removed.
    pub after: Option<Json>,
    pub sensitive: bool,
    /// Known only after apply.
    pub unknown: bool,
    pub forces_replacement: bool,
    /// Who holds the field now, where that is not us.
    pub owner: Option<Owner>,
    /// Set by the server or a webhook, not by the configuration.
    pub by_server: bool,
}

/// What somebody else did to an object that we recorded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Drift {
    pub address: Address,
    pub object: Located,
    pub kind: DriftKind,
}

/// The kinds of drift.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DriftKind {
    /// The object is gone.
    Deleted,
    /// The object is to go, and waits for these finalizers. A plan says so where it meets one; `drift` alone lists them.
    Deleting { finalizers: Vec<String> },
    /// Another object bears its name: the uid differs.
    Recreated { recorded: String, live: String },
    /// Fields that we applied have other values, or other owners.
    Changed(Vec<Disagreement>),
}

/// One field on which recorded and live disagree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disagreement {
    pub path: FieldPath,
    pub recorded: Option<Json>,
    pub live: Option<Json>,
    pub sensitive: bool,
    /// Who did it; uncertain where nobody holds the field any more.
    pub owner: Option<Owner>,
    pub certain: bool,
    /// An owner that is meant to change the field (an autoscaler); shown, never repaired.
    pub expected: bool,
}

/// How an output changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutputChange {
    pub before: Option<Json>,
    /// Absent: the output is removed.
    pub after: Option<Value>,
    pub sensitive: bool,
}

/// Requested resources of all pods, before and after; CPU in thousandths, memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub cpu: (i64, i64),
    pub memory: (i64, i64),
    pub gpu: (i64, i64),
}

/// A dry-run that the plan wants made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    pub cluster: ClusterName,
    pub object: Object,
    pub force: bool,
    /// The object's namespace does not exist yet: only whether a server takes such an object is asked, elsewhere.
    pub rehearsal: bool,
    /// A new object that the server takes, if it takes another of the same form.
    pub form: Option<Form>,
}

/// What the server said to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The object as it would be.
    Accepted { object: Box<Object>, warnings: Vec<String> },
    /// Fields that other managers own, as `(field, manager message)`.
    Conflict { causes: Vec<(String, String)> },
    /// Refused: validation, quota, policy, a webhook.
    Refused { code: u16, reason: String, message: String, causes: Vec<(String, String)> },
    /// It could not be asked: a webhook without dry-run, a missing namespace or kind.
    NotPreviewable { reason: String },
}

impl Plan {
    /// Says that the plan may be applied.
    pub(crate) fn approve(self) -> ApprovedPlan {
        ApprovedPlan(self)
    }

    /// Tells whether apply would write to the state although it may leave the cluster alone.
    pub(crate) fn is_record_outdated(&self) -> bool {
        self.resources.values().any(|resource| resource.is_outdated)
    }

    /// Tells whether apply would leave the cluster and the outputs alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.resources.values().all(|resource| resource.action == Action::NoOp)
            && self.outputs.values().all(|output| !output.is_change())
    }
}

impl ResourcePlan {
    /// Returns the cluster that the resource leaves, where it moves to another one.
    pub(crate) fn leaves(&self) -> Option<&ClusterName> {
        let leaving = self.changes.iter().map(Change::cluster).find(|cluster| **cluster != self.cluster);
        leaving.filter(|_| !matches!(self.action, Action::Delete | Action::Forget))
    }
}

impl FieldChange {
    /// Returns a change at a path, of which nothing else is said yet.
    pub(crate) fn at(path: FieldPath) -> Self {
        Self {
            path,
            before: None,
            after: None,
            sensitive: false,
            unknown: false,
            forces_replacement: false,
            owner: None,
            by_server: false,
        }
    }
}

impl Change {
    /// Returns which object it is about.
    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::Delete { identity, .. } | Self::Forget { identity, .. } => identity.clone(),
            Self::Keep { desired, .. }
            | Self::Wait { desired, .. }
            | Self::Create { desired, .. }
            | Self::Update { desired, .. }
            | Self::Replace { desired, .. } => desired.object.identity(),
        }
    }

    /// Returns the cluster that it happens in.
    pub(crate) fn cluster(&self) -> &ClusterName {
        match self {
            Self::Delete { cluster, .. } | Self::Forget { cluster, .. } => cluster,
            Self::Keep { desired, .. }
            | Self::Wait { desired, .. }
            | Self::Create { desired, .. }
            | Self::Update { desired, .. }
            | Self::Replace { desired, .. } => &desired.cluster,
        }
    }

    /// Returns which object it is about, and where.
    pub(crate) fn located(&self) -> Located {
        Located::new(self.cluster(), self.identity())
    }

    /// Returns what is wanted, where anything is.
    pub(crate) fn desired(&self) -> Option<&DesiredObject> {
        match self {
            Self::Keep { desired, .. }
            | Self::Wait { desired, .. }
            | Self::Create { desired, .. }
            | Self::Update { desired, .. }
            | Self::Replace { desired, .. } => Some(desired),
            Self::Delete { .. } | Self::Forget { .. } => None,
        }
    }

    /// Returns what is there, where it was seen.
    pub(crate) fn live(&self) -> Option<&Object> {
        match self {
            Self::Keep { live, .. }
            | Self::Wait { live, .. }
            | Self::Update { live, .. }
            | Self::Replace { live, .. } => Some(live),
            Self::Delete { live, .. } => live.as_deref(),
            Self::Create { .. } | Self::Forget { .. } => None,
        }
    }

    /// Tells whether nothing changes but which resource the object belongs to.
    pub(crate) fn is_relabelling(&self) -> bool {
        let is_address =
            |field: &FieldChange| field.path == FieldPath::fields(&["metadata", "annotations", super::ADDRESS]);
        match self {
            Self::Keep { .. } => true,
            Self::Update { fields, adopt: false, .. } => !fields.is_empty() && fields.iter().all(is_address),
            _ => false,
        }
    }

    /// Returns the fields that change; none where the whole object comes or goes.
    pub(crate) fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Update { fields, .. } | Self::Replace { fields, .. } => fields,
            _ => &[],
        }
    }
}

impl ApprovedPlan {
    /// Returns what was approved, and ends the approval.
    pub(crate) fn into_plan(self) -> Plan {
        self.0
    }
}

impl OutputChange {
    /// Tells whether the output differs from what is recorded.
    pub(crate) fn is_change(&self) -> bool {
        match (&self.before, &self.after) {
            (None, None) => false,
            (Some(before), Some(after)) => Value::from(before) != *after.unmark().0,
            _ => true,
        }
    }
}

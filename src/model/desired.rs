//! What the configuration asks for, resource by resource.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Address, ClusterName, Diagnostic, Graph, Import, Judge, Lifecycle, Located, Move, Object, Removal, Secrets, Span,
    Trigger, Value,
};

/// Everything that the configuration asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desired {
    pub resources: BTreeMap<Address, DesiredResource>,
    /// What must be up before what; every resource is a node.
    pub graph: Graph<Address>,
    pub outputs: BTreeMap<String, Output>,
    /// Every `resource` block, its modules' calls and itself without keys.
    pub declared: BTreeSet<Address>,
    pub moves: Vec<Move>,
    pub removals: Vec<Removal>,
    pub imports: Vec<Import>,
    /// The `data` blocks that are read during apply, for what they need is not up yet.
    pub deferred: BTreeMap<Address, Deferred>,
    /// Every secret text that the evaluation met.
    pub secrets: Secrets,
    /// Warnings and remarks. Errors never get this far.
    pub diagnostics: Vec<Diagnostic>,
}

/// A `data` block that is read during apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deferred {
    /// The clusters that are read.
    pub clusters: BTreeSet<ClusterName>,
    /// The resources that must be up first; none where what is to be read is known only during apply.
    pub until: Vec<Address>,
}

/// The value of an `output` block.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub value: Value,
    pub sensitive: bool,
}

/// One instance of a `resource` block.
#[derive(Clone, Debug)]
pub(crate) struct DesiredResource {
    pub address: Address,
    /// The block's first line.
    pub span: Span,
    /// Where its objects are to live.
    pub cluster: ClusterName,
    pub lifecycle: Lifecycle,
    pub triggers: Vec<Trigger>,
    pub objects: Objects,
    pub exports: Exports,
    /// One plain sentence on what rolling the pods does to a running Ray system.
    pub on_restart: Option<String>,
    /// One plain sentence on what deleting it does to a running Ray system.
    pub on_delete: Option<String>,
    /// Jobs to run and wait for before the objects are deleted; recorded in the state, so no secrets.
    pub before_delete: Vec<Object>,
}

/// The objects that a resource stands for.
#[derive(Clone, Debug)]
pub(crate) enum Objects {
    /// In the order in which they are applied.
    Known(Vec<DesiredObject>),
    /// Which objects there will be is known only when these resources are up.
    Unknown { until: BTreeSet<Address> },
}

/// What other resources can refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exports {
    pub address: Address,
    /// Shared with the plan and with every value that stands for the resource.
    pub values: Arc<BTreeMap<String, Value>>,
}

/// One object that the configuration asks for.
#[derive(Clone, Debug)]
pub(crate) struct DesiredObject {
    /// In canonical form once it has gone through `ssa::canonical`.
    pub object: Object,
    /// The cluster of its resource; the plan sets it.
    pub cluster: ClusterName,
    /// The line to blame for it.
    pub span: Span,
    /// Where in the value at that line, such as `line 12 of the text`; empty where there is no more to say.
    pub place: String,
    /// JSON pointers to the fields that are known only after apply; they hold [`UNKNOWN`] text.
    pub unknown: BTreeSet<String>,
    /// JSON pointers to the fields that must not be shown. All of a Secret's data is, with or without.
    pub sensitive: BTreeSet<String>,
    /// Fields inside atomic nodes that another actor owns.
    pub carried: Vec<Carried>,
    /// JSON pointers into a Secret's `data` to values that are made once and live in the cluster alone.
    pub generated: BTreeMap<String, Generated>,
    pub judge: Judge,
    /// Whether apply waits until it is ready. On by default.
    pub wait: bool,
}

/// A field of the items of an atomic list that is taken over from the live object and not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// JSON pointer to the list, such as `/spec/workerGroupSpecs`.
    pub list: String,
    /// The field by which items are matched, such as `groupName`.
    pub key: String,
    /// The field that the other actor owns, such as `replicas`; `/` leads deeper.
    pub field: String,
}

/// A random text, made when the live object does not hold one yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    /// How many characters of `A-Z a-z 0-9`.
    pub length: usize,
}

/// Stands in a text of which some part is known only after apply.
///
/// A private-use character: a text that holds it came from an unknown value. Resource types may
/// join such texts with others; `eval` finds them in the finished objects.
pub(crate) const UNKNOWN: &str = "\u{F8FF}unknown\u{F8FF}";

impl DesiredObject {
    /// Returns an object that is wholly known, shown, ours, and waited for.
    pub(crate) fn new(object: Object, span: Span, judge: Judge) -> Self {
        Self {
            object,
            cluster: ClusterName::default(),
            span,
            place: String::new(),
            unknown: BTreeSet::new(),
            sensitive: BTreeSet::new(),
            carried: Vec::new(),
            generated: BTreeMap::new(),
            judge,
            wait: true,
        }
    }

    /// Returns which object it is, and where.
    pub(crate) fn located(&self) -> Located {
        Located::new(&self.cluster, self.object.identity())
    }
}

impl Objects {
    /// Returns the objects that are known.
    pub(crate) fn known(&self) -> &[DesiredObject] {
        match self {
            Self::Known(objects) => objects,
            Self::Unknown { .. } => &[],
        }
    }
}

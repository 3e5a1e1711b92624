//! The top-level blocks of a configuration, checked: names, labels, attributes. Nothing is evaluated.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::ir::{Attribute, Body, Expression};
use super::module::Source;
use crate::model::{Clusters, Lifecycle, Move, Removal, Span};

/// All blocks of one folder, which is one module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// Where the files lie.
    pub folder: PathBuf,
    /// The same from the folder of the root module; empty for the root module.
    pub place: PathBuf,
    pub variables: BTreeMap<Arc<str>, Variable>,
    pub locals: BTreeMap<Arc<str>, Attribute>,
    pub outputs: BTreeMap<Arc<str>, OutputBlock>,
    /// By type and name.
    pub resources: BTreeMap<(Arc<str>, Arc<str>), ResourceBlock>,
    /// By type and name.
    pub data: BTreeMap<(Arc<str>, Arc<str>), DataBlock>,
    /// The one without a label, and the alternatives.
    pub clusters: Clusters<ClusterBlock>,
    pub modules: BTreeMap<Arc<str>, ModuleBlock>,
    /// What each of `modules` calls; each folder was read once.
    pub children: BTreeMap<Arc<str>, Arc<Config>>,
    pub moves: Vec<Move>,
    pub removals: Vec<Removal>,
    pub imports: Vec<ImportBlock>,
    pub checks: BTreeMap<Arc<str>, CheckBlock>,
}

/// A `variable` block.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub header: Span,
    pub constraint: Option<Expression>,
    pub default: Option<Expression>,
    pub description: Option<String>,
    pub sensitive: bool,
    /// On by default, as in Terraform.
    pub nullable: bool,
    pub validations: Vec<Condition>,
}

/// A condition that must hold, and what to say when it does not.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub condition: Expression,
    pub message: Expression,
}

/// An `output` block.
#[derive(Clone, Debug)]
pub(crate) struct OutputBlock {
    pub header: Span,
    pub value: Expression,
    pub sensitive: bool,
    pub depends_on: Vec<Expression>,
    pub preconditions: Vec<Condition>,
}

/// A `resource` block: what every resource may say, apart from the arguments of its type.
#[derive(Clone, Debug)]
pub(crate) struct ResourceBlock {
    pub resource_type: Arc<str>,
    pub type_span: Span,
    pub name: Arc<str>,
    pub header: Span,
    pub repetition: Repetition,
    /// Which cluster it lives in, where it says so.
    pub cluster: Option<Expression>,
    pub depends_on: Vec<Expression>,
    pub allow_checks: Vec<(String, Span)>,
    pub lifecycle: Lifecycle,
    pub preconditions: Vec<Condition>,
    /// With `self`.
    pub postconditions: Vec<Condition>,
    /// References, of `replace_triggered_by`.
    pub triggers: Vec<Expression>,
    pub arguments: Body,
}

/// A `data` block: what it may say apart from the arguments of its type.
#[derive(Clone, Debug)]
pub(crate) struct DataBlock {
    pub data_type: Arc<str>,
    pub type_span: Span,
    pub name: Arc<str>,
    pub header: Span,
    /// The `check` block that it stands in: nothing outside of that one may refer to it, and what fails only warns.
    pub check: Option<Arc<str>>,
    pub repetition: Repetition,
    /// Which cluster is read, where it says so.
    pub cluster: Option<Expression>,
    pub depends_on: Vec<Expression>,
    pub preconditions: Vec<Condition>,
    /// With `self`.
    pub postconditions: Vec<Condition>,
    pub arguments: Body,
}

/// An `import` block.
#[derive(Clone, Debug)]
pub(crate) struct ImportBlock {
    /// A reference; its keys may be expressions.
    pub to: Expression,
    pub id: Expression,
    pub for_each: Option<Expression>,
}

/// A `check` block: what should hold, and only warns where it does not.
#[derive(Clone, Debug)]
pub(crate) struct CheckBlock {
    pub header: Span,
    pub asserts: Vec<Condition>,
}

/// How many instances a block has.
#[derive(Clone, Debug, Default)]
pub(crate) enum Repetition {
    #[default]
    Once,
    Count(Expression),
    ForEach(Expression),
}

/// A `module` block: a call of another folder's configuration.
#[derive(Clone, Debug)]
pub(crate) struct ModuleBlock {
    pub header: Span,
    pub source: Source,
    pub source_span: Span,
    pub repetition: Repetition,
    /// The cluster of all its resources that say none, where it says so.
    pub cluster: Option<Expression>,
    pub depends_on: Vec<Expression>,
    /// Values for the variables of the module.
    pub inputs: Vec<Attribute>,
}

/// A `cluster` block.
#[derive(Clone, Debug)]
pub(crate) struct ClusterBlock {
    pub header: Span,
    pub kubeconfig: Option<Expression>,
    pub context: Option<Expression>,
}

impl Repetition {
    /// Returns the expression that says how often.
    pub(crate) fn expression(&self) -> Option<&Expression> {
        match self {
            Self::Once => None,
            Self::Count(expression) | Self::ForEach(expression) => Some(expression),
        }
    }
}

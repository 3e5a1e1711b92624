//! A configuration and its variables into what is desired.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::clusters::{self, ClusterSettings};
use super::inputs;
use super::kinds::{Kinds, ResourceTypes};
use super::module_instances::{InstanceId, ModuleInstances};
use super::modules::Modules;
use super::nodes::{self, Item, NodeId, Nodes};
use super::reading::Reading;
use super::referrers::Referrers;
use super::text::{described, to_text};
use super::world::World;
use super::{calls_of_modules, json_blocks, root_only};
use crate::config::ir::Expression;
use crate::config::{Assignment, Config, sorted};
use crate::model::{Address, Clusters, Desired, Diagnostic, Move, Read, Secrets, Value, nearest, on_large_stack};
use crate::resource;

/// What a configuration is evaluated with.
#[derive(Clone)]
pub(crate) struct Inputs {
    /// The weakest first, as `config::variables` returns them.
    pub assignments: Vec<Assignment>,
    /// When the plan is made, RFC 3339.
    pub now: String,
    /// The user's home folder, where it is known.
    pub home: Option<PathBuf>,
    /// The workspace that is worked in, as `rayform.workspace` gives it.
    pub workspace: String,
    /// Usually `resource::all()`.
    pub resource_types: ResourceTypes,
    pub reading: Reading,
}

/// What a configuration says.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub desired: Desired,
    /// Every cluster that a resource may choose.
    pub clusters: Clusters<ClusterSettings>,
    pub(super) world: World,
    pub(super) instances: ModuleInstances,
    pub(super) nodes: Nodes,
}

/// One evaluation, perhaps without all answers that it wants.
#[derive(Debug)]
pub(crate) struct Pass {
    /// Of no use while something is wanted.
    pub result: Result<Evaluation, Vec<Diagnostic>>,
    /// What `data` blocks want to ask.
    pub wanted: BTreeSet<Read>,
    /// Every cluster that a resource may choose.
    pub clusters: Clusters<ClusterSettings>,
    pub moves: Vec<Move>,
}

/// Evaluates everything. Every mistake is reported, by file and place.
///
/// Adds the secrets that it met, for what is said of mistakes must not show them.
pub(crate) fn evaluate(
    config: &Arc<Config>,
    inputs: &Inputs,
    secrets: &mut Secrets,
) -> Result<Evaluation, Vec<Diagnostic>> {
    pass(config, inputs, secrets).result
}

/// Evaluates everything as far as it is answered what `data` blocks ask.
pub(crate) fn pass(config: &Arc<Config>, inputs: &Inputs, secrets: &mut Secrets) -> Pass {
    inputs::remember_given(config, &inputs.assignments, secrets);
    let prepared = on_large_stack(|| {
        let config = json_blocks::found(config, inputs.resource_types)?;
        Modules::new(&config).map_err(|diagnostic| vec![*diagnostic])
    });
    match prepared {
        Ok(modules) => on_large_stack(|| Evaluator::new(modules, inputs).run(inputs, secrets)),
        Err(found) => {
            Pass { result: Err(found), wanted: BTreeSet::new(), clusters: Clusters::new(), moves: Vec::new() }
        }
    }
}

/// An evaluation under way.
pub(super) struct Evaluator<'a> {
    pub world: World,
    /// The values given to the variables of the root module.
    pub given: BTreeMap<&'a str, &'a Assignment>,
    pub instances: ModuleInstances,
    pub desired: Desired,
    pub diagnostics: Vec<Diagnostic>,
    /// What has mistakes, or needs something that has; by node.
    pub tainted: Vec<bool>,
    /// What is a `data` block that is never read, or needs one; by node.
    unread: Vec<bool>,
    /// The node that is being evaluated is one of these.
    pub is_unread: bool,
    /// What `data` blocks want to ask.
    pub wanted: BTreeSet<Read>,
    /// Resources that are not up yet, and that `data` blocks need.
    pub awaited: BTreeSet<Address>,
}

impl<'a> Evaluator<'a> {
    fn new(modules: Modules, inputs: &Inputs) -> Self {
        let kinds = Kinds::new(inputs.resource_types);
        let referrers = Referrers::find(&modules, &kinds);
        Self {
            world: World::new(modules, kinds, referrers, inputs),
            given: BTreeMap::new(),
            instances: ModuleInstances::new(),
            desired: Desired::default(),
            diagnostics: Vec::new(),
            tainted: Vec::new(),
            unread: Vec::new(),
            is_unread: false,
            wanted: BTreeSet::new(),
            awaited: BTreeSet::new(),
        }
    }

    fn run(mut self, inputs: &'a Inputs, secrets: &mut Secrets) -> Pass {
        let root = self.world.modules.root().config.clone();
        self.check_types();
        self.check_sources();
        calls_of_modules::check(&self.world.modules, &mut self.diagnostics);
        self.given = inputs::given(&root, &inputs.assignments, &mut self.diagnostics);
        let nodes = nodes::nodes(&self.world.modules, &self.world.kinds.names(), &mut self.diagnostics);
        let mut clusters = Clusters::new();
        if let Some(nodes) = &nodes {
            root_only::check(&self.world, nodes, &mut self.diagnostics);
            self.tainted = vec![false; nodes.len()];
            self.unread = vec![false; nodes.len()];
            for id in &nodes.order {
                self.node(*id, nodes);
            }
            clusters = clusters::settings(&root, &mut |expression| self.text(expression));
            self.refactor();
        }
        if !self.diagnostics.iter().any(Diagnostic::is_error) {
            self.look_at_all();
            self.check_all();
        }
        let diagnostics = sorted(std::mem::take(&mut self.diagnostics));
        secrets.extend(self.desired.secrets.clone());
        let (wanted, moves) = (std::mem::take(&mut self.wanted), self.desired.moves.clone());
        let known = clusters.clone();
        let result = match nodes {
            Some(nodes) if !diagnostics.iter().any(Diagnostic::is_error) => {
                self.desired.diagnostics = diagnostics;
                let Self { desired, world, instances, .. } = self;
                Ok(Evaluation { desired, clusters, world, instances, nodes })
            }
            _ => Err(diagnostics),
        };
        Pass { result, wanted, clusters: known, moves }
    }

    /// Evaluates one node in every instance of its module.
    fn node(&mut self, id: NodeId, nodes: &Nodes) {
        let is_tainted = nodes.broken.contains(&id) || nodes.graph.needs(&id).any(|need| self.tainted[need.index()]);
        let is_never_read = matches!((&nodes.get(id).item, &self.world.reading), (Item::Data(..), Reading::Never));
        self.is_unread = is_never_read || nodes.graph.needs(&id).any(|need| self.unread[need.index()]);
        self.unread[id.index()] = self.is_unread;
        let is_right = self.evaluate_node(nodes.get(id), is_tainted);
        self.tainted[id.index()] = is_tainted || !is_right;
    }

    /// Does and checks what needs all resources side by side.
    fn look_at_all(&mut self) {
        resource::annotate_checksums(&mut self.desired);
        let modules = &self.world.modules;
        let is_allowed = |(address, finding): &(Address, Diagnostic)| {
            let allowed = modules.resource(address).map(|block| block.allow_checks.as_slice()).unwrap_or_default();
            !finding.is_error() && finding.code.is_some_and(|code| allowed.iter().any(|(it, _)| it == code))
        };
        let findings = resource::findings(&self.desired).into_iter().filter(|finding| !is_allowed(finding));
        self.diagnostics.extend(findings.map(|(_, diagnostic)| diagnostic));
    }

    fn check_types(&mut self) {
        for (_, module) in self.world.modules.all() {
            for block in module.config.resources.values() {
                let name = &*block.resource_type;
                if self.world.kinds.get(name).is_none() {
                    let message = format!("there is no resource type `{name}`");
                    let diagnostic = Diagnostic::error(message).at(block.type_span);
                    self.diagnostics.push(match nearest(name, self.world.kinds.names()) {
                        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
                        None => diagnostic.hint("`rayform schema` lists them; `manifest` takes any object"),
                    });
                }
            }
        }
    }

    fn text(&mut self, expression: &Expression) -> Option<String> {
        let value = self.value(InstanceId::ROOT, expression)?;
        match value.unmark().0 {
            Value::Null => None,
            Value::Unknown if self.diagnostics.iter().any(Diagnostic::is_error) => None,
            Value::Unknown => {
                let message = "where a cluster is must be known before anything is asked of it";
                let hint = "let it depend on variables, not on resources or on what is read from a cluster";
                self.diagnostics.push(Diagnostic::error(message).at(expression.span).hint(hint));
                None
            }
            bare => {
                let text = to_text(bare).map(|text| text.to_string());
                if text.is_none() {
                    let message = format!("a text is needed here, not {}", described(bare));
                    self.diagnostics.push(Diagnostic::error(message).at(expression.span));
                }
                text
            }
        }
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").field("now", &self.now).finish_non_exhaustive()
    }
}

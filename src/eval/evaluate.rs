//! A configuration and its variables into what is desired.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::clusters::{self, ClusterSettings};
use super::inputs;
use super::kinds::{Kinds, ResourceTypes};
use super::module_instances::{InstanceId, ModuleInstances};
use super::modules::Modules;
use super::nodes::{self, NodeId, Nodes};
use super::referrers::Referrers;
use super::text::{described, to_text};
use super::world::World;
use super::{calls_of_modules, json_blocks, root_only};
use crate::config::ir::Expression;
use crate::config::{Assignment, Config, on_large_stack, sorted};
use crate::model::{Address, Clusters, Desired, Diagnostic, Secrets, Value, nearest};
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

/// The resources that are up, with what they export.
pub(crate) type Known = BTreeMap<Address, BTreeMap<String, Value>>;

/// Evaluates everything. Every mistake is reported, by file and place.
///
/// Adds the secrets that it met, for what is said of mistakes must not show them.
pub(crate) fn evaluate(
    config: &Arc<Config>,
    inputs: &Inputs,
    secrets: &mut Secrets,
) -> Result<Evaluation, Vec<Diagnostic>> {
    inputs::remember_given(config, &inputs.assignments, secrets);
    on_large_stack(|| {
        let config = json_blocks::found(config, inputs.resource_types)?;
        let modules = Modules::new(&config).map_err(|diagnostic| vec![*diagnostic])?;
        Evaluator::new(modules, inputs).run(inputs, secrets)
    })
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
        }
    }

    fn run(mut self, inputs: &'a Inputs, secrets: &mut Secrets) -> Result<Evaluation, Vec<Diagnostic>> {
        let root = self.world.modules.root().config.clone();
        self.check_types();
        calls_of_modules::check(&self.world.modules, &mut self.diagnostics);
        self.given = inputs::given(&root, &inputs.assignments, &mut self.diagnostics);
        let nodes = nodes::nodes(&self.world.modules, &self.world.kinds.names(), &mut self.diagnostics);
        let mut clusters = Clusters::new();
        if let Some(nodes) = &nodes {
            root_only::check(&self.world, nodes, &mut self.diagnostics);
            self.tainted = vec![false; nodes.len()];
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
        match nodes {
            Some(nodes) if !diagnostics.iter().any(Diagnostic::is_error) => {
                self.desired.diagnostics = diagnostics;
                let Self { desired, world, instances, .. } = self;
                Ok(Evaluation { desired, clusters, world, instances, nodes })
            }
            _ => Err(diagnostics),
        }
    }

    /// Evaluates one node in every instance of its module.
    fn node(&mut self, id: NodeId, nodes: &Nodes) {
        let is_tainted = nodes.broken.contains(&id) || nodes.graph.needs(&id).any(|need| self.tainted[need.index()]);
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
            Value::Null | Value::Unknown => None,
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

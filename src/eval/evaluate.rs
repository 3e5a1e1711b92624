//! A configuration and its variables into what is desired.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::expand::{Request, expand};
use super::expression::evaluate as evaluate_expression;
use super::inputs;
use super::inspect::inspect;
use super::instances::{instances, not_known};
use super::kinds::{Kinds, ResourceTypes};
use super::needs::Needs;
use super::nodes::{self, Node, Nodes};
use super::referrers::Referrers;
use super::scope::{Instance, Roots, Scope};
use super::text::to_text;
use super::world::{World, scope};
use crate::config::ir::Expression;
use crate::config::{Assignment, Config, ResourceBlock, on_large_stack, sorted};
use crate::model::{Address, Desired, Diagnostic, Exports, Output, Secrets, Value, nearest};
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
    /// Usually `resource::all()`.
    pub resource_types: ResourceTypes,
}

/// What a configuration says.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub desired: Desired,
    pub cluster: ClusterSettings,
    pub(super) world: World,
    pub(super) roots: Roots,
    pub(super) nodes: Nodes,
}

/// What the `cluster` block says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterSettings {
    pub kubeconfig: Option<String>,
    pub context: Option<String>,
}

/// Evaluates everything. Every mistake is reported, by file and place.
pub(crate) fn evaluate(config: &Arc<Config>, inputs: &Inputs) -> Result<Evaluation, Vec<Diagnostic>> {
    on_large_stack(|| Evaluator::new(config, inputs).run(&inputs.assignments))
}

struct Evaluator {
    world: World,
    roots: Roots,
    desired: Desired,
    diagnostics: Vec<Diagnostic>,
    /// What has mistakes, or needs something that has.
    tainted: BTreeSet<Node>,
    /// Variables with mistakes.
    broken: BTreeSet<Arc<str>>,
}

impl Evaluator {
    fn new(config: &Arc<Config>, inputs: &Inputs) -> Self {
        let kinds = Kinds::new(inputs.resource_types);
        let world = World {
            referrers: Referrers::find(config, &kinds),
            config: config.clone(),
            kinds,
            now: inputs.now.clone(),
            home: inputs.home.clone(),
            folder: crate::config::absolute(&config.folder),
        };
        Self {
            world,
            roots: Roots::default(),
            desired: Desired::default(),
            diagnostics: Vec::new(),
            tainted: BTreeSet::new(),
            broken: BTreeSet::new(),
        }
    }

    fn run(mut self, assignments: &[Assignment]) -> Result<Evaluation, Vec<Diagnostic>> {
        let config = self.world.config.clone();
        self.check_types(&config);
        let nodes = nodes::nodes(&config, &self.world.kinds.names(), &mut self.diagnostics);
        (self.roots.variables, self.broken) = inputs::variables(&config, assignments, &mut self.diagnostics);
        self.remember_secrets();
        let mut cluster = ClusterSettings::default();
        if let Some(nodes) = &nodes {
            self.tainted.extend(nodes.broken.iter().cloned());
            self.validate(&config);
            let needs = Needs::find(&config, nodes);
            for node in &nodes.order {
                self.node(&config, node, nodes, &needs);
            }
            cluster = self.cluster(&config);
        }
        if !self.diagnostics.iter().any(Diagnostic::is_error) {
            self.look_at_all(&config);
        }
        let diagnostics = sorted(std::mem::take(&mut self.diagnostics));
        match nodes {
            Some(nodes) if !diagnostics.iter().any(Diagnostic::is_error) => {
                self.desired.diagnostics = diagnostics;
                Ok(Evaluation { desired: self.desired, cluster, world: self.world, roots: self.roots, nodes })
            }
            _ => Err(diagnostics),
        }
    }

    /// Does and checks what needs all resources side by side.
    fn look_at_all(&mut self, config: &Config) {
        resource::annotate_checksums(&mut self.desired);
        let is_allowed = |(address, finding): &(Address, Diagnostic)| {
            let key = (Arc::from(address.resource_type.as_str()), Arc::from(address.name.as_str()));
            let allowed = config.resources.get(&key).map(|block| block.allow_checks.as_slice()).unwrap_or_default();
            !finding.is_error() && finding.code.is_some_and(|code| allowed.iter().any(|(it, _)| it == code))
        };
        let findings = resource::findings(&self.desired).into_iter().filter(|finding| !is_allowed(finding));
        self.diagnostics.extend(findings.map(|(_, diagnostic)| diagnostic));
    }

    fn check_types(&mut self, config: &Config) {
        for block in config.resources.values() {
            let name = &*block.resource_type;
            if self.world.kinds.get(name).is_none() {
                let diagnostic = Diagnostic::error(format!("there is no resource type `{name}`")).at(block.type_span);
                self.diagnostics.push(match nearest(name, self.world.kinds.names()) {
                    Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
                    None => diagnostic.hint("`rayform schema` lists them; `manifest` takes any object"),
                });
            }
        }
    }

    fn remember_secrets(&mut self) {
        for value in self.roots.variables.values() {
            remember(value, false, &mut self.desired.secrets);
        }
    }

    fn validate(&mut self, config: &Config) {
        let (world, roots, broken) = (&self.world, &self.roots, &self.broken);
        let diagnostics = &mut self.diagnostics;
        world.within(|environment| inputs::validate(config, broken, &scope(roots, environment), diagnostics));
    }

    fn node(&mut self, config: &Config, node: &Node, nodes: &Nodes, needs: &Needs) {
        let is_tainted = nodes.graph.needs(node).any(|need| self.tainted.contains(need))
            || needs.variables(node).any(|variable| self.broken.contains(variable));
        if is_tainted {
            self.tainted.insert(node.clone());
        }
        match node {
            Node::Local(name) => {
                let value = config.locals.get(name).map(|local| self.local(&local.value, node));
                self.roots.locals.insert(name.clone(), value.unwrap_or(Value::Unknown));
            }
            Node::Output(name) => self.output(config, name, node),
            Node::Resource(resource_type, name) => {
                if let Some(block) = config.resources.get(&(resource_type.clone(), name.clone())) {
                    let value = self.resource(block, node, needs).unwrap_or_else(|| {
                        self.tainted.insert(node.clone());
                        Value::Unknown
                    });
                    self.roots.resources.entry(resource_type.clone()).or_default().insert(name.clone(), value);
                }
            }
        }
    }

    fn local(&mut self, expression: &Expression, node: &Node) -> Value {
        if self.tainted.contains(node) {
            return Value::Unknown;
        }
        self.value(expression).unwrap_or_else(|| {
            self.tainted.insert(node.clone());
            Value::Unknown
        })
    }

    /// Evaluates an expression that stands in no instance; a mistake is reported.
    fn value(&mut self, expression: &Expression) -> Option<Value> {
        let (world, roots) = (&self.world, &self.roots);
        let result = world.within(|environment| evaluate_expression(expression, &scope(roots, environment), None));
        let value = match result {
            Ok(value) => value,
            Err(failure) => {
                self.diagnostics.push(*failure);
                return None;
            }
        };
        if let Err(error) = inspect(&value) {
            self.diagnostics.push(Diagnostic::error(error.to_string()).at(expression.span));
            return None;
        }
        remember(&value, false, &mut self.desired.secrets);
        Some(value)
    }

    fn output(&mut self, config: &Config, name: &Arc<str>, node: &Node) {
        let Some(block) = config.outputs.get(name).filter(|_| !self.tainted.contains(node)) else { return };
        let Some(value) = self.value(&block.value) else { return };
        let (world, roots) = (&self.world, &self.roots);
        let found: Vec<Diagnostic> = world.within(|environment| {
            let scope = scope(roots, environment);
            block
                .preconditions
                .iter()
                .filter_map(|check| inputs::check(check, &format!("output `{name}`"), &scope))
                .collect()
        });
        self.diagnostics.extend(found);
        let (bare, inside) = super::inspect::unmark_deep(&value);
        if inside && !block.sensitive {
            let diagnostic = Diagnostic::error(format!("output `{name}` shows a sensitive value")).at(block.value.span);
            let hint = "write `sensitive = true`, or `nonsensitive(…)` where it may be shown";
            self.diagnostics.push(diagnostic.hint(hint));
        }
        if block.sensitive {
            remember(&bare, true, &mut self.desired.secrets);
        }
        let value = if block.sensitive { bare.sensitive() } else { bare };
        let output = Output { value, sensitive: block.sensitive };
        self.desired.outputs.insert(name.to_string(), output);
    }

    /// Evaluates all instances of a block, and returns what others refer to; nothing where there is a mistake.
    fn resource(&mut self, block: &ResourceBlock, node: &Node, needs: &Needs) -> Option<Value> {
        let is_tainted = self.tainted.contains(node);
        let found = {
            let (world, roots) = (&self.world, &self.roots);
            world.within(|environment| instances(&block.repetition, &scope(roots, environment)))
        };
        let instances = match found {
            Ok(Some(instances)) => instances,
            Ok(None) => {
                self.diagnostics.extend(not_known(&block.repetition).filter(|_| !is_tainted));
                self.check_only(block);
                return None;
            }
            Err(failure) => {
                self.diagnostics.push(*failure);
                self.check_only(block);
                return None;
            }
        };
        let mut exports = Vec::with_capacity(instances.len());
        for instance in &instances {
            exports.push(self.instance(block, instance, is_tainted, needs));
        }
        collect(&instances, exports).filter(|_| !is_tainted)
    }

    /// Checks the names in a block whose instances are not known.
    fn check_only(&mut self, block: &ResourceBlock) {
        let instance = Instance::Each { key: Value::Unknown, value: Value::Unknown };
        self.instance(block, &instance, true, &Needs::default());
    }

    fn instance(
        &mut self,
        block: &ResourceBlock,
        instance: &Instance,
        checks_only: bool,
        needs: &Needs,
    ) -> Option<Arc<Exports>> {
        let address = Address { key: instance.key(), ..Address::root(&block.resource_type, &block.name) };
        let (world, roots, desired) = (&self.world, &self.roots, &self.desired);
        let kind = world.kinds.get(&block.resource_type)?;
        let (expanded, direct) = world.within(|environment| {
            let scope = Scope { instance, ..scope(roots, environment) };
            let direct = needs.of_instance(block, &scope, desired);
            let until = direct.iter().filter(|need| !is_settled(desired, need)).cloned().collect();
            let referrers = world.referrers.of(block, address.key.as_ref());
            let request = Request { block, kind, address: &address, referrers: &referrers, until: &until, checks_only };
            (expand(request, &scope), direct)
        });
        self.diagnostics.extend(expanded.diagnostics);
        self.desired.secrets.extend(expanded.secrets);
        let resource = expanded.resource?;
        let exports = Arc::new(resource.exports.clone());
        self.desired.graph.add(address.clone());
        for need in direct {
            self.desired.graph.depend(address.clone(), need);
        }
        self.desired.resources.insert(address, resource);
        Some(exports)
    }

    fn cluster(&mut self, config: &Config) -> ClusterSettings {
        let Some(block) = &config.cluster else { return ClusterSettings::default() };
        ClusterSettings {
            kubeconfig: block.kubeconfig.as_ref().and_then(|expression| self.text(expression)),
            context: block.context.as_ref().and_then(|expression| self.text(expression)),
        }
    }

    fn text(&mut self, expression: &Expression) -> Option<String> {
        let value = self.value(expression)?;
        match value.unmark().0 {
            Value::Null | Value::Unknown => None,
            bare => {
                let text = to_text(bare).map(|text| text.to_string());
                if text.is_none() {
                    let message = format!("a text is needed here, not {}", super::text::described(bare));
                    self.diagnostics.push(Diagnostic::error(message).at(expression.span));
                }
                text
            }
        }
    }
}

/// Tells whether nothing in a resource waits for an apply.
fn is_settled(desired: &Desired, address: &Address) -> bool {
    desired.resources.get(address).is_none_or(|resource| {
        matches!(resource.objects, crate::model::Objects::Known(_))
            && resource.exports.values.values().all(Value::is_wholly_known)
    })
}

/// Returns what a block is to others: a resource, or a list or map of them.
pub(super) fn collect(instances: &[Instance], exports: Vec<Option<Arc<Exports>>>) -> Option<Value> {
    let exports: Vec<Value> = exports.into_iter().map(|exports| exports.map(Value::Resource)).collect::<Option<_>>()?;
    match instances {
        [Instance::Single] => exports.into_iter().next(),
        [Instance::Each { .. }, ..] => {
            let keys = instances.iter().filter_map(|instance| match instance {
                Instance::Each { key: Value::String(key), .. } => Some(key.clone()),
                _ => None,
            });
            Some(Value::Map(Arc::new(keys.zip(exports).collect())))
        }
        _ => Some(Value::list(exports)),
    }
}

/// Remembers every secret text of a value.
fn remember(value: &Value, secret: bool, secrets: &mut Secrets) {
    match value {
        Value::Sensitive(inner) => remember(inner, true, secrets),
        Value::String(text) if secret && !matches!(&**text, "true" | "false") => secrets.insert(&**text),
        Value::Number(number) if secret && number.to_string().len() >= 4 => secrets.insert(number.to_string()),
        Value::List(items) => items.iter().for_each(|item| remember(item, secret, secrets)),
        Value::Set(items) => items.iter().for_each(|item| remember(item, secret, secrets)),
        Value::Map(entries) => entries.values().for_each(|entry| remember(entry, secret, secrets)),
        _ => {}
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").field("now", &self.now).finish_non_exhaustive()
    }
}

/// The resources that are up, with what they export.
pub(crate) type Known = BTreeMap<Address, BTreeMap<String, Value>>;

//! Evaluates one node, in every instance of its module.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::clusters::{self, Chooser};
use super::evaluate::Evaluator;
use super::expand::{Request, expand};
use super::expression::evaluate as evaluate_expression;
use super::inputs::{self, Input};
use super::inspect::{inspect, unmark_deep};
use super::instances::{any, instances, joined, not_known};
use super::module_instances::InstanceId;
use super::modules::ModuleId;
use super::needs::Finder;
use super::nodes::{Item, Node};
use super::scope::{Instance, Scope};
use super::world::scope;
use crate::config::ir::Expression;
use crate::config::{Repetition, ResourceBlock};
use crate::model::{Address, ClusterName, Desired, Diagnostic, Exports, Objects, Output, Secrets, Severity, Value};

/// How many resources a configuration may have.
const MAX_RESOURCES: usize = 250_000;

impl Evaluator<'_> {
    /// Evaluates a node. Tells whether there was no mistake.
    pub(super) fn evaluate_node(&mut self, node: &Node, is_tainted: bool) -> bool {
        let ids = self.instances.of(node.module).to_vec();
        match &node.item {
            Item::Variable(name) => self.variable(&ids, name, node, is_tainted),
            Item::Validation(name) => self.validation(&ids, name, node.module, is_tainted),
            Item::Local(name) => self.local(&ids, name, node, is_tainted),
            Item::Output(name) => self.output(&ids, name, node, is_tainted),
            Item::Call(name) => {
                let wrong = ids.iter().filter(|id| !self.call(**id, name, node, is_tainted)).count();
                wrong == 0
            }
            Item::Resource(resource_type, name) => self.resource(&ids, resource_type, name, node, is_tainted),
            Item::Data(data_type, name) => self.data(&ids, (data_type, name), node, is_tainted),
            Item::Check(_) | Item::End(_) => true,
        }
    }

    /// Returns what finds needs among all that was evaluated so far.
    pub(super) fn finder(&self) -> Finder<'_> {
        Finder { modules: &self.world.modules, instances: &self.instances, desired: &self.desired }
    }

    /// Evaluates an expression that stands in no instance of a block; a mistake is reported.
    pub(super) fn value(&mut self, at: InstanceId, expression: &Expression) -> Option<Value> {
        let instance = self.instances.get(at);
        let result = self.world.within(instance.module, |environment| {
            evaluate_expression(expression, &scope(&instance.roots, environment), None)
        });
        self.accept(result, expression)
    }

    /// Takes a value, unless there was a mistake or it is too large.
    fn accept(&mut self, result: Result<Value, Box<Diagnostic>>, expression: &Expression) -> Option<Value> {
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

    fn variable(&mut self, ids: &[InstanceId], name: &Arc<str>, node: &Node, is_tainted: bool) -> bool {
        let config = self.world.modules.get(node.module).config.clone();
        let Some(variable) = config.variables.get(name) else { return true };
        let input = Input::read(name, variable);
        let mut is_right = true;
        for id in ids {
            let value = match &input {
                Ok(input) => self.input(*id, input, node, is_tainted),
                Err(failure) => Err(Some(failure.clone())),
            };
            let value = value.unwrap_or_else(|failure| {
                self.diagnostics.extend(failure.map(|failure| *failure));
                is_right = false;
                if variable.sensitive { Value::Unknown.sensitive() } else { Value::Unknown }
            });
            remember(&value, false, &mut self.desired.secrets);
            self.instances.get_mut(*id).roots.variables.insert(name.clone(), value);
        }
        is_right
    }

    /// Returns the value of a variable in one instance; no mistake where it follows from another.
    fn input(
        &mut self,
        id: InstanceId,
        input: &Input<'_>,
        node: &Node,
        is_tainted: bool,
    ) -> Result<Value, Option<Box<Diagnostic>>> {
        let Some((caller, block)) = self.world.modules.block(node.module) else {
            return input.assigned(self.given.get(input.name).copied()).map_err(Some);
        };
        let Some(attribute) = block.inputs.iter().find(|attribute| &*attribute.name == input.name) else {
            // A missing input was reported with the calls.
            return input.default_value().ok_or(None)?.map_err(Some);
        };
        if is_tainted {
            return Err(None);
        }
        let instance = self.instances.get(id);
        let at = instance.caller.unwrap_or(InstanceId::ROOT);
        let calling = self.instances.get(at);
        let (result, addresses) = self.world.within(caller, |environment| {
            let scope = Scope { instance: &instance.instance, ..scope(&calling.roots, environment) };
            (evaluate_expression(&attribute.value, &scope, None), self.finder().of(node, at, &scope))
        });
        let expression = attribute.value.clone();
        self.instances.get_mut(id).carried.insert(node.item.clone(), addresses);
        let value = self.accept(result, &expression).ok_or(None)?;
        input.convert(value, expression.span).map_err(Some)
    }

    fn validation(&mut self, ids: &[InstanceId], name: &Arc<str>, module: ModuleId, is_tainted: bool) -> bool {
        let config = self.world.modules.get(module).config.clone();
        let Some(variable) = config.variables.get(name).filter(|_| !is_tainted) else { return true };
        let given =
            self.world.modules.block(module).and_then(|(_, block)| {
                block.inputs.iter().find(|input| input.name == *name).map(|input| input.value.span)
            });
        let mut is_right = true;
        for id in ids {
            let roots = &self.instances.get(*id).roots;
            let found = self.world.within(module, |it| inputs::validate(name, variable, &scope(roots, it)));
            is_right &= found.is_empty();
            let placed = found.into_iter().map(|diagnostic| match given {
                Some(span) => diagnostic.related(span, "the value is given here"),
                None => diagnostic,
            });
            self.diagnostics.extend(placed);
        }
        is_right
    }

    fn local(&mut self, ids: &[InstanceId], name: &Arc<str>, node: &Node, is_tainted: bool) -> bool {
        let config = self.world.modules.get(node.module).config.clone();
        let Some(local) = config.locals.get(name) else { return true };
        let mut is_right = true;
        for id in ids {
            let value = if is_tainted { None } else { self.value(*id, &local.value) };
            is_right &= value.is_some();
            self.carry(*id, node);
            self.instances.get_mut(*id).roots.locals.insert(name.clone(), value.unwrap_or(Value::Unknown));
        }
        is_right
    }

    /// Remembers which resources a value comes from.
    pub(super) fn carry(&mut self, id: InstanceId, node: &Node) {
        let instance = self.instances.get(id);
        let addresses = self
            .world
            .within(node.module, |environment| self.finder().of(node, id, &scope(&instance.roots, environment)));
        self.instances.get_mut(id).carried.insert(node.item.clone(), addresses);
    }

    fn output(&mut self, ids: &[InstanceId], name: &Arc<str>, node: &Node, is_tainted: bool) -> bool {
        let config = self.world.modules.get(node.module).config.clone();
        let Some(block) = config.outputs.get(name) else { return true };
        let mut is_right = true;
        for id in ids {
            let value = if is_tainted { None } else { self.value(*id, &block.value) };
            is_right &= value.is_some();
            if value.is_some() {
                let roots = &self.instances.get(*id).roots;
                let found: Vec<Diagnostic> = self.world.within(node.module, |environment| {
                    let scope = scope(roots, environment);
                    let check = |check| inputs::check(check, &format!("output `{name}`"), &scope);
                    block.preconditions.iter().filter_map(check).collect()
                });
                self.diagnostics.extend(found);
            }
            match self.world.modules.get(node.module).call.clone() {
                Some(call) => {
                    self.carry(*id, node);
                    let value = value.unwrap_or(Value::Unknown);
                    let value = if block.sensitive { value.sensitive() } else { value };
                    remember(&value, false, &mut self.desired.secrets);
                    self.instances.give_output(*id, &call.name, name, value);
                }
                None => {
                    if let Some(value) = value {
                        self.show(name, &value, block.sensitive, block.value.span);
                    }
                }
            }
        }
        is_right
    }

    /// Shows an output of the root module.
    fn show(&mut self, name: &str, value: &Value, is_sensitive: bool, span: crate::model::Span) {
        let (bare, inside) = unmark_deep(value);
        if inside && !is_sensitive {
            let diagnostic = Diagnostic::error(format!("output `{name}` shows a sensitive value")).at(span);
            let hint = "write `sensitive = true`, or `nonsensitive(…)` where it may be shown";
            self.diagnostics.push(diagnostic.hint(hint));
        }
        if is_sensitive {
            remember(&bare, true, &mut self.desired.secrets);
        }
        let value = if is_sensitive { bare.sensitive() } else { bare };
        self.desired.outputs.insert(name.to_owned(), Output { value, sensitive: is_sensitive });
    }

    fn resource(
        &mut self,
        ids: &[InstanceId],
        resource_type: &Arc<str>,
        name: &Arc<str>,
        node: &Node,
        is_tainted: bool,
    ) -> bool {
        let config = self.world.modules.get(node.module).config.clone();
        let Some(block) = config.resources.get(&(resource_type.clone(), name.clone())) else { return true };
        let mut is_right = true;
        for id in ids {
            let is_tainted = is_tainted || self.instances.get(*id).is_open;
            let value = self.block(*id, block, node, is_tainted);
            is_right &= value.is_some();
            let resources = &mut self.instances.get_mut(*id).roots.resources;
            let value = value.unwrap_or(Value::Unknown);
            resources.entry(resource_type.clone()).or_default().insert(name.clone(), value);
        }
        is_right
    }

    /// Evaluates all instances of a block, and returns what others refer to; nothing where there is a mistake.
    fn block(&mut self, at: InstanceId, block: &ResourceBlock, node: &Node, is_tainted: bool) -> Option<Value> {
        let roots = &self.instances.get(at).roots;
        let found = self.world.within(node.module, |it| instances(&block.repetition, &scope(roots, it)));
        let instances = match found {
            Ok(Some(instances)) => instances,
            Ok(None) => {
                self.not_known(&block.repetition, is_tainted);
                self.check_only(at, block, node);
                return None;
            }
            Err(failure) => {
                self.diagnostics.push(*failure);
                self.check_only(at, block, node);
                return None;
            }
        };
        if self.desired.resources.len() + instances.len() > MAX_RESOURCES {
            let message = format!("there are more than {MAX_RESOURCES} resources, which is the limit");
            self.diagnostics.push(Diagnostic::error(message).at(block.header));
            return None;
        }
        let mut exports = Vec::with_capacity(instances.len());
        for instance in &instances {
            exports.push(self.instance(at, block, node, instance, is_tainted));
        }
        let values = exports.into_iter().map(|exports| exports.map(Value::Resource)).collect::<Option<Vec<_>>>();
        values.filter(|_| !is_tainted).map(|values| joined(&block.repetition, &instances, values))
    }

    /// Says that it is not known how many instances there are: a mistake, unless it is because nothing is asked.
    pub(super) fn not_known(&mut self, repetition: &Repetition, is_tainted: bool) {
        if is_tainted {
            return;
        }
        let told = not_known(repetition).map(|diagnostic| {
            if !self.is_unread {
                return diagnostic;
            }
            let message = diagnostic.message.replace("is known only after apply", "a plan reads from the cluster");
            Diagnostic { severity: Severity::Info, message, hint: None, ..diagnostic }
        });
        self.diagnostics.extend(told);
    }

    /// Checks the names in a block whose instances are not known.
    fn check_only(&mut self, at: InstanceId, block: &ResourceBlock, node: &Node) {
        self.instance(at, block, node, &any(&block.repetition), true);
    }

    fn instance(
        &mut self,
        at: InstanceId,
        block: &ResourceBlock,
        node: &Node,
        instance: &Instance,
        checks_only: bool,
    ) -> Option<Arc<Exports>> {
        let (world, desired, module) = (&self.world, &self.desired, self.instances.get(at));
        let address = Address {
            modules: module.path.clone(),
            key: instance.key(),
            ..Address::root(&block.resource_type, &block.name)
        };
        let kind = world.kinds.get(&block.resource_type)?;
        let (expanded, direct) = world.within(node.module, |environment| {
            let scope = Scope { instance, ..scope(&module.roots, environment) };
            let named = if checks_only { Arc::default() } else { self.finder().of(node, at, &scope) };
            let direct: BTreeSet<Address> = named.union(&module.gate).cloned().collect();
            let is_open = |need: &&Address| !is_settled(desired, need) || self.awaited.contains(*need);
            let until = direct.iter().filter(is_open).cloned().collect();
            let referrers = world.referrers.of(node.module, &address);
            let cluster = if module.is_open || checks_only {
                Ok(ClusterName::default())
            } else {
                let chooser = Chooser {
                    own: block.cluster.as_ref(),
                    resource_type: &block.resource_type,
                    name: &block.name,
                    header: block.header,
                };
                clusters::choose(chooser, module.cluster.as_ref(), &world.modules.root().config, &scope)
            };
            let checks_only = checks_only || cluster.is_err();
            let (cluster, failure) = (cluster.as_ref().cloned().unwrap_or_default(), cluster.err());
            let request = Request {
                block,
                kind,
                address: &address,
                cluster: &cluster,
                kinds: &world.kinds,
                referrers: &referrers,
                until: &until,
                checks_only,
            };
            let mut expanded = expand(request, &scope);
            expanded.diagnostics.extend(failure.map(|failure| *failure));
            if !checks_only {
                expanded.diagnostics.extend(clusters::strangers(&expanded.references, &cluster, desired));
            }
            (expanded, direct)
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
}

/// Tells whether nothing in a resource waits for an apply.
fn is_settled(desired: &Desired, address: &Address) -> bool {
    desired.resources.get(address).is_none_or(|resource| {
        matches!(resource.objects, Objects::Known(_)) && resource.exports.values.values().all(Value::is_wholly_known)
    })
}

/// Remembers every secret text of a value.
pub(super) fn remember(value: &Value, secret: bool, secrets: &mut Secrets) {
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

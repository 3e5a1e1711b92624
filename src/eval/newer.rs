//! The values that one node needs, evaluated again with what the resources that are up export.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evaluate::Evaluation;
use super::expression::{Failure, evaluate};
use super::inputs::Input;
use super::instances::instances;
use super::module_instances::{InstanceId, output_value, set_output};
use super::nodes::{Item, NodeId};
use super::scope::{Instance, Roots, Scope};
use super::sight::{Look, see};
use super::world::scope;
use crate::config::DataBlock;
use crate::model::{Address, Diagnostic, Exports, Known, Read, Unresolved, Value};

/// What has other values than those of the plan, by instance of a module.
pub(super) struct Newer<'a> {
    evaluation: &'a Evaluation,
    known: &'a Known,
    roots: BTreeMap<InstanceId, Roots>,
    /// What `data` blocks want to ask first.
    wanted: BTreeSet<Read>,
}

/// One value to evaluate again; sorted in the order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    position: u32,
    at: InstanceId,
    node: NodeId,
}

impl<'a> Newer<'a> {
    /// Evaluates again what a node needs that was not wholly known in the plan.
    pub(super) fn of(
        evaluation: &'a Evaluation,
        at: InstanceId,
        node: NodeId,
        known: &'a Known,
    ) -> Result<Self, Unresolved> {
        let mut newer = Self { evaluation, known, roots: BTreeMap::new(), wanted: BTreeSet::new() };
        for step in newer.gather(at, node) {
            let result = newer.evaluate(step);
            newer.asked()?;
            result.map_err(|failure| vec![*failure])?;
        }
        Ok(newer)
    }

    /// Looks at a `data` block again, and at what it needs.
    pub(super) fn look_again(
        evaluation: &'a Evaluation,
        at: InstanceId,
        node: NodeId,
        known: &'a Known,
    ) -> Result<(), Unresolved> {
        let mut newer = Self::of(evaluation, at, node, known)?;
        let result = newer.evaluate(Step { position: evaluation.nodes.position(node), at, node });
        newer.asked()?;
        result.map_err(|failure| vec![*failure].into())
    }

    /// Stops where something is to be asked first.
    fn asked(&mut self) -> Result<(), Unresolved> {
        if self.wanted.is_empty() { Ok(()) } else { Err(Unresolved::Wants(std::mem::take(&mut self.wanted))) }
    }

    /// Evaluates everything again that was not wholly known in the plan; what fails keeps its planned value, and so does
    /// what is not answered.
    pub(super) fn of_all(evaluation: &'a Evaluation, known: &'a Known) -> Self {
        let mut newer = Self { evaluation, known, roots: BTreeMap::new(), wanted: BTreeSet::new() };
        let Evaluation { nodes, instances, .. } = evaluation;
        for id in nodes.order.iter().filter(|_| !known.exports.is_empty()) {
            let node = nodes.get(*id);
            for at in instances.of(node.module) {
                if let Item::Resource(resource_type, name) = &node.item {
                    newer.renew(*at, resource_type, name);
                } else if newer.is_open(*at, &node.item) {
                    newer.evaluate(Step { position: nodes.position(*id), at: *at, node: *id }).unwrap_or_default();
                }
            }
        }
        newer
    }

    /// Tells whether a value was not wholly known in the plan; outputs of modules are always taken again.
    fn is_open(&self, at: InstanceId, item: &Item) -> bool {
        let roots = &self.evaluation.instances.get(at).roots;
        let value = match item {
            Item::Variable(name) => roots.variables.get(name),
            Item::Local(name) => roots.locals.get(name),
            Item::Data(data_type, name) => roots.data.get(data_type).and_then(|blocks| blocks.get(name)),
            Item::Output(_) => return true,
            Item::Validation(_) | Item::Check(_) | Item::Call(_) | Item::Resource(..) | Item::End(_) => None,
        };
        value.is_some_and(|value| !value.is_wholly_known())
    }

    /// Calls `work` with the scope of what stands in no instance of a block.
    pub(super) fn within<T>(&self, at: InstanceId, work: impl FnOnce(&Scope<'_>) -> T) -> T {
        let instance = self.evaluation.instances.get(at);
        self.evaluation.world.within(instance.module, |environment| {
            work(&Scope { newer: self.roots.get(&at), ..scope(&instance.roots, environment) })
        })
    }

    /// Finds what is to be evaluated again, in order. Resources get their present values at once.
    fn gather(&mut self, at: InstanceId, node: NodeId) -> BTreeSet<Step> {
        let (mut steps, mut renewed, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![(at, node)]);
        let nodes = &self.evaluation.nodes;
        while let Some((at, node)) = open.pop() {
            let (needs, at) = self.needs(node, at);
            for need in needs {
                for at in self.places(need, at) {
                    let step = Step { position: nodes.position(need), at, node: need };
                    match &nodes.get(need).item {
                        Item::Resource(resource_type, name) if renewed.insert(step) => {
                            self.renew(at, resource_type, name);
                        }
                        Item::Resource(..) => {}
                        _ if steps.insert(step) => open.push((at, need)),
                        _ => {}
                    }
                }
            }
        }
        steps
    }

    /// Returns what a node needs, with the instance in which its references stand.
    fn needs(&self, node: NodeId, at: InstanceId) -> (Vec<NodeId>, InstanceId) {
        let Evaluation { nodes, instances, world, .. } = self.evaluation;
        let mut needs: Vec<NodeId> = nodes.graph.needs(&node).copied().collect();
        let instance = instances.get(at);
        match (&nodes.get(node).item, instance.caller, &world.modules.get(instance.module).call) {
            (Item::Variable(_), Some(caller), Some(call)) => {
                let call = nodes.id(call.caller, Item::Call(call.name.clone()));
                let call = call.filter(|_| is_open(&instance.instance));
                needs.extend(call.iter().flat_map(|call| nodes.graph.needs(call)));
                (needs, caller)
            }
            _ => (needs, at),
        }
    }

    /// Returns the instances in which a node has its values, seen from one instance; resources, and what was not
    /// wholly known in the plan.
    fn places(&self, node: NodeId, at: InstanceId) -> Vec<InstanceId> {
        let Evaluation { nodes, instances, world, .. } = self.evaluation;
        let (node, instance) = (nodes.get(node), instances.get(at));
        let is_unknown = |value: Option<&Value>| value.is_some_and(|value| !value.is_wholly_known());
        let is_meant = match &node.item {
            Item::Variable(name) => is_unknown(instance.roots.variables.get(name)),
            Item::Local(name) => is_unknown(instance.roots.locals.get(name)),
            Item::Data(data_type, name) => {
                let is_of_check = |block: &DataBlock| block.check.is_some();
                let blocks = instance.roots.data.get(data_type);
                is_unknown(blocks.and_then(|blocks| blocks.get(name)))
                    || world.modules.data(node.module, data_type, name).is_some_and(is_of_check)
            }
            Item::Resource(..) => true,
            Item::Output(name) => {
                let Some(call) = &world.modules.get(node.module).call else { return Vec::new() };
                let whole = instance.roots.modules.get(&call.name);
                let is_unknown = |id: &InstanceId| {
                    let key = instances.get(*id).instance.key();
                    is_unknown(whole.and_then(|whole| output_value(whole, key.as_ref(), name)))
                };
                return instances.called(at, &call.name, None).into_iter().filter(is_unknown).collect();
            }
            Item::Validation(_) | Item::Check(_) | Item::Call(_) | Item::End(_) => false,
        };
        if is_meant && node.module == instance.module { vec![at] } else { Vec::new() }
    }

    fn evaluate(&mut self, step: Step) -> Result<(), Failure> {
        let Evaluation { nodes, instances, world, .. } = self.evaluation;
        let (node, instance) = (nodes.get(step.node), instances.get(step.at));
        let config = &world.modules.get(node.module).config;
        match &node.item {
            Item::Variable(name) => {
                let Some(value) = self.input(step.at, name)? else { return Ok(()) };
                self.roots.entry(step.at).or_default().variables.insert(name.clone(), value);
            }
            Item::Local(name) => {
                let Some(local) = config.locals.get(name) else { return Ok(()) };
                let value = self.within(step.at, |scope| evaluate(&local.value, scope, None))?;
                self.roots.entry(step.at).or_default().locals.insert(name.clone(), value);
            }
            Item::Output(name) => {
                let (Some(output), Some(caller)) = (config.outputs.get(name), instance.caller) else { return Ok(()) };
                let Some(call) = &world.modules.get(node.module).call else { return Ok(()) };
                let value = self.within(step.at, |scope| evaluate(&output.value, scope, None))?;
                let value = if output.sensitive { value.sensitive() } else { value };
                let planned = instances.get(caller).roots.modules.get(&call.name);
                let modules = &mut self.roots.entry(caller).or_default().modules;
                let planned = || planned.cloned().unwrap_or(Value::Unknown);
                let whole = modules.entry(call.name.clone()).or_insert_with(planned);
                set_output(whole, instance.instance.key().as_ref(), name, value);
            }
            Item::Data(data_type, name) => {
                let Some(value) = self.look(step.at, data_type, name)? else { return Ok(()) };
                let data = &mut self.roots.entry(step.at).or_default().data;
                data.entry(data_type.clone()).or_default().insert(name.clone(), value);
            }
            Item::Validation(_) | Item::Check(_) | Item::Call(_) | Item::Resource(..) | Item::End(_) => {}
        }
        Ok(())
    }

    /// Looks at a `data` block again, now that what it needs is up.
    fn look(&mut self, at: InstanceId, data_type: &str, name: &str) -> Result<Option<Value>, Failure> {
        let Evaluation { instances, world, .. } = self.evaluation;
        let instance = instances.get(at);
        let (block, source) = (world.modules.data(instance.module, data_type, name), world.sources.get(data_type));
        let (Some(block), Some(source)) = (block, source) else { return Ok(None) };
        let address = Address { modules: instance.path.clone(), ..Address::data(data_type, name) };
        let look = Look {
            block,
            source,
            address: &address,
            inherited: instance.cluster.as_ref(),
            root: &world.modules.root().config,
            answers: &self.known.answers,
            may_ask: true,
        };
        let Some(sight) = self.within(at, |scope| see(look, scope))? else { return Ok(None) };
        self.wanted.extend(sight.wanted);
        match sight.diagnostics.into_iter().find(Diagnostic::is_error) {
            Some(error) => Err(Box::new(error)),
            None => Ok(Some(sight.value)),
        }
    }

    /// Evaluates the input that a call gives to a variable.
    fn input(&self, at: InstanceId, name: &Arc<str>) -> Result<Option<Value>, Failure> {
        let Evaluation { instances: all, world, .. } = self.evaluation;
        let instance = all.get(at);
        let (Some(caller), Some((_, block))) = (instance.caller, world.modules.block(instance.module)) else {
            return Ok(None);
        };
        let variable = world.modules.get(instance.module).config.variables.get(name);
        let attribute = block.inputs.iter().find(|attribute| attribute.name == *name);
        let (Some(variable), Some(attribute)) = (variable, attribute) else { return Ok(None) };
        let value = self.within(caller, |scope| {
            let mut now = instance.instance.clone();
            if is_open(&now) {
                let again = instances(&block.repetition, scope)?.into_iter().flatten();
                now = again.into_iter().find(|again| again.key() == now.key()).unwrap_or(now);
            }
            evaluate(&attribute.value, &Scope { instance: &now, ..*scope }, None)
        })?;
        Input::read(name, variable)?.convert(value, attribute.value.span).map(Some)
    }

    /// Takes a block's value with the exports that are known now in place of those of the plan.
    fn renew(&mut self, at: InstanceId, resource_type: &Arc<str>, name: &Arc<str>) {
        let known = self.known;
        let now = |value: &Value| match value {
            Value::Resource(exports) => Value::Resource(renewed(exports, known)),
            other => other.clone(),
        };
        let planned = &self.evaluation.instances.get(at).roots.resources;
        let value = match planned.get(resource_type).and_then(|blocks| blocks.get(name)) {
            None => return,
            Some(Value::List(items)) => Value::list(items.iter().map(now).collect()),
            Some(Value::Map(entries)) => {
                let entries: BTreeMap<_, _> = entries.iter().map(|(key, value)| (key.clone(), now(value))).collect();
                Value::Map(Arc::new(entries))
            }
            Some(single) => now(single),
        };
        let resources = &mut self.roots.entry(at).or_default().resources;
        resources.entry(resource_type.clone()).or_default().insert(name.clone(), value);
    }
}

/// Tells whether `each.value` was not wholly known in the plan.
fn is_open(instance: &Instance) -> bool {
    matches!(instance, Instance::Each { value, .. } if !value.is_wholly_known())
}

fn renewed(exports: &Arc<Exports>, known: &Known) -> Arc<Exports> {
    match known.exports.get(&exports.address) {
        Some(values) => {
            let mut all = (*exports.values).clone();
            all.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
            Arc::new(Exports { address: exports.address.clone(), values: Arc::new(all) })
        }
        None => exports.clone(),
    }
}

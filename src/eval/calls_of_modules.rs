//! `module` blocks against the variables of what they call; and their instances.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::clusters;
use super::evaluate::Evaluator;
use super::instances::{any, instances};
use super::module_instances::{InstanceId, ModuleInstance, without_outputs};
use super::modules::Modules;
use super::needs::{Addresses, Carried};
use super::nodes::Node;
use super::scope::{Instance, Roots, Scope};
use super::world::scope;
use crate::config::{Config, ModuleBlock};
use crate::model::{ClusterName, Diagnostic, Value, nearest};

/// How many instances all modules may have together.
const MAX_INSTANCES: usize = 100_000;

/// Checks the inputs of all calls.
pub(super) fn check(modules: &Modules, diagnostics: &mut Vec<Diagnostic>) {
    for (id, module) in modules.all() {
        if let (Some(call), Some((_, block))) = (&module.call, modules.block(id)) {
            check_inputs(&call.name, block, &module.config, diagnostics);
        }
    }
}

fn check_inputs(name: &str, block: &ModuleBlock, config: &Config, diagnostics: &mut Vec<Diagnostic>) {
    let is_given = |variable: &str| block.inputs.iter().any(|input| &*input.name == variable);
    let missing: Vec<&Arc<str>> = config
        .variables
        .iter()
        .filter_map(|(variable, it)| (it.default.is_none() && !is_given(variable)).then_some(variable))
        .collect();
    let mut misspelt = Vec::new();
    for input in block.inputs.iter().filter(|input| !config.variables.contains_key(&input.name)) {
        let message = format!("module `{name}` has no input `{}`", input.name);
        let diagnostic = Diagnostic::error(message).at(input.name_span);
        let known = missing.iter().map(|name| &***name).chain(config.variables.keys().map(|name| &**name));
        diagnostics.push(match nearest(&input.name, known) {
            Some(meant) => {
                misspelt.push(meant.to_owned());
                diagnostic.hint(format!("did you mean `{meant}`?"))
            }
            None => diagnostic.hint(format!("declare it in the module: `variable \"{}\" {{ … }}`", input.name)),
        });
    }
    for variable in missing.into_iter().filter(|name| !misspelt.iter().any(|it| **it == ***name)) {
        let message = format!("module `{name}` needs the input `{variable}`");
        let declared = &config.variables[variable];
        let label = declared.description.clone().unwrap_or_else(|| "it is declared here, without a default".to_owned());
        diagnostics.push(Diagnostic::error(message).at(block.header).related(declared.header, label));
    }
}

impl Evaluator<'_> {
    /// Makes the instances of a module that one instance calls. Tells whether they are known.
    pub(super) fn call(&mut self, at: InstanceId, name: &Arc<str>, node: &Node, is_tainted: bool) -> bool {
        let config = self.world.modules.get(node.module).config.clone();
        let Some(block) = config.modules.get(name) else { return true };
        let instance = self.instances.get(at);
        let found = if is_tainted || instance.is_open {
            Ok(None)
        } else {
            self.world.within(node.module, |it| instances(&block.repetition, &scope(&instance.roots, it)))
        };
        let (instances, is_known) = match found {
            Ok(Some(instances)) => (instances, true),
            Ok(None) if is_tainted => (vec![any(&block.repetition)], false),
            Ok(None) => {
                self.not_known(&block.repetition, self.instances.get(at).is_open);
                (vec![any(&block.repetition)], false)
            }
            Err(failure) => {
                self.diagnostics.push(*failure);
                (vec![any(&block.repetition)], false)
            }
        };
        if self.instances.len() + instances.len() > MAX_INSTANCES {
            let message = format!("modules have more than {MAX_INSTANCES} instances together, which is the limit");
            self.diagnostics.push(Diagnostic::error(message).at(block.header));
            return false;
        }
        self.add_instances(at, (name, block), node, instances, is_known);
        is_known
    }

    fn add_instances(
        &mut self,
        at: InstanceId,
        (name, block): (&Arc<str>, &ModuleBlock),
        node: &Node,
        instances: Vec<Instance>,
        is_known: bool,
    ) {
        let Some(module) = self.world.modules.get(node.module).children.get(name).copied() else { return };
        let whole = if is_known { without_outputs(&block.repetition, &instances) } else { Value::Unknown };
        self.instances.get_mut(at).roots.modules.insert(name.clone(), whole);
        let gate = self.gate(at, node);
        for instance in instances {
            let mut path = self.instances.get(at).path.clone();
            path.push((name.to_string(), instance.key()));
            let cluster = if is_known { self.cluster_of_call(at, name, node, &instance) } else { None };
            self.instances.add_called(
                name,
                ModuleInstance {
                    module,
                    path,
                    caller: Some(at),
                    instance,
                    roots: Roots::default(),
                    carried: Carried::default(),
                    gate: gate.clone(),
                    cluster,
                    is_open: !is_known,
                    called: BTreeMap::new(),
                },
            );
        }
    }

    /// Returns the cluster that an instance of a call passes on: its own, else that of the module that it stands in.
    fn cluster_of_call(
        &mut self,
        at: InstanceId,
        name: &Arc<str>,
        node: &Node,
        instance: &Instance,
    ) -> Option<ClusterName> {
        let (world, caller) = (&self.world, self.instances.get(at));
        let block = world.modules.get(node.module).config.modules.get(name)?;
        let Some(expression) = &block.cluster else { return caller.cluster.clone() };
        let chosen = world.within(node.module, |environment| {
            let scope = Scope { instance, ..scope(&caller.roots, environment) };
            clusters::named(expression, &world.modules.root().config, &scope)
        });
        match chosen {
            Ok(chosen) => chosen.or_else(|| caller.cluster.clone()),
            Err(failure) => {
                self.diagnostics.push(*failure);
                None
            }
        }
    }

    /// Returns what all resources of a call need: what the call itself depends on, and those that lead to it.
    fn gate(&self, at: InstanceId, node: &Node) -> Addresses {
        let instance = self.instances.get(at);
        let own = self
            .world
            .within(node.module, |environment| self.finder().of(node, at, &scope(&instance.roots, environment)));
        match (own.is_empty(), instance.gate.is_empty()) {
            (true, _) => instance.gate.clone(),
            (false, true) => own,
            (false, false) => Arc::new(own.union(&instance.gate).cloned().collect()),
        }
    }
}

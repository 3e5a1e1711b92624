//! Evaluates one resource again during apply, when what it needs is up.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evaluate::{Evaluation, Known};
use super::expand::{Request, expand};
use super::expression::evaluate;
use super::instances::instances;
use super::nodes::Node;
use super::scope::{Instance, Roots, Scope};
use super::world::scope;
use crate::config::{ResourceBlock, on_large_stack, sorted};
use crate::model::{Address, Desired, DesiredObject, DesiredResource, Diagnostic, Exports, Output, Value};
use crate::resource;

impl Evaluation {
    /// Evaluates one resource again with what the resources that are up export.
    pub(crate) fn resolve(&self, address: &Address, known: &Known) -> Result<DesiredResource, Vec<Diagnostic>> {
        on_large_stack(|| self.with_checksums(self.again(address, known)?, known))
    }

    /// Evaluates the outputs again with what the resources that are up export; what fails keeps its planned value.
    pub(crate) fn outputs(&self, known: &Known) -> BTreeMap<String, Output> {
        let planned = self.desired.outputs.iter();
        on_large_stack(|| planned.map(|(name, output)| (name.clone(), self.output_now(name, output, known))).collect())
    }

    /// Tells whether a variable is declared as sensitive.
    pub(crate) fn is_sensitive_variable(&self, name: &str) -> bool {
        self.world.config.variables.get(name).is_some_and(|variable| variable.sensitive)
    }

    fn output_now(&self, name: &str, planned: &Output, known: &Known) -> Output {
        let block = self.world.config.outputs.get(name).filter(|_| !planned.value.is_wholly_known());
        let now = block.and_then(|block| {
            let newer = self.newer(&Node::Output(Arc::from(name)), known).ok()?;
            self.world.within(|environment| {
                let scope = Scope { newer: Some(&newer), ..scope(&self.roots, environment) };
                evaluate(&block.value, &scope, None).ok()
            })
        });
        let mark = |value: Value| if planned.sensitive { value.sensitive() } else { value };
        Output { value: now.map_or_else(|| planned.value.clone(), mark), ..planned.clone() }
    }

    /// Writes the checksums of what the pods of a resource read, as it is now.
    fn with_checksums(&self, resource: DesiredResource, known: &Known) -> Result<DesiredResource, Vec<Diagnostic>> {
        let read = resource::read_by_pods(&resource);
        let address = resource.address.clone();
        let mut all = Desired::default();
        for (other, planned) in
            self.desired.resources.iter().filter(|(other, _)| !read.is_empty() && **other != address)
        {
            let is_read = |object: &DesiredObject| read.contains(&object.object.identity());
            if planned.objects.known().iter().any(is_read) {
                let is_open = planned.objects.known().iter().any(|object| !object.unknown.is_empty());
                let now = if is_open { self.again(other, known)? } else { planned.clone() };
                all.resources.insert(other.clone(), now);
            }
        }
        all.resources.insert(address.clone(), resource);
        resource::annotate_checksums(&mut all);
        Ok(all.resources.remove(&address).expect("it was put in above"))
    }

    fn again(&self, address: &Address, known: &Known) -> Result<DesiredResource, Vec<Diagnostic>> {
        let key = (Arc::from(address.resource_type.as_str()), Arc::from(address.name.as_str()));
        let gone = || vec![Diagnostic::error(format!("`{address}` is not in the configuration"))];
        let block = self.world.config.resources.get(&key).ok_or_else(gone)?;
        let newer = self.newer(&Node::Resource(key.0, key.1), known)?;
        self.world.within(|environment| {
            let scope = Scope { newer: Some(&newer), ..scope(&self.roots, environment) };
            let instance = find_instance(block, address, &scope)?.ok_or_else(gone)?;
            let kind = self.world.kinds.get(&block.resource_type).ok_or_else(gone)?;
            let referrers = self.world.referrers.of(block, address.key.as_ref());
            let until = BTreeSet::new();
            let request = Request { block, kind, address, referrers: &referrers, until: &until, checks_only: false };
            let expanded = expand(request, &Scope { instance: &instance, ..scope });
            expanded.resource.ok_or_else(|| sorted(expanded.diagnostics))
        })
    }

    /// Evaluates the locals that a node needs again, over resources as they are now.
    fn newer(&self, node: &Node, known: &Known) -> Result<Roots, Vec<Diagnostic>> {
        let (mut newer, mut needed, mut open) = (Roots::default(), BTreeSet::new(), vec![node.clone()]);
        while let Some(next) = open.pop() {
            for need in self.nodes.graph.needs(&next) {
                match need {
                    Node::Local(_) if needed.insert(need.clone()) => open.push(need.clone()),
                    Node::Resource(resource_type, name) => {
                        let value = self.resource_now(resource_type, name, known);
                        newer
                            .resources
                            .entry(resource_type.clone())
                            .or_default()
                            .extend(value.map(|v| (name.clone(), v)));
                    }
                    _ => {}
                }
            }
        }
        for local in self.in_order(&needed) {
            let Node::Local(name) = local else { continue };
            let Some(attribute) = self.world.config.locals.get(name) else { continue };
            let value = self.world.within(|environment| {
                let scope = Scope { newer: Some(&newer), ..scope(&self.roots, environment) };
                evaluate(&attribute.value, &scope, None)
            });
            newer.locals.insert(name.clone(), value.map_err(|failure| vec![*failure])?);
        }
        Ok(newer)
    }

    /// Puts locals in the order of evaluation; cheap where there are few.
    fn in_order<'n>(&'n self, needed: &'n BTreeSet<Node>) -> Vec<&'n Node> {
        if needed.len() < 2 {
            return needed.iter().collect();
        }
        self.nodes.order.iter().filter(|node| needed.contains(*node)).collect()
    }

    /// Returns a block's value with the exports that are known now in place of those of the plan.
    fn resource_now(&self, resource_type: &Arc<str>, name: &Arc<str>, known: &Known) -> Option<Value> {
        let planned = self.roots.resources.get(resource_type)?.get(name)?;
        let now = |value: &Value| match value {
            Value::Resource(exports) => Value::Resource(renewed(exports, known)),
            other => other.clone(),
        };
        Some(match planned {
            Value::List(items) => Value::list(items.iter().map(now).collect()),
            Value::Map(entries) => {
                let entries: BTreeMap<_, _> = entries.iter().map(|(key, value)| (key.clone(), now(value))).collect();
                Value::Map(Arc::new(entries))
            }
            single => now(single),
        })
    }
}

fn renewed(exports: &Arc<Exports>, known: &Known) -> Arc<Exports> {
    match known.get(&exports.address) {
        Some(values) => {
            let mut all = exports.values.clone();
            all.extend(values.clone());
            Arc::new(Exports { address: exports.address.clone(), values: all })
        }
        None => exports.clone(),
    }
}

/// Finds the instance with the key of an address.
fn find_instance(
    block: &ResourceBlock,
    address: &Address,
    scope: &Scope<'_>,
) -> Result<Option<Instance>, Vec<Diagnostic>> {
    let all = instances(&block.repetition, scope).map_err(|failure| vec![*failure])?;
    Ok(all.into_iter().flatten().find(|instance| instance.key() == address.key))
}

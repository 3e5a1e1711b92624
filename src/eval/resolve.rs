//! Evaluates one resource again during apply, when what it needs is up.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evaluate::Evaluation;
use super::expand::{Request, expand};
use super::expression::evaluate;
use super::inspect::unmark_deep;
use super::instances::instances;
use super::module_instances::InstanceId;
use super::modules::ModuleId;
use super::newer::Newer;
use super::nodes::Item;
use super::scope::Scope;
use crate::config::sorted;
use crate::model::{
    Address, Desired, DesiredObject, DesiredResource, Diagnostic, Known, Objects, Output, Read, Unresolved, Value,
    on_large_stack,
};
use crate::resource;

impl Evaluation {
    /// Hands over what is desired, to be planned.
    ///
    /// Where all of it is known, nothing is evaluated again during apply, and no second copy is kept.
    pub(crate) fn hand_over(&mut self) -> Desired {
        let is_settled = self.desired.deferred.is_empty() && self.desired.resources.values().all(is_settled);
        if !is_settled {
            return self.desired.clone();
        }
        let resources = std::mem::take(&mut self.desired.resources);
        Desired { resources, ..self.desired.clone() }
    }

    /// Evaluates one resource again with what the resources that are up export.
    pub(crate) fn resolve(&self, address: &Address, known: &Known) -> Result<DesiredResource, Unresolved> {
        on_large_stack(|| self.with_checksums(self.again(address, known)?, known))
    }

    /// Evaluates the outputs again with what the resources that are up export; what fails keeps its planned value.
    ///
    /// The error is what the clusters are to be asked first.
    pub(crate) fn outputs(&self, known: &Known) -> Result<BTreeMap<String, Output>, BTreeSet<Read>> {
        on_large_stack(|| {
            let (mut outputs, mut wanted) = (BTreeMap::new(), BTreeSet::new());
            for (name, planned) in &self.desired.outputs {
                match self.output_now(name, planned, known) {
                    Ok(output) => drop(outputs.insert(name.clone(), output)),
                    Err(reads) => wanted.extend(reads),
                }
            }
            if wanted.is_empty() { Ok(outputs) } else { Err(wanted) }
        })
    }

    /// Tells whether a variable is declared as sensitive.
    pub(crate) fn is_sensitive_variable(&self, name: &str) -> bool {
        self.world.modules.root().config.variables.get(name).is_some_and(|variable| variable.sensitive)
    }

    fn output_now(&self, name: &str, planned: &Output, known: &Known) -> Result<Output, BTreeSet<Read>> {
        let block = self.world.modules.root().config.outputs.get(name);
        let node = self.nodes.id(ModuleId::ROOT, Item::Output(Arc::from(name)));
        let (Some(block), Some(node)) = (block.filter(|_| !planned.value.is_wholly_known()), node) else {
            return Ok(planned.clone());
        };
        let now = match Newer::of(self, InstanceId::ROOT, node, known) {
            Ok(newer) => newer.within(InstanceId::ROOT, |scope| evaluate(&block.value, scope, None).ok()),
            Err(Unresolved::Wants(reads)) => return Err(reads),
            Err(Unresolved::Mistakes(_)) => None,
        };
        let Some((bare, is_secret)) = now.map(|value| unmark_deep(&value)) else { return Ok(planned.clone()) };
        // What turns out to be secret only now is kept as a secret, whatever the block says.
        let sensitive = planned.sensitive || is_secret;
        Ok(Output { value: if sensitive { bare.sensitive() } else { bare }, sensitive })
    }

    /// Writes the checksums of what the pods of a resource read, as it is now.
    fn with_checksums(&self, resource: DesiredResource, known: &Known) -> Result<DesiredResource, Unresolved> {
        let read = resource::read_by_pods(&resource);
        let address = resource.address.clone();
        let mut all = Desired::default();
        for (other, planned) in
            self.desired.resources.iter().filter(|(other, _)| !read.is_empty() && **other != address)
        {
            if planned.cluster != resource.cluster {
                continue;
            }
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

    fn again(&self, address: &Address, known: &Known) -> Result<DesiredResource, Unresolved> {
        let gone = || vec![Diagnostic::error(format!("`{address}` is not in the configuration"))];
        let at = self.instances.at(&address.modules).ok_or_else(gone)?;
        let module = self.instances.get(at).module;
        let block = self.world.modules.resource(address).ok_or_else(gone)?;
        let item = Item::Resource(block.resource_type.clone(), block.name.clone());
        let newer = Newer::of(self, at, self.nodes.id(module, item).ok_or_else(gone)?, known)?;
        newer.within(at, |scope| {
            let all = instances(&block.repetition, scope).map_err(|failure| vec![*failure])?;
            let instance = all.into_iter().flatten().find(|instance| instance.key() == address.key);
            let instance = instance.ok_or_else(gone)?;
            let kind = self.world.kinds.get(&block.resource_type).ok_or_else(gone)?;
            let (referrers, until) = (self.world.referrers.of(module, address), BTreeSet::new());
            // Which cluster it is was known when planning: an expression that is not is refused.
            let cluster = &self.desired.resources.get(address).ok_or_else(gone)?.cluster;
            let request = Request {
                block,
                kind,
                address,
                cluster,
                kinds: &self.world.kinds,
                referrers: &referrers,
                until: &until,
                checks_only: false,
            };
            let expanded = expand(request, &Scope { instance: &instance, ..*scope });
            Ok(expanded.resource.ok_or_else(|| sorted(expanded.diagnostics))?)
        })
    }
}

/// Tells whether nothing of a resource has to be evaluated again.
fn is_settled(resource: &DesiredResource) -> bool {
    let is_known = |objects: &[DesiredObject]| objects.iter().all(|object| object.unknown.is_empty());
    matches!(&resource.objects, Objects::Known(objects) if is_known(objects))
        && resource.exports.values.values().all(Value::is_wholly_known)
}

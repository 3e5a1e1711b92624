//! Evaluates a `data` block in every instance of its module.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::checks::as_warning;
use super::evaluate::{Evaluation, Evaluator};
use super::module_instances::InstanceId;
use super::newer::Newer;
use super::nodes::{Item, Node};
use super::reading::Reading;
use super::sight::{Look, Sight, see};
use super::world::scope;
use crate::config::DataBlock;
use crate::model::{Address, Answers, Deferred, Diagnostic, Known, Read, Unresolved, Value, nearest, on_large_stack};

impl Evaluation {
    /// Reads the `data` blocks that were put off, whether anything refers to them or not; returns what is wrong with
    /// them, their conditions included.
    ///
    /// Those of a `check` are left to it, and those that need what this run leaves out to another run. The error is
    /// what the clusters are to be asked first.
    pub(crate) fn put_off(&self, known: &Known) -> Result<Vec<Diagnostic>, BTreeSet<Read>> {
        on_large_stack(|| {
            let (mut found, mut wanted) = (Vec::new(), BTreeSet::new());
            let is_up = |address: &Address| known.exports.contains_key(address);
            let ready = self.desired.deferred.iter().filter(|(_, deferred)| deferred.until.iter().all(is_up));
            for (address, _) in ready {
                match self.look_again(address, known) {
                    Ok(()) => {}
                    Err(Unresolved::Wants(reads)) => wanted.extend(reads),
                    Err(Unresolved::Mistakes(mistakes)) => found.extend(mistakes),
                }
            }
            if wanted.is_empty() { Ok(found) } else { Err(wanted) }
        })
    }

    fn look_again(&self, address: &Address, known: &Known) -> Result<(), Unresolved> {
        let Some(at) = self.instances.at(&address.modules) else { return Ok(()) };
        let module = self.instances.get(at).module;
        let data_type = address.resource_type.strip_prefix("data.").unwrap_or(&address.resource_type);
        let (data_type, name) = (Arc::from(data_type), Arc::from(address.name.as_str()));
        let is_of_check = |block: &DataBlock| block.check.is_some();
        let block = self.world.modules.data(module, &data_type, &name).filter(|block| !is_of_check(block));
        match block.and(self.nodes.id(module, Item::Data(data_type, name))) {
            Some(node) => Newer::look_again(self, at, node, known),
            None => Ok(()),
        }
    }
}

impl Evaluator<'_> {
    /// Evaluates all instances of a block. Tells whether there was no mistake.
    pub(super) fn data(
        &mut self,
        ids: &[InstanceId],
        (data_type, name): (&Arc<str>, &Arc<str>),
        node: &Node,
        is_tainted: bool,
    ) -> bool {
        let config = self.world.modules.get(node.module).config.clone();
        let Some(block) = config.data.get(&(data_type.clone(), name.clone())) else { return true };
        let mut is_right = true;
        for id in ids {
            self.carry(*id, node);
            let is_tainted = is_tainted || self.instances.get(*id).is_open;
            let value = self.look(*id, block, node, is_tainted);
            is_right &= value.is_some() || block.check.is_some();
            let data = &mut self.instances.get_mut(*id).roots.data;
            data.entry(data_type.clone()).or_default().insert(name.clone(), value.unwrap_or(Value::Unknown));
        }
        is_right
    }

    /// Returns what a block is in one instance of its module; nothing where there is a mistake.
    fn look(&mut self, at: InstanceId, block: &DataBlock, node: &Node, is_tainted: bool) -> Option<Value> {
        let pending = self.pending(at, node);
        let (world, module, nothing) = (&self.world, self.instances.get(at), Answers::new());
        let source = world.sources.get(&block.data_type)?;
        let answers = match &world.reading {
            Reading::From(read) => &read.answers,
            Reading::Never => &nothing,
        };
        let is_asked = matches!(world.reading, Reading::From(_));
        let address = Address { modules: module.path.clone(), ..Address::data(&block.data_type, &block.name) };
        let look = Look {
            block,
            source,
            address: &address,
            inherited: module.cluster.as_ref(),
            root: &world.modules.root().config,
            answers,
            may_ask: is_asked && pending.is_empty() && !is_tainted,
        };
        let found = world.within(node.module, |environment| see(look, &scope(&module.roots, environment)));
        match found {
            Ok(Some(sight)) => self.take(sight, &address, block, &pending).filter(|_| !is_tainted),
            Ok(None) => {
                self.not_known(&block.repetition, is_tainted);
                None
            }
            Err(failure) => {
                self.diagnostics.push(*failure);
                None
            }
        }
    }

    /// Takes over what was seen.
    fn take(&mut self, sight: Sight, address: &Address, block: &DataBlock, pending: &[Address]) -> Option<Value> {
        let Sight { value, wanted, clusters, secrets, diagnostics } = sight;
        let is_wrong = diagnostics.iter().any(Diagnostic::is_error);
        let weakened = |diagnostic| if block.check.is_some() { as_warning(diagnostic) } else { diagnostic };
        self.diagnostics.extend(diagnostics.into_iter().map(weakened));
        self.desired.secrets.extend(secrets);
        let is_late = wanted.is_empty() && !is_wrong && !value.is_wholly_known();
        if is_late && matches!(self.world.reading, Reading::From(_)) {
            self.awaited.extend(pending.iter().cloned());
            let deferred = Deferred { clusters: clusters.into_iter().collect(), until: pending.to_vec() };
            self.desired.deferred.insert(address.clone(), deferred);
        }
        self.wanted.extend(wanted);
        (!is_wrong).then_some(value)
    }

    /// Returns the resources that a block needs and that are not up yet.
    fn pending(&self, at: InstanceId, node: &Node) -> Vec<Address> {
        let Reading::From(read) = &self.world.reading else { return Vec::new() };
        let instance = self.instances.get(at);
        let needed = instance.carried.of(&node.item).union(&instance.gate).cloned().collect::<Vec<_>>();
        needed.into_iter().filter(|address| !read.up.contains(address)).collect()
    }

    /// Refuses data sources that do not exist.
    pub(super) fn check_sources(&mut self) {
        for (_, module) in self.world.modules.all() {
            for block in module.config.data.values() {
                let name = &*block.data_type;
                if self.world.sources.get(name).is_none() {
                    let diagnostic = Diagnostic::error(format!("there is no data source `{name}`")).at(block.type_span);
                    let names: Vec<&str> = self.world.sources.names().collect();
                    self.diagnostics.push(match nearest(name, names.iter().copied()) {
                        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
                        None => diagnostic.hint(format!("there is `{}`", names.join("`, `"))),
                    });
                }
            }
        }
    }
}

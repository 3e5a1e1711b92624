//! What the configuration says of resources that are there already, in all modules.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::checks::{self, as_warning};
use super::evaluate::{Evaluation, Evaluator};
use super::imports::imports;
use super::module_instances::InstanceId;
use super::modules::ModuleId;
use super::newer::Newer;
use super::nodes::Item;
use super::world::scope;
use crate::model::{Address, Diagnostic, Known, Move, Read, Removal, Unresolved, on_large_stack};

impl Evaluator<'_> {
    /// Gathers what was moved, removed and imported.
    pub(super) fn refactor(&mut self) {
        for (id, module) in self.world.modules.all() {
            let within: Vec<String> = self.world.modules.names(id).into_iter().map(ToString::to_string).collect();
            let path: Vec<_> = within.iter().map(|name| (name.clone(), None)).collect();
            let config = &module.config;
            let declared = config
                .resources
                .keys()
                .map(|(resource_type, name)| Address { modules: path.clone(), ..Address::root(resource_type, name) });
            self.desired.declared.extend(declared);
            let moves = config.moves.iter().map(|it| Move { within: within.clone(), ..it.clone() });
            self.desired.moves.extend(moves);
            let removals = config.removals.iter().map(|it| Removal { within: within.clone(), ..it.clone() });
            self.desired.removals.extend(removals);
            if id != ModuleId::ROOT {
                self.diagnostics.extend(config.imports.iter().map(|block| {
                    let diagnostic = Diagnostic::error("`import` blocks stand in the root module").at(block.to.span);
                    diagnostic.hint("write it there, with the whole address, such as `module.team[\"a\"].redis.gcs`")
                }));
            }
        }
        self.import();
    }

    fn import(&mut self) {
        let root = self.world.modules.root().config.clone();
        let roots = &self.instances.get(InstanceId::ROOT).roots;
        for block in &root.imports {
            let found = self.world.within(ModuleId::ROOT, |environment| imports(block, &scope(roots, environment)));
            match found {
                Ok(found) => self.desired.imports.extend(found),
                Err(diagnostics) => self.diagnostics.extend(diagnostics),
            }
        }
    }

    /// Tells which `check` blocks do not hold.
    pub(super) fn check_all(&mut self) {
        for (id, module) in self.world.modules.all() {
            for at in self.instances.of(id) {
                let roots = &self.instances.get(*at).roots;
                for (name, block) in &module.config.checks {
                    let found =
                        self.world.within(id, |environment| checks::failed(name, block, &scope(roots, environment)));
                    self.diagnostics.extend(found);
                }
            }
        }
    }
}

impl Evaluation {
    /// Tells which `check` blocks do not hold with what the resources that are up export.
    ///
    /// The error is what the clusters are to be asked first: the `data` blocks of a `check` are read again.
    pub(crate) fn checks(&self, known: &Known) -> Result<Vec<Diagnostic>, BTreeSet<Read>> {
        on_large_stack(|| {
            let (mut found, mut wanted) = (Vec::new(), BTreeSet::new());
            let all = self.world.modules.all();
            let names = all.flat_map(|(id, module)| module.config.checks.keys().map(move |name| (id, name)));
            for (id, name) in names {
                for at in self.instances.of(id) {
                    match self.check(id, name, *at, known) {
                        Ok(failed) => found.extend(failed),
                        Err(Unresolved::Wants(reads)) => wanted.extend(reads),
                        Err(Unresolved::Mistakes(mistakes)) => found.extend(mistakes.into_iter().map(as_warning)),
                    }
                }
            }
            if wanted.is_empty() { Ok(found) } else { Err(wanted) }
        })
    }

    fn check(
        &self,
        id: ModuleId,
        name: &Arc<str>,
        at: InstanceId,
        known: &Known,
    ) -> Result<Vec<Diagnostic>, Unresolved> {
        let block = self.world.modules.get(id).config.checks.get(name);
        let (Some(block), Some(node)) = (block, self.nodes.id(id, Item::Check(name.clone()))) else {
            return Ok(Vec::new());
        };
        let newer = Newer::of(self, at, node, known)?;
        Ok(newer.within(at, |scope| checks::failed(name, block, scope)))
    }
}

//! What the configuration says of resources that are there already, in all modules.
use std::sync::Arc;

use super::checks;
use super::evaluate::{Evaluation, Evaluator, Known};
use super::imports::imports;
use super::module_instances::InstanceId;
use super::modules::ModuleId;
use super::newer::Newer;
use super::nodes::Item;
use super::world::scope;
use crate::config::on_large_stack;
use crate::model::{Address, Diagnostic, Move, Removal};

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
    pub(crate) fn checks(&self, known: &Known) -> Vec<Diagnostic> {
        on_large_stack(|| {
            let all = self.world.modules.all();
            all.flat_map(|(id, module)| module.config.checks.keys().map(move |name| (id, name)))
                .flat_map(|(id, name)| self.instances.of(id).iter().map(move |at| (id, name, *at)))
                .flat_map(|(id, name, at)| self.check(id, name, at, known))
                .collect()
        })
    }

    fn check(&self, id: ModuleId, name: &Arc<str>, at: InstanceId, known: &Known) -> Vec<Diagnostic> {
        let block = self.world.modules.get(id).config.checks.get(name);
        let (Some(block), Some(node)) = (block, self.nodes.id(id, Item::Check(name.clone()))) else {
            return Vec::new();
        };
        match Newer::of(self, at, node, known) {
            Ok(newer) => newer.within(at, |scope| checks::failed(name, block, scope)),
            Err(found) => found.into_iter().map(checks::as_warning).collect(),
        }
    }
}

//! What the configuration says of resources that are there already, in all modules.
use super::checks;
use super::evaluate::Evaluator;
use super::imports::imports;
use super::module_instances::InstanceId;
use super::modules::{ModuleId, Modules};
use super::world::scope;
use crate::model::{Address, Diagnostic, Move, Removal};

impl Evaluator<'_> {
    /// Gathers what was moved, removed and imported.
    pub(super) fn refactor(&mut self) {
        for (id, module) in self.world.modules.all() {
            let within = calls(&self.world.modules, id);
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

/// Returns the calls that lead to a module, the outermost first.
fn calls(modules: &Modules, id: ModuleId) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = modules.get(id).call.as_ref();
    while let Some(call) = next {
        names.push(call.name.to_string());
        next = modules.get(call.caller).call.as_ref();
    }
    names.reverse();
    names
}

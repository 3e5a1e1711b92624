//! The modules of a configuration, each call once however often it is repeated: a tree.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{self, Config, DataBlock, ModuleBlock, ResourceBlock, cleaned};
use crate::model::{Address, Diagnostic};

/// How many calls of modules a configuration may have, those in modules that are called twice counted twice.
const MAX_MODULES: usize = 10_000;

/// Numbers one module of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModuleId(u32);

/// One module, called from one place.
#[derive(Debug)]
pub(super) struct Module {
    pub config: Arc<Config>,
    /// Nothing for the root module.
    pub call: Option<Call>,
    pub children: BTreeMap<Arc<str>, ModuleId>,
    /// Where its files lie, absolute.
    pub folder: PathBuf,
}

/// Which call leads to a module.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub caller: ModuleId,
    pub name: Arc<str>,
}

/// All modules, the callers before what they call.
#[derive(Debug)]
pub(super) struct Modules(Vec<Module>);

impl ModuleId {
    /// The module that the others are called from.
    pub(super) const ROOT: Self = Self(0);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Modules {
    /// Lays the tree out.
    pub(super) fn new(config: &Arc<Config>) -> Result<Self, Box<Diagnostic>> {
        let root = config::absolute(&config.folder);
        let mut modules = Self(Vec::new());
        modules.add(config, None, &root);
        let mut next = 0;
        while next < modules.0.len() {
            let (id, config) = (ModuleId(narrow(next)), modules.0[next].config.clone());
            for (name, child) in &config.children {
                if modules.0.len() == MAX_MODULES {
                    return Err(Box::new(too_many(config.modules.get(name))));
                }
                let call = Call { caller: id, name: name.clone() };
                let child = modules.add(child, Some(call), &root);
                modules.0[next].children.insert(name.clone(), child);
            }
            next += 1;
        }
        Ok(modules)
    }

    fn add(&mut self, config: &Arc<Config>, call: Option<Call>, root: &Path) -> ModuleId {
        let folder = if call.is_none() { root.to_path_buf() } else { cleaned(&root.join(&config.place)) };
        self.0.push(Module { config: config.clone(), call, children: BTreeMap::new(), folder });
        ModuleId(narrow(self.0.len() - 1))
    }

    pub(super) fn root(&self) -> &Module {
        self.get(ModuleId::ROOT)
    }

    pub(super) fn get(&self, id: ModuleId) -> &Module {
        &self.0[id.index()]
    }

    /// Returns all modules, the callers before what they call.
    pub(super) fn all(&self) -> impl Iterator<Item = (ModuleId, &Module)> {
        self.0.iter().enumerate().map(|(index, module)| (ModuleId(narrow(index)), module))
    }

    /// Returns the block that calls a module, and the module that it stands in; nothing for the root module.
    pub(super) fn block(&self, id: ModuleId) -> Option<(ModuleId, &ModuleBlock)> {
        let call = self.get(id).call.as_ref()?;
        Some((call.caller, self.get(call.caller).config.modules.get(&call.name)?))
    }

    /// Returns the names of the calls that lead to a module, the outermost first.
    pub(super) fn names(&self, id: ModuleId) -> Vec<&Arc<str>> {
        let calls = std::iter::successors(self.get(id).call.as_ref(), |call| self.get(call.caller).call.as_ref());
        let mut names: Vec<&Arc<str>> = calls.map(|call| &call.name).collect();
        names.reverse();
        names
    }

    /// Returns the module that an address leads into.
    pub(super) fn find(&self, address: &Address) -> Option<ModuleId> {
        let step = |id: ModuleId, name: &str| self.get(id).children.get(name).copied();
        address.modules.iter().try_fold(ModuleId::ROOT, |id, (name, _)| step(id, name))
    }

    /// Returns a `data` block of a module.
    pub(super) fn data(&self, id: ModuleId, data_type: &str, name: &str) -> Option<&DataBlock> {
        self.get(id).config.data.get(&(Arc::from(data_type), Arc::from(name)))
    }

    /// Returns the block of a resource.
    pub(super) fn resource(&self, address: &Address) -> Option<&ResourceBlock> {
        let key = (Arc::from(address.resource_type.as_str()), Arc::from(address.name.as_str()));
        self.get(self.find(address)?).config.resources.get(&key)
    }
}

fn narrow(index: usize) -> u32 {
    u32::try_from(index).expect("there is a limit on the number of modules")
}

fn too_many(block: Option<&ModuleBlock>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(format!("there are more than {MAX_MODULES} calls of modules, which is the limit"))
            .hint("`for_each` repeats a module at the cost of one call");
    block.map_or(diagnostic.clone(), |block| diagnostic.at(block.header))
}

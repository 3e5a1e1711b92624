//! The instances of modules, each with the values that its expressions can refer to.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::instances::joined;
use super::modules::ModuleId;
use super::needs::{Addresses, Carried};
use super::scope::{Instance, Roots};
use crate::config::Repetition;
use crate::model::{ClusterName, Key, ModuleStep, Value};

/// Numbers one instance of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InstanceId(u32);

/// One instance of a module.
#[derive(Debug)]
pub(super) struct ModuleInstance {
    pub module: ModuleId,
    /// The steps that lead to it in addresses.
    pub path: Vec<ModuleStep>,
    /// The instance that calls; nothing for the root module.
    pub caller: Option<InstanceId>,
    /// Which instance of the call it is: what `each` and `count` mean in its inputs.
    pub instance: Instance,
    pub roots: Roots,
    /// The resources that its values come from.
    pub carried: Carried,
    /// What all of its resources need: the `depends_on` of the calls that lead to it.
    pub gate: Addresses,
    /// The cluster of all its resources that say none; nothing where no call on the way says one.
    pub cluster: Option<ClusterName>,
    /// How often it is there is not known: only names are checked.
    pub is_open: bool,
    /// The instances of the modules that it calls, by call.
    pub called: BTreeMap<Arc<str>, Vec<InstanceId>>,
}

/// All instances of all modules.
#[derive(Debug)]
pub(super) struct ModuleInstances {
    list: Vec<ModuleInstance>,
    by_module: BTreeMap<ModuleId, Vec<InstanceId>>,
    by_path: BTreeMap<Vec<ModuleStep>, InstanceId>,
}

impl InstanceId {
    /// The only instance of the root module.
    pub(super) const ROOT: Self = Self(0);
}

impl ModuleInstances {
    /// Begins with the root module.
    pub(super) fn new() -> Self {
        let mut all = Self { list: Vec::new(), by_module: BTreeMap::new(), by_path: BTreeMap::new() };
        all.add(ModuleInstance {
            module: ModuleId::ROOT,
            path: Vec::new(),
            caller: None,
            instance: Instance::Single,
            roots: Roots::default(),
            carried: Carried::default(),
            gate: Addresses::default(),
            cluster: None,
            is_open: false,
            called: BTreeMap::new(),
        });
        all
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Adds an instance of a call.
    pub(super) fn add_called(&mut self, name: &Arc<str>, instance: ModuleInstance) {
        let caller = instance.caller;
        let id = self.add(instance);
        if let Some(caller) = caller {
            self.get_mut(caller).called.entry(name.clone()).or_default().push(id);
        }
    }

    fn add(&mut self, instance: ModuleInstance) -> InstanceId {
        let id = InstanceId(u32::try_from(self.list.len()).expect("there is a limit on the number of instances"));
        self.by_module.entry(instance.module).or_default().push(id);
        self.by_path.insert(instance.path.clone(), id);
        self.list.push(instance);
        id
    }

    pub(super) fn get(&self, id: InstanceId) -> &ModuleInstance {
        &self.list[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: InstanceId) -> &mut ModuleInstance {
        &mut self.list[id.0 as usize]
    }

    /// Returns the instances of a module.
    pub(super) fn of(&self, module: ModuleId) -> &[InstanceId] {
        self.by_module.get(&module).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the instance at the end of a path of addresses.
    pub(super) fn at(&self, path: &[ModuleStep]) -> Option<InstanceId> {
        self.by_path.get(path).copied()
    }

    /// Returns the instances of a call inside of one instance; with a key, only that one.
    pub(super) fn called(&self, caller: InstanceId, name: &str, key: Option<Key>) -> Vec<InstanceId> {
        let caller = self.get(caller);
        if key.is_some() {
            let path: Vec<_> = caller.path.iter().cloned().chain([(name.to_owned(), key)]).collect();
            return self.at(&path).into_iter().collect();
        }
        caller.called.get(name).cloned().unwrap_or_default()
    }

    /// Gives the caller of an instance the value of one of its outputs.
    pub(super) fn give_output(&mut self, id: InstanceId, call: &Arc<str>, output: &Arc<str>, value: Value) {
        let instance = self.get(id);
        let (Some(caller), key) = (instance.caller, instance.instance.key()) else { return };
        let modules = &mut self.get_mut(caller).roots.modules;
        if let Some(whole) = modules.get_mut(call) {
            set_output(whole, key.as_ref(), output, value);
        }
    }
}

/// Returns what a call is to others before its outputs are there.
pub(super) fn without_outputs(repetition: &Repetition, instances: &[Instance]) -> Value {
    joined(repetition, instances, instances.iter().map(|_| Value::Map(Arc::default())).collect())
}

/// Puts an output into the value of a call. Nobody else holds that value before it is complete, so nothing is copied.
pub(super) fn set_output(whole: &mut Value, key: Option<&Key>, output: &Arc<str>, value: Value) {
    let outputs = match (whole, key) {
        (Value::List(items), Some(Key::Index(index))) => {
            usize::try_from(*index).ok().and_then(|index| Arc::make_mut(items).get_mut(index))
        }
        (Value::Map(entries), Some(Key::Name(name))) => Arc::make_mut(entries).get_mut(name.as_str()),
        (whole, None) => Some(whole),
        _ => None,
    };
    if let Some(Value::Map(outputs)) = outputs {
        Arc::make_mut(outputs).insert(output.clone(), value);
    }
}

/// Returns an output out of the value of a call.
pub(super) fn output_value<'v>(whole: &'v Value, key: Option<&Key>, output: &str) -> Option<&'v Value> {
    let outputs = match (whole, key) {
        (Value::List(items), Some(Key::Index(index))) => items.get(usize::try_from(*index).ok()?)?,
        (Value::Map(entries), Some(Key::Name(name))) => entries.get(name.as_str())?,
        (whole, None) => whole,
        _ => return None,
    };
    match outputs {
        Value::Map(outputs) => outputs.get(output),
        _ => None,
    }
}

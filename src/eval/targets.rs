//! What a reference leads to; says so where there is no such thing.
use std::sync::Arc;

use super::clusters;
use super::modules::{ModuleId, Modules};
use super::nodes::{Item, NodeId, Nodes, Use};
use super::references::Reference;
use crate::config::ir::Step;
use crate::config::{Config, ModuleBlock, Repetition};
use crate::model::{Diagnostic, nearest};

/// The roots of names that are no resource types.
const ROOTS: [&str; 9] = ["var", "local", "data", "module", "each", "count", "path", "rayform", "cluster"];

/// Finds the nodes that references lead to.
#[derive(Clone, Copy)]
pub(super) struct Targets<'a> {
    pub modules: &'a Modules,
    pub nodes: &'a Nodes,
    pub resource_types: &'a [&'static str],
}

/// The nodes that a reference leads to, or what is wrong with it.
type Found = Result<Vec<NodeId>, Box<Diagnostic>>;

impl Targets<'_> {
    /// Returns the nodes; none for what belongs to the block itself.
    pub(super) fn of(&self, used: &Use<'_>) -> Found {
        let (reference, config) = (&used.reference, self.config(used.module));
        let root = reference.root;
        let Some(name) = reference.name() else { return Err(self.bare(reference)) };
        let one = |item: Item| Ok(self.nodes.id(used.module, item).into_iter().collect());
        match &**root {
            "var" if config.variables.contains_key(name) => one(Item::Variable(name.clone())),
            "var" => Err(undeclared(reference, "variable", name, config.variables.keys())),
            "local" if config.locals.contains_key(name) => one(Item::Local(name.clone())),
            "local" => Err(undeclared(reference, "local value", name, config.locals.keys())),
            "module" => match config.modules.get(name) {
                Some(_) if used.in_depends_on && reference.steps.len() == 1 => one(Item::End(name.clone())),
                Some(block) => self.outputs(used, name, block),
                None => Err(undeclared(reference, "module", name, config.modules.keys())),
            },
            "cluster" => {
                let root = self.config(ModuleId::ROOT);
                clusters::check_name(name, reference.span, root).map(|_| Vec::new())
            }
            "each" | "count" | "path" | "rayform" | "terraform" => Ok(Vec::new()),
            "data" => self.data(used, name),
            "self" => {
                let message = "`self` has a meaning only in a `postcondition`";
                Err(Box::new(Diagnostic::error(message).at(reference.span)))
            }
            _ if config.resources.contains_key(&(root.clone(), name.clone())) => {
                one(Item::Resource(root.clone(), name.clone()))
            }
            _ => Err(self.no_resource(reference, name, config)),
        }
    }

    /// Returns a `data` block.
    fn data(&self, used: &Use<'_>, data_type: &Arc<str>) -> Found {
        let (reference, blocks) = (&used.reference, &self.config(used.module).data);
        let Some(name) = reference.second() else {
            let diagnostic = Diagnostic::error(format!("`data.{data_type}` alone is no value")).at(reference.span);
            return Err(Box::new(diagnostic.hint(format!("write `data.{data_type}.` and the name of a block"))));
        };
        if blocks.contains_key(&(data_type.clone(), name.clone())) {
            let item = Item::Data(data_type.clone(), name.clone());
            return Ok(self.nodes.id(used.module, item).into_iter().collect());
        }
        let diagnostic = Diagnostic::error(format!("there is no `data.{data_type}.{name}`")).at(reference.span);
        let known = blocks.keys().map(|(data_type, name)| format!("data.{data_type}.{name}")).collect::<Vec<_>>();
        let meant = nearest(&format!("data.{data_type}.{name}"), known.iter().map(String::as_str));
        Err(Box::new(match meant {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None => diagnostic.hint(format!("declare it: `data \"{data_type}\" \"{name}\" {{ … }}`")),
        }))
    }

    fn config(&self, module: ModuleId) -> &Config {
        &self.modules.get(module).config
    }

    /// Returns one output of a module, where it is named, else all of them.
    fn outputs(&self, used: &Use<'_>, name: &Arc<str>, block: &ModuleBlock) -> Found {
        let Some(child) = self.modules.get(used.module).children.get(name) else { return Ok(Vec::new()) };
        let outputs = &self.config(*child).outputs;
        let node = |output: &Arc<str>| self.nodes.id(*child, Item::Output(output.clone()));
        let mut found: Vec<NodeId> = self.nodes.id(used.module, Item::Call(name.clone())).into_iter().collect();
        match output_of(&used.reference, block) {
            None => found.extend(outputs.keys().filter_map(node)),
            Some((output, _)) if outputs.contains_key(output) => found.extend(node(output)),
            Some(_) if used.reference.is_tried => found.extend(outputs.keys().filter_map(node)),
            Some((output, step)) => return Err(Box::new(no_output(name, output, step, outputs.keys(), block))),
        }
        if let Some(diagnostic) = without_key(&used.reference, name, block) {
            return Err(Box::new(diagnostic));
        }
        Ok(found)
    }

    /// A root with no name behind it.
    fn bare(&self, reference: &Reference<'_>) -> Box<Diagnostic> {
        let root = &**reference.root;
        let diagnostic = Diagnostic::error(format!("`{root}` alone is no value")).at(reference.span);
        let is_type = self.resource_types.contains(&root);
        Box::new(match root {
            _ if ROOTS.contains(&root) => diagnostic.hint(format!("write `{root}.` and a name")),
            _ if is_type => diagnostic.hint(format!("write `{root}.` and the name of a block")),
            _ => diagnostic.hint("a text stands in quotes: `\"…\"`"),
        })
    }

    fn no_resource(&self, reference: &Reference<'_>, name: &str, config: &Config) -> Box<Diagnostic> {
        let (root, resources) = (&**reference.root, &config.resources);
        let diagnostic = Diagnostic::error(format!("there is no `{root}.{name}`")).at(reference.span);
        let names = || resources.keys().filter(|(resource_type, _)| &**resource_type == root).map(|(_, name)| &**name);
        if let Some(meant) = nearest(name, names()) {
            return Box::new(diagnostic.hint(format!("did you mean `{root}.{meant}`?")));
        }
        let declared = resources.keys().map(|(resource_type, _)| &**resource_type);
        Box::new(match nearest(root, ROOTS.into_iter().chain(declared).chain(self.resource_types.iter().copied())) {
            Some(meant) if meant != root => diagnostic.hint(format!("did you mean `{meant}.{name}`?")),
            _ => match names().collect::<Vec<_>>().as_slice() {
                [] => diagnostic,
                names => {
                    let list: Vec<String> = names.iter().take(5).map(|name| format!("`{root}.{name}`")).collect();
                    diagnostic.hint(format!("there is {}", list.join(", ")))
                }
            },
        })
    }
}

/// Returns the output that a reference to a module names, with the step that names it.
///
/// It is the first step of a module that is called once; else it stands behind the key or the splat.
pub(super) fn output_of<'r>(reference: &Reference<'r>, block: &ModuleBlock) -> Option<(&'r Arc<str>, &'r Step)> {
    let first = reference.steps.get(1)?;
    let step = match (first, &block.repetition) {
        (Step::Attribute(..), _) => first,
        (Step::Index(_), Repetition::Once) => return None,
        (Step::Index(_), _) => reference.steps.get(2)?,
        (Step::Splat { each, .. }, _) => each.first()?,
    };
    match step {
        Step::Attribute(name, _) => Some((name, step)),
        _ => None,
    }
}

/// Says that a module that is called several times needs a key.
fn without_key(reference: &Reference<'_>, name: &str, block: &ModuleBlock) -> Option<Diagnostic> {
    let Some(Step::Attribute(output, span)) = reference.steps.get(1) else { return None };
    let (what, key) = match block.repetition {
        Repetition::Once => return None,
        Repetition::Count(_) => ("count", "0"),
        Repetition::ForEach(_) => ("for_each", "\"…\""),
    };
    let hint = format!("write `module.{name}[{key}].{output}`");
    let message = format!("module `{name}` has `{what}`, so it has an output `{output}` for each of its instances");
    Some(Diagnostic::error(message).at(*span).hint(hint))
}

fn no_output<'n>(
    module: &str,
    output: &str,
    step: &Step,
    known: impl Iterator<Item = &'n Arc<str>>,
    block: &ModuleBlock,
) -> Diagnostic {
    let known: Vec<&str> = known.map(|name| &**name).collect();
    let message = format!("module `{module}` has no output `{output}`");
    let diagnostic = Diagnostic::error(message).at(step.span()).related(block.header, "the module is called here");
    match (nearest(output, known.iter().copied()), known.as_slice()) {
        (Some(meant), _) => diagnostic.hint(format!("did you mean `{meant}`?")),
        (None, []) => diagnostic.hint(format!("it has none; declare it in the module: `output \"{output}\" {{ … }}`")),
        (None, known) => {
            let list: Vec<String> = known.iter().take(8).map(|name| format!("`{name}`")).collect();
            diagnostic.hint(format!("it has {}", list.join(", ")))
        }
    }
}

/// Says that nothing is declared under a name.
fn undeclared<'n>(
    reference: &Reference<'_>,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'n Arc<str>>,
) -> Box<Diagnostic> {
    let root = reference.root;
    let diagnostic = Diagnostic::error(format!("there is no {what} `{name}`")).at(reference.span);
    Box::new(match nearest(name, known.map(|known| &**known)) {
        Some(meant) => diagnostic.hint(format!("did you mean `{root}.{meant}`?")),
        None if what == "variable" => diagnostic.hint(format!("declare it: `variable \"{name}\" {{ … }}`")),
        None => diagnostic,
    })
}

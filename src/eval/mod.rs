//! Configuration and variables into desired objects: scope, functions, expansion.
mod arguments;
mod asserts;
mod calls;
mod calls_of_modules;
mod checks;
mod clusters;
mod conditional;
mod console;
mod constraint;
mod convert;
mod cycle;
mod data;
mod dynamic;
mod evaluate;
mod expand;
mod expression;
mod functions;
mod guess;
mod imports;
mod inputs;
mod inspect;
mod instances;
mod json;
mod json_blocks;
mod kinds;
mod literal;
mod locate;
mod module_instances;
mod modules;
mod needs;
mod newer;
mod nodes;
mod number;
mod operators;
mod reading;
mod refactoring;
mod references;
mod referrers;
mod resolve;
mod root_only;
mod scope;
mod shape;
mod sight;
mod targets;
mod text;
mod triggers;
mod types;
mod visit;
mod walk;
mod world;

pub(crate) use asserts::{Names, value_of};
pub(crate) use clusters::{ClusterSettings, known_clusters};
pub(crate) use console::exports;
pub(crate) use evaluate::{Evaluation, Inputs, Pass, evaluate, pass};
pub(crate) use reading::{Read, Reading};

/// Returns every function of the language: how it is called, and what it does.
pub(crate) fn functions() -> impl Iterator<Item = (String, &'static str)> {
    functions::all().map(|function| (function.signature(), function.about))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
use kinds::ResourceTypes;

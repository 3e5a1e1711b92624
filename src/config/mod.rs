//! Files into blocks with spans; nothing is evaluated here.
mod blocks;
mod collect;
mod explain;
pub(crate) mod ir;
mod load;
mod lower;
mod module;
mod parse;
mod settings;
mod source;
mod template;
mod variables;
mod version;

pub(crate) use blocks::{Condition, Config, ModuleBlock, Repetition, ResourceBlock, Variable};
pub(crate) use load::{load, sorted};
pub(crate) use module::cleaned;
pub(crate) use parse::{on_large_stack, parse_expression, parse_template};
pub(crate) use source::{ReadError, Sources, absolute, list_inside, read_inside};
pub(crate) use variables::{Assigned, Assignment, Flag, Origin, variables};

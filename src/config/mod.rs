//! Files into blocks with spans; nothing is evaluated here.
mod blocks;
mod collect;
mod explain;
pub(crate) mod ir;
mod load;
mod lower;
mod parse;
mod settings;
mod source;
mod template;
mod variables;
mod version;

pub(crate) use blocks::{Condition, Config, Repetition, ResourceBlock, Variable};
pub(crate) use load::{load, sorted};
pub(crate) use parse::{on_large_stack, parse_expression, parse_template};
pub(crate) use source::{ReadError, Sources, absolute, list_files, read_inside};
pub(crate) use variables::{Assigned, Assignment, Flag, Origin, variables};

//! Files into blocks with spans; nothing is evaluated here.
mod blocks;
mod collect;
mod data;
pub(crate) mod definition;
mod explain;
mod for_object;
mod format;
mod git_source;
mod heredoc;
pub(crate) mod ir;
mod json;
mod load;
mod lock_file;
mod lower;
mod module;
mod parse;
mod refactoring;
mod repeated_key;
mod settings;
mod source;
mod template;
mod test_file;
mod variables;
mod version;

pub(crate) use blocks::{
    CheckBlock, Condition, Config, DataBlock, ImportBlock, ModuleBlock, Repetition, ResourceBlock, Variable,
};
pub(crate) use format::format;
#[cfg(any(test, fuzzing))]
pub(crate) use format::meaning;
pub(crate) use git_source::{GitSource, MODULES};
#[cfg(any(test, fuzzing))]
pub(crate) use load::load;
pub(crate) use load::{Missing, load_beside, load_with, mentions_clusters, sorted};
pub(crate) use lock_file::{LockFile, is_commit};
pub(crate) use module::cleaned;
pub(crate) use parse::{is_complete, parse_expression, parse_template};
pub(crate) use source::{MAX_BYTES, ReadError, Sources, absolute, list_inside, list_tests, read_inside};
pub(crate) use test_file::{TestCommand, TestFile, TestRun, test_file};
pub(crate) use variables::{Assigned, Assignment, Flag, Origin, variables};

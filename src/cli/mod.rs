//! Arguments into calls: one file per command, exit codes.
mod apply;
mod arguments;
mod completions;
mod destroy;
mod drift;
mod exit;
mod force_unlock;
mod graph;
mod init;
mod output;
mod plan;
mod planning;
mod progress;
mod project;
mod render;
mod run;
mod sandbox;
mod saved;
mod schema;
mod show;
mod state;
mod terminal;
mod validate;
mod version;
mod working;
mod workspace;

pub(crate) use run::run;

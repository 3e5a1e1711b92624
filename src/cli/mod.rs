//! Arguments into calls: one file per command, exit codes.
mod apply;
mod arguments;
mod completions;
mod connecting;
mod console;
mod destroy;
mod drift;
mod early;
mod exit;
mod fmt;
mod force_unlock;
mod git;
mod graph;
mod import;
mod init;
mod modules;
mod output;
mod plan;
mod planning;
mod progress;
mod project;
mod reading;
mod render;
mod run;
mod sandbox;
mod saved;
mod schema;
mod show;
mod state;
mod state_mv;
mod state_push;
mod terminal;
mod test;
mod validate;
mod version;
mod working;
mod workspace;

pub(crate) use run::run;

/// Reads a saved plan, whatever it may hold.
#[cfg(any(test, fuzzing))]
pub(crate) fn reads_plan(path: &std::path::Path) {
    drop(saved::SavedPlan::read(path));
}

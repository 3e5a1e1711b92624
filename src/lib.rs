//! rayform turns HCL files that describe Ray on Kubernetes into a running system.
use std::ffi::OsString;
use std::process::ExitCode;

mod cli;
mod cluster;
mod config;
mod eval;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod model;
mod plan;
mod render;
mod resource;
mod sandbox;
mod ssa;
mod state;
mod workflow;

/// Runs one command, as the program `rayform` does; the first argument is the program's name.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    cli::run(arguments.into_iter().collect())
}

/// Tries one input of a fuzzing target; panics where something does not hold.
#[cfg(fuzzing)]
pub fn fuzz(target: &str, data: &[u8]) {
    fuzz::run(target, data);
}

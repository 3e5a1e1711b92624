//! From the arguments to the exit code.
use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use super::arguments::{self, Arguments, Command, Global};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Runs one command and tells how it ended.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = match arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    log_to_stderr();
    let global = arguments.global.clone();
    let mut terminal = Terminal::new(global.json, global.no_color, global.compact_warnings);
    match dispatch(arguments, &global, &mut terminal) {
        Ok(exit) => exit.into(),
        Err(Failure::Print(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            terminal.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

/// Calls the command.
fn dispatch(arguments: Arguments, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
    if !matches!(arguments.command, Command::Workspace(_) | Command::Completions(_) | Command::Version(_)) {
        super::workspace::check(global)?;
    }
    match arguments.command {
        Command::Init(init) => init.run(global, terminal),
        Command::Validate(validate) => validate.run(global, terminal),
        Command::Fmt(fmt) => fmt.run(global, terminal),
        Command::Plan(plan) => block_on(plan.run(global, terminal)),
        Command::Apply(apply) => block_on(apply.run(global, terminal)),
        Command::Destroy(destroy) => block_on(destroy.run(global, terminal)),
        Command::Drift(drift) => block_on(drift.run(global, terminal)),
        Command::Import(import) => block_on(import.run(global, terminal)),
        Command::Show(show) => show.run(global, terminal),
        Command::Output(output) => output.run(global, terminal),
        Command::State(state) => block_on(state.run(global, terminal)),
        Command::Workspace(workspace) => workspace.run(global, terminal),
        Command::Console(console) => console.run(global, terminal),
        Command::Test(test) => block_on(test.run(global, terminal)),
        Command::Graph(graph) => graph.run(global, terminal),
        Command::Render(render) => render.run(global, terminal),
        Command::Schema(schema) => schema.run(global, terminal),
        Command::Sandbox(sandbox) => block_on(sandbox.run(global, terminal)),
        Command::ForceUnlock(_) => super::force_unlock::ForceUnlock::run(global, terminal),
        Command::Completions(completions) => completions.run(terminal),
        Command::Version(_) => super::version::Version::run(terminal),
    }
}

/// Runs what talks to a cluster.
fn block_on(future: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    result
}

/// Prints what clap says: help and version are no errors.
fn refuse(error: &clap::Error) -> ExitCode {
    error.print().unwrap_or_default();
    if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Logs to standard error what `RAYFORM_LOG` asks for, such as `debug`; nothing by default.
fn log_to_stderr() {
    let Ok(filter) = std::env::var("RAYFORM_LOG") else { return };
    let filter = tracing_subscriber::EnvFilter::new(filter);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    log.try_init().unwrap_or_default();
}

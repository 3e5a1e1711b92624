//! The folder that a command works in: its configuration, its state, its cluster.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{Global, Locking, Variables};
use super::connecting::{self, Connections};
use super::exit::Failure;
use super::terminal::Terminal;
use super::workspace;
use crate::config::{self, Config, Flag, Sources};
use crate::eval::{self, Evaluation, Inputs, Reading};
use crate::model::Known;
use crate::resource;
use crate::state::{Loaded, Lock, LockOwner, State, Store};

/// An evaluated configuration.
#[derive(Debug)]
pub(super) struct Project {
    pub evaluation: Arc<Evaluation>,
}

impl Project {
    /// Reads and evaluates the configuration without asking any cluster, and shows its warnings.
    pub(super) fn open(global: &Global, variables: &Variables, terminal: &mut Terminal) -> Result<Self, Failure> {
        let (config, inputs) = configuration(global, variables, terminal)?;
        let evaluation = eval::evaluate(&config, &inputs, &mut terminal.secrets).map_err(Failure::Mistakes)?;
        terminal.diagnostics(&evaluation.desired.diagnostics)?;
        Ok(Self { evaluation: Arc::new(evaluation) })
    }

    /// Does the same, but a folder without configuration is an empty one.
    pub(super) fn open_or_empty(
        global: &Global,
        variables: &Variables,
        terminal: &mut Terminal,
    ) -> Result<Self, Failure> {
        if has_configuration(&global.chdir)? {
            return Self::open(global, variables, terminal);
        }
        let inputs = inputs(global, variables, &mut terminal.sources)?;
        let config = Arc::new(config::Config { folder: global.chdir.clone(), ..config::Config::default() });
        let evaluation = eval::evaluate(&config, &inputs, &mut terminal.secrets).map_err(Failure::Mistakes)?;
        Ok(Self { evaluation: Arc::new(evaluation) })
    }
}

/// Reads the configuration and the values of its variables.
pub(super) fn configuration(
    global: &Global,
    variables: &Variables,
    terminal: &mut Terminal,
) -> Result<(Arc<Config>, Inputs), Failure> {
    let loaded = config::load_beside(&global.chdir, variables.given.sources.clone());
    terminal.sources = loaded.sources;
    let config = loaded.config.map_err(Failure::Mistakes)?;
    let inputs = inputs(global, variables, &mut terminal.sources)?;
    Ok((config, inputs))
}

/// Connects to every cluster that the configuration names; without one, to the one that flags and environment name.
pub(super) async fn connect_all(global: &Global, terminal: &mut Terminal) -> Result<Connections, Failure> {
    let configured = if has_configuration(&global.chdir)? {
        Project::open(global, &Variables::default(), terminal)?.evaluation.clusters.clone()
    } else {
        connecting::unnamed()
    };
    let all = configured.keys().cloned().collect();
    connecting::check_flags(global, &all)?;
    connecting::connect(global, &configured, all, Connections::default()).await
}

/// Returns the place of the state of the workspace that is worked in.
pub(super) fn store(global: &Global) -> Store {
    let workspace = workspace::current(global);
    Store::new(&state_folder(global), Some(workspace.as_str()).filter(|name| *name != workspace::DEFAULT))
}

/// Returns where states lie: beside the configuration, or with the sandbox that they belong to.
pub(super) fn state_folder(global: &Global) -> PathBuf {
    sandbox_folder(global).unwrap_or_else(|| global.chdir.clone())
}

/// Reads the state.
pub(super) fn load(store: &Store) -> Result<Loaded, Failure> {
    Ok(store.load(|| uuid::Uuid::new_v4().to_string())?)
}

/// Returns what the resources export, as the state has it.
pub(super) fn known(state: &State) -> Known {
    let resources = state.resources.iter();
    let exports = resources.map(|(address, recorded)| (address.clone(), Arc::new(eval::exports(&recorded.exports))));
    Known { exports: exports.collect(), ..Known::default() }
}

/// Takes the state's lock, and tells of a run that died with it.
pub(super) fn lock(store: &Store, locking: &Locking, command: &str, terminal: &mut Terminal) -> Result<Lock, Failure> {
    let timeout = if locking.lock { locking.lock_timeout } else { Duration::ZERO };
    let lock = store.lock(&owner(command), timeout)?;
    if let Some(dead) = &lock.abandoned_by {
        terminal.message(&format!("The last run ended without freeing the state's lock: {dead}."));
    }
    Ok(lock)
}

/// Tells whether the folder holds configuration files.
pub(super) fn has_configuration(folder: &Path) -> Result<bool, Failure> {
    let failed = |source| Failure::File { path: folder.display().to_string(), source };
    if !folder.exists() {
        return Ok(false);
    }
    let is_configuration = |name: &str| name.ends_with(".rf.hcl") || name.ends_with(".rf.json");
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    Ok(entries.filter_map(Result::ok).any(|entry| is_configuration(&entry.file_name().to_string_lossy())))
}

/// Returns the sandbox's folder, where the sandbox was asked for; a relative one stands in the project.
pub(super) fn sandbox_folder(global: &Global) -> Option<PathBuf> {
    let folder = global.sandbox.as_ref()?;
    Some(if folder == Path::new(".rayform/sandbox") { global.chdir.join(folder) } else { folder.clone() })
}

/// Returns the present time as RFC 3339 in seconds.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn owner(command: &str) -> LockOwner {
    let variable = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
    LockOwner {
        who: variable(&["USER", "LOGNAME"]).unwrap_or_else(|| "somebody".to_owned()),
        host: host.or_else(|| variable(&["HOSTNAME", "COMPUTERNAME"])).unwrap_or_else(|| "localhost".to_owned()),
        pid: std::process::id(),
        since: now(),
        command: command.to_owned(),
    }
}

/// Gathers the values of variables from environment, files and flags.
pub(super) fn inputs(global: &Global, variables: &Variables, sources: &mut Sources) -> Result<Inputs, Failure> {
    let environment: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let (mut values, mut files) = (variables.values.iter(), variables.files.iter());
    let flags: Vec<_> = variables
        .order
        .iter()
        .filter_map(|is_file| match is_file {
            true => files.next().cloned().map(Flag::File),
            false => values.next().cloned().map(Flag::Variable),
        })
        .collect();
    let mut assignments = config::variables(&global.chdir, &environment, &flags, sources).map_err(Failure::Mistakes)?;
    assignments.extend(variables.given.assignments.iter().cloned());
    let home = std::env::var_os("HOME").map(PathBuf::from);
    Ok(Inputs {
        assignments,
        now: now(),
        home,
        workspace: workspace::current(global),
        resource_types: resource::all(),
        reading: Reading::Never,
    })
}

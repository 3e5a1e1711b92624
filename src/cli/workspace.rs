//! `workspace`: several states of one configuration, of which one is worked in.
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::project;
use super::terminal::Terminal;
use crate::state::Store;

/// The workspace that is there without being made.
pub(super) const DEFAULT: &str = "default";

/// Keep several states of one configuration apart, such as one for each environment.
///
/// The state of a workspace other than `default` lies in `rayform.state.d/NAME`. Which one is worked in is kept in
/// `.rayform/workspace`; `--workspace` and `RAYFORM_WORKSPACE` come before it.
#[derive(Debug, Args)]
pub(super) struct Workspace {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print all workspaces; a star marks the one that is worked in.
    List,
    /// Print the name of the workspace that is worked in.
    Show,
    /// Make a workspace and work in it.
    New {
        #[arg(value_parser = parse_name)]
        name: String,
    },
    /// Work in another workspace.
    Select {
        #[arg(value_parser = parse_name)]
        name: String,
        /// Make it where there is none of this name.
        #[arg(long)]
        or_create: bool,
    },
    /// Delete a workspace of which nothing is recorded any more.
    Delete {
        #[arg(value_parser = parse_name)]
        name: String,
        /// Also where resources are recorded: their objects stay in the cluster and are forgotten.
        #[arg(long)]
        force: bool,
    },
}

impl Workspace {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        match &self.action {
            Action::List => list(global, terminal)?,
            Action::Show => terminal.line(&current(global))?,
            Action::New { name } => new(global, name, terminal)?,
            Action::Select { name, or_create } if *or_create && !exists(global, name) => new(global, name, terminal)?,
            Action::Select { name, .. } => switch(global, name, terminal)?,
            Action::Delete { name, force } => delete(global, name, *force, terminal)?,
        }
        Ok(Exit::Done)
    }
}

/// Returns the workspace that is worked in: by flag or environment, else the selected one.
pub(super) fn current(global: &Global) -> String {
    let selected = || fs::read_to_string(selection(global)).ok().map(|text| text.trim().to_owned());
    let name = global.workspace.clone().or_else(|| selected().filter(|name| parse_name(name).is_ok()));
    name.unwrap_or_else(|| DEFAULT.to_owned())
}

/// Refuses to work in a workspace that nobody made: a misspelt name would plan everything anew.
pub(super) fn check(global: &Global) -> Result<(), Failure> {
    let name = current(global);
    if exists(global, &name) { Ok(()) } else { Err(missing(global, &name)) }
}

/// Reads the name of a workspace, which is also that of a folder.
pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain);
    if is_name && text.len() <= 90 {
        return Ok(text.to_owned());
    }
    Err("a workspace is named by up to 90 letters, digits, `-`, `_` and `.`, a letter or digit first".to_owned())
}

fn selection(global: &Global) -> PathBuf {
    global.chdir.join(".rayform").join("workspace")
}

/// Returns the folder of a workspace's state, which shows that the workspace exists.
fn folder(global: &Global, name: &str) -> PathBuf {
    Store::folder_of(&project::state_folder(global), name)
}

fn exists(global: &Global, name: &str) -> bool {
    name == DEFAULT || folder(global, name).is_dir()
}

fn names(global: &Global) -> Vec<String> {
    let entries = fs::read_dir(Store::folder_of(&project::state_folder(global), "")).into_iter().flatten();
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    let made = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = made.filter(|name| parse_name(name).is_ok()).collect();
    names.sort();
    names.insert(0, DEFAULT.to_owned());
    names
}

fn missing(global: &Global, name: &str) -> Failure {
    let hint = match crate::model::nearest(name, names(global).iter().map(String::as_str)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`rayform workspace new {name}` makes it"),
    };
    Failure::refused_with(format!("there is no workspace `{name}`"), hint)
}

fn list(global: &Global, terminal: &mut Terminal) -> Result<(), Failure> {
    let current = current(global);
    for name in names(global) {
        let mark = if name == current { '*' } else { ' ' };
        terminal.line(&format!("{mark} {name}"))?;
    }
    Ok(())
}

fn new(global: &Global, name: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    if exists(global, name) {
        let hint = format!("`rayform workspace select {name}` works in it");
        return Err(Failure::refused_with(format!("there is a workspace `{name}` already"), hint));
    }
    let folder = folder(global, name);
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    switch(global, name, terminal)
}

fn switch(global: &Global, name: &str, terminal: &mut Terminal) -> Result<(), Failure> {
    if !exists(global, name) {
        return Err(missing(global, name));
    }
    let path = selection(global);
    let place = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(place).map_err(failed(place))?;
    fs::write(&path, format!("{name}\n")).map_err(failed(&path))?;
    terminal.message(&format!("Working in workspace `{name}`."));
    if let Some(other) = global.workspace.as_deref().filter(|other| *other != name) {
        terminal.message(&format!("As long as `RAYFORM_WORKSPACE` is set, `{other}` is worked in all the same."));
    }
    Ok(())
}

fn delete(global: &Global, name: &str, force: bool, terminal: &mut Terminal) -> Result<(), Failure> {
    if name == DEFAULT {
        return Err(Failure::refused("the workspace `default` cannot be deleted"));
    }
    if !exists(global, name) {
        return Err(missing(global, name));
    }
    if name == current(global) {
        let hint = "`rayform workspace select default` leaves it";
        return Err(Failure::refused_with(format!("`{name}` is the workspace that is worked in"), hint));
    }
    let count = project::load(&Store::new(&project::state_folder(global), Some(name)))?.state.resources.len();
    if count > 0 && !force {
        let message = format!("workspace `{name}` still records {count} resources");
        return Err(Failure::refused_with(message, "destroy them first; `--force` forgets them"));
    }
    let folder = folder(global, name);
    fs::remove_dir_all(&folder).map_err(failed(&folder))?;
    terminal.message(&format!("Deleted workspace `{name}`."));
    Ok(())
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |source| Failure::File { path: path.clone(), source }
}

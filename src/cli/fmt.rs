//! `fmt`: brings files into canonical layout, or tells which are not.
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use similar::TextDiff;

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::config;

/// Bring configuration files into canonical layout.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(super) struct Fmt {
    /// Files and folders; `-` reads standard input and writes the result to standard output [default: the folder].
    paths: Vec<PathBuf>,
    /// Write nothing; exit 3 and name the files where some are not in canonical layout.
    #[arg(long)]
    check: bool,
    /// Show what changes, as a unified diff.
    #[arg(long)]
    diff: bool,
    /// Go into folders below, too, but not into hidden ones.
    #[arg(long)]
    recursive: bool,
    /// Name the files that change; `--list=false` is silent.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    list: bool,
    /// Write the files that change; `--write=false` only tells.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    write: bool,
}

/// The endings of the files that are formatted where a folder is named.
const ENDINGS: [&str; 3] = [".rf.hcl", ".vars.hcl", ".rftest.hcl"];

impl Fmt {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        if self.paths == [Path::new("-")] {
            return self.standard_input(terminal);
        }
        let (mut mistakes, mut changed) = (Vec::new(), false);
        for path in self.files(global)? {
            match self.file(&path, terminal) {
                Ok(is_changed) => changed |= is_changed,
                Err(Failure::Mistakes(found)) => mistakes.extend(found),
                Err(other) => return Err(other),
            }
        }
        if mistakes.is_empty() { Ok(self.exit(changed)) } else { Err(Failure::Mistakes(mistakes)) }
    }

    fn exit(&self, changed: bool) -> Exit {
        if self.check && changed { Exit::Unformatted } else { Exit::Done }
    }

    fn standard_input(&self, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let mut bytes = Vec::new();
        let failed = |source| Failure::File { path: "standard input".to_owned(), source };
        std::io::stdin().lock().take(config::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let file =
            terminal.sources.add_bytes("standard input", bytes).map_err(|found| Failure::Mistakes(vec![*found]))?;
        let text = terminal.sources.text(file).to_owned();
        let formatted = config::format(&text, file).map_err(Failure::Mistakes)?;
        if self.diff {
            terminal.data(&difference("standard input", &text, &formatted))?;
        } else if !self.check {
            terminal.data(&formatted)?;
        }
        Ok(self.exit(formatted != text))
    }

    /// Formats one file, and returns whether it was not in canonical layout.
    fn file(&self, path: &Path, terminal: &mut Terminal) -> Result<bool, Failure> {
        let file = terminal.sources.read_unchanged(path).map_err(|found| Failure::Mistakes(vec![*found]))?;
        let (name, text) = (terminal.sources.name(file).to_owned(), terminal.sources.text(file).to_owned());
        let formatted = config::format(&text, file).map_err(Failure::Mistakes)?;
        if formatted == text {
            return Ok(false);
        }
        let difference = self.diff.then(|| difference(&name, &text, &formatted));
        if terminal.json {
            let line = serde_json::json!({"type": "unformatted", "file": name, "diff": difference});
            terminal.json(&format!("{line}\n"))?;
        } else {
            if self.list {
                terminal.line(&name)?;
            }
            difference.map_or(Ok(()), |difference| terminal.data(&difference))?;
        }
        if self.write && !self.check {
            replace(path, &formatted).map_err(|source| Failure::File { path: name, source })?;
        }
        Ok(true)
    }

    /// Returns the files to format, in order.
    fn files(&self, global: &Global) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        let here = [PathBuf::new()];
        let paths = if self.paths.is_empty() { here.as_slice() } else { self.paths.as_slice() };
        for path in paths {
            let path = global.chdir.join(path);
            let failed = |source| Failure::File { path: path.display().to_string(), source };
            if std::fs::metadata(&path).map_err(failed)?.is_dir() {
                self.folder(&path, &mut files).map_err(failed)?;
            } else if path.extension().is_some_and(|extension| extension == "hcl") {
                files.push(path);
            } else {
                let message = format!("`{}` is not a file that `fmt` formats", path.display());
                return Err(Failure::refused_with(message, "such a file ends in `.hcl`; JSON has no canonical layout"));
            }
        }
        Ok(files)
    }

    fn folder(&self, folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
        let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_ours = ENDINGS.iter().any(|ending| name.ends_with(ending)) || name == "rayform.vars.hcl";
            if name.starts_with('.') {
                continue;
            }
            // A link to a folder is not followed: it could lead back.
            if self.recursive && entry.file_type()?.is_dir() {
                self.folder(&path, files)?;
            } else if is_ours && path.is_file() {
                files.push(path);
            }
        }
        Ok(())
    }
}

fn difference(name: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().header(&format!("old/{name}"), &format!("new/{name}")).to_string()
}

/// Replaces a file as a whole, so that a full disk does not leave half of it. A link stays a link.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

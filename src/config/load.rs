//! A folder into a configuration: files read, parsed at once, and their blocks collected.
use std::path::Path;
use std::sync::Arc;

use super::blocks::Config;
use super::{Sources, collect, parse, source};
use crate::model::Diagnostic;

/// What became of a folder. The sources are there even when the configuration is not.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub sources: Sources,
    pub config: Result<Arc<Config>, Vec<Diagnostic>>,
}

/// Reads the configuration of a folder; every mistake is reported, by file and place.
pub(crate) fn load(folder: &Path) -> Loaded {
    let mut sources = Sources::default();
    let config = read(folder, &mut sources);
    Loaded { sources, config }
}

fn read(folder: &Path, sources: &mut Sources) -> Result<Arc<Config>, Vec<Diagnostic>> {
    let listed = source::list(folder).map_err(|diagnostic| vec![*diagnostic])?;
    let (mut diagnostics, mut files) = (Vec::new(), Vec::new());
    for path in &listed.hcl {
        match sources.read(path) {
            Ok(file) => files.push(file),
            Err(diagnostic) => diagnostics.push(*diagnostic),
        }
    }
    for path in &listed.json {
        let message = format!("`{}`: configuration in JSON is not supported yet", path.display());
        diagnostics.push(Diagnostic::error(message));
    }
    if listed.hcl.is_empty() && listed.json.is_empty() {
        diagnostics.push(nothing_here(folder));
    }
    let mut config = Config { folder: folder.to_path_buf(), ..Config::default() };
    for result in parse::parse_files(sources, &files) {
        match result {
            Ok(body) => collect::collect(body, &mut config, &mut diagnostics),
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.is_empty() { Ok(Arc::new(config)) } else { Err(sorted(diagnostics)) }
}

fn nothing_here(folder: &Path) -> Diagnostic {
    Diagnostic::error(format!("there is no configuration in `{}`: no file ends in `.rf.hcl`", folder.display()))
        .hint("`rayform init` writes a starter configuration; `--chdir` leads to another folder")
}

/// Sorts by file and place; what has no place comes first.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.at.as_ref().map(|(span, _)| *span));
    diagnostics.dedup();
    diagnostics
}

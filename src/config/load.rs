//! A folder and the modules that it calls into a configuration: each folder read and parsed once.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocks::{Config, ModuleBlock};
use super::git_source::{GitSource, checkout_of};
use super::lock_file::LockFile;
use super::module::{Source, cleaned};
use super::{Sources, collect, parse, source};
use crate::model::{Diagnostic, Span};

/// How deep modules may call one another.
const MAX_DEPTH: usize = 32;

/// What became of a folder. The sources are there even when the configuration is not.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub sources: Sources,
    pub config: Result<Arc<Config>, Vec<Diagnostic>>,
    /// The modules from git that are called, as far as they are known.
    pub repositories: BTreeSet<GitSource>,
    /// Those of them that are not here.
    pub missing: Vec<Missing>,
}

/// A module that is not here, and the place of its source.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    pub source: GitSource,
    pub span: Span,
}

/// Reads the configuration of a folder, as [`load_beside`] does.
#[cfg(any(test, fuzzing))]
pub(crate) fn load(folder: &Path) -> Loaded {
    load_beside(folder, Sources::default())
}

/// Reads the configuration of a folder; every mistake is reported, by file and place.
///
/// `sources` were read already, and may be pointed at as well.
pub(crate) fn load_beside(folder: &Path, sources: Sources) -> Loaded {
    match LockFile::read(folder) {
        Ok(lock) => load_with(folder, sources, &lock),
        Err(diagnostic) => {
            let mut loaded = load_with(folder, sources, &LockFile::default());
            loaded.config = Err(vec![*diagnostic]);
            loaded
        }
    }
}

/// Tells whether the files of a folder may hold `cluster` blocks, which is known before anything is parsed.
pub(crate) fn mentions_clusters(folder: &Path) -> bool {
    let word = regex::bytes::Regex::new(r"\bcluster\b").expect("a pattern");
    let Ok(listed) = source::list(folder) else { return true };
    let mut files = listed.hcl.iter().chain(&listed.json);
    listed.is_empty() || files.any(|path| source::read_beside(path).map_or(true, |bytes| word.is_match(&bytes)))
}

/// Reads the configuration of a folder, with modules from git at these commits.
pub(crate) fn load_with(folder: &Path, sources: Sources, lock: &LockFile) -> Loaded {
    let mut loader = Loader {
        root: folder,
        lock,
        sources,
        read: BTreeMap::new(),
        open: Vec::new(),
        diagnostics: Vec::new(),
        repositories: BTreeSet::new(),
        missing: Vec::new(),
    };
    let config = match source::list(folder) {
        Ok(listed) if listed.is_empty() => {
            loader.diagnostics.push(nothing_here(folder));
            None
        }
        Ok(_) => loader.module(PathBuf::new()),
        Err(diagnostic) => {
            loader.diagnostics.push(*diagnostic);
            None
        }
    };
    let config = match config {
        Some(config) if loader.diagnostics.is_empty() => Ok(config),
        _ => Err(sorted(loader.diagnostics)),
    };
    let Loader { sources, repositories, missing, .. } = loader;
    Loaded { sources, config, repositories, missing }
}

struct Loader<'a> {
    root: &'a Path,
    lock: &'a LockFile,
    sources: Sources,
    /// What was read already, by its place; nothing where there was a mistake.
    read: BTreeMap<PathBuf, Option<Arc<Config>>>,
    /// The modules that lead to the present one.
    open: Vec<Step>,
    diagnostics: Vec<Diagnostic>,
    repositories: BTreeSet<GitSource>,
    missing: Vec<Missing>,
}

/// A call on the way to the present module.
struct Step {
    /// The module that calls.
    place: PathBuf,
    name: Arc<str>,
    span: Span,
}

impl Loader<'_> {
    /// Reads the module in one folder and all that it calls.
    fn module(&mut self, place: PathBuf) -> Option<Arc<Config>> {
        let before = self.diagnostics.len();
        let mut config = Config { folder: self.folder(&place), place, ..Config::default() };
        self.blocks(&mut config);
        for (name, block) in &config.modules {
            if let Some(child) = self.call(&config.place, name, block) {
                config.children.insert(name.clone(), child);
            }
        }
        (self.diagnostics.len() == before).then(|| Arc::new(config))
    }

    /// Reads the files of one folder.
    fn blocks(&mut self, config: &mut Config) {
        let listed = match source::list(&config.folder) {
            Ok(listed) => listed,
            Err(diagnostic) => return self.diagnostics.push(*diagnostic),
        };
        let mut files = Vec::new();
        let checkout = checkout_of(&config.place).map(|place| self.folder(&place));
        for path in listed.hcl.iter().chain(&listed.json) {
            if checkout.as_ref().is_some_and(|checkout| !source::is_inside(checkout, path)) {
                let message = format!("`{}` is a link that leads out of its repository", path.display());
                self.diagnostics.push(Diagnostic::error(message));
                continue;
            }
            match self.sources.read(path) {
                Ok(file) => files.push(file),
                Err(diagnostic) => self.diagnostics.push(*diagnostic),
            }
        }
        for result in parse::parse_files(&self.sources, &files) {
            match result {
                Ok(body) => collect::collect(body, config, &mut self.diagnostics),
                Err(found) => self.diagnostics.extend(found),
            }
        }
    }

    /// Reads what a `module` block calls.
    fn call(&mut self, caller: &Path, name: &Arc<str>, block: &ModuleBlock) -> Option<Arc<Config>> {
        let (place, path) = match &block.source {
            Source::Local(path) => (cleaned(&caller.join(path)), path),
            Source::Git(source) => (self.fetched(name, source, block.source_span)?, &source.folder),
        };
        if matches!(block.source, Source::Local(_))
            && let Some(checkout) = checkout_of(caller).filter(|checkout| !place.starts_with(checkout))
        {
            let message = format!("`{}` leads out of the repository `{}`", path.display(), checkout.display());
            self.diagnostics.push(Diagnostic::error(message).at(block.source_span));
            return None;
        }
        self.open.push(Step { place: caller.to_path_buf(), name: name.clone(), span: block.source_span });
        let config = self.once(place, path, block.source_span);
        self.open.pop();
        config
    }

    /// Returns where a module from git was put; reports one that is not here.
    fn fetched(&mut self, name: &str, source: &GitSource, span: Span) -> Option<PathBuf> {
        self.repositories.insert(source.clone());
        let checkout = self.lock.commit(source).map(|commit| source.checkout(commit));
        let checkout = checkout.filter(|checkout| source::is_folder(&self.folder(checkout)));
        if checkout.is_none() {
            let message = format!("module `{name}` is not here yet: {}", source.title());
            self.diagnostics.push(Diagnostic::error(message).at(span).hint("`rayform init` fetches it"));
            self.missing.push(Missing { source: source.clone(), span });
        }
        checkout.map(|checkout| checkout.join(&source.folder))
    }

    /// Reads a folder, unless it was read already; refuses one that leads back to itself.
    fn once(&mut self, place: PathBuf, written: &Path, span: Span) -> Option<Arc<Config>> {
        if let Some(first) = self.open.iter().position(|step| step.place == place) {
            self.diagnostics.push(circle(&self.open[first..]));
            return None;
        }
        if self.open.len() > MAX_DEPTH {
            let message = format!("modules call one another more than {MAX_DEPTH} levels deep, which is the limit");
            self.diagnostics.push(Diagnostic::error(message).at(span));
            return None;
        }
        if let Some(config) = self.read.get(&place) {
            return config.clone();
        }
        let folder = self.folder(&place);
        let listed = source::list(&folder);
        if listed.as_ref().map_or(true, source::Folder::is_empty) {
            let inside = |checkout: PathBuf| Some(place.strip_prefix(checkout).ok()?.to_path_buf());
            let fetched = checkout_of(&place).and_then(inside);
            self.diagnostics.push(match fetched {
                Some(inside) if listed.is_err() => not_in_repository(&folder, &inside, span),
                _ => no_module(&folder, written, span, listed.is_ok()),
            });
            return None;
        }
        let config = self.module(place.clone());
        self.read.insert(place, config.clone());
        config
    }

    /// Returns the folder of a place, as it is opened and shown.
    fn folder(&self, place: &Path) -> PathBuf {
        if place.as_os_str().is_empty() {
            return self.root.to_path_buf();
        }
        let folder = cleaned(&self.root.join(place));
        if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }
    }
}

/// Says that modules call one another in a circle, with the line of each call.
fn circle(steps: &[Step]) -> Diagnostic {
    let names: Vec<String> = steps.iter().map(|step| format!("`module.{}`", step.name)).collect();
    let mut diagnostic =
        Diagnostic::error(format!("modules call one another without an end: {} and so on", names.join(" → ")));
    for (index, step) in steps.iter().enumerate() {
        let label = if index + 1 == steps.len() { "this leads back to the first folder" } else { "" };
        diagnostic = match index {
            0 => diagnostic.labelled(step.span, label),
            _ => diagnostic.related(step.span, label),
        };
    }
    diagnostic
}

/// Says that a folder holds no module.
fn no_module(folder: &Path, written: &Path, span: Span, is_folder: bool) -> Diagnostic {
    if is_folder {
        let message = format!("there is no module in `{}`: no file ends in `.rf.hcl` or `.rf.json`", folder.display());
        return Diagnostic::error(message).at(span);
    }
    let diagnostic = Diagnostic::error(format!("there is no folder `{}`", folder.display())).at(span);
    match source::similar(folder) {
        Some(meant) => diagnostic.hint(format!("did you mean `{}`?", rewritten(written, &meant))),
        None => diagnostic.hint("`source` is relative to the folder of the file that it stands in"),
    }
}

/// Says that a folder is not in the repository that was fetched for it.
fn not_in_repository(folder: &Path, inside: &Path, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("there is no folder `{}` in the repository", inside.display())).at(span);
    match source::similar(folder) {
        Some(meant) => diagnostic.hint(format!("did you mean `//{}`?", inside.with_file_name(meant).display())),
        None => diagnostic.hint("behind the `//` stands a folder of the repository, as it is at this `ref`"),
    }
}

/// Returns the path as it was written, with another last part.
fn rewritten(written: &Path, last: &str) -> String {
    let path = written.with_file_name(last).display().to_string();
    if path.starts_with('.') { path } else { format!("./{path}") }
}

fn nothing_here(folder: &Path) -> Diagnostic {
    Diagnostic::error(format!(
        "there is no configuration in `{}`: no file ends in `.rf.hcl` or `.rf.json`",
        folder.display()
    ))
    .hint("`rayform init` writes a starter configuration; `--chdir` leads to another folder")
}

/// Sorts by file and place; what has no place comes first.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| diagnostic.at.as_ref().map(|(span, _)| *span));
    diagnostics.dedup();
    diagnostics
}

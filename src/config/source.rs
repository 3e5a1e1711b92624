//! The source files: the only place that reads configuration from disk.
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::model::{Diagnostic, FileId, nearest};

/// How large one file may be, in bytes.
pub(crate) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The texts of all files that were read, for underlining.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    files: Vec<(String, String)>,
}

impl Sources {
    /// Adds a file under the name that messages use, and returns its number.
    pub(crate) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push((name.into(), text.into()));
        FileId(u32::try_from(self.files.len() - 1).expect("fewer than four thousand million files"))
    }

    /// Returns the name of a file, as messages show it.
    pub(crate) fn name(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].0
    }

    /// Returns the text of a file.
    pub(crate) fn text(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].1
    }

    /// Reads a file and adds it: byte-order mark and carriage returns removed.
    pub(crate) fn read(&mut self, path: &Path) -> Result<FileId, Box<Diagnostic>> {
        let file = self.read_unchanged(path)?;
        let text = &mut self.files[file.0 as usize].1;
        *text = normalized(std::mem::take(text));
        Ok(file)
    }

    /// Reads a file and adds it as it is.
    pub(crate) fn read_unchanged(&mut self, path: &Path) -> Result<FileId, Box<Diagnostic>> {
        let name = display_name(path);
        match read_limited(path, MAX_BYTES) {
            Ok(bytes) => self.add_bytes(&name, bytes),
            Err(ReadError::TooLarge) => Err(too_large(&name)),
            Err(error) => Err(Box::new(Diagnostic::error(format!("could not read `{name}`: {error}")))),
        }
    }

    /// Adds what was read elsewhere, such as standard input.
    pub(crate) fn add_bytes(&mut self, name: &str, bytes: Vec<u8>) -> Result<FileId, Box<Diagnostic>> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large(name));
        }
        let text = decode(name, bytes)?;
        Ok(self.add(name, text))
    }
}

/// The files of one folder that make up a configuration, in name order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folder {
    /// `*.rf.hcl`.
    pub hcl: Vec<PathBuf>,
    /// `*.rf.json`.
    pub json: Vec<PathBuf>,
    /// `rayform.vars.hcl`, where it is there.
    pub variables: Option<PathBuf>,
    /// `rayform.vars.json`, where it is there.
    pub json_variables: Option<PathBuf>,
    /// `*.auto.vars.hcl`.
    pub automatic_variables: Vec<PathBuf>,
}

impl Folder {
    /// Tells whether there is no configuration.
    pub(super) fn is_empty(&self) -> bool {
        self.hcl.is_empty() && self.json.is_empty()
    }
}

/// Says why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the file is too large")]
    TooLarge,
    #[error("a link leads out of the module's folder")]
    Outside,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Lists the files of a folder; nothing below it.
pub(super) fn list(folder: &Path) -> Result<Folder, Box<Diagnostic>> {
    let failed = |error: std::io::Error| {
        Box::new(Diagnostic::error(format!("could not list the folder `{}`: {error}", folder.display())))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(sort_out(paths))
}

/// Lists the tests of a folder, `*.rftest.hcl` in it and in `tests/` below it, in name order.
pub(crate) fn list_tests(folder: &Path) -> Vec<PathBuf> {
    let is_test = |path: &PathBuf| path.to_string_lossy().ends_with(".rftest.hcl");
    let files = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_test).collect();
        paths.sort();
        paths
    };
    [files(folder), files(&folder.join("tests"))].concat()
}

/// Returns the name of a folder that stands where this one should, and that was probably meant.
pub(super) fn similar(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    let beside = std::fs::read_dir(folder.parent()?).ok()?.filter_map(Result::ok);
    let folders = beside.filter(|entry| entry.path().is_dir());
    let names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
}

/// Reads a file inside a folder, for functions such as `file`. A link that leads out of it is refused.
pub(crate) fn read_inside(folder: &Path, path: &Path) -> Result<Vec<u8>, ReadError> {
    let (folder, path) = (folder.canonicalize()?, path.canonicalize()?);
    if path.starts_with(&folder) { read_limited(&path, MAX_BYTES) } else { Err(ReadError::Outside) }
}

/// Reads a file of the configuration or beside it, as it stands on the disk.
pub(super) fn read_beside(path: &Path) -> Result<Vec<u8>, ReadError> {
    read_limited(path, MAX_BYTES)
}

/// Tells whether a folder is there.
pub(super) fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Tells whether a file lies in a folder, and no link leads out of it.
pub(super) fn is_inside(folder: &Path, path: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| path.canonicalize().is_ok_and(|path| path.starts_with(folder)))
}

/// Returns the absolute form of a folder.
pub(crate) fn absolute(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf())
}

/// How many files `fileset` may go through.
const MAX_FILES: usize = 100_000;

/// Lists all files below a folder, as paths relative to it, for `fileset`. Symbolic links are followed where
/// they lead to a file or folder inside `module` that they do not stand in themselves.
pub(crate) fn list_inside(module: &Path, folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let module = module.canonicalize()?;
    let (mut files, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        let within = next.canonicalize()?;
        if !within.starts_with(&module) {
            return Err(ReadError::Outside);
        }
        for entry in std::fs::read_dir(&next)? {
            let entry = entry?;
            let (mut kind, path) = (entry.file_type()?, entry.path());
            if kind.is_symlink() {
                let Ok(target) = path.canonicalize() else { continue };
                if !target.starts_with(&module) || within.starts_with(&target) {
                    continue;
                }
                kind = target.metadata()?.file_type();
            }
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file()
                && let Ok(relative) = path.strip_prefix(folder)
            {
                files.push(relative.to_path_buf());
            }
            if files.len() + open.len() > MAX_FILES {
                return Err(std::io::Error::other(format!("it holds more than {MAX_FILES} files")).into());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn sort_out(paths: Vec<PathBuf>) -> Folder {
    let mut folder = Folder::default();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.as_str() {
            name if name.starts_with('.') => {}
            "rayform.vars.hcl" => folder.variables = Some(path),
            "rayform.vars.json" => folder.json_variables = Some(path),
            name if name.ends_with(".auto.vars.hcl") => folder.automatic_variables.push(path),
            name if name.ends_with(".rf.hcl") => folder.hcl.push(path),
            name if name.ends_with(".rf.json") => folder.json.push(path),
            _ => {}
        }
    }
    folder
}

fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

fn too_large(name: &str) -> Box<Diagnostic> {
    let limit = MAX_BYTES / 1024 / 1024;
    Box::new(Diagnostic::error(format!("`{name}` is larger than {limit} MiB, which is the limit of one file")))
}

/// Turns bytes into text.
fn decode(name: &str, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = String::from_utf8_lossy(&error.as_bytes()[..good]).matches('\n').count() + 1;
        let message = format!("`{name}` is not UTF-8: line {line} holds a byte that no character begins with");
        Box::new(Diagnostic::error(message).hint("save the file as UTF-8"))
    })
}

/// Returns a text without byte-order mark, with `\n` line ends.
fn normalized(text: String) -> String {
    let text = text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text);
    if text.contains('\r') { text.replace("\r\n", "\n") } else { text }
}

/// Returns a path without a leading `./`.
fn display_name(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_out_by_their_names() {
        let paths =
            ["a.rf.hcl", "b.auto.vars.hcl", "c.txt", "rayform.vars.hcl", "rayform.vars.json", "z.rf.json", ".x.rf.hcl"];
        let folder = sort_out(paths.map(PathBuf::from).to_vec());
        assert_eq!(
            folder,
            Folder {
                hcl: vec!["a.rf.hcl".into()],
                json: vec!["z.rf.json".into()],
                variables: Some("rayform.vars.hcl".into()),
                json_variables: Some("rayform.vars.json".into()),
                automatic_variables: vec!["b.auto.vars.hcl".into()],
            }
        );
    }

    #[test]
    fn links_are_followed_inside_the_folder_alone() {
        let (module, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(elsewhere.path().join("secret"), "").unwrap();
        let root = module.path();
        std::fs::create_dir_all(root.join("files/deep")).unwrap();
        std::fs::write(root.join("files/deep/a"), "").unwrap();
        for (target, link) in [
            (root.join("files/deep"), "files/again"),
            (root.join("files/deep/a"), "files/b"),
            (root.to_path_buf(), "files/deep/round"),
            (elsewhere.path().to_path_buf(), "files/out"),
            (elsewhere.path().join("secret"), "files/secret"),
            (elsewhere.path().to_path_buf(), "outside"),
            (root.join("gone"), "files/gone"),
        ] {
            std::os::unix::fs::symlink(target, root.join(link)).unwrap();
        }
        let files = list_inside(root, &root.join("files")).unwrap();
        assert_eq!(files, ["again/a", "b", "deep/a"].map(PathBuf::from));
        assert!(matches!(list_inside(root, &root.join("outside")), Err(ReadError::Outside)));
    }

    #[test]
    fn a_byte_order_mark_and_carriage_returns_are_removed() {
        assert_eq!(normalized("\u{FEFF}a = 1\r\nb = 2\r\n".to_owned()), "a = 1\nb = 2\n");
    }

    #[test]
    fn what_is_not_utf_8_is_named_with_its_line() {
        let error = decode("main.rf.hcl", b"a = 1\nb = \"\xFF\"\n".to_vec()).unwrap_err();
        assert_eq!(error.message, "`main.rf.hcl` is not UTF-8: line 2 holds a byte that no character begins with");
    }
}

//! `rayform.lock.json`: at which commits the modules from git are held.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::git_source::GitSource;
use super::source::{ReadError, read_beside};
use crate::model::Diagnostic;

/// The name of the file, beside the configuration.
const NAME: &str = "rayform.lock.json";

/// The form that is written.
const VERSION: u32 = 1;

/// The commits, by repository and reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LockFile(BTreeMap<(String, Option<String>), String>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    modules: Vec<Pin>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    repository: String,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    commit: String,
}

impl LockFile {
    /// Returns where the file lies.
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Reads the file of a folder; empty where there is none.
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<Diagnostic>> {
        let bytes = match read_beside(&Self::path(folder)) {
            Ok(bytes) => bytes,
            Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(refuse(&error.to_string())),
        };
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let written: Written = serde_json::from_slice(bytes).map_err(|error| refuse(&error.to_string()))?;
        if written.version > VERSION {
            return Err(refuse(&format!("it has version {}, this rayform knows {VERSION}", written.version)));
        }
        let mut commits = BTreeMap::new();
        for pin in written.modules {
            if !is_commit(&pin.commit) {
                return Err(refuse(&format!("`{}` is no commit", pin.commit)));
            }
            commits.insert((pin.repository, pin.reference), pin.commit);
        }
        Ok(Self(commits))
    }

    /// Returns the text to write.
    pub(crate) fn text(&self) -> String {
        let pin = |((repository, reference), commit): (&(String, Option<String>), &String)| Pin {
            repository: repository.clone(),
            reference: reference.clone(),
            commit: commit.clone(),
        };
        let written = Written { version: VERSION, modules: self.0.iter().map(pin).collect() };
        serde_json::to_string_pretty(&written).expect("it is made of texts and numbers") + "\n"
    }

    /// Returns the commit at which a module is held.
    pub(crate) fn commit(&self, source: &GitSource) -> Option<&str> {
        self.0.get(&key(source)).map(String::as_str)
    }

    /// Holds a module at a commit.
    pub(crate) fn hold(&mut self, source: &GitSource, commit: &str) {
        self.0.insert(key(source), commit.to_owned());
    }

    /// Tells whether there is nothing to hold.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what no module uses any more.
    pub(crate) fn keep_only<'s>(&mut self, used: impl IntoIterator<Item = &'s GitSource>) {
        let used: Vec<_> = used.into_iter().map(key).collect();
        self.0.retain(|key, _| used.contains(key));
    }
}

fn key(source: &GitSource) -> (String, Option<String>) {
    (source.url.clone(), source.reference.clone())
}

/// Tells whether a text is the name of a commit, with SHA-1 or SHA-256.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn refuse(reason: &str) -> Box<Diagnostic> {
    let hint = "restore it from your repository, or delete it and run `rayform init`, which takes the newest commits";
    Box::new(Diagnostic::error(format!("`{NAME}` cannot be read: {reason}")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(reference: Option<&str>) -> GitSource {
        GitSource { url: "https://h/m.git".into(), reference: reference.map(str::to_owned), folder: "a".into() }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut lock = LockFile::default();
        lock.hold(&source(None), &"a".repeat(40));
        lock.hold(&source(Some("v1")), &"b".repeat(40));
        let again = LockFile::parse(lock.text().as_bytes()).expect("it is whole");
        assert_eq!(again, lock);
        assert_eq!(again.commit(&source(Some("v1"))), Some("b".repeat(40).as_str()));
        lock.keep_only([&source(None)]);
        assert_eq!(lock.commit(&source(Some("v1"))), None);
    }

    #[test]
    fn a_torn_or_odd_file_is_refused() {
        let message = |text: &str| LockFile::parse(text.as_bytes()).expect_err(text).message;
        assert!(message("{").starts_with("`rayform.lock.json` cannot be read: "));
        assert!(message(r#"{"version": 2, "modules": []}"#).ends_with("it has version 2, this rayform knows 1"));
        let odd = r#"{"version": 1, "modules": [{"repository": "x", "commit": "--help"}]}"#;
        assert!(message(odd).ends_with("`--help` is no commit"));
    }
}

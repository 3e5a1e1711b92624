//! The source files: the only place that reads configuration from disk.
use crate::model::FileId;

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
}

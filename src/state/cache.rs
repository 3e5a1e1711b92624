//! Keeps what the cluster said once and will say again, such as `OpenAPI` documents, by their hash.
use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// A folder of documents; losing it costs time only, so failures to write are not told.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns the document that was kept under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(key)).ok()
    }

    /// Keeps a document under a key that changes when the document does.
    pub(crate) fn put(&self, key: &str, document: &[u8]) {
        let keep = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            std::io::Write::write_all(&mut file, document)?;
            file.persist(self.path(key))?;
            Ok(())
        };
        keep().unwrap_or_default();
    }

    fn path(&self, key: &str) -> PathBuf {
        let hex: String = Sha256::digest(key.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(hex)
    }
}

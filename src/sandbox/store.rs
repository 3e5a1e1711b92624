//! The sandbox's folder: the only place of the sandbox that touches files.
//!
//! Objects are in `objects.log`, one change per line, so that a change costs one appended line whatever the number of
//! objects. A line that a crash tore off is dropped when the folder is opened again; the log is then written anew,
//! to a temporary file that is renamed, when it holds much more than the objects that are left.
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::world::Key;
use crate::model::Json;

const LOG: &str = "objects.log";
const LOCK: &str = "sandbox.lock";
const FAULTS: &str = "faults.json";
/// The log's format; written in its first line.
const FORMAT: u32 = 1;
/// A log below this size, in bytes, is never written anew while it is open.
const SMALL: u64 = 8 * 1024 * 1024;

/// Says why a sandbox's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    #[error("could not use the sandbox folder `{}`", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("another process uses the sandbox folder `{}`: wait for it to end, or choose another folder", folder.display())]
    Busy { folder: PathBuf },
    #[error("`{}` line {line} is no change of an object: the file is damaged; remove the folder to start anew", file.display())]
    Damaged { file: PathBuf, line: usize, source: serde_json::Error },
    #[error("`{}` has format {found}, this rayform knows {FORMAT}", file.display())]
    Format { file: PathBuf, found: u32 },
    #[error("`{}` is no list of faults", file.display())]
    Faults { file: PathBuf, source: serde_json::Error },
}

/// The first line of the log.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    /// The revision before the first line.
    revision: u64,
}

/// One line of the log: an object as it became, or nothing where it was removed.
#[derive(Serialize, Deserialize)]
struct Line<T> {
    revision: u64,
    group: String,
    plural: String,
    namespace: String,
    name: String,
    object: Option<T>,
}

/// What the folder held.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub revision: u64,
    pub objects: BTreeMap<Key, Json>,
}

/// The open log of a sandbox's folder; the folder is locked as long as it lives.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    file: File,
    /// Bytes in the file.
    size: u64,
    /// Bytes when the file was last written anew.
    base: u64,
    _lock: File,
}

impl Log {
    /// Opens a folder, making it where there is none, and reads what it holds.
    pub(super) fn open(folder: &Path) -> Result<(Self, Saved), SandboxError> {
        let failed = |source| SandboxError::Folder { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = lock(folder)?;
        let path = folder.join(LOG);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let (saved, end) = read(&path, &file)?;
        // What follows the last whole line was torn off by a crash.
        file.set_len(end).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut log = Self { folder: folder.to_owned(), file, size: end, base: 0, _lock: lock };
        log.rewrite(saved.revision, saved.objects.iter()).map_err(failed)?;
        Ok((log, saved))
    }

    /// Appends a change: the object as it became, or nothing where it was removed.
    pub(super) fn append(&mut self, revision: u64, key: &Key, object: Option<&Json>) -> io::Result<()> {
        let bytes = encode(revision, key, object)?;
        let written = self.file.write_all(&bytes);
        if written.is_err() {
            // A part of the line may be in the file: the next line must not follow it.
            self.file.set_len(self.size)?;
            self.file.seek(SeekFrom::Start(self.size))?;
        }
        written?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Tells whether most of the log is outdated.
    pub(super) fn is_bloated(&self) -> bool {
        self.size > SMALL && self.size > 4 * self.base
    }

    /// Writes the log anew with the given objects only.
    pub(super) fn rewrite<'a>(
        &mut self,
        revision: u64,
        objects: impl Iterator<Item = (&'a Key, &'a Json)>,
    ) -> io::Result<()> {
        // Set before anything can fail: a failing disk is not asked again at every change.
        self.base = self.size;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let mut writer = io::BufWriter::new(file.as_file_mut());
        serde_json::to_writer(&mut writer, &Header { format: FORMAT, revision })?;
        writer.write_all(b"\n")?;
        for (key, object) in objects {
            writer.write_all(&encode(revision, key, Some(object))?)?;
        }
        writer.flush()?;
        drop(writer);
        file.as_file().sync_all()?;
        let mut file = file.persist(self.folder.join(LOG)).map_err(|error| error.error)?;
        sync_folder(&self.folder)?;
        self.size = file.seek(SeekFrom::End(0))?;
        self.base = self.size;
        self.file = file;
        Ok(())
    }

    /// Makes sure that what was appended survives a loss of power.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads the faults that a test has put into the folder.
pub(super) fn read_faults<T: for<'de> Deserialize<'de>>(folder: &Path) -> Result<Vec<T>, SandboxError> {
    let file = folder.join(FAULTS);
    match fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| SandboxError::Faults { file, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(SandboxError::Folder { folder: folder.to_owned(), source }),
    }
}

fn lock(folder: &Path) -> Result<File, SandboxError> {
    let failed = |source| SandboxError::Folder { folder: folder.to_owned(), source };
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(LOCK)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SandboxError::Busy { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Reads all whole lines; returns what they say and where the last one ends.
fn read(path: &Path, file: &File) -> Result<(Saved, u64), SandboxError> {
    let failed = |source| SandboxError::Folder { folder: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let (mut saved, mut end, mut number) = (Saved::default(), 0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes).map_err(failed)?;
        if bytes.last() != Some(&b'\n') {
            return Ok((saved, end));
        }
        number += 1;
        let damaged = |source| SandboxError::Damaged { file: path.to_owned(), line: number, source };
        if number == 1 {
            let header: Header = serde_json::from_slice(&bytes).map_err(damaged)?;
            if header.format != FORMAT {
                return Err(SandboxError::Format { file: path.to_owned(), found: header.format });
            }
            saved.revision = header.revision;
        } else {
            let line: Line<Json> = serde_json::from_slice(&bytes).map_err(damaged)?;
            saved.revision = saved.revision.max(line.revision);
            let key = Key::new(&line.group, &line.plural, &line.namespace, &line.name);
            match line.object {
                Some(object) => saved.objects.insert(key, object),
                None => saved.objects.remove(&key),
            };
        }
        end += length as u64;
    }
}

fn encode(revision: u64, key: &Key, object: Option<&Json>) -> io::Result<Vec<u8>> {
    let line = Line {
        revision,
        group: key.resource.group.clone(),
        plural: key.resource.plural.clone(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        object,
    };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Makes a rename in a folder survive a loss of power.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(name: &str) -> Key {
        Key::new("", "configmaps", "default", name)
    }

    #[test]
    fn a_torn_line_is_dropped_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = Log::open(folder.path()).unwrap();
        log.append(1, &key("a"), Some(&json!({"a": 1}))).unwrap();
        log.append(2, &key("b"), Some(&json!({"b": 1}))).unwrap();
        log.append(3, &key("a"), None).unwrap();
        drop(log);
        let mut file = OpenOptions::new().append(true).open(folder.path().join(LOG)).unwrap();
        file.write_all(b"{\"revision\":4,\"gro").unwrap();
        drop(file);

        let (mut log, saved) = Log::open(folder.path()).unwrap();
        assert_eq!((saved.revision, saved.objects), (3, BTreeMap::from([(key("b"), json!({"b": 1}))])));
        log.append(4, &key("c"), Some(&json!({}))).unwrap();
        drop(log);
        let (_, saved) = Log::open(folder.path()).unwrap();
        assert_eq!((saved.revision, saved.objects.len()), (4, 2));
    }

    #[test]
    fn a_folder_serves_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Log::open(folder.path()).unwrap();
        assert!(matches!(Log::open(folder.path()), Err(SandboxError::Busy { .. })));
        drop(first);
        assert!(Log::open(folder.path()).is_ok());
    }

    #[test]
    fn a_damaged_line_names_the_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOG), "{\"format\":1,\"revision\":0}\nnot json\n").unwrap();
        let error = Log::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("line 2 is no change of an object"), "{error}");
    }
}

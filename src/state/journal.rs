//! The journal: what is about to be done and what came of it, synced before the next step.
//!
//! One line per entry, `<checksum> <json>`, behind a first line that names the state. Entries that
//! wait at the same time share one sync. A line without its end was never acted upon: it is dropped.
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fold::Fold;
use super::wire::{ObjectEntry, OutputEntry, ResourceEntry};
use super::{Recorded, RecordedObject, RecordedOutput, State, StateError};
use crate::model::{Address, AddressError, ClusterIdentity, ClusterName, Located};

/// What a request does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    Apply,
    Delete,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A cluster that something of what follows is done to.
    Cluster { name: ClusterName, identity: ClusterIdentity },
    /// A request is about to be sent; the uid is empty where the object is new.
    Intent { address: Address, act: Act, object: RecordedObject },
    /// The server has the object.
    Applied { address: Address, object: RecordedObject },
    /// The server refused the request: nothing changed.
    Refused { address: Address, object: Located },
    /// The object is gone.
    Deleted { address: Address, object: Located },
    /// The object is not ours any more.
    Forgotten { address: Address, object: Located },
    /// Everything of a resource but its objects.
    Resource { address: Address, recorded: Recorded },
    /// All objects of the resource are up; what was last said of it holds.
    Ready { address: Address },
    /// The resource is gone with all its objects.
    Removed { address: Address },
    /// The resource has another address.
    Moved { from: Address, to: Address },
    /// An output has a value, or is gone.
    Output { name: String, output: Option<RecordedOutput> },
}

/// A request that was journalled and has no result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Intent {
    pub address: Address,
    pub act: Act,
    pub object: RecordedObject,
}

/// Called when an entry is on disk, or cannot be.
pub(crate) type Synced = Box<dyn FnOnce(Result<(), StateError>) + Send>;

/// The open journal of one run. Dropping it leaves the file for the next run to replay.
#[derive(Debug)]
pub(crate) struct Journal {
    sender: Sender<(Entry, Synced)>,
    writer: JoinHandle<Fold>,
}

impl Journal {
    /// Begins a journal on top of a state; whatever stood in the file is folded into `fold` already.
    pub(super) fn begin(path: PathBuf, state: &State, fold: Fold) -> Result<Self, StateError> {
        let file = open(&path, state).map_err(|source| StateError::Write { path: path.clone(), source })?;
        let (sender, receiver) = channel();
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(&path, file, &receiver, fold))
            .map_err(|source| StateError::JournalClosed { reason: source.to_string() })?;
        Ok(Self { sender, writer })
    }

    /// Appends an entry; `synced` is called, on another thread, once it is safely on disk.
    pub(crate) fn append(&self, entry: Entry, synced: Synced) {
        if let Err(unsent) = self.sender.send((entry, synced)) {
            let (_, synced) = unsent.0;
            synced(Err(StateError::JournalClosed { reason: "its writer has ended".to_owned() }));
        }
    }

    /// Ends the journal and returns the state with everything folded in.
    pub(super) fn close(self) -> Result<(State, Vec<Intent>), StateError> {
        drop(self.sender);
        let fold = self.writer.join();
        fold.map(Fold::finish).map_err(|_| StateError::JournalClosed { reason: "its writer panicked".to_owned() })
    }
}

/// While several wait for each sync, more of them are gathered for so long: a sync costs as much as many entries.
const GATHERING: Duration = Duration::from_millis(1);

/// Writes entries until the senders are gone; one sync for all that wait.
fn write(path: &Path, mut file: File, receiver: &Receiver<(Entry, Synced)>, mut fold: Fold) -> Fold {
    let mut is_busy = false;
    while let Ok(first) = receiver.recv() {
        if is_busy {
            std::thread::sleep(GATHERING);
        }
        let batch: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
        is_busy = batch.len() > 1;
        let text: String = batch.iter().map(|(entry, _)| line(&Line::from(entry))).collect();
        let written = append(&mut file, text.as_bytes());
        for (entry, synced) in batch {
            match &written {
                Ok(()) => {
                    fold.fold(entry);
                    synced(Ok(()));
                }
                Err(error) => {
                    let source = std::io::Error::new(error.kind(), error.to_string());
                    synced(Err(StateError::Write { path: path.to_owned(), source }));
                }
            }
        }
    }
    fold
}

/// Writes and syncs; what could be written only in part is taken back.
fn append(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    let start = file.stream_position()?;
    let result = file.write_all(bytes).and_then(|()| file.sync_data());
    if result.is_err() {
        file.set_len(start)?;
        file.seek(SeekFrom::Start(start))?;
    }
    result
}

/// Opens the file behind its last whole line, or begins it with the line that names the state.
fn open(path: &Path, state: &State) -> std::io::Result<File> {
    let mut file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
    let text = std::fs::read(path)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    file.set_len(whole as u64)?;
    file.seek(SeekFrom::Start(whole as u64))?;
    if whole == 0 {
        let (lineage, salt) = (state.lineage.clone(), state.salt.clone());
        let header = Header { rayform_journal: 1, lineage, salt, serial: state.serial };
        append(&mut file, line(&header).as_bytes())?;
        sync_folder(path)?;
    }
    Ok(file)
}

/// Makes a new directory entry durable.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The first line of a journal.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub rayform_journal: u64,
    pub lineage: String,
    pub salt: String,
    pub serial: u64,
}

/// The name of the state that a journal belongs to, and its entries.
pub(super) type Replay = (Header, Vec<Entry>);

/// Reads a journal back; none where there is no file or only the beginning of its first line.
pub(super) fn read(path: &Path) -> Result<Option<Replay>, StateError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Read { path: path.to_owned(), source }),
    };
    let damaged = |line| StateError::Journal { path: path.to_owned(), line };
    let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).enumerate();
    let Some((_, first)) = lines.next() else { return Ok(None) };
    let header: Header = parse(first).ok_or_else(|| damaged(1))?;
    let entry = |(index, line)| {
        let parsed: Option<Line> = parse(line);
        parsed.and_then(|line| Entry::try_from(line).ok()).ok_or_else(|| damaged(index + 1))
    };
    Ok(Some((header, lines.map(entry).collect::<Result<_, _>>()?)))
}

/// Returns a line with its checksum.
fn line(content: &impl Serialize) -> String {
    let json = serde_json::to_string(content).expect("journal lines hold nothing that JSON cannot");
    format!("{} {json}\n", checksum(&json))
}

/// Reads a line whose checksum holds.
fn parse<T: for<'de> Deserialize<'de>>(line: &str) -> Option<T> {
    let (sum, json) = line.trim_end().split_once(' ')?;
    if sum == checksum(json) { serde_json::from_str(json).ok() } else { None }
}

fn checksum(json: &str) -> String {
    Sha256::digest(json.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// An entry as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Line {
    Cluster {
        cluster: ClusterIdentity,
    },
    /// An entry of its own: an older rayform must not take it for the default cluster.
    NamedCluster {
        name: String,
        cluster: ClusterIdentity,
    },
    Intent {
        address: String,
        act: Act,
        object: ObjectEntry,
    },
    Applied {
        address: String,
        object: ObjectEntry,
    },
    Refused {
        address: String,
        identity: Located,
    },
    Deleted {
        address: String,
        identity: Located,
    },
    Forgotten {
        address: String,
        identity: Located,
    },
    Resource {
        address: String,
        recorded: ResourceEntry,
    },
    Ready {
        address: String,
    },
    Removed {
        address: String,
    },
    Moved {
        from: String,
        to: String,
    },
    Output {
        name: String,
        output: Option<OutputEntry>,
    },
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Cluster { name, identity: cluster } => match name.name() {
                None => Self::Cluster { cluster: cluster.clone() },
                Some(name) => Self::NamedCluster { name: name.to_owned(), cluster: cluster.clone() },
            },
            Entry::Intent { address, act, object } => {
                Self::Intent { address: address.to_string(), act: *act, object: object.into() }
            }
            Entry::Applied { address, object } => Self::Applied { address: address.to_string(), object: object.into() },
            Entry::Refused { address, object } => {
                Self::Refused { address: address.to_string(), identity: object.clone() }
            }
            Entry::Deleted { address, object } => {
                Self::Deleted { address: address.to_string(), identity: object.clone() }
            }
            Entry::Forgotten { address, object } => {
                Self::Forgotten { address: address.to_string(), identity: object.clone() }
            }
            Entry::Resource { address, recorded } => {
                Self::Resource { address: address.to_string(), recorded: recorded.into() }
            }
            Entry::Ready { address } => Self::Ready { address: address.to_string() },
            Entry::Removed { address } => Self::Removed { address: address.to_string() },
            Entry::Moved { from, to } => Self::Moved { from: from.to_string(), to: to.to_string() },
            Entry::Output { name, output } => {
                Self::Output { name: name.clone(), output: output.as_ref().map(Into::into) }
            }
        }
    }
}

impl TryFrom<Line> for Entry {
    type Error = AddressError;

    fn try_from(line: Line) -> Result<Self, Self::Error> {
        Ok(match line {
            Line::Cluster { cluster } => Self::Cluster { name: ClusterName::default(), identity: cluster },
            Line::NamedCluster { name, cluster } => Self::Cluster { name: ClusterName::named(name), identity: cluster },
            Line::Intent { address, act, object } => {
                Self::Intent { address: address.parse()?, act, object: object.into() }
            }
            Line::Applied { address, object } => Self::Applied { address: address.parse()?, object: object.into() },
            Line::Refused { address, identity } => Self::Refused { address: address.parse()?, object: identity },
            Line::Deleted { address, identity } => Self::Deleted { address: address.parse()?, object: identity },
            Line::Forgotten { address, identity } => Self::Forgotten { address: address.parse()?, object: identity },
            Line::Resource { address, recorded } => {
                Self::Resource { address: address.parse()?, recorded: recorded.try_into()? }
            }
            Line::Ready { address } => Self::Ready { address: address.parse()? },
            Line::Removed { address } => Self::Removed { address: address.parse()? },
            Line::Moved { from, to } => Self::Moved { from: from.parse()?, to: to.parse()? },
            Line::Output { name, output } => Self::Output { name, output: output.map(Into::into) },
        })
    }
}

//! Where a state lives: `rayform.state.json`, and beside it `.rayform/` with journal, lock and older generations.
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fold::Fold;
use super::journal::sync_folder;
use super::lock::Owner;
use super::{Cache, Intent, Journal, Lock, State, StateError, file, journal};

/// How many older generations of the state are kept.
const GENERATIONS: u64 = 20;

/// The folder of one state.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    state: PathBuf,
    folder: PathBuf,
}

/// A state as it was left.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub state: State,
    /// The last run died: its journal is folded in, these requests have no known result.
    pub unfinished: Option<Vec<Intent>>,
    /// There was no state and no journal: this is the first run.
    pub is_new: bool,
}

impl Store {
    /// Returns the store of the configuration in `folder`, and of a workspace other than the default.
    pub(crate) fn new(folder: &Path, workspace: Option<&str>) -> Self {
        match workspace {
            None => Self { state: folder.join("rayform.state.json"), folder: folder.join(".rayform") },
            Some(name) => Self::new(&Self::folder_of(folder, name), None),
        }
    }

    /// Returns the folder of a workspace other than the default.
    pub(crate) fn folder_of(folder: &Path, workspace: &str) -> PathBuf {
        folder.join("rayform.state.d").join(workspace)
    }

    /// Returns the place for what can be fetched again.
    pub(crate) fn cache(&self) -> Cache {
        Cache::new(self.folder.join("cache"))
    }

    /// Reads the state, with what an unfinished journal adds to it.
    pub(crate) fn load(&self, new_id: impl Fn() -> String) -> Result<Loaded, StateError> {
        let found = file::read(&self.state)?;
        let replay = journal::read(&self.journal_path())?;
        match (found, replay) {
            (None, None) => self.first(&new_id),
            (Some(state), None) => Ok(Loaded { state, unfinished: None, is_new: false }),
            (None, Some((header, entries))) if header.serial == 0 => {
                let state = State { lineage: header.lineage, salt: header.salt, ..State::default() };
                Ok(replayed(state, entries))
            }
            (None, Some(_)) => Err(self.gone()),
            (Some(state), Some((header, entries))) => self.rejoin(state, &header, entries),
        }
    }

    /// Takes the lock.
    pub(crate) fn lock(&self, owner: &Owner, timeout: Duration) -> Result<Lock, StateError> {
        self.make_folder()?;
        Lock::take(&self.folder.join("lock"), owner, timeout)
    }

    /// Frees a lock that a run on another host left behind, and returns whose it was.
    pub(crate) fn force_unlock(&self) -> Result<Option<Owner>, StateError> {
        self.make_folder()?;
        Lock::break_open(&self.folder.join("lock"))
    }

    /// Begins to change a state. The lock shows that nobody else does.
    pub(crate) fn begin(&self, _lock: &Lock, state: State) -> Result<Journal, StateError> {
        self.make_folder()?;
        let path = self.journal_path();
        // A journal of an earlier run is already folded into `state`; its lines stay until the state is written.
        Journal::begin(path, &state.clone(), Fold::new(state))
    }

    /// Ends a journal: folds it into a new state, writes that, and removes the journal.
    ///
    /// Returns the new state and the requests whose result is not known.
    pub(crate) fn finish(&self, journal: Journal) -> Result<(State, Vec<Intent>), StateError> {
        let (state, open) = journal.close()?;
        if !open.is_empty() {
            return Ok((state, open));
        }
        let state = self.save(state)?;
        Ok((state, open))
    }

    /// Writes a state as the next generation. Any journal is folded in by now and goes.
    pub(crate) fn save(&self, state: State) -> Result<State, StateError> {
        let serial = state.serial;
        self.supersede(serial, State { serial: serial + 1, ..state })
    }

    /// Writes a state in the place of the one with the serial `present`, which becomes an older generation.
    pub(crate) fn supersede(&self, present: u64, state: State) -> Result<State, StateError> {
        self.make_folder()?;
        self.keep_generation(present)?;
        file::write(&self.state, &state)?;
        let path = self.journal_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StateError::Write { path, source: error })
            }
            _ => Ok(state),
        }
    }

    /// Returns the text of a state as it is kept.
    pub(crate) fn text(state: &State) -> String {
        file::text(state)
    }

    /// Reads the text of a state that was kept; `path` is for what is said of it.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<State, StateError> {
        file::parse(path, text)
    }

    /// Puts a rebuilt state in the place of one that cannot be read, which is kept beside the generations.
    pub(crate) fn replace(&self, state: State) -> Result<State, StateError> {
        self.make_folder()?;
        for path in [&self.state, &self.journal_path()] {
            let Some(name) = path.file_name().filter(|_| path.exists()) else { continue };
            let aside = self.folder.join(format!("{}.unreadable", name.to_string_lossy()));
            std::fs::rename(path, &aside).map_err(|source| StateError::Write { path: aside, source })?;
        }
        self.save(state)
    }

    fn journal_path(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// Returns a fresh state, unless the folder remembers an older one.
    fn first(&self, new_id: &impl Fn() -> String) -> Result<Loaded, StateError> {
        let has_generations =
            std::fs::read_dir(self.folder.join("generations")).is_ok_and(|mut it| it.next().is_some());
        if has_generations {
            return Err(self.gone());
        }
        let state = State { lineage: new_id(), salt: new_id(), ..State::default() };
        Ok(Loaded { state, unfinished: None, is_new: true })
    }

    fn gone(&self) -> StateError {
        StateError::Gone { path: self.state.clone(), remembered: self.folder.clone() }
    }

    /// Joins a state with the journal that stands beside it.
    fn rejoin(&self, state: State, header: &journal::Header, entries: Vec<super::Entry>) -> Result<Loaded, StateError> {
        let foreign = |reason: String| Err(StateError::ForeignJournal { path: self.journal_path(), reason });
        if state.lineage != header.lineage {
            return foreign("the lineages differ".to_owned());
        }
        match state.serial.checked_sub(header.serial) {
            // The run died between writing the state and removing its journal.
            Some(1) => Ok(Loaded { state, unfinished: None, is_new: false }),
            Some(0) => Ok(replayed(state, entries)),
            _ => foreign(format!("it began at serial {}, the state has {}", header.serial, state.serial)),
        }
    }

    fn make_folder(&self) -> Result<(), StateError> {
        let failed = |source| StateError::Write { path: self.folder.clone(), source };
        if self.folder.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        std::fs::write(self.folder.join(".gitignore"), "*\n").map_err(failed)?;
        sync_folder(&self.folder).map_err(failed)
    }

    /// Keeps the present state file under its serial, and drops the oldest one.
    fn keep_generation(&self, serial: u64) -> Result<(), StateError> {
        let folder = self.folder.join("generations");
        let failed = |source| StateError::Write { path: folder.clone(), source };
        if !self.state.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&folder).map_err(failed)?;
        let kept = folder.join(format!("rayform.state.{serial}.json"));
        if !kept.exists() && std::fs::hard_link(&self.state, &kept).is_err() {
            std::fs::copy(&self.state, &kept).map_err(failed)?;
        }
        if let Some(oldest) = serial.checked_sub(GENERATIONS) {
            std::fs::remove_file(folder.join(format!("rayform.state.{oldest}.json"))).unwrap_or_default();
        }
        Ok(())
    }
}

/// Folds the entries of a dead run into the state that it began with.
fn replayed(state: State, entries: Vec<super::Entry>) -> Loaded {
    let mut fold = Fold::new(state);
    entries.into_iter().for_each(|entry| fold.fold(entry));
    let (state, open) = fold.finish();
    Loaded { state, unfinished: Some(open), is_new: false }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Address, ClusterName, Kind};
    use crate::state::{Act, Entry, RecordedObject, Status};

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().expect("a folder") }
        }

        fn store(&self) -> Store {
            Store::new(self.folder.path(), None)
        }

        fn lock(&self) -> Lock {
            self.store().lock(&owner("here"), Duration::ZERO).expect("the lock is free")
        }

        fn load(&self) -> Result<Loaded, StateError> {
            self.store().load(|| "id".to_owned())
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.folder.path().join(name), text).expect("written");
        }
    }

    fn owner(host: &str) -> Owner {
        Owner { who: "me".into(), host: host.into(), pid: 1, since: "now".into(), command: "apply".into() }
    }

    fn object(uid: &str) -> RecordedObject {
        let kind = Kind::new("v1", "ConfigMap");
        let cluster = ClusterName::default();
        RecordedObject { cluster, kind, namespace: None, name: "a".into(), uid: uid.into(), applied: json!({"a": 1}) }
    }

    fn address() -> Address {
        Address::root("config_map", "a")
    }

    fn intent() -> Entry {
        Entry::Intent { address: address(), act: Act::Apply, object: object("") }
    }

    fn applied() -> Entry {
        Entry::Applied { address: address(), object: object("1") }
    }

    fn append(journal: &Journal, entry: Entry) -> Result<(), StateError> {
        let (sender, receiver) = std::sync::mpsc::channel();
        journal.append(entry, Box::new(move |result| sender.send(result).expect("somebody waits")));
        receiver.recv().expect("an answer")
    }

    #[test]
    fn what_was_journalled_is_in_the_next_state() {
        let place = Place::new();
        let lock = place.lock();
        let journal = place.store().begin(&lock, place.load().expect("new").state).expect("begun");
        append(&journal, intent()).expect("synced");
        append(&journal, applied()).expect("synced");
        let (state, open) = place.store().finish(journal).expect("written");
        assert!(open.is_empty());
        assert_eq!(state.serial, 1);
        let loaded = place.load().expect("a state");
        assert_eq!(loaded.state, state);
        assert!(loaded.unfinished.is_none() && !loaded.is_new);
    }

    #[test]
    fn a_run_that_died_is_replayed_with_its_open_requests() {
        let place = Place::new();
        let lock = place.lock();
        let journal = place.store().begin(&lock, place.load().expect("new").state).expect("begun");
        append(&journal, applied()).expect("synced");
        append(&journal, Entry::Ready { address: address() }).expect("synced");
        append(&journal, intent()).expect("synced");
        drop(journal);
        let loaded = place.load().expect("replayed");
        assert_eq!(loaded.unfinished.as_ref().map(Vec::len), Some(1));
        assert_eq!(loaded.state.resources[&address()].status, Status::Ready);
        assert_eq!(loaded.state.resources[&address()].objects, [object("1")]);
        assert_eq!(loaded.state.lineage, "id");
    }

    #[test]
    fn a_torn_last_line_was_never_acted_upon() {
        let place = Place::new();
        let lock = place.lock();
        let journal = place.store().begin(&lock, place.load().expect("new").state).expect("begun");
        append(&journal, applied()).expect("synced");
        drop(journal);
        let path = place.folder.path().join(".rayform/journal");
        let whole = std::fs::read_to_string(&path).expect("a journal");
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let loaded = place.load().expect("what is whole counts");
            assert!(loaded.state.resources.is_empty(), "cut at {cut}");
        }
        std::fs::write(&path, whole.replacen("applied", "deleted", 1)).expect("written");
        assert!(matches!(place.load(), Err(StateError::Journal { line: 2, .. })));
    }

    #[test]
    fn a_journal_whose_state_was_written_is_done() {
        let place = Place::new();
        let lock = place.lock();
        let journal = place.store().begin(&lock, place.load().expect("new").state).expect("begun");
        append(&journal, applied()).expect("synced");
        let path = place.folder.path().join(".rayform/journal");
        let text = std::fs::read(&path).expect("a journal");
        place.store().finish(journal).expect("written");
        std::fs::write(&path, text).expect("as if the run had died before removing it");
        assert!(place.load().expect("a state").unfinished.is_none());
    }

    #[test]
    fn an_empty_torn_foreign_or_newer_state_is_never_no_state() {
        let place = Place::new();
        let check = |text: &str, expected: &str| {
            place.write("rayform.state.json", text);
            let error = place.load().expect_err("no state");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.hint().is_some());
        };
        check("", "is empty");
        check("{\"rayform_state\": 1, \"ser", "is not whole");
        check("{\"version\": 4, \"terraform_version\": \"1.11.0\"}", "Terraform");
        check("{\"a\": 1}", "no rayform state");
        check("{\"rayform_state\": 3, \"new\": 1}", "format 3");
    }

    #[test]
    fn a_state_that_vanished_is_missed() {
        let place = Place::new();
        let first = place.store().save(place.load().expect("new").state).expect("saved");
        place.store().save(first).expect("saved again");
        std::fs::remove_file(place.folder.path().join("rayform.state.json")).expect("removed");
        assert!(matches!(place.load(), Err(StateError::Gone { .. })));
    }

    #[test]
    fn only_one_run_holds_the_lock() {
        let place = Place::new();
        let lock = place.lock();
        assert!(matches!(place.store().lock(&owner("here"), Duration::ZERO), Err(StateError::Locked { .. })));
        drop(lock);
        assert_eq!(place.lock().abandoned_by, None);
    }

    #[test]
    fn an_abandoned_lock_is_seen_and_one_of_another_host_is_kept() {
        let place = Place::new();
        drop(place.lock());
        let text = serde_json::to_string(&owner("here")).expect("JSON");
        place.write(".rayform/lock", &text);
        assert_eq!(place.lock().abandoned_by, Some(owner("here")));
        place.write(".rayform/lock", &text.replace("here", "there"));
        assert!(matches!(place.store().lock(&owner("here"), Duration::ZERO), Err(StateError::Locked { .. })));
        assert_eq!(place.store().force_unlock().expect("freed"), Some(owner("there")));
        drop(place.lock());
    }
}

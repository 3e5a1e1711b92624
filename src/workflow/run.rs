//! One run of apply: what its steps share.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::error::{Stop, chain, diagnose};
use super::read::read;
use super::recover::{Settled, settle};
use super::wait::Patience;
use super::watching::Watching;
use crate::cluster::{Cluster, ClusterError};
use crate::model::{
    Address, ClusterName, Clusters, DesiredResource, Diagnostic, Event, Known, Located, Output, Read, Secrets,
    Unresolved, Value, Verb,
};
use crate::plan::{Action, Plan, PlannedCluster, learn};
use crate::state::{Act, Entry, Intent, Journal, RecordedObject, State, StateError, Status};

/// Evaluates a resource again, now that what it needs is up.
pub(crate) type Resolve = dyn Fn(&Address, &Known) -> Result<DesiredResource, Unresolved> + Send + Sync;

/// Evaluates the outputs again, now that everything is up; the error is what is to be asked first.
pub(crate) type ResolveOutputs = dyn Fn(&Known) -> Result<BTreeMap<String, Output>, BTreeSet<Read>> + Send + Sync;

/// How much at a time, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Requests at the same time, as the cluster was told; 32 by default.
    pub parallelism: usize,
    /// For one object to become ready or to be gone. 10 minutes by default.
    pub timeout: Duration,
    /// How long a failure must last to end a wait early. 5 seconds by default.
    pub grace: Duration,
    /// How long an object is waited for that needs what is not on its way, such as room on a node. A minute by default.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallelism: 32,
            timeout: Duration::from_mins(10),
            grace: Duration::from_secs(5),
            stall: Duration::from_mins(1),
        }
    }
}

/// Resources that are worked on for each request at a time; those that only wait do not count.
const SLOTS_PER_REQUEST: usize = 4;

/// One run.
pub(super) struct Run<'a> {
    pub clusters: &'a Clusters<Cluster>,
    pub plan: &'a Plan,
    /// The state that the run began with.
    pub state: &'a State,
    pub resolve: &'a Resolve,
    pub watching: Clusters<Watching>,
    pub limits: Limits,
    journal: &'a Journal,
    events: UnboundedSender<Event>,
    interrupts: watch::Receiver<u8>,
    slots: Semaphore,
    lost: Arc<Lost>,
    known: Mutex<Known>,
    /// All that must not be shown: what the plan knows, and what was read since.
    secrets: Mutex<Secrets>,
    /// Resources of which the cluster has, or may have, an object since this run.
    made: Mutex<BTreeSet<Address>>,
    started: Mutex<BTreeMap<Address, Instant>>,
}

/// Whether the journal could not be written, and the first reason.
#[derive(Debug, Default)]
struct Lost {
    is_lost: AtomicBool,
    first: Mutex<Option<StateError>>,
}

impl Lost {
    fn take_note(&self, error: StateError) {
        self.is_lost.store(true, Ordering::Relaxed);
        self.first.lock().expect("no holder of this lock panics").get_or_insert(error);
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(plan: &'a Plan, work: &super::Work<'a>) -> Self {
        Self {
            clusters: work.clusters,
            plan,
            state: work.state,
            resolve: work.resolve,
            watching: work.clusters.iter().map(|(name, it)| (name.clone(), Watching::new(it.clone()))).collect(),
            limits: work.limits,
            journal: work.journal,
            events: work.events.clone(),
            interrupts: work.interrupts.clone(),
            // The cluster bounds the requests; some more resources keep it busy while others wait for the disk.
            slots: Semaphore::new(work.limits.parallelism.max(1) * SLOTS_PER_REQUEST),
            lost: Arc::default(),
            known: Mutex::default(),
            secrets: Mutex::new(plan.secrets.clone()),
            made: Mutex::default(),
            started: Mutex::default(),
        }
    }

    /// Returns a cluster; the plan names none that is not connected.
    pub(super) fn cluster(&self, name: &ClusterName) -> Result<&Cluster, Stop> {
        self.clusters.get(name).ok_or_else(|| unconnected(name))
    }

    /// Returns what is seen of a cluster.
    pub(super) fn watching(&self, name: &ClusterName) -> Result<&Watching, Stop> {
        self.watching.get(name).ok_or_else(|| unconnected(name))
    }

    /// Writes down which clusters the run works on.
    pub(super) fn note_clusters(&self) {
        self.cluster_entries().for_each(|entry| self.note(entry));
    }

    fn cluster_entries(&self) -> impl Iterator<Item = Entry> {
        let entry = |(name, planned): (&ClusterName, &PlannedCluster)| Entry::Cluster {
            name: name.clone(),
            identity: planned.identity.clone(),
        };
        self.plan.clusters.iter().map(entry)
    }

    pub(super) fn patience(&self) -> Patience {
        Patience { timeout: self.limits.timeout, grace: self.limits.grace, stall: self.limits.stall }
    }

    /// Tells an event; that nobody listens is no reason to stop.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Says that work on a resource begins, or has begun.
    pub(super) fn start(&self, address: &Address, verb: Verb) {
        let mut started = self.started.lock().expect("no holder of this lock panics");
        if !started.contains_key(address) {
            started.insert(address.clone(), Instant::now());
            self.tell(Event::Started { address: address.clone(), verb });
        }
    }

    /// Says that all work on a resource is done.
    pub(super) fn end(&self, address: &Address, verb: Verb) {
        let started = self.started.lock().expect("no holder of this lock panics").get(address).copied();
        let seconds = started.map_or(0.0, |start| start.elapsed().as_secs_f64());
        self.tell(Event::Done { address: address.clone(), verb, seconds });
    }

    /// Remembers that the cluster has, or may have, an object of a resource.
    pub(super) fn mark_made(&self, address: &Address) {
        self.made.lock().expect("no holder of this lock panics").insert(address.clone());
    }

    /// Tells whether nothing of a resource is or was in the cluster.
    pub(super) fn is_unmade(&self, address: &Address) -> bool {
        let made = self.made.lock().expect("no holder of this lock panics").contains(address);
        !made && !self.state.resources.contains_key(address)
    }

    /// Waits for a place among those who work; refuses when the run is to end.
    pub(super) async fn slot(&self) -> Result<SemaphorePermit<'_>, Stop> {
        let slot = self.slots.acquire().await.expect("the semaphore is never closed");
        self.check()?;
        Ok(slot)
    }

    /// Refuses to begin anything new when the run is to end.
    pub(super) fn check(&self) -> Result<(), Stop> {
        let is_over = self.lost.is_lost.load(Ordering::Relaxed) || *self.interrupts.borrow() > 0;
        if is_over { Err(Stop::Interrupted) } else { Ok(()) }
    }

    /// Returns when the user asks to stop.
    pub(super) async fn interrupted(&self) {
        let mut interrupts = self.interrupts.clone();
        if interrupts.wait_for(|count| *count > 0).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }

    /// Appends to the journal and returns when it is on disk. After a failure nothing may be sent any more.
    pub(super) async fn journal(&self, entry: Entry) -> Result<(), Stop> {
        let (sender, receiver) = oneshot::channel();
        self.journal.append(entry, Box::new(move |synced| drop(sender.send(synced))));
        let closed = || StateError::JournalClosed { reason: "its writer has ended".to_owned() };
        receiver.await.unwrap_or_else(|_| Err(closed())).map_err(|error| {
            self.lost.is_lost.store(true, Ordering::Relaxed);
            Stop::Fatal(error)
        })
    }

    /// Appends a result to the journal without waiting for the disk.
    ///
    /// Only an intent must be on disk before its request is sent: a result that is lost leaves the
    /// intent open, and the next run looks the object up.
    pub(super) fn note(&self, entry: Entry) {
        let lost = self.lost.clone();
        let synced = move |synced: Result<(), StateError>| synced.unwrap_or_else(|error| lost.take_note(error));
        self.journal.append(entry, Box::new(synced));
    }

    /// Returns when everything that was noted is on disk.
    pub(super) async fn flush(&self) -> Result<(), Stop> {
        // The writer keeps the order: when these are on disk, so is all before them.
        for entry in self.cluster_entries() {
            self.journal(entry).await?;
        }
        let first = self.lost.first.lock().expect("no holder of this lock panics").take();
        first.map_or(Ok(()), |error| Err(Stop::Fatal(error)))
    }

    /// Settles a request whose result is not clear from the answer, and returns what to say.
    pub(super) async fn unsure(&self, intent: Intent, doing: &str, error: &ClusterError) -> Stop {
        let (address, object) = (intent.address.clone(), intent.object.located());
        let is_clear = error.refusal().is_some_and(|refusal| refusal.code < 500);
        let entry = if is_clear {
            Some(Entry::Refused { address, object })
        } else {
            let Some(cluster) = self.clusters.get(&object.cluster) else { return unconnected(&object.cluster) };
            match settle(cluster, &self.plan.lineage, &intent).await {
                Ok(Settled::Ours(object)) if intent.act == Act::Apply => Some(Entry::Applied { address, object }),
                Ok(Settled::Absent) if intent.act == Act::Delete => Some(Entry::Deleted { address, object }),
                Ok(_) => Some(Entry::Refused { address, object }),
                // It stays open in the journal: the next run looks.
                Err(_) => None,
            }
        };
        if !matches!(entry, Some(Entry::Refused { .. })) {
            self.mark_made(&intent.address);
        }
        if let Some(entry) = entry {
            self.note(entry);
        }
        let diagnostic = diagnose(doing, error);
        Stop::from(Diagnostic { message: self.redact(&diagnostic.message), ..diagnostic })
    }

    /// Journals the intent to do something to an object.
    pub(super) async fn intend(&self, address: &Address, act: Act, object: RecordedObject) -> Result<Intent, Stop> {
        self.check()?;
        let intent = Intent { address: address.clone(), act, object };
        let (address, object) = (intent.address.clone(), intent.object.clone());
        self.journal(Entry::Intent { address, act, object }).await?;
        Ok(intent)
    }

    /// Returns what all resources that are up export.
    pub(super) fn known(&self) -> Known {
        self.known.lock().expect("no holder of this lock panics").clone()
    }

    /// Remembers what a resource exports.
    pub(super) fn export(&self, address: &Address, exports: Arc<BTreeMap<String, Value>>) {
        self.known.lock().expect("no holder of this lock panics").exports.insert(address.clone(), exports);
    }

    /// Asks what `data` blocks want to know, and remembers the answers.
    pub(super) async fn ask(&self, wanted: &BTreeSet<Read>) -> Result<(), Stop> {
        let answers =
            read(self.clusters, wanted).await.map_err(|error| Stop::from(Diagnostic::error(chain(&error))))?;
        let mut secrets = self.secrets.lock().expect("no holder of this lock panics");
        answers.values().flatten().flatten().for_each(|found| learn(&mut secrets, found));
        self.known.lock().expect("no holder of this lock panics").answers.extend(answers);
        Ok(())
    }

    /// Returns a text without any secret.
    pub(super) fn redact(&self, text: &str) -> String {
        self.secrets.lock().expect("no holder of this lock panics").redact(text)
    }

    /// Records everything of a resource but its objects.
    pub(super) fn describe(
        &self,
        address: &Address,
        status: Status,
        exports: &BTreeMap<String, Value>,
        before_delete: Vec<crate::model::Json>,
    ) {
        let recorded = self.plan.description(address, status, exports, before_delete);
        self.note(Entry::Resource { address: address.clone(), recorded });
    }

    /// Says what an object waits for.
    pub(super) fn waiting(&self, address: &Address, object: &Located, reason: &str) {
        let reason = self.redact(reason);
        self.tell(Event::Waiting { address: address.clone(), object: object.clone(), reason });
    }

    /// Returns the sentence for work on one object.
    pub(super) fn doing(address: &Address, verb: &str, object: &Located) -> String {
        format!("`{address}`: {object} could not be {verb}")
    }
}

fn unconnected(name: &ClusterName) -> Stop {
    Diagnostic::error(format!("{name} is not connected")).into()
}

/// Returns the word for what happens to a resource as a whole.
pub(super) fn verb(action: Action) -> Verb {
    match action {
        Action::Create => Verb::Create,
        Action::NoOp | Action::Update => Verb::Update,
        Action::Replace => Verb::Replace,
        Action::Delete => Verb::Delete,
        Action::Move => Verb::Move,
        Action::Adopt => Verb::Adopt,
        Action::Forget => Verb::Forget,
        Action::Wait => Verb::Wait,
    }
}

//! The sandbox as the rest of rayform sees it: opened, asked as a router, served on a port, its clock held.
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

#[cfg(test)]
use super::clock::later;
use super::clock::{Clock, between};
use super::controllers;
#[cfg(test)]
use super::faults::Fault;
use super::router;
use super::store::SandboxError;
use super::world::World;

/// An API server with its objects. Cloning gives another handle to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    world: Arc<Mutex<World>>,
    /// Counts the changes and the moves of the clock; watches and delayed requests wait for it.
    ticks: Arc<watch::Sender<u64>>,
    /// True while a task runs the simulated controllers by the machine's clock.
    is_driven: Arc<AtomicBool>,
}

impl Sandbox {
    /// Opens a folder, which is made where there is none; without one the objects live in memory only.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, SandboxError> {
        Self::open_with(folder, Clock::Auto)
    }

    /// Opens a folder with a given clock.
    pub(crate) fn open_with(folder: Option<&Path>, clock: Clock) -> Result<Self, SandboxError> {
        let mut world = World::open(folder, clock)?;
        controllers::furnish(&mut world);
        let (ticks, _) = watch::channel(0);
        Ok(Self { world: Arc::new(Mutex::new(world)), ticks: Arc::new(ticks), is_driven: Arc::default() })
    }

    /// Returns the server as a service: for `kube::Client::new`, or for a listener.
    pub(crate) fn router(&self) -> axum::Router {
        router::router(self.clone())
    }

    /// Makes sure that all changes survive a loss of power; a crash of the process alone loses none anyway.
    pub(crate) fn flush(&self) -> Result<(), std::io::Error> {
        self.lock().sync()
    }

    /// Adds a fault that strikes later requests.
    #[cfg(test)]
    pub(crate) fn fault(&self, fault: Fault) {
        self.lock().faults.add(fault);
    }

    /// Makes every watch that resumes from now on too old.
    #[cfg(test)]
    pub(crate) fn forget_history(&self) {
        self.lock().forget_history();
    }

    /// Moves a held clock forward and lets the simulated controllers do what is due until then.
    #[cfg(test)]
    pub(crate) fn advance(&self, by: Duration) {
        let mut world = self.lock();
        let end = later(world.now(), by);
        controllers::run_until(&mut world, end);
        world.clock.move_to(end);
        drop(world);
        self.tick();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        // A panic while the lock was held is a defect that a test shows; the objects themselves are whole.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all who wait that something may have changed.
    pub(super) fn tick(&self) {
        self.ticks.send_modify(|ticks| *ticks += 1);
    }

    /// Returns what tells of changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    /// Sees to it that the simulated controllers run, by the machine's clock, as long as there is work for them.
    pub(super) fn drive(&self) {
        let is_idle = { self.lock().clock.is_held() } || self.is_driven.swap(true, Ordering::AcqRel);
        if !is_idle {
            let sandbox = self.clone();
            tokio::spawn(async move { sandbox.run_controllers().await });
        }
    }

    async fn run_controllers(&self) {
        let mut ticks = self.subscribe();
        loop {
            ticks.mark_unchanged();
            let wait = {
                let mut world = self.lock();
                let now = world.now();
                let before = world.revision();
                controllers::run_until(&mut world, now);
                let has_changed = world.revision() != before;
                let due = world.queue.next_due();
                if due.is_none() {
                    // Cleared under the lock: a change that comes later finds it cleared and starts a new task.
                    self.is_driven.store(false, Ordering::Release);
                }
                drop(world);
                if has_changed {
                    self.tick();
                }
                match due {
                    Some(due) => between(now, due),
                    None => return,
                }
            };
            // A change may bring work that is due before what is waited for.
            let is_due = tokio::time::sleep(wait.max(Duration::from_millis(5)));
            tokio::select! {
                () = is_due => {}
                _ = ticks.changed() => {}
            }
        }
    }
}

/// Serves a sandbox on a listener until `shutdown` ends.
pub(crate) async fn serve(
    sandbox: Sandbox,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), std::io::Error> {
    // Objects that an earlier process left half done go on at once, not at the first request.
    sandbox.drive();
    let stop = sandbox.clone();
    axum::serve(listener, sandbox.router())
        .with_graceful_shutdown(async move {
            shutdown.await;
            stop.end_watches();
        })
        .await?;
    sandbox.flush()
}

impl Sandbox {
    /// Ends all watches, so that a server that stops needs not wait for them.
    fn end_watches(&self) {
        self.lock().is_closing = true;
        self.tick();
    }
}

/// Returns a kubeconfig that points at a served sandbox.
pub(crate) fn kubeconfig(url: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: rayform-sandbox\n  cluster:\n    server: {url}\n\
         users:\n- name: rayform-sandbox\n  user: {{}}\ncontexts:\n- name: rayform-sandbox\n  context:\n    \
         cluster: rayform-sandbox\n    user: rayform-sandbox\ncurrent-context: rayform-sandbox\n"
    )
}

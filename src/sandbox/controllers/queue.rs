//! What the simulated controllers still have to look at, and when.
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::clock::later;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::{
    autoscaler, budget, claim, daemon_set, definition, deployment, endpoints, garbage, job, kubelet, namespace, ray,
    replica_set, scheduler, stateful_set,
};

/// How long after a change a controller acts.
pub(super) const STEP: Duration = Duration::from_millis(20);
/// How long after a failure a controller tries again.
const RETRY: Duration = Duration::from_secs(2);

/// One of the simulated controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Controller {
    Definition,
    Namespace,
    Garbage,
    Quota,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    Claim,
    Scheduler,
    Kubelet,
    Endpoints,
    Budget,
    Autoscaler,
    Ray,
}

/// An object that a controller has to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Task {
    pub controller: Controller,
    pub key: Key,
}

/// All tasks, by the time when they are due.
#[derive(Debug, Default)]
pub(in super::super) struct Queue {
    due: BTreeMap<(Timestamp, u64), Task>,
    waiting: BTreeMap<Task, (Timestamp, u64)>,
    count: u64,
}

impl Queue {
    /// Adds a task; one that waits already is only ever moved forward.
    pub(super) fn add(&mut self, now: Timestamp, task: Task, delay: Duration) {
        let at = later(now, delay);
        if let Some(place) = self.waiting.get(&task).copied() {
            if place.0 <= at {
                return;
            }
            self.due.remove(&place);
        }
        self.count += 1;
        let place = (at, self.count);
        self.due.insert(place, task.clone());
        self.waiting.insert(task, place);
    }

    /// Returns when the next task is due.
    pub(in super::super) fn next_due(&self) -> Option<Timestamp> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    fn pop(&mut self, until: Timestamp) -> Option<(Timestamp, Task)> {
        let entry = self.due.first_entry()?;
        if entry.key().0 > until {
            return None;
        }
        let ((at, _), task) = entry.remove_entry();
        self.waiting.remove(&task);
        Some((at, task))
    }
}

/// Does everything that is due until an instant, in order; a held clock moves along.
pub(in super::super) fn run_until(world: &mut World, end: Timestamp) {
    while let Some((at, task)) = world.queue.pop(end) {
        world.clock.move_to(at);
        if let Err(status) = run(world, &task) {
            tracing::debug!("the simulated {:?} met: {}", task.controller, status.message);
            let now = world.now();
            world.queue.add(now, task, RETRY);
        }
    }
}

fn run(world: &mut World, task: &Task) -> Result<(), Status> {
    let key = &task.key;
    match task.controller {
        Controller::Definition => definition::reconcile(world, key),
        Controller::Namespace => namespace::reconcile(world, key),
        Controller::Garbage => garbage::reconcile(world, key),
        Controller::Quota => super::super::quota::recount(world, key),
        Controller::Deployment => deployment::reconcile(world, key),
        Controller::ReplicaSet => replica_set::reconcile(world, key),
        Controller::StatefulSet => stateful_set::reconcile(world, key),
        Controller::DaemonSet => daemon_set::reconcile(world, key),
        Controller::Job => job::reconcile(world, key),
        Controller::Claim => claim::reconcile(world, key),
        Controller::Scheduler => scheduler::reconcile(world, key),
        Controller::Kubelet => kubelet::reconcile(world, key),
        Controller::Endpoints => endpoints::reconcile(world, key),
        Controller::Budget => budget::reconcile(world, key),
        Controller::Autoscaler => autoscaler::reconcile(world, key),
        Controller::Ray => ray::reconcile(world, key),
    }
}

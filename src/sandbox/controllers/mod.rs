//! The simulated controllers: what makes objects ready, in small steps of the sandbox's clock.
mod autoscaler;
mod budget;
mod claim;
mod daemon_set;
mod definition;
mod deployment;
mod endpoints;
mod events;
mod furniture;
mod garbage;
mod job;
mod kubelet;
mod namespace;
mod owned;
mod queue;
mod ray;
mod replica_set;
mod route;
mod scheduler;
mod stateful_set;

pub(super) use furniture::furnish;
pub(super) use owned::suffix;
pub(super) use queue::{Queue, run_until};
pub(super) use route::{after_change, after_start};

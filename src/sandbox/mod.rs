//! An API server inside the process: store, routes, discovery, simulated controllers.
mod admission;
mod clock;
mod controllers;
mod crd;
mod defaults;
mod delete;
mod discovery;
mod faults;
mod get_list;
mod immutable;
mod json;
mod kinds;
mod openapi;
mod patch;
mod pod_defaults;
mod protobuf;
mod quota;
mod request;
mod router;
mod scale;
mod selectors;
mod server;
mod status;
mod store;
mod structural;
mod table;
mod table_cells;
mod validation;
mod watch;
mod world;
mod write;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use clock::Clock;
#[cfg(test)]
pub(crate) use faults::{Effect, Fault};
pub(crate) use server::{Sandbox, kubeconfig, serve};
pub(crate) use store::SandboxError;

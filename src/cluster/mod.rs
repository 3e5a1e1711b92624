//! The only door to Kubernetes: connect, discover, list, get, dry-run, apply, delete, watch.
mod admission;
mod client;
mod connect;
mod credentials;
mod discovery;
mod error;
mod objects;
mod proxy;
mod transport;
mod watch;

pub(crate) use admission::Admission;
pub(crate) use client::Cluster;
pub(crate) use connect::{Settings, Target, connect, kubeconfig_files};
pub(crate) use discovery::{Kinds, defined_kind};
pub(crate) use error::ClusterError;
pub(crate) use objects::{Apply, Deletion, Outcome, Propagation};
pub(crate) use watch::Seen;

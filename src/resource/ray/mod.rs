//! What heads and pools have in common: versions, ports, flags, variables, probes, labels, checks.
mod checks;
mod environment;
mod exposure;
mod gcs;
mod labels;
mod ports;
mod probes;
mod start;
mod version;

pub(crate) use checks::{Node, check_node};
pub(crate) use environment::{authenticate, check_environment, common_environment};
pub(crate) use exposure::{NetworkPolicyArguments, ServiceArguments, access_service, head_service, network_policy};
pub(crate) use gcs::{AuthArguments, FaultToleranceArguments, GcsStore, RECONNECT_SECONDS, cleanup_job};
pub(crate) use labels::{LabelStyle, cluster_labels, node_labels, node_selector};
pub(crate) use ports::{CLIENT, DASHBOARD, GCS, METRICS, SERVE, head_ports, worker_ports};
pub(crate) use probes::{head_probes, worker_probes};
pub(crate) use start::{Flags, RayArguments, derived_flags, flag_ports, is_accelerator, start_command};
pub(crate) use version::{RayVersion, python_tag, ray_version};

//! The ports of a Ray node. All are fixed, so that policies, monitors and checks can name them.
//!
//! Ray's defaults are random for most: <https://docs.ray.io/en/latest/ray-core/configure.html#ports-configurations>.

pub(crate) const GCS: u16 = 6379;
pub(crate) const CLIENT: u16 = 10001;
pub(crate) const DASHBOARD: u16 = 8265;
pub(crate) const SERVE: u16 = 8000;
/// The metrics of a node; the number that `KubeRay` gives it.
pub(crate) const METRICS: u16 = 8080;
pub(crate) const DASHBOARD_AGENT: u16 = 52365;
pub(crate) const OBJECT_MANAGER: u16 = 8076;
pub(crate) const NODE_MANAGER: u16 = 8077;
pub(crate) const AGENT_GRPC: u16 = 8078;
pub(crate) const RUNTIME_ENV_AGENT: u16 = 8079;
/// The metrics of the autoscaler's monitor, which every head runs.
pub(crate) const AUTOSCALER_METRICS: u16 = 44217;
/// The metrics of the dashboard.
pub(crate) const DASHBOARD_METRICS: u16 = 44227;
/// The first and the last port of worker processes.
pub(crate) const WORKERS: (u16, u16) = (10002, 19999);

/// Returns the container ports of every node, with the number of the metrics port.
pub(crate) fn worker_ports(metrics: u16) -> Vec<(&'static str, u16)> {
    vec![
        ("agent-grpc", AGENT_GRPC),
        ("dashboard-agent", DASHBOARD_AGENT),
        ("metrics", metrics),
        ("node-manager", NODE_MANAGER),
        ("object-manager", OBJECT_MANAGER),
        ("runtime-env", RUNTIME_ENV_AGENT),
        ("serve", SERVE),
    ]
}

/// Returns the container ports of the head, sorted by name.
pub(crate) fn head_ports(metrics: u16) -> Vec<(&'static str, u16)> {
    let mut ports = worker_ports(metrics);
    ports.extend([
        ("as-metrics", AUTOSCALER_METRICS),
        ("client", CLIENT),
        ("dash-metrics", DASHBOARD_METRICS),
        ("dashboard", DASHBOARD),
        ("gcs-server", GCS),
    ]);
    ports.sort_unstable();
    ports
}

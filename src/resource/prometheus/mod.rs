//! What Prometheus and Grafana read: targets, rules, a dashboard.
mod dashboard;
mod monitors;
mod rules;
mod scrape;
mod target;

pub(crate) use dashboard::dashboard;
pub(crate) use monitors::{Monitor, pod_monitor, service_monitor};
pub(crate) use rules::{Thresholds, groups};
pub(crate) use scrape::{file_sd, kubernetes_sd};
pub(crate) use target::{Cluster, Nodes};

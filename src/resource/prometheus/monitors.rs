//! Monitors for the Prometheus operator.
//!
//! <https://prometheus-operator.dev/docs/api-reference/api/>. Lists in them have no list type, so that what the
//! definitions would fill in is written out.
use serde_json::json;

use super::target::{CLUSTER_LABEL, Cluster, NODE_LABEL, Nodes};
use crate::model::Json;

/// How a monitor is made, beside its targets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monitor<'a> {
    pub metadata: &'a Json,
    /// How often targets are asked, such as `15s`.
    pub interval: Option<&'a str>,
    /// How long they may take.
    pub scrape_timeout: Option<&'a str>,
}

/// Returns a PodMonitor for the head or for the workers.
pub(crate) fn pod_monitor(monitor: Monitor<'_>, cluster: &Cluster, nodes: Nodes) -> Json {
    let endpoints: Vec<Json> =
        nodes.ports().iter().map(|port| endpoint(monitor, port, &relabelings(cluster, nodes))).collect();
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": monitor.metadata,
        "spec": {
            "namespaceSelector": { "matchNames": [cluster.namespace] },
            "selector": cluster.selector(nodes),
            "podMetricsEndpoints": endpoints,
        },
    })
}

/// Returns a ServiceMonitor for the head, which alone has a Service.
pub(crate) fn service_monitor(monitor: Monitor<'_>, cluster: &Cluster) -> Json {
    let mut relabelings = relabelings(cluster, Nodes::Head);
    // Another Service of the head with the same labels would count everything twice.
    relabelings.insert(
        0,
        json!({ "action": "keep", "sourceLabels": ["__meta_kubernetes_service_name"], "regex": cluster.service }),
    );
    let endpoints: Vec<Json> = Nodes::Head.ports().iter().map(|port| endpoint(monitor, port, &relabelings)).collect();
    json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": monitor.metadata,
        "spec": {
            "namespaceSelector": { "matchNames": [cluster.namespace] },
            "selector": { "matchLabels": cluster.head_labels() },
            "endpoints": endpoints,
        },
    })
}

fn endpoint(monitor: Monitor<'_>, port: &str, relabelings: &[Json]) -> Json {
    let mut endpoint = json!({ "port": port, "path": "/metrics", "relabelings": relabelings });
    for (field, text) in [("interval", monitor.interval), ("scrapeTimeout", monitor.scrape_timeout)] {
        if let Some(text) = text {
            endpoint[field] = text.into();
        }
    }
    endpoint
}

fn relabelings(cluster: &Cluster, nodes: Nodes) -> Vec<Json> {
    let label = |name: &str, value: &str| json!({ "action": "replace", "targetLabel": name, "replacement": value });
    vec![label(CLUSTER_LABEL, &cluster.name), label(NODE_LABEL, nodes.node_type())]
}

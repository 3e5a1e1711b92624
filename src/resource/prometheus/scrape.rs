//! Scrape configurations for a Prometheus without an operator.
//!
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>. Each text is a whole file: Prometheus
//! reads it by itself, or from version 2.43 on as one of `scrape_config_files`.
use serde_json::json;

use super::target::{CLUSTER_LABEL, Cluster, NODE_LABEL, Nodes};
use crate::model::Json;

/// Returns jobs that find the pods through the Kubernetes API.
pub(crate) fn kubernetes_sd(cluster: &Cluster, interval: Option<&str>) -> Json {
    let job = |nodes: Nodes| {
        let mut job = json!({
            "job_name": format!("ray-{}-{}", cluster.name, nodes.word()),
            "kubernetes_sd_configs": [{
                "role": "pod",
                "namespaces": { "names": [cluster.namespace] },
                "selectors": [{ "role": "pod", "label": cluster.selector_text(nodes) }],
            }],
            "relabel_configs": pod_relabelings(cluster, nodes),
        });
        if let Some(interval) = interval {
            job["scrape_interval"] = interval.into();
        }
        job
    };
    json!({ "scrape_configs": [job(Nodes::Head), job(Nodes::Workers)] })
}

/// Returns a job that reads the file in which Ray's head lists all nodes, in the folder where Prometheus sees it.
///
/// <https://docs.ray.io/en/latest/cluster/metrics.html>
pub(crate) fn file_sd(cluster: &Cluster, folder: &str, interval: Option<&str>) -> Json {
    let mut job = json!({
        "job_name": format!("ray-{}", cluster.name),
        "file_sd_configs": [{ "files": [format!("{}/{DISCOVERY_FILE}", folder.trim_end_matches('/'))] }],
        "relabel_configs": [label("namespace", &cluster.namespace), label(CLUSTER_LABEL, &cluster.name)],
    });
    if let Some(interval) = interval {
        job["scrape_interval"] = interval.into();
    }
    json!({ "scrape_configs": [job] })
}

/// The file's name, as Ray has it (`PROMETHEUS_SERVICE_DISCOVERY_FILE`).
const DISCOVERY_FILE: &str = "prom_metrics_service_discovery.json";

fn pod_relabelings(cluster: &Cluster, nodes: Nodes) -> Vec<Json> {
    let copy = |from: &str, to: &str| json!({ "action": "replace", "source_labels": [from], "target_label": to });
    vec![
        json!({
            "action": "drop",
            "source_labels": ["__meta_kubernetes_pod_phase"],
            "regex": "Succeeded|Failed",
        }),
        json!({
            "action": "keep",
            "source_labels": ["__meta_kubernetes_pod_container_port_name"],
            "regex": nodes.ports().join("|"),
        }),
        copy("__meta_kubernetes_namespace", "namespace"),
        copy("__meta_kubernetes_pod_name", "pod"),
        copy("__meta_kubernetes_pod_container_name", "container"),
        copy("__meta_kubernetes_pod_container_port_name", "endpoint"),
        label(CLUSTER_LABEL, &cluster.name),
        label(NODE_LABEL, nodes.node_type()),
    ]
}

fn label(name: &str, value: &str) -> Json {
    json!({ "action": "replace", "target_label": name, "replacement": value })
}

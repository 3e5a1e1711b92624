//! Recording and alert rules for one Ray cluster.
//!
//! Ray hands most values out once: a scrape takes them, and the next finds them only if they were reported anew (every
//! 10 s or so, later on busy nodes). So rules look back over a minute instead of at the last scrape alone.
//! <https://github.com/ray-project/ray/blob/ray-2.52.0/python/ray/_private/telemetry/open_telemetry_metric_recorder.py>
//!
//! Only metrics that Ray documents, or that a Ray 2.52 was seen to export, are used:
//! <https://docs.ray.io/en/latest/ray-observability/reference/system-metrics.html>.
use serde_json::json;

use super::target::{CLUSTER_LABEL, Cluster};
use crate::model::Json;
use crate::resource::metadata::{Texts, texts_json};

/// When the alerts fire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds<'a> {
    /// Percent of the object store.
    pub object_store: i64,
    /// Percent of a node's disk.
    pub disk: i64,
    /// Labels that all alerts bear, beside their severity.
    pub labels: &'a Texts,
}

/// One alert.
struct Alert {
    name: &'static str,
    severity: &'static str,
    expression: String,
    /// How long it has to be true.
    lasting: &'static str,
    summary: &'static str,
    description: &'static str,
}

/// Returns the rule groups.
pub(crate) fn groups(cluster: &Cluster, thresholds: Thresholds<'_>) -> Json {
    let alerts: Vec<Json> =
        alerts(cluster, thresholds).into_iter().map(|alert| alert.to_json(thresholds.labels)).collect();
    json!([
        { "name": format!("ray-{}-records", cluster.name), "interval": "30s", "rules": records(cluster) },
        { "name": format!("ray-{}-alerts", cluster.name), "rules": alerts },
    ])
}

/// Returns what dashboards and alerts would otherwise compute again and again.
fn records(cluster: &Cluster) -> Vec<Json> {
    let only = cluster.matcher();
    let by = format!("sum by (namespace, {CLUSTER_LABEL})");
    let record = |name: &str, expression: String| json!({ "record": name, "expr": expression });
    vec![
        record(
            "ray_cluster:nodes:count",
            format!("count by (namespace, {CLUSTER_LABEL}) (last_over_time(ray_node_cpu_utilization{{{only}}}[1m]))"),
        ),
        record(
            "ray_cluster:object_store_used:ratio",
            format!(
                "{by} (last_over_time(ray_object_store_used_memory{{{only}}}[1m])) / ({by} (last_over_time(ray_object_store_used_memory{{{only}}}[1m])) \
                 + {by} (last_over_time(ray_object_store_available_memory{{{only}}}[1m])))"
            ),
        ),
        record(
            "ray_cluster:logical_cpus_used:ratio",
            format!(
                "{by} (last_over_time(ray_resources{{{only},Name=\"CPU\",State=\"USED\"}}[1m])) / {by} (last_over_time(ray_resources{{{only},Name=\"CPU\"}}[1m]))"
            ),
        ),
    ]
}

fn alerts(cluster: &Cluster, thresholds: Thresholds<'_>) -> Vec<Alert> {
    let only = cluster.matcher();
    let share = thresholds.object_store;
    vec![
        Alert {
            name: "RayHeadMissing",
            severity: "critical",
            expression: format!("absent_over_time(ray_node_cpu_utilization{{{only},IsHeadNode=\"true\"}}[5m])"),
            lasting: "1m",
            summary: "the head of the Ray cluster reports nothing",
            description: "Nothing was heard of the head for five minutes: no work can start, and running work may be lost.",
        },
        Alert {
            name: "RayTargetDown",
            severity: "warning",
            expression: format!("up{{{only}}} == 0"),
            lasting: "5m",
            summary: "a node of the Ray cluster cannot be scraped",
            description: "{{ $labels.instance }} has not answered for five minutes.",
        },
        Alert {
            name: "RayOutOfMemory",
            severity: "warning",
            expression: format!(
                "sum by (namespace, {CLUSTER_LABEL}) (increase(ray_memory_manager_worker_eviction_total{{{only}}}[15m])) > 0"
            ),
            lasting: "0m",
            summary: "Ray kills workers for lack of memory",
            description: "{{ $value | humanize }} workers were killed in 15 minutes; their tasks start again or fail.",
        },
        Alert {
            name: "RayObjectStoreFull",
            severity: "warning",
            expression: format!("ray_cluster:object_store_used:ratio{{{only}}} * 100 > {share}"),
            lasting: "10m",
            summary: "the object store is nearly full",
            description: "{{ $value | humanize }} percent of the object store is in use; beyond it objects go to disk.",
        },
        Alert {
            name: "RayTasksInfeasible",
            severity: "warning",
            expression: format!(
                "sum by (namespace, {CLUSTER_LABEL}) (last_over_time(ray_internal_num_infeasible_scheduling_classes{{{only}}}[1m])) > 0"
            ),
            lasting: "10m",
            summary: "tasks ask for more than any node has",
            description: "Tasks or actors wait for resources that no node of the cluster has, and will wait for ever.",
        },
        Alert {
            name: "RayDiskFull",
            severity: "warning",
            expression: format!(
                "last_over_time(ray_node_disk_utilization_percentage{{{only}}}[1m]) > {}",
                thresholds.disk
            ),
            lasting: "10m",
            summary: "the disk of a node is nearly full",
            description: "{{ $value | humanize }} percent of the disk of {{ $labels.ip }} is in use; Ray stops to spill at 95.",
        },
    ]
}

impl Alert {
    fn to_json(&self, labels: &Texts) -> Json {
        let mut own = texts_json(labels);
        own["severity"] = self.severity.into();
        json!({
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasting,
            "labels": own,
            "annotations": { "summary": self.summary, "description": self.description },
        })
    }
}

//! A small Grafana dashboard for one Ray cluster.
use serde_json::json;

use super::target::Cluster;
use crate::model::Json;

/// One panel: title, unit, and what it draws, as `(legend, expression)`; `$only` chooses the cluster.
type Panel = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What is drawn, in rows of two.
const PANELS: [Panel; 8] = [
    ("Nodes", "short", &[("nodes", "count(last_over_time(ray_node_cpu_utilization{$only}[1m]))")]),
    (
        "Logical CPUs",
        "short",
        &[
            ("used", "sum(last_over_time(ray_resources{$only,Name=\"CPU\",State=\"USED\"}[1m]))"),
            ("all", "sum(last_over_time(ray_resources{$only,Name=\"CPU\"}[1m]))"),
        ],
    ),
    ("Tasks by state", "short", &[("{{State}}", "sum by (State) (last_over_time(ray_tasks{$only}[1m]))")]),
    ("Actors by state", "short", &[("{{State}}", "sum by (State) (last_over_time(ray_actors{$only}[1m]))")]),
    ("CPU of the nodes", "percent", &[("{{ip}}", "last_over_time(ray_node_cpu_utilization{$only}[1m])")]),
    (
        "Memory of Ray's processes",
        "decmbytes",
        &[("{{ip}} {{Component}}", "sum by (ip, Component) (last_over_time(ray_component_uss_mb{$only}[1m]))")],
    ),
    (
        "Object store",
        "bytes",
        &[
            ("used", "sum(last_over_time(ray_object_store_used_memory{$only}[1m]))"),
            ("free", "sum(last_over_time(ray_object_store_available_memory{$only}[1m]))"),
        ],
    ),
    ("Disk of the nodes", "percent", &[("{{ip}}", "last_over_time(ray_node_disk_utilization_percentage{$only}[1m])")]),
];

/// Returns the dashboard as Grafana stores it.
///
/// <https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>
pub(crate) fn dashboard(cluster: &Cluster) -> Json {
    let panels: Vec<Json> = PANELS.iter().enumerate().map(|(index, panel)| draw(cluster, index, panel)).collect();
    json!({
        "uid": uid(cluster),
        "title": format!("Ray: {}/{}", cluster.namespace, cluster.name),
        "tags": ["ray", "rayform"],
        "schemaVersion": 38,
        "timezone": "",
        "refresh": "30s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": [{
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
        }] },
        "panels": panels,
    })
}

fn draw(cluster: &Cluster, index: usize, (title, unit, lines): &Panel) -> Json {
    let only = cluster.matcher();
    let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
    let target = |(number, (legend, expression)): (usize, &(&str, &str))| {
        json!({
            "refId": char::from_u32('A' as u32 + u32::try_from(number).unwrap_or_default()).unwrap_or('A').to_string(),
            "datasource": datasource,
            "expr": expression.replace("$only", &only),
            "legendFormat": legend,
        })
    };
    json!({
        "id": index + 1,
        "type": "timeseries",
        "title": title,
        "datasource": datasource,
        "gridPos": { "x": (index % 2) * 12, "y": (index / 2) * 8, "w": 12, "h": 8 },
        "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
        "options": { "legend": { "displayMode": "list", "placement": "bottom" } },
        "targets": lines.iter().enumerate().map(target).collect::<Vec<_>>(),
    })
}

/// Returns an identifier of at most 40 characters, which is what Grafana keeps.
fn uid(cluster: &Cluster) -> String {
    let full = format!("ray-{}-{}", cluster.namespace, cluster.name);
    if full.len() <= 40 {
        return full;
    }
    let parts = std::collections::BTreeMap::from([(cluster.namespace.clone(), cluster.name.clone())]);
    match crate::resource::payload::checksum(parts.iter()) {
        crate::model::Value::String(hash) => format!("ray-{hash}"),
        _ => full,
    }
}

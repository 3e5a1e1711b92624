//! `prometheus_discovery`: lets Prometheus find a Ray cluster, in the way that this Prometheus needs.
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map, json};

use super::kit::{Context, ExpandedObject, Expansion, Problem, Reference, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, check_name, exports};
use super::names::object;
use super::parts::without_nulls;
use super::prometheus::{self, Cluster, Monitor, Nodes, Thresholds};
use super::ray_head::RayHead;
use crate::model::Json;

/// The resource type `prometheus_discovery`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrometheusDiscovery;

/// Targets, rules and a dashboard for one Ray cluster: write the blocks that your Prometheus understands.
///
/// - With the Prometheus operator: `pod_monitor`, and `rules` become a PrometheusRule.
/// - Prometheus in the cluster without operator: `scrape_config`, and `rules` become a file; both in a ConfigMap.
/// - Prometheus that scrapes whatever asks for it: `annotations`.
/// - Prometheus without access to the Kubernetes API: `file_sd`.
///
/// Whatever is scraped bears the labels `namespace` and `ray_io_cluster`, and but for `file_sd`, `ray_io_node_type`;
/// with `annotations` the labels are those that this Prometheus gives.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The head of the cluster; its pools are found as well.
    head: Reference<RayHead>,
    /// What the names of the objects begin with. Default: the head's name, and `-metrics`.
    name: Option<String>,
    /// A PodMonitor for the head and one for the workers. Needs the Prometheus operator.
    #[schemars(extend("x-block" = true))]
    pod_monitor: Option<MonitorArguments>,
    /// A ServiceMonitor for the head; workers have no Service, so that `pod_monitor` is still needed for them.
    #[schemars(extend("x-block" = true))]
    service_monitor: Option<MonitorArguments>,
    /// The annotations `prometheus.io/scrape`, `path` and `port` on the head's pod: one port, so that the metrics of
    /// the autoscaler and of the dashboard are missed.
    #[schemars(extend("x-block" = true))]
    annotations: Option<Empty>,
    /// A scrape configuration that finds the pods through the Kubernetes API; key `scrape-config.yml`.
    #[schemars(extend("x-block" = true))]
    scrape_config: Option<ScrapeConfig>,
    /// A scrape configuration that reads the file in which Ray's head lists all nodes; key `file-sd.yml`.
    #[schemars(extend("x-block" = true))]
    file_sd: Option<FileSd>,
    /// Recording rules, and alerts for a missing head, targets that are down, lack of memory, a full object store,
    /// tasks that can never run, full disks.
    #[schemars(extend("x-block" = true))]
    rules: Option<Rules>,
    /// A Grafana dashboard, in a ConfigMap of its own.
    #[schemars(extend("x-block" = true))]
    dashboard: Option<Dashboard>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Empty {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MonitorArguments {
    /// Labels of the monitor, by which a Prometheus chooses it: kube-prometheus-stack wants `{ release = "…" }`.
    #[serde(default)]
    labels: Texts,
    /// The namespace of the monitor. Default: the head's.
    namespace: Option<String>,
    /// How often the targets are asked, such as `"15s"`. Default: Prometheus' own.
    interval: Option<String>,
    /// How long they may take to answer. Default: Prometheus' own.
    scrape_timeout: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScrapeConfig {
    /// How often the targets are asked. Default: Prometheus' own.
    interval: Option<String>,
    /// The service account of Prometheus, as `namespace/name`: it is allowed to read the pods of the head's namespace.
    /// Default: no rights are given.
    service_account: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileSd {
    /// The folder in which Prometheus sees the head's `/tmp/ray`. Both must mount the folder, not the file alone, which
    /// Ray replaces every few seconds: a claim with `ReadWriteMany`, or Prometheus as a sidecar of the head.
    /// Default: `/tmp/ray`.
    #[serde(default = "temp_dir")]
    folder: String,
    /// How often the targets are asked. Default: Prometheus' own.
    interval: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rules {
    /// Labels of the PrometheusRule, by which a Prometheus chooses it.
    #[serde(default)]
    labels: Texts,
    /// Labels of every alert, beside `severity`.
    #[serde(default)]
    alert_labels: Texts,
    /// Percent of the object store above which an alert fires. Default: 90.
    #[serde(default = "ninety")]
    object_store_percent: i64,
    /// Percent of a node's disk above which an alert fires. Default: 90; Ray stops to spill at 95.
    #[serde(default = "ninety")]
    disk_percent: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Dashboard {
    /// Labels of the ConfigMap. Default: `{ grafana_dashboard = "1" }`, which Grafana's sidecar looks for.
    labels: Option<Texts>,
    /// The namespace of the ConfigMap. Default: the head's.
    namespace: Option<String>,
}

fn temp_dir() -> String {
    "/tmp/ray".to_owned()
}

fn ninety() -> i64 {
    90
}

impl ResourceType for PrometheusDiscovery {
    fn name(&self) -> &'static str {
        "prometheus_discovery"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "What the names of the objects begin with."),
            ("namespace", "The head's namespace."),
            ("config_map", "The ConfigMap with scrape configurations and rules; empty where there is none."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, _: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments: Arguments = parse(without_nulls(arguments))?;
        let cluster = Cluster::from(&arguments.head);
        let name = arguments.name.clone().unwrap_or_else(|| format!("{}-metrics", cluster.name));
        let errors = arguments.errors(&name, &cluster);
        if !errors.is_empty() {
            return Err(errors);
        }
        let maker = Maker { name: &name, cluster: &cluster };
        let mut objects = arguments.monitors(maker);
        let files = arguments.files(&cluster);
        let config_map = if files.is_empty() { "" } else { name.as_str() };
        if !files.is_empty() {
            objects.push(config_map_of(&maker.metadata("", None, &Texts::new()), files));
        }
        if let Some(dashboard) = &arguments.dashboard {
            objects.push(dashboard.object(maker));
        }
        let service_account = arguments.scrape_config.as_ref().and_then(|config| config.service_account.as_deref());
        objects.extend(service_account.into_iter().flat_map(|account| maker.rights(account)));
        Ok(Expansion {
            objects,
            exports: exports([("name", &name), ("namespace", &cluster.namespace), ("config_map", config_map)]),
            problems: arguments.remarks(),
            ..Expansion::default()
        })
    }
}

const EXAMPLE: &str = r#"resource "namespace" "ray" {
}

resource "ray_head" "main" {
  namespace = namespace.ray.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = "8Gi"
}

resource "prometheus_discovery" "main" {
  head = ray_head.main

  scrape_config {
    interval        = "15s"
    service_account = "monitoring/prometheus"
  }

  rules {
    alert_labels = { team = "a" }
  }

  dashboard {
  }
}
"#;

/// The shortest time between two scrapes in which Ray reports everything anew, in seconds
/// (`metrics_report_interval_ms`).
const SHORTEST_INTERVAL: f64 = 10.0;

/// Makes objects with the names of this resource.
#[derive(Clone, Copy, Debug)]
struct Maker<'a> {
    name: &'a str,
    cluster: &'a Cluster,
}

impl Maker<'_> {
    fn metadata(self, suffix: &str, namespace: Option<&str>, labels: &Texts) -> Json {
        let name = if suffix.is_empty() { self.name.to_owned() } else { format!("{}-{suffix}", self.name) };
        let namespace = namespace.unwrap_or(&self.cluster.namespace);
        Metadata { name: &name, namespace: Some(namespace), labels, annotations: &Texts::new() }.to_json()
    }

    /// Returns what allows a service account to see the pods of the head's namespace.
    fn rights(self, account: &str) -> Vec<ExpandedObject> {
        let (namespace, name) = account.split_once('/').unwrap_or((&self.cluster.namespace, account));
        let metadata = self.metadata("discovery", None, &Texts::new());
        let role_name = metadata["name"].clone();
        vec![
            object(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": metadata,
                "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"] }],
            })),
            object(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role_name },
                "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": namespace }],
            })),
        ]
    }
}

impl Arguments {
    fn errors(&self, name: &str, cluster: &Cluster) -> Vec<Problem> {
        let mut errors: Vec<Problem> = check_name("name", name, NameRule::Subdomain).into_iter().collect();
        let is_empty = self.pod_monitor.is_none()
            && self.service_monitor.is_none()
            && self.annotations.is_none()
            && self.scrape_config.is_none()
            && self.file_sd.is_none()
            && self.rules.is_none()
            && self.dashboard.is_none();
        if is_empty {
            let hint = "`pod_monitor {}` with the Prometheus operator, `scrape_config {}` without";
            errors
                .push(Problem::error("", "the block says nothing of how Prometheus is to find the cluster").hint(hint));
        }
        if !cluster.is_known() {
            errors.push(Problem::error("head", "name and namespace of the head must be known before apply"));
        }
        let timeouts = [
            ("pod_monitor/scrape_timeout", self.pod_monitor.as_ref().and_then(|m| m.scrape_timeout.as_ref())),
            ("service_monitor/scrape_timeout", self.service_monitor.as_ref().and_then(|m| m.scrape_timeout.as_ref())),
        ];
        let is_wrong = |text: &&String| seconds(text).is_none() && !text.contains(crate::model::UNKNOWN);
        errors.extend(self.intervals().into_iter().chain(timeouts).filter_map(|(at, text)| {
            let text = text.filter(is_wrong)?;
            Some(Problem::error(at, format!("`{text}` is not a duration")).hint("such as `\"15s\"` or `\"1m30s\"`"))
        }));
        let percents = self.rules.iter().flat_map(|rules| {
            [("object_store_percent", rules.object_store_percent), ("disk_percent", rules.disk_percent)]
        });
        errors.extend(percents.filter(|(_, percent)| !(1..=100).contains(percent)).map(|(at, percent)| {
            Problem::error(format!("rules/{at}"), format!("{percent} is not a percentage from 1 to 100"))
        }));
        errors
    }

    fn remarks(&self) -> Vec<Problem> {
        let mut remarks = Vec::new();
        let monitors = [("pod_monitor", &self.pod_monitor), ("service_monitor", &self.service_monitor)];
        for (at, _) in monitors.into_iter().filter(|(_, monitor)| monitor.as_ref().is_some_and(|m| m.labels.is_empty()))
        {
            let message = "a Prometheus that chooses monitors by label will not see this one";
            let hint = "kube-prometheus-stack wants `labels = { release = \"<name of the release>\" }`";
            remarks.push(Problem::info(at, message).code("RF954").hint(hint));
        }
        if self.service_monitor.is_some() && self.pod_monitor.is_none() {
            let message = "workers have no Service, so that only the head is found";
            remarks.push(Problem::warning("service_monitor", message).hint("add `pod_monitor {}` for the workers"));
        }
        if self.file_sd.is_some() {
            let message = "Prometheus sees the file only where it mounts the head's `/tmp/ray` as a folder";
            remarks.push(Problem::info("file_sd", message).code("RF953"));
        }
        if self.annotations.is_some() && (self.scrape_config.is_some() || self.pod_monitor.is_some()) {
            let message = "two scrapes of the same pod take each other's values, which Ray hands out once";
            remarks.push(Problem::warning("annotations", message).hint("keep one of the two blocks"));
        }
        remarks.extend(self.intervals().into_iter().filter_map(|(at, text)| {
            let is_short = text.and_then(|text| seconds(text)).is_some_and(|seconds| seconds < SHORTEST_INTERVAL);
            let message = "values are missing from most scrapes: Ray reports them every 10 s and hands each out once";
            is_short.then(|| Problem::warning(at, message).hint("`10s` or more"))
        }));
        remarks
    }

    /// Returns how often targets are asked, by block.
    fn intervals(&self) -> [(&'static str, Option<&String>); 4] {
        [
            ("pod_monitor/interval", self.pod_monitor.as_ref().and_then(|monitor| monitor.interval.as_ref())),
            ("service_monitor/interval", self.service_monitor.as_ref().and_then(|monitor| monitor.interval.as_ref())),
            ("scrape_config/interval", self.scrape_config.as_ref().and_then(|config| config.interval.as_ref())),
            ("file_sd/interval", self.file_sd.as_ref().and_then(|config| config.interval.as_ref())),
        ]
    }

    /// Returns what the Prometheus operator reads.
    fn monitors(&self, maker: Maker<'_>) -> Vec<ExpandedObject> {
        let mut objects = Vec::new();
        if let Some(monitor) = &self.service_monitor {
            let metadata = maker.metadata("head", monitor.namespace.as_deref(), &monitor.labels);
            objects.push(object(prometheus::service_monitor(monitor.with(&metadata), maker.cluster)));
        }
        if let Some(monitor) = &self.pod_monitor {
            // The head is found by its Service already.
            let nodes: &[Nodes] =
                if self.service_monitor.is_some() { &[Nodes::Workers] } else { &[Nodes::Head, Nodes::Workers] };
            for nodes in nodes {
                let metadata = maker.metadata(nodes.word(), monitor.namespace.as_deref(), &monitor.labels);
                objects.push(object(prometheus::pod_monitor(monitor.with(&metadata), maker.cluster, *nodes)));
            }
        }
        let monitor = self.pod_monitor.as_ref().or(self.service_monitor.as_ref());
        if let (Some(rules), Some(monitor)) = (&self.rules, monitor) {
            let labels = if rules.labels.is_empty() { &monitor.labels } else { &rules.labels };
            objects.push(object(json!({
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PrometheusRule",
                "metadata": maker.metadata("", monitor.namespace.as_deref(), labels),
                "spec": { "groups": rules.groups(maker.cluster) },
            })));
        }
        objects
    }

    /// Returns what a Prometheus without operator reads, by file name.
    fn files(&self, cluster: &Cluster) -> Map<String, Json> {
        let mut files = Map::new();
        if let Some(config) = &self.scrape_config {
            let content = prometheus::kubernetes_sd(cluster, config.interval.as_deref());
            files.insert("scrape-config.yml".to_owned(), yaml_text(&content));
        }
        if let Some(config) = &self.file_sd {
            let content = prometheus::file_sd(cluster, &config.folder, config.interval.as_deref());
            files.insert("file-sd.yml".to_owned(), yaml_text(&content));
        }
        let has_operator = self.pod_monitor.is_some() || self.service_monitor.is_some();
        if let Some(rules) = &self.rules
            && (!has_operator || !files.is_empty())
        {
            files.insert("rules.yml".to_owned(), yaml_text(&json!({ "groups": rules.groups(cluster) })));
        }
        files
    }
}

impl MonitorArguments {
    fn with<'a>(&'a self, metadata: &'a Json) -> Monitor<'a> {
        Monitor { metadata, interval: self.interval.as_deref(), scrape_timeout: self.scrape_timeout.as_deref() }
    }
}

impl Rules {
    fn groups(&self, cluster: &Cluster) -> Json {
        let thresholds =
            Thresholds { object_store: self.object_store_percent, disk: self.disk_percent, labels: &self.alert_labels };
        prometheus::groups(cluster, thresholds)
    }
}

impl Dashboard {
    fn object(&self, maker: Maker<'_>) -> ExpandedObject {
        let usual = || Texts::from([("grafana_dashboard".to_owned(), super::arguments::TextArgument("1".to_owned()))]);
        let labels = self.labels.clone().unwrap_or_else(usual);
        let text = format!("{:#}\n", prometheus::dashboard(maker.cluster));
        let file = format!("ray-{}-{}.json", maker.cluster.namespace, maker.cluster.name);
        let files = Map::from_iter([(file, Json::from(text))]);
        config_map_of(&maker.metadata("dashboard", self.namespace.as_deref(), &labels), files)
    }
}

fn config_map_of(metadata: &Json, files: Map<String, Json>) -> ExpandedObject {
    let files = Json::Object(files);
    object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files }))
}

fn yaml_text(json: &Json) -> Json {
    serde_saphyr::to_string(json).expect("JSON has nothing that YAML cannot hold").into()
}

/// Returns the seconds of a duration as Prometheus reads it: units from the largest to the smallest, each once.
///
/// <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>
fn seconds(text: &str) -> Option<f64> {
    let units =
        [("y", 31_536_000.0), ("w", 604_800.0), ("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001)];
    let (mut rest, mut total) = (text, 0.0);
    for (unit, length) in units {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let follows = after.strip_prefix(unit).filter(|after| !after.starts_with(|c: char| c.is_ascii_alphabetic()));
        if let (Ok(number), Some(after)) = (number.parse::<u32>(), follows) {
            total += f64::from(number) * length;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, file};

    use super::*;
    use crate::model::UNKNOWN;
    use crate::resource::testing::{codes, errors, expand, reference, yaml};

    fn with(more: Json) -> Json {
        let head = json!({"namespace": "team-a", "image": "rayproject/ray:2.52.0", "cpu": 2, "memory": "8Gi"});
        let mut arguments = json!({"head": reference("ray_head", "main", &expand("ray_head", head).unwrap())});
        let Json::Object(more) = more else { panic!("an object") };
        arguments.as_object_mut().unwrap().extend(more);
        arguments
    }

    #[track_caller]
    fn refuses(more: Json, expected: &[&str]) {
        assert_eq!(errors(&expand("prometheus_discovery", with(more))), expected);
    }

    fn kinds(more: Json) -> Vec<String> {
        let expansion = expand("prometheus_discovery", with(more)).unwrap();
        expansion.objects.iter().map(|expanded| expanded.object.identity().to_string()).collect()
    }

    #[test]
    fn for_the_operator() {
        let arguments = with(json!({
            "pod_monitor": {"labels": {"release": "prometheus"}, "interval": "15s"},
            "service_monitor": {"labels": {"release": "prometheus"}, "namespace": "monitoring"},
            "rules": {},
        }));
        let expansion = expand("prometheus_discovery", arguments).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/prometheus_operator.yaml"]);
    }

    #[test]
    fn without_an_operator() {
        let arguments = with(json!({
            "scrape_config": {"interval": "15s", "service_account": "monitoring/prometheus"},
            "file_sd": {"folder": "/ray/"},
            "rules": {"alert_labels": {"team": "a"}, "object_store_percent": 80},
        }));
        let expansion = expand("prometheus_discovery", arguments).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/prometheus_files.yaml"]);
    }

    #[test]
    fn a_dashboard_has_a_config_map_of_its_own() {
        let expansion = expand("prometheus_discovery", with(json!({"dashboard": {}}))).unwrap();
        let object = &expansion.objects[0].object;
        assert_eq!(object.label("grafana_dashboard"), Some("1"));
        let text = object.pointer("/data/ray-team-a-main.json").and_then(Json::as_str).unwrap();
        let dashboard: Json = serde_json::from_str(text).unwrap();
        assert_eq!(dashboard["panels"].as_array().map(Vec::len), Some(8));
        let expected = "sum(last_over_time(ray_resources{ray_io_cluster=\"main\",namespace=\"team-a\",Name=\"CPU\",State=\"USED\"}[1m]))";
        assert_eq!(dashboard.pointer("/panels/1/targets/0/expr"), Some(&json!(expected)));
    }

    #[test]
    fn each_block_makes_its_objects() {
        assert_eq!(
            kinds(json!({"pod_monitor": {}})),
            ["PodMonitor team-a/main-metrics-head", "PodMonitor team-a/main-metrics-workers",]
        );
        assert_eq!(kinds(json!({"annotations": {}})), [""; 0]);
        assert_eq!(kinds(json!({"rules": {}, "name": "r"})), ["ConfigMap team-a/r"]);
        assert_eq!(
            kinds(json!({"service_monitor": {}, "rules": {}})),
            ["ServiceMonitor team-a/main-metrics-head", "PrometheusRule team-a/main-metrics",]
        );
    }

    #[test]
    fn plain_labels_are_followed() {
        let head = json!({"namespace": "a", "image": "rayproject/ray:2.52.0", "cpu": 2, "memory": "8Gi", "label_style": "plain"});
        let head = reference("ray_head", "main", &expand("ray_head", head).unwrap());
        let expansion = expand("prometheus_discovery", json!({"head": head, "pod_monitor": {}})).unwrap();
        let expected = json!({
            "matchLabels": {"app.kubernetes.io/instance": "main", "app.kubernetes.io/name": "ray"},
            "matchExpressions": [
                {"key": "app.kubernetes.io/component", "operator": "NotIn", "values": ["head-headgroup"]},
            ],
        });
        assert_eq!(expansion.objects[1].object.pointer("/spec/selector"), Some(&expected));
    }

    #[test]
    fn mistakes_name_their_argument() {
        refuses(json!({}), &[": the block says nothing of how Prometheus is to find the cluster"]);
        refuses(json!({"pod_monitor": {"interval": "15 s"}}), &["pod_monitor/interval: `15 s` is not a duration"]);
        refuses(json!({"rules": {"disk_percent": 0}}), &["rules/disk_percent: 0 is not a percentage from 1 to 100"]);
        let mut arguments = with(json!({"rules": {}}));
        arguments["head"]["namespace"] = json!(UNKNOWN);
        let expected = ["head: name and namespace of the head must be known before apply"];
        assert_eq!(errors(&expand("prometheus_discovery", arguments)), expected);
        assert_eq!(codes(&expand("prometheus_discovery", with(json!({"pod_monitor": {}})))), ["RF954 pod_monitor"]);
    }

    #[test]
    fn scrapes_that_find_nothing_new_are_warned_of() {
        let warned = |interval: &str| {
            let arguments = with(json!({"scrape_config": {"interval": interval}}));
            expand("prometheus_discovery", arguments).unwrap().problems.len()
        };
        assert_eq!([warned("2s"), warned("500ms"), warned("10s"), warned("1m")], [1, 1, 0, 0]);
    }

    #[test]
    fn durations_are_those_of_prometheus() {
        for text in ["15s", "1m30s", "500ms", "1h", "1d12h", "2m500ms"] {
            assert!(seconds(text).is_some(), "{text}");
        }
        for text in ["", "15", "s", "30s1m", "1m 30s", "-1s", "1.5h", "1x", "1mm"] {
            assert!(seconds(text).is_none(), "{text}");
        }
    }
}

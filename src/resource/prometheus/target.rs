//! The cluster that is watched, as the exports of its head describe it.
use std::collections::BTreeMap;

use serde_json::{Map, json};

use crate::model::{Json, UNKNOWN};
use crate::resource::kit::Reference;
use crate::resource::ray_head::RayHead;

/// The label by which rules and dashboards tell clusters apart; `KubeRay`'s monitors set the same.
pub(super) const CLUSTER_LABEL: &str = "ray_io_cluster";

/// The label that says whether a target is of the head or of a worker.
pub(super) const NODE_LABEL: &str = "ray_io_node_type";

/// What is known of a Ray cluster.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub name: String,
    pub namespace: String,
    /// The name of the head's headless Service.
    pub service: String,
    /// Labels that all pods have.
    selector: BTreeMap<String, String>,
    /// Labels that the head's pod has, those of all pods included.
    head_selector: BTreeMap<String, String>,
}

/// Some of a cluster's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nodes {
    Head,
    Workers,
}

impl Nodes {
    /// Returns the word that ends the names of what is made for these pods.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Workers => "workers",
        }
    }

    /// Returns the value of the label that tells head and workers apart.
    pub(super) fn node_type(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Workers => "worker",
        }
    }

    /// Returns the names of the container ports that serve metrics.
    ///
    /// The head has three: its node's, those of the autoscaler's monitor, those of the dashboard.
    pub(super) fn ports(self) -> &'static [&'static str] {
        match self {
            Self::Head => &["metrics", "as-metrics", "dash-metrics"],
            Self::Workers => &["metrics"],
        }
    }
}

impl From<&Reference<RayHead>> for Cluster {
    fn from(head: &Reference<RayHead>) -> Self {
        let labels = |name| -> BTreeMap<String, String> {
            let map = head.exports.get(name).and_then(Json::as_object).into_iter().flatten();
            map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
        };
        let text = |name| head.text(name).to_owned();
        Self {
            name: text("name"),
            namespace: text("namespace"),
            service: text("service"),
            selector: labels("selector"),
            head_selector: labels("head_selector"),
        }
    }
}

impl Cluster {
    /// Tells whether the name is known, as rules and dashboards need it.
    pub(crate) fn is_known(&self) -> bool {
        !self.name.contains(UNKNOWN) && !self.namespace.contains(UNKNOWN)
    }

    /// Returns what chooses the cluster's series in an expression.
    pub(super) fn matcher(&self) -> String {
        format!("{CLUSTER_LABEL}=\"{}\",namespace=\"{}\"", self.name, self.namespace)
    }

    /// Returns the labels by which the head's pod and Service are found.
    pub(super) fn head_labels(&self) -> Json {
        to_json(&self.head_selector)
    }

    /// Returns a Kubernetes label selector.
    pub(super) fn selector(&self, nodes: Nodes) -> Json {
        match nodes {
            Nodes::Head => json!({ "matchLabels": self.head_labels() }),
            Nodes::Workers => {
                let others: Vec<Json> = self
                    .head_only()
                    .map(|(key, value)| json!({ "key": key, "operator": "NotIn", "values": [value] }))
                    .collect();
                json!({ "matchLabels": to_json(&self.selector), "matchExpressions": others })
            }
        }
    }

    /// Returns a label selector as text, as it stands in URLs.
    pub(super) fn selector_text(&self, nodes: Nodes) -> String {
        let equal = |(key, value): (&String, &String)| format!("{key}={value}");
        let parts: Vec<String> = match nodes {
            Nodes::Head => self.head_selector.iter().map(equal).collect(),
            Nodes::Workers => {
                let others = self.head_only().map(|(key, value)| format!("{key}!={value}"));
                self.selector.iter().map(equal).chain(others).collect()
            }
        };
        parts.join(",")
    }

    /// Returns the labels that the head has and workers have not.
    fn head_only(&self) -> impl Iterator<Item = (&String, &String)> {
        self.head_selector.iter().filter(|(key, _)| !self.selector.contains_key(*key))
    }
}

fn to_json(labels: &BTreeMap<String, String>) -> Json {
    labels.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect::<Map<_, _>>().into()
}

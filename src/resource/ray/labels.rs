//! The labels of Ray pods.
use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::names::Labels;

/// Which labels the pods bear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LabelStyle {
    /// `ray.io/cluster`, `ray.io/node-type` and so on, as `KubeRay` has them, so that its monitors and dashboards fit.
    #[default]
    Kuberay,
    /// `app.kubernetes.io/…` only; for namespaces in which `KubeRay` runs clusters of the same name.
    Plain,
}

impl LabelStyle {
    /// Returns the word, as an export carries it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Kuberay => "kuberay",
            Self::Plain => "plain",
        }
    }

    /// Reads the word.
    pub(crate) fn from_text(text: &str) -> Self {
        if text == "plain" { Self::Plain } else { Self::Kuberay }
    }
}

/// Returns the labels that all pods of a cluster have, and select them.
pub(crate) fn cluster_labels(style: LabelStyle, cluster: &str) -> Labels {
    match style {
        LabelStyle::Kuberay => labels(&[("ray.io/cluster", cluster)]),
        LabelStyle::Plain => labels(&[("app.kubernetes.io/name", "ray"), ("app.kubernetes.io/instance", cluster)]),
    }
}

/// Returns the labels that select one group of a cluster; the head is the group `headgroup`.
pub(crate) fn node_selector(style: LabelStyle, cluster: &str, node_type: &str, group: &str) -> Labels {
    let mut selector = cluster_labels(style, cluster);
    selector.extend(match style {
        LabelStyle::Kuberay => labels(&[("ray.io/group", group), ("ray.io/node-type", node_type)]),
        LabelStyle::Plain => {
            let component = format!("{node_type}-{group}");
            labels(&[("app.kubernetes.io/component", &component)])
        }
    });
    selector
}

/// Returns all labels of the pods of one group.
///
/// `created-by: kuberay-operator` is left out on purpose: the operator must not take the pods for its own.
/// <https://github.com/ray-project/kuberay/blob/v1.7.0/ray-operator/controllers/ray/common/pod.go> (`labelPod`)
pub(crate) fn node_labels(style: LabelStyle, cluster: &str, node_type: &str, group: &str) -> Labels {
    let mut all = node_selector(style, cluster, node_type, group);
    if style == LabelStyle::Kuberay {
        let identifier = format!("{cluster}-{node_type}");
        all.extend(labels(&[
            ("app.kubernetes.io/name", "ray"),
            ("ray.io/identifier", &identifier),
            ("ray.io/is-ray-node", "yes"),
        ]));
    }
    all.extend(labels(&[("app.kubernetes.io/managed-by", "rayform")]));
    all
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

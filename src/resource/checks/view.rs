//! All objects of a configuration in one cluster side by side, with the pods that they make.
use std::collections::BTreeMap;

use crate::model::{Address, ClusterName, Desired, DesiredObject, Diagnostic, Json, Object, Quantity, Severity};

/// All objects of a configuration in one cluster.
pub(super) struct View<'a> {
    pub objects: Vec<Item<'a>>,
    pub pods: Vec<Pods<'a>>,
    kinds: BTreeMap<&'a str, Vec<Item<'a>>>,
    names: BTreeMap<(&'a str, &'a str), Vec<Item<'a>>>,
}

/// One object and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub address: &'a Address,
    pub desired: &'a DesiredObject,
}

/// The pods that one object makes, all alike.
pub(super) struct Pods<'a> {
    pub item: Item<'a>,
    pub labels: BTreeMap<String, String>,
    pub spec: &'a Json,
    /// How many there are; at least and at most, where an autoscaler decides.
    pub count: (i64, i64),
    /// How many more there may be while they are replaced.
    pub surge: i64,
}

/// Labels of a selector or pod.
pub(super) type LabelMap = BTreeMap<String, String>;

impl<'a> View<'a> {
    pub(super) fn new(desired: &'a Desired, cluster: &ClusterName) -> Self {
        let objects: Vec<Item<'a>> = desired
            .resources
            .values()
            .filter(|resource| resource.cluster == *cluster)
            .flat_map(|resource| {
                resource.objects.known().iter().map(|desired| Item { address: &resource.address, desired })
            })
            .collect();
        let (mut kinds, mut names) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for item in &objects {
            kinds.entry(item.kind()).or_default().push(*item);
            names.entry((item.kind(), item.object().name())).or_default().push(*item);
        }
        let scalers = kinds.get("HorizontalPodAutoscaler").map(Vec::as_slice).unwrap_or_default();
        let pods = objects.iter().flat_map(|item| pods_of(*item, scalers)).collect();
        Self { objects, pods, kinds, names }
    }

    /// Returns the objects of one kind.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = Item<'a>> {
        self.kinds.get(kind).into_iter().flatten().copied()
    }

    /// Returns one object.
    pub(super) fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Item<'a>> {
        let mut namesakes = self.names.get(&(kind, name)).into_iter().flatten().copied();
        namesakes.find(|item| item.object().namespace() == namespace)
    }

    /// Tells whether the configuration makes this namespace.
    pub(super) fn makes_namespace(&self, name: &str) -> bool {
        self.find("Namespace", None, name).is_some()
    }

    /// Returns the pods that a selector means in one namespace.
    pub(super) fn selected<'b>(
        &'b self,
        namespace: Option<&'b str>,
        selector: &'b Json,
    ) -> impl Iterator<Item = &'b Pods<'a>> {
        self.pods
            .iter()
            .filter(move |pods| pods.item.object().namespace() == namespace && matches(selector, &pods.labels))
    }
}

impl<'a> Item<'a> {
    pub(super) fn object(&self) -> &'a Object {
        &self.desired.object
    }

    pub(super) fn kind(&self) -> &'a str {
        self.object().kind_name()
    }

    /// Returns `kind name`, for messages.
    pub(super) fn title(&self) -> String {
        format!("{} `{}`", self.kind(), self.object().name())
    }

    /// Returns a finding about this object.
    pub(super) fn finding(
        &self,
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
    ) -> (Address, Diagnostic) {
        let diagnostic = match severity {
            Severity::Error => Diagnostic::error(message),
            Severity::Warning => Diagnostic::warning(message),
            Severity::Info => Diagnostic::info(message),
        };
        (self.address.clone(), diagnostic.code(code).at(self.desired.span))
    }
}

impl Pods<'_> {
    pub(super) fn containers(&self) -> impl Iterator<Item = &Json> {
        items(self.spec, "/containers")
    }

    /// Returns init containers and containers.
    pub(super) fn all_containers(&self) -> impl Iterator<Item = &Json> {
        items(self.spec, "/initContainers").chain(self.containers())
    }

    /// Tells whether these pods are Ray heads.
    pub(super) fn is_head(&self) -> bool {
        self.labels.get("ray.io/node-type").is_some_and(|node_type| node_type == "head")
            || self.containers().any(|container| container["name"] == "ray-head")
    }

    /// Tells whether these pods are nodes of a Ray cluster.
    pub(super) fn is_ray(&self) -> bool {
        self.labels.contains_key("ray.io/cluster")
            || self.containers().any(|container| container["name"] == "ray-head" || container["name"] == "ray-worker")
    }

    /// Returns the labels that tell the Ray cluster of these pods from others.
    pub(super) fn cluster(&self) -> Option<&str> {
        self.labels.get("ray.io/cluster").or_else(|| self.labels.get("app.kubernetes.io/instance")).map(String::as_str)
    }

    /// Returns what one pod takes: containers together, or the largest init container where that is more.
    pub(super) fn amount(&self, side: &str, resource: &str, default: impl Fn(&Json) -> Option<Quantity>) -> Quantity {
        let of = |container: &Json| {
            container
                .pointer(&format!("/resources/{side}"))
                .and_then(|amounts| quantity(&amounts[resource]))
                .or_else(|| default(container))
        };
        let add =
            |sum: Quantity, container: &Json| of(container).and_then(|amount| sum.checked_add(&amount)).unwrap_or(sum);
        let together = self.containers().fold(Quantity::ZERO, add);
        let first = items(self.spec, "/initContainers").filter_map(of).max().unwrap_or(Quantity::ZERO);
        together.max(first)
    }
}

/// Returns the items of a list, none where there is no list.
pub(super) fn items<'b>(json: &'b Json, pointer: &str) -> impl Iterator<Item = &'b Json> + use<'b> {
    json.pointer(pointer).and_then(Json::as_array).into_iter().flatten()
}

/// Reads a quantity, written as text or number.
pub(super) fn quantity(json: &Json) -> Option<Quantity> {
    match json {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Reads a map of texts.
pub(super) fn label_map(json: Option<&Json>) -> LabelMap {
    let entries = json.and_then(Json::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Tells whether a label selector (`matchLabels`, `matchExpressions`) means these labels. An empty one means all.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>
pub(super) fn matches(selector: &Json, labels: &LabelMap) -> bool {
    let wanted = label_map(selector.get("matchLabels"));
    let has_all = wanted.iter().all(|(name, value)| labels.get(name) == Some(value));
    has_all && items(selector, "/matchExpressions").all(|expression| matches_expression(expression, labels))
}

fn matches_expression(expression: &Json, labels: &LabelMap) -> bool {
    let value = expression["key"].as_str().and_then(|key| labels.get(key));
    let is_among = || items(expression, "/values").any(|item| item.as_str() == value.map(String::as_str));
    match expression["operator"].as_str() {
        Some("In") => value.is_some() && is_among(),
        Some("NotIn") => value.is_none() || !is_among(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        _ => true,
    }
}

fn pods_of<'a>(item: Item<'a>, scalers: &[Item<'a>]) -> Vec<Pods<'a>> {
    let object = item.object().json();
    let made = |template: &'a Json, labels: LabelMap, count, surge| {
        template.get("spec").map(|spec| Pods { item, labels, spec, count, surge })
    };
    let template = |pointer: &str| object.pointer(pointer);
    match item.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => template("/spec/template")
            .and_then(|template| {
                let count = replicas(item, scalers);
                made(template, label_map(template.pointer("/metadata/labels")), count, surge(object, count.0))
            })
            .into_iter()
            .collect(),
        "Job" => template("/spec/template")
            .and_then(|template| made(template, label_map(template.pointer("/metadata/labels")), (1, 1), 0))
            .into_iter()
            .collect(),
        "Pod" => made(object, label_map(object.pointer("/metadata/labels")), (1, 1), 0).into_iter().collect(),
        "RayCluster" => {
            ray_groups(object).filter_map(|(template, labels, count)| made(template, labels, count, 0)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the groups of a `RayCluster`, with the labels that `KubeRay` gives to their pods.
fn ray_groups(object: &Json) -> impl Iterator<Item = (&Json, LabelMap, (i64, i64))> {
    let cluster = object.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
    let labels = move |template: &Json, node_type: &str, group: &str| {
        let mut labels = label_map(template.pointer("/metadata/labels"));
        for (name, value) in [
            ("ray.io/is-ray-node", "yes"),
            ("ray.io/cluster", cluster),
            ("ray.io/node-type", node_type),
            ("ray.io/group", group),
            ("app.kubernetes.io/name", "kuberay"),
        ] {
            labels.insert(name.to_owned(), value.to_owned());
        }
        labels
    };
    let head = object.pointer("/spec/headGroupSpec/template");
    let head = head.into_iter().map(move |template| (template, labels(template, "head", "headgroup"), (1, 1)));
    let workers = items(object, "/spec/workerGroupSpecs").filter_map(move |group| {
        let template = group.get("template")?;
        let replicas = group["replicas"].as_i64().or_else(|| group["minReplicas"].as_i64()).unwrap_or(0);
        let most = group["maxReplicas"].as_i64().unwrap_or(replicas).max(replicas);
        Some((template, labels(template, "worker", group["groupName"].as_str().unwrap_or_default()), (replicas, most)))
    });
    head.chain(workers)
}

/// Returns how many pods there are, at least and at most.
fn replicas(item: Item<'_>, scalers: &[Item<'_>]) -> (i64, i64) {
    let scaler = scalers.iter().find(|other| {
        other.object().namespace() == item.object().namespace()
            && other.object().text("/spec/scaleTargetRef/kind") == Some(item.kind())
            && other.object().text("/spec/scaleTargetRef/name") == Some(item.object().name())
    });
    let number = |object: &Object, pointer: &str| object.pointer(pointer).and_then(Json::as_i64);
    if let Some(scaler) = scaler {
        let least = number(scaler.object(), "/spec/minReplicas").unwrap_or(1);
        (least, number(scaler.object(), "/spec/maxReplicas").unwrap_or(least).max(least))
    } else {
        let count = number(item.object(), "/spec/replicas").unwrap_or(1);
        (count, count)
    }
}

/// Returns how many more pods a rolling update makes; percentages round up.
fn surge(object: &Json, count: i64) -> i64 {
    let Some(surge) = object.pointer("/spec/strategy/rollingUpdate/maxSurge") else { return 0 };
    let percent = surge.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    match percent {
        Some(percent) => count.saturating_mul(percent).saturating_add(99) / 100,
        None => surge.as_i64().unwrap_or(0),
    }
}

//! The scheduler: finds a node that has room for a pod and that the pod wants.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::super::admission::quantity;
use super::super::json::{get, items, set, text};
use super::super::kinds::Resource;
use super::super::quota::pod_amount;
use super::super::selectors::Labels;
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::claim::claim_names;
use super::events;
use super::owned::{is_active, make_condition};
use crate::model::{Json, Object, Quantity};

const MANAGER: &str = "kube-scheduler";
const COMPONENT: &str = "default-scheduler";
const SELECTED: &str = "volume.kubernetes.io/selected-node";

/// Looks at a pod that has no node yet.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let waiting = |pod: &Arc<Object>| pod.text("/spec/nodeName").is_none() && is_active(pod);
    let Some(pod) = world.get(key).cloned().filter(waiting) else { return Ok(()) };
    if !items(pod.json(), "/spec/schedulingGates").is_empty() {
        let message = "Scheduling is blocked due to non-empty scheduling gates";
        return write_condition(world, key, false, "SchedulingGated", message);
    }
    match choose(world, &pod) {
        Ok(node) => bind(world, key, &pod, &node),
        Err(why) => {
            write_condition(world, key, false, "Unschedulable", &why)?;
            events::warning(world, &pod, COMPONENT, "FailedScheduling", &why);
            Ok(())
        }
    }
}

fn write_condition(world: &mut World, key: &Key, is_true: bool, reason: &str, message: &str) -> Result<(), Status> {
    let time = world.time();
    write::modify(world, key, Writer::controller(MANAGER, Some("status")), |pod| {
        let mut condition = make_condition(pod, &time, "PodScheduled", is_true, reason, message);
        condition["lastProbeTime"] = Json::Null;
        if is_true {
            super::super::json::remove(&mut condition, &["reason"]);
            super::super::json::remove(&mut condition, &["message"]);
        }
        let others: Vec<Json> =
            items(pod, "/status/conditions").iter().filter(|other| other["type"] != "PodScheduled").cloned().collect();
        let all: Vec<Json> = std::iter::once(condition).chain(others).collect();
        set(pod, &["status", "conditions"], all);
    })
}

/// Returns the node for a pod, or why there is none.
fn choose(world: &World, pod: &Object) -> Result<String, String> {
    check_claims(world, pod)?;
    let nodes: Vec<&Arc<Object>> = world.list(&Resource::new("", "nodes"), None).collect();
    if nodes.is_empty() {
        return Err("no nodes available to schedule pods".to_owned());
    }
    let loads = loads(world);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut fitting: Vec<(usize, &str)> = Vec::new();
    for node in &nodes {
        let empty = Vec::new();
        let load = loads.get(node.name()).unwrap_or(&empty);
        let mut wrong = refusals(node, pod, load);
        if wrong.is_empty() && has_repelling_pod(node, pod, load, &nodes, &loads) {
            wrong.push("node(s) didn't match pod anti-affinity rules".to_owned());
        }
        if wrong.is_empty() {
            fitting.push((load.len(), node.name()));
        }
        for reason in wrong {
            *reasons.entry(reason).or_default() += 1;
        }
    }
    // The emptiest node; of equal ones the first.
    if let Some((_, name)) = fitting.into_iter().min() {
        return Ok(name.to_owned());
    }
    let total = nodes.len();
    let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    let helps = if reasons.iter().any(|reason| reason.contains("Insufficient")) {
        "No preemption victims found for incoming pod"
    } else {
        "Preemption is not helpful for scheduling"
    };
    let reasons = reasons.join(", ");
    Err(format!(
        "0/{total} nodes are available: {reasons}. preemption: 0/{total} nodes are available: {total} {helps}."
    ))
}

/// Returns the pods on each node.
fn loads(world: &World) -> BTreeMap<String, Vec<Arc<Object>>> {
    let mut loads: BTreeMap<String, Vec<Arc<Object>>> = BTreeMap::new();
    for pod in world.list(&Resource::new("", "pods"), None) {
        let is_over = matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed"));
        if let Some(node) = pod.text("/spec/nodeName").filter(|_| !is_over) {
            loads.entry(node.to_owned()).or_default().push(pod.clone());
        }
    }
    loads
}

/// A pod waits for its claims, unless they wait for the pod.
fn check_claims(world: &World, pod: &Object) -> Result<(), String> {
    let namespace = pod.namespace().unwrap_or_default();
    for name in claim_names(pod) {
        let Some(claim) = world.find("", "persistentvolumeclaims", namespace, &name) else {
            return Err(format!("persistentvolumeclaim \"{name}\" not found. not found"));
        };
        if claim.is_terminating() {
            return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
        }
        let is_bound = claim.text("/status/phase") == Some("Bound");
        if !is_bound && !super::claim::waits_for_pod(world, claim) {
            let total = world.list(&Resource::new("", "nodes"), None).count();
            return Err(format!(
                "0/{total} nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
            ));
        }
    }
    Ok(())
}

/// Tells whether a node takes a pod, however full it is.
pub(super) fn takes(node: &Object, pod: &Json) -> bool {
    selection_refusal(node, pod).is_none() && taint_refusal(node, pod).is_none()
}

fn refusals(node: &Object, pod: &Object, load: &[Arc<Object>]) -> Vec<String> {
    let refusal = selection_refusal(node, pod.json()).or_else(|| taint_refusal(node, pod.json()));
    refusal.map_or_else(|| lacking(node, pod.json(), load), |reason| vec![reason])
}

fn selection_refusal(node: &Object, pod: &Json) -> Option<String> {
    let wanted = Labels::of_map(pod.pointer("/spec/nodeSelector"));
    let terms =
        pod.pointer("/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    let terms = terms.and_then(Json::as_array);
    let fits = wanted.match_object(node) && terms.is_none_or(|terms| terms.iter().any(|term| matches_term(node, term)));
    (!fits).then(|| "node(s) didn't match Pod's node affinity/selector".to_owned())
}

fn matches_term(node: &Object, term: &Json) -> bool {
    let expressions = items(term, "/matchExpressions")
        .iter()
        .all(|expression| matches_expression(node.label(text(expression, "/key")), expression));
    let fields = items(term, "/matchFields").iter().all(|expression| matches_expression(Some(node.name()), expression));
    expressions && fields
}

fn matches_expression(value: Option<&str>, expression: &Json) -> bool {
    let is_listed = || items(expression, "/values").iter().any(|other| other.as_str() == value && value.is_some());
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let bound = number(items(expression, "/values").first().and_then(Json::as_str));
    match text(expression, "/operator") {
        "In" => is_listed(),
        "NotIn" => !is_listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => number(value).is_some() && number(value) > bound,
        "Lt" => number(value).is_some() && number(value) < bound,
        _ => false,
    }
}

fn taint_refusal(node: &Object, pod: &Json) -> Option<String> {
    let tolerations = items(pod, "/spec/tolerations");
    let is_tolerated = |key: &str, value: &str, effect: &str| {
        tolerations.iter().any(|toleration| {
            let wanted = (text(toleration, "/key"), text(toleration, "/effect"));
            let key_fits = wanted.0 == key || (wanted.0.is_empty() && text(toleration, "/operator") == "Exists");
            let value_fits = text(toleration, "/operator") == "Exists" || text(toleration, "/value") == value;
            key_fits && value_fits && (wanted.1.is_empty() || wanted.1 == effect)
        })
    };
    if node.pointer("/spec/unschedulable") == Some(&Json::Bool(true))
        && !is_tolerated("node.kubernetes.io/unschedulable", "", "NoSchedule")
    {
        return Some("node(s) were unschedulable".to_owned());
    }
    let taints = items(node.json(), "/spec/taints").iter().filter(|taint| text(taint, "/effect") != "PreferNoSchedule");
    let mut untolerated =
        taints.filter(|taint| !is_tolerated(text(taint, "/key"), text(taint, "/value"), text(taint, "/effect")));
    untolerated
        .next()
        .map(|taint| format!("node(s) had untolerated taint {{{}: {}}}", text(taint, "/key"), text(taint, "/value")))
}

/// Returns what a node has too little of.
fn lacking(node: &Object, pod: &Json, load: &[Arc<Object>]) -> Vec<String> {
    let room = |name: &str| quantity(get(node.json(), &["status", "allocatable", name])).unwrap_or(Quantity::ZERO);
    let mut wrong = Vec::new();
    if load.len() >= usize::try_from(room("pods").milli() / 1000).unwrap_or(usize::MAX) {
        wrong.push("Too many pods".to_owned());
    }
    let mut names: Vec<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| items(pod, &format!("/spec/{list}")))
        .filter_map(|container| get(container, &["resources", "requests"]).and_then(Json::as_object))
        .flat_map(|requests| requests.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let used = load
            .iter()
            .fold(Quantity::ZERO, |sum, other| sum.checked_add(&pod_amount(other.json(), name)).unwrap_or(sum));
        let wanted = pod_amount(pod, name);
        if !wanted.is_zero() && used.checked_add(&wanted).is_none_or(|sum| sum > room(name)) {
            wrong.push(format!("Insufficient {name}"));
        }
    }
    wrong
}

/// Tells whether a pod's own anti-affinity keeps it away from a node.
fn has_repelling_pod(
    node: &Object,
    pod: &Object,
    load: &[Arc<Object>],
    nodes: &[&Arc<Object>],
    loads: &BTreeMap<String, Vec<Arc<Object>>>,
) -> bool {
    let terms = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    items(pod.json(), terms).iter().any(|term| {
        let Some(selector) = Labels::of(term.get("labelSelector")) else { return false };
        let repels = |other: &Arc<Object>| other.namespace() == pod.namespace() && selector.match_object(other);
        let topology = text(term, "/topologyKey");
        let place = node.label(topology);
        if topology == "kubernetes.io/hostname" || place.is_none() {
            return load.iter().any(repels);
        }
        nodes
            .iter()
            .filter(|other| other.label(topology) == place)
            .filter_map(|other| loads.get(other.name()))
            .any(|load| load.iter().any(repels))
    })
}

fn bind(world: &mut World, key: &Key, pod: &Object, node: &str) -> Result<(), Status> {
    for name in claim_names(pod) {
        let claim = Key::new("", "persistentvolumeclaims", &key.namespace, &name);
        let is_bound = world.get(&claim).is_some_and(|claim| claim.text("/spec/volumeName").is_some());
        if !is_bound {
            write::modify(world, &claim, Writer::controller(MANAGER, None), |claim| {
                set(claim, &["metadata", "annotations", SELECTED], node);
            })?;
        }
    }
    // The binding is no write of the scheduler to the pod: no manager owns the node's name.
    write::bind(world, key, node)?;
    write_condition(world, key, true, "", "")?;
    let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
    events::normal(world, pod, COMPONENT, "Scheduled", &message);
    Ok(())
}

/// Returns the condition that a scheduled pod has.
pub(super) fn scheduled(pod: &Json, time: &str) -> Json {
    let mut condition = make_condition(pod, time, "PodScheduled", true, "", "");
    for field in ["reason", "message"] {
        super::super::json::remove(&mut condition, &[field]);
    }
    condition["lastProbeTime"] = json!(null);
    condition
}

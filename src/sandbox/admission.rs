//! What happens to an object on its way in: namespaces are looked up, addresses given out, pods filled in.
use serde_json::json;
use sha2::{Digest, Sha256};

use super::json::{default, get, integer, items, items_mut, set, text};
use super::kinds::{KindInfo, Resource};
use super::status::{Cause, Status};
use super::world::World;
use crate::model::{Json, Quantity};

/// Checks that the namespace of a new object is there, and stays.
pub(super) fn check_namespace(world: &World, info: &KindInfo, name: &str, namespace: &str) -> Result<(), Status> {
    if !info.namespaced {
        return Ok(());
    }
    let Some(found) = world.find("", "namespaces", "", namespace) else {
        let namespaces = world.kinds.find("", "v1", "namespaces");
        return Err(namespaces.map_or_else(Status::no_such_path, |kind| Status::not_found(&kind, namespace)));
    };
    if found.is_terminating() { Err(Status::terminating(info, name, namespace)) } else { Ok(()) }
}

/// Fills in what only a server can know about a new object.
pub(super) fn mutate(world: &World, info: &KindInfo, object: &mut Json) -> Result<(), Status> {
    match info.kind.as_str() {
        _ if info.is_custom() => {}
        "Namespace" => set(object, &["spec", "finalizers"], vec!["kubernetes"]),
        "Pod" => fill_pod(world, info, object)?,
        "Service" => fill_service(world, object),
        "PersistentVolumeClaim" => {
            add_finalizer(object, "kubernetes.io/pvc-protection");
            fill_class(world, object);
        }
        "PersistentVolume" => add_finalizer(object, "kubernetes.io/pv-protection"),
        "Job" => fill_job(object),
        _ => {}
    }
    Ok(())
}

/// Keeps on a change what the server gave out before and the new form left out.
pub(super) fn fill_on_update(world: &World, info: &KindInfo, live: &Json, object: &mut Json) {
    match info.kind.as_str() {
        _ if info.is_custom() => {}
        "Service" => {
            let is_external = [live, &*object].iter().any(|service| text(service, "/spec/type") == "ExternalName");
            let kept: &[&str] =
                if is_external { &[] } else { &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] };
            for field in kept {
                if let Some(value) = get(live, &["spec", field]) {
                    default(object, &["spec", field], value.clone());
                }
            }
            keep_node_ports(live, object);
            fill_service(world, object);
        }
        "PersistentVolumeClaim" | "PersistentVolume" => {
            let field = if info.kind == "PersistentVolume" { "claimRef" } else { "volumeName" };
            if let Some(value) = get(live, &["spec", field]) {
                default(object, &["spec", field], value.clone());
            }
            if let Some(class) = get(live, &["spec", "storageClassName"]) {
                default(object, &["spec", "storageClassName"], class.clone());
            }
        }
        "Job" | "Pod" => {
            for field in
                ["selector", "nodeName", "priority", "preemptionPolicy", "tolerations", "hostname", "subdomain"]
            {
                if let Some(value) = get(live, &["spec", field]) {
                    default(object, &["spec", field], value.clone());
                }
            }
            if info.kind == "Job"
                && let Some(labels) = get(live, &["spec", "template", "metadata", "labels"]).and_then(Json::as_object)
            {
                for (name, value) in labels {
                    default(object, &["spec", "template", "metadata", "labels", name], value.clone());
                }
            }
        }
        "Namespace" => {
            if let Some(finalizers) = get(live, &["spec", "finalizers"]) {
                default(object, &["spec", "finalizers"], finalizers.clone());
            }
        }
        _ => {}
    }
}

/// Tells whether a namespace waits for its content to go.
pub(super) fn is_full_namespace(object: &Json) -> bool {
    (text(object, "/apiVersion"), text(object, "/kind")) == ("v1", "Namespace")
        && !items(object, "/spec/finalizers").is_empty()
}

/// Tells whether a pod that is being deleted waits for its containers to stop.
pub(super) fn is_stopping_pod(object: &Json) -> bool {
    (text(object, "/apiVersion"), text(object, "/kind")) == ("v1", "Pod")
        && integer(object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) > 0
}

fn add_finalizer(object: &mut Json, finalizer: &str) {
    let mut finalizers = items(object, "/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|other| other == finalizer) {
        finalizers.push(Json::from(finalizer));
        set(object, &["metadata", "finalizers"], finalizers);
    }
}

/// Gives a claim the default class, where it names none and there is one.
fn fill_class(world: &World, object: &mut Json) {
    if get(object, &["spec", "storageClassName"]).is_some() {
        return;
    }
    let is_default = |class: &&std::sync::Arc<crate::model::Object>| {
        class.annotation("storageclass.kubernetes.io/is-default-class") == Some("true")
    };
    let classes = world.list(&Resource::new("storage.k8s.io", "storageclasses"), None);
    if let Some(class) =
        classes.filter(is_default).max_by_key(|class| class.text("/metadata/creationTimestamp").map(str::to_owned))
    {
        set(object, &["spec", "storageClassName"], class.name());
    }
}

fn fill_job(object: &mut Json) {
    // The uid comes after admission; the labels that hold it are set by a name that is unique as well.
    if object.pointer("/spec/manualSelector") == Some(&Json::Bool(true)) {
        return;
    }
    let name = text(object, "/metadata/name").to_owned();
    let uid = uuid::Uuid::new_v4().to_string();
    for label in ["batch.kubernetes.io/controller-uid", "controller-uid"] {
        set(object, &["spec", "template", "metadata", "labels", label], uid.clone());
        set(object, &["metadata", "labels", label], uid.clone());
    }
    for label in ["batch.kubernetes.io/job-name", "job-name"] {
        set(object, &["spec", "template", "metadata", "labels", label], name.clone());
        set(object, &["metadata", "labels", label], name.clone());
    }
    set(object, &["spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"], uid);
}

fn fill_pod(world: &World, info: &KindInfo, object: &mut Json) -> Result<(), Status> {
    apply_limit_ranges(world, info, object)?;
    let class = text(object, "/spec/priorityClassName").to_owned();
    let name = text(object, "/metadata/name").to_owned();
    let (priority, preemption) = match world.find("scheduling.k8s.io", "priorityclasses", "", &class) {
        Some(class) => (
            integer(class.json(), "/value").unwrap_or(0),
            class.text("/preemptionPolicy").unwrap_or("PreemptLowerPriority").to_owned(),
        ),
        None if class.is_empty() || class.starts_with("system-") => (0, "PreemptLowerPriority".to_owned()),
        None => return Err(Status::forbidden(info, &name, &format!("no PriorityClass with name {class} was found"))),
    };
    default(object, &["spec", "priority"], priority);
    default(object, &["spec", "preemptionPolicy"], preemption);
    let mut tolerations = items(object, "/spec/tolerations").to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = tolerations.iter().any(|toleration| {
            let found = text(toleration, "/key");
            (found == key || found.is_empty()) && matches!(text(toleration, "/effect"), "NoExecute" | "")
        });
        if !tolerated {
            tolerations
                .push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
    set(object, &["spec", "tolerations"], tolerations);
    let quality = quality_of_service(object);
    set(object, &["status", "qosClass"], quality);
    Ok(())
}

/// Fills in and checks the limits of the namespace.
fn apply_limit_ranges(world: &World, info: &KindInfo, object: &mut Json) -> Result<(), Status> {
    let namespace = text(object, "/metadata/namespace").to_owned();
    let name = text(object, "/metadata/name").to_owned();
    let ranges: Vec<Json> = world
        .list(&Resource::new("", "limitranges"), Some(&namespace))
        .flat_map(|range| items(range.json(), "/spec/limits").to_vec())
        .filter(|limit| limit["type"] == "Container")
        .collect();
    let mut filled = Vec::new();
    for limit in &ranges {
        for list in ["initContainers", "containers"] {
            for container in items_mut(object, &["spec", list]) {
                filled.extend(fill_limits(limit, container));
                let wrong = exceeded(limit, container);
                if !wrong.is_empty() {
                    let why = if wrong.len() == 1 { wrong.concat() } else { format!("[{}]", wrong.join(", ")) };
                    return Err(Status::forbidden(info, &name, &why));
                }
            }
        }
    }
    if !filled.is_empty() {
        let text = format!("LimitRanger plugin set: {}", filled.join("; "));
        set(object, &["metadata", "annotations", "kubernetes.io/limit-ranger"], text);
    }
    Ok(())
}

/// Fills in what a container leaves out; returns what was filled in, in words.
fn fill_limits(limit: &Json, container: &mut Json) -> Vec<String> {
    let mut filled = Vec::new();
    for (from, to, word) in [("defaultRequest", "requests", "request"), ("default", "limits", "limit")] {
        let values = limit.get(from).and_then(Json::as_object).into_iter().flatten();
        let missing = values.filter(|(name, _)| get(container, &["resources", to, name]).is_none());
        let missing: Vec<(String, Json)> = missing.map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, value) in missing {
            filled.push(format!("{name} {word} for container {}", text(container, "/name")));
            set(container, &["resources", to, &name], value);
        }
    }
    filled
}

fn exceeded(limit: &Json, container: &Json) -> Vec<String> {
    let amount = |kind: &str, name: &str| quantity(get(container, &["resources", kind, name]));
    let mut wrong = Vec::new();
    for (name, bound) in limit.get("max").and_then(Json::as_object).into_iter().flatten() {
        let (Some(most), found) = (quantity(Some(bound)), amount("limits", name)) else { continue };
        match found {
            None => wrong.push(format!("maximum {name} usage per Container is {most}.  No limit is specified")),
            Some(found) if found > most => {
                wrong.push(format!("maximum {name} usage per Container is {most}, but limit is {found}"));
            }
            Some(_) => {}
        }
    }
    for (name, bound) in limit.get("min").and_then(Json::as_object).into_iter().flatten() {
        let (Some(least), found) = (quantity(Some(bound)), amount("requests", name)) else { continue };
        match found {
            None => wrong.push(format!("minimum {name} usage per Container is {least}.  No request is specified")),
            Some(found) if found < least => {
                wrong.push(format!("minimum {name} usage per Container is {least}, but request is {found}"));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// Returns the amount that a value says.
pub(super) fn quantity(value: Option<&Json>) -> Option<Quantity> {
    match value? {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn quality_of_service(object: &Json) -> &'static str {
    let containers: Vec<&Json> =
        items(object, "/spec/containers").iter().chain(items(object, "/spec/initContainers")).collect();
    let of = |container: &Json, kind: &str, name: &str| quantity(get(container, &["resources", kind, name]));
    let is_set = |container: &&Json| {
        ["cpu", "memory"]
            .iter()
            .any(|name| of(container, "requests", name).is_some() || of(container, "limits", name).is_some())
    };
    let is_guaranteed = |container: &&Json| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = of(container, "limits", name);
            limit.is_some() && limit == of(container, "requests", name)
        })
    };
    if containers.iter().all(is_guaranteed) {
        return "Guaranteed";
    }
    if containers.iter().any(is_set) { "Burstable" } else { "BestEffort" }
}

/// Gives a service its addresses and ports.
fn fill_service(world: &World, object: &mut Json) {
    if text(object, "/spec/type") == "ExternalName" {
        return;
    }
    if text(object, "/spec/clusterIP").is_empty() {
        let address = address(world, text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        set(object, &["spec", "clusterIP"], address);
    }
    let address = object["spec"]["clusterIP"].clone();
    default(object, &["spec", "clusterIPs"], vec![address]);
    default(object, &["spec", "ipFamilies"], vec!["IPv4"]);
    default(object, &["spec", "ipFamilyPolicy"], "SingleStack");
    if matches!(text(object, "/spec/type"), "NodePort" | "LoadBalancer") {
        let name = format!("{}/{}", text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        for (index, port) in items_mut(object, &["spec", "ports"]).enumerate() {
            default(port, &["nodePort"], 30_000 + i64::from(digest(&format!("{name}/{index}")) % 2768));
        }
    }
}

/// Service ports keep their node ports as long as they stand for the same port.
fn keep_node_ports(live: &Json, object: &mut Json) {
    if !matches!(text(object, "/spec/type"), "NodePort" | "LoadBalancer") {
        return;
    }
    let old = items(live, "/spec/ports").to_vec();
    for port in items_mut(object, &["spec", "ports"]) {
        let same = old.iter().find(|other| other["port"] == port["port"] && other["protocol"] == port["protocol"]);
        if let Some(number) = same.and_then(|other| other.get("nodePort")) {
            default(port, &["nodePort"], number.clone());
        }
    }
}

/// Returns a free address in 10.96.0.0/16: always the same for the same name, as long as it is free.
fn address(world: &World, namespace: &str, name: &str) -> String {
    let used: std::collections::BTreeSet<&str> = world
        .list(&Resource::new("", "services"), None)
        .filter_map(|service| service.text("/spec/clusterIP"))
        .collect();
    let start = digest(&format!("{namespace}/{name}"));
    let candidates = (0..=u32::from(u16::MAX)).map(|step| (start.wrapping_add(step)) & 0xffff);
    let free = candidates.filter(|number| number & 0xff != 0 && *number > 256);
    free.map(|number| format!("10.96.{}.{}", number >> 8, number & 0xff))
        .find(|address| !used.contains(address.as_str()))
        .unwrap_or_else(|| "10.96.1.1".to_owned())
}

/// Returns a number that depends on a text alone.
pub(super) fn digest(text: &str) -> u32 {
    let bytes = Sha256::digest(text.as_bytes());
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Returns a mistake where a value is no quantity.
pub(super) fn check_quantity(field: String, value: &Json) -> Option<Cause> {
    let why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    quantity(Some(value)).is_none().then(|| Cause::invalid(field, value, why))
}

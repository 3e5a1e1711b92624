//! Resource quotas: what an object costs, what a namespace has used, what is too much.
use std::collections::BTreeMap;

use super::admission::quantity;
use super::json::{get, items, text};
use super::kinds::{KindInfo, Resource};
use super::status::Status;
use super::world::{Key, World};
use super::write::{self, Writer};
use crate::model::{Json, Quantity};

/// Amounts by their names in a quota: `pods`, `requests.cpu`, `count/deployments.apps`.
type Amounts = BTreeMap<String, Quantity>;

/// Refuses a new object that a quota of its namespace has no room for.
pub(super) fn check(world: &World, info: &KindInfo, object: &Json) -> Result<(), Status> {
    let (namespace, name) = (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
    for quota in world.list(&Resource::new("", "resourcequotas"), Some(namespace)).filter(|_| info.namespaced) {
        let hard = amounts(quota.pointer("/spec/hard"));
        let cost = cost(info, object, &hard);
        let missing = missing(info, object, &hard);
        if !missing.is_empty() {
            return Err(Status::forbidden(
                info,
                name,
                &format!("failed quota: {}: must specify {missing}", quota.name()),
            ));
        }
        let used = used(world, namespace, quota.json());
        let exceeded: Vec<&String> = cost
            .iter()
            .filter(|(name, cost)| {
                let sum = used.get(*name).unwrap_or(&Quantity::ZERO).checked_add(cost);
                !cost.is_zero() && hard.get(*name).is_some_and(|hard| sum.is_none_or(|sum| sum > *hard))
            })
            .map(|(name, _)| name)
            .collect();
        if !exceeded.is_empty() {
            let show = |amounts: &Amounts| -> String {
                let pairs =
                    exceeded.iter().map(|name| format!("{name}={}", amounts.get(*name).unwrap_or(&Quantity::ZERO)));
                pairs.collect::<Vec<_>>().join(",")
            };
            let (requested, used, limited) = (show(&cost), show(&used), show(&hard));
            let why =
                format!("exceeded quota: {}, requested: {requested}, used: {used}, limited: {limited}", quota.name());
            return Err(Status::forbidden(info, name, &why));
        }
    }
    Ok(())
}

/// Adds a new object to what the quotas of its namespace have used.
pub(super) fn charge(world: &mut World, info: &KindInfo, object: &Json) -> Result<(), Status> {
    if !info.namespaced {
        return Ok(());
    }
    let namespace = text(object, "/metadata/namespace").to_owned();
    let quotas: Vec<_> = world.list(&Resource::new("", "resourcequotas"), Some(&namespace)).cloned().collect();
    for quota in quotas {
        let hard = amounts(quota.pointer("/spec/hard"));
        let cost = cost(info, object, &hard);
        if cost.is_empty() {
            continue;
        }
        let mut used = used(world, &namespace, quota.json());
        for (name, cost) in &cost {
            let sum = used.get(name).unwrap_or(&Quantity::ZERO).checked_add(cost);
            used.insert(name.clone(), sum.unwrap_or(*cost));
        }
        let key = Key::new("", "resourcequotas", &namespace, quota.name());
        write_status(world, &key, &quota.json()["spec"]["hard"].clone(), &used)?;
    }
    Ok(())
}

/// Counts anew what a quota's namespace uses.
pub(super) fn recount(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(quota) = world.get(key).cloned() else { return Ok(()) };
    let used = count(world, &key.namespace, &amounts(quota.pointer("/spec/hard")));
    write_status(world, key, &quota.json()["spec"]["hard"].clone(), &used)
}

fn write_status(world: &mut World, key: &Key, hard: &Json, used: &Amounts) -> Result<(), Status> {
    let used: serde_json::Map<String, Json> =
        used.iter().map(|(name, amount)| (name.clone(), Json::from(amount.to_string()))).collect();
    write::modify(world, key, Writer::controller("kube-controller-manager", Some("status")), |quota| {
        quota["status"] = serde_json::json!({"hard": hard, "used": used});
    })
}

/// Returns what is used: as the status says where it is up to date, else counted.
fn used(world: &World, namespace: &str, quota: &Json) -> Amounts {
    let is_current = get(quota, &["status", "hard"]).is_some_and(|hard| *hard == quota["spec"]["hard"]);
    if is_current {
        amounts(quota.pointer("/status/used"))
    } else {
        count(world, namespace, &amounts(quota.pointer("/spec/hard")))
    }
}

fn count(world: &World, namespace: &str, hard: &Amounts) -> Amounts {
    let mut used: Amounts = hard.keys().map(|name| (name.clone(), Quantity::ZERO)).collect();
    let kinds: Vec<_> =
        world.kinds.iter().filter(|info| info.namespaced && info.version == info.storage_version).cloned().collect();
    for info in kinds.iter().filter(|info| hard.keys().any(|name| concerns(info, name))) {
        for object in world.list(&info.resource(), Some(namespace)) {
            for (name, cost) in cost(info, object.json(), hard) {
                let sum = used.get(&name).and_then(|used| used.checked_add(&cost));
                used.insert(name, sum.unwrap_or(cost));
            }
        }
    }
    used
}

/// Tells whether objects of a kind can cost something of that name.
fn concerns(info: &KindInfo, name: &str) -> bool {
    if let Some(counted) = name.strip_prefix("count/") {
        return counted == info.qualified();
    }
    match info.kind.as_str() {
        _ if info.is_custom() => false,
        "Pod" => name == "pods" || is_compute(name),
        "PersistentVolumeClaim" => name == "persistentvolumeclaims" || name.ends_with("requests.storage"),
        "Service" => name.starts_with("services"),
        _ => name == info.plural,
    }
}

fn is_compute(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage")
        || (name.starts_with("requests.") && name != "requests.storage")
        || name.starts_with("limits.")
}

/// Returns what an object costs, of the names that a quota limits.
fn cost(info: &KindInfo, object: &Json, hard: &Amounts) -> Amounts {
    let is_over = matches!(text(object, "/status/phase"), "Succeeded" | "Failed") && info.is("Pod");
    let one = Quantity::from_milli(1000);
    let mut cost = Amounts::new();
    for name in hard.keys().filter(|name| concerns(info, name)) {
        let amount = if name.starts_with("count/") || *name == info.plural {
            if is_over && name == "pods" { Quantity::ZERO } else { one }
        } else if info.is("Pod") {
            if is_over { Quantity::ZERO } else { pod_amount(object, name) }
        } else if name.ends_with("requests.storage") {
            quantity(get(object, &["spec", "resources", "requests", "storage"])).unwrap_or(Quantity::ZERO)
        } else {
            let kind = text(object, "/spec/type");
            let counts = matches!(
                (name.as_str(), kind),
                ("services.loadbalancers", "LoadBalancer") | ("services.nodeports", "NodePort" | "LoadBalancer")
            );
            if counts { one } else { Quantity::ZERO }
        };
        cost.insert(name.clone(), amount);
    }
    cost
}

/// Returns what a pod asks for: its containers together, or its greatest init container.
pub(super) fn pod_amount(pod: &Json, name: &str) -> Quantity {
    let (kind, name) = match name.split_once('.') {
        Some(("limits", name)) => ("limits", name),
        Some(("requests", name)) => ("requests", name),
        _ => ("requests", name),
    };
    let of = |container: &Json| quantity(get(container, &["resources", kind, name])).unwrap_or(Quantity::ZERO);
    let sum = items(pod, "/spec/containers")
        .iter()
        .fold(Quantity::ZERO, |sum, container| sum.checked_add(&of(container)).unwrap_or(sum));
    items(pod, "/spec/initContainers").iter().map(of).fold(sum, std::cmp::max)
}

/// A quota on processors or memory asks every container to say what it needs.
fn missing(info: &KindInfo, object: &Json, hard: &Amounts) -> String {
    let mut texts = Vec::new();
    for name in hard.keys().filter(|name| info.is("Pod") && is_compute(name)) {
        let (kind, resource) = name.split_once('.').unwrap_or(("requests", name));
        if !matches!(resource, "cpu" | "memory") {
            continue;
        }
        let lacking: Vec<&str> = items(object, "/spec/containers")
            .iter()
            .filter(|container| get(container, &["resources", kind, resource]).is_none())
            .map(|container| text(container, "/name"))
            .collect();
        if !lacking.is_empty() {
            texts.push(format!("{name} for: {}", lacking.join(",")));
        }
    }
    texts.join("; ")
}

fn amounts(map: Option<&Json>) -> Amounts {
    let entries = map.and_then(Json::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), quantity(Some(value))?))).collect()
}

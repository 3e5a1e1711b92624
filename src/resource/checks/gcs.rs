//! Heads that keep their state in Redis: which Redis, and that no two share one place in it.
use std::collections::BTreeMap;

use super::view::{Pods, View, items};
use crate::model::{Address, Diagnostic, Json, Severity, UNKNOWN};

type Finding = (Address, Diagnostic);

pub(super) fn check(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut places: BTreeMap<(String, String), &Pods<'_>> = BTreeMap::new();
    for head in view.pods.iter().filter(|pods| pods.is_head() && pods.item.kind() != "Job") {
        let Some(address) = variable(head, "RAY_REDIS_ADDRESS").filter(|address| !address.contains(UNKNOWN)) else {
            continue;
        };
        findings.extend(check_service(view, head, address));
        let Some(place) = variable(head, "RAY_external_storage_namespace") else {
            // KubeRay gives every RayCluster a place of its own.
            if head.item.kind() != "RayCluster" {
                let message =
                    format!("{} shares one place in Redis with every other head that names none", head.item.title());
                let (address, diagnostic) = head.item.finding(Severity::Error, "RF307", message);
                findings.push((address, diagnostic.hint("set `RAY_external_storage_namespace` to a name of its own")));
            }
            continue;
        };
        let key = (host_of(address).to_owned(), place.to_owned());
        if let Some(other) = places.insert(key, head).filter(|_| !place.contains(UNKNOWN)) {
            let message =
                format!("{} and {} keep their state in one place, `{place}`", other.item.title(), head.item.title());
            let (address, diagnostic) = head.item.finding(Severity::Error, "RF307", message);
            findings.push((
                address,
                diagnostic.related(other.item.desired.span, "the other head").hint("give each a `storage_namespace`"),
            ));
        }
    }
    findings
}

/// Only names inside of this cluster can be checked, and only in namespaces that this configuration makes.
fn check_service(view: &View<'_>, head: &Pods<'_>, address: &str) -> Option<Finding> {
    let host = host_of(address);
    let mut parts = host.split('.');
    let service = parts.next()?;
    let namespace = match (parts.next(), parts.next()) {
        (None, _) => head.item.object().namespace()?,
        (Some(namespace), Some("svc")) => namespace,
        _ => return None,
    };
    if !view.makes_namespace(namespace) || view.find("Service", Some(namespace), service).is_some() {
        return None;
    }
    let message = format!(
        "{} keeps its state in `{address}`, and this configuration makes no Service `{service}` in `{namespace}`",
        head.item.title()
    );
    let (address, diagnostic) = head.item.finding(Severity::Warning, "RF305", message);
    Some((address, diagnostic.hint("add `resource \"redis\" …` and write `gcs_fault_tolerance { redis = redis.… }`")))
}

fn host_of(address: &str) -> &str {
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let address = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
    address.split([':', '/']).next().unwrap_or(address)
}

fn variable<'b>(pods: &'b Pods<'_>, name: &str) -> Option<&'b str> {
    let mut variables = pods.containers().flat_map(|container| items(container, "/env"));
    variables.find(|variable| variable["name"] == name)?.get("value").and_then(Json::as_str)
}

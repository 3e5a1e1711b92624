//! Quotas and limits of namespaces against the pods that are to live in them.
use super::view::{Item, Pods, View, items, quantity};
use crate::model::{Address, Diagnostic, Json, Quantity, Severity};

type Finding = (Address, Diagnostic);

pub(super) fn check(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for quota in view.of_kind("ResourceQuota") {
        findings.extend(check_quota(view, quota));
    }
    for range in view.of_kind("LimitRange") {
        findings.extend(check_range(view, range));
    }
    findings
}

fn check_quota(view: &View<'_>, quota: Item<'_>) -> Vec<Finding> {
    // Quotas with scopes count only some pods.
    if quota.object().pointer("/spec/scopes").is_some() || quota.object().pointer("/spec/scopeSelector").is_some() {
        return Vec::new();
    }
    let namespace = quota.object().namespace();
    let pods: Vec<&Pods<'_>> = view.pods.iter().filter(|pods| pods.item.object().namespace() == namespace).collect();
    let hard = quota.object().pointer("/spec/hard").and_then(Json::as_object);
    let mut findings = Vec::new();
    for (key, amount) in hard.into_iter().flatten() {
        let Some(hard) = quantity(amount) else { continue };
        findings.extend(check_sum(view, quota, &pods, key, hard));
        if let Some(resource) = key.strip_prefix("limits.") {
            findings.extend(pods.iter().filter_map(|pods| check_missing(view, quota, pods, "limits", resource)));
        }
        if ["cpu", "memory", "requests.cpu", "requests.memory"].contains(&key.as_str()) {
            let resource = key.strip_prefix("requests.").unwrap_or(key);
            findings.extend(pods.iter().filter_map(|pods| check_missing(view, quota, pods, "requests", resource)));
        }
    }
    findings.extend(check_gpu(quota, &pods));
    findings
}

/// Compares the sum of all pods with one bound: at least, at most, and while they are replaced.
fn check_sum(view: &View<'_>, quota: Item<'_>, pods: &[&Pods<'_>], key: &str, hard: Quantity) -> Option<Finding> {
    let one = |pods: &Pods<'_>| match key {
        "pods" | "count/pods" => Some(Quantity::from_milli(1000)),
        "cpu" | "memory" => Some(amount(view, pods, "requests", key)),
        _ => {
            let (side, resource) = key.split_once('.')?;
            // `requests.storage` counts claims, not pods.
            (["requests", "limits"].contains(&side) && resource != "storage")
                .then(|| amount(view, pods, side, resource))
        }
    };
    let sum = |count: &dyn Fn(&Pods<'_>) -> i64| {
        pods.iter().try_fold(Quantity::ZERO, |sum, pods| sum.checked_add(&one(pods)?.checked_mul(count(pods))?))
    };
    let (least, most) = (sum(&|pods| pods.count.0)?, sum(&|pods| pods.count.1)?);
    let replacing = pods.iter().map(|pods| one(pods).and_then(|amount| amount.checked_mul(pods.surge))).max().flatten();
    let namespace = quota.object().namespace().unwrap_or_default();
    let related = |(address, diagnostic): Finding| {
        let biggest = pods.iter().filter(|pods| one(pods).is_some_and(|amount| !amount.is_zero()));
        let add = |diagnostic: Diagnostic, pods: &&Pods<'_>| {
            let text = one(pods).map(|amount| format!("{} × {amount}", pods.count.0)).unwrap_or_default();
            diagnostic.related(pods.item.desired.span, text)
        };
        (address, biggest.fold(diagnostic, add))
    };
    if least > hard {
        let message = format!("the quota of `{namespace}` allows {hard} `{key}`, its pods ask for {least}");
        return Some(related(quota.finding(Severity::Error, "RF801", message)));
    }
    if most > hard {
        let message = format!("the quota of `{namespace}` allows {hard} `{key}`, its autoscalers may ask for {most}");
        return Some(related(quota.finding(Severity::Warning, "RF801", message)));
    }
    let replacing = least.checked_add(&replacing?)?;
    (replacing > hard).then(|| {
        let message = format!("the quota of `{namespace}` allows {hard} `{key}`; replacing pods may need {replacing}");
        let (address, diagnostic) = related(quota.finding(Severity::Warning, "RF806", message));
        (address, diagnostic.hint("write `rolling_update { max_surge = 0, max_unavailable = 1 }`"))
    })
}

/// A quota on a resource makes the server refuse pods that say nothing of it.
fn check_missing(view: &View<'_>, quota: Item<'_>, pods: &Pods<'_>, side: &str, resource: &str) -> Option<Finding> {
    let is_missing = |container: &&Json| {
        let says = |side: &str| {
            container.pointer(&format!("/resources/{side}")).is_some_and(|amounts| amounts.get(resource).is_some())
        };
        // A limit is a request too where there is none.
        let is_said = says(side) || (side == "requests" && says("limits"));
        !is_said && range_default(view, pods, side, resource).is_none()
    };
    let container = pods.all_containers().find(is_missing)?;
    let name = container["name"].as_str().unwrap_or_default();
    let message = format!(
        "the container `{name}` of {} says nothing of `{side}.{resource}`, which the quota of its namespace bounds: the server refuses its pods",
        pods.item.title()
    );
    let (address, diagnostic) = pods.item.finding(Severity::Error, "RF802", message);
    Some((address, diagnostic.related(quota.desired.span, "the quota")))
}

/// A quota that says nothing of GPUs leaves them open to all.
fn check_gpu(quota: Item<'_>, pods: &[&Pods<'_>]) -> Option<Finding> {
    let hard = quota.object().pointer("/spec/hard").and_then(Json::as_object)?;
    let resources = pods
        .iter()
        .flat_map(|pods| pods.containers())
        .filter_map(|container| container.pointer("/resources/limits")?.as_object());
    let gpu = resources.flat_map(|limits| limits.keys()).find(|name| name.ends_with("/gpu"))?;
    let is_bound = hard.contains_key(&format!("requests.{gpu}")) || !hard.keys().any(|key| key.contains("cpu"));
    (!is_bound).then(|| {
        let message = format!("the quota bounds CPU but not `{gpu}`, which pods of the namespace use");
        let (address, diagnostic) = quota.finding(Severity::Warning, "RF804", message);
        (address, diagnostic.hint(format!("bound `requests.{gpu}` too")))
    })
}

fn check_range(view: &View<'_>, range: Item<'_>) -> Vec<Finding> {
    let namespace = range.object().namespace();
    let mut findings = Vec::new();
    let limits = items(range.object().json(), "/spec/limits").filter(|item| item["type"] == "Container");
    for item in limits {
        for pods in view.pods.iter().filter(|pods| pods.item.object().namespace() == namespace) {
            for container in pods.all_containers() {
                findings.extend(out_of_range(range, item, pods, container));
            }
        }
    }
    findings
}

fn out_of_range(range: Item<'_>, item: &Json, pods: &Pods<'_>, container: &Json) -> Option<Finding> {
    let name = container["name"].as_str().unwrap_or_default();
    for (bound, side) in [("max", "limits"), ("min", "requests")] {
        for (resource, amount) in item[bound].as_object().into_iter().flatten() {
            let own = container.pointer(&format!("/resources/{side}")).and_then(|amounts| quantity(&amounts[resource]));
            let (Some(bound_amount), Some(own)) = (quantity(amount), own) else { continue };
            if (bound == "max" && own > bound_amount) || (bound == "min" && own < bound_amount) {
                let title = pods.item.title();
                let message = format!(
                    "the container `{name}` of {title} has {own} `{resource}`, the namespace allows a {bound} of {bound_amount}"
                );
                let (address, diagnostic) = pods.item.finding(Severity::Error, "RF803", message);
                return Some((address, diagnostic.related(range.desired.span, "the limits")));
            }
        }
    }
    None
}

fn amount(view: &View<'_>, pods: &Pods<'_>, side: &str, resource: &str) -> Quantity {
    let default = |container: &Json| {
        let limit = container.pointer("/resources/limits").and_then(|amounts| quantity(&amounts[resource]));
        limit.filter(|_| side == "requests").or_else(|| range_default(view, pods, side, resource))
    };
    pods.amount(side, resource, default)
}

/// Returns what a LimitRange of the namespace gives to containers that say nothing.
fn range_default(view: &View<'_>, pods: &Pods<'_>, side: &str, resource: &str) -> Option<Quantity> {
    let namespace = pods.item.object().namespace();
    let fields: &[&str] =
        if side == "limits" { &["default", "max"] } else { &["defaultRequest", "default", "min", "max"] };
    let ranges = view.of_kind("LimitRange").filter(|range| range.object().namespace() == namespace);
    let mut entries = ranges
        .flat_map(|range| items(range.object().json(), "/spec/limits"))
        .filter(|item| item["type"] == "Container");
    entries.find_map(|item| fields.iter().find_map(|field| quantity(&item[*field][resource])))
}

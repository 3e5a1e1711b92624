//! Which kind is judged by which rule, and the rules that fit in a few lines.
//!
//! A verdict looks at the object, and at what lives around it: `Pod`, `Event`, `StorageClass` and
//! `ResourceQuota` objects, where the caller has them. What is terminal (`Failed`) and what is not:
//!
//! - failed: an image that cannot be pulled, a container that cannot be configured or that crashes
//!   in a loop, pods that are refused (quota, pod security, admission), a rollout past its deadline,
//!   a failed Job, a lost claim, names of a CRD that are taken, and whatever is being deleted;
//! - waiting, with the reason: pods that cannot be scheduled (a node autoscaler may come to help),
//!   volumes that cannot be made or mounted yet, containers that are not ready.
use crate::model::{Judge, Kind, Object, Readiness, Surroundings};

use super::{claim, generic, generic::Condition, pod, ray, workload};

/// Returns the rule for a kind, whatever its version.
pub(crate) fn judge_of(kind: &Kind) -> Judge {
    match (&*kind.group, &*kind.kind) {
        ("apps", "Deployment") => workload::deployment,
        ("apps", "StatefulSet") => workload::stateful_set,
        ("apps", "DaemonSet") => workload::daemon_set,
        ("apps", "ReplicaSet") => workload::replica_set,
        ("batch", "Job") => workload::job,
        ("", "Pod") => pod::pod,
        ("", "Namespace") => namespace,
        ("", "PersistentVolumeClaim") => claim::claim,
        ("", "PersistentVolume") => claim::volume,
        ("", "Service") => service,
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler,
        ("policy", "PodDisruptionBudget") => disruption_budget,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition,
        ("apiregistration.k8s.io", "APIService") => api_service,
        ("ray.io", "RayCluster") => ray::cluster,
        ("ray.io", "RayJob") => ray::job,
        ("ray.io", "RayService") => ray::service,
        ("kueue.x-k8s.io", "ClusterQueue" | "LocalQueue") => queue,
        (group, _) if is_built_in(group) => exists,
        _ => generic::custom_resource,
    }
}

/// Tells whether a group belongs to Kubernetes itself; its other kinds are done once they exist.
fn is_built_in(group: &str) -> bool {
    let extensible = matches!(group, "apiextensions.k8s.io" | "apiregistration.k8s.io");
    let core = matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy" | "extensions");
    let suffixed = matches!(
        group,
        "admissionregistration.k8s.io"
            | "authentication.k8s.io"
            | "authorization.k8s.io"
            | "certificates.k8s.io"
            | "coordination.k8s.io"
            | "discovery.k8s.io"
            | "events.k8s.io"
            | "flowcontrol.apiserver.k8s.io"
            | "internal.apiserver.k8s.io"
            | "networking.k8s.io"
            | "node.k8s.io"
            | "rbac.authorization.k8s.io"
            | "resource.k8s.io"
            | "scheduling.k8s.io"
            | "storage.k8s.io"
            | "storagemigration.k8s.io"
    );
    extensible || core || suffixed
}

/// Judges a kind that has nothing to wait for.
fn exists(object: &Object, _: Surroundings<'_>) -> Readiness {
    generic::deleting(object).unwrap_or_else(Readiness::ready)
}

fn namespace(object: &Object, _: Surroundings<'_>) -> Readiness {
    if object.is_terminating() || object.text("/status/phase") == Some("Terminating") {
        let reason = generic::conditions(object)
            .filter(|condition| condition.is("True") && condition.name.starts_with("Namespace"))
            .map(|condition| condition.says())
            .collect::<Vec<_>>();
        let reason = if reason.is_empty() { String::new() } else { format!(" ({})", reason.join("; ")) };
        return Readiness::failed(format!("the namespace is being deleted{reason}; wait until it is gone"));
    }
    match object.text("/status/phase") {
        Some("Active") => Readiness::ready(),
        _ => Readiness::waiting("the namespace is not active yet"),
    }
}

/// Judges a Service; an address from a load balancer may come later, and is not waited for.
fn service(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::deleting(object) {
        return verdict;
    }
    let note = lacks_address(object).then(|| "the load balancer has given no address yet".to_owned());
    Readiness::Ready { note }
}

fn lacks_address(object: &Object) -> bool {
    let addresses = object.pointer("/status/loadBalancer/ingress").and_then(|list| list.as_array());
    object.text("/spec/type") == Some("LoadBalancer") && addresses.is_none_or(Vec::is_empty)
}

/// Judges an autoscaler. Metrics come late, so a lack of them is a note and no reason to wait.
fn autoscaler(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object) {
        return verdict;
    }
    match generic::condition(object, "AbleToScale") {
        Some(able) if able.is("True") => {
            let inactive = generic::condition(object, "ScalingActive").filter(|active| active.is("False"));
            Readiness::Ready { note: inactive.map(|active| active.says()) }
        }
        Some(able) => Readiness::waiting(able.says()),
        None => Readiness::waiting("the autoscaler has not looked at its target yet"),
    }
}

fn disruption_budget(object: &Object, _: Surroundings<'_>) -> Readiness {
    generic::begin(object).unwrap_or_else(|| match generic::number(object, "/status/observedGeneration") {
        Some(_) => Readiness::ready(),
        None => Readiness::waiting("the budget has not been counted yet"),
    })
}

fn definition(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::deleting(object) {
        return verdict;
    }
    match generic::condition(object, "NamesAccepted") {
        Some(accepted) if accepted.is("False") => return Readiness::failed(accepted.says()),
        _ => {}
    }
    match generic::condition(object, "Established") {
        Some(established) if established.is("True") => Readiness::ready(),
        Some(established) => Readiness::waiting(established.says()),
        None => Readiness::waiting("the definition is not established yet"),
    }
}

fn api_service(object: &Object, _: Surroundings<'_>) -> Readiness {
    requires(object, "Available", "the API is not available yet")
}

fn queue(object: &Object, _: Surroundings<'_>) -> Readiness {
    requires(object, "Active", "the queue is not active yet")
}

/// Judges by one condition that has to be true.
fn requires(object: &Object, name: &str, otherwise: &str) -> Readiness {
    generic::begin(object).unwrap_or_else(|| match generic::condition(object, name) {
        Some(condition) if condition.is("True") => Readiness::ready(),
        found => {
            Readiness::waiting(found.map_or_else(|| otherwise.to_owned(), |condition: Condition<'_>| condition.says()))
        }
    })
}

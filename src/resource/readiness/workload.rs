//! Judges what owns pods, by its own counts and by what its pods tell.
use crate::model::{Json, Object, Readiness, Surroundings};

use super::{generic, pod};

/// Judges a Deployment by the counts that `kubectl rollout status` looks at.
pub(super) fn deployment(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object).or_else(|| unseen(object)) {
        return verdict;
    }
    let wanted = wanted(object);
    let count = |name| count(object, name);
    let all = count("replicas");
    let updated = count("updatedReplicas");
    let available = count("availableReplicas");
    if updated >= wanted && all <= updated && available >= wanted {
        return Readiness::ready();
    }
    if object.pointer("/spec/paused") == Some(&Json::Bool(true)) {
        return Readiness::Ready { note: Some("it is paused: its pods are not rolled".to_owned()) };
    }
    let pods = pods_of(object, surroundings);
    let newest = if updated > 0 { newest(&pods, "pod-template-hash") } else { Vec::new() };
    let told = pod::worst(&newest, surroundings);
    if let Some(verdict) = refused(object) {
        return verdict;
    }
    if let Some(progress) = generic::condition(object, "Progressing")
        && progress.reason == "ProgressDeadlineExceeded"
    {
        return Readiness::failed(with_reason(progress.message, told));
    }
    let counted = match () {
        () if updated < wanted => format!("{updated} of {wanted} pods are new"),
        () if all > updated => format!("{} of {all} pods are old", all - updated),
        () => format!("{available} of {wanted} pods are available"),
    };
    conclude(counted, told)
}

/// Judges a StatefulSet; with `OnDelete` its pods need not be rolled, and a note says so.
pub(super) fn stateful_set(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object).or_else(|| unseen(object)) {
        return verdict;
    }
    let wanted = wanted(object);
    let all = count(object, "replicas");
    let ready = count(object, "readyReplicas");
    if all < wanted || ready < wanted {
        let mut pods = pods_of(object, surroundings);
        if object.text("/spec/podManagementPolicy") == Some("Parallel") {
            // Pods of an old revision are replaced, whatever their trouble.
            let revision = object.text("/status/updateRevision");
            pods.retain(|pod| pod.label("controller-revision-hash") == revision);
        }
        let told = pod::worst(&pods, surroundings).map(|verdict| stuck(verdict, object, &pods));
        let refused = if all < wanted { creation_refused(object, surroundings) } else { None };
        return refused.unwrap_or_else(|| conclude(format!("{ready} of {wanted} pods are ready"), told));
    }
    if all > wanted {
        return Readiness::waiting(format!("{} pods too many are still there", all - wanted));
    }
    let rolled = object.text("/status/currentRevision") == object.text("/status/updateRevision");
    let updated = count(object, "updatedReplicas");
    let partition = generic::number(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    match object.text("/spec/updateStrategy/type") {
        _ if rolled => Readiness::ready(),
        Some("OnDelete") => Readiness::Ready {
            note: Some(format!("{updated} of {wanted} pods are new: with OnDelete the others stay until deleted")),
        },
        _ if partition > 0 && updated >= wanted - partition => {
            Readiness::Ready { note: Some(format!("its partition keeps {} pods as they were", partition.min(wanted))) }
        }
        _ if updated < wanted => Readiness::waiting(format!("{updated} of {wanted} pods are new")),
        // The counts are complete, the controller has only not closed the revision yet.
        _ => Readiness::waiting("the new revision is not closed yet"),
    }
}

/// Judges a DaemonSet.
pub(super) fn daemon_set(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object).or_else(|| unseen(object)) {
        return verdict;
    }
    let wanted = count(object, "desiredNumberScheduled");
    if wanted == 0 {
        return Readiness::Ready { note: Some("no node takes its pods".to_owned()) };
    }
    let updated = count(object, "updatedNumberScheduled");
    let available = count(object, "numberAvailable");
    let on_delete = object.text("/spec/updateStrategy/type") == Some("OnDelete");
    if available >= wanted && (updated >= wanted || on_delete) {
        let note =
            (updated < wanted).then(|| format!("{updated} of {wanted} pods are new: with OnDelete the others stay"));
        return Readiness::Ready { note };
    }
    let pods = pods_of(object, surroundings);
    let told = pod::worst(&newest(&pods, "controller-revision-hash"), surroundings);
    let refused =
        if count(object, "currentNumberScheduled") < wanted { creation_refused(object, surroundings) } else { None };
    refused.unwrap_or_else(|| conclude(format!("{available} of {wanted} pods are available, {updated} are new"), told))
}

/// Judges a ReplicaSet that stands alone.
pub(super) fn replica_set(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::begin(object).or_else(|| unseen(object)) {
        return verdict;
    }
    let wanted = wanted(object);
    let available = count(object, "availableReplicas");
    if available >= wanted && count(object, "replicas") <= wanted {
        return Readiness::ready();
    }
    let pods = pods_of(object, surroundings);
    refused(object).unwrap_or_else(|| {
        conclude(format!("{available} of {wanted} pods are available"), pod::worst(&pods, surroundings))
    })
}

/// Judges a Job: ready once it has ended well.
pub(super) fn job(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::deleting(object) {
        return verdict;
    }
    let is_true = |name| generic::condition(object, name).filter(|condition| condition.is("True"));
    if is_true("Complete").is_some() {
        return Readiness::ready();
    }
    if let Some(failed) = is_true("Failed") {
        return Readiness::failed(failed.says());
    }
    if object.pointer("/spec/suspend") == Some(&Json::Bool(true)) {
        return match object.label("kueue.x-k8s.io/queue-name") {
            Some(queue) => Readiness::waiting(format!("queue {queue} has not admitted it")),
            None => Readiness::Ready { note: Some("it is suspended".to_owned()) },
        };
    }
    // A failed pod is no verdict: the Job may try again.
    let pods: Vec<&Object> =
        pods_of(object, surroundings).into_iter().filter(|pod| pod.text("/status/phase") != Some("Failed")).collect();
    let succeeded = count(object, "succeeded");
    let wanted = generic::number(object, "/spec/completions").unwrap_or(1);
    let refused = if count(object, "active") == 0 { creation_refused(object, surroundings) } else { None };
    refused
        .unwrap_or_else(|| conclude(format!("{succeeded} of {wanted} runs are done"), pod::worst(&pods, surroundings)))
}

/// Returns the verdict on a workload whose controller has written nothing yet.
fn unseen(object: &Object) -> Option<Readiness> {
    let is_seen = generic::number(object, "/status/observedGeneration").is_some();
    (!is_seen).then(|| Readiness::waiting("its controller has not seen it yet"))
}

fn wanted(object: &Object) -> i64 {
    generic::number(object, "/spec/replicas").unwrap_or(1)
}

fn count(object: &Object, name: &str) -> i64 {
    object.pointer("/status").and_then(|status| status.get(name)).and_then(Json::as_i64).unwrap_or(0)
}

/// Joins the counts with what the pods tell; a failure of a pod fails its owner.
fn conclude(counted: String, told: Option<Readiness>) -> Readiness {
    match told {
        Some(Readiness::Failed { reason }) => Readiness::failed(reason),
        Some(Readiness::Stalled { reason }) => Readiness::stalled(format!("{counted}; {reason}")),
        Some(Readiness::Waiting { reason }) => Readiness::waiting(format!("{counted}; {reason}")),
        Some(Readiness::Ready { .. }) | None => Readiness::waiting(counted),
    }
}

fn with_reason(message: &str, told: Option<Readiness>) -> String {
    match told {
        Some(Readiness::Failed { reason } | Readiness::Stalled { reason } | Readiness::Waiting { reason }) => {
            format!("{message} ({reason})")
        }
        _ => message.to_owned(),
    }
}

/// Returns the pods that the object's selector chooses.
fn pods_of<'a>(object: &Object, surroundings: Surroundings<'a>) -> Vec<&'a Object> {
    let Some(selector) = object.pointer("/spec/selector") else { return Vec::new() };
    // An owned copy of the namespace would be needed to outlive the object; filtering here is as good.
    surroundings
        .objects
        .iter()
        .filter(|(identity, _)| &*identity.kind == "Pod" && identity.namespace.as_deref() == object.namespace())
        .map(|(_, pod)| pod)
        .filter(|pod| !pod.is_terminating() && selects(selector, pod))
        .collect()
}

/// Tells whether a label selector, not an empty one, chooses a pod.
fn selects(selector: &Json, pod: &Object) -> bool {
    let labels = selector.get("matchLabels").and_then(Json::as_object);
    let expressions = selector.get("matchExpressions").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let matches_labels =
        labels.is_none_or(|labels| labels.iter().all(|(name, value)| pod.label(name) == value.as_str()));
    let chooses_something = labels.is_some_and(|labels| !labels.is_empty()) || !expressions.is_empty();
    chooses_something && matches_labels && expressions.iter().all(|expression| holds(expression, pod))
}

fn holds(expression: &Json, pod: &Object) -> bool {
    let text = |name| expression.get(name).and_then(Json::as_str).unwrap_or_default();
    let found = pod.label(text("key"));
    let values = expression.get("values").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let is_among = found.is_some_and(|found| values.iter().any(|value| value.as_str() == Some(found)));
    match text("operator") {
        "In" => is_among,
        "NotIn" => !is_among,
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        _ => false,
    }
}

/// Returns the pods of the same revision as the youngest pod; those before it are on their way out.
fn newest<'a>(pods: &[&'a Object], label: &str) -> Vec<&'a Object> {
    let youngest = pods.iter().max_by_key(|pod| pod.text("/metadata/creationTimestamp").unwrap_or_default());
    let revision = youngest.and_then(|pod| pod.label(label));
    pods.iter().copied().filter(|pod| pod.label(label) == revision).collect()
}

/// Returns the verdict on a Deployment or ReplicaSet whose pods the server refuses.
fn refused(object: &Object) -> Option<Readiness> {
    let failure = generic::condition(object, "ReplicaFailure").filter(|failure| failure.is("True"))?;
    // Old pods that go make room in a quota.
    Some(refusal(failure.message, count(object, "replicas") > count(object, "updatedReplicas")))
}

/// Returns the verdict on an object whose controller tells of refused pods by Events only.
fn creation_refused(object: &Object, surroundings: Surroundings<'_>) -> Option<Readiness> {
    let told = generic::newest_event(object, surroundings, &["FailedCreate"])?;
    // An Event that is older than the object's or its quota's last change tells of another time.
    let is_quota = |quota: &&Object| told.message.contains(&format!("exceeded quota: {},", quota.name()));
    let quota = surroundings.of_kind("ResourceQuota", object.namespace()).find(is_quota);
    let changed = quota.map_or("", generic::last_write).max(generic::last_write(object));
    Some(refusal(&told.message, told.time.as_str() < changed))
}

fn refusal(message: &str, may_pass: bool) -> Readiness {
    let is_definite = ["forbidden", "is invalid", "denied the request"].iter().any(|words| message.contains(words));
    if is_definite && !may_pass { Readiness::failed(message) } else { Readiness::waiting(message) }
}

/// Says of a failed pod of an old revision what only a hand can end.
///
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>
fn stuck(verdict: Readiness, object: &Object, pods: &[&Object]) -> Readiness {
    let Readiness::Failed { reason } = &verdict else { return verdict };
    let revision = object.text("/status/updateRevision");
    let is_old = |pod: &&&Object| {
        let label = pod.label("controller-revision-hash");
        label.is_some() && label != revision && reason.starts_with(&format!("pod {}:", pod.name()))
    };
    match pods.iter().find(is_old) {
        Some(pod) => {
            Readiness::failed(format!("{reason}; it is of the old revision: delete pod {} to go on", pod.name()))
        }
        None => verdict,
    }
}

//! Judges claims and volumes.
use crate::model::{Json, Object, Readiness, Surroundings};

use super::generic;

/// The annotation that makes a StorageClass the one for claims that name none.
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Judges a claim. One that binds when its first pod comes is done while there is no such pod.
pub(super) fn claim(object: &Object, surroundings: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::deleting(object) {
        return verdict;
    }
    match object.text("/status/phase") {
        Some("Bound") => resized(object),
        Some("Lost") => Readiness::failed("its volume is lost"),
        _ if binds_late(object, surroundings) && !is_used(object, surroundings) => {
            Readiness::Ready { note: Some("it is bound when the first pod uses it".to_owned()) }
        }
        _ => {
            let event = generic::newest_event(object, surroundings, &["ProvisioningFailed", "FailedBinding"]);
            Readiness::waiting(
                event.map_or_else(|| "it is not bound to a volume yet".to_owned(), |event| event.message),
            )
        }
    }
}

/// Judges a volume.
pub(super) fn volume(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = generic::deleting(object) {
        return verdict;
    }
    match object.text("/status/phase") {
        Some("Failed") => Readiness::failed(object.text("/status/message").unwrap_or("reclaiming it failed")),
        Some("Available" | "Bound") => Readiness::ready(),
        Some("Released") => Readiness::Ready { note: Some("its claim is gone and it is not reclaimed".to_owned()) },
        _ => Readiness::waiting("it is not available yet"),
    }
}

/// Judges the growth of a bound claim.
fn resized(object: &Object) -> Readiness {
    if object.text("/status/allocatedResourceStatuses/storage").is_some_and(|status| status.ends_with("Infeasible")) {
        return Readiness::failed("the storage cannot grow to this size");
    }
    let is_true = |name| generic::condition(object, name).filter(|condition| condition.is("True"));
    if is_true("FileSystemResizePending").is_some() {
        return Readiness::Ready { note: Some("its file system grows when a pod mounts it".to_owned()) };
    }
    is_true("ControllerResizeError")
        .or_else(|| is_true("Resizing"))
        .map_or_else(Readiness::ready, |resizing| Readiness::waiting(format!("it is growing: {}", resizing.says())))
}

/// Tells whether the claim's class, named or the default, waits for the first pod.
fn binds_late(object: &Object, surroundings: Surroundings<'_>) -> bool {
    let named =
        object.text("/spec/storageClassName").or_else(|| object.annotation("volume.beta.kubernetes.io/storage-class"));
    let is_meant = |class: &&Object| match named {
        Some(name) => class.name() == name,
        None => class.annotation(DEFAULT_CLASS) == Some("true"),
    };
    // Of several default classes the server takes the newest.
    let class = surroundings
        .of_kind("StorageClass", None)
        .filter(is_meant)
        .max_by_key(|class| class.text("/metadata/creationTimestamp").unwrap_or_default());
    match class {
        Some(class) => class.text("/volumeBindingMode") == Some("WaitForFirstConsumer"),
        None => generic::newest_event(object, surroundings, &["WaitForFirstConsumer"]).is_some(),
    }
}

/// Tells whether a pod that is there to stay mounts the claim.
fn is_used(object: &Object, surroundings: Surroundings<'_>) -> bool {
    let mounts = |volume: &Json| {
        volume.pointer("/persistentVolumeClaim/claimName").and_then(Json::as_str) == Some(object.name())
    };
    surroundings.of_kind("Pod", object.namespace()).filter(|pod| !pod.is_terminating()).any(|pod| {
        pod.pointer("/spec/volumes").and_then(Json::as_array).is_some_and(|volumes| volumes.iter().any(mounts))
    })
}

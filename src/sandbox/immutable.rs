//! Fields that cannot be changed once an object is there, with the server's words.
//! Sources: `pkg/apis/*/validation/validation.go` of <https://github.com/kubernetes/kubernetes>.
use serde_json::json;

use super::admission::quantity;
use super::json::{get, integer, remove, set, text};
use super::kinds::KindInfo;
use super::status::Cause;
use super::world::World;
use crate::model::Json;

const IMMUTABLE: &str = "field is immutable";

/// Returns the changes that are not allowed.
pub(super) fn check(world: &World, info: &KindInfo, old: &Json, new: &Json) -> Vec<Cause> {
    match info.kind.as_str() {
        _ if info.is_custom() => Vec::new(),
        "Deployment" | "DaemonSet" | "ReplicaSet" => {
            unchanged(old, new, &["spec", "selector"], IMMUTABLE).into_iter().collect()
        }
        "StatefulSet" => stateful_set(old, new),
        "Job" => job(old, new),
        "PersistentVolumeClaim" => claim(world, old, new),
        "StorageClass" => storage_class(old, new),
        "Service" => service(old, new),
        "RoleBinding" | "ClusterRoleBinding" => {
            unchanged(old, new, &["roleRef"], "cannot change roleRef").into_iter().collect()
        }
        "Secret" => {
            let mut causes: Vec<Cause> = unchanged(old, new, &["type"], IMMUTABLE).into_iter().collect();
            causes.extend(frozen(old, new));
            causes
        }
        "ConfigMap" => frozen(old, new),
        "Pod" => pod(old, new),
        "PriorityClass" => priority_class(old, new),
        "CustomResourceDefinition" => definition(old, new),
        "PersistentVolume" => volume(old, new),
        _ => Vec::new(),
    }
}

fn unchanged(old: &Json, new: &Json, path: &[&str], why: &str) -> Option<Cause> {
    let (before, after) = (get(old, path), get(new, path));
    (before != after).then(|| Cause::invalid(path.join("."), after.unwrap_or(&Json::Null), why))
}

/// Tells whether two objects differ below `spec` when some of its fields are left aside.
fn differs_beside(old: &Json, new: &Json, allowed: &[&str]) -> bool {
    let kept = |object: &Json| {
        let mut spec = object["spec"].clone();
        for field in allowed {
            remove(&mut spec, &[field]);
        }
        spec
    };
    kept(old) != kept(new)
}

fn stateful_set(old: &Json, new: &Json) -> Vec<Cause> {
    let allowed = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
               'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    if differs_beside(old, new, &allowed) { vec![Cause::forbidden("spec", why)] } else { Vec::new() }
}

fn job(old: &Json, new: &Json) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for field in ["selector", "template", "completions", "completionMode"] {
        causes.extend(unchanged(old, new, &["spec", field], IMMUTABLE));
    }
    causes
}

fn claim(world: &World, old: &Json, new: &Json) -> Vec<Cause> {
    let (mut before, mut after) = (old.clone(), new.clone());
    // A claim that is not bound yet may still get its volume, and its size may grow once it is bound.
    if text(old, "/spec/volumeName").is_empty() {
        remove(&mut before, &["spec", "volumeName"]);
        remove(&mut after, &["spec", "volumeName"]);
    }
    let (size, wanted) = (storage(old), storage(new));
    set(&mut before, &["spec", "resources", "requests", "storage"], "0");
    set(&mut after, &["spec", "resources", "requests", "storage"], "0");
    let is_bound = text(old, "/status/phase") == "Bound";
    let why =
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    if differs_beside(&before, &after, &["volumeAttributesClassName"]) || (size != wanted && !is_bound) {
        return vec![Cause::forbidden("spec", why)];
    }
    if wanted < size {
        let why = "field can not be less than status.capacity";
        return vec![Cause::forbidden("spec.resources.requests.storage", why)];
    }
    let class = world.find("storage.k8s.io", "storageclasses", "", text(old, "/spec/storageClassName"));
    let may_grow = class.is_some_and(|class| class.json()["allowVolumeExpansion"] == true);
    if wanted > size && !may_grow {
        let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
        return vec![Cause::forbidden("spec.resources.requests.storage", why)];
    }
    Vec::new()
}

fn storage(claim: &Json) -> Option<crate::model::Quantity> {
    quantity(get(claim, &["spec", "resources", "requests", "storage"]))
}

fn storage_class(old: &Json, new: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    for field in ["parameters", "provisioner", "reclaimPolicy"] {
        if old.get(field) != new.get(field) {
            causes.push(Cause::forbidden(field, &format!("updates to {field} are forbidden.")));
        }
    }
    causes.extend(unchanged(old, new, &["volumeBindingMode"], IMMUTABLE));
    causes
}

fn service(old: &Json, new: &Json) -> Vec<Cause> {
    let external = |service: &Json| text(service, "/spec/type") == "ExternalName";
    if external(old) || external(new) {
        return Vec::new();
    }
    let mut causes = Vec::new();
    if text(old, "/spec/clusterIP") != text(new, "/spec/clusterIP") {
        let address = json!([text(new, "/spec/clusterIP")]);
        causes.push(Cause::invalid("spec.clusterIPs[0]", &address, "may not change once set"));
    }
    if text(old, "/spec/type") == "LoadBalancer" && text(new, "/spec/type") == "LoadBalancer" {
        let why = "may not change once set";
        causes.extend(unchanged(old, new, &["spec", "loadBalancerClass"], why));
    }
    causes
}

/// Checks ConfigMaps and Secrets that are marked as immutable.
fn frozen(old: &Json, new: &Json) -> Vec<Cause> {
    if old["immutable"] != true {
        return Vec::new();
    }
    let mut causes = Vec::new();
    if new["immutable"] != true {
        causes.push(Cause::forbidden("immutable", "field is immutable when `immutable` is set"));
    }
    for field in ["data", "binaryData"] {
        if old.get(field) != new.get(field) {
            causes.push(Cause::forbidden(field, "field is immutable when `immutable` is set"));
        }
    }
    causes
}

fn pod(old: &Json, new: &Json) -> Vec<Cause> {
    let kept = |pod: &Json| {
        let mut pod = pod.clone();
        for list in ["containers", "initContainers"] {
            for container in super::json::items_mut(&mut pod, &["spec", list]) {
                remove(container, &["image"]);
            }
        }
        for field in
            ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates", "nodeName"]
        {
            remove(&mut pod, &["spec", field]);
        }
        pod["spec"].clone()
    };
    let bound = text(old, "/spec/nodeName");
    let moved = !bound.is_empty() && bound != text(new, "/spec/nodeName");
    if kept(old) == kept(new) && !moved {
        return Vec::new();
    }
    let why = "pod updates may not change fields other than `spec.containers[*].image`,\
               `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
               tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    vec![Cause::forbidden("spec", why)]
}

fn priority_class(old: &Json, new: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    if integer(old, "/value") != integer(new, "/value") {
        causes.push(Cause::forbidden("value", "may not be changed in an update."));
    }
    causes.extend(unchanged(old, new, &["preemptionPolicy"], IMMUTABLE));
    causes
}

fn definition(old: &Json, new: &Json) -> Vec<Cause> {
    let paths: [&[&str]; 4] =
        [&["spec", "group"], &["spec", "scope"], &["spec", "names", "kind"], &["spec", "names", "plural"]];
    paths.iter().filter_map(|path| unchanged(old, new, path, IMMUTABLE)).collect()
}

fn volume(old: &Json, new: &Json) -> Vec<Cause> {
    let sources = ["csi", "hostPath", "nfs", "local"];
    if sources.iter().any(|source| old["spec"].get(source) != new["spec"].get(source)) {
        let why = "spec.persistentvolumesource is immutable after creation";
        return vec![Cause::forbidden("spec.persistentvolumesource", why)];
    }
    unchanged(old, new, &["spec", "volumeMode"], IMMUTABLE).into_iter().collect()
}

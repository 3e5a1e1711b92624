//! Which fields cannot be changed once an object exists, and how the server words it.
//!
//! From the validation sources of Kubernetes (`pkg/apis/*/validation`). Both must agree before an
//! object is replaced: a plain validation error must never delete anything
//! (`fluxcd/kustomize-controller#734`).
use crate::model::{FieldPath, Json, Kind, Object, Step};

use super::FieldChange;

/// The fields of a `StatefulSet`'s spec that may change.
const STATEFUL_SET: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
    "revisionHistoryLimit",
];

/// Tells whether this change of a field is possible only by making the object anew.
pub(super) fn forces_replacement(live: &Object, change: &FieldChange) -> bool {
    let fields = leading_fields(&change.path);
    let Kind { group, kind, .. } = live.kind();
    let is_spec_of = |names: &[&str]| fields.first() == Some(&"spec") && names.contains(fields.get(1).unwrap_or(&""));
    let is_top = |names: &[&str]| names.contains(fields.first().unwrap_or(&""));
    match (&*group, &*kind) {
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => is_spec_of(&["selector"]),
        ("apps", "StatefulSet") => fields.first() == Some(&"spec") && fields.len() > 1 && !is_spec_of(&STATEFUL_SET),
        ("batch", "Job") => is_spec_of(&["selector", "template", "completions", "completionMode", "podFailurePolicy"]),
        ("", "PersistentVolumeClaim") => claim(&fields, change),
        ("", "PersistentVolume") => is_spec_of(&["csi", "nfs", "hostPath", "local", "volumeMode", "nodeAffinity"]),
        ("storage.k8s.io", "StorageClass") => {
            is_top(&["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"])
        }
        ("", "Service") => is_spec_of(&["clusterIP", "clusterIPs", "loadBalancerClass"]) && change.before.is_some(),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => is_top(&["roleRef"]),
        ("", "Secret") => is_top(&["type"]) || (is_frozen(live) && is_top(&["data", "immutable"])),
        ("", "ConfigMap") => is_frozen(live) && is_top(&["data", "binaryData", "immutable"]),
        ("", "Pod") => pod(&fields, &change.path),
        ("scheduling.k8s.io", "PriorityClass") => is_top(&["value", "preemptionPolicy"]),
        ("networking.k8s.io", "IngressClass") => is_spec_of(&["controller"]),
        ("node.k8s.io", "RuntimeClass") => is_top(&["handler"]),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => is_spec_of(&["group", "scope"]),
        _ => false,
    }
}

/// Tells whether the server says that a field cannot be changed, and not that a value is wrong.
pub(super) fn is_confirmed_by(message: &str) -> bool {
    const TEXTS: [&str; 9] = [
        "field is immutable",
        "updates to statefulset spec for fields other than",
        "updates to parameters are forbidden",
        "updates to provisioner are forbidden",
        "updates to reclaimPolicy are forbidden",
        "is immutable after creation",
        "may not change once set",
        "primary clusterIP can not be unset",
        "pod updates may not change fields other than",
    ];
    const MORE: [&str; 4] = [
        "cannot change roleRef",
        "may not be changed in an update",
        "field can not be less than previous value",
        "field can not be less than status.capacity",
    ];
    TEXTS.iter().chain(&MORE).any(|text| message.contains(text))
}

/// Tells whether deleting an object of this kind deletes data or other objects with it.
pub(super) fn holds_data(kind: &Kind) -> bool {
    matches!(
        (&*kind.group, &*kind.kind),
        ("", "PersistentVolumeClaim" | "PersistentVolume" | "Namespace")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

fn claim(fields: &[&str], change: &FieldChange) -> bool {
    match fields {
        ["spec", "resources", "requests", "storage", ..] => {
            let size = |value: &Option<Json>| value.as_ref().and_then(super::totals::quantity);
            matches!((size(&change.before), size(&change.after)), (Some(before), Some(after)) if after < before)
        }
        ["spec", "resources" | "volumeAttributesClassName", ..] => false,
        ["spec", _, ..] => true,
        _ => false,
    }
}

fn pod(fields: &[&str], path: &FieldPath) -> bool {
    let is_image = matches!(path.0.last(), Some(Step::Field(name)) if name == "image");
    fields.first() == Some(&"spec")
        && !is_image
        && !matches!(fields.get(1), Some(&("activeDeadlineSeconds" | "tolerations" | "terminationGracePeriodSeconds")))
}

fn is_frozen(live: &Object) -> bool {
    live.pointer("/immutable").and_then(Json::as_bool) == Some(true)
}

/// Returns the names up to the first step into a list.
fn leading_fields(path: &FieldPath) -> Vec<&str> {
    let names = path.0.iter().map_while(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(live: Json, path: &[&str], before: Json, after: Json, expected: bool) {
        let mut live = live;
        live["metadata"] = json!({"name": "a"});
        let live = Object::new(live).expect("an object");
        let change =
            FieldChange { before: Some(before), after: Some(after), ..FieldChange::at(FieldPath::fields(path)) };
        assert_eq!(forces_replacement(&live, &change), expected, "{path:?}");
    }

    #[test]
    fn a_stateful_set_changes_only_what_it_may() {
        let live = || json!({"apiVersion": "apps/v1", "kind": "StatefulSet"});
        check(live(), &["spec", "replicas"], json!(1), json!(2), false);
        check(live(), &["spec", "template", "spec", "hostNetwork"], json!(false), json!(true), false);
        check(live(), &["spec", "serviceName"], json!("a"), json!("b"), true);
        check(live(), &["spec", "volumeClaimTemplates"], json!([]), json!([1]), true);
        check(live(), &["metadata", "labels", "a"], json!("a"), json!("b"), false);
    }

    #[test]
    fn a_claim_may_grow_but_not_shrink() {
        let live = || json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"});
        let size = ["spec", "resources", "requests", "storage"];
        check(live(), &size, json!("1Gi"), json!("2Gi"), false);
        check(live(), &size, json!("2Gi"), json!("1Gi"), true);
        check(live(), &["spec", "storageClassName"], json!("a"), json!("b"), true);
    }

    #[test]
    fn a_frozen_config_map_cannot_change() {
        let live = |frozen| json!({"apiVersion": "v1", "kind": "ConfigMap", "immutable": frozen});
        check(live(true), &["data", "a"], json!("a"), json!("b"), true);
        check(live(false), &["data", "a"], json!("a"), json!("b"), false);
    }

    #[test]
    fn a_wrong_value_is_no_immutable_field() {
        assert!(is_confirmed_by("spec.selector: Invalid value: {}: field is immutable"));
        assert!(!is_confirmed_by(
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
        ));
    }
}

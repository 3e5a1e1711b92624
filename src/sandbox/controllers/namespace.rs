//! Namespaces: what each gets at its birth, and how all goes at its end.
use std::collections::BTreeMap;

use serde_json::json;

use super::super::delete::{DeleteOptions, delete_object};
use super::super::json::{items, remove};
use super::super::status::Status;
use super::super::world::{Key, World};
use super::super::write::{self, Writer};
use super::owned::{MANAGER, create, make_condition, set_status};
use crate::model::Json;

/// Looks at a namespace.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(namespace) = world.get(key).cloned() else { return Ok(()) };
    if namespace.is_terminating() { end(world, key) } else { equip(world, &key.name) }
}

/// Every namespace has a service account and the certificates of the server.
fn equip(world: &mut World, namespace: &str) -> Result<(), Status> {
    if world.find("", "serviceaccounts", namespace, "default").is_none() {
        let account = json!({"metadata": {"name": "default", "namespace": namespace}});
        create(world, "", "serviceaccounts", account)?;
    }
    if world.find("", "configmaps", namespace, "kube-root-ca.crt").is_none() {
        let about = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such \
                     as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
                     distributions of Kubernetes clusters.";
        let map = json!({
            "metadata": {"name": "kube-root-ca.crt", "namespace": namespace, "annotations": {"kubernetes.io/description": about}},
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
        });
        create(world, "", "configmaps", map)?;
    }
    Ok(())
}

/// Deletes what is in a namespace, and the namespace when nothing is left.
fn end(world: &mut World, key: &Key) -> Result<(), Status> {
    for (_, object) in world.in_namespace(&key.name) {
        let Some(info) = world.kinds.of(&object.kind()).filter(|_| !object.is_terminating()) else { continue };
        delete_object(world, &info, &object, &DeleteOptions::background())?;
    }
    let (remaining, finalizers) = remains(world, &key.name);
    if remaining.is_empty() {
        return write::modify(world, key, Writer::controller(MANAGER, Some("finalize")), |namespace| {
            remove(namespace, &["spec", "finalizers"]);
            namespace["spec"] = json!({});
        });
    }
    let namespace = world.get(key).map(|namespace| namespace.json().clone()).unwrap_or_default();
    let time = world.time();
    let condition =
        |kind, is_true, reason, message: &str| make_condition(&namespace, &time, kind, is_true, reason, message);
    let remaining: Vec<String> =
        remaining.iter().map(|(resource, count)| format!("{resource} has {count} resource instances")).collect();
    let waiting: Vec<String> =
        finalizers.iter().map(|(finalizer, count)| format!("{finalizer} in {count} resource instances")).collect();
    let remaining = format!("Some resources are remaining: {}", remaining.join(", "));
    let finalizing = format!("Some content in the namespace has finalizers remaining: {}", waiting.join(", "));
    let conditions: Vec<Json> = vec![
        condition(
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        condition(
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        condition("NamespaceContentRemaining", true, "SomeResourcesRemain", &remaining),
        if waiting.is_empty() {
            condition(
                "NamespaceFinalizersRemaining",
                false,
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            )
        } else {
            condition("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", &finalizing)
        },
    ];
    set_status(world, key, &json!({"phase": "Terminating", "conditions": conditions}))
}

/// Returns how many objects are left of each resource, and how many wait for each finalizer.
fn remains(world: &World, namespace: &str) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut remaining, mut finalizers) = (BTreeMap::new(), BTreeMap::new());
    for (key, object) in world.in_namespace(namespace) {
        let resource = format!("{}.{}", key.resource.plural, key.resource.group);
        *remaining.entry(resource).or_default() += 1;
        for finalizer in items(object.json(), "/metadata/finalizers").iter().filter_map(Json::as_str) {
            *finalizers.entry(finalizer.to_owned()).or_default() += 1;
        }
    }
    (remaining, finalizers)
}

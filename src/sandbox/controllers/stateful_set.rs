//! Stateful sets: pods with numbers and claims of their own, one after the other.
//! Source: <https://github.com/kubernetes/kubernetes/tree/master/pkg/controller/statefulset>.
use std::sync::Arc;

use serde_json::json;

use super::super::defaults::replicas;
use super::super::json::{integer, items, set, text};
use super::super::status::Status;
use super::super::world::{Key, World, controller_reference};
use super::events;
use super::owned::{adopt, controlled, create, delete, is_active, is_ready, pod_of, set_status, template_hash};
use super::queue::Controller;
use super::route::add_later;
use crate::model::{Json, Object};

const COMPONENT: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";

/// Looks at a stateful set.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(owner) = world.get(key).cloned().filter(|owner| !owner.is_terminating()) else { return Ok(()) };
    adopt(world, &owner, "", "pods")?;
    let revision = format!("{}-{}", owner.name(), template_hash(&owner.json()["spec"]["template"]));
    record_revision(world, &owner, &revision)?;
    let failure = advance(world, &owner, &revision)?;
    if failure {
        add_later(world, Controller::StatefulSet, key.clone(), std::time::Duration::from_secs(1));
    }
    let Some(owner) = world.get(key).cloned() else { return Ok(()) };
    write_status(world, key, &owner, &revision)
}

/// Does what can be done now; tells whether a pod was refused.
fn advance(world: &mut World, owner: &Arc<Object>, revision: &str) -> Result<bool, Status> {
    let pods = controlled(world, owner, "", "pods");
    let wanted = replicas(owner.json());
    let first = integer(owner.json(), "/spec/ordinals/start").unwrap_or(0);
    let is_parallel = owner.text("/spec/podManagementPolicy") == Some("Parallel");
    for ordinal in first..first + wanted {
        let name = format!("{}-{ordinal}", owner.name());
        make_claims(world, owner, ordinal)?;
        match pods.iter().find(|pod| pod.name() == name) {
            None => {
                if let Err(status) = make_pod(world, owner, &name, ordinal, revision) {
                    let message =
                        format!("create Pod {name} in StatefulSet {} failed error: {}", owner.name(), status.message);
                    events::warning(world, owner, COMPONENT, "FailedCreate", &message);
                    return Ok(true);
                }
                if !is_parallel {
                    return Ok(false);
                }
            }
            Some(pod) if !is_active(pod) && !pod.is_terminating() => {
                delete(world, pod)?;
                return Ok(false);
            }
            // As on a real server, a pod that never becomes ready blocks the rollout until somebody deletes it.
            Some(pod) if !is_ready(pod) && !is_parallel => return Ok(false),
            Some(_) => {}
        }
    }
    let mut beyond: Vec<&Arc<Object>> = pods
        .iter()
        .filter(|pod| ordinal(pod, owner).is_none_or(|ordinal| ordinal < first || ordinal >= first + wanted))
        .collect();
    beyond.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod, owner)));
    for pod in &beyond {
        if !pod.is_terminating() {
            delete(world, pod)?;
            let message = format!("delete Pod {} in StatefulSet {} successful", pod.name(), owner.name());
            events::normal(world, owner, COMPONENT, "SuccessfulDelete", &message);
        }
        if !is_parallel {
            return Ok(false);
        }
    }
    update(world, owner, &pods, revision).map(|()| false)
}

/// Returns the number in a pod's name.
fn ordinal(pod: &Object, owner: &Object) -> Option<i64> {
    pod.name().strip_prefix(owner.name())?.strip_prefix('-')?.parse().ok()
}

fn is_updated(pod: &Object, revision: &str) -> bool {
    pod.label(REVISION) == Some(revision)
}

/// Replaces pods of an older template, from the last down to the partition, one at a time.
fn update(world: &mut World, owner: &Arc<Object>, pods: &[Arc<Object>], revision: &str) -> Result<(), Status> {
    if owner.text("/spec/updateStrategy/type") == Some("OnDelete") {
        return Ok(());
    }
    let partition = integer(owner.json(), "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let mut pods: Vec<&Arc<Object>> = pods.iter().filter(|pod| ordinal(pod, owner) >= Some(partition)).collect();
    pods.sort_by_key(|pod| std::cmp::Reverse(ordinal(pod, owner)));
    for pod in pods {
        if pod.is_terminating() || (is_updated(pod, revision) && !is_ready(pod)) {
            return Ok(());
        }
        if !is_updated(pod, revision) {
            delete(world, pod)?;
            let message = format!("delete Pod {} in StatefulSet {} successful", pod.name(), owner.name());
            events::normal(world, owner, COMPONENT, "SuccessfulDelete", &message);
            return Ok(());
        }
    }
    Ok(())
}

fn make_claims(world: &mut World, owner: &Arc<Object>, ordinal: i64) -> Result<(), Status> {
    let namespace = owner.namespace().unwrap_or_default();
    for template in items(owner.json(), "/spec/volumeClaimTemplates") {
        let name = format!("{}-{}-{ordinal}", text(template, "/metadata/name"), owner.name());
        if world.find("", "persistentvolumeclaims", namespace, &name).is_some() {
            continue;
        }
        let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        for (label, value) in
            owner.pointer("/spec/selector/matchLabels").and_then(Json::as_object).into_iter().flatten()
        {
            set(&mut labels, &[label], value.clone());
        }
        let mut metadata = json!({"name": name, "namespace": namespace, "labels": labels});
        if let Some(annotations) = template.pointer("/metadata/annotations") {
            metadata["annotations"] = annotations.clone();
        }
        if owner.text("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted") == Some("Delete") {
            metadata["ownerReferences"] = json!([controller_reference(owner)]);
        }
        create(world, "", "persistentvolumeclaims", json!({"metadata": metadata, "spec": template["spec"]}))?;
        let pod = format!("{}-{ordinal}", owner.name());
        let message = format!("Create Claim {name} Pod {pod} in StatefulSet {} success", owner.name());
        events::normal(world, owner, COMPONENT, "SuccessfulCreate", &message);
    }
    Ok(())
}

fn make_pod(world: &mut World, owner: &Arc<Object>, name: &str, ordinal: i64, revision: &str) -> Result<(), Status> {
    let index = ordinal.to_string();
    let labels =
        [(REVISION, revision), ("statefulset.kubernetes.io/pod-name", name), ("apps.kubernetes.io/pod-index", &index)];
    let mut pod = pod_of(owner, &owner.json()["spec"]["template"], name, &labels);
    pod["metadata"]["generateName"] = json!(format!("{}-", owner.name()));
    pod["spec"]["hostname"] = json!(name);
    if let Some(service) = owner.text("/spec/serviceName").filter(|service| !service.is_empty()) {
        pod["spec"]["subdomain"] = json!(service);
    }
    let mut volumes = Vec::new();
    for template in items(owner.json(), "/spec/volumeClaimTemplates") {
        let volume = text(template, "/metadata/name");
        let claim = format!("{volume}-{}-{ordinal}", owner.name());
        volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}}));
    }
    let own: Vec<Json> = items(&pod, "/spec/volumes")
        .iter()
        .filter(|volume| volumes.iter().all(|claim| claim["name"] != volume["name"]))
        .cloned()
        .collect();
    volumes.extend(own);
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = Json::Array(volumes);
    }
    create(world, "", "pods", pod)?;
    let message = format!("create Pod {name} in StatefulSet {} successful", owner.name());
    events::normal(world, owner, COMPONENT, "SuccessfulCreate", &message);
    Ok(())
}

fn record_revision(world: &mut World, owner: &Arc<Object>, name: &str) -> Result<(), Status> {
    let namespace = owner.namespace().unwrap_or_default();
    if world.find("apps", "controllerrevisions", namespace, name).is_some() {
        return Ok(());
    }
    let revisions = controlled(world, owner, "apps", "controllerrevisions");
    let number = revisions.iter().filter_map(|revision| integer(revision.json(), "/revision")).max().unwrap_or(0) + 1;
    let mut labels = owner.pointer("/spec/template/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    let hash = name.rsplit('-').next().unwrap_or_default();
    set(&mut labels, &["controller.kubernetes.io/hash"], hash);
    let revision = json!({
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": [controller_reference(owner)]},
        "data": {"spec": {"template": owner.json()["spec"]["template"]}}, "revision": number,
    });
    create(world, "apps", "controllerrevisions", revision).map(|_| ())
}

fn write_status(world: &mut World, key: &Key, owner: &Object, revision: &str) -> Result<(), Status> {
    let pods = controlled(world, owner, "", "pods");
    let count = |wanted: &dyn Fn(&Object) -> bool| pods.iter().filter(|pod| wanted(pod)).count();
    let there = count(&|pod| is_active(pod));
    let ready = count(&is_ready);
    let updated = count(&|pod| is_active(pod) && is_updated(pod, revision));
    let is_complete = updated == there && i64::try_from(there) == Ok(replicas(owner.json())) && ready == there;
    let before = owner.text("/status/currentRevision").unwrap_or(revision);
    let current = if is_complete { revision } else { before };
    let of_current = count(&|pod| is_active(pod) && is_updated(pod, current));
    let some = |count: usize| if count == 0 { Json::Null } else { json!(count) };
    let status = json!({
        "observedGeneration": owner.pointer("/metadata/generation"), "replicas": there,
        "readyReplicas": some(ready), "availableReplicas": ready, "currentReplicas": some(of_current),
        "updatedReplicas": some(updated), "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    });
    set_status(world, key, &status)
}

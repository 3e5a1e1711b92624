//! Deployments: a replica set per template, rolled within surge and unavailability, or recreated.
//! Source: <https://github.com/kubernetes/kubernetes/tree/master/pkg/controller/deployment>.
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::super::clock::between;
use super::super::defaults::replicas;
use super::super::json::{get, integer, remove, set, text};
use super::super::status::Status;
use super::super::world::{Key, World, controller_reference};
use super::super::write;
use super::events;
use super::owned::{
    adopt, condition, controlled, create, delete, has_condition, itself, make_condition, set_status, template_hash,
};
use super::queue::{Controller, Task};
use crate::model::{Json, Object};

const REVISION: &str = "deployment.kubernetes.io/revision";
const COMPONENT: &str = "deployment-controller";

/// Looks at a deployment.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(deployment) = world.get(key).cloned().filter(|deployment| !deployment.is_terminating()) else {
        return Ok(());
    };
    adopt(world, &deployment, "apps", "replicasets")?;
    let sets = controlled(world, &deployment, "apps", "replicasets");
    let current = sets.iter().find(|set| is_current(set, &deployment)).cloned();
    if deployment.pointer("/spec/paused") != Some(&Json::Bool(true)) {
        match &current {
            None => make_set(world, &deployment, &sets)?,
            Some(current) => {
                mark_revision(world, key, &deployment, current, &sets)?;
                roll(world, &deployment, current, &sets)?;
                clean_up(world, &deployment, current, &sets)?;
            }
        }
    }
    let Some(deployment) = world.get(key).cloned() else { return Ok(()) };
    write_status(world, key, &deployment)
}

/// Tells whether a replica set has the template of the deployment.
fn is_current(set: &Object, deployment: &Object) -> bool {
    let mut template = set.json()["spec"]["template"].clone();
    remove(&mut template, &["metadata", "labels", "pod-template-hash"]);
    template == deployment.json()["spec"]["template"]
}

fn revision(object: &Object) -> i64 {
    object.annotation(REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn make_set(world: &mut World, deployment: &Arc<Object>, sets: &[Arc<Object>]) -> Result<(), Status> {
    let template = &deployment.json()["spec"]["template"];
    let hash = template_hash(template);
    let (name, wanted) = (format!("{}-{hash}", deployment.name()), replicas(deployment.json()));
    let old: i64 = sets.iter().map(|set| replicas(set.json())).sum();
    let count = if is_recreated(deployment) && old > 0 {
        0
    } else {
        (wanted + surge(deployment, wanted) - old).clamp(0, wanted)
    };
    let mut template = template.clone();
    set(&mut template, &["metadata", "labels", "pod-template-hash"], hash.clone());
    let mut selector = deployment.json()["spec"]["selector"].clone();
    set(&mut selector, &["matchLabels", "pod-template-hash"], hash);
    let number = sets.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let replica_set = json!({
        "metadata": {
            "name": name, "namespace": deployment.namespace(), "labels": template["metadata"]["labels"],
            "annotations": {
                REVISION: number.to_string(),
                "deployment.kubernetes.io/desired-replicas": wanted.to_string(),
                "deployment.kubernetes.io/max-replicas": (wanted + surge(deployment, wanted)).to_string(),
            },
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {"replicas": count, "selector": selector, "template": template,
                 "minReadySeconds": deployment.pointer("/spec/minReadySeconds").cloned().unwrap_or(json!(0))},
    });
    create(world, "apps", "replicasets", replica_set)?;
    if count > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {count}");
        events::normal(world, deployment, COMPONENT, "ScalingReplicaSet", &message);
    }
    Ok(())
}

/// Numbers the current replica set as the newest, and the deployment with it.
fn mark_revision(
    world: &mut World,
    key: &Key,
    deployment: &Object,
    current: &Object,
    sets: &[Arc<Object>],
) -> Result<(), Status> {
    let others = sets.iter().filter(|set| set.name() != current.name()).map(|set| revision(set)).max().unwrap_or(0);
    let number = if revision(current) > others { revision(current) } else { others + 1 };
    if revision(current) != number {
        write::modify(world, &key_of(current), itself(), |set| annotate(set, number))?;
    }
    if revision(deployment) != number {
        // The server's controller writes the number together with the status.
        write::modify(world, key, super::owned::status(), |deployment| annotate(deployment, number))?;
    }
    Ok(())
}

fn annotate(object: &mut Json, number: i64) {
    set(object, &["metadata", "annotations", REVISION], number.to_string());
}

fn key_of(set: &Object) -> Key {
    Key::new("apps", "replicasets", set.namespace().unwrap_or_default(), set.name())
}

fn is_recreated(deployment: &Object) -> bool {
    deployment.text("/spec/strategy/type") == Some("Recreate")
}

/// Returns how many pods more than wanted there may be.
fn surge(deployment: &Object, wanted: i64) -> i64 {
    if is_recreated(deployment) { 0 } else { part(deployment, "maxSurge", wanted, true) }
}

fn unavailable(deployment: &Object, wanted: i64) -> i64 {
    let most = part(deployment, "maxUnavailable", wanted, false);
    // At least one of the two must leave room to move.
    if most == 0 && surge(deployment, wanted) == 0 { 1 } else { most }
}

fn part(deployment: &Object, field: &str, wanted: i64, rounds_up: bool) -> i64 {
    match get(deployment.json(), &["spec", "strategy", "rollingUpdate", field]) {
        Some(Json::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(25);
            let hundredfold = percent.saturating_mul(wanted);
            if rounds_up { (hundredfold + 99) / 100 } else { hundredfold / 100 }
        }
        Some(value) => value.as_i64().unwrap_or(0),
        None => 0,
    }
}

/// Moves one step from the old replica sets to the current one.
fn roll(
    world: &mut World,
    deployment: &Arc<Object>,
    current: &Arc<Object>,
    sets: &[Arc<Object>],
) -> Result<(), Status> {
    let wanted = replicas(deployment.json());
    let old: Vec<&Arc<Object>> = sets.iter().filter(|set| set.name() != current.name()).collect();
    let old_wanted: i64 = old.iter().map(|set| replicas(set.json())).sum();
    let old_there: i64 = old.iter().map(|set| integer(set.json(), "/status/replicas").unwrap_or(0)).sum();
    let now = replicas(current.json());
    if is_recreated(deployment) {
        if old_wanted > 0 {
            return old.iter().try_for_each(|set| scale(world, deployment, set, 0));
        }
        let has_old_pods = old_there > 0 || old.iter().any(|set| !controlled(world, set, "", "pods").is_empty());
        return if has_old_pods { Ok(()) } else { scale(world, deployment, current, wanted) };
    }
    let room = (wanted + surge(deployment, wanted) - old_wanted).max(0);
    if now < wanted && room > now || now > wanted {
        scale(world, deployment, current, wanted.min(room.max(now)).min(wanted))?;
    }
    let ready = |set: &Arc<Object>| integer(set.json(), "/status/availableReplicas").unwrap_or(0);
    let available: i64 = sets.iter().map(ready).sum();
    let mut spare = available - (wanted - unavailable(deployment, wanted));
    for set in &old {
        let (count, sick) = (replicas(set.json()), (replicas(set.json()) - ready(set)).max(0));
        // What is not available anyway can go at once; of the rest, as many as the others make up for.
        let healthy = (count - sick).min(spare.max(0));
        spare -= healthy;
        scale(world, deployment, set, count - sick - healthy)?;
    }
    Ok(())
}

fn scale(world: &mut World, deployment: &Arc<Object>, set_object: &Arc<Object>, count: i64) -> Result<(), Status> {
    let before = replicas(set_object.json());
    if before == count {
        return Ok(());
    }
    write::modify(world, &key_of(set_object), itself(), |object| set(object, &["spec", "replicas"], count))?;
    let direction = if count > before { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {count}", set_object.name());
    events::normal(world, deployment, COMPONENT, "ScalingReplicaSet", &message);
    Ok(())
}

/// Forgets the oldest replica sets beyond the limit.
fn clean_up(world: &mut World, deployment: &Object, current: &Object, sets: &[Arc<Object>]) -> Result<(), Status> {
    let limit = integer(deployment.json(), "/spec/revisionHistoryLimit").unwrap_or(10);
    let mut old: Vec<&Arc<Object>> = sets
        .iter()
        .filter(|set| set.name() != current.name() && replicas(set.json()) == 0)
        .filter(|set| integer(set.json(), "/status/replicas").unwrap_or(0) == 0)
        .collect();
    old.sort_by_key(|set| revision(set));
    let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    old.into_iter().take(excess).try_for_each(|set| delete(world, set))
}

fn write_status(world: &mut World, key: &Key, deployment: &Object) -> Result<(), Status> {
    let sets = controlled(world, deployment, "apps", "replicasets");
    let current = sets.iter().find(|set| is_current(set, deployment));
    let sum = |field: &str| -> i64 {
        sets.iter().map(|set| integer(set.json(), &format!("/status/{field}")).unwrap_or(0)).sum()
    };
    let updated = current.and_then(|set| integer(set.json(), "/status/replicas")).unwrap_or(0);
    let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let wanted = replicas(deployment.json());
    let is_complete = updated == wanted && total == wanted && available == wanted && current.is_some();
    let conditions = conditions(world, deployment, current, is_complete, available);
    let some = |count: i64| if count == 0 { Json::Null } else { json!(count) };
    let status = json!({
        "observedGeneration": deployment.pointer("/metadata/generation"),
        "replicas": some(total), "updatedReplicas": some(updated), "readyReplicas": some(ready),
        "availableReplicas": some(available), "unavailableReplicas": some((wanted.max(total) - available).max(0)),
        "terminatingReplicas": sum("terminatingReplicas"), "conditions": conditions,
    });
    set_status(world, key, &status)
}

fn conditions(
    world: &mut World,
    deployment: &Object,
    current: Option<&Arc<Object>>,
    is_complete: bool,
    available: i64,
) -> Vec<Json> {
    let (json, time, wanted) = (deployment.json(), world.time(), replicas(deployment.json()));
    let is_available = available >= wanted - unavailable(deployment, wanted);
    let availability = if is_available {
        make_condition(
            json,
            &time,
            "Available",
            true,
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        let message = "Deployment does not have minimum availability.";
        make_condition(json, &time, "Available", false, "MinimumReplicasUnavailable", message)
    };
    let mut conditions = vec![with_update_time(json, &time, availability)];
    conditions.push(progress(world, deployment, current, is_complete));
    if let Some(failure) =
        current.and_then(|set| condition(set, "ReplicaFailure")).filter(|failure| failure["status"] == "True")
    {
        let failure =
            make_condition(json, &time, "ReplicaFailure", true, text(failure, "/reason"), text(failure, "/message"));
        conditions.push(with_update_time(json, &time, failure));
    }
    conditions
}

/// Conditions of deployments also say when they were written; that moves only with what they say.
fn with_update_time(deployment: &Json, time: &str, mut condition: Json) -> Json {
    let old =
        super::super::json::items(deployment, "/status/conditions").iter().find(|old| old["type"] == condition["type"]);
    let same = old.filter(|old| ["status", "reason", "message"].iter().all(|field| old[*field] == condition[*field]));
    condition["lastUpdateTime"] = same.map_or_else(|| json!(time), |old| old["lastUpdateTime"].clone());
    condition
}

fn progress(world: &mut World, deployment: &Object, current: Option<&Arc<Object>>, is_complete: bool) -> Json {
    let (json, time) = (deployment.json(), world.time());
    let name = current.map(|set| set.name().to_owned()).unwrap_or_default();
    if is_complete {
        let message = format!("ReplicaSet \"{name}\" has successfully progressed.");
        let done = make_condition(json, &time, "Progressing", true, "NewReplicaSetAvailable", &message);
        return with_update_time(json, &time, done);
    }
    let old = condition(deployment, "Progressing");
    let is_same_round = deployment.pointer("/status/observedGeneration") == deployment.pointer("/metadata/generation");
    let started = old
        .filter(|old| is_same_round && old["reason"] != "NewReplicaSetAvailable")
        .and_then(|old| text(old, "/lastUpdateTime").parse::<Timestamp>().ok());
    let deadline = integer(json, "/spec/progressDeadlineSeconds").unwrap_or(600);
    let deadline = Duration::from_secs(u64::try_from(deadline).unwrap_or(600));
    let now = world.now();
    let waited = started.map_or(Duration::ZERO, |started| between(started, now));
    if waited > deadline || old.is_some_and(|old| is_same_round && old["reason"] == "ProgressDeadlineExceeded") {
        let message = format!("ReplicaSet \"{name}\" has timed out progressing.");
        let late = make_condition(json, &time, "Progressing", false, "ProgressDeadlineExceeded", &message);
        return with_update_time(json, &time, late);
    }
    let key = Key::new("apps", "deployments", deployment.namespace().unwrap_or_default(), deployment.name());
    let task = Task { controller: Controller::Deployment, key };
    world.queue.add(now, task, deadline.saturating_sub(waited) + Duration::from_secs(1));
    let (reason, message) = if has_condition(deployment, "Progressing") && is_same_round {
        ("ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing."))
    } else {
        ("NewReplicaSetCreated", format!("Created new replica set \"{name}\""))
    };
    let under_way = make_condition(json, &time, "Progressing", true, reason, &message);
    with_update_time(json, &time, under_way)
}

//! Deleting: preconditions, finalizers, what becomes of dependents, and the slow end of namespaces and pods.
use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::get_list::{Filter, existing};
use super::json::{items, set, text};
use super::kinds::KindInfo;
use super::request::{WriteOptions, content_type, read_yaml};
use super::router::{Call, json_response};
use super::status::{Cause, Status};
use super::world::{Key, World};
use super::write::{self, Writer, Written};
use crate::model::{Json, Object};

/// What becomes of the objects that an object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Propagation {
    /// They are deleted after it.
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay, and forget their owner.
    Orphan,
}

/// How an object is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeleteOptions {
    pub propagation: Option<Propagation>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    /// Seconds that pods get to stop.
    pub grace: Option<i64>,
    pub dry_run: bool,
}

/// The finalizers by which the garbage collector does its work before an object goes.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
pub(super) const ORPHAN: &str = "orphan";

impl DeleteOptions {
    /// Returns the options of the simulated controllers.
    pub(super) fn background() -> Self {
        let propagation = Some(Propagation::Background);
        Self { propagation, uid: None, resource_version: None, grace: None, dry_run: false }
    }

    fn read(call: &Call<'_>) -> Result<Self, Status> {
        let body = if call.body.is_empty() {
            json!({})
        } else if content_type(call.headers) == "application/vnd.kubernetes.protobuf" {
            return Err(Status::unsupported_media_type("the sandbox reads delete options as JSON or YAML only"));
        } else {
            read_yaml(call.body)?
        };
        let word = call.parameters.get("propagationPolicy").unwrap_or_else(|| text(&body, "/propagationPolicy"));
        let propagation = match word {
            "" if body["orphanDependents"] == true || call.parameters.is_true("orphanDependents") => {
                Some(Propagation::Orphan)
            }
            "" => None,
            "Background" => Some(Propagation::Background),
            "Foreground" => Some(Propagation::Foreground),
            "Orphan" => Some(Propagation::Orphan),
            other => {
                let supported = ["Background", "Foreground", "Orphan"];
                let cause = Cause::not_supported("propagationPolicy", &Json::from(other), &supported);
                return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &[cause]));
            }
        };
        let wanted =
            |field: &str| body.pointer(&format!("/preconditions/{field}")).and_then(Json::as_str).map(str::to_owned);
        let grace = call.parameters.get("gracePeriodSeconds").and_then(|text| text.parse().ok());
        Ok(Self {
            propagation,
            uid: wanted("uid"),
            resource_version: wanted("resourceVersion"),
            grace: grace.or_else(|| body["gracePeriodSeconds"].as_i64()),
            dry_run: call.parameters.dry_run("DeleteOptions")? || !items(&body, "/dryRun").is_empty(),
        })
    }
}

/// Answers a DELETE of one object.
pub(super) fn delete(world: &mut World, call: &Call<'_>) -> Result<Response, Status> {
    let options = DeleteOptions::read(call)?;
    let live = existing(world, call)?;
    let left = delete_object(world, call.info, &live, &options)?;
    // A pod is answered with itself, gone or not; everything else with itself only while it lasts.
    match left {
        Some(object) => Ok(super::get_list::object_response(world, call, StatusCode::OK, &object)),
        None if call.info.is("Pod") || call.info.is("Service") => {
            Ok(super::get_list::object_response(world, call, StatusCode::OK, live.json()))
        }
        None => Ok(json_response(StatusCode::OK, &success(call.info, &live))),
    }
}

fn success(info: &KindInfo, object: &Object) -> Json {
    let mut details = json!({"name": object.name(), "kind": info.plural, "uid": object.uid()});
    if !info.group.is_empty() {
        details["group"] = Json::from(info.group.clone());
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Answers a DELETE of a collection.
pub(super) fn delete_collection(world: &mut World, call: &Call<'_>) -> Result<Response, Status> {
    if call.info.is("Namespace") || (call.info.namespaced && call.target.namespace.is_none()) {
        return Err(Status::method_not_allowed());
    }
    let options = DeleteOptions::read(call)?;
    let filter = Filter::parse(call.parameters, call.info)?;
    let namespace = call.target.namespace.as_deref();
    let objects: Vec<Arc<Object>> =
        world.list(&call.info.resource(), namespace).filter(|object| filter.matches(object)).cloned().collect();
    for object in &objects {
        delete_object(world, call.info, object, &options)?;
    }
    let deleted: Vec<&Json> = objects.iter().map(|object| object.json()).collect();
    let revision = world.revision().to_string();
    let list = json!({
        "kind": call.info.list_kind, "apiVersion": call.info.api_version(),
        "metadata": {"resourceVersion": revision}, "items": deleted,
    });
    Ok(json_response(StatusCode::OK, &list))
}

/// Deletes an object; returns what is left of it until its finalizers are gone.
pub(super) fn delete_object(
    world: &mut World,
    info: &KindInfo,
    live: &Arc<Object>,
    options: &DeleteOptions,
) -> Result<Option<Json>, Status> {
    check_preconditions(info, live, options)?;
    if info.is("Namespace") && matches!(live.name(), "default" | "kube-system" | "kube-public") {
        return Err(Status::forbidden(info, live.name(), "this namespace may not be deleted"));
    }
    let key = Key::of(info, live.namespace().unwrap_or_default(), live.name());
    let mut object = live.json().clone();
    add_finalizer(&mut object, propagation(info, options));
    let grace = grace(world, info, live, options);
    if info.is("CustomResourceDefinition") && !live.is_terminating() {
        super::crd::protect(&mut object);
    }
    let has_finalizers = !items(&object, "/metadata/finalizers").is_empty();
    let stays = grace > 0 || has_finalizers || super::admission::is_full_namespace(&object);
    if options.dry_run {
        return Ok(stays.then_some(object));
    }
    if !stays {
        world.remove(&key)?;
        return Ok(None);
    }
    if live.is_terminating() && object == *live.json() {
        return Ok(Some(object));
    }
    super::json::default(&mut object, &["metadata", "deletionTimestamp"], world.time());
    set(&mut object, &["metadata", "deletionGracePeriodSeconds"], grace);
    if info.counts_generations() && !live.is_terminating() {
        let generation = live.pointer("/metadata/generation").and_then(Json::as_i64).unwrap_or(0);
        set(&mut object, &["metadata", "generation"], generation + 1);
    }
    if info.is("Namespace") {
        set(&mut object, &["status", "phase"], "Terminating");
    }
    world.put(&key, object).map(|object| Some(object.json().clone()))
}

fn check_preconditions(info: &KindInfo, live: &Object, options: &DeleteOptions) -> Result<(), Status> {
    let conflict = |why: String| {
        let mut status = Status::conflict(info, live.name(), &why);
        // Here the server names the kind, not the resource.
        status.message = format!("Operation cannot be fulfilled on {} \"{}\": {why}", info.kind, live.name());
        status.details = Some(json!({"name": live.name(), "kind": info.kind}));
        status
    };
    let uid = live.uid().unwrap_or_default();
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        return Err(conflict(format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). \
             The object might have been deleted and then recreated"
        )));
    }
    let version = live.resource_version().unwrap_or_default();
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        return Err(conflict(format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        )));
    }
    Ok(())
}

/// Returns what becomes of the dependents. Jobs leave their pods behind unless told otherwise.
fn propagation(info: &KindInfo, options: &DeleteOptions) -> Propagation {
    options.propagation.unwrap_or(if info.is("Job") { Propagation::Orphan } else { Propagation::Background })
}

fn add_finalizer(object: &mut Json, propagation: Propagation) {
    let wanted = match propagation {
        Propagation::Background => return,
        Propagation::Foreground => FOREGROUND,
        Propagation::Orphan => ORPHAN,
    };
    let mut finalizers = items(object, "/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|finalizer| finalizer == wanted) {
        finalizers.push(Json::from(wanted));
        set(object, &["metadata", "finalizers"], finalizers);
    }
}

/// Returns the seconds that an object gets to stop: pods that run, and nothing else.
fn grace(world: &World, info: &KindInfo, live: &Object, options: &DeleteOptions) -> i64 {
    let phase = live.text("/status/phase").unwrap_or_default();
    let runs = info.is("Pod") && live.text("/spec/nodeName").is_some() && !matches!(phase, "Succeeded" | "Failed");
    if !runs || world.find("", "nodes", "", live.text("/spec/nodeName").unwrap_or_default()).is_none() {
        return 0;
    }
    let own = live.pointer("/spec/terminationGracePeriodSeconds").and_then(Json::as_i64).unwrap_or(30);
    options.grace.unwrap_or(own).max(0)
}

/// Answers a PUT of a namespace's `finalize`.
pub(super) fn finalize_namespace(world: &mut World, call: &Call<'_>) -> Result<Written, Status> {
    let options: WriteOptions = call.parameters.write_options(call.headers, "UpdateOptions")?;
    let live = existing(world, call)?;
    let body = read_yaml(call.body)?;
    let mut object = live.json().clone();
    set(&mut object, &["spec", "finalizers"], items(&body, "/spec/finalizers").to_vec());
    let writer =
        Writer { manager: &options.manager, subresource: Some("finalize"), dry_run: options.dry_run, is_apply: false };
    let object = write::update(world, call.info, &live, object, writer)?;
    Ok(Written { object, created: false, warnings: Vec::new() })
}

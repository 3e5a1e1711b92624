//! Creating and changing objects: what POST, PUT and the patches have in common, and what the controllers use.
use std::sync::Arc;

use serde_json::{Map, json};

use super::json::{items, remove, set, text};
use super::kinds::KindInfo;
use super::request::{FieldValidation, WriteOptions, check_kind, read_body};
use super::router::Call;
use super::status::{Cause, Status};
use super::world::{Key, World};
use super::{admission, defaults, immutable, quota, structural, validation};
use crate::model::{Json, Object, Step};
use crate::ssa::{self, Schema};

/// The words of the merge for a field that a schema has not.
const UNKNOWN_FIELD: &str = "field not declared in schema";
/// Fields of the metadata that only the server sets.
const SYSTEM_FIELDS: [&str; 6] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"];

/// The result of a write.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    pub object: Json,
    pub created: bool,
    pub warnings: Vec<String>,
}

/// Who changes an object, through which door.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub manager: &'a str,
    pub subresource: Option<&'a str>,
    pub dry_run: bool,
    /// The new object already has its `managedFields`: it comes out of an apply.
    pub is_apply: bool,
}

impl<'a> Writer<'a> {
    /// Returns a simulated controller that writes through a door.
    pub(super) fn controller(manager: &'a str, subresource: Option<&'a str>) -> Self {
        Self { manager, subresource, dry_run: false, is_apply: false }
    }
}

/// Answers a POST.
pub(super) fn post(world: &mut World, call: &Call<'_>) -> Result<Written, Status> {
    let options = call.parameters.write_options(call.headers, "CreateOptions")?;
    let mut body = read_body(call.headers, call.body, &call.info.kind)?;
    check_kind(&body, &call.info.api_version(), &call.info.kind)?;
    let namespace = check_namespace(&mut body, call)?;
    let warnings = check_fields(world, call.info, &mut body, &options)?;
    let writer = Writer { manager: &options.manager, subresource: None, dry_run: options.dry_run, is_apply: false };
    let object = create(world, call.info, &namespace, body, writer)?;
    Ok(Written { object, created: true, warnings })
}

/// Answers a PUT.
pub(super) fn put(world: &mut World, call: &Call<'_>, subresource: Option<&str>) -> Result<Written, Status> {
    let options = call.parameters.write_options(call.headers, "UpdateOptions")?;
    let mut body = read_body(call.headers, call.body, &call.info.kind)?;
    check_kind(&body, &call.info.api_version(), &call.info.kind)?;
    check_namespace(&mut body, call)?;
    check_name(&mut body, call)?;
    let warnings = check_fields(world, call.info, &mut body, &options)?;
    let live = super::get_list::existing(world, call)?;
    if call.info.is_custom() && text(&body, "/metadata/resourceVersion").is_empty() {
        let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        return Err(Status::invalid(&call.info.group, &call.info.kind, live.name(), &[cause]));
    }
    let writer = Writer { manager: &options.manager, subresource, dry_run: options.dry_run, is_apply: false };
    let object = update(world, call.info, &live, body, writer)?;
    Ok(Written { object, created: false, warnings })
}

/// Makes a new object of a body, and keeps it.
pub(super) fn create(
    world: &mut World,
    info: &KindInfo,
    namespace: &str,
    mut object: Json,
    writer: Writer<'_>,
) -> Result<Json, Status> {
    complete_identity(info, namespace, &mut object);
    validation::check_name(info, &mut object, world.revision())?;
    let name = text(&object, "/metadata/name").to_owned();
    admission::check_namespace(world, info, &name, namespace)?;
    let key = Key::of(info, namespace, &name);
    if world.get(&key).is_some() {
        return Err(Status::already_exists(info, &name));
    }
    for field in SYSTEM_FIELDS.iter().chain(&["resourceVersion"]) {
        remove(&mut object, &["metadata", field]);
    }
    if info.has_status {
        remove(&mut object, &["status"]);
    }
    let mut object = settle(world, info, None, object, writer)?;
    admission::mutate(world, info, &mut object)?;
    reject(info, &name, &validation::validate(world, info, &object))?;
    quota::check(world, info, &object)?;
    set(&mut object, &["metadata", "uid"], uuid::Uuid::new_v4().to_string());
    set(&mut object, &["metadata", "creationTimestamp"], world.time());
    if info.counts_generations() {
        set(&mut object, &["metadata", "generation"], 1);
    }
    if writer.dry_run {
        return Ok(object);
    }
    quota::charge(world, info, &object)?;
    world.put(&key, object).map(|object| object.json().clone())
}

/// Changes an object that exists to a new form.
pub(super) fn update(
    world: &mut World,
    info: &KindInfo,
    live: &Arc<Object>,
    mut object: Json,
    writer: Writer<'_>,
) -> Result<Json, Status> {
    let namespace = live.namespace().unwrap_or_default();
    complete_identity(info, namespace, &mut object);
    check_preconditions(info, live, &object, writer)?;
    keep_system_fields(live.json(), &mut object);
    keep_other_part(info, live.json(), &mut object, writer.subresource);
    let mut object = settle(world, info, Some(live), object, writer)?;
    keep_other_part(info, live.json(), &mut object, writer.subresource);
    if writer.subresource != Some("status") {
        if writer.subresource != Some("finalize") {
            admission::fill_on_update(world, info, live.json(), &mut object);
        }
        let mut causes = validation::validate(world, info, &object);
        causes.extend(immutable::check(world, info, live.json(), &object));
        causes.extend(check_finalizers(live.json(), &object));
        reject(info, live.name(), &causes)?;
        if info.counts_generations() && spec_differs(live.json(), &object) {
            let generation = live.pointer("/metadata/generation").and_then(Json::as_i64).unwrap_or(0);
            set(&mut object, &["metadata", "generation"], generation + 1);
        }
    }
    object["metadata"]["resourceVersion"] = live.json()["metadata"]["resourceVersion"].clone();
    if is_same(live.json(), &object) {
        return Ok(live.json().clone());
    }
    if writer.dry_run {
        return Ok(object);
    }
    let key = Key::of(info, namespace, live.name());
    if is_finished(&object) {
        let last = world.remove(&key)?;
        return Ok(last.map_or(object, |last| last.json().clone()));
    }
    world.put(&key, object).map(|object| object.json().clone())
}

/// Lets a simulated controller change a part of an object, if the object is there and the change is one.
pub(super) fn modify(
    world: &mut World,
    key: &Key,
    writer: Writer<'_>,
    change: impl FnOnce(&mut Json),
) -> Result<(), Status> {
    let (Some(live), Some(info)) = (world.get(key).cloned(), world.kinds.stored(&key.resource)) else { return Ok(()) };
    let mut object = live.json().clone();
    change(&mut object);
    if object == *live.json() {
        return Ok(());
    }
    update(world, &info, &live, object, writer).map(|_| ())
}

/// Fills in what the server would, and records who owns what.
fn settle(
    world: &World,
    info: &KindInfo,
    live: Option<&Arc<Object>>,
    object: Json,
    writer: Writer<'_>,
) -> Result<Json, Status> {
    let schema = schema(world, info);
    let mut object = match (info.is_custom(), schema) {
        (false, Some(schema)) => normal_form(object, schema)?,
        _ => object,
    };
    match structural::of(world, info) {
        Some(structure) => structural::complete(&structure, &mut object),
        None => defaults::fill(info, &mut object),
    }
    let Some(schema) = schema.filter(|_| !writer.is_apply) else { return Ok(object) };
    let object = Object::new(object).map_err(|error| Status::bad_request(error.to_string()))?;
    let live = live.map(AsRef::as_ref);
    let mut updated = ssa::update(live, &object, schema, writer.manager, writer.subresource, &world.time()).into_json();
    if writer.subresource == Some("scale") {
        forget_time_of_scale(&mut updated);
    }
    Ok(updated)
}

/// Takes the time from what was written through `scale`: a server keeps none there.
fn forget_time_of_scale(object: &mut Json) {
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Json::as_array_mut);
    for entry in entries.into_iter().flatten().filter_map(Json::as_object_mut) {
        if entry.get("subresource").is_some_and(|subresource| subresource == "scale") {
            entry.remove("time");
        }
    }
}

/// Writes an object of a Go type as the server keeps it: quantities, empty fields, a Secret's texts.
fn normal_form(object: Json, schema: &Schema) -> Result<Json, Status> {
    let object = Object::new(object).map_err(|error| Status::bad_request(error.to_string()))?;
    let mut normal = ssa::canonical(object.clone(), Some(schema)).into_json();
    // The canonical form is that of a desired object: what only the server writes is put back.
    for field in SYSTEM_FIELDS.iter().chain(&["resourceVersion", "managedFields"]) {
        if let Some(value) = object.json()["metadata"].get(field) {
            set(&mut normal, &["metadata", field], value.clone());
        }
    }
    if let Some(status) = object.json().get("status") {
        normal["status"] = status.clone();
    }
    Ok(normal)
}

/// Returns how objects of a kind merge.
pub(super) fn schema<'a>(world: &'a World, info: &KindInfo) -> Option<&'a Schema> {
    world.schemas.of(&info.stored_kind())
}

/// Refuses an object that has mistakes.
pub(super) fn reject(info: &KindInfo, name: &str, causes: &[Cause]) -> Result<(), Status> {
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid(&info.group, &info.kind, name, causes)) }
}

/// Sets kind, version and namespace, which a body may leave out.
fn complete_identity(info: &KindInfo, namespace: &str, object: &mut Json) {
    set(object, &["apiVersion"], info.stored_api_version());
    set(object, &["kind"], info.kind.clone());
    if info.namespaced {
        set(object, &["metadata", "namespace"], namespace);
    } else {
        remove(object, &["metadata", "namespace"]);
    }
}

/// Checks that the namespaces of body and path agree; returns the one that holds.
pub(super) fn check_namespace(body: &mut Json, call: &Call<'_>) -> Result<String, Status> {
    if !body.get("metadata").is_some_and(Json::is_object) {
        set(body, &["metadata"], Json::Object(Map::new()));
    }
    let path = call.target.namespace.as_deref().unwrap_or_default();
    let namespace = text(body, "/metadata/namespace");
    if !namespace.is_empty() && namespace != path {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    Ok(path.to_owned())
}

/// Checks that the names of body and path agree.
pub(super) fn check_name(body: &mut Json, call: &Call<'_>) -> Result<(), Status> {
    let path = call.target.name.as_deref().unwrap_or_default();
    let name = text(body, "/metadata/name");
    if name.is_empty() {
        set(body, &["metadata", "name"], path);
        return Ok(());
    }
    if name == path {
        return Ok(());
    }
    let message = format!("the name of the object ({name}) does not match the name on the URL ({path})");
    Err(Status::bad_request(message))
}

/// Looks for fields that the schema does not know: refuses them, or warns of them and takes them out.
pub(super) fn check_fields(
    world: &World,
    info: &KindInfo,
    body: &mut Json,
    options: &WriteOptions,
) -> Result<Vec<String>, Status> {
    let Some(schema) = schema(world, info) else { return Ok(Vec::new()) };
    let mut probe = body.clone();
    for (path, value) in [
        (&["metadata", "name"][..], "probe"),
        (&["apiVersion"], &info.stored_api_version()),
        (&["kind"], info.kind.as_str()),
    ] {
        set(&mut probe, path, value);
    }
    remove(&mut probe, &["metadata", "managedFields"]);
    let Ok(probe) = Object::new(probe) else { return Ok(Vec::new()) };
    let mut unknown = Vec::new();
    for violation in ssa::violations(&probe, schema) {
        if violation.message == UNKNOWN_FIELD {
            remove_step(body, &violation.path.0);
            unknown.push(format!("unknown field \"{}\"", plain_path(&violation.path.0)));
        } else if !info.is_custom() && violation.message.starts_with("expected") {
            return Err(undecodable(info, &format!("json: {}: {}", plain_path(&violation.path.0), violation.message)));
        }
    }
    if options.validation == FieldValidation::Strict && !unknown.is_empty() {
        return Err(undecodable(info, &format!("strict decoding error: {}", unknown.join(", "))));
    }
    Ok(if options.validation == FieldValidation::Warn { unknown } else { Vec::new() })
}

/// Refuses a body that is no object of its kind.
fn undecodable(info: &KindInfo, why: &str) -> Status {
    let (version, kind) = (&info.version, &info.kind);
    Status::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"))
}

/// Removes the field that a path ends at.
fn remove_step(json: &mut Json, path: &[Step]) {
    let Some((Step::Field(last), parents)) = path.split_last() else { return };
    let mut node = json;
    for step in parents {
        let next = match step {
            Step::Field(name) => node.get_mut(name),
            Step::Index(index) => node.get_mut(*index),
            Step::Key(keys) => node.as_array_mut().and_then(|items| {
                items
                    .iter_mut()
                    .find(|item| keys.iter().all(|(key, value)| item.get(key).is_none_or(|found| found == value)))
            }),
            Step::Value(value) => node.as_array_mut().and_then(|items| items.iter_mut().find(|item| *item == value)),
        };
        let Some(next) = next else { return };
        node = next;
    }
    if let Some(fields) = node.as_object_mut() {
        fields.remove(last);
    }
}

/// Writes a path as decoding errors do: `spec.zz`.
fn plain_path(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Field(name) if text.is_empty() => text.push_str(name),
            other => text.push_str(&other.to_string()),
        }
    }
    text
}

fn check_preconditions(info: &KindInfo, live: &Object, object: &Json, writer: Writer<'_>) -> Result<(), Status> {
    let uid = text(object, "/metadata/uid");
    if !uid.is_empty() && Some(uid) != live.uid() {
        if writer.is_apply {
            let cause = Cause::invalid("metadata.uid", &Json::from(uid), "field is immutable");
            return Err(Status::invalid(&info.group, &info.kind, live.name(), &[cause]));
        }
        let found = live.uid().unwrap_or_default();
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {found}");
        return Err(Status::conflict(info, live.name(), &why));
    }
    let version = text(object, "/metadata/resourceVersion");
    if !version.is_empty() && version != "0" && Some(version) != live.resource_version() {
        return Err(Status::modified(info, live.name()));
    }
    Ok(())
}

fn keep_system_fields(live: &Json, object: &mut Json) {
    for field in SYSTEM_FIELDS {
        match live["metadata"].get(field) {
            Some(value) => set(object, &["metadata", field], value.clone()),
            None => {
                remove(object, &["metadata", field]);
            }
        }
    }
}

/// A write of the object leaves its status alone; a write of the status leaves everything else but annotations alone.
fn keep_other_part(info: &KindInfo, live: &Json, object: &mut Json, subresource: Option<&str>) {
    if !info.has_status {
        return;
    }
    if subresource != Some("status") {
        match live.get("status") {
            Some(status) => set(object, &["status"], status.clone()),
            None => {
                remove(object, &["status"]);
            }
        }
        return;
    }
    let mut kept = live.clone();
    for path in [&["status"][..], &["metadata", "managedFields"], &["metadata", "annotations"]] {
        let is_metadata = path.len() > 1;
        if info.is_custom() && path.last() == Some(&"annotations") {
            continue;
        }
        match super::json::get(object, path) {
            Some(value) => set(&mut kept, path, value.clone()),
            None if !is_metadata || path.last() == Some(&"annotations") => {
                remove(&mut kept, path);
            }
            None => {}
        }
    }
    *object = kept;
}

/// An object that is being deleted gets no new finalizers.
fn check_finalizers(live: &Json, object: &Json) -> Option<Cause> {
    live.pointer("/metadata/deletionTimestamp")?;
    let old = items(live, "/metadata/finalizers");
    let added: Vec<&str> = items(object, "/metadata/finalizers")
        .iter()
        .filter(|finalizer| !old.contains(finalizer))
        .filter_map(Json::as_str)
        .collect();
    let why =
        format!("no new finalizers can be added if the object is being deleted, found new finalizers {}", json!(added));
    (!added.is_empty()).then(|| Cause::forbidden("metadata.finalizers", &why))
}

/// Tells whether anything but metadata and status differs.
fn spec_differs(left: &Json, right: &Json) -> bool {
    let spec = |object: &Json| -> Map<String, Json> {
        let entries = object.as_object().into_iter().flatten();
        let kept = entries.filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status" | "kind" | "apiVersion"));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    spec(left) != spec(right)
}

/// Tells whether a write would change nothing but the times at which managers wrote.
fn is_same(live: &Json, object: &Json) -> bool {
    if live == object {
        return true;
    }
    let without_times = |object: &Json| {
        let mut object = object.clone();
        for entry in super::json::items_mut(&mut object, &["metadata", "managedFields"]) {
            remove(entry, &["time"]);
        }
        object
    };
    without_times(live) == without_times(object)
}

/// Tells whether a write has taken away the last thing that kept a deleted object.
fn is_finished(object: &Json) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
        && items(object, "/metadata/finalizers").is_empty()
        && !admission::is_full_namespace(object)
        && !admission::is_stopping_pod(object)
}

/// Gives a pod its node. A binding is no write by a manager: nobody owns the name.
pub(super) fn bind(world: &mut World, key: &Key, node: &str) -> Result<(), Status> {
    let Some(pod) = world.get(key).cloned() else { return Ok(()) };
    let mut pod = pod.json().clone();
    set(&mut pod, &["spec", "nodeName"], node);
    // The server copies the place of the node to the pod when it is bound.
    let labels = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];
    for label in labels {
        if let Some(value) = world.find("", "nodes", "", node).and_then(|found| found.label(label)) {
            set(&mut pod, &["metadata", "labels", label], value);
        }
    }
    world.put(key, pod).map(|_| ())
}

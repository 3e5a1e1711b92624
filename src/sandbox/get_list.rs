//! Reads: one object, or a list with selectors and pages; as JSON, as a table, or as metadata only.
use std::sync::Arc;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::faults::Effect;
use super::kinds::KindInfo;
use super::request::{Parameters, wants_metadata, wants_table};
use super::router::{Call, json_response};
use super::selectors::{Fields, Labels};
use super::status::Status;
use super::table;
use super::world::{Key, World};
use crate::model::{Json, Object};

/// How many unfinished lists are kept.
const SNAPSHOTS: usize = 32;

/// Which objects a request is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub labels: Labels,
    pub fields: Fields,
}

/// What stands in the parameter `continue`.
#[derive(Serialize, Deserialize)]
struct Token {
    v: String,
    /// The revision that the list shows.
    rv: u64,
    /// The number of the snapshot.
    snapshot: u64,
    /// How many objects were given already.
    start: usize,
}

impl Filter {
    pub(super) fn parse(parameters: &Parameters, info: &KindInfo) -> Result<Self, Status> {
        let labels = parameters.get("labelSelector").map(Labels::parse).transpose()?;
        let fields = parameters.get("fieldSelector").map(|text| Fields::parse(text, info)).transpose()?;
        Ok(Self { labels: labels.unwrap_or_default(), fields: fields.unwrap_or_default() })
    }

    pub(super) fn matches(&self, object: &Object) -> bool {
        self.labels.match_object(object) && self.fields.match_object(object)
    }
}

/// Answers a GET of one object.
pub(super) fn get(world: &World, call: &Call<'_>) -> Result<Response, Status> {
    let object = existing(world, call)?;
    Ok(object_response(world, call, StatusCode::OK, object.json()))
}

/// Returns the object that a path names.
pub(super) fn existing(world: &World, call: &Call<'_>) -> Result<Arc<Object>, Status> {
    let name = call.target.name.as_deref().unwrap_or_default();
    let key = Key::of(call.info, call.target.namespace.as_deref().unwrap_or_default(), name);
    world.get(&key).cloned().ok_or_else(|| Status::not_found(call.info, name))
}

/// Returns an object in the form that the client asked for.
pub(super) fn object_response(world: &World, call: &Call<'_>, code: StatusCode, object: &Json) -> Response {
    if wants_table(call.headers) {
        let table = table::table(call.info, &[object], &json!({}), world, include_object(call.parameters));
        return json_response(code, &table);
    }
    if wants_metadata(call.headers) {
        return json_response(code, &partial(object));
    }
    if object["apiVersion"] == call.info.api_version() || call.target.subresource.is_some() {
        return json_response(code, object);
    }
    let mut object = object.clone();
    object["apiVersion"] = Json::from(call.info.api_version());
    json_response(code, &object)
}

/// Returns what stands for an object when only its metadata is asked for.
pub(super) fn partial(object: &Json) -> Json {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// Tells what of the object goes into each row of a table.
pub(super) fn include_object(parameters: &Parameters) -> &str {
    parameters.get("includeObject").unwrap_or("Metadata")
}

/// Answers a GET of a collection.
pub(super) fn list(world: &mut World, call: &Call<'_>, effect: Option<&Effect>) -> Result<Response, Status> {
    let filter = Filter::parse(call.parameters, call.info)?;
    if effect == Some(&Effect::Gone) {
        return Err(too_old());
    }
    check_version(world, call.parameters)?;
    let limit = usize::try_from(call.parameters.number("limit")?.unwrap_or(0)).unwrap_or(usize::MAX);
    let token = call.parameters.get("continue");
    let (revision, start, snapshot, objects) = if let Some(token) = token {
        resume(world, token)?
    } else {
        let (revision, objects) = select(world, call, &filter, effect);
        (revision, 0, None, objects)
    };
    let rest = objects.len().saturating_sub(start);
    let count = if limit == 0 { rest } else { limit.min(rest) };
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let page: Vec<Arc<Object>> = objects.iter().skip(start).take(count).cloned().collect();
    if count < rest {
        let snapshot = snapshot.unwrap_or_else(|| keep(world, objects));
        let token = Token { v: "rayform/v1".to_owned(), rv: revision, snapshot, start: start + count };
        let token = serde_json::to_vec(&token).map_err(|error| Status::internal(error.to_string()))?;
        metadata["continue"] = Json::from(URL_SAFE_NO_PAD.encode(token));
        metadata["remainingItemCount"] = Json::from(rest - count);
    }
    Ok(list_response(call, &page, &metadata, world))
}

/// Returns all objects that a list is about, and the revision that it shows.
fn select(world: &World, call: &Call<'_>, filter: &Filter, effect: Option<&Effect>) -> (u64, Vec<Arc<Object>>) {
    let namespace = call.target.namespace.as_deref();
    if let Some(Effect::StaleList { changes }) = effect {
        let revision = world.revision().saturating_sub(*changes).max(world.forgotten());
        let objects = world.list_at(&call.info.resource(), namespace, revision);
        return (revision, objects.into_iter().filter(|object| filter.matches(object)).collect());
    }
    let resource = call.info.resource();
    if let (Some(name), Some(namespace)) = (filter.fields.name(), namespace.or((!call.info.namespaced).then_some(""))) {
        let found = world.find(&resource.group, &resource.plural, namespace, name);
        return (world.revision(), found.filter(|object| filter.matches(object)).cloned().into_iter().collect());
    }
    let objects = world.list(&resource, namespace).filter(|object| filter.matches(object)).cloned().collect();
    (world.revision(), objects)
}

/// Refuses versions that do not exist yet, or that are no numbers.
fn check_version(world: &World, parameters: &Parameters) -> Result<(), Status> {
    match parameters.number("resourceVersion")? {
        Some(asked) if asked > world.revision() => Err(Status::too_large_version(asked, world.revision())),
        _ => Ok(()),
    }
}

type Page = (u64, usize, Option<u64>, Vec<Arc<Object>>);

fn resume(world: &World, token: &str) -> Result<Page, Status> {
    let invalid =
        |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| invalid(error.to_string()))?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
    let snapshot = world.snapshots.iter().find(|(number, _)| *number == token.snapshot);
    let (number, objects) = snapshot.ok_or_else(|| {
        Status::gone("The provided continue parameter is too old to display a consistent list result.")
    })?;
    Ok((token.rv, token.start, Some(*number), objects.clone()))
}

fn keep(world: &mut World, objects: Vec<Arc<Object>>) -> u64 {
    let number = world.snapshots.back().map_or(1, |(number, _)| number + 1);
    world.snapshots.push_back((number, objects));
    if world.snapshots.len() > SNAPSHOTS {
        world.snapshots.pop_front();
    }
    number
}

pub(super) fn too_old() -> Status {
    Status::gone("The resourceVersion for the provided list is too old.")
}

fn list_response(call: &Call<'_>, page: &[Arc<Object>], metadata: &Json, world: &World) -> Response {
    let info = call.info;
    if wants_table(call.headers) {
        let objects: Vec<&Json> = page.iter().map(|object| object.json()).collect();
        let include = include_object(call.parameters);
        let table = table::table(info, &objects, metadata, world, include);
        return json_response(StatusCode::OK, &table);
    }
    let api_version = info.api_version();
    let (kind, api_version, items) = if wants_metadata(call.headers) {
        let items = page.iter().map(|object| partial(object.json()).to_string()).collect();
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned(), items)
    } else {
        (info.list_kind.clone(), api_version.clone(), page.iter().map(|object| item(object, &api_version)).collect())
    };
    // Written piece by piece: a list of ten thousand objects is not copied to be printed.
    let items: Vec<String> = items;
    let head = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata}).to_string();
    let body = format!("{},\"items\":[{}]}}", &head[..head.len() - 1], items.join(","));
    super::router::typed_response(StatusCode::OK, "application/json", body)
}

fn item(object: &Object, api_version: &str) -> String {
    if object.text("/apiVersion") == Some(api_version) {
        return object.json().to_string();
    }
    let mut json = object.json().clone();
    json["apiVersion"] = Json::from(api_version);
    json.to_string()
}

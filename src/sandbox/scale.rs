//! The subresource `scale`: replicas of anything that has them, as an object of `autoscaling/v1`.
use std::sync::Arc;

use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::json;

use super::get_list::existing;
use super::json::{get, set, text};
use super::kinds::KindInfo;
use super::request::{content_type, read_body};
use super::router::{Call, json_response};
use super::selectors::Labels;
use super::status::Status;
use super::world::World;
use super::write::{self, Writer};
use super::{crd, patch};
use crate::model::{Json, Object};

/// Where replicas are in objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    pub spec: Vec<String>,
    pub status: Vec<String>,
    pub selector: Vec<String>,
}

/// Answers GET, PUT and PATCH of `scale`.
pub(super) fn answer(world: &mut World, method: &Method, call: &Call<'_>) -> Result<Response, Status> {
    let live = existing(world, call)?;
    let paths = paths(world, call.info);
    let scale = scale_of(&live, &paths);
    if method == Method::GET {
        return Ok(json_response(StatusCode::OK, &scale));
    }
    let options = call.parameters.write_options(call.headers, "PatchOptions")?;
    let mut wanted = scale.clone();
    if method == Method::PUT {
        wanted = read_body(call.headers, call.body, "Scale")?;
    } else if method == Method::PATCH {
        let body = serde_json::from_slice(call.body).map_err(|error| Status::bad_request(error.to_string()))?;
        match content_type(call.headers) {
            "application/merge-patch+json" => patch::merge(&mut wanted, &body, 32)?,
            "application/json-patch+json" => patch::json_patch(&mut wanted, &body)?,
            other => return Err(patch::refuse(call.info, other)),
        }
    } else {
        return Err(Status::method_not_allowed());
    }
    let replicas = wanted.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(0);
    let mut object = live.json().clone();
    set_path(&mut object, &paths.spec, replicas);
    for field in ["resourceVersion", "uid"] {
        let asked = text(&wanted, &format!("/metadata/{field}"));
        if !asked.is_empty() {
            set(&mut object, &["metadata", field], asked);
        }
    }
    let writer =
        Writer { manager: &options.manager, subresource: Some("scale"), dry_run: options.dry_run, is_apply: false };
    let object = write::update(world, call.info, &live, object, writer)?;
    let object = Object::new(object).map_err(|error| Status::internal(error.to_string()))?;
    Ok(json_response(StatusCode::OK, &scale_of(&Arc::new(object), &paths)))
}

/// Returns where the replicas of a kind are.
pub(super) fn paths(world: &World, info: &KindInfo) -> Paths {
    let path = |text: &str| text.trim_start_matches('.').split('.').map(str::to_owned).collect();
    let built_in =
        || Paths { spec: path("spec.replicas"), status: path("status.replicas"), selector: path("spec.selector") };
    if info.is_custom() { crd::scale_paths(world, info).unwrap_or_else(built_in) } else { built_in() }
}

fn scale_of(object: &Arc<Object>, paths: &Paths) -> Json {
    let json = object.json();
    let number = |path: &[String]| at(json, path).and_then(Json::as_i64).unwrap_or(0);
    let mut metadata = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = json["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    let mut status = json!({"replicas": number(&paths.status)});
    let selector = at(json, &paths.selector).map(selector_text).unwrap_or_default();
    if !selector.is_empty() {
        status["selector"] = Json::from(selector);
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": {"replicas": number(&paths.spec)}, "status": status,
    })
}

fn at<'a>(json: &'a Json, path: &[String]) -> Option<&'a Json> {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    get(json, &names)
}

fn set_path(json: &mut Json, path: &[String], value: i64) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    set(json, &names, value);
}

/// Returns a selector as text: that of a custom resource is one already.
pub(super) fn selector_text(selector: &Json) -> String {
    if let Some(text) = selector.as_str() {
        return text.to_owned();
    }
    Labels::of(Some(selector)).map(|labels| labels.to_string()).unwrap_or_default()
}

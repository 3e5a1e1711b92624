//! `OpenAPI` v3, as far as clients read it: which verbs check fields on the server, and the schemas of custom kinds.
//!
//! The schemas of built-in kinds are left out: who needs them has them, and half of a schema is worse than none.
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use super::crd;
use super::kinds::{KindInfo, api_version};
use super::router::json_response;
use super::status::Status;
use super::world::World;
use crate::model::Json;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Tells whether a path is one of the documents'.
pub(super) fn is_path(path: &str) -> bool {
    path == "/openapi" || path.starts_with("/openapi/")
}

/// Answers a request for documents; nothing where the path is none of the documents'.
pub(super) fn answer(world: &World, path: &str) -> Option<Response> {
    let rest = path.strip_prefix("/openapi")?;
    if rest == "/v3" {
        return Some(json_response(StatusCode::OK, &index(world)));
    }
    if rest == "/v2" || rest.starts_with("/v2/") {
        return Some(Status::not_implemented("the sandbox has OpenAPI v3 only").into_response());
    }
    let mut parts = rest.strip_prefix("/v3/")?.split('/');
    let (group, version) = match (parts.next()?, parts.next()?, parts.next()) {
        ("api", version, None) => ("", version),
        ("apis", group, Some(version)) => (group, version),
        _ => return Some(Status::no_such_path().into_response()),
    };
    Some(match document(world, group, version) {
        Some(document) => json_response(StatusCode::OK, &document),
        None => Status::no_such_path().into_response(),
    })
}

fn index(world: &World) -> Json {
    let mut paths = Map::new();
    for (group, versions) in world.kinds.groups() {
        for version in versions {
            let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
            // The hash lets clients keep a document until it changes.
            let text = document(world, group, version).map(|document| document.to_string()).unwrap_or_default();
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()));
            paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}));
        }
    }
    json!({"paths": paths})
}

fn document(world: &World, group: &str, version: &str) -> Option<Json> {
    let kinds: Vec<&KindInfo> =
        world.kinds.iter().map(AsRef::as_ref).filter(|info| info.group == group && info.version == version).collect();
    if kinds.is_empty() {
        return None;
    }
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for info in kinds {
        add_paths(info, &mut paths);
        if let Some(schema) = crd::version(world, info).and_then(|version| version.pointer("/schema/openAPIV3Schema")) {
            schemas.insert(schema_name(info), custom_schema(info, schema));
        }
    }
    if !schemas.is_empty() {
        add_metadata(&mut schemas);
    }
    let title = format!("rayform sandbox: {}", api_version(group, version));
    Some(json!({"openapi": "3.0.0", "info": {"title": title, "version": "v1"},
        "paths": paths, "components": {"schemas": schemas}}))
}

/// Returns `io.ray.v1.RayCluster` for a kind of `ray.io`.
fn schema_name(info: &KindInfo) -> String {
    let reversed: Vec<&str> = info.group.rsplit('.').collect();
    format!("{}.{}.{}", reversed.join("."), info.version, info.kind)
}

fn custom_schema(info: &KindInfo, schema: &Json) -> Json {
    let mut schema = schema.clone();
    let common = [
        ("apiVersion", json!({"type": "string"})),
        ("kind", json!({"type": "string"})),
        ("metadata", json!({"allOf": [{"$ref": format!("#/components/schemas/{META}ObjectMeta")}]})),
    ];
    for (name, property) in common {
        super::json::set(&mut schema, &["properties", name], property);
    }
    schema["x-kubernetes-group-version-kind"] =
        json!([{"group": info.group, "version": info.version, "kind": info.kind}]);
    schema
}

/// Adds what the metadata of custom resources refers to.
fn add_metadata(schemas: &mut Map<String, Json>) {
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    let texts = json!({"type": "object", "additionalProperties": {"type": "string", "default": ""}});
    let reference =
        |name: &str| json!({"allOf": [{"$ref": format!("#/components/schemas/{META}{name}")}], "default": {}});
    schemas.insert(format!("{META}ObjectMeta"), json!({"type": "object", "properties": {
        "name": text, "generateName": text, "namespace": text, "uid": text, "resourceVersion": text, "selfLink": text,
        "creationTimestamp": time, "deletionTimestamp": time,
        "generation": {"type": "integer", "format": "int64"},
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64"},
        "labels": texts, "annotations": texts,
        "finalizers": {"type": "array", "items": {"type": "string", "default": ""}, "x-kubernetes-list-type": "set"},
        "ownerReferences": {"type": "array", "items": reference("OwnerReference"),
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"]},
        "managedFields": {"type": "array", "items": reference("ManagedFieldsEntry"), "x-kubernetes-list-type": "atomic"},
    }}));
    schemas.insert(
        format!("{META}OwnerReference"),
        json!({"type": "object", "x-kubernetes-map-type": "atomic",
        "required": ["apiVersion", "kind", "name", "uid"], "properties": {
            "apiVersion": text, "kind": text, "name": text, "uid": text,
            "controller": {"type": "boolean"}, "blockOwnerDeletion": {"type": "boolean"}}}),
    );
    schemas.insert(
        format!("{META}ManagedFieldsEntry"),
        json!({"type": "object", "properties": {
        "apiVersion": text, "fieldsType": text, "fieldsV1": {"type": "object"}, "manager": text, "operation": text,
        "subresource": text, "time": time}}),
    );
}

/// Adds the paths of a kind; clients look there for the parameter `fieldValidation`.
fn add_paths(info: &KindInfo, paths: &mut Map<String, Json>) {
    let root = if info.group.is_empty() { "/api" } else { "/apis" };
    let base = format!("{root}/{}", api_version(&info.group, &info.version));
    let scope = if info.namespaced { "/namespaces/{namespace}" } else { "" };
    let kind = json!({"group": info.group, "version": info.version, "kind": info.kind});
    let operation = |action: &str, parameters: &[&str]| {
        let parameters: Vec<Json> = parameters
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
            .collect();
        json!({"x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind, "parameters": parameters,
               "responses": {"200": {"description": "OK"}}})
    };
    let writing = ["dryRun", "fieldManager", "fieldValidation"];
    let collection = json!({"get": operation("list", &["labelSelector"]), "post": operation("post", &writing)});
    let patching = ["dryRun", "fieldManager", "fieldValidation", "force"];
    let object = json!({"get": operation("get", &[]), "put": operation("put", &writing),
        "patch": operation("patch", &patching), "delete": operation("delete", &["dryRun"])});
    paths.insert(format!("{base}{scope}/{}", info.plural), collection);
    paths.insert(format!("{base}{scope}/{}/{{name}}", info.plural), object);
}

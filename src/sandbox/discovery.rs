//! Discovery: which groups, versions and kinds there are, in the aggregated form and in the old one.
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::kinds::{KindInfo, api_version};
use super::request::accept;
use super::router::{json_response, typed_response};
use super::status::Status;
use super::world::World;
use crate::model::Json;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// The Kubernetes version that the sandbox plays.
pub(super) const VERSION: (&str, &str) = ("1", "36");

/// Tells whether a path is one of discovery's, whatever is there.
pub(super) fn is_path(path: &str) -> bool {
    matches!(path, "" | "/api" | "/apis" | "/version" | "/healthz" | "/readyz" | "/livez")
}

/// Answers a request for what is served; nothing where the path is none of discovery's.
pub(super) fn answer(world: &World, path: &str, headers: &HeaderMap) -> Option<Response> {
    let aggregated = accept(headers).contains("as=APIGroupDiscoveryList");
    Some(match path {
        "" => json_response(StatusCode::OK, &json!({"paths": ["/api", "/api/v1", "/apis", "/openapi/v3", "/version"]})),
        "/version" => json_response(StatusCode::OK, &version()),
        "/healthz" | "/readyz" | "/livez" => {
            typed_response(StatusCode::OK, "text/plain; charset=utf-8", "ok".to_owned())
        }
        "/api" if aggregated => typed_response(StatusCode::OK, AGGREGATED, group_list(world, true).to_string()),
        "/apis" if aggregated => typed_response(StatusCode::OK, AGGREGATED, group_list(world, false).to_string()),
        "/api" => json_response(
            StatusCode::OK,
            &json!({"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}]}),
        ),
        "/apis" => json_response(StatusCode::OK, &groups(world)),
        _ => return old_form(world, path),
    })
}

fn version() -> Json {
    let (major, minor) = VERSION;
    json!({
        "major": major, "minor": minor, "gitVersion": format!("v{major}.{minor}.0+rayform-sandbox"),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "", "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// Answers `/api/v1`, `/apis/<group>` and `/apis/<group>/<version>`.
fn old_form(world: &World, path: &str) -> Option<Response> {
    let mut parts = path.trim_start_matches('/').split('/');
    let (root, first, second) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let (group, version) = match (root, second) {
        ("api", None) => ("", first),
        ("apis", Some(version)) => (first, version),
        ("apis", None) => {
            let groups = groups(world);
            let group = groups["groups"].as_array()?.iter().find(|group| group["name"] == first);
            let missing = || Status::no_such_path().into_response();
            return Some(group.map_or_else(missing, |group| {
                let mut group = group.clone();
                group["kind"] = Json::from("APIGroup");
                group["apiVersion"] = Json::from("v1");
                json_response(StatusCode::OK, &group)
            }));
        }
        _ => return None,
    };
    let kinds: Vec<&KindInfo> =
        world.kinds.iter().map(AsRef::as_ref).filter(|info| info.group == group && info.version == version).collect();
    if kinds.is_empty() {
        return Some(Status::no_such_path().into_response());
    }
    let resources: Vec<Json> = kinds.into_iter().flat_map(resources).collect();
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": api_version(group, version), "resources": resources});
    Some(json_response(StatusCode::OK, &list))
}

fn groups(world: &World) -> Json {
    let groups: Vec<Json> = world
        .kinds
        .groups()
        .iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| {
            let versions: Vec<Json> = versions
                .iter()
                .map(|version| json!({"groupVersion": api_version(group, version), "version": version}))
                .collect();
            json!({"name": group, "versions": versions, "preferredVersion": versions[0]})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// Returns the lines of a kind and its subresources in the old form.
fn resources(info: &KindInfo) -> Vec<Json> {
    let mut main = json!({
        "name": info.plural, "singularName": info.singular, "namespaced": info.namespaced,
        "kind": info.kind, "verbs": info.verbs(),
    });
    add_names(&mut main, info);
    let mut lines = vec![main];
    for (name, kind, group) in subresources(info) {
        let mut line = json!({"name": format!("{}/{name}", info.plural), "singularName": "",
            "namespaced": info.namespaced, "kind": kind, "verbs": ["get", "patch", "update"]});
        if group == "autoscaling" && info.group != group {
            line["group"] = Json::from(group);
            line["version"] = Json::from("v1");
        }
        lines.push(line);
    }
    lines
}

fn add_names(json: &mut Json, info: &KindInfo) {
    if !info.short_names.is_empty() {
        json["shortNames"] = Json::from(info.short_names.clone());
    }
    if !info.categories.is_empty() {
        json["categories"] = Json::from(info.categories.clone());
    }
}

/// Returns name, kind and group of the subresources of a kind.
fn subresources(info: &KindInfo) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    if info.is("Namespace") {
        found.push(("finalize", info.kind.clone(), info.group.clone()));
    }
    if info.has_scale {
        found.push(("scale", "Scale".to_owned(), "autoscaling".to_owned()));
    }
    if info.has_status {
        found.push(("status", info.kind.clone(), info.group.clone()));
    }
    found
}

fn group_list(world: &World, is_core: bool) -> Json {
    let items: Vec<Json> = world
        .kinds
        .groups()
        .iter()
        .filter(|(group, _)| group.is_empty() == is_core)
        .map(|(group, versions)| {
            let versions: Vec<Json> = versions
                .iter()
                .map(|version| {
                    let kinds = world.kinds.iter().filter(|info| info.group == *group && info.version == *version);
                    let resources: Vec<Json> = kinds.map(|info| aggregated(info)).collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            let metadata = if is_core { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated(info: &KindInfo) -> Json {
    let response_kind = |group: &str, kind: &str| {
        let (group, version) =
            if group == "autoscaling" && info.group != group { (group, "v1") } else { (group, info.version.as_str()) };
        json!({"group": group, "version": version, "kind": kind})
    };
    let subresources: Vec<Json> = subresources(info)
        .iter()
        .map(|(name, kind, group)| {
            json!({"subresource": name, "responseKind": response_kind(group, kind), "verbs": ["get", "patch", "update"]})
        })
        .collect();
    let mut resource = json!({
        "resource": info.plural,
        "responseKind": {"group": info.group, "version": info.version, "kind": info.kind},
        "scope": if info.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": info.singular,
        "verbs": info.verbs(),
    });
    add_names(&mut resource, info);
    if !subresources.is_empty() {
        resource["subresources"] = Json::Array(subresources);
    }
    resource
}

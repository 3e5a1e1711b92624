//! Patches: JSON merge patch, JSON patch, server-side apply. Strategic merge patches are refused.
use std::sync::Arc;

use serde_json::{Map, json};

use super::get_list::existing;
use super::kinds::KindInfo;
use super::request::{WriteOptions, content_type, read_yaml};
use super::router::Call;
use super::status::{Cause, Status};
use super::world::{Key, World};
use super::write::{self, Writer, Written};
use crate::model::{Json, Object};
use crate::ssa::{self, ApplyError, Conflict, Violation};

/// How deep a merge patch may be nested.
const DEPTH: usize = 128;

/// Answers a PATCH of an object or of its status.
pub(super) fn patch(world: &mut World, call: &Call<'_>, subresource: Option<&str>) -> Result<Written, Status> {
    let options = call.parameters.write_options(call.headers, "PatchOptions")?;
    match content_type(call.headers) {
        "application/apply-patch+yaml" | "application/apply-patch+json" => apply(world, call, subresource, &options),
        "application/merge-patch+json" => {
            let patch = parse(call.body)?;
            change(world, call, subresource, &options, |object| merge(object, &patch, DEPTH))
        }
        "application/json-patch+json" => {
            let operations = parse(call.body)?;
            change(world, call, subresource, &options, |object| json_patch(object, &operations))
        }
        other => Err(refuse(call.info, other)),
    }
}

/// Refuses a kind of patch that is not understood.
pub(super) fn refuse(info: &KindInfo, media_type: &str) -> Status {
    if media_type == "application/strategic-merge-patch+json" && !info.is_custom() {
        return Status::unsupported_media_type(
            "the sandbox does not speak strategic merge patches: \
             use `kubectl patch --type merge`, `--type json`, or `kubectl apply --server-side`",
        );
    }
    Status::unsupported_media_type(
        "the body of the request was in an unknown format - accepted media types include: \
         application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    )
}

fn parse(body: &[u8]) -> Result<Json, Status> {
    serde_json::from_slice(body).map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))
}

fn change(
    world: &mut World,
    call: &Call<'_>,
    subresource: Option<&str>,
    options: &WriteOptions,
    patch: impl FnOnce(&mut Json) -> Result<(), Status>,
) -> Result<Written, Status> {
    let live = existing(world, call)?;
    let mut object = live.json().clone();
    patch(&mut object)?;
    check_identity(&live, &object)?;
    let warnings = write::check_fields(world, call.info, &mut object, options)?;
    let writer = Writer { manager: &options.manager, subresource, dry_run: options.dry_run, is_apply: false };
    let object = write::update(world, call.info, &live, object, writer)?;
    Ok(Written { object, created: false, warnings })
}

/// A patch changes neither kind nor name.
fn check_identity(live: &Object, object: &Json) -> Result<(), Status> {
    for (pointer, field) in [("/kind", "kind"), ("/metadata/name", "name"), ("/metadata/namespace", "namespace")] {
        let (before, after) = (live.pointer(pointer), object.pointer(pointer));
        if before != after {
            let show = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or_default().to_owned();
            let message = format!(
                "the {field} of the object ({}) does not match the {field} on the URL ({})",
                show(after),
                show(before)
            );
            return Err(Status::bad_request(message));
        }
    }
    Ok(())
}

fn apply(
    world: &mut World,
    call: &Call<'_>,
    subresource: Option<&str>,
    options: &WriteOptions,
) -> Result<Written, Status> {
    let info = call.info;
    if call.parameters.get("fieldManager").is_none() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &[cause]));
    }
    if let Some(subresource) = subresource {
        let message = format!("the sandbox applies whole objects only: write `{subresource}` by a merge patch");
        return Err(Status::not_implemented(message));
    }
    let mut body = read_yaml(call.body)?;
    check_applied(&mut body, call)?;
    let name = call.target.name.as_deref().unwrap_or_default();
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    let live = world.get(&Key::of(info, namespace, name)).cloned();
    body["apiVersion"] = Json::from(info.stored_api_version());
    let config = Object::new(body.clone()).map_err(|error| Status::bad_request(error.to_string()))?;
    let object = merged(world, call, live.as_ref(), &config, options)?;
    let writer = Writer { manager: &options.manager, subresource, dry_run: options.dry_run, is_apply: true };
    let (object, created) = match &live {
        Some(live) => {
            let mut object = object;
            for field in ["resourceVersion", "uid"] {
                if let Some(asked) = body["metadata"].get(field) {
                    object["metadata"][field] = asked.clone();
                }
            }
            (write::update(world, info, live, object, writer)?, false)
        }
        None => (write::create(world, info, namespace, object, writer)?, true),
    };
    Ok(Written { object, created, warnings: Vec::new() })
}

/// Checks what is applied before it is merged.
fn check_applied(body: &mut Json, call: &Call<'_>) -> Result<(), Status> {
    let api_version = super::json::text(body, "/apiVersion");
    if api_version != call.info.api_version() || super::json::text(body, "/kind") != call.info.kind {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = super::json::text(body, "/kind");
        return Err(Status::bad_request(format!("invalid object type: {group}/{version}, Kind={kind}")));
    }
    write::check_namespace(body, call)?;
    write::check_name(body, call)?;
    if body.pointer("/metadata/managedFields").is_some_and(|entries| !entries.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}

fn merged(
    world: &World,
    call: &Call<'_>,
    live: Option<&Arc<Object>>,
    config: &Object,
    options: &WriteOptions,
) -> Result<Json, Status> {
    let info = call.info;
    let schema = write::schema(world, info).ok_or_else(|| {
        Status::not_implemented(format!("the sandbox has no merge schema for {}", info.stored_kind()))
    })?;
    let violations = ssa::violations(config, schema);
    if !violations.is_empty() {
        return Err(invalid(call, &violations));
    }
    let live = live.map(AsRef::as_ref);
    let applied = ssa::apply(live, config, schema, &options.manager, options.force, &world.time());
    let applied = applied.map_err(|error| match error {
        ApplyError::Conflicts(conflicts) => Status::apply_conflicts(&describe(&conflicts, info)),
        ApplyError::Invalid { path, message } => invalid(call, &[Violation { path, message }]),
    })?;
    Ok(applied.object.into_json())
}

/// Words the refusal of an object that does not fit the schema. The real server answers 500 without a reason.
fn invalid(call: &Call<'_>, violations: &[Violation]) -> Status {
    let name = call.target.name.as_deref().unwrap_or_default();
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    let kind = format!("{}/{}, Kind={}", call.info.group, call.info.version, call.info.kind);
    let texts: Vec<String> = violations.iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
    let why = if texts.len() == 1 { texts.concat() } else { format!("errors:\n  {}", texts.join("\n  ")) };
    Status::schema_error(format!("failed to create typed patch object ({namespace}/{name}; {kind}): {why}"))
}

/// Words each conflict as the server does: who, and which field.
fn describe(conflicts: &[Conflict], info: &KindInfo) -> Vec<(String, String)> {
    conflicts
        .iter()
        .map(|conflict| {
            let owner = &conflict.owner;
            let door = owner.subresource.as_ref().map(|name| format!(" with subresource \"{name}\""));
            let is_update = owner.operation == "Update";
            let version = is_update.then(|| format!(" using {}", info.stored_api_version()));
            let time = owner.time.as_ref().filter(|_| is_update).map(|time| format!(" at {time}"));
            let parts = [Some(format!("conflict with \"{}\"", owner.manager)), door, version, time];
            let who = parts.into_iter().flatten().collect();
            (who, conflict.path.to_string())
        })
        .collect()
}

/// Merges a patch as in RFC 7396.
pub(super) fn merge(object: &mut Json, patch: &Json, depth: usize) -> Result<(), Status> {
    let Json::Object(fields) = patch else {
        *object = patch.clone();
        return Ok(());
    };
    let Some(depth) = depth.checked_sub(1) else { return Err(Status::bad_request("the patch is nested too deep")) };
    if !object.is_object() {
        *object = Json::Object(Map::new());
    }
    for (name, value) in fields {
        if let Some(object) = object.as_object_mut() {
            if value.is_null() {
                object.remove(name);
            } else {
                merge(object.entry(name.clone()).or_insert(Json::Null), value, depth)?;
            }
        }
    }
    Ok(())
}

/// Carries out the operations of RFC 6902, all or none.
pub(super) fn json_patch(object: &mut Json, operations: &Json) -> Result<(), Status> {
    let operations = operations
        .as_array()
        .ok_or_else(|| Status::bad_request("error decoding patch: a JSON patch is a list of operations"))?;
    for operation in operations {
        if !carry_out(object, operation).unwrap_or(false) {
            return Err(refused_patch(operation));
        }
    }
    Ok(())
}

fn refused_patch(operation: &Json) -> Status {
    let what = super::json::text(operation, "/op");
    let path = super::json::text(operation, "/path");
    let mut status = Status::invalid("", "", "", &[]);
    "the server rejected our request due to an error in our request".clone_into(&mut status.message);
    status.details = Some(json!({"causes": [{"reason": "FieldValueInvalid", "field": path,
        "message": format!("the operation `{what}` at `{path}` could not be carried out")}]}));
    status
}

/// Carries out one operation; `None` and `false` where it cannot be.
fn carry_out(object: &mut Json, operation: &Json) -> Option<bool> {
    let path = operation.get("path")?.as_str()?;
    let value = operation.get("value");
    Some(match operation.get("op")?.as_str()? {
        "add" => add(object, path, value?.clone()).is_some(),
        "remove" => take(object, path).is_some(),
        "replace" => {
            *object.pointer_mut(path)? = value?.clone();
            true
        }
        "move" => {
            let moved = take(object, operation.get("from")?.as_str()?)?;
            add(object, path, moved).is_some()
        }
        "copy" => {
            let copied = object.pointer(operation.get("from")?.as_str()?)?.clone();
            add(object, path, copied).is_some()
        }
        "test" => object.pointer(path) == value,
        _ => false,
    })
}

/// Splits a pointer into the parent's pointer and the last step, unescaped.
fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Json, path: &str, value: Json) -> Option<()> {
    if path.is_empty() {
        *object = value;
        return Some(());
    }
    let (parent, last) = split(path)?;
    match object.pointer_mut(parent)? {
        Json::Object(entries) => {
            entries.insert(last, value);
        }
        Json::Array(items) if last == "-" => items.push(value),
        Json::Array(items) => {
            let index: usize = last.parse().ok()?;
            if index > items.len() {
                return None;
            }
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn take(object: &mut Json, path: &str) -> Option<Json> {
    let (parent, last) = split(path)?;
    match object.pointer_mut(parent)? {
        Json::Object(entries) => entries.remove(&last),
        Json::Array(items) => {
            let index: usize = last.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_merge(mut object: Json, patch: &Json, expected: &Json) {
        merge(&mut object, patch, DEPTH).unwrap();
        assert_eq!(&object, expected);
    }

    #[test]
    fn a_merge_patch_sets_removes_and_replaces() {
        check_merge(json!({"a": "b"}), &json!({"a": "c"}), &json!({"a": "c"}));
        check_merge(json!({"a": "b", "c": 1}), &json!({"a": null}), &json!({"c": 1}));
        check_merge(json!({"a": {"b": 1}}), &json!({"a": {"c": 2}}), &json!({"a": {"b": 1, "c": 2}}));
        check_merge(json!({"a": [1, 2]}), &json!({"a": [3]}), &json!({"a": [3]}));
        check_merge(json!({"a": "text"}), &json!({"a": {"b": {"c": null}}}), &json!({"a": {"b": {}}}));
    }

    #[track_caller]
    fn check_patch(operations: &Json, expected: Option<&Json>) {
        let mut object = json!({"a": {"b": [1, 2]}, "c/d": 3});
        let done = json_patch(&mut object, operations);
        assert_eq!(done.is_ok().then_some(&object), expected);
    }

    #[test]
    fn a_json_patch_does_the_six_operations() {
        let patch = json!([{"op": "add", "path": "/a/b/-", "value": 3}, {"op": "remove", "path": "/a/b/0"}]);
        check_patch(&patch, Some(&json!({"a": {"b": [2, 3]}, "c/d": 3})));
        check_patch(
            &json!([{"op": "replace", "path": "/c~1d", "value": 4}]),
            Some(&json!({"a": {"b": [1, 2]}, "c/d": 4})),
        );
        check_patch(
            &json!([{"op": "move", "from": "/c~1d", "path": "/e"}]),
            Some(&json!({"a": {"b": [1, 2]}, "e": 3})),
        );
        check_patch(
            &json!([{"op": "copy", "from": "/c~1d", "path": "/a/b/1"}]),
            Some(&json!({"a": {"b": [1, 3, 2]}, "c/d": 3})),
        );
        check_patch(&json!([{"op": "test", "path": "/a/b/0", "value": 2}]), None);
        check_patch(&json!([{"op": "remove", "path": "/none"}]), None);
        check_patch(&json!({"op": "remove"}), None);
    }
}

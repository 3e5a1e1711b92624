//! Makes a desired object ready to be compared: marks of ours, canonical form, and what is taken over from live.
use crate::model::{Address, Carried, DesiredObject, FieldPath, Json, Object, UNKNOWN};
use crate::ssa::{self, Schema, Taken};
use crate::state::hidden;

use super::fields;

/// The label that every object of ours bears.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The annotation that says which resource an object belongs to.
pub(crate) const ADDRESS: &str = "rayform.dev/address";
/// The annotation that says which state an object belongs to.
pub(crate) const LINEAGE: &str = "rayform.dev/lineage";

/// Puts our label and annotations on an object, fixes its namespace, and brings it into canonical form.
pub(super) fn stamp(
    mut desired: DesiredObject,
    address: &Address,
    lineage: &str,
    schema: Option<&Schema>,
    is_namespaced: Option<bool>,
) -> DesiredObject {
    let mut json = desired.object.into_json();
    let mut mark = |map: &str, name: &str, value: &str| {
        fields::set(&mut json, &FieldPath::fields(&["metadata", map, name]), value.into());
    };
    mark("labels", MANAGED_BY, "rayform");
    mark("annotations", ADDRESS, &address.to_string());
    mark("annotations", LINEAGE, lineage);
    match (is_namespaced, json["metadata"].as_object_mut()) {
        (Some(true), Some(metadata)) => {
            metadata.entry("namespace").or_insert_with(|| "default".into());
        }
        (Some(false), Some(metadata)) => {
            metadata.remove("namespace");
        }
        _ => {}
    }
    // A generated value is made by apply; until then the field is not there.
    desired.generated.keys().for_each(|pointer| fields::remove_pointer(&mut json, pointer));
    // What tells objects and items of lists apart is compared as it is: a hash would be another one.
    let is_name = |pointer: &str| matches!(pointer, "/metadata/name" | "/metadata/namespace");
    let is_key = |pointer: &str| schema.is_some_and(|schema| schema.is_list_key(&json, pointer));
    desired.sensitive.retain(|pointer| !is_name(pointer) && !is_key(pointer));
    let object = Object::new(json).expect("nothing went that makes it an object");
    DesiredObject { object: ssa::canonical(object, schema), ..desired }
}

/// Takes over from the live object what another actor owns inside atomic nodes, and values made once.
///
/// A generated value that the live object does not hold stays absent.
pub(super) fn carry(desired: &mut DesiredObject, live: &Object) {
    let DesiredObject { object, carried, generated, sensitive, .. } = desired;
    if carried.is_empty() && generated.is_empty() {
        return;
    }
    object.edit(|json| {
        for field in &*carried {
            carry_field(json, live.json(), field);
        }
        for pointer in generated.keys() {
            if let Some(value) = live.pointer(pointer) {
                sensitive.insert(pointer.clone());
                set_deep(json, pointer, value.clone());
            }
        }
    });
}

/// Returns an object that was assumed from the state with hashes exchanged for the values that they stand for.
pub(super) fn reveal(assumed: &Object, desired: &DesiredObject, salt: &str) -> Object {
    let mut revealed = assumed.clone();
    revealed.edit(|json| exchange(json, desired.object.json(), &mut String::new(), salt));
    revealed
}

fn exchange(assumed: &mut Json, desired: &Json, pointer: &mut String, salt: &str) {
    let length = pointer.len();
    match assumed {
        Json::String(text) if is_hash(text) && text.as_str() == hidden(desired, pointer, salt) => {
            *assumed = desired.clone();
        }
        Json::Object(entries) => {
            for (name, value) in entries {
                if let Some(desired) = desired.get(name) {
                    pointer.push('/');
                    pointer.push_str(&fields::escape(name));
                    exchange(value, desired, pointer, salt);
                    pointer.truncate(length);
                }
            }
        }
        Json::Array(items) => {
            for (index, value) in items.iter_mut().enumerate() {
                if let Some(desired) = desired.get(index) {
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                    exchange(value, desired, pointer, salt);
                    pointer.truncate(length);
                }
            }
        }
        _ => {}
    }
}

/// Tells whether a text may be what is recorded in place of a secret.
pub(super) fn is_hash(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64)
}

/// Takes hashes out again that stood for generated values, so that apply reads them from the cluster.
pub(super) fn unhash(desired: &mut DesiredObject) {
    let DesiredObject { object, generated, .. } = desired;
    let is_hashed = |pointer: &&String| object.text(pointer).is_some_and(is_hash);
    let hashed: Vec<String> = generated.keys().filter(is_hashed).cloned().collect();
    if !hashed.is_empty() {
        object.edit(|json| hashed.iter().for_each(|pointer| fields::remove_pointer(json, pointer)));
    }
}

/// Leaves fields as they are live: what we own keeps its live value, what we do not own is not applied.
///
/// Leaving out a field that we own alone would delete it.
pub(super) fn leave_alone(desired: &mut DesiredObject, live: &Object, paths: &[FieldPath], taken: &[Taken]) {
    desired.object.edit(|json| {
        for path in paths {
            let is_taken = taken.iter().any(|taken| {
                fields::covers(live.json(), path, &taken.path) || fields::covers(live.json(), &taken.path, path)
            });
            match fields::find(live.json(), path) {
                Some(value) if !is_taken => fields::set(json, path, value.clone()),
                _ => fields::remove(json, path),
            }
        }
    });
}

/// Tells whether some text in the value is known only after apply.
pub(super) fn has_unknown(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains(UNKNOWN),
        Json::Array(items) => items.iter().any(has_unknown),
        Json::Object(entries) => entries.values().any(has_unknown),
        _ => false,
    }
}

/// Takes one field of a list's items over from the live object.
pub(super) fn carry_field(json: &mut Json, live: &Json, carried: &Carried) {
    let Some(Json::Array(items)) = json.pointer_mut(&carried.list) else { return };
    let Some(Json::Array(found)) = live.pointer(&carried.list) else { return };
    let pointer = format!("/{}", carried.field);
    for item in items {
        let twin = found.iter().find(|twin| twin.get(&carried.key) == item.get(&carried.key));
        if let Some(value) = twin.and_then(|twin| twin.pointer(&pointer)) {
            set_deep(item, &pointer, value.clone());
        }
    }
}

fn set_deep(json: &mut Json, pointer: &str, value: Json) {
    let names: Vec<String> =
        pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    fields::set(json, &FieldPath::fields(&names), value);
}

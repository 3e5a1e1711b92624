//! Makes a desired object ready to be compared: marks of ours, canonical form, and what is taken over from live.
use std::collections::BTreeMap;

use crate::model::{
    Address, Carried, DesiredObject, FieldPath, Generated, Json, Object, ServedKind, UNKNOWN, salted_hash,
};
use crate::ssa::{self, Schema, Taken};

use super::fields;

/// The label that every object of ours bears.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The annotation that says which resource an object belongs to.
pub(crate) const ADDRESS: &str = "rayform.dev/address";
/// The annotation that says which state an object belongs to.
pub(crate) const LINEAGE: &str = "rayform.dev/lineage";

/// Puts our label and annotations on an object, fixes its namespace, and brings it into canonical form.
pub(super) fn stamp(
    desired: &mut DesiredObject,
    address: &Address,
    lineage: &str,
    schema: Option<&Schema>,
    served: Option<&ServedKind>,
) {
    fields::edit(&mut desired.object, |json| {
        let mark = |json: &mut Json, map: &str, name: &str, value: &str| {
            fields::set(json, &FieldPath::fields(&["metadata", map, name]), value.into());
        };
        mark(json, "labels", MANAGED_BY, "rayform");
        mark(json, "annotations", ADDRESS, &address.to_string());
        mark(json, "annotations", LINEAGE, lineage);
        match (served.map(|served| served.namespaced), json["metadata"].as_object_mut()) {
            (Some(true), Some(metadata)) => {
                metadata.entry("namespace").or_insert_with(|| "default".into());
            }
            (Some(false), Some(metadata)) => {
                metadata.remove("namespace");
            }
            _ => {}
        }
        // A generated value is made by apply; until then the field is not there.
        for pointer in desired.generated.keys() {
            if let Some((parent, token)) = pointer.rsplit_once('/')
                && let Some(Json::Object(entries)) = json.pointer_mut(parent)
            {
                entries.remove(token);
            }
        }
    });
    desired.object = ssa::canonical(&desired.object, schema);
}

/// Takes over from the live object what another actor owns inside atomic nodes, and values made once.
pub(super) fn carry(desired: &mut DesiredObject, live: &Object) {
    let DesiredObject { object, carried, generated, sensitive, .. } = desired;
    if carried.is_empty() && generated.is_empty() {
        return;
    }
    fields::edit(object, |json| {
        for field in &*carried {
            carry_field(json, live.json(), field);
        }
        generated.retain(|pointer, _| {
            let found = live.pointer(pointer);
            if let Some(value) = found {
                sensitive.insert(pointer.clone());
                set_deep(json, pointer, value.clone());
            }
            found.is_none()
        });
    });
}

/// Returns the live object with hashes exchanged for the values that they stand for.
///
/// An object that was assumed from the state has hashes where a Secret has its payload.
pub(super) fn reveal(live: &Object, desired: &DesiredObject, salt: &str) -> Object {
    let mut revealed = live.clone();
    if live.kind().kind == "Secret" {
        fields::edit(&mut revealed, |json| {
            let Some(Json::Object(data)) = json.get_mut("data") else { return };
            for (name, value) in data {
                let wanted = desired.object.json().get("data").and_then(|data| data.get(name)).and_then(Json::as_str);
                if let Some(text) = wanted
                    && value.as_str() == Some(salted_hash(salt, text).as_str())
                {
                    *value = text.into();
                }
            }
        });
    }
    revealed
}

/// Takes hashes out again that stood for generated values, so that apply reads them from the cluster.
pub(super) fn unhash(desired: &mut DesiredObject, generated: &BTreeMap<String, Generated>) {
    for (pointer, rule) in generated {
        let is_hash = |value: &Json| value.as_str().is_some_and(|text| text.starts_with("sha256:"));
        if desired.object.pointer(pointer).is_some_and(is_hash) {
            fields::edit(&mut desired.object, |json| {
                if let Some((parent, token)) = pointer.rsplit_once('/')
                    && let Some(Json::Object(entries)) = json.pointer_mut(parent)
                {
                    entries.remove(token);
                }
            });
            desired.generated.insert(pointer.clone(), rule.clone());
        }
    }
}

/// Leaves fields as they are live: what we own keeps its live value, what we do not own is not applied.
///
/// Leaving out a field that we own alone would delete it.
pub(super) fn leave_alone(desired: &mut DesiredObject, live: &Object, paths: &[FieldPath], taken: &[Taken]) {
    fields::edit(&mut desired.object, |json| {
        for path in paths {
            let is_taken = taken.iter().any(|taken| path.covers(&taken.path) || taken.path.covers(path));
            match fields::find(live.json(), path) {
                Some(value) if !is_taken => fields::set(json, path, value.clone()),
                _ => fields::remove(json, path),
            }
        }
    });
}

/// Tells whether some text in the value is known only after apply.
pub(crate) fn has_unknown(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains(UNKNOWN),
        Json::Array(items) => items.iter().any(has_unknown),
        Json::Object(entries) => entries.values().any(has_unknown),
        _ => false,
    }
}

fn carry_field(json: &mut Json, live: &Json, carried: &Carried) {
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

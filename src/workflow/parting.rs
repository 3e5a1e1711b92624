//! Ends the shared ownership of fields with those who made an adopted object by hand. Pure.
//!
//! The same need as in <https://kubernetes.io/docs/reference/using-api/server-side-apply/#upgrading-from-client-side-apply-to-server-side-apply>,
//! but values are never touched: only fields that we apply ourselves change hands.
use serde_json::json;

use crate::model::{FIELD_MANAGER, Json, Object};
use crate::plan::is_maker;
use crate::ssa;

/// Returns the JSON patch that takes from the makers what we apply ourselves; none where they share nothing.
pub(super) fn parting(live: &Object) -> Option<Json> {
    let version = live.resource_version()?;
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let is_ours = |entry: &&Json| entry["manager"] == FIELD_MANAGER && entry["operation"] == "Apply";
    let ours = entries.iter().find(is_ours)?.get("fieldsV1")?;
    let mut changed = false;
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut entry = entry.clone();
        if is_of_maker(&entry)
            && let Some(fields) = entry.get_mut("fieldsV1")
        {
            changed |= subtract(fields, ours);
        }
        if entry.get("fieldsV1").is_none_or(|fields| *fields != json!({})) {
            kept.push(entry);
        }
    }
    changed.then(|| {
        json!([
            { "op": "replace", "path": "/metadata/managedFields", "value": kept },
            { "op": "replace", "path": "/metadata/resourceVersion", "value": version },
        ])
    })
}

/// Returns the JSON patch that makes the fields of client-side appliers ours; none where there are none.
pub(super) fn migration(live: &Object) -> Option<Json> {
    let version = live.resource_version()?;
    let migrated = ssa::migrated(live, FIELD_MANAGER)?;
    let entries = migrated.pointer("/metadata/managedFields")?;
    Some(json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": entries },
        { "op": "replace", "path": "/metadata/resourceVersion", "value": version },
    ]))
}

fn is_of_maker(entry: &Json) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    entry["operation"] == "Update" && entry.get("subresource").is_none() && is_maker(manager)
}

/// Takes the leaves of `ours` out of `theirs`, and what is empty then; tells whether anything was taken.
fn subtract(theirs: &mut Json, ours: &Json) -> bool {
    let (Some(theirs), Some(ours)) = (theirs.as_object_mut(), ours.as_object()) else { return false };
    let mut taken = false;
    for (name, below) in ours {
        let is_leaf = below.as_object().is_some_and(serde_json::Map::is_empty);
        let Some(shared) = theirs.get_mut(name) else { continue };
        if is_leaf {
            // What they own deeper inside of it stays theirs.
            if shared.as_object().is_some_and(serde_json::Map::is_empty) {
                theirs.remove(name);
                taken = true;
            }
        } else if subtract(shared, below) {
            taken = true;
            if *shared == json!({}) {
                theirs.remove(name);
            }
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(manager: &str, theirs: &Json) -> Object {
        let ours = json!({ "f:data": { "f:a": {}, "f:b": {} } });
        let metadata = json!({ "name": "x", "resourceVersion": "5", "managedFields": [
            { "manager": "rayform", "operation": "Apply", "fieldsV1": ours },
            { "manager": manager, "operation": "Update", "fieldsV1": theirs },
        ]});
        Object::new(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata })).expect("an object")
    }

    #[test]
    fn shared_fields_become_ours_alone_and_others_stay_theirs() {
        let theirs = json!({ "f:data": { ".": {}, "f:a": {}, "f:c": {} } });
        let patch = parting(&live("kubectl-client-side-apply", &theirs)).expect("a patch");
        assert_eq!(patch[0]["value"][1]["fieldsV1"], json!({ "f:data": { ".": {}, "f:c": {} } }));
        assert_eq!(patch[1]["value"], "5");
    }

    #[test]
    fn a_maker_who_owns_nothing_else_is_gone() {
        let patch = parting(&live("helm", &json!({ "f:data": { "f:a": {} } }))).expect("a patch");
        assert_eq!(patch[0]["value"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn controllers_and_strangers_keep_what_they_share() {
        assert_eq!(parting(&live("kube-controller-manager", &json!({ "f:data": { "f:a": {} } }))), None);
        assert_eq!(parting(&live("helm", &json!({ "f:data": { "f:c": {} } }))), None);
    }
}

//! Applies and updates whole objects, `managedFields` included, as the API server does.
use serde_json::json;

use super::fields::FieldSet;
use super::managed::{Managed, ManagerId};
use super::owners::{self, Context};
use super::schema::{Origin, Schema, Shape, Type, equal, is_shallow};
use super::typed::{Violation, validate};
use crate::model::{FieldPath, Json, Object, Owner};

/// Owns what was there before the first apply to an object that nobody had recorded.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The result of an apply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Applied {
    /// With its new `managedFields`.
    pub object: Object,
    /// False: nothing changed, `managedFields` included.
    pub changed: bool,
}

/// A field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub path: FieldPath,
    pub owner: Owner,
}

/// Says why an apply is refused.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(crate) enum ApplyError {
    #[error("{} fields belong to others", .0.len())]
    Conflicts(Vec<Conflict>),
    /// Unknown field, wrong type, duplicate keys: `(path, message)` as the server words it.
    #[error("{path}: {message}")]
    Invalid { path: FieldPath, message: String },
}

/// Applies `config` over `live` as the server does, `managedFields` included. `now` is RFC 3339.
pub(crate) fn apply(
    live: Option<&Object>,
    config: &Object,
    schema: &Schema,
    manager: &str,
    force: bool,
    now: &str,
) -> Result<Applied, ApplyError> {
    let ignored = ignored(schema, None);
    let context = Context { of: schema.root(), ignored: &ignored };
    let config_json = applicable(config, schema)?;
    let api_version = config.kind().api_version();

    let live_json = live.map_or_else(|| json!({}), |live| without_managed_fields(live.json()));
    let before = live.map_or_else(Managed::default, |live| Managed::read(live.json()));
    let mut after = before.clone();
    if live.is_some() && after.is_empty() {
        let mut nobody = after.owners();
        let written =
            owners::update(context, &typed(json!({}), schema), &typed(live_json.clone(), schema), &mut nobody);
        after.add(&ManagerId::update(BEFORE_FIRST_APPLY, &api_version, None), &written, &api_version, now);
    }

    let id = ManagerId::apply(manager);
    let mut owners = after.owners();
    let new = owners::apply(context, &live_json, &config_json, &mut owners, &id, force)
        .map_err(|taking| conflicts(&taking, &after))?
        .map(|new| settled(new, schema))
        .filter(|new| !equal(new, &settled(live_json.clone(), schema)));
    let fields = owners.get(&id).cloned().unwrap_or_default();
    after.set_owners(owners);
    after.set(&id, &fields, &api_version, new.is_some().then_some(now));
    Ok(finish(live, new, live_json, &before, &after))
}

/// Records an update (create, put, patch) of `live` to `new` by a manager; returns `new` with `managedFields`.
pub(crate) fn update(
    live: Option<&Object>,
    new: &Object,
    schema: &Schema,
    manager: &str,
    subresource: Option<&str>,
    now: &str,
) -> Object {
    let ignored = ignored(schema, subresource);
    let context = Context { of: schema.root(), ignored: &ignored };
    let mut object = without_managed_fields(new.json());
    let given = Managed::read(new.json());
    let mut entries = match live {
        Some(_) if is_reset(new.json()) => Managed::default(),
        Some(live) if given.is_empty() => Managed::read(live.json()),
        _ => given,
    };
    // An object that nobody recorded when it was made stays unrecorded until its first apply.
    if live.is_none() || !entries.is_empty() {
        let old = live.map_or_else(|| json!({}), |live| without_managed_fields(live.json()));
        let mut owners = entries.owners();
        let written = owners::update(context, &typed(old, schema), &typed(object.clone(), schema), &mut owners);
        entries.set_owners(owners);
        let api_version = new.kind().api_version();
        entries.add(&ManagerId::update(manager, &api_version, subresource), &written, &api_version, now);
    }
    entries.write(&mut object);
    whole(object)
}

/// Returns everything that the schema does not allow in an object, as the server words it; `apply` tells the first.
pub(crate) fn violations(object: &Object, schema: &Schema) -> Vec<Violation> {
    if !is_shallow(object.json()) {
        return vec![Violation { path: FieldPath::default(), message: "nested too deep".to_owned() }];
    }
    validate(&without_managed_fields(object.json()), schema.root())
}

/// Checks what is applied, and leaves out what only the status may set.
fn applicable(config: &Object, schema: &Schema) -> Result<Json, ApplyError> {
    if let Some(Violation { path, message }) = violations(config, schema).into_iter().next() {
        return Err(ApplyError::Invalid { path, message });
    }
    let mut json = without_managed_fields(config.json());
    if schema.has_status
        && let Some(entries) = json.as_object_mut()
    {
        entries.remove("status");
    }
    Ok(json)
}

fn finish(live: Option<&Object>, new: Option<Json>, live_json: Json, before: &Managed, managed: &Managed) -> Applied {
    match (live, new) {
        (Some(live), None) if managed.is_same(before) => Applied { object: live.clone(), changed: false },
        (_, new) => {
            let mut json = new.unwrap_or(live_json);
            managed.write(&mut json);
            Applied { object: whole(json), changed: true }
        }
    }
}

/// Returns the value as a Go type holds it: a null is a struct without fields, or it is not there.
fn settled(mut value: Json, schema: &Schema) -> Json {
    fn settle(value: &mut Json, of: Type<'_>) {
        match (of.shape(Some(&*value)), value) {
            (Shape::Map(map), Json::Object(entries)) if !map.is_atomic => {
                for (name, field) in &map.fields {
                    if let (Some(Json::Object(_)), Some(entry @ Json::Null)) = (&field.kept, entries.get_mut(name)) {
                        *entry = json!({});
                    }
                }
                entries.retain(|_, entry| !entry.is_null());
                for (name, entry) in entries {
                    if let Some(of) = of.entry(map, name) {
                        settle(entry, of);
                    }
                }
            }
            (Shape::List(list), Json::Array(items)) if !list.is_atomic() => {
                for item in items {
                    settle(item, of.at(list.item));
                }
            }
            _ => {}
        }
    }
    if schema.origin == Origin::BuiltIn {
        settle(&mut value, schema.root());
    }
    value
}

fn conflicts(taking: &owners::Taking<ManagerId>, managed: &Managed) -> ApplyError {
    let of_one = |(id, fields): (&ManagerId, &FieldSet)| -> Vec<Conflict> {
        fields.paths().into_iter().map(|path| Conflict { path, owner: managed.owner(id) }).collect()
    };
    ApplyError::Conflicts(taking.iter().flat_map(of_one).collect())
}

/// The object itself and its status are written apart, where the kind has the subresource.
fn ignored(schema: &Schema, subresource: Option<&str>) -> FieldSet {
    match subresource {
        None if schema.has_status => FieldSet::from_json(&json!({"f:status": {}})),
        Some("status") => FieldSet::from_json(&json!({"f:spec": {}})),
        _ => FieldSet::default(),
    }
}

/// Returns the value as a Go type holds it, with the zero values of what is no pointer; they are nobody's addition.
fn typed(mut value: Json, schema: &Schema) -> Json {
    fn fill(value: &mut Json, of: Type<'_>) {
        match (of.shape(Some(&*value)), value) {
            (Shape::Map(map), Json::Object(entries)) if !map.is_atomic => {
                let kept = map.fields.iter().filter_map(|(name, field)| Some((name, field.kept.as_ref()?)));
                for (name, kept) in kept {
                    let entry = entries.entry(name.clone()).or_insert(Json::Null);
                    if entry.is_null() {
                        *entry = kept.clone();
                    }
                }
                for (name, entry) in entries {
                    if let Some(of) = of.entry(map, name) {
                        fill(entry, of);
                    }
                }
            }
            (Shape::List(list), Json::Array(items)) if !list.is_atomic() => {
                for item in items {
                    fill(item, of.at(list.item));
                }
            }
            _ => {}
        }
    }
    if schema.origin == Origin::BuiltIn {
        fill(&mut value, schema.root());
    }
    value
}

/// `managedFields: [{}]` asks to forget who owns what.
fn is_reset(object: &Json) -> bool {
    object.pointer("/metadata/managedFields").is_some_and(|entries| equal(entries, &json!([{}])))
}

fn without_managed_fields(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

fn whole(json: Json) -> Object {
    Object::new(json).expect("a merge keeps what the applied object has, its kind and name included")
}

#[cfg(test)]
mod tests {
    use super::super::Schemas;
    use super::*;
    use crate::model::Kind;

    fn schema() -> Schema {
        Schemas::built_in().of(&Kind::new("v1", "ConfigMap")).unwrap().clone()
    }

    fn object(data: &Json) -> Object {
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data})).unwrap()
    }

    fn apply_as(live: Option<&Object>, data: &Json, manager: &str, now: &str) -> Result<Applied, ApplyError> {
        apply(live, &object(data), &schema(), manager, false, now)
    }

    /// Each entry as `manager operation time`.
    fn entries(object: &Object) -> Vec<String> {
        let entry = |entry: &Json| {
            let text = |field: &str| entry[field].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", text("manager"), text("operation"), text("time"))
        };
        object.pointer("/metadata/managedFields").and_then(Json::as_array).into_iter().flatten().map(entry).collect()
    }

    #[test]
    fn a_second_apply_keeps_the_object_and_the_time() {
        let live = apply_as(None, &json!({"a": "1"}), "rayform", "2026-01-01T00:00:00Z").unwrap().object;
        let again = apply_as(Some(&live), &json!({"a": "1"}), "rayform", "2026-01-02T00:00:00Z").unwrap();
        assert_eq!(again, Applied { object: live, changed: false });
    }

    #[test]
    fn who_only_joins_has_no_time() {
        let live = apply_as(None, &json!({"a": "1"}), "rayform", "2026-01-01T00:00:00Z").unwrap().object;
        let joined = apply_as(Some(&live), &json!({"a": "1"}), "other", "2026-01-02T00:00:00Z").unwrap();
        assert!(joined.changed);
        assert_eq!(entries(&joined.object), ["other Apply -", "rayform Apply 2026-01-01T00:00:00Z"]);
    }

    #[test]
    fn a_conflict_names_the_owner() {
        let live = apply_as(None, &json!({"a": "1"}), "rayform", "2026-01-01T00:00:00Z").unwrap().object;
        let live = update(Some(&live), &object(&json!({"a": "2"})), &schema(), "edit", None, "2026-01-02T00:00:00Z");
        let error = apply_as(Some(&live), &json!({"a": "1"}), "rayform", "2026-01-03T00:00:00Z").unwrap_err();
        let ApplyError::Conflicts(conflicts) = error else { panic!("{error}") };
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].path.to_string(), ".data.a");
        assert_eq!(conflicts[0].owner.to_string(), "edit (Update) at 2026-01-02T00:00:00Z");
    }

    #[test]
    fn what_nobody_recorded_was_there_before() {
        let live = object(&json!({"a": "1"}));
        assert_eq!(entries(&update(Some(&live), &live, &schema(), "edit", None, "2026-01-01T00:00:00Z")), [""; 0]);
        let applied = apply_as(Some(&live), &json!({"b": "2"}), "rayform", "2026-01-02T00:00:00Z").unwrap().object;
        assert_eq!(
            entries(&applied),
            ["rayform Apply 2026-01-02T00:00:00Z", "before-first-apply Update 2026-01-02T00:00:00Z"]
        );
        assert_eq!(applied.pointer("/data"), Some(&json!({"a": "1", "b": "2"})));
    }

    #[test]
    fn the_oldest_of_many_updaters_are_joined() {
        let mut live: Option<Object> = None;
        for number in 10..25 {
            let mut data = live.as_ref().map_or_else(|| json!({}), |live| live.pointer("/data").unwrap().clone());
            data[format!("k{number}")] = "x".into();
            let (manager, now) = (format!("m{number}"), format!("2026-01-{number}T00:00:00Z"));
            live = Some(update(live.as_ref(), &object(&data), &schema(), &manager, None, &now));
        }
        let entries = entries(&live.unwrap());
        assert_eq!(entries.len(), 10);
        assert_eq!(entries[0], "ancient-changes Update 2026-01-15T00:00:00Z");
        assert_eq!(entries[1], "m16 Update 2026-01-16T00:00:00Z");
    }

    #[test]
    fn managed_fields_can_be_reset() {
        let live = apply_as(None, &json!({"a": "1"}), "rayform", "2026-01-01T00:00:00Z").unwrap().object;
        let mut json = object(&json!({"a": "1"})).into_json();
        json["metadata"]["managedFields"] = json!([{}]);
        let reset = update(Some(&live), &Object::new(json).unwrap(), &schema(), "edit", None, "2026-01-02T00:00:00Z");
        assert_eq!(entries(&reset), [""; 0]);
    }

    #[test]
    fn the_status_belongs_to_its_subresource() {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "Pod")).unwrap();
        let pod = |status: Json| {
            let metadata = json!({"name": "p", "labels": {"a": "b"}});
            Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})).unwrap()
        };
        let config = pod(json!({"phase": "Running"}));
        let live = apply(None, &config, schema, "rayform", false, "2026-01-01T00:00:00Z").unwrap().object;
        assert_eq!(live.pointer("/status"), None);
        let live = update(Some(&live), &config, schema, "kubelet", Some("status"), "2026-01-02T00:00:00Z");
        assert_eq!(entries(&live), ["rayform Apply 2026-01-01T00:00:00Z", "kubelet Update 2026-01-02T00:00:00Z"]);
        assert_eq!(live.pointer("/metadata/managedFields/1/subresource"), Some(&json!("status")));
        assert_eq!(live.pointer("/metadata/managedFields/1/fieldsV1"), Some(&json!({"f:status": {"f:phase": {}}})));
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let deep = (0..500).fold(json!(1), |inner, _| json!([inner]));
        let error = apply_as(None, &json!({"a": deep}), "rayform", "2026-01-01T00:00:00Z").unwrap_err();
        assert_eq!(error.to_string(), ": nested too deep");
    }
}

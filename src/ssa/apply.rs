//! Applies and updates whole objects, `managedFields` included, as the API server does.
use serde_json::json;

use super::fields::FieldSet;
use super::managed::{Managed, ManagerId};
use super::owners::{self, Context};
use super::schema::{Node, Origin, Schema, Shape, Type, equal, is_shallow};
use super::typed::validate;
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
    let mut managed = before.clone();
    if live.is_some() && managed.is_empty() {
        let mut nobody = managed.owners();
        let written = owners::update(context, &blank(schema), &live_json, &mut nobody);
        managed.add(&ManagerId::update(BEFORE_FIRST_APPLY, &api_version, None), &written, &api_version, now);
    }

    let id = ManagerId::apply(manager);
    let mut owners = managed.owners();
    let new = owners::apply(context, &live_json, &config_json, &mut owners, &id, force)
        .map_err(|taking| conflicts(&taking, &managed))?;
    let fields = owners.get(&id).cloned().unwrap_or_default();
    managed.set_owners(owners);
    managed.set(&id, &fields, &api_version, new.is_some().then_some(now));
    finish(live, new, live_json, &before, &managed)
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
    let mut managed = match live {
        Some(_) if is_reset(new.json()) => Managed::default(),
        Some(live) if given.is_empty() => Managed::read(live.json()),
        _ => given,
    };
    // An object that nobody recorded when it was made stays unrecorded until its first apply.
    if live.is_none() || !managed.is_empty() {
        let old = live.map_or_else(|| blank(schema), |live| without_managed_fields(live.json()));
        let mut owners = managed.owners();
        let written = owners::update(context, &old, &object, &mut owners);
        managed.set_owners(owners);
        let api_version = new.kind().api_version();
        managed.add(&ManagerId::update(manager, &api_version, subresource), &written, &api_version, now);
    }
    managed.write(&mut object);
    whole(object)
}

/// Checks what is applied, and leaves out what only the status may set.
fn applicable(config: &Object, schema: &Schema) -> Result<Json, ApplyError> {
    let invalid = |path, message| ApplyError::Invalid { path, message };
    if !is_shallow(config.json()) {
        return Err(invalid(FieldPath::default(), "nested too deep".to_owned()));
    }
    let mut json = without_managed_fields(config.json());
    validate(&json, schema.root()).map_err(|violation| invalid(violation.path, violation.message))?;
    if schema.has_status
        && let Some(entries) = json.as_object_mut()
    {
        entries.remove("status");
    }
    Ok(json)
}

fn finish(
    live: Option<&Object>,
    new: Option<Json>,
    live_json: Json,
    before: &Managed,
    managed: &Managed,
) -> Result<Applied, ApplyError> {
    match (live, new) {
        (Some(live), None) if managed.is_same(before) => Ok(Applied { object: live.clone(), changed: false }),
        (_, new) => {
            let mut json = new.unwrap_or(live_json);
            managed.write(&mut json);
            Ok(Applied { object: whole(json), changed: true })
        }
    }
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

/// Returns what a new object of a Go type holds before anything is set: its structs that are no pointers.
fn blank(schema: &Schema) -> Json {
    fn structs(of: Type<'_>, depth: usize) -> Json {
        let Node { map: Some(map), .. } = of.node else { return json!({}) };
        let is_struct = |default: &Json| default.as_object().is_some_and(serde_json::Map::is_empty);
        let fields = map.fields.iter().filter(|(_, field)| depth > 0 && field.default.as_ref().is_some_and(is_struct));
        Json::Object(fields.map(|(name, field)| (name.clone(), structs(of.at(field.node), depth - 1))).collect())
    }
    const DEEPEST: usize = 16;
    match (schema.origin, schema.root().shape(None)) {
        (Origin::BuiltIn, Shape::Map(_)) => structs(schema.root(), DEEPEST),
        _ => json!({}),
    }
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

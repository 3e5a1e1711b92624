//! Proves without a request that an apply would change nothing, or says what would change.
use std::collections::BTreeMap;

use serde_json::Map as JsonMap;

use super::fields::{FieldSet, write_step};
use super::lookup::find;
use super::managed::{Level, Managed, ManagerId, is_nobodys, stripped};
use super::schema::{List, Map, Origin, Schema, Shape, Type, equal, is_shallow};
use super::typed::{field_set, is_member};
use crate::model::{FieldPath, Json, Object, Step};

/// Whether applying `desired` over `live` would change anything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Proof {
    /// Values, order and our own field set are equal: an apply is a no-op.
    Unchanged,
    /// Something differs, or cannot be proven equal.
    Changed {
        /// Where the value differs: path, desired, live. A field to be released has no desired value.
        values: Vec<(FieldPath, Option<Json>, Option<Json>)>,
        /// Paths that our entry owns and desired does not set any more: apply removes or releases them.
        released: Vec<FieldPath>,
        /// Paths that desired sets and our entry does not own.
        unowned: Vec<FieldPath>,
    },
}

/// Decides locally whether an apply of `desired` (canonical) by `manager` over `live` is a no-op.
///
/// Says `Unchanged` only where the server would change nothing. An explicit null, an entry of another API version and
/// keys that are there twice count as changes.
pub(crate) fn prove(desired: &Object, live: &Object, schema: &Schema, manager: &str) -> Proof {
    let (desired_json, live_json) = (desired.json(), live.json());
    if !is_shallow(desired_json) {
        let values = vec![(FieldPath::default(), Some(desired_json.clone()), Some(live_json.clone()))];
        return Proof::Changed { values, released: Vec::new(), unowned: Vec::new() };
    }
    let is_unchanged = own_entry(desired_json, live_json, manager).is_some_and(|fields| {
        let root = Place { of: schema.root(), origin: schema.origin, level: Level::Object, is_member: false };
        is_same(desired_json, live_json, Some(fields), root)
    });
    if is_unchanged { Proof::Unchanged } else { explain(desired, live, schema, manager) }
}

/// Returns the fields that the manager applied last, in the API version that would be applied now.
fn own_entry<'a>(desired: &Json, live: &'a Json, manager: &str) -> Option<&'a Json> {
    let entries = live.get("metadata")?.get("managedFields")?.as_array()?;
    let text = |entry: &'a Json, field: &str| entry.get(field).and_then(Json::as_str);
    let own = entries.iter().find(|entry| {
        text(entry, "manager") == Some(manager)
            && text(entry, "operation") == Some("Apply")
            && text(entry, "subresource").is_none_or(str::is_empty)
    })?;
    let is_same_version = text(own, "apiVersion") == desired.get("apiVersion").and_then(Json::as_str);
    if is_same_version { own.get("fieldsV1") } else { None }
}

/// What the quick walk knows of where it is.
#[derive(Clone, Copy)]
struct Place<'a> {
    of: Type<'a>,
    origin: Origin,
    level: Level,
    /// The node itself is a member of the field set, beside what is below it.
    is_member: bool,
}

/// Tells whether live holds all of desired, and our entry exactly its fields; in one pass, without building sets.
///
/// May miss that two entries are equal where the server escapes a key in another way.
fn is_same(desired: &Json, live: &Json, fields: Option<&Json>, place: Place<'_>) -> bool {
    let count = match place.of.shape(Some(desired)) {
        Shape::Map(map) if !map.is_atomic => same_entries(desired, live, fields, map, place),
        Shape::List(list) if !list.is_atomic() => same_items(desired, live, fields, list, place),
        _ => {
            let is_leaf = fields.and_then(Json::as_object).is_some_and(JsonMap::is_empty);
            return is_leaf && !desired.is_null() && equal_as_kept(desired, live, place.origin);
        }
    };
    let found = fields.and_then(Json::as_object);
    match count {
        None => false,
        Some(0) => found.is_none_or(JsonMap::is_empty) && found.is_some() == place.is_member,
        Some(count) => found.is_some_and(|found| {
            found.len() == count + usize::from(place.is_member) && found.contains_key(".") == place.is_member
        }),
    }
}

/// Returns how many entries have fields in the set, if all are the same.
fn same_entries(desired: &Json, live: &Json, fields: Option<&Json>, map: &Map, place: Place<'_>) -> Option<usize> {
    let (desired, live) = (desired.as_object()?, live.as_object()?);
    let mut count = 0;
    for (name, entry) in desired {
        if is_nobodys(place.level, name) {
            continue;
        }
        let live = live.get(name)?;
        let fields = fields.and_then(|fields| fields.get(format!("f:{name}")));
        let is_member = is_member(map, name, entry) && !(place.level == Level::Object && name == "metadata");
        let place = Place { of: place.of.entry(map, name)?, level: place.level.below(name), is_member, ..place };
        if !is_same(entry, live, fields, place) {
            return None;
        }
        count += usize::from(fields.is_some());
    }
    Some(count)
}

/// Returns how many items there are, if all are the same and in the same order.
fn same_items(desired: &Json, live: &Json, fields: Option<&Json>, list: &List, place: Place<'_>) -> Option<usize> {
    let (desired, live) = (desired.as_array()?, live.as_array()?);
    let index = Index::new(live, list, place.of);
    let mut next = 0;
    for item in desired {
        let step = write_step(&place.of.item_step(list, item).ok()?);
        let position = index.position(&step)?;
        if position < next {
            return None;
        }
        next = position + 1;
        let fields = fields?.get(&step)?;
        let place = Place { of: place.of.at(list.item), level: Level::Below, is_member: true, ..place };
        if !is_same(item, &live[position], Some(fields), place) {
            return None;
        }
    }
    Some(desired.len())
}

/// Where the items of a live list are, by their step.
struct Index(BTreeMap<String, Option<usize>>);

impl Index {
    fn new(items: &[Json], list: &List, of: Type<'_>) -> Self {
        let mut index = BTreeMap::new();
        for (position, item) in items.iter().enumerate() {
            if let Ok(step) = of.item_step(list, item) {
                index.entry(write_step(&step)).and_modify(|known| *known = None).or_insert(Some(position));
            }
        }
        Self(index)
    }

    /// Returns the position of what is there exactly once.
    fn position(&self, step: &str) -> Option<usize> {
        self.0.get(step).copied().flatten()
    }
}

/// Tells whether two leaves or atomic nodes are equal; of Go types the server writes nulls for what is not there.
fn equal_as_kept(desired: &Json, live: &Json, origin: Origin) -> bool {
    match (desired, live) {
        (Json::Object(desired), Json::Object(live)) => {
            let is_noise = |value: &Json| value.is_null() && origin == Origin::BuiltIn;
            let is_expected = |(name, value): (&String, &Json)| desired.contains_key(name) || is_noise(value);
            let is_equal =
                |(name, value): (&String, &Json)| live.get(name).is_some_and(|live| equal_as_kept(value, live, origin));
            desired.iter().all(is_equal) && live.iter().all(is_expected)
        }
        (Json::Array(desired), Json::Array(live)) => {
            let mut pairs = desired.iter().zip(live);
            desired.len() == live.len() && pairs.all(|(desired, live)| equal_as_kept(desired, live, origin))
        }
        _ => equal(desired, live),
    }
}

/// Says what the quick walk did not: what differs, and where.
fn explain(desired: &Object, live: &Object, schema: &Schema, manager: &str) -> Proof {
    let of = schema.root();
    let entries = Managed::read(live.json());
    let own = ManagerId::apply(manager);
    let is_other_version = own_entry(desired.json(), live.json(), manager).is_none();
    let wanted = stripped(&field_set(desired.json(), of));
    let owned = entries.iter().find(|(id, _)| **id == own).map(|(_, fields)| fields.clone()).unwrap_or_default();
    let released = owned.difference(&wanted);
    let unowned = if is_other_version { wanted.clone() } else { wanted.difference(&owned) };

    let mut walk = Walk { origin: schema.origin, path: FieldPath::default(), values: Vec::new() };
    walk.nodes(desired.json(), Some(live.json()), Some(of), Level::Object);
    let others = entries.iter().filter(|(id, _)| **id != own).fold(FieldSet::default(), |all, (_, set)| all.union(set));
    for path in gone(&released.difference(&others), desired.json(), of) {
        if let Some(live) = find(live.json(), &path, of) {
            walk.values.push((path, None, Some(live.clone())));
        }
    }
    if walk.values.is_empty() && released.is_empty() && unowned.is_empty() {
        return Proof::Unchanged;
    }
    Proof::Changed { values: walk.values, released: released.paths(), unowned: unowned.paths() }
}

/// Returns the members of a set that desired does not have, but for those below others of them.
///
/// A map may be a member beside its entries: it stays where some of its entries do.
fn gone(set: &FieldSet, desired: &Json, of: Type<'_>) -> Vec<FieldPath> {
    let mut gone: Vec<FieldPath> = Vec::new();
    for path in set.paths() {
        if gone.last().is_none_or(|top| !top.covers(&path)) && find(desired, &path, of).is_none() {
            gone.push(path);
        }
    }
    gone
}

/// Returns the members of a set that are not below other members.
pub(super) fn tops(set: &FieldSet) -> Vec<FieldPath> {
    let mut tops: Vec<FieldPath> = Vec::new();
    for path in set.paths() {
        if tops.last().is_none_or(|top| !top.covers(&path)) {
            tops.push(path);
        }
    }
    tops
}

/// The walk that collects where values differ.
struct Walk {
    origin: Origin,
    path: FieldPath,
    values: Vec<(FieldPath, Option<Json>, Option<Json>)>,
}

impl Walk {
    fn nodes(&mut self, desired: &Json, live: Option<&Json>, of: Option<Type<'_>>, level: Level) {
        match of.map(|of| (of, of.shape(Some(desired)))) {
            Some((of, Shape::Map(map))) if !map.is_atomic && has_entries(desired) => {
                let (empty, desired) = (JsonMap::new(), desired.as_object());
                let live = live.and_then(Json::as_object).unwrap_or(&empty);
                for (name, entry) in desired.into_iter().flatten().filter(|(name, _)| !is_nobodys(level, name)) {
                    self.path.0.push(Step::Field(name.clone()));
                    self.nodes(entry, live.get(name), of.entry(map, name), level.below(name));
                    self.path.0.pop();
                }
            }
            Some((of, Shape::List(list))) if !list.is_atomic() && has_entries(desired) => {
                let items = |value: Option<&Json>| value.and_then(Json::as_array).cloned().unwrap_or_default();
                self.items(&items(Some(desired)), &items(live), list, of);
            }
            Some((_, Shape::Map(map))) if !map.is_atomic && live.is_some_and(Json::is_object) && !desired.is_null() => {
            }
            Some((_, Shape::List(list))) if !list.is_atomic() && live.is_some_and(Json::is_array) => {}
            _ => {
                if desired.is_null() || live.is_none_or(|live| !equal_as_kept(desired, live, self.origin)) {
                    self.values.push((self.path.clone(), Some(desired.clone()), live.cloned()));
                }
            }
        }
    }

    fn items(&mut self, desired: &[Json], live: &[Json], list: &List, of: Type<'_>) {
        let index = Index::new(live, list, of);
        let (mut next, mut is_ordered) = (0, true);
        for item in desired {
            let Ok(step) = of.item_step(list, item) else {
                self.values.push((self.path.clone(), Some(item.clone()), None));
                continue;
            };
            let position = index.position(&write_step(&step));
            is_ordered &= position.is_none_or(|position| position >= next);
            next = position.map_or(next, |position| position + 1);
            self.path.0.push(step);
            match position {
                Some(position) => self.nodes(item, live.get(position), Some(of.at(list.item)), Level::Below),
                None => self.values.push((self.path.clone(), Some(item.clone()), None)),
            }
            self.path.0.pop();
        }
        if !is_ordered {
            let lists = (Some(Json::Array(desired.to_vec())), Some(Json::Array(live.to_vec())));
            self.values.push((self.path.clone(), lists.0, lists.1));
        }
    }
}

fn has_entries(value: &Json) -> bool {
    value.as_object().is_some_and(|entries| !entries.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Schemas, apply};
    use super::*;
    use crate::model::Kind;

    fn pod(spec: &Json) -> Object {
        let json =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": spec});
        Object::new(json).unwrap()
    }

    /// Proves `desired` after `applied` was applied and `live` came of it; as texts: values, released, unowned.
    #[track_caller]
    fn check(applied: &Json, live: Option<&Json>, desired: &Json, expected: Option<[&[&str]; 3]>) {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "Pod")).unwrap();
        let mut json =
            apply(None, &pod(applied), schema, "rayform", false, "2026-01-01T00:00:00Z").unwrap().object.into_json();
        if let Some(live) = live {
            json["spec"] = live.clone();
        }
        let texts = |paths: Vec<FieldPath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        let found = match prove(&pod(desired), &Object::new(json).unwrap(), schema, "rayform") {
            Proof::Unchanged => None,
            Proof::Changed { values, released, unowned } => {
                Some([texts(values.into_iter().map(|(path, _, _)| path).collect()), texts(released), texts(unowned)])
            }
        };
        assert_eq!(found, expected.map(|lists| lists.map(|list| list.iter().map(ToString::to_string).collect())));
    }

    fn containers(names: &[&str]) -> Json {
        json!({"containers": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()})
    }

    #[test]
    fn what_others_add_between_is_no_change() {
        let live =
            json!({"containers": [{"name": "a", "tty": true}, {"name": "x"}, {"name": "b"}], "dnsPolicy": "Default"});
        check(&containers(&["a", "b"]), Some(&live), &containers(&["a", "b"]), None);
    }

    #[test]
    fn another_order_is_a_change() {
        check(&containers(&["a", "b"]), None, &containers(&["b", "a"]), Some([&[".spec.containers"], &[], &[]]));
    }

    #[test]
    fn an_item_that_is_there_twice_is_a_change() {
        let live = containers(&["a", "a"]);
        let item = r#".spec.containers[name="a"]"#;
        check(&containers(&["a"]), Some(&live), &containers(&["a"]), Some([&[item], &[], &[]]));
    }

    #[test]
    fn what_is_left_out_is_released() {
        let item = r#".spec.containers[name="b"]"#;
        let name = r#".spec.containers[name="b"].name"#;
        check(&containers(&["a", "b"]), None, &containers(&["a"]), Some([&[item], &[item, name], &[]]));
    }

    #[test]
    fn what_is_new_is_not_owned_yet() {
        let desired = json!({"containers": [{"name": "a"}], "nodeSelector": {"x": "y"}});
        let path = ".spec.nodeSelector";
        check(&containers(&["a"]), None, &desired, Some([&[path], &[], &[path]]));
        check(&containers(&["a"]), Some(&desired), &desired, Some([&[], &[], &[path]]));
    }

    #[test]
    fn more_in_an_atomic_node_is_a_change() {
        let (desired, live) = (json!({"nodeSelector": {"x": "y"}}), json!({"nodeSelector": {"x": "y", "z": "1"}}));
        check(&desired, Some(&live), &desired, Some([&[".spec.nodeSelector"], &[], &[]]));
    }

    #[test]
    fn an_explicit_null_is_never_proven() {
        check(&json!({"priority": null}), None, &json!({"priority": null}), Some([&[".spec.priority"], &[], &[]]));
    }
}

//! Finds, sets and removes the values that field paths lead to.
use crate::model::{FieldPath, Json, Step};

/// Returns the value at a path.
pub(super) fn find<'a>(json: &'a Json, path: &FieldPath) -> Option<&'a Json> {
    json.pointer(&pointer(json, path)?)
}

/// Returns the JSON pointer that a path leads to in this value, where it leads anywhere.
pub(super) fn pointer(json: &Json, path: &FieldPath) -> Option<String> {
    let mut pointer = String::new();
    let mut node = json;
    for step in &path.0 {
        let (token, next) = follow(node, step)?;
        pointer.push('/');
        pointer.push_str(&token);
        node = next;
    }
    Some(pointer)
}

/// Removes the value at a path, and the maps that it leaves empty behind.
pub(super) fn remove(json: &mut Json, path: &FieldPath) {
    let Some(found) = pointer(json, path) else { return };
    let mut rest = found.as_str();
    while let Some((parent, token)) = rest.rsplit_once('/') {
        match json.pointer_mut(parent) {
            Some(Json::Object(entries)) => {
                entries.remove(&unescape(token));
                if !entries.is_empty() || parent.is_empty() {
                    return;
                }
            }
            Some(Json::Array(items)) if rest == found => {
                if let Ok(index) = token.parse::<usize>() {
                    items.remove(index);
                }
                return;
            }
            _ => return,
        }
        rest = parent;
    }
}

/// Sets the value at a path; maps that are missing on the way are made, list items are not.
pub(super) fn set(json: &mut Json, path: &FieldPath, value: Json) {
    let mut node = json;
    for step in &path.0 {
        let next = match step {
            Step::Field(name) if !node.is_array() => {
                if node.is_null() {
                    *node = Json::Object(serde_json::Map::new());
                }
                match node {
                    Json::Object(entries) => entries.entry(name.clone()).or_insert(Json::Null),
                    _ => return,
                }
            }
            other => {
                let Some((token, _)) = follow(node, other) else { return };
                let Some(next) = token.parse::<usize>().ok().and_then(|index| node.get_mut(index)) else { return };
                next
            }
        };
        node = next;
    }
    *node = value;
}

/// Sets the value at a JSON pointer whose parent exists.
pub(super) fn set_pointer(json: &mut Json, pointer: &str, value: Json) {
    let Some((parent, token)) = pointer.rsplit_once('/') else { return };
    match json.pointer_mut(parent) {
        Some(Json::Object(entries)) => {
            entries.insert(unescape(token), value);
        }
        Some(Json::Array(items)) => {
            if let Some(item) = token.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                *item = value;
            }
        }
        _ => {}
    }
}

/// Removes the entry of a map at a JSON pointer.
pub(super) fn remove_pointer(json: &mut Json, pointer: &str) {
    if let Some((parent, token)) = pointer.rsplit_once('/')
        && let Some(Json::Object(entries)) = json.pointer_mut(parent)
    {
        entries.remove(&unescape(token));
    }
}

/// Returns where two values differ, leaf by leaf; items of lists are matched by name, else by place.
pub(super) fn difference(before: &Json, after: &Json) -> Vec<(FieldPath, Option<Json>, Option<Json>)> {
    let mut found = Vec::new();
    compare(Some(before), Some(after), &FieldPath::default(), &mut found);
    found
}

fn compare(
    before: Option<&Json>,
    after: Option<&Json>,
    path: &FieldPath,
    found: &mut Vec<(FieldPath, Option<Json>, Option<Json>)>,
) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Json::Object(old)), Some(Json::Object(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                compare(old.get(name), new.get(name), &path.join(Step::Field(name.clone())), found);
            }
        }
        (Some(Json::Array(old)), Some(Json::Array(new))) if is_named(old) && is_named(new) => {
            let added = new.iter().filter(|item| named(old, item).is_none());
            for item in old.iter().chain(added) {
                let keys = [("name".to_owned(), item["name"].clone())].into();
                compare(named(old, item), named(new, item), &path.join(Step::Key(keys)), found);
            }
        }
        (Some(Json::Array(old)), Some(Json::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(Some(old), Some(new), &path.join(Step::Index(index)), found);
            }
        }
        _ => found.push((path.clone(), before.cloned(), after.cloned())),
    }
}

fn is_named(items: &[Json]) -> bool {
    items.iter().all(|item| item.get("name").is_some_and(Json::is_string))
        && items.iter().map(|item| item["name"].as_str()).collect::<std::collections::BTreeSet<_>>().len()
            == items.len()
}

fn named<'a>(items: &'a [Json], wanted: &Json) -> Option<&'a Json> {
    items.iter().find(|item| item["name"] == wanted["name"])
}

fn follow<'a>(node: &'a Json, step: &Step) -> Option<(String, &'a Json)> {
    let index = match step {
        Step::Field(name) if node.is_array() => called(node.as_array()?, &Json::from(name.as_str()))?,
        Step::Field(name) => return Some((escape(name), node.get(name)?)),
        Step::Index(index) if node.get(*index).is_none() => called(node.as_array()?, &Json::from(*index))?,
        Step::Index(index) => *index,
        Step::Value(value) => node.as_array()?.iter().position(|item| item == value)?,
        Step::Key(keys) => {
            let items = node.as_array()?;
            let is_exact = |item: &Json| keys.iter().all(|(name, value)| item.get(name) == Some(value));
            // A key field that is left out has its default, such as the protocol of a port.
            let may_be = |item: &Json| {
                keys.iter().all(|(name, value)| item.get(name).is_none_or(|found| found == value))
                    && keys.keys().any(|name| item.get(name).is_some())
            };
            items.iter().position(is_exact).or_else(|| items.iter().position(may_be))?
        }
    };
    Some((index.to_string(), node.get(index)?))
}

/// Fields by which people call the items of lists, the most telling first.
const CALLED_BY: [&str; 11] = [
    "name",
    "groupName",
    "key",
    "mountPath",
    "devicePath",
    "containerPort",
    "port",
    "ip",
    "type",
    "topologyKey",
    "uid",
];

/// Returns the place of the item that a user calls by a key, as in `containers["ray-head"]`.
fn called(items: &[Json], key: &Json) -> Option<usize> {
    CALLED_BY.iter().find_map(|name| items.iter().position(|item| item.get(name) == Some(key)))
}

/// Tells whether one path leads to another's place or above it, however the items of lists are called.
pub(super) fn covers(json: &Json, path: &FieldPath, other: &FieldPath) -> bool {
    let is_above = || {
        let (outer, inner) = (pointer(json, path)?, pointer(json, other)?);
        Some(inner.strip_prefix(&outer)?.is_empty() || inner[outer.len()..].starts_with('/'))
    };
    path.covers(other) || is_above().unwrap_or(false)
}

pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn port(number: u32, protocol: &str) -> Step {
        Step::Key([("port".to_owned(), number.into()), ("protocol".to_owned(), protocol.into())].into())
    }

    #[test]
    fn keys_with_a_default_are_found() {
        let object = json!({"ports": [{"port": 80, "protocol": "UDP"}, {"port": 80}]});
        let path = FieldPath::fields(&["ports"]);
        assert_eq!(pointer(&object, &path.join(port(80, "TCP"))).as_deref(), Some("/ports/1"));
        assert_eq!(pointer(&object, &path.join(port(80, "UDP"))).as_deref(), Some("/ports/0"));
        assert_eq!(pointer(&object, &path.join(port(81, "TCP"))), None);
    }

    #[test]
    fn items_are_called_by_name() {
        let named = |name: &str, image: &str| json!({"name": name, "image": image});
        let mut object = json!({"containers": [named("a", "1"), named("b", "2")], "ports": [{"port": 80}]});
        let image = FieldPath::fields(&["containers", "b", "image"]);
        assert_eq!(pointer(&object, &image).as_deref(), Some("/containers/1/image"));
        set(&mut object, &image, "3".into());
        assert_eq!(object["containers"][1]["image"], "3");
        let keys = [("name".to_owned(), json!("b"))].into();
        let written = FieldPath::fields(&["containers"]).join(Step::Key(keys)).join(Step::Field("image".to_owned()));
        assert!(covers(&object, &image, &written) && covers(&object, &FieldPath::fields(&["containers"]), &image));
        assert!(!covers(&object, &image, &FieldPath::fields(&["containers", "a", "image"])));
        assert_eq!(pointer(&object, &FieldPath::fields(&["ports"]).join(Step::Index(80))).as_deref(), Some("/ports/0"));
    }

    #[test]
    fn names_with_slashes_are_followed() {
        let mut object = json!({"metadata": {"labels": {"a/b~c": "1"}}, "spec": {}});
        let path = FieldPath::fields(&["metadata", "labels", "a/b~c"]);
        assert_eq!(find(&object, &path), Some(&json!("1")));
        remove(&mut object, &path);
        assert_eq!(object, json!({"spec": {}}));
    }

    #[test]
    fn maps_on_the_way_are_made() {
        let mut object = json!({});
        set(&mut object, &FieldPath::fields(&["spec", "replicas"]), json!(3));
        assert_eq!(object, json!({"spec": {"replicas": 3}}));
    }

    #[test]
    fn named_items_are_matched_by_name() {
        let before = json!({"c": [{"name": "a", "image": "1"}, {"name": "b"}]});
        let after = json!({"c": [{"name": "b"}, {"name": "a", "image": "2"}]});
        let paths: Vec<_> = difference(&before, &after).into_iter().map(|(path, ..)| path.to_string()).collect();
        assert_eq!(paths, [r#".c[name="a"].image"#]);
    }
}

//! What is sent for one object: the desired fields, what is carried over, what is made once, and to what it is bound.
use crate::model::{Carried, DesiredObject, Json, Object};

/// To which live object a request is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bind {
    /// The object is new.
    Nothing,
    /// The object must still be the same one.
    Uid,
    /// The object must not have changed at all.
    Version,
}

/// Returns what to apply.
///
/// `random` makes a text of so many characters; it is asked once per generated value that does not exist yet.
pub(super) fn body(
    desired: &DesiredObject,
    live: Option<&Object>,
    bind: Bind,
    random: &mut dyn FnMut(usize) -> String,
) -> Object {
    let mut object = desired.object.clone();
    object.edit(|json| {
        for carried in &desired.carried {
            carry(json, live, carried);
        }
        for (pointer, generated) in &desired.generated {
            if json.pointer(pointer).and_then(Json::as_str).is_some_and(|text| !text.is_empty()) {
                continue;
            }
            let kept = live.and_then(|live| live.pointer(pointer)).cloned();
            let value = kept.unwrap_or_else(|| base64(random(generated.length).as_bytes()).into());
            put(json, pointer, value);
        }
        let from_live = |field| live.and_then(|live| live.pointer(field)).cloned();
        if let (Bind::Uid | Bind::Version, Some(uid)) = (bind, from_live("/metadata/uid")) {
            put(json, "/metadata/uid", uid);
        }
        if let (Bind::Version, Some(version)) = (bind, from_live("/metadata/resourceVersion")) {
            put(json, "/metadata/resourceVersion", version);
        }
    });
    object
}

/// Returns to what an update is bound: a forced one, and one that carries values over, must meet what was read.
pub(super) fn binding(desired: &DesiredObject, force: bool) -> Bind {
    if force || !desired.carried.is_empty() || !desired.generated.is_empty() { Bind::Version } else { Bind::Uid }
}

/// Tells whether an object is, but for what others may always write, as it was when the plan looked.
pub(super) fn is_as_planned(planned: &Object, live: &Object, carried: &[Carried]) -> bool {
    let relevant = |object: &Object| {
        let mut json = object.json().clone();
        for carried in carried {
            for item in json.pointer_mut(&carried.list).and_then(Json::as_array_mut).into_iter().flatten() {
                remove(item, &format!("/{}", carried.field));
            }
        }
        for pointer in ["/status", "/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields"] {
            remove(&mut json, pointer);
        }
        json
    };
    relevant(planned) == relevant(live)
}

/// Copies one field from the live items of a list to the desired items with the same key.
fn carry(json: &mut Json, live: Option<&Object>, carried: &Carried) {
    let live_items = live.and_then(|live| live.pointer(&carried.list)).and_then(Json::as_array);
    let field = format!("/{}", carried.field);
    for item in json.pointer_mut(&carried.list).and_then(Json::as_array_mut).into_iter().flatten() {
        let same = |other: &&Json| other.get(&carried.key) == item.get(&carried.key);
        let value = live_items.and_then(|items| items.iter().find(same)?.pointer(&field)).cloned();
        if let Some(value) = value {
            put(item, &field, value);
        }
    }
}

/// Sets the value at a JSON pointer through maps, which are made where they are missing.
fn put(json: &mut Json, pointer: &str, value: Json) {
    let mut place = json;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if place.is_null() {
            *place = Json::Object(serde_json::Map::new());
        }
        let Some(fields) = place.as_object_mut() else { return };
        place = fields.entry(token).or_insert(Json::Null);
    }
    *place = value;
}

fn remove(json: &mut Json, pointer: &str) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Json::Object(fields)) = json.pointer_mut(parent)
    {
        fields.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Returns a text of characters of `A-Z a-z 0-9`, each equally likely, from the system's source of randomness.
pub(super) fn random_text(length: usize) -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0_u8; 64];
        getrandom::fill(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
        let even = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(even.take(length - text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{FileId, Generated, Readiness, Span};

    fn desired(json: &Json) -> DesiredObject {
        let span = Span { file: FileId(0), start: 0, end: 0 };
        DesiredObject::new(Object::new(json.clone()).expect("an object"), span, |_, _| Readiness::ready())
    }

    fn live(json: Json) -> Object {
        Object::new(json).expect("an object")
    }

    fn secret(data: &Json) -> Json {
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "a" }, "data": data })
    }

    fn carried() -> Carried {
        Carried { list: "/spec/groups".to_owned(), key: "name".to_owned(), field: "scale/replicas".to_owned() }
    }

    fn groups(replicas: &Json) -> Json {
        let metadata = json!({ "name": "a", "uid": "u", "resourceVersion": "7" });
        let groups = json!([{ "name": "other" }, { "name": "cpu", "scale": { "replicas": replicas } }]);
        json!({ "apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": metadata, "spec": { "groups": groups } })
    }

    #[test]
    fn a_value_is_made_once_and_then_kept() {
        let mut desired = desired(&secret(&json!({})));
        desired.generated.insert("/data/password".to_owned(), Generated { length: 3 });
        let made = body(&desired, None, Bind::Nothing, &mut |length| "x".repeat(length));
        assert_eq!(made.text("/data/password"), Some("eHh4"));
        let live = live(secret(&json!({ "password": "b2xk" })));
        let kept = body(&desired, Some(&live), Bind::Version, &mut |_| unreachable!("there is one already"));
        assert_eq!(kept.text("/data/password"), Some("b2xk"));
    }

    #[test]
    fn what_others_own_is_carried_over_by_key() {
        let mut desired =
            desired(&json!({ "apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": { "name": "a" },
            "spec": { "groups": [{ "name": "cpu" }, { "name": "new" }] } }));
        desired.carried.push(carried());
        let sent = body(&desired, Some(&live(groups(&json!(5)))), binding(&desired, false), &mut |_| String::new());
        assert_eq!(
            sent.pointer("/spec/groups"),
            Some(&json!([{ "name": "cpu", "scale": { "replicas": 5 } }, { "name": "new" }]))
        );
        assert_eq!((sent.uid(), sent.resource_version()), (Some("u"), Some("7")));
    }

    #[test]
    fn a_moved_status_or_carried_field_does_not_change_the_verdict() {
        let planned = live(groups(&json!(5)));
        let mut moved = groups(&json!(6));
        moved["status"] = json!({ "ready": 1 });
        moved["metadata"]["resourceVersion"] = "8".into();
        assert!(is_as_planned(&planned, &live(moved.clone()), &[carried()]));
        assert!(!is_as_planned(&planned, &live(moved.clone()), &[]));
        moved["metadata"]["labels"] = json!({ "a": "b" });
        assert!(!is_as_planned(&planned, &live(moved), &[carried()]));
    }

    #[test]
    fn random_texts_have_their_length_and_differ() {
        let (one, two) = (random_text(40).expect("randomness"), random_text(40).expect("randomness"));
        assert!(one.len() == 40 && one != two && one.chars().all(|c| c.is_ascii_alphanumeric()));
    }
}

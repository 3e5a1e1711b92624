//! Takes secret values out of field changes, and marks what is known only after apply.
use crate::model::{DesiredObject, FieldPath, Json, Kind, REDACTED, Secrets, Step, UNKNOWN};
use crate::state::RecordedObject;

use super::{FieldChange, fields, prepare};

/// Where `kubectl apply` keeps a copy of the whole object, secrets and all.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Hides what must not be shown, once before and after have been compared.
///
/// What was secret when it was recorded stays hidden, also where it is not desired any more.
pub(super) fn mask(change: &mut FieldChange, desired: &DesiredObject, recorded: Option<&RecordedObject>) {
    if change.after.as_ref().and_then(Json::as_str).is_some_and(|text| text.contains(UNKNOWN)) {
        change.unknown = true;
        change.after = None;
    }
    let pointer = fields::pointer(desired.object.json(), &change.path);
    let is_hidden = |hidden: &str, pointer: &str| pointer == hidden || pointer.starts_with(&format!("{hidden}/"));
    let is_marked = pointer.as_ref().is_some_and(|pointer| desired.sensitive.iter().any(|it| is_hidden(it, pointer)));
    let was_secret = recorded.and_then(|it| fields::find(&it.applied, &change.path)).is_some_and(holds_hash);
    if is_marked || was_secret || is_secret(&desired.object.kind(), &change.path) {
        change.sensitive = true;
        change.before = change.before.as_ref().map(|_| Json::Null);
        change.after = change.after.as_ref().map(|_| Json::Null);
    } else if let Some(pointer) = pointer {
        for below in desired.sensitive.iter().filter_map(|it| it.strip_prefix(&pointer)) {
            for value in [&mut change.before, &mut change.after].into_iter().flatten() {
                if value.pointer(below).is_some() {
                    fields::set_pointer(value, below, REDACTED.into());
                }
            }
        }
    }
}

/// Tells whether some text in a recorded value stands for a secret.
pub(super) fn holds_hash(value: &Json) -> bool {
    match value {
        Json::String(text) => prepare::is_hash(text),
        Json::Array(items) => items.iter().any(holds_hash),
        Json::Object(entries) => entries.values().any(holds_hash),
        _ => false,
    }
}

/// Tells whether a field of this kind is secret whatever it holds.
pub(crate) fn is_secret(kind: &Kind, path: &FieldPath) -> bool {
    let is_field = |index: usize, name: &str| matches!(path.0.get(index), Some(Step::Field(found)) if found == name);
    let is_payload = is_field(0, "data") || is_field(0, "stringData");
    let may_be_annotation = is_field(0, "metadata") && (path.0.len() == 1 || is_field(1, "annotations"));
    let is_copy = may_be_annotation && (path.0.len() < 3 || is_field(2, LAST_APPLIED));
    kind.is("", "Secret") && (is_payload || (is_copy && path.0.len() == 3))
}

/// Remembers every value of a live Secret, so that it is hidden wherever else it turns up.
pub(crate) fn learn(secrets: &mut Secrets, live: &crate::model::Object) {
    use base64::Engine;
    if live.kind_name() != "Secret" {
        return;
    }
    let Some(Json::Object(data)) = live.pointer("/data") else { return };
    for value in data.values().filter_map(Json::as_str) {
        // Short payloads such as `true` would hide words of every message.
        if value.len() < 8 || value.starts_with("sha256:") {
            continue;
        }
        secrets.insert(value);
        let decoded = base64::engine::general_purpose::STANDARD.decode(value).ok();
        if let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
            secrets.insert(text);
        }
    }
}

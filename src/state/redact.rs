//! The recorded form of what was applied: secrets become salted hashes.
use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::model::{Json, Object};

/// Returns the applied form of an object: a Secret's payload and the fields at `sensitive` are hashed.
pub(crate) fn applied_form(object: &Object, sensitive: &BTreeSet<String>, salt: &str) -> Json {
    let mut form = object.json().clone();
    if object.kind().is("", "Secret") {
        for field in ["data", "stringData"] {
            for (name, value) in form.get_mut(field).and_then(Json::as_object_mut).into_iter().flatten() {
                *value = hidden(value, &format!("/{field}/{name}"), salt);
            }
        }
    }
    for pointer in sensitive {
        if let Some(value) = form.pointer_mut(pointer).filter(|value| !is_hidden(value)) {
            *value = hidden(value, pointer, salt);
        }
    }
    form
}

/// Returns what is recorded in place of a secret: equal for equal values at one place of one state.
pub(crate) fn hidden(value: &Json, pointer: &str, salt: &str) -> Json {
    let mut hash = Sha256::new();
    for part in [salt, pointer, &value.to_string()] {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Json::from(format!("{PREFIX}{hex}"))
}

const PREFIX: &str = "sha256:";

/// Tells whether a value is a hash already.
fn is_hidden(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(PREFIX) && text.len() == PREFIX.len() + 64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_leaves_only_salted_hashes() {
        let json = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "czNjcmV0"}});
        let object = Object::new(json).expect("an object");
        let form = applied_form(&object, &BTreeSet::new(), "salt");
        assert!(is_hidden(&form["data"]["k"]), "{form}");
        assert_ne!(form, applied_form(&object, &BTreeSet::new(), "pepper"));
        assert_eq!(form["data"]["k"], hidden(&json!("czNjcmV0"), "/data/k", "salt"));
    }

    #[test]
    fn sensitive_fields_of_other_kinds_are_hashed_too() {
        let json =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "x", "l": "y"}});
        let object = Object::new(json).expect("an object");
        let form = applied_form(&object, &BTreeSet::from(["/data/k".to_owned(), "/data/none".to_owned()]), "salt");
        assert!(is_hidden(&form["data"]["k"]) && form["data"]["l"] == "y");
    }
}

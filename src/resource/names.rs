//! Names, labels and the small objects that several types share.
use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::kit::{ExpandedObject, Problem};
use super::readiness;
use crate::model::{Address, Json, Key, Object, UNKNOWN};

/// The prefix of rayform's own annotations.
pub(crate) const DOMAIN: &str = "rayform.dev";

/// Labels of an object or a selector.
pub(crate) type Labels = BTreeMap<String, String>;

/// Returns the name that a resource bears when its block gives none: `cpu_big["a"]` becomes `cpu-big-a`.
pub(crate) fn default_name(address: &Address) -> String {
    let text = match &address.key {
        None => address.name.clone(),
        Some(Key::Index(index)) => format!("{}-{index}", address.name),
        Some(Key::Name(key)) => format!("{}-{key}", address.name),
    };
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

/// Refuses a name that is no DNS label of at most `longest` letters (RFC 1035, as Services need it).
pub(crate) fn check_name(argument: &str, name: &str, longest: usize) -> Option<Problem> {
    if name.contains(UNKNOWN) {
        return None;
    }
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label =
        name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-') && name.chars().all(is_letter);
    if !is_label {
        let hint = "lower-case letters, digits and `-`, beginning with a letter and not ending with `-`";
        return Some(Problem::error(argument, format!("`{name}` cannot be part of the names of objects")).hint(hint));
    }
    (name.len() > longest).then(|| {
        let message = format!("`{name}` has {} letters; there is room for {longest}", name.len());
        Problem::error(argument, message)
            .hint("the names of objects are made of it, and Kubernetes allows them 63 letters")
    })
}

/// Returns a map of labels as JSON.
pub(crate) fn labels_json(labels: &Labels) -> Json {
    labels
        .iter()
        .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Returns the metadata of an object in a namespace.
pub(crate) fn metadata(name: &str, namespace: &str, labels: &Labels) -> Json {
    json!({ "name": name, "namespace": namespace, "labels": labels_json(labels) })
}

/// Returns a short digest of a text: the first 16 hexadecimal digits of its SHA-256.
pub(crate) fn digest(text: &str) -> String {
    let bytes = Sha256::digest(text);
    let (first, _) = bytes.split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// Returns an object that apply waits for, judged as its kind is.
pub(crate) fn object(json: Json) -> ExpandedObject {
    let object = Object::new(json).expect("resource types write an API version, a kind and a name");
    let judge = readiness::judge_of(&object.kind());
    ExpandedObject::new(object, judge)
}

/// Returns a budget for voluntary disruptions; pods that are not healthy never block a drain.
pub(crate) fn disruption_budget(metadata: &Json, selector: &Labels, limit: (&str, &Json)) -> ExpandedObject {
    let mut spec = json!({
        "selector": { "matchLabels": labels_json(selector) },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    });
    spec[limit.0] = limit.1.clone();
    object(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata,
        "spec": spec,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_addresses() {
        let mut address = Address::root("ray_worker_pool", "cpu_big");
        assert_eq!(default_name(&address), "cpu-big");
        address.key = Some(Key::Name("A.1".to_owned()));
        assert_eq!(default_name(&address), "cpu-big-a-1");
        address.key = Some(Key::Index(2));
        assert_eq!(default_name(&address), "cpu-big-2");
    }

    #[test]
    fn names_that_kubernetes_would_refuse_are_refused() {
        assert_eq!(check_name("name", "main", 10), None);
        for name in ["Main", "1main", "main-", "ma_in", "", "a.b"] {
            assert!(check_name("name", name, 10).is_some(), "{name}");
        }
        assert_eq!(
            check_name("name", "eleven-long", 10).unwrap().message,
            "`eleven-long` has 11 letters; there is room for 10"
        );
    }
}

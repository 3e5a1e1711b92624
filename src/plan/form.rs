//! What a server's own rules look at in a new object. Objects of one form get one answer, so that one is asked for all.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::prepare::ADDRESS;
use crate::model::{ClusterName, Json, Kind, Object};

/// Groups whose kinds the server validates without a look at other objects or, in namespaces, at names that mean
/// something; custom resources may have rules about their names.
///
/// <https://github.com/kubernetes/kubernetes/tree/master/pkg/apis>
const GROUPS: [&str; 7] =
    ["", "apps", "autoscaling", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"];

/// Bytes of a name that is judged by its characters alone: the shortest limit is that of a `CronJob`, 52.
const SHORT_NAME: usize = 52;

/// Bytes of a label's value that is judged by its characters alone.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
const SHORT_VALUE: usize = 63;

/// Bytes of an object that is far from every limit on size: those of annotations, 256 KiB, and of payloads, 1 MiB.
const SMALL: usize = 128 << 10;

/// What the server's own rules look at in a new object. A server that takes an object takes all others of its form, if
/// no webhook and no policy looks at more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form(String);

/// Returns the form of a new object; nothing where the object must be asked about by itself.
///
/// For a rehearsal, which asks about an object elsewhere, its namespace does not count.
pub(crate) fn of(cluster: &ClusterName, object: &Object, rehearsal: bool) -> Option<Form> {
    let kind = object.kind();
    object.namespace().filter(|_| GROUPS.contains(&&*kind.group))?;
    let mut json = object.json().clone();
    let payload = blank_payload(&mut json, &kind);
    let metadata = json.get_mut("metadata")?.as_object_mut()?;
    reduce(metadata.get_mut("name")?, SHORT_NAME);
    if rehearsal {
        metadata.remove("namespace");
    }
    if let Some(address) = metadata.get_mut("annotations").and_then(|annotations| annotations.get_mut(ADDRESS)) {
        *address = Json::Null;
    }
    let labels = metadata.get_mut("labels").and_then(Json::as_object_mut);
    labels.into_iter().flat_map(|labels| labels.values_mut()).for_each(|value| reduce(value, SHORT_VALUE));
    let text = format!("{cluster} {rehearsal} {json}");
    (payload + text.len() < SMALL).then_some(Form(text))
}

/// Takes out what the server stores without a look at it, and returns how much it was.
fn blank_payload(json: &mut Json, kind: &Kind) -> usize {
    let is_opaque = json.get("type").and_then(Json::as_str).is_none_or(|it| it == "Opaque");
    let (is_map, is_secret) = (kind.is("", "ConfigMap"), kind.is("", "Secret") && is_opaque);
    let mut length = 0;
    for field in ["data", "binaryData"] {
        let values = json.get_mut(field).filter(|_| is_map || is_secret).and_then(Json::as_object_mut);
        for value in values.into_iter().flat_map(|values| values.values_mut()) {
            let is_text = is_map && field == "data";
            let taken = value.as_str().filter(|text| is_text || STANDARD.decode(text).is_ok()).map(str::len);
            if let Some(taken) = taken {
                length += taken;
                *value = Json::Null;
            }
        }
    }
    length
}

/// Leaves of a short text what its syntax rests on: one character for each run of a kind.
fn reduce(value: &mut Json, short: usize) {
    let Some(text) = value.as_str().filter(|text| text.len() <= short) else { return };
    let kinds = text.chars().map(|character| match character {
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        '0'..='9' => '0',
        other => other,
    });
    let mut reduced = String::new();
    for kind in kinds {
        if !(kind.is_ascii_alphanumeric() && reduced.ends_with(kind)) {
            reduced.push(kind);
        }
    }
    *value = reduced.into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(edit: impl FnOnce(&mut Json)) -> Option<Form> {
        form_of(false, edit)
    }

    fn form_of(rehearsal: bool, edit: impl FnOnce(&mut Json)) -> Option<Form> {
        let mut json = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"},
            "metadata": {"name": "m1", "namespace": "n", "labels": {"l": "v"}, "annotations": {ADDRESS: "a.a"}},
        });
        edit(&mut json);
        of(&ClusterName::default(), &Object::new(json).expect("an object"), rehearsal)
    }

    #[test]
    fn what_only_is_called_otherwise_is_of_one_form() {
        let first = form(|_| {});
        assert!(first.is_some());
        assert_eq!(first, form(|json| json["metadata"]["name"] = "map234".into()));
        assert_eq!(first, form(|json| json["metadata"]["labels"]["l"] = "value".into()));
        assert_eq!(first, form(|json| json["metadata"]["annotations"][ADDRESS] = "b.b".into()));
        assert_eq!(first, form(|json| json["data"]["a"] = "another text".into()));
    }

    #[test]
    fn what_a_server_may_look_at_is_of_another_form() {
        let edits: [fn(&mut Json); 9] = [
            |json| json["metadata"]["name"] = "1m".into(),
            |json| json["metadata"]["name"] = "M1".into(),
            |json| json["metadata"]["name"] = "m_1".into(),
            |json| json["metadata"]["name"] = format!("{}1", "m".repeat(60)).into(),
            |json| json["metadata"]["namespace"] = "other".into(),
            |json| json["metadata"]["labels"]["l"] = "-v".into(),
            |json| json["metadata"]["labels"]["k"] = "v".into(),
            |json| json["data"]["b"] = "1".into(),
            |json| json["data"]["a"] = 1.into(),
        ];
        for edit in edits {
            assert_ne!(form(|_| {}), form(edit));
        }
    }

    #[test]
    fn secrets_that_have_a_type_and_bytes_that_are_none_count_as_they_are() {
        let secret = |kind: &str, text: &str| {
            let (kind, text) = (kind.to_owned(), text.to_owned());
            form(move |json| {
                json["kind"] = "Secret".into();
                json["type"] = kind.into();
                json["data"]["a"] = text.into();
            })
        };
        assert_eq!(secret("Opaque", "YQ=="), secret("Opaque", "Yg=="));
        assert_ne!(secret("Opaque", "YQ=="), secret("Opaque", "no base64"));
        assert_ne!(secret("kubernetes.io/dockerconfigjson", "YQ=="), secret("kubernetes.io/dockerconfigjson", "Yg=="));
    }

    #[test]
    fn a_rehearsal_is_the_same_in_every_namespace() {
        let elsewhere = form_of(true, |json| json["metadata"]["namespace"] = "other".into());
        assert_eq!(form_of(true, |_| {}), elsewhere);
        assert_ne!(form(|_| {}), elsewhere);
    }

    #[test]
    fn large_cluster_scoped_and_custom_objects_are_asked_about_by_themselves() {
        assert_eq!(form(|json| json["data"]["a"] = "x".repeat(SMALL).into()), None);
        assert_eq!(form(|json| json["metadata"]["namespace"] = Json::Null), None);
        assert_eq!(form(|json| json["apiVersion"] = "ray.io/v1".into()), None);
    }
}

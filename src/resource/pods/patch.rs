//! Merges a raw pod spec over a derived one: maps merge, lists of named things merge by name, other values replace.
use crate::model::Json;

/// The lists that merge item by item, and the field that tells their items apart.
///
/// As in <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/> (patch merge keys).
const KEYED: [(&str, &str); 8] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("volumeMounts", "mountPath"),
    ("hostAliases", "ip"),
    ("ports", "containerPort"),
];

/// Merges `patch` over `base`. A null in the patch removes the field.
pub(super) fn merge(base: &mut Json, patch: Json) {
    let Json::Object(patch) = patch else {
        *base = patch;
        return;
    };
    let Json::Object(fields) = base else {
        *base = Json::Object(patch);
        return;
    };
    for (name, value) in patch {
        let key = KEYED.iter().find(|(list, _)| *list == name).map(|(_, key)| *key);
        match (fields.get_mut(&name), key, value) {
            (Some(Json::Array(items)), Some(key), Json::Array(patches)) => merge_list(items, patches, key),
            (_, _, Json::Null) => drop(fields.remove(&name)),
            (Some(field @ Json::Object(_)), _, value @ Json::Object(_)) => merge(field, value),
            (_, _, value) => drop(fields.insert(name, value)),
        }
    }
}

/// Merges items with the same key, and appends the others.
fn merge_list(items: &mut Vec<Json>, patches: Vec<Json>, key: &str) {
    for patch in patches {
        match items.iter_mut().find(|item| item.get(key) == patch.get(key)) {
            Some(item) => merge(item, patch),
            None => items.push(patch),
        }
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests read better with literals as arguments")]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(mut base: Json, patch: Json, expected: Json) {
        merge(&mut base, patch);
        assert_eq!(base, expected);
    }

    #[test]
    fn named_things_merge_by_name() {
        check(
            json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}], "args": ["1"]}]}),
            json!({"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}], "args": ["2"]}, {"name": "b"}]}),
            json!({"containers": [
                {"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "args": ["2"]},
                {"name": "b"},
            ]}),
        );
    }

    #[test]
    fn maps_merge_and_other_values_replace() {
        check(
            json!({"securityContext": {"fsGroup": 1}, "nodeSelector": {"a": "1"}, "tolerations": [{"key": "a"}]}),
            json!({"securityContext": {"runAsUser": 2}, "tolerations": [{"key": "b"}], "hostNetwork": true}),
            json!({
                "securityContext": {"fsGroup": 1, "runAsUser": 2}, "nodeSelector": {"a": "1"},
                "tolerations": [{"key": "b"}], "hostNetwork": true,
            }),
        );
    }
}

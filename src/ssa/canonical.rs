//! Writes a desired object as the server would keep it, so that what is applied and what is live can be equal.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as JsonMap, json};

use super::schema::{Field, List, Map, Origin, Role, Scalar, Schema, Shape, Type, is_shallow};
use crate::model::{Json, Object, Quantity};

/// What only the server writes.
const OF_THE_SERVER: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Returns the object as the server would keep it.
///
/// - Nulls go, and so do lists and maps that are empty, but not structs: `emptyDir: {}` means something.
/// - Of built-in kinds: values that the server loses for being empty or false, quantities, base64.
/// - Inside atomic nodes the server's defaults are written out, for there they would be a difference.
/// - A Secret's `stringData` becomes `data`, for the server never shows it again.
/// - What only the server writes goes, `status` included where it is a subresource.
///
/// Without a schema only what holds for every kind is done. Canonical form of canonical form is itself.
pub(crate) fn canonical(object: Object, schema: Option<&Schema>) -> Object {
    if !is_shallow(object.json()) {
        return object;
    }
    let kind = object.kind();
    let mut json = object.into_json();
    remove_what_the_server_writes(&mut json, schema);
    if kind.is("", "Secret") {
        encode_string_data(&mut json);
    }
    let json = match schema {
        Some(schema) => Writer { origin: schema.origin }.node(json, Some(schema.root()), false),
        None => Writer { origin: Origin::Custom }.node(json, None, false),
    };
    Object::new(json).expect("what makes an object is never empty, so that nothing of it went")
}

fn remove_what_the_server_writes(json: &mut Json, schema: Option<&Schema>) {
    if let Some(metadata) = json.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.retain(|name, _| !OF_THE_SERVER.contains(&name.as_str()));
    }
    if let Some(entries) = json.as_object_mut()
        && schema.is_none_or(|schema| schema.has_status)
    {
        entries.remove("status");
    }
}

/// What is no text stays where it is, for the validation to find.
fn encode_string_data(secret: &mut Json) {
    let Some(entries) = secret.as_object_mut() else { return };
    let Some(Json::Object(texts)) = entries.remove("stringData") else { return };
    let (texts, others): (JsonMap<_, _>, JsonMap<_, _>) = texts.into_iter().partition(|(_, value)| value.is_string());
    let encoded = texts.iter().filter_map(|(name, text)| Some((name.clone(), STANDARD.encode(text.as_str()?).into())));
    let data = entries.entry("data").or_insert_with(|| json!({}));
    if data.is_null() {
        *data = json!({});
    }
    if let Some(data) = data.as_object_mut() {
        data.extend(encoded);
    }
    if !others.is_empty() {
        entries.insert("stringData".to_owned(), Json::Object(others));
    }
}

struct Writer {
    origin: Origin,
}

impl Writer {
    /// Returns a value in canonical form. Inside atomic nodes defaults are filled in.
    fn node(&self, value: Json, of: Option<Type<'_>>, is_inside: bool) -> Json {
        let shape = of.map(|of| (of, of.shape(Some(&value))));
        match (value, shape) {
            (Json::Object(entries), Some((of, Shape::Map(map)))) => {
                Json::Object(self.entries(entries, of, map, is_inside || map.is_atomic))
            }
            (Json::Object(entries), _) => {
                let kept = entries.into_iter().filter(|(_, entry)| !entry.is_null());
                Json::Object(kept.map(|(name, entry)| (name, self.node(entry, None, is_inside))).collect())
            }
            (Json::Array(items), Some((of, Shape::List(list)))) => {
                let is_inside = is_inside || list.is_atomic();
                Json::Array(items.into_iter().map(|item| self.item(item, of, list, is_inside)).collect())
            }
            (Json::Array(items), _) => {
                Json::Array(items.into_iter().map(|item| self.node(item, None, is_inside)).collect())
            }
            (scalar, Some((of, Shape::Scalar(of_scalar)))) => self.scalar(scalar, of.node.role, of_scalar),
            (scalar, _) => scalar,
        }
    }

    fn item(&self, item: Json, of: Type<'_>, list: &List, is_inside: bool) -> Json {
        self.node(item, Some(of.at(list.item)), is_inside)
    }

    fn entries(
        &self,
        entries: JsonMap<String, Json>,
        of: Type<'_>,
        map: &Map,
        is_inside: bool,
    ) -> JsonMap<String, Json> {
        let keep = |(name, entry): (String, Json)| {
            let (field, of_entry) = (map.fields.get(&name), of.entry(map, &name));
            if entry.is_null() {
                return None;
            }
            let mut entry = self.node(entry, of_entry, is_inside);
            if field.is_none() && of_entry.is_some_and(|of| of.node.role == Role::Quantity) {
                entry = rounded(entry);
            }
            if self.is_lost(&entry, field, of_entry) { None } else { Some((name, entry)) }
        };
        // Collected at once, for a tree that grows entry by entry stays half empty.
        let mut kept: JsonMap<String, Json> = entries.into_iter().filter_map(keep).collect();
        if is_inside {
            self.fill(&mut kept, of, map);
        }
        kept
    }

    /// Tells whether the server, or a controller that writes the object again, loses an entry for being empty.
    fn is_lost(&self, entry: &Json, field: Option<&Field>, of: Option<Type<'_>>) -> bool {
        let is_kept_empty =
            field.is_some_and(|field| self.origin == Origin::Custom && (field.is_required || field.default.is_some()));
        match entry {
            Json::Array(items) => items.is_empty() && field.is_some() && !is_kept_empty,
            Json::Object(entries) => entries.is_empty() && !is_kept_empty && of.is_some_and(is_plain_map),
            Json::String(text) => text.is_empty() && field.is_some_and(|field| field.omits_zero),
            Json::Bool(value) => !value && field.is_some_and(|field| field.omits_zero),
            Json::Number(number) => number.as_f64() == Some(0.0) && field.is_some_and(|field| field.omits_zero),
            Json::Null => true,
        }
    }

    fn fill(&self, entries: &mut JsonMap<String, Json>, of: Type<'_>, map: &Map) {
        self.add_missing(entries, of, map, |field| field.default.as_ref().filter(|default| self.is_filled(default)));
        match of.node.role {
            Role::Subject => fill_subject(entries),
            Role::LimitRangeItem => fill_limits(entries),
            Role::VolumeClaim => fill_claim(entries),
            Role::DeviceRequest => fill_count(entries),
            Role::Plain | Role::Quantity | Role::Bytes => {}
        }
        self.add_missing(entries, of, map, |field| field.kept.as_ref().filter(|kept| !kept.is_null()));
    }

    fn add_missing(
        &self,
        entries: &mut JsonMap<String, Json>,
        of: Type<'_>,
        map: &Map,
        missing: impl Fn(&Field) -> Option<&Json>,
    ) {
        for (name, field) in &map.fields {
            if let Some(value) = missing(field).filter(|_| !entries.contains_key(name)) {
                let value = self.node(value.clone(), Some(of.at(field.node)), true);
                entries.insert(name.clone(), value);
            }
        }
    }

    /// The empty defaults of Go types are those of keys, and no values.
    fn is_filled(&self, default: &Json) -> bool {
        let is_empty = default.as_str() == Some("") || default.as_f64() == Some(0.0);
        !default.is_null() && (self.origin == Origin::Custom || !is_empty)
    }

    fn scalar(&self, value: Json, role: Role, scalar: Scalar) -> Json {
        match (&value, role, scalar) {
            (_, Role::Quantity, _) => quantity(&value).map_or(value, |quantity| quantity.to_string().into()),
            (Json::String(text), Role::Bytes, _) if self.origin == Origin::BuiltIn => {
                let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
                STANDARD.decode(&text).map_or(value, |bytes| STANDARD.encode(bytes).into())
            }
            (Json::Number(number), _, Scalar::Integer) if number.is_f64() => whole(&value).unwrap_or(value),
            _ => value,
        }
    }
}

/// A map whose names are data; not a struct, and not a value of any form.
fn is_plain_map(of: Type<'_>) -> bool {
    let is_data = |map: &Map| map.fields.is_empty() && map.rest.is_some_and(|rest| !of.at(rest).is_anything());
    !of.is_anything() && of.node.map.as_ref().is_some_and(is_data)
}

fn quantity(value: &Json) -> Option<Quantity> {
    match value {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// In `requests`, `limits` and the like the server keeps thousandths, rounded up.
fn rounded(value: Json) -> Json {
    quantity(&value).map_or(value, |quantity| quantity.rounded_up_to_milli().to_string().into())
}

fn whole(value: &Json) -> Option<Json> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let double = value.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number that fits")]
    let integer = (double.fract() == 0.0 && double.abs() < EXACT).then_some(double as i64);
    integer.map(Json::from)
}

/// Users and groups are of the group of `RBAC`, service accounts of the core.
fn fill_subject(subject: &mut JsonMap<String, Json>) {
    let is_named_by_rbac = matches!(subject.get("kind").and_then(Json::as_str), Some("User" | "Group"));
    if is_named_by_rbac && !subject.contains_key("apiGroup") {
        subject.insert("apiGroup".to_owned(), "rbac.authorization.k8s.io".into());
    }
}

/// For containers a maximum is the default limit, and a default limit or a minimum the default request.
fn fill_limits(item: &mut JsonMap<String, Json>) {
    if item.get("type").and_then(Json::as_str) != Some("Container") {
        return;
    }
    for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        let Some(Json::Object(amounts)) = item.get(source).cloned() else { continue };
        let target = item.entry(target).or_insert_with(|| json!({}));
        for (name, amount) in amounts {
            if let Some(target) = target.as_object_mut() {
                target.entry(name).or_insert(amount);
            }
        }
    }
}

/// One device, unless all are asked for.
fn fill_count(request: &mut JsonMap<String, Json>) {
    if request.get("allocationMode").and_then(Json::as_str) == Some("ExactCount") {
        request.entry("count").or_insert_with(|| 1.into());
    }
}

/// A claim template is a whole claim, with the phase in which a claim begins.
fn fill_claim(claim: &mut JsonMap<String, Json>) {
    claim.entry("apiVersion").or_insert_with(|| "v1".into());
    claim.entry("kind").or_insert_with(|| "PersistentVolumeClaim".into());
    claim.entry("status").or_insert_with(|| json!({"phase": "Pending"}));
}

#[cfg(test)]
mod tests {
    use super::super::Schemas;
    use super::*;

    /// Checks what becomes of the fields beside the identity.
    #[track_caller]
    fn check(api_version: &str, kind: &str, fields: &Json, expected: &Json) {
        let whole = |fields: &Json| {
            let mut json = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "n"}});
            json.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            Object::new(json).unwrap()
        };
        let object = whole(fields);
        let schemas = Schemas::built_in();
        let once = canonical(object.clone(), Some(schemas.of(&object.kind()).unwrap()));
        assert_eq!(once.json(), whole(expected).json());
        assert_eq!(canonical(once.clone(), schemas.of(&object.kind())), once);
    }

    #[track_caller]
    fn check_pod(spec: &Json, expected: &Json) {
        check("v1", "Pod", &json!({"spec": spec}), &json!({"spec": expected}));
    }

    #[test]
    fn empty_lists_and_maps_go_and_structs_stay() {
        check_pod(
            &json!({"nodeSelector": {}, "tolerations": [], "securityContext": {}, "volumes": [{"name": "v", "emptyDir": {}}]}),
            &json!({"securityContext": {}, "volumes": [{"name": "v", "emptyDir": {}}]}),
        );
        check(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            &json!({"spec": {"podSelector": {}, "ingress": [{}], "egress": []}}),
            &json!({"spec": {"podSelector": {}, "ingress": [{}]}}),
        );
    }

    #[test]
    fn nulls_go() {
        check("v1", "ConfigMap", &json!({"data": {"a": null, "b": ""}}), &json!({"data": {"b": ""}}));
    }

    #[test]
    fn what_the_server_loses_goes_and_what_it_keeps_stays() {
        let container = json!({"name": "c", "tty": false, "env": [{"name": "A", "value": ""}],
            "securityContext": {"privileged": false, "runAsUser": 0}, "volumeMounts": [{"name": "v", "mountPath": "/", "readOnly": false}]});
        let expected = json!({"name": "c", "env": [{"name": "A"}],
            "securityContext": {"privileged": false, "runAsUser": 0}, "volumeMounts": [{"name": "v", "mountPath": "/"}]});
        check_pod(
            &json!({"containers": [container], "terminationGracePeriodSeconds": 0, "hostNetwork": false}),
            &json!({"containers": [expected], "terminationGracePeriodSeconds": 0}),
        );
    }

    #[test]
    fn quantities_are_canonical() {
        let container = |limits: Json| json!({"containers": [{"name": "c", "resources": {"limits": limits}}]});
        check_pod(
            &container(json!({"cpu": 0.5, "memory": "1024Mi", "a.b/c": "0.1m", "x": "no quantity"})),
            &container(json!({"cpu": "500m", "memory": "1Gi", "a.b/c": "1m", "x": "no quantity"})),
        );
    }

    #[test]
    fn whole_doubles_are_integers() {
        check("apps/v1", "Deployment", &json!({"spec": {"replicas": 2.0}}), &json!({"spec": {"replicas": 2}}));
    }

    #[test]
    fn a_secret_has_data_only() {
        check(
            "v1",
            "Secret",
            &json!({"stringData": {"a": "x", "b": "y"}, "data": {"a": "b2xk", "c": "eA\n=="}}),
            &json!({"data": {"a": "eA==", "b": "eQ==", "c": "eA=="}}),
        );
    }

    #[test]
    fn defaults_are_written_out_inside_atomic_nodes_only() {
        let env = |field: Json| json!({"containers": [{"name": "c", "ports": [{"containerPort": 1}], "env": [field]}]});
        check_pod(
            &env(json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "p"}}})),
            &env(json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "p", "apiVersion": "v1"}}})),
        );
        check(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            &json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]}),
            &json!({"roleRef": {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"},
                "subjects": [{"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "ServiceAccount", "name": "s"}]}),
        );
        check(
            "v1",
            "LimitRange",
            &json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": 2}, "min": {"memory": "1Gi"}}]}}),
            &json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Gi"},
                "default": {"cpu": "2"}, "defaultRequest": {"cpu": "2", "memory": "1Gi"}}]}}),
        );
        check(
            "apps/v1",
            "StatefulSet",
            &json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d", "creationTimestamp": null}, "spec": {}}]}}),
            &json!({"spec": {"volumeClaimTemplates": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"},
                "spec": {"volumeMode": "Filesystem", "resources": {}}, "status": {"phase": "Pending"}}]}}),
        );
    }

    #[test]
    fn what_the_server_writes_goes() {
        let object = Object::new(json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"}, "metadata": {
            "name": "n", "uid": "u", "resourceVersion": "1", "generation": 1, "managedFields": [], "creationTimestamp": null}}))
        .unwrap();
        let schemas = Schemas::built_in();
        let expected = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n"}});
        assert_eq!(canonical(object.clone(), schemas.of(&object.kind())).json(), &expected);
        assert_eq!(canonical(object.clone(), None).json(), &expected);
    }

    #[test]
    fn custom_resources_keep_what_their_definition_asks_for() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "shirts.a.b"},
            "spec": {"group": "a.b", "names": {"kind": "Shirt"}, "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object",
                "properties": {"spec": {"type": "object", "required": ["sizes"], "properties": {
                    "color": {"type": "string", "default": "red"},
                    "sizes": {"type": "array", "items": {"type": "object", "properties": {
                        "width": {"type": "integer", "default": 1}, "inner": {"type": "object", "default": {}, "properties": {"a": {"type": "boolean", "default": false}}}}}},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}}}]}});
        let mut schemas = Schemas::built_in();
        schemas.add_definition(&Object::new(definition).unwrap()).unwrap();
        let shirt = |spec: Json| {
            Object::new(json!({"apiVersion": "a.b/v1", "kind": "Shirt", "metadata": {"name": "s"}, "spec": spec}))
                .unwrap()
        };
        let check = |spec: Json, expected: Json| {
            let shirt_kind = shirt(json!({})).kind();
            assert_eq!(canonical(shirt(spec), schemas.of(&shirt_kind)), shirt(expected));
        };
        check(json!({"sizes": [], "tags": [], "free": {"x": {}}}), json!({"sizes": [], "free": {"x": {}}}));
        check(json!({"sizes": [{}]}), json!({"sizes": [{"width": 1, "inner": {"a": false}}]}));
    }

    #[test]
    fn what_is_nested_too_deep_stays_as_it_is() {
        let deep = (0..500).fold(json!(1), |inner, _| json!([inner]));
        let object =
            Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n"}, "spec": deep})).unwrap();
        assert_eq!(canonical(object.clone(), None), object);
    }
}

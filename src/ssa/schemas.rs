//! The schemas of all kinds that are known: a built-in table, documents of the server, and definitions.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::openapi::{self, OBJECT_META, SchemaError};
use super::schema::Schema;
use crate::model::{Json, Kind, Object};

/// The kinds of Kubernetes 1.36, made from the `OpenAPI` v3 documents of a server (`/openapi/v3/api/v1` and so on).
///
/// All documents are joined and reduced to what merging needs: types, references (the bare name, without `allOf`),
/// list and map types, keys, formats of texts. To that are added the facts that a document lacks:
/// - `zero` marks fields that the server loses where they are empty, zero or false (`omitempty` of no pointer);
/// - `default` is kept where a list's key needs it, and where the server really fills it in; those that it fills in
///   inside atomic nodes are from the defaulting functions (`pkg/apis/*/defaults.go` of Kubernetes).
static DOCUMENT: &str = include_str!("built_in.json");

static BUILT_IN: LazyLock<BTreeMap<Kind, Schema>> = LazyLock::new(|| {
    let document = serde_json::from_str(DOCUMENT).expect("the built-in document is JSON: a test reads it");
    let schemas = openapi::read_document(&document, None).expect("the built-in document is whole: a test reads it");
    schemas.into_iter().collect()
});

/// The schemas of all kinds that are known. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    added: BTreeMap<Kind, Schema>,
}

impl Schemas {
    /// Returns the built-in table: every stable kind of Kubernetes.
    pub(crate) fn built_in() -> Self {
        Self::default()
    }

    /// Reads the built-in schemas, so that nobody has to wait for them later.
    pub(crate) fn prepare() {
        LazyLock::force(&BUILT_IN);
    }

    /// Adds the kinds of one `OpenAPI` v3 document (`/openapi/v3/apis/<group>/<version>`).
    pub(crate) fn add_document(&mut self, api_version: &str, document: &Json) -> Result<(), SchemaError> {
        self.added.extend(openapi::read_document(document, Some(api_version))?);
        Ok(())
    }

    /// Adds the kinds of a `CustomResourceDefinition`.
    pub(crate) fn add_definition(&mut self, definition: &Object) -> Result<(), SchemaError> {
        let failure =
            |reason: &str| SchemaError { api_version: definition.name().to_owned(), reason: reason.to_owned() };
        let text = |pointer| definition.text(pointer).ok_or_else(|| failure("the group or the kind is missing"));
        let (group, kind) = (text("/spec/group")?, text("/spec/names/kind")?);
        let versions = definition.pointer("/spec/versions").and_then(Json::as_array);
        for version in versions.ok_or_else(|| failure("it has no versions"))? {
            let name = version.get("name").and_then(Json::as_str).ok_or_else(|| failure("a version has no name"))?;
            let any = serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            let schema = version.pointer("/schema/openAPIV3Schema").unwrap_or(&any);
            let has_status = version.pointer("/subresources/status").is_some();
            let schema = openapi::read_definition(schema, &METADATA, has_status)
                .ok_or_else(|| failure("the schema is nested too deep"))?;
            let kind = Kind { group: group.into(), version: name.into(), kind: kind.into() };
            self.added.insert(kind, schema);
        }
        Ok(())
    }

    /// Returns the schema of a kind, where it is known.
    pub(crate) fn of(&self, kind: &Kind) -> Option<&Schema> {
        self.added.get(kind).or_else(|| BUILT_IN.get(kind))
    }
}

/// Returns the built-in schema of a type by its name in `OpenAPI`, such as `io.k8s.api.apps.v1.Deployment`.
#[cfg(test)]
pub(super) fn named(name: &str) -> Option<Schema> {
    let document: Json = serde_json::from_str(DOCUMENT).ok()?;
    openapi::read_named(&document, name)
}

/// The definitions that `metadata` needs.
static METADATA: LazyLock<Json> = LazyLock::new(|| {
    const TYPES: [&str; 5] = ["ObjectMeta", "OwnerReference", "ManagedFieldsEntry", "FieldsV1", "Time"];
    let mut document: Json = serde_json::from_str(DOCUMENT).expect("the built-in document is JSON: a test reads it");
    let package = OBJECT_META.trim_end_matches("ObjectMeta");
    let definitions = TYPES.iter().map(|name| {
        let name = format!("{package}{name}");
        let definition = document["components"]["schemas"][&name].take();
        (name, definition)
    });
    Json::Object(definitions.collect())
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_built_in_table_knows_the_kinds_that_generate_objects() {
        let schemas = Schemas::built_in();
        for (api_version, kind) in [
            ("v1", "Pod"),
            ("v1", "Service"),
            ("v1", "Secret"),
            ("v1", "LimitRange"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "StatefulSet"),
            ("batch/v1", "CronJob"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("policy/v1", "PodDisruptionBudget"),
            ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
            ("networking.k8s.io/v1", "Ingress"),
            ("storage.k8s.io/v1", "StorageClass"),
            ("scheduling.k8s.io/v1", "PriorityClass"),
            ("coordination.k8s.io/v1", "Lease"),
            ("discovery.k8s.io/v1", "EndpointSlice"),
            ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            ("apiregistration.k8s.io/v1", "APIService"),
        ] {
            assert!(schemas.of(&Kind::new(api_version, kind)).is_some(), "{api_version} {kind}");
        }
    }

    #[test]
    fn a_definition_adds_its_versions() {
        let definition = Object::new(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "shirts.example.com"},
            "spec": {"group": "example.com", "names": {"kind": "Shirt"}, "versions": [
                {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object"}}}, {"name": "v2"}]},
        }))
        .unwrap();
        let mut schemas = Schemas::built_in();
        schemas.add_definition(&definition).unwrap();
        assert!(schemas.of(&Kind::new("example.com/v1", "Shirt")).is_some());
        assert!(schemas.of(&Kind::new("example.com/v2", "Shirt")).is_some());
        assert!(schemas.of(&Kind::new("example.com/v3", "Shirt")).is_none());
    }

    #[test]
    fn a_document_without_definitions_is_refused() {
        let error = Schemas::built_in().add_document("example.com/v1", &json!({})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the OpenAPI document of `example.com/v1` cannot be used: it has no `components.schemas`"
        );
    }
}

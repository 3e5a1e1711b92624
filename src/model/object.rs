//! One Kubernetes object, desired or live, and how objects are told apart.
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Json;

/// Group, version and kind. The core group is empty. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Kind {
    pub group: Arc<str>,
    pub version: Arc<str>,
    #[expect(clippy::struct_field_names, reason = "Kubernetes calls it so")]
    pub kind: Arc<str>,
}

/// A kind of some group, in whatever version.
pub(crate) type GroupKind = (Arc<str>, Arc<str>);

/// What makes an object the same object, whatever version it is written in. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub group: Arc<str>,
    pub kind: Arc<str>,
    /// Empty for what belongs to the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Arc<str>>,
    pub name: Arc<str>,
}

/// A field manager, as `managedFields` records it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// RFC 3339, as the server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

/// An object that has an API version, a kind and a name. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object(Arc<Known>);

/// The value of an object, and what it is asked for again and again.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    json: Json,
    version: Arc<str>,
    identity: Identity,
}

/// Says why a value is no Kubernetes object.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ObjectError {
    #[error("a Kubernetes object is a map with `apiVersion`, `kind` and `metadata`")]
    NotAMap,
    #[error("`{0}` is missing or is not a text")]
    Missing(&'static str),
}

impl Kind {
    /// Returns a kind from an `apiVersion` such as `apps/v1` or `v1`.
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: Arc::from(group), version: Arc::from(version), kind: Arc::from(kind) }
    }

    /// Tells whether it is this kind of this group, in whatever version.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        *self.group == *group && *self.kind == *kind
    }

    /// Tells whether a definition makes the kind, and a program beside the server works on its objects.
    pub(crate) fn is_custom(&self) -> bool {
        let is_of_kubernetes = |group: &str| {
            matches!(
                group,
                "admissionregistration"
                    | "apiextensions"
                    | "apiregistration"
                    | "authentication"
                    | "authorization"
                    | "certificates"
                    | "coordination"
                    | "discovery"
                    | "events"
                    | "flowcontrol.apiserver"
                    | "internal.apiserver"
                    | "networking"
                    | "node"
                    | "rbac.authorization"
                    | "resource"
                    | "scheduling"
                    | "storage"
                    | "storagemigration"
            )
        };
        match self.group.strip_suffix(".k8s.io") {
            Some(group) => !is_of_kubernetes(group),
            None => self.group.contains('.'),
        }
    }

    /// Returns the kind without its version.
    pub(crate) fn group_kind(&self) -> GroupKind {
        (self.group.clone(), self.kind.clone())
    }

    /// Returns the text of the field `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Object {
    /// Checks that a value has what every object has.
    pub(crate) fn new(json: Json) -> Result<Self, ObjectError> {
        if !json.is_object() {
            return Err(ObjectError::NotAMap);
        }
        let text = |value: Option<&Json>, field| match value.and_then(Json::as_str) {
            None | Some("") => Err(ObjectError::Missing(field)),
            Some(text) => Ok(text.to_owned()),
        };
        let metadata = |field| json.get("metadata").and_then(|metadata| metadata.get(field));
        let api_version = text(json.get("apiVersion"), "apiVersion")?;
        let kind = text(json.get("kind"), "kind")?;
        let name = text(metadata("name"), "metadata.name")?;
        let namespace = metadata("namespace").and_then(Json::as_str);
        let Kind { group, version, kind } = Kind::new(&api_version, &kind);
        let identity = Identity { group, kind, namespace: namespace.map(Arc::from), name: Arc::from(name) };
        Ok(Self(Arc::new(Known { json, version, identity })))
    }

    /// Returns the whole value.
    pub(crate) fn json(&self) -> &Json {
        &self.0.json
    }

    /// Returns the whole value, and ends the object.
    pub(crate) fn into_json(self) -> Json {
        match Arc::try_unwrap(self.0) {
            Ok(known) => known.json,
            Err(shared) => shared.json.clone(),
        }
    }

    /// Changes the value; what would make it no object is not done.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Json)) {
        let mut json = self.json().clone();
        change(&mut json);
        if let Ok(edited) = Self::new(json) {
            *self = edited;
        }
    }

    /// Returns the value at a JSON pointer.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Json> {
        self.0.json.pointer(pointer)
    }

    /// Returns the text at a JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.0.json.pointer(pointer)?.as_str()
    }

    /// Returns a text of the metadata. A JSON pointer would be taken apart each time.
    fn metadata(&self, field: &str) -> Option<&str> {
        self.0.json.get("metadata")?.get(field)?.as_str()
    }

    pub(crate) fn kind(&self) -> Kind {
        let Identity { group, kind, .. } = self.identity();
        Kind { group, version: self.0.version.clone(), kind }
    }

    /// Returns the kind alone, such as `ConfigMap`.
    pub(crate) fn kind_name(&self) -> &str {
        &self.0.identity.kind
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.identity.name
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.0.identity.namespace.as_deref()
    }

    /// Returns everybody who wrote fields of a live object.
    pub(crate) fn owners(&self) -> Vec<Owner> {
        let entries = self.pointer("/metadata/managedFields").and_then(Json::as_array);
        entries.into_iter().flatten().filter_map(|entry| serde_json::from_value(entry.clone()).ok()).collect()
    }

    pub(crate) fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    pub(crate) fn uid(&self) -> Option<&str> {
        self.metadata("uid")
    }

    pub(crate) fn resource_version(&self) -> Option<&str> {
        self.metadata("resourceVersion")
    }

    /// Returns the value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.0.json.get("metadata")?.get("labels")?.get(name)?.as_str()
    }

    /// Returns the value of an annotation.
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.0.json.get("metadata")?.get("annotations")?.get(name)?.as_str()
    }

    /// Returns what must be done before the object can go.
    pub(crate) fn finalizers(&self) -> impl Iterator<Item = &str> {
        let finalizers = self.0.json.pointer("/metadata/finalizers").and_then(Json::as_array);
        finalizers.into_iter().flatten().filter_map(Json::as_str)
    }

    /// Tells whether the object waits for its end.
    pub(crate) fn is_terminating(&self) -> bool {
        self.metadata("deletionTimestamp").is_some()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.manager)?;
        match &self.subresource {
            Some(subresource) => write!(f, " ({} of {subresource})", self.operation)?,
            None => write!(f, " ({})", self.operation)?,
        }
        self.time.as_ref().map_or(Ok(()), |time| write!(f, " at {time}"))
    }
}

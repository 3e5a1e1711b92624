//! One Kubernetes object, desired or live, and how objects are told apart.
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Json;

/// Group, version and kind. The core group is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Kind {
    pub group: String,
    pub version: String,
    #[expect(clippy::struct_field_names, reason = "Kubernetes calls it so")]
    pub kind: String,
}

/// What makes an object the same object, whatever version it is written in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub group: String,
    pub kind: String,
    /// Empty for what belongs to the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
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
pub(crate) struct Object(Arc<Json>);

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
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Returns the text of the field `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Object {
    /// Checks that a value has what every object has.
    pub(crate) fn new(json: Json) -> Result<Self, ObjectError> {
        if !json.is_object() {
            return Err(ObjectError::NotAMap);
        }
        for (pointer, field) in [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/name", "metadata.name")]
        {
            let text = json.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
            if text.is_empty() {
                return Err(ObjectError::Missing(field));
            }
        }
        Ok(Self(Arc::new(json)))
    }

    /// Returns the whole value.
    pub(crate) fn json(&self) -> &Json {
        &self.0
    }

    /// Returns the whole value, and ends the object.
    pub(crate) fn into_json(self) -> Json {
        Arc::unwrap_or_clone(self.0)
    }

    /// Returns the value at a JSON pointer.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Json> {
        self.0.pointer(pointer)
    }

    /// Returns the text at a JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }

    /// Returns a text of the metadata. A JSON pointer would be taken apart each time.
    fn metadata(&self, field: &str) -> Option<&str> {
        self.0.get("metadata")?.get(field)?.as_str()
    }

    pub(crate) fn kind(&self) -> Kind {
        let text = |field| self.0.get(field).and_then(Json::as_str).expect("checked when the object was made");
        Kind::new(text("apiVersion"), text("kind"))
    }

    pub(crate) fn name(&self) -> &str {
        self.metadata("name").expect("checked when the object was made")
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.metadata("namespace")
    }

    /// Returns everybody who wrote fields of a live object.
    pub(crate) fn owners(&self) -> Vec<Owner> {
        let entries = self.pointer("/metadata/managedFields").and_then(Json::as_array);
        entries.into_iter().flatten().filter_map(|entry| serde_json::from_value(entry.clone()).ok()).collect()
    }

    pub(crate) fn identity(&self) -> Identity {
        let Kind { group, kind, .. } = self.kind();
        Identity { group, kind, namespace: self.namespace().map(str::to_owned), name: self.name().to_owned() }
    }

    pub(crate) fn uid(&self) -> Option<&str> {
        self.metadata("uid")
    }

    pub(crate) fn resource_version(&self) -> Option<&str> {
        self.metadata("resourceVersion")
    }

    /// Returns the value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.0.get("metadata")?.get("labels")?.get(name)?.as_str()
    }

    /// Returns the value of an annotation.
    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.0.get("metadata")?.get("annotations")?.get(name)?.as_str()
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

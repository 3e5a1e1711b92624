//! Reads schemas from the `OpenAPI` v3 documents of a server.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map as JsonMap;

use super::schema::{Field, List, Map, Node, NodeId, Origin, Relation, Role, Scalar, Schema};
use crate::model::{Json, Kind};

/// Anything at all; lists in it are atomic, maps are not.
const DEDUCED: NodeId = 0;
/// Anything at all, as one value.
const UNTYPED: NodeId = 1;
/// Deeper nesting within one definition is refused.
const NESTING_LIMIT: usize = 120;

/// Says why an `OpenAPI` document cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document of `{api_version}` cannot be used: {reason}")]
pub(crate) struct SchemaError {
    pub api_version: String,
    pub reason: String,
}

/// Returns the schemas of all kinds of a document, or of those in one `apiVersion`.
pub(super) fn read_document(document: &Json, api_version: Option<&str>) -> Result<Vec<(Kind, Schema)>, SchemaError> {
    let failure = |reason: &str| SchemaError {
        api_version: api_version.unwrap_or_default().to_owned(),
        reason: reason.to_owned(),
    };
    let definitions = document
        .pointer("/components/schemas")
        .and_then(Json::as_object)
        .ok_or_else(|| failure("it has no `components.schemas`"))?;
    let mut reader = Reader::new(definitions);
    let mut roots = Vec::new();
    for (name, definition) in definitions {
        for kind in kinds(definition) {
            if api_version.is_none_or(|wanted| kind.api_version() == wanted) {
                let root = reader.named(name).ok_or_else(|| failure("a definition is missing or nested too deep"))?;
                roots.push((kind, root, origin(name), has_status(document, definition, name)));
            }
        }
    }
    let nodes = Arc::new(reader.nodes);
    let schema = |(kind, root, origin, has_status)| (kind, Schema::new(Arc::clone(&nodes), root, origin, has_status));
    Ok(roots.into_iter().map(schema).collect())
}

/// Returns the schema of a custom resource from its definition's `openAPIV3Schema`. `metadata` is of `named`.
pub(super) fn read_definition(schema: &Json, metadata: &Json, has_status: bool) -> Option<Schema> {
    let definitions = metadata.as_object()?;
    let mut reader = Reader::new(definitions);
    let root = reader.inline(&with_type_and_metadata(schema), false, 0)?;
    Some(Schema::new(Arc::new(reader.nodes), root, Origin::Custom, has_status))
}

/// Returns the schema of one definition by its name.
#[cfg(test)]
pub(super) fn read_named(document: &Json, name: &str) -> Option<Schema> {
    let mut reader = Reader::new(document.pointer("/components/schemas")?.as_object()?);
    let root = reader.named(name)?;
    Some(Schema::new(Arc::new(reader.nodes), root, origin(name), false))
}

/// The definition that `metadata` of every object has.
pub(super) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn kinds(definition: &Json) -> impl Iterator<Item = Kind> {
    let list = definition.get("x-kubernetes-group-version-kind").and_then(Json::as_array);
    list.into_iter().flatten().map(|entry| {
        let text = |field: &str| Arc::from(entry.get(field).and_then(Json::as_str).unwrap_or_default());
        Kind { group: text("group"), version: text("version"), kind: text("kind") }
    })
}

fn origin(name: &str) -> Origin {
    const PREFIXES: [&str; 4] =
        ["io.k8s.api.", "io.k8s.apimachinery.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator."];
    if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) { Origin::BuiltIn } else { Origin::Custom }
}

/// Built-in kinds that have a status have the subresource; for others the paths tell.
fn has_status(document: &Json, definition: &Json, name: &str) -> bool {
    let has_field = definition.pointer("/properties/status").is_some();
    let paths = document.get("paths").and_then(Json::as_object);
    let group_version_kind = kinds(definition).next();
    match (paths, origin(name)) {
        (Some(paths), Origin::Custom) => {
            has_field
                && paths.iter().any(|(path, operations)| {
                    path.ends_with("/{name}/status") && Some(action_kind(operations)) == group_version_kind
                })
        }
        _ => has_field,
    }
}

fn action_kind(operations: &Json) -> Kind {
    let entry = operations.pointer("/get/x-kubernetes-group-version-kind");
    let text = |field: &str| Arc::from(entry.and_then(|entry| entry.get(field)?.as_str()).unwrap_or_default());
    Kind { group: text("group"), version: text("version"), kind: text("kind") }
}

fn with_type_and_metadata(schema: &Json) -> Json {
    let mut schema = schema.clone();
    if let Some(entries) = schema.as_object_mut() {
        let properties = entries.entry("properties").or_insert_with(|| Json::Object(JsonMap::new()));
        if let Some(properties) = properties.as_object_mut() {
            let text = serde_json::json!({"type": "string"});
            properties.insert("apiVersion".to_owned(), text.clone());
            properties.insert("kind".to_owned(), text);
            properties.insert("metadata".to_owned(), serde_json::json!({"$ref": OBJECT_META}));
        }
    }
    schema
}

/// Turns definitions into nodes, each named one once.
struct Reader<'a> {
    definitions: &'a JsonMap<String, Json>,
    nodes: Vec<Node>,
    named: BTreeMap<String, NodeId>,
    nesting: usize,
}

impl<'a> Reader<'a> {
    fn new(definitions: &'a JsonMap<String, Json>) -> Self {
        let any = |is_atomic, rest| Node {
            scalar: Some(Scalar::Any),
            list: Some(List { relation: Relation::Atomic, item: UNTYPED }),
            map: Some(Map { is_atomic, fields: BTreeMap::new(), rest: Some(rest) }),
            role: Role::Plain,
        };
        let nodes = vec![any(false, DEDUCED), any(true, UNTYPED)];
        Self { definitions, nodes, named: BTreeMap::new(), nesting: 0 }
    }

    /// Returns the node of a definition. It is there before its own fields are read, for some types contain themselves.
    fn named(&mut self, name: &str) -> Option<NodeId> {
        if let Some(id) = self.named.get(name) {
            return Some(*id);
        }
        let definition = self.definitions.get(name)?;
        let id = self.nodes.len();
        self.nodes.push(Node::default());
        self.named.insert(name.to_owned(), id);
        self.nesting += 1;
        let node = match name.rsplit('.').next() {
            _ if self.nesting > NESTING_LIMIT => return None,
            Some("Quantity") if name.ends_with(".resource.Quantity") => {
                Node { scalar: Some(Scalar::Any), role: Role::Quantity, ..Node::default() }
            }
            Some("RawExtension") if name.ends_with(".runtime.RawExtension") => self.nodes[UNTYPED].clone(),
            _ => Node { role: role(name), ..self.node(definition, false, 0)? },
        };
        self.nesting -= 1;
        self.nodes[id] = node;
        Some(id)
    }

    /// Returns the node that a schema, inline or by reference, stands for.
    fn inline(&mut self, schema: &Json, preserves: bool, depth: usize) -> Option<NodeId> {
        let Some(name) = reference(schema) else {
            let node = self.node(schema, preserves, depth + 1)?;
            self.nodes.push(node);
            return Some(self.nodes.len() - 1);
        };
        let id = self.named(name)?;
        let Some(is_atomic) = map_relation(schema) else { return Some(id) };
        let mut node = self.nodes[id].clone();
        if let Some(map) = &mut node.map {
            map.is_atomic = is_atomic;
        }
        self.nodes.push(node);
        Some(self.nodes.len() - 1)
    }

    fn node(&mut self, schema: &Json, preserves: bool, depth: usize) -> Option<Node> {
        if depth > NESTING_LIMIT {
            return None;
        }
        let preserves = preserves || is_true(schema, "x-kubernetes-preserve-unknown-fields");
        let role = if is_quantity(schema) { Role::Quantity } else { Role::Plain };
        let scalar = |scalar| Node { scalar: Some(scalar), role, ..Node::default() };
        Some(match schema.get("type").and_then(Json::as_str) {
            Some("object") => Node { map: Some(self.map(schema, preserves, depth)?), ..Node::default() },
            Some("array") => Node { list: Some(self.list(schema, preserves, depth)?), ..Node::default() },
            Some("integer") => scalar(Scalar::Integer),
            Some("number") => scalar(Scalar::Number),
            Some("boolean") => scalar(Scalar::Boolean),
            Some("string") => match schema.get("format").and_then(Json::as_str) {
                None | Some("") => scalar(Scalar::String),
                Some("byte") => Node { scalar: Some(Scalar::String), role: Role::Bytes, ..Node::default() },
                Some(_) => scalar(Scalar::Any),
            },
            Some(_) => scalar(Scalar::Any),
            None => Node {
                scalar: Some(Scalar::Any),
                list: Some(self.list(schema, preserves, depth)?),
                map: Some(self.map(schema, preserves, depth)?),
                role,
            },
        })
    }

    fn map(&mut self, schema: &Json, preserves: bool, depth: usize) -> Option<Map> {
        let embedded;
        let schema = if is_true(schema, "x-kubernetes-embedded-resource") {
            embedded = with_type_and_metadata(schema);
            &embedded
        } else {
            schema
        };
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let mut fields = BTreeMap::new();
        for (name, property) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
            let field = Field {
                node: self.inline(property, preserves, depth)?,
                default: property.get("default").cloned(),
                omits_zero: property.get("zero").is_some(),
                kept: property.get("kept").cloned(),
                is_required: required.contains(&name.as_str()),
            };
            fields.insert(name.clone(), field);
        }
        let rest = match schema.get("additionalProperties") {
            None if preserves || fields.is_empty() => Some(DEDUCED),
            None | Some(Json::Bool(false)) => None,
            Some(Json::Bool(true)) => Some(DEDUCED),
            Some(entry) => Some(self.inline(entry, preserves, depth)?),
        };
        Some(Map { is_atomic: map_relation(schema).unwrap_or(false), fields, rest })
    }

    fn list(&mut self, schema: &Json, preserves: bool, depth: usize) -> Option<List> {
        let keys = schema.get("x-kubernetes-list-map-keys").and_then(Json::as_array);
        let relation = match schema.get("x-kubernetes-list-type").and_then(Json::as_str) {
            Some("set") => Relation::Set,
            Some("map") => {
                Relation::Keyed(keys.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect())
            }
            _ => Relation::Atomic,
        };
        let item = match schema.get("items") {
            Some(item) if item.is_object() => self.inline(item, preserves, depth)?,
            _ => DEDUCED,
        };
        Some(List { relation, item })
    }
}

/// Returns the name of the definition that a schema refers to; a reference with siblings is wrapped in `allOf`.
fn reference(schema: &Json) -> Option<&str> {
    let wrapped = || match schema.get("allOf")?.as_array()?.as_slice() {
        [only] => only.get("$ref"),
        _ => None,
    };
    let path = schema.get("$ref").or_else(wrapped)?.as_str()?;
    path.rsplit('/').next()
}

fn map_relation(schema: &Json) -> Option<bool> {
    schema.get("x-kubernetes-map-type").map(|relation| relation == "atomic")
}

fn is_true(schema: &Json, field: &str) -> bool {
    schema.get(field) == Some(&Json::Bool(true))
}

/// In definitions of custom resources a quantity is an integer or a text of a known pattern.
fn is_quantity(schema: &Json) -> bool {
    is_true(schema, "x-kubernetes-int-or-string")
        && schema.get("pattern").and_then(Json::as_str).is_some_and(|pattern| pattern.contains("KMGTPE"))
}

fn role(name: &str) -> Role {
    match name {
        "io.k8s.api.rbac.v1.Subject" => Role::Subject,
        "io.k8s.api.core.v1.LimitRangeItem" => Role::LimitRangeItem,
        "io.k8s.api.core.v1.PersistentVolumeClaim" => Role::VolumeClaim,
        "io.k8s.api.resource.v1.ExactDeviceRequest" | "io.k8s.api.resource.v1.DeviceSubRequest" => Role::DeviceRequest,
        _ => Role::Plain,
    }
}

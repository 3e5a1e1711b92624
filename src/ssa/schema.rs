//! How the values of one kind merge: which nodes are atomic, maps, sets or keyed lists, and their defaults.
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Json, Step};

/// Deeper values are refused, so that no walk can overflow the stack.
pub(super) const DEPTH_LIMIT: usize = 128;

/// How one kind merges. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    nodes: Arc<Vec<Node>>,
    root: NodeId,
    pub(super) origin: Origin,
    /// The kind has the subresource `status`, so that `status` is nobody's who writes the object itself.
    pub(super) has_status: bool,
}

/// Where a schema is from, which decides what the server does to values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A Go type: zero values, empty lists and empty maps get lost, quantities are rewritten.
    BuiltIn,
    /// A custom resource: kept as it was written, structural defaults filled in.
    Custom,
}

/// The place of a node among the nodes of its document.
pub(super) type NodeId = usize;

/// What values of one type may be. A value that may be anything has all three.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub scalar: Option<Scalar>,
    pub list: Option<List>,
    pub map: Option<Map>,
    pub role: Role,
}

/// The type of a scalar, as far as validation distinguishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    String,
    Number,
    Integer,
    Boolean,
    Any,
}

/// What a list is to the merge.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub relation: Relation,
    pub item: NodeId,
}

/// How the items of a list are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Not at all: the list is one value.
    Atomic,
    /// By their value.
    Set,
    /// By these fields.
    Keyed(Vec<String>),
}

/// What a map or struct is to the merge.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub is_atomic: bool,
    pub fields: BTreeMap<String, Field>,
    /// The type of entries that are no declared fields; without it they are errors.
    pub rest: Option<NodeId>,
}

/// A declared field of a struct.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub node: NodeId,
    pub default: Option<Json>,
    /// The server loses the value where it is empty, zero or false.
    pub omits_zero: bool,
    pub is_required: bool,
    /// What the server writes where nothing is set, for Go has no absent values of this type.
    pub kept: Option<Json>,
}

/// What canonical form must know of a type beside its shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Plain,
    Quantity,
    /// `rbac.authorization.k8s.io` `Subject`, whose default group depends on its kind.
    Subject,
    /// An item of a `LimitRange`, whose limits are defaults of each other.
    LimitRangeItem,
    /// A claim, which inside a `StatefulSet` is written out with its kind and phase.
    VolumeClaim,
    /// A request for devices, whose count depends on its mode.
    DeviceRequest,
    /// Bytes in base64.
    Bytes,
}

/// A node, with the nodes that it refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type<'a> {
    nodes: &'a [Node],
    pub node: &'a Node,
}

/// The one form of a type that a value takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape<'a> {
    Map(&'a Map),
    List(&'a List),
    Scalar(Scalar),
    /// Nothing is allowed here.
    Never,
}

impl Schema {
    pub(super) fn new(nodes: Arc<Vec<Node>>, root: NodeId, origin: Origin, has_status: bool) -> Self {
        Self { nodes, root, origin, has_status }
    }

    /// Returns the type of whole objects.
    pub(super) fn root(&self) -> Type<'_> {
        Type { nodes: &self.nodes, node: &self.nodes[self.root] }
    }

    /// Tells whether what stands at a JSON pointer tells an item of a list from the others.
    pub(crate) fn is_list_key(&self, json: &Json, pointer: &str) -> bool {
        let (mut of, mut value, mut around) = (self.root(), json, None);
        let mut tokens = pointer.split('/').skip(1).peekable();
        while let Some(token) = tokens.next() {
            let name = token.replace("~1", "/").replace("~0", "~");
            let is_last = tokens.peek().is_none();
            let next = match (of.shape(Some(value)), value) {
                (Shape::List(list), Json::Array(items)) if is_last && list.relation == Relation::Set => {
                    return name.parse().is_ok_and(|index: usize| index < items.len());
                }
                (Shape::List(list), Json::Array(items)) => {
                    around = Some(&list.relation);
                    Some(of.at(list.item)).zip(name.parse().ok().and_then(|index: usize| items.get(index)))
                }
                (Shape::Map(_), _) if is_last => {
                    return matches!(around, Some(Relation::Keyed(names)) if names.contains(&name));
                }
                (Shape::Map(map), Json::Object(entries)) => {
                    around = None;
                    of.entry(map, &name).zip(entries.get(&name))
                }
                _ => None,
            };
            let Some((next_of, next_value)) = next else { return false };
            (of, value) = (next_of, next_value);
        }
        false
    }
}

impl Map {
    /// Returns the type of an entry.
    pub(super) fn entry(&self, name: &str) -> Option<NodeId> {
        self.fields.get(name).map(|field| field.node).or(self.rest)
    }
}

impl List {
    pub(super) fn is_atomic(&self) -> bool {
        self.relation == Relation::Atomic
    }
}

impl<'a> Type<'a> {
    /// Tells whether values of any form are allowed.
    pub(super) fn is_anything(self) -> bool {
        self.node.scalar.is_some() && self.node.map.is_some()
    }

    pub(super) fn at(self, node: NodeId) -> Self {
        Self { nodes: self.nodes, node: &self.nodes[node] }
    }

    /// Returns the type of a map's entry.
    pub(super) fn entry(self, map: &Map, name: &str) -> Option<Self> {
        map.entry(name).map(|node| self.at(node))
    }

    /// Returns the form that a value takes. Null, and a value of a wrong type, take the first form that there is.
    pub(super) fn shape(self, value: Option<&Json>) -> Shape<'a> {
        let node = self.node;
        match value {
            Some(Json::Bool(_) | Json::Number(_) | Json::String(_)) if node.scalar.is_some() => self.scalar_shape(),
            Some(Json::Array(_)) if node.list.is_some() => self.list_shape(),
            _ => match (&node.map, node.scalar) {
                (Some(map), _) => Shape::Map(map),
                (None, Some(scalar)) => Shape::Scalar(scalar),
                (None, None) => self.list_shape(),
            },
        }
    }

    /// Tells whether two values take the same form, as far as the type leaves a choice.
    pub(super) fn agrees(self, left: &Json, right: &Json) -> bool {
        let forms = |value: &Json| match value {
            Json::Bool(_) | Json::Number(_) | Json::String(_) if self.node.scalar.is_some() => [true, false, false],
            Json::Array(_) if self.node.list.is_some() => [false, true, false],
            Json::Object(_) if self.node.map.is_some() => [false, false, true],
            _ => [self.node.scalar.is_some(), self.node.list.is_some(), self.node.map.is_some()],
        };
        forms(left) == forms(right)
    }

    fn scalar_shape(self) -> Shape<'a> {
        self.node.scalar.map_or(Shape::Never, Shape::Scalar)
    }

    fn list_shape(self) -> Shape<'a> {
        self.node.list.as_ref().map_or(Shape::Never, Shape::List)
    }

    /// Returns the type of what a step leads to, and whether it is a declared field.
    pub(super) fn step(self, step: &str) -> (Option<Self>, bool) {
        if let (Some(name), Some(map)) = (step.strip_prefix("f:"), &self.node.map) {
            return (self.entry(map, name), map.fields.contains_key(name));
        }
        match &self.node.list {
            Some(list) if step.starts_with("k:") => (Some(self.at(list.item)), false),
            _ => (None, false),
        }
    }

    /// Returns the step that leads to an item of a set or a keyed list.
    pub(super) fn item_step(self, list: &List, item: &Json) -> Result<Step, ItemError> {
        match &list.relation {
            Relation::Atomic => Err(ItemError::Atomic),
            Relation::Set => match item {
                Json::Object(_) => Err(ItemError::MapInSet),
                Json::Array(_) => Err(ItemError::ListInSet),
                Json::Null => Err(ItemError::NullInSet),
                scalar => Ok(Step::Value(scalar.clone())),
            },
            Relation::Keyed(names) => self.keyed_step(list, names, item),
        }
    }

    fn keyed_step(self, list: &List, names: &[String], item: &Json) -> Result<Step, ItemError> {
        let entries = match item {
            Json::Object(entries) => entries,
            Json::Null => return Err(ItemError::NullItem),
            _ => return Err(ItemError::NotAMap),
        };
        let declared = self.at(list.item).node.map.as_ref().map(|map| &map.fields);
        let default = |name: &String| declared.and_then(|fields| fields.get(name)?.default.as_ref());
        let keys: BTreeMap<String, Json> = names
            .iter()
            .filter_map(|name| Some((name.clone(), entries.get(name).or_else(|| default(name))?.clone())))
            .collect();
        if keys.is_empty() { Err(ItemError::NoKey(names.to_vec())) } else { Ok(Step::Key(keys)) }
    }
}

/// Says why an item has no place in its list.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ItemError {
    #[error("invalid indexing of non-associative list")]
    Atomic,
    #[error("associative list without keys has an element that's a map type")]
    MapInSet,
    #[error("not supported: associative list with lists as elements")]
    ListInSet,
    #[error("associative list without keys has an element that's an explicit null")]
    NullInSet,
    #[error("associative list with keys may not have a null element")]
    NullItem,
    #[error("associative list with keys may not have non-map elements")]
    NotAMap,
    #[error(
        "associative list with keys has an element that omits all key fields [{}] \
         (and doesn't have default values for any key fields)",
        .0.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" ")
    )]
    NoKey(Vec<String>),
}

/// Tells whether a value is nested no deeper than every walk here can go.
pub(super) fn is_shallow(value: &Json) -> bool {
    fn fits(value: &Json, limit: usize) -> bool {
        match value {
            _ if limit == 0 => false,
            Json::Array(items) => items.iter().all(|item| fits(item, limit - 1)),
            Json::Object(entries) => entries.values().all(|entry| fits(entry, limit - 1)),
            _ => true,
        }
    }
    fits(value, DEPTH_LIMIT)
}

/// Tells whether two values are equal as the server compares them: `2` and `2.0` are.
pub(super) fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left == right
                || left.as_f64() == right.as_f64() && {
                    // Great integers that differ may be the same double.
                    !(left.is_i64() || left.is_u64()) || !(right.is_i64() || right.is_u64())
                }
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, left)| right.get(name).is_some_and(|right| equal(left, right)))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Kind;
    use crate::ssa::Schemas;

    #[test]
    fn keys_of_lists_are_told_from_other_fields() {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "Service")).unwrap();
        let json = serde_json::json!({
            "metadata": {"finalizers": ["a/b"]}, "spec": {"ports": [{"name": "x", "port": 80}], "selector": {"port": "80"}},
        });
        for (pointer, expected) in [
            ("/spec/ports/0/port", true),
            ("/metadata/finalizers/0", true),
            ("/spec/ports/0/name", false),
            ("/spec/ports/1/port", false),
            ("/spec/selector/port", false),
            ("/spec/ports", false),
            ("", false),
        ] {
            assert_eq!(schema.is_list_key(&json, pointer), expected, "{pointer}");
        }
    }
}

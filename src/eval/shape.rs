//! The JSON schema of a resource type, reduced to what decides how its arguments are written.
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Json;

/// What a value may be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Any,
    Text,
    /// A text out of a closed list.
    Choice(Vec<String>),
    Number,
    Bool,
    List(Box<Shape>),
    Map(Box<Shape>),
    Object(Arc<Fields>),
    /// A whole resource of this type.
    Reference(String),
    Either(Vec<Shape>),
}

/// The named members of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    pub by_name: BTreeMap<String, Field>,
    /// Other names are allowed.
    pub open: bool,
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub shape: Shape,
    pub required: bool,
    /// Written as a block.
    pub block: bool,
    /// The member that the label of the block fills.
    pub label: Option<String>,
}

impl Field {
    /// Returns the members of the block, and whether it may be repeated.
    pub(super) fn block_fields(&self) -> (Option<&Arc<Fields>>, bool) {
        match &self.shape {
            Shape::List(item) => (item.fields(), true),
            other => (other.fields(), false),
        }
    }
}

impl Shape {
    /// Returns the members, where the shape has named ones.
    pub(super) fn fields(&self) -> Option<&Arc<Fields>> {
        match self {
            Self::Object(fields) => Some(fields),
            Self::Either(shapes) => shapes.iter().find_map(Self::fields),
            _ => None,
        }
    }

    /// Tells whether a whole resource may stand here.
    pub(super) fn takes_reference(&self) -> bool {
        match self {
            Self::Reference(_) => true,
            Self::Either(shapes) => shapes.iter().any(Self::takes_reference),
            Self::List(item) | Self::Map(item) => item.takes_reference(),
            _ => false,
        }
    }
}

/// Reads the schema of the arguments of a resource type.
pub(super) fn read(schema: &Json) -> Arc<Fields> {
    let mut reader = Reader { root: schema, open: Vec::new() };
    match reader.shape(schema) {
        Shape::Object(fields) => fields,
        _ => Arc::new(Fields { open: true, ..Fields::default() }),
    }
}

struct Reader<'a> {
    root: &'a Json,
    /// The definitions that are being read: one that leads to itself is taken as anything.
    open: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn shape(&mut self, schema: &'a Json) -> Shape {
        if let Some(target) = text(schema, "x-reference") {
            return Shape::Reference(target.to_owned());
        }
        if let Some(name) = text(schema, "$ref") {
            return self.definition(name);
        }
        if let Some(choices) = choices(schema) {
            return Shape::Choice(choices);
        }
        let properties = schema.get("properties").is_some();
        for key in ["anyOf", "oneOf"] {
            if let Some(Json::Array(arms)) = schema.get(key)
                && !properties
            {
                return self.either(arms);
            }
        }
        if let Some(Json::Array(parts)) = schema.get("allOf")
            && !properties
        {
            return self.all_of(parts);
        }
        match schema.get("type") {
            Some(Json::String(name)) => self.typed(name, schema),
            Some(Json::Array(names)) => {
                let names = names.iter().filter_map(Json::as_str).filter(|name| *name != "null");
                one_or_either(names.map(|name| self.typed(name, schema)).collect())
            }
            _ if properties => self.object(schema),
            _ => Shape::Any,
        }
    }

    fn definition(&mut self, reference: &'a str) -> Shape {
        let pointer = reference.trim_start_matches('#');
        let Some(schema) = self.root.pointer(pointer).filter(|_| !self.open.contains(&reference)) else {
            return Shape::Any;
        };
        self.open.push(reference);
        let shape = self.shape(schema);
        self.open.pop();
        shape
    }

    fn either(&mut self, arms: &'a [Json]) -> Shape {
        let is_null = |arm: &&Json| text(arm, "type") == Some("null") || arm.get("const") == Some(&Json::Null);
        one_or_either(arms.iter().filter(|arm| !is_null(arm)).map(|arm| self.shape(arm)).collect())
    }

    fn all_of(&mut self, parts: &'a [Json]) -> Shape {
        let mut shapes: Vec<Shape> = parts.iter().map(|part| self.shape(part)).collect();
        shapes.retain(|shape| *shape != Shape::Any);
        if shapes.len() > 1 && shapes.iter().all(|shape| matches!(shape, Shape::Object(_))) {
            let mut merged = Fields::default();
            for fields in shapes.iter().filter_map(Shape::fields) {
                merged.by_name.extend(fields.by_name.clone());
                merged.open |= fields.open;
            }
            return Shape::Object(Arc::new(merged));
        }
        shapes.into_iter().next().unwrap_or(Shape::Any)
    }

    fn typed(&mut self, name: &str, schema: &'a Json) -> Shape {
        match name {
            "string" => Shape::Text,
            "number" | "integer" => Shape::Number,
            "boolean" => Shape::Bool,
            "array" => Shape::List(Box::new(schema.get("items").map_or(Shape::Any, |items| self.shape(items)))),
            "object" => self.object(schema),
            _ => Shape::Any,
        }
    }

    fn object(&mut self, schema: &'a Json) -> Shape {
        let others = schema.get("additionalProperties").or_else(|| schema.get("unevaluatedProperties"));
        let Some(Json::Object(properties)) = schema.get("properties") else {
            return match others {
                Some(values @ Json::Object(_)) => Shape::Map(Box::new(self.shape(values))),
                _ => Shape::Any,
            };
        };
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let by_name = properties
            .iter()
            .map(|(name, property)| (name.clone(), self.field(property, required.contains(&name.as_str()))))
            .collect();
        let open = matches!(others, Some(Json::Bool(true) | Json::Object(_)));
        Shape::Object(Arc::new(Fields { by_name, open }))
    }

    fn field(&mut self, property: &'a Json, required: bool) -> Field {
        let block = property.get("x-block") == Some(&Json::Bool(true));
        let label = text(property, "x-label").or_else(|| text(property.get("items")?, "x-label"));
        Field { shape: self.shape(property), required, block, label: label.map(str::to_owned) }
    }
}

fn text<'a>(schema: &'a Json, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Json::as_str)
}

/// Returns the texts of `enum`, of `const`, or of a `oneOf` of such.
fn choices(schema: &Json) -> Option<Vec<String>> {
    if let Some(only) = text(schema, "const") {
        return Some(vec![only.to_owned()]);
    }
    let list = |list: &Json| -> Option<Vec<String>> {
        let known = list.as_array()?.iter().filter(|choice| !choice.is_null());
        known.map(|choice| choice.as_str().map(str::to_owned)).collect()
    };
    if let Some(found) = schema.get("enum") {
        return list(found);
    }
    let arms: Vec<Vec<String>> = schema.get("oneOf")?.as_array()?.iter().map(choices).collect::<Option<_>>()?;
    Some(arms.into_iter().flatten().collect())
}

fn one_or_either(mut shapes: Vec<Shape>) -> Shape {
    if shapes.contains(&Shape::Any) {
        return Shape::Any;
    }
    match shapes.len() {
        0 => Shape::Any,
        1 => shapes.remove(0),
        _ => Shape::Either(shapes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_and_references_are_seen_through() {
        let fields = read(&json!({
            "type": "object",
            "properties": {
                "a": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}], "x-block": true, "x-label": "b"},
                "c": {"type": ["string", "null"]},
                "d": {"type": ["string", "number"]},
                "e": {"type": "object", "additionalProperties": {"type": "string"}},
                "f": {"oneOf": [{"const": "X"}, {"enum": ["Y", "Z"]}]},
                "g": {"x-reference": "ray_head", "type": "object"},
            },
            "required": ["c"],
            "$defs": {"A": {"type": "object", "properties": {"again": {"$ref": "#/$defs/A"}}}},
        }));
        let shape = |name: &str| fields.by_name[name].shape.clone();
        let (inner, repeated) = fields.by_name["a"].block_fields();
        assert_eq!(inner.map(|inner| inner.by_name["again"].shape.clone()), Some(Shape::Any));
        assert!(!repeated && fields.by_name["a"].block && fields.by_name["c"].required);
        assert_eq!(fields.by_name["a"].label.as_deref(), Some("b"));
        assert_eq!(shape("c"), Shape::Text);
        assert_eq!(shape("d"), Shape::Either(vec![Shape::Text, Shape::Number]));
        assert_eq!(shape("e"), Shape::Map(Box::new(Shape::Text)));
        assert_eq!(shape("f"), Shape::Choice(vec!["X".into(), "Y".into(), "Z".into()]));
        assert_eq!(shape("g"), Shape::Reference("ray_head".into()));
    }
}

//! The JSON schema of a whole configuration in JSON, for editors and for whoever writes it with a program.
use serde_json::{Map, json};

use crate::config::definition::{AttributeDefinition, BLOCKS, BlockDefinition, Of};
use crate::model::Json;

/// Returns the schema of `*.rf.json`; the resource types and the data sources with the schemas of their arguments.
pub(crate) fn configuration<'t>(
    resource_types: impl Iterator<Item = (&'t str, Json)>,
    data_sources: impl Iterator<Item = (&'t str, Json)>,
) -> Json {
    let mut definitions = Map::new();
    definitions.insert("template".to_owned(), json!({
        "type": "string", "pattern": "[$%]\\{", "description": "A template with an expression, such as `\"${var.size}\"`.",
    }));
    let mut own_all = |prefix: &str, types: &mut dyn Iterator<Item = (&'t str, Json)>| -> Vec<(&'t str, Json)> {
        types.map(|(name, schema)| (name, own(&format!("{prefix}{name}"), schema, &mut definitions))).collect()
    };
    let resource_types = own_all("", &mut { resource_types });
    let data_sources = own_all("data.", &mut { data_sources });
    let blocks = BLOCKS.iter().map(|definition| {
        let schema = match definition.name {
            "resource" => by_type(definition, "", &resource_types, &mut definitions),
            "data" => by_type(definition, "data.", &data_sources, &mut definitions),
            _ => labelled(definition.labels.len(), definition.is_label_optional, &block(definition)),
        };
        (definition.name.to_owned(), described(schema, definition.about))
    });
    let mut properties: Map<String, Json> = blocks.collect();
    properties.insert("//".to_owned(), json!({"description": "A comment."}));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rayform configuration in JSON (*.rf.json)",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// Returns the schema of all blocks that have a type; each type stands among the definitions, for it is referred to
/// often.
fn by_type(
    definition: &BlockDefinition,
    prefix: &str,
    types: &[(&str, Json)],
    definitions: &mut Map<String, Json>,
) -> Json {
    let common = block(definition);
    let properties: Map<String, Json> = types
        .iter()
        .map(|(name, arguments)| {
            let mut whole = arguments.clone();
            if let (Some(Json::Object(own)), Json::Object(common)) =
                (whole.get_mut("properties"), &common["properties"])
            {
                own.extend(common.clone());
                own.insert("dynamic".to_owned(), json!({"description": "Blocks made from a collection."}));
            }
            definitions.insert(format!("{prefix}{name}"), whole);
            ((*name).to_owned(), labelled(1, false, &json!({"$ref": format!("#/$defs/{prefix}{name}")})))
        })
        .collect();
    let by_type = json!({"type": "object", "properties": properties, "additionalProperties": false});
    definitions.insert(definition.name.to_owned(), by_type);
    reference_to(definition.name)
}

/// Puts objects whose names are labels around a block.
fn labelled(labels: usize, is_optional: bool, block: &Json) -> Json {
    let inner = one_or_several(block);
    let named = |inner: &Json| json!({"type": "object", "additionalProperties": inner});
    let whole = (0..labels).fold(inner.clone(), |inner, _| one_or_several(&named(&inner)));
    if is_optional { json!({"anyOf": [inner, whole]}) } else { whole }
}

/// Returns a reference to all blocks that have a type.
fn reference_to(blocks: &str) -> Json {
    one_or_several(&json!({"$ref": format!("#/$defs/{blocks}")}))
}

fn one_or_several(schema: &Json) -> Json {
    json!({"anyOf": [schema, {"type": "array", "items": schema}]})
}

fn block(definition: &BlockDefinition) -> Json {
    let attributes = definition.attributes.iter().map(|it| (it.name.to_owned(), attribute(it)));
    let inner = |it: &BlockDefinition| match it.name {
        "data" => reference_to("data"),
        _ => labelled(it.labels.len(), false, &block(it)),
    };
    let blocks = definition.blocks.iter().map(|it| (it.name.to_owned(), described(inner(it), it.about)));
    let mut properties: Map<String, Json> = attributes.chain(blocks).collect();
    properties.insert("//".to_owned(), json!({"description": "A comment."}));
    let required: Vec<&str> = definition.attributes.iter().filter(|it| it.is_required).map(|it| it.name).collect();
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": definition.is_open,
    })
}

fn attribute(definition: &AttributeDefinition) -> Json {
    let schema = match definition.of {
        Of::Any | Of::Constant => json!({}),
        Of::Text | Of::ConstantText | Of::Type | Of::Reference => json!({"type": "string"}),
        Of::Bool => or_template(&json!({"type": "boolean"})),
        Of::Number => or_template(&json!({"type": "number"})),
        Of::Collection => or_template(&json!({"type": ["object", "array"]})),
        Of::ConstantBool => json!({"type": "boolean"}),
        Of::References => json!({"type": "array", "items": {"type": "string"}}),
        Of::ConstantTexts => json!({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"const": "all"}]}),
    };
    described(schema, definition.about)
}

fn described(mut schema: Json, about: &str) -> Json {
    schema["description"] = about.into();
    schema
}

fn or_template(schema: &Json) -> Json {
    json!({"anyOf": [schema, {"$ref": "#/$defs/template"}]})
}

/// Takes the schema of a resource type's arguments over: its definitions under names of their own, blocks in the form
/// that they have in JSON, templates wherever a value is no text.
fn own(name: &str, schema: Json, definitions: &mut Map<String, Json>) -> Json {
    let Json::Object(mut schema) = schema else { return schema };
    schema.remove("$schema");
    schema.remove("title");
    if let Some(Json::Object(inner)) = schema.remove("$defs") {
        for (key, definition) in inner {
            definitions.insert(format!("{name}.{key}"), value(name, definition, false));
        }
    }
    value(name, Json::Object(schema), false)
}

/// Rewrites one schema; `is_value` where an attribute may have a template in its place.
fn value(of: &str, schema: Json, is_value: bool) -> Json {
    let Json::Object(mut schema) = schema else { return schema };
    if schema.remove("x-reference").is_some() {
        return json!({"$ref": "#/$defs/template", "description": schema.remove("description")});
    }
    if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
        let key = reference.rsplit('/').next().unwrap_or_default();
        schema.insert("$ref".to_owned(), format!("#/$defs/{of}.{key}").into());
    }
    if let Some(Json::Object(properties)) = schema.remove("properties") {
        let rewritten = self::properties(of, properties, &mut schema);
        schema.insert("properties".to_owned(), rewritten.into());
    }
    for key in ["items", "additionalProperties", "unevaluatedProperties"] {
        if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
            *inner = value(of, inner.take(), true);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Json::Array(arms)) = schema.get_mut(key) {
            arms.iter_mut().for_each(|arm| *arm = value(of, arm.take(), false));
        }
    }
    let takes_text = schema.get("type").is_some_and(|kind| *kind == "string" || *kind == json!(["string", "null"]));
    if !is_value || takes_text && !schema.contains_key("enum") || schema.is_empty() {
        return Json::Object(schema);
    }
    let about = schema.remove("description");
    let mut either = or_template(&Json::Object(schema));
    if let Some(about) = about {
        either["description"] = about;
    }
    either
}

fn properties(of: &str, properties: Map<String, Json>, around: &mut Map<String, Json>) -> Map<String, Json> {
    let mut rewritten = Map::new();
    let mut blocks = Vec::new();
    for (name, property) in properties {
        let is_block = property.get("x-block") == Some(&Json::Bool(true));
        let label = property.get("x-label").or_else(|| property.get("items")?.get("x-label")).is_some();
        let property = if is_block {
            blocks.push(name.clone());
            let inner = match property.get("items") {
                Some(items) => items.clone(),
                None => property.clone(),
            };
            let about = property.get("description").cloned();
            let mut schema = labelled(usize::from(label), false, &value(of, inner, false));
            if let Some(about) = about {
                schema["description"] = about;
            }
            schema
        } else {
            value(of, property, true)
        };
        rewritten.insert(name, property);
    }
    // A `dynamic` block may provide what is missing, and a label fills a field.
    if let Some(Json::Array(required)) = around.get_mut("required") {
        required.retain(|name| !blocks.iter().any(|block| *name == **block) && *name != "name");
    }
    if around.get("additionalProperties") == Some(&Json::Bool(false)) {
        rewritten.insert("//".to_owned(), json!({"description": "A comment."}));
        rewritten.entry("dynamic").or_insert_with(|| json!({"description": "Blocks made from a collection."}));
    }
    rewritten
}

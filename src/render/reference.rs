//! The reference pages of the language and of each resource type, as Markdown.
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Map;

use crate::config::definition::{BLOCKS, BlockDefinition};
use crate::model::Json;

/// What the page of a resource type or a data source is made of.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub name: &'a str,
    pub schema: &'a Json,
    pub exports: &'a [(&'a str, &'a str)],
    pub example: &'a str,
}

/// Returns the page of the language: blocks, functions, checks, and where the types are.
pub(crate) fn language(
    types: &[&str],
    data_sources: &[&str],
    functions: &[(String, &str)],
    checks: &[(&str, String)],
) -> String {
    let mut page =
        "# The language\n\nA configuration is all `*.rf.hcl` and `*.rf.json` files of a folder.\n".to_owned();
    page.push_str("\n## Blocks\n");
    BLOCKS.iter().for_each(|definition| block(definition, 3, &mut page));
    page.push_str("\n## Resource types\n\n");
    types.iter().for_each(|name| line(&mut page, &format!("- [`{name}`]({name}.md)")));
    page.push_str("\n## Data sources\n\n");
    data_sources.iter().for_each(|name| line(&mut page, &format!("- [`{name}`]({name}.md)")));
    page.push_str("\n## Functions\n\n");
    functions.iter().for_each(|(signature, about)| line(&mut page, &format!("- `{signature}`: {about}")));
    page.push_str("\n## Checks\n\n| code | finds |\n| --- | --- |\n");
    checks.iter().for_each(|(code, finds)| line(&mut page, &format!("| `{code}` | {} |", cell(finds))));
    page
}

fn block(definition: &BlockDefinition, level: usize, page: &mut String) {
    let labels: String = definition.labels.iter().map(|label| format!(" \"{label}\"")).collect();
    line(page, &format!("\n{} `{}{labels}`\n\n{}", "#".repeat(level), definition.name, definition.about));
    if !definition.attributes.is_empty() {
        page.push_str("\n| attribute | type | |\n| --- | --- | --- |\n");
    }
    for attribute in definition.attributes {
        let needed = if attribute.is_required { " **Required.**" } else { "" };
        line(page, &format!("| `{}` | {} | {}{needed} |", attribute.name, attribute.of.word(), cell(attribute.about)));
    }
    definition.blocks.iter().for_each(|inner| block(inner, level + 1, page));
}

/// Returns the page of one resource type or data source.
pub(crate) fn of_type(subject: &Subject<'_>) -> String {
    let Subject { name, schema, exports, example } = subject;
    let mut writer = Writer { root: schema, page: String::new(), open: BTreeSet::new() };
    line(&mut writer.page, &format!("# `{name}`\n\n{}", text(schema, "description")));
    line(&mut writer.page, &format!("\n## Example\n\n```hcl\n{}\n```", example.trim_end()));
    writer.page.push_str("\n## Arguments\n");
    writer.members(schema, 3);
    writer.page.push_str("\n## Exports\n\n| name | what it is |\n| --- | --- |\n");
    exports.iter().for_each(|(name, about)| line(&mut writer.page, &format!("| `{name}` | {} |", cell(about))));
    writer.page
}

struct Writer<'a> {
    root: &'a Json,
    page: String,
    /// The definitions whose blocks are being written: one that leads to itself is written once.
    open: BTreeSet<&'a str>,
}

impl<'a> Writer<'a> {
    /// Writes the attributes of an object as a table, and its blocks below.
    fn members(&mut self, schema: &'a Json, level: usize) {
        let Some(Json::Object(properties)) = schema.get("properties") else { return };
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let is_block = |property: &Json| property.get("x-block") == Some(&Json::Bool(true));
        self.table(properties, &required);
        for (name, property) in properties.iter().filter(|(_, property)| is_block(property)) {
            let item = property.get("items").unwrap_or(property);
            let label = [property, item].iter().find_map(|it| it.get("x-label")?.as_str());
            let label = label.map(|label| format!(" \"{label}\"")).unwrap_or_default();
            let repeated = if property.get("items").is_some() { " May be repeated." } else { "" };
            let needed = if required.contains(&name.as_str()) { " **Required.**" } else { "" };
            let about = text(property, "description");
            line(
                &mut self.page,
                &format!("\n{} `{name}{label}`\n\n{about}{repeated}{needed}", "#".repeat(level.min(6))),
            );
            let (key, inner) = self.target(item);
            if key.is_none_or(|key| self.open.insert(key)) {
                self.members(inner, level + 1);
                if let Some(key) = key {
                    self.open.remove(key);
                }
            }
        }
    }

    fn table(&mut self, properties: &'a Map<String, Json>, required: &[&str]) {
        let mut rows = String::new();
        for (name, property) in properties.iter().filter(|(_, it)| it.get("x-block") != Some(&Json::Bool(true))) {
            let about = text(property, "description");
            let default = match property.get("default") {
                _ if required.contains(&name.as_str()) => "required".to_owned(),
                Some(value) if !is_empty(value) => format!("`{value}`"),
                _ => about.split("Default: ").nth(1).and_then(|rest| rest.split(". ").next()).unwrap_or("").to_owned(),
            };
            let (word, unit) = (self.word(property, 0), unit(name, &about));
            let default = default.trim_end_matches('.');
            line(&mut rows, &format!("| `{name}` | {} | {} | {unit} | {} |", cell(&word), cell(default), cell(&about)));
        }
        if !rows.is_empty() {
            self.page.push_str("\n| attribute | type | default | unit | |\n| --- | --- | --- | --- | --- |\n");
            self.page.push_str(&rows);
        }
    }

    /// Follows a reference, also one that may be null.
    fn target(&self, schema: &'a Json) -> (Option<&'a str>, &'a Json) {
        let arms = schema.get("anyOf").and_then(Json::as_array);
        let reference =
            arms.and_then(|arms| arms.iter().find_map(|arm| arm.get("$ref"))).or_else(|| schema.get("$ref"));
        match reference.and_then(Json::as_str) {
            Some(key) => (Some(key), self.root.pointer(key.trim_start_matches('#')).unwrap_or(schema)),
            None => (None, schema),
        }
    }

    /// Returns what a value may be, in a few words.
    fn word(&self, schema: &'a Json, depth: usize) -> String {
        if depth > 8 {
            return "any".to_owned();
        }
        if let Some(target) = schema.get("x-reference").and_then(Json::as_str) {
            return format!("a whole `{target}`");
        }
        if schema.get("x-quantity").is_some() {
            return "quantity".to_owned();
        }
        if let Some(Json::Array(choices)) = schema.get("enum") {
            return choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or ");
        }
        if let (Some(_), target) = self.target(schema)
            && !std::ptr::eq(target, schema)
        {
            return self.word(target, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(Json::Array(arms)) = schema.get(key) {
                let words: BTreeSet<String> = arms.iter().map(|arm| self.word(arm, depth + 1)).collect();
                return words.into_iter().filter(|word| word != "null").collect::<Vec<_>>().join(" or ");
            }
        }
        let inner = |key: &str| schema.get(key).map_or("any".to_owned(), |inner| self.word(inner, depth + 1));
        let of = |kind: &str| match kind {
            "array" => format!("list of {}", inner("items")),
            "object" if schema.get("additionalProperties").is_some_and(Json::is_object) => {
                format!("map of {}", inner("additionalProperties"))
            }
            "integer" => "whole number".to_owned(),
            "boolean" => "bool".to_owned(),
            other => other.to_owned(),
        };
        match (schema.get("type"), schema.get("const")) {
            (Some(Json::String(kind)), _) => of(kind),
            (Some(Json::Array(kinds)), _) => {
                let kinds = kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null");
                kinds.map(of).collect::<Vec<_>>().join(" or ")
            }
            (None, Some(only)) => format!("`{only}`"),
            _ => "any".to_owned(),
        }
    }
}

/// Returns the unit that a name or a description tells.
fn unit(name: &str, about: &str) -> &'static str {
    const UNITS: [(&str, &str); 4] = [("_seconds", "s"), ("_bytes", "bytes"), ("_percent", "%"), ("_hours", "h")];
    let of_name = UNITS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, unit)| *unit);
    of_name.unwrap_or(if about.contains("in cores") {
        "cores"
    } else if about.contains("in seconds") {
        "s"
    } else {
        ""
    })
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

fn text(schema: &Json, key: &str) -> String {
    schema.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Returns a text that fits into one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn line(page: &mut String, text: &str) {
    // Writing into a text cannot fail.
    writeln!(page, "{text}").unwrap_or_default();
}

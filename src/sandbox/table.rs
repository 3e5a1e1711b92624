//! Tables: what `kubectl get` prints, with the columns of each kind.
use jiff::Timestamp;
use serde_json::json;

use super::crd;
use super::json::{get, text};
use super::kinds::KindInfo;
use super::table_cells::{COLUMNS, cells};
use super::world::World;
use crate::model::Json;

/// Returns the table of some objects.
pub(super) fn table(info: &KindInfo, objects: &[&Json], metadata: &Json, world: &World, include: &str) -> Json {
    let columns = columns(info, world);
    let now = world.now();
    let rows: Vec<Json> = objects
        .iter()
        .map(|object| {
            let included = match include {
                "Object" => (*object).clone(),
                "None" => Json::Null,
                _ => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]}),
            };
            json!({"cells": cells_of(info, object, world, now), "object": included})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
           "columnDefinitions": columns, "rows": rows})
}

fn column(name: &str, kind: &str, format: &str, priority: i64) -> Json {
    json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
}

fn columns(info: &KindInfo, world: &World) -> Vec<Json> {
    let name = column("Name", "string", "name", 0);
    if info.is_custom() {
        let own = printer_columns(info, world);
        let more = own.iter().map(|own| {
            let priority = own["priority"].as_i64().unwrap_or(0);
            column(text(own, "/name"), text(own, "/type"), text(own, "/format"), priority)
        });
        let age = own.is_empty().then(|| column("Age", "date", "", 0));
        return std::iter::once(name).chain(more).chain(age).collect();
    }
    let Some((_, columns)) = COLUMNS.iter().find(|(kind, _)| *kind == info.kind) else {
        return vec![name, column("Age", "string", "", 0)];
    };
    // A trailing plus marks what only `-o wide` shows.
    let more = columns.split_whitespace().map(|word| {
        let (word, priority) = word.strip_suffix('+').map_or((word, 0), |word| (word, 1));
        column(&word.replace('_', " "), "string", "", priority)
    });
    std::iter::once(name).chain(more).collect()
}

fn printer_columns(info: &KindInfo, world: &World) -> Vec<Json> {
    let version = crd::version(world, info);
    version.map(|version| super::json::items(version, "/additionalPrinterColumns").to_vec()).unwrap_or_default()
}

fn cells_of(info: &KindInfo, object: &Json, world: &World, now: Timestamp) -> Vec<Json> {
    let name = object["metadata"]["name"].clone();
    let more = if info.is_custom() { custom_cells(info, object, world, now) } else { cells(&info.kind, object, now) };
    std::iter::once(name).chain(more).collect()
}

fn custom_cells(info: &KindInfo, object: &Json, world: &World, now: Timestamp) -> Vec<Json> {
    let columns = printer_columns(info, world);
    if columns.is_empty() {
        return vec![object["metadata"]["creationTimestamp"].clone()];
    }
    columns
        .iter()
        .map(|column| {
            let value = by_path(object, text(column, "/jsonPath"));
            match (value, text(column, "/type")) {
                (Some(Json::String(time)), "date") => Json::from(age_of(&time, now)),
                (Some(value @ (Json::Array(_) | Json::Object(_))), "string") => Json::from(value.to_string()),
                (Some(value), "string") if !value.is_string() => Json::from(value.to_string()),
                (value, _) => value.unwrap_or(Json::Null),
            }
        })
        .collect()
}

/// Follows a JSON path of names, indexes and one filter on equality, such as `.status.conditions[?(@.type=="Ready")].status`.
fn by_path(object: &Json, path: &str) -> Option<Json> {
    let mut node = object;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = inner.split_once(']')?;
            node = step_into(node, step)?;
            rest = after;
            continue;
        }
        let start = rest.strip_prefix('.').unwrap_or(rest);
        let end = name_end(start);
        let name = start[..end].replace("\\.", ".");
        if !name.is_empty() {
            node = get(node, &[&name])?;
        }
        rest = &start[end..];
    }
    Some(node.clone())
}

/// Returns where a name ends: at a dot that is not escaped, or at a bracket.
fn name_end(text: &str) -> usize {
    let mut escaped = false;
    for (index, letter) in text.char_indices() {
        if !escaped && matches!(letter, '.' | '[') {
            return index;
        }
        escaped = letter == '\\';
    }
    text.len()
}

fn step_into<'a>(node: &'a Json, step: &str) -> Option<&'a Json> {
    if let Some(filter) = step.strip_prefix("?(@.").and_then(|filter| filter.strip_suffix(')')) {
        let (field, value) = filter.split_once("==")?;
        let wanted = value.trim().trim_matches(['"', '\'']);
        return node.as_array()?.iter().find(|item| item.get(field.trim()).and_then(Json::as_str) == Some(wanted));
    }
    match step.parse::<usize>() {
        Ok(index) => node.get(index),
        Err(_) if step == "*" => node.get(0),
        Err(_) => node.get(step.trim_matches(['"', '\''])),
    }
}

/// Returns how long ago a time was, as `kubectl` shows it.
pub(super) fn age_of(time: &str, now: Timestamp) -> String {
    let Ok(time) = time.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    human(now.duration_since(time).as_secs())
}

/// Shows seconds as `90s`, `2m30s`, `5h`, `3d4h`, `2y`.
pub(super) fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |whole: i64, unit: &str, part: i64, small: &str| {
        if part == 0 { format!("{whole}{unit}") } else { format!("{whole}{unit}{part}{small}") }
    };
    match seconds {
        i64::MIN..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => pair(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => pair(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ if days < 2920 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_shown_as_kubectl_shows_them() {
        let shown: Vec<String> = [5, 119, 150, 600, 7200, 10_800, 100_000, 300_000, 900_000].map(human).to_vec();
        assert_eq!(shown, ["5s", "119s", "2m30s", "10m", "120m", "3h", "27h", "3d11h", "10d"]);
    }

    #[test]
    fn paths_of_printer_columns_are_followed() {
        let object = json!({"status": {"conditions": [{"type": "A", "status": "no"}, {"type": "Ready", "status": "True"}]},
            "metadata": {"labels": {"a.b/c": "x"}}, "list": [1, 2]});
        let check = |path: &str, expected: Option<Json>| assert_eq!(by_path(&object, path), expected, "{path}");
        check(".status.conditions[?(@.type==\"Ready\")].status", Some(json!("True")));
        check(".metadata.labels.a\\.b/c", Some(json!("x")));
        check(".list[1]", Some(json!(2)));
        check(".none.x", None);
    }
}

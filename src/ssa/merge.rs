//! Lays one value over another, and takes fields out of a value, as the schema says.
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map as JsonMap;

use super::fields::{FieldSet, write_step};
use super::schema::{List, Map, Shape, Type};
use crate::model::Json;

/// Returns `over` laid over `under`: leaves and atomic nodes are replaced, maps and keyed lists are joined.
pub(super) fn merge(under: &Json, over: &Json, of: Type<'_>) -> Json {
    merge_nodes(Some(under), Some(over), Some(of)).unwrap_or(Json::Null)
}

/// Returns the value without the fields of a set; null where nothing is left of it.
pub(super) fn remove(value: &Json, fields: &FieldSet, of: Option<Type<'_>>) -> Json {
    let Some(of) = of else { return value.clone() };
    match of.shape(Some(value)) {
        Shape::Scalar(_) => value.clone(),
        Shape::List(list) if !list.is_atomic() => remove_items(value, fields, list, of),
        Shape::Map(map) if !map.is_atomic => remove_entries(value, fields, map, of),
        _ => Json::Null,
    }
}

fn remove_items(value: &Json, fields: &FieldSet, list: &List, of: Type<'_>) -> Json {
    let rest = |item: &Json| {
        let step = of.item_step(list, item).ok()?;
        match fields.children.get(&write_step(&step)) {
            Some(child) if child.is_member => None,
            Some(child) => Some(remove(item, child, Some(of.at(list.item)))),
            None => Some(item.clone()),
        }
    };
    let items: Vec<Json> = value.as_array().into_iter().flatten().filter_map(rest).collect();
    if items.is_empty() { Json::Null } else { Json::Array(items) }
}

fn remove_entries(value: &Json, fields: &FieldSet, map: &Map, of: Type<'_>) -> Json {
    let rest = |(name, entry): (&String, &Json)| {
        let rest = match fields.children.get(&format!("f:{name}")) {
            Some(child) if child.is_member => return None,
            Some(child) => remove(entry, child, of.entry(map, name)),
            None => entry.clone(),
        };
        Some((name.clone(), rest))
    };
    let entries: JsonMap<String, Json> = value.as_object().into_iter().flatten().filter_map(rest).collect();
    if entries.is_empty() { Json::Null } else { Json::Object(entries) }
}

fn merge_nodes(under: Option<&Json>, over: Option<&Json>, of: Option<Type<'_>>) -> Option<Json> {
    let replaced = || over.or(under).cloned();
    let Some(of) = of else { return replaced() };
    match of.shape(over.or(under)) {
        Shape::List(list) if !list.is_atomic() => {
            let items = |value: Option<&Json>| value.and_then(Json::as_array).map_or(&[][..], Vec::as_slice).to_vec();
            let (under_items, over_items) = (items(under), items(over));
            if under_items.is_empty() && over_items.is_empty() {
                return replaced();
            }
            let items = ListMerge::new(list, of, &under_items, &over_items).run();
            (!items.is_empty()).then_some(Json::Array(items))
        }
        Shape::Map(map) if !map.is_atomic => {
            let empty = JsonMap::new();
            let (left, right) = (entries(under, &empty), entries(over, &empty));
            if left.is_empty() && right.is_empty() {
                return replaced();
            }
            let entries = merge_entries(left, right, map, of);
            (!entries.is_empty()).then_some(Json::Object(entries))
        }
        _ => replaced(),
    }
}

fn entries<'a>(value: Option<&'a Json>, empty: &'a JsonMap<String, Json>) -> &'a JsonMap<String, Json> {
    value.and_then(Json::as_object).unwrap_or(empty)
}

fn merge_entries(
    under: &JsonMap<String, Json>,
    over: &JsonMap<String, Json>,
    map: &Map,
    of: Type<'_>,
) -> JsonMap<String, Json> {
    let added = over.keys().filter(|name| !under.contains_key(*name));
    let merged = under
        .keys()
        .chain(added)
        .filter_map(|name| Some((name.clone(), merge_nodes(under.get(name), over.get(name), of.entry(map, name))?)));
    merged.collect()
}

/// The merge of two lists whose items have keys: the order of `over` wins, foreign items stay between.
struct ListMerge<'a> {
    of: Type<'a>,
    under: Side<'a>,
    over: Side<'a>,
    /// What both have, in the order of `over`, still to come.
    shared: std::collections::VecDeque<String>,
    done: BTreeSet<String>,
    out: Vec<Json>,
}

/// One list, with the step to each item.
struct Side<'a> {
    items: Vec<(String, &'a Json)>,
    /// An item that is there more than once has no value that could be merged.
    index: BTreeMap<String, Option<&'a Json>>,
    next: usize,
}

impl<'a> Side<'a> {
    fn new(list: &List, of: Type<'_>, items: &'a [Json]) -> Self {
        let with_step = |item: &'a Json| Some((write_step(&of.item_step(list, item).ok()?), item));
        let items: Vec<_> = items.iter().filter_map(with_step).collect();
        let mut index = BTreeMap::new();
        for (step, item) in &items {
            index.entry(step.clone()).and_modify(|known| *known = None).or_insert(Some(*item));
        }
        Self { items, index, next: 0 }
    }

    fn current(&self) -> Option<&(String, &'a Json)> {
        self.items.get(self.next)
    }
}

impl<'a> ListMerge<'a> {
    fn new(list: &List, of: Type<'a>, under: &'a [Json], over: &'a [Json]) -> Self {
        let (under, over) = (Side::new(list, of, under), Side::new(list, of, over));
        let shared = over.items.iter().map(|(step, _)| step.clone()).filter(|step| under.index.contains_key(step));
        Self { of: of.at(list.item), shared: shared.collect(), under, over, done: BTreeSet::new(), out: Vec::new() }
    }

    fn run(mut self) -> Vec<Json> {
        loop {
            let under = self.under.current().map(|(step, item)| (step.clone(), *item));
            let over = self.over.current().map(|(step, _)| step.clone());
            match (under, over) {
                (None, None) => return self.out,
                (Some((step, _)), Some(over)) if step == over => {
                    self.under.next += 1;
                    self.take_over(&step);
                    self.shared.pop_front();
                }
                // Both have it, but it is not its turn yet.
                (Some((step, _)), Some(_)) if self.is_later(&step) => self.under.next += 1,
                (Some((step, item)), _) if !self.over.index.contains_key(&step) => {
                    self.under.next += 1;
                    self.out.extend(merge_nodes(Some(item), None, Some(self.of)));
                }
                (under, over) => {
                    if under.is_some_and(|(step, _)| self.done.contains(&step)) {
                        self.under.next += 1;
                    }
                    if let Some(step) = over {
                        self.take_over(&step);
                        if self.shared.front() == Some(&step) {
                            self.shared.pop_front();
                        }
                    }
                }
            }
        }
    }

    fn is_later(&self, step: &str) -> bool {
        self.over.index.contains_key(step) && self.shared.front().is_some_and(|next| next != step)
    }

    fn take_over(&mut self, step: &str) {
        self.over.next += 1;
        self.done.insert(step.to_owned());
        let under = self.under.index.get(step).copied().flatten();
        let over = self.over.index.get(step).copied().flatten();
        self.out.extend(merge_nodes(under, over, Some(self.of)));
    }
}

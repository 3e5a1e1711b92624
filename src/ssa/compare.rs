//! Compares two values field by field, as the schema says.
use std::collections::BTreeMap;

use serde_json::Map as JsonMap;

use super::fields::{FieldSet, write_step};
use super::schema::{List, Map, Shape, Type, equal};
use crate::model::Json;

/// The fields that differ between an old and a new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub added: FieldSet,
    pub modified: FieldSet,
    pub removed: FieldSet,
}

/// Compares two values of one type.
pub(super) fn compare(old: &Json, new: &Json, of: Type<'_>) -> Comparison {
    let mut walk = Walk { path: Vec::new(), result: Comparison::default() };
    walk.nodes(Some(old), Some(new), Some(of));
    walk.result
}

impl Comparison {
    /// Returns what the writer of the new value has set.
    pub(super) fn written(&self) -> FieldSet {
        self.modified.union(&self.added)
    }

    /// Returns the comparison without some fields and what is below them.
    pub(super) fn without(&self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
        }
    }
}

struct Walk {
    path: Vec<String>,
    result: Comparison,
}

impl Walk {
    fn nodes(&mut self, old: Option<&Json>, new: Option<&Json>, of: Option<Type<'_>>) {
        let Some(of) = of else { return self.leaf(old, new) };
        if let (Some(old), Some(new)) = (old, new)
            && !of.agrees(old, new)
        {
            self.shaped(Some(old), Some(new), of.shape(Some(old)), of);
        }
        let shape = of.shape(new.or(old));
        self.shaped(old, new, shape, of);
    }

    fn shaped(&mut self, old: Option<&Json>, new: Option<&Json>, shape: Shape<'_>, of: Type<'_>) {
        match shape {
            Shape::List(list) if !list.is_atomic() => {
                let items = |value: Option<&Json>| value.and_then(Json::as_array).cloned().unwrap_or_default();
                let (old_items, new_items) = (items(old), items(new));
                if old_items.is_empty() && new_items.is_empty() {
                    return self.leaf(old, new);
                }
                self.items(&old_items, &new_items, list, of);
                self.presence(old, new);
            }
            Shape::Map(map) if !map.is_atomic => {
                let empty = JsonMap::new();
                let entries = |value: Option<&Json>| value.and_then(Json::as_object).unwrap_or(&empty).clone();
                let (old_entries, new_entries) = (entries(old), entries(new));
                if old_entries.is_empty() && new_entries.is_empty() {
                    return self.leaf(old, new);
                }
                self.entries(&old_entries, &new_entries, map, of);
                self.presence(old, new);
            }
            _ => self.leaf(old, new),
        }
    }

    fn leaf(&mut self, old: Option<&Json>, new: Option<&Json>) {
        match (old, new) {
            (Some(old), Some(new)) if !equal(old, new) => self.result.modified.insert(&self.path),
            _ => self.presence(old, new),
        }
    }

    fn presence(&mut self, old: Option<&Json>, new: Option<&Json>) {
        match (old, new) {
            (None, Some(_)) => self.result.added.insert(&self.path),
            (Some(_), None) => self.result.removed.insert(&self.path),
            _ => {}
        }
    }

    fn entries(&mut self, old: &JsonMap<String, Json>, new: &JsonMap<String, Json>, map: &Map, of: Type<'_>) {
        let added = new.keys().filter(|name| !old.contains_key(*name));
        for name in old.keys().chain(added) {
            self.path.push(format!("f:{name}"));
            self.nodes(old.get(name), new.get(name), of.entry(map, name));
            self.path.pop();
        }
    }

    fn items(&mut self, old: &[Json], new: &[Json], list: &List, of: Type<'_>) {
        let mut steps: BTreeMap<String, (Vec<&Json>, Vec<&Json>)> = BTreeMap::new();
        let step = |item| of.item_step(list, item).ok().map(|step| write_step(&step));
        for item in old {
            if let Some(step) = step(item) {
                steps.entry(step).or_default().0.push(item);
            }
        }
        for item in new {
            if let Some(step) = step(item) {
                steps.entry(step).or_default().1.push(item);
            }
        }
        let of = of.at(list.item);
        for (step, (old, new)) in steps {
            self.path.push(step);
            self.same_step(&old, &new, of);
            self.path.pop();
        }
    }

    /// Compares what has the same key. Items that share a key count as one.
    fn same_step(&mut self, old: &[&Json], new: &[&Json], of: Type<'_>) {
        match (old, new) {
            ([] | [_], [] | [_]) => self.nodes(old.first().copied(), new.first().copied(), Some(of)),
            ([_, _, ..], [_, _, ..]) => {
                let is_same = old.len() == new.len() && old.iter().zip(new).all(|(old, new)| equal(old, new));
                if !is_same {
                    self.result.modified.insert(&self.path);
                }
            }
            ([_, _, ..], _) => {
                if let Some(new) = new.first() {
                    self.nodes(None, Some(new), Some(of));
                }
                self.result.removed.insert(&self.path);
            }
            (_, [_, _, ..]) => {
                if let Some(old) = old.first() {
                    self.nodes(Some(old), None, Some(of));
                }
                self.result.added.insert(&self.path);
            }
        }
    }
}

//! The fields that an object sets, in the form in which `managedFields` writes them (`FieldsV1`).
use std::collections::BTreeMap;

use serde_json::Map as JsonMap;

use super::schema::Type;
use crate::model::{FieldPath, Json, Step};

/// A set of fields, as a tree of steps; an inner node may be a member itself.
///
/// The steps are written as in `FieldsV1` (`f:spec`, `k:{"name":"c"}`, `v:"a"`, `i:0`), keys sorted, without blanks.
/// No node but the root is neither a member nor has children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    pub(super) is_member: bool,
    pub(super) children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Returns the set that holds only the node itself.
    pub(super) fn leaf() -> Self {
        Self { is_member: true, children: BTreeMap::new() }
    }

    /// Reads `FieldsV1`. Steps of unknown form are left out, as the server does.
    pub(crate) fn from_json(fields: &Json) -> Self {
        let mut set = Self::default();
        for (step, below) in fields.as_object().into_iter().flatten() {
            if step == "." {
                set.is_member = true;
            } else if let Some(step) = canonical_step(step) {
                let is_leaf = below.as_object().is_none_or(JsonMap::is_empty);
                let child = if is_leaf { Self::leaf() } else { Self::from_json(below) };
                if !child.is_empty() {
                    set.children.entry(step).or_default().extend(child);
                }
            }
        }
        set
    }

    /// Writes `FieldsV1`.
    pub(crate) fn to_json(&self) -> Json {
        let mut fields = JsonMap::new();
        if self.is_member && !self.children.is_empty() {
            fields.insert(".".to_owned(), Json::Object(JsonMap::new()));
        }
        fields.extend(self.children.iter().map(|(step, child)| (step.clone(), child.to_json())));
        Json::Object(fields)
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.is_member && self.children.is_empty()
    }

    /// Returns the paths of all members, parents before what is below them.
    pub(crate) fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.collect(&FieldPath::default(), &mut paths);
        paths
    }

    fn collect(&self, path: &FieldPath, paths: &mut Vec<FieldPath>) {
        if self.is_member {
            paths.push(path.clone());
        }
        for (text, child) in &self.children {
            child.collect(&path.join(read_step(text)), paths);
        }
    }

    /// Tells whether a path is a member.
    pub(crate) fn contains(&self, path: &FieldPath) -> bool {
        let mut steps = path.0.iter();
        steps.try_fold(self, |set, step| set.children.get(&write_step(step))).is_some_and(|set| set.is_member)
    }

    pub(super) fn insert(&mut self, path: &[String]) {
        let mut node = self;
        for step in path {
            node = node.children.entry(step.clone()).or_default();
        }
        node.is_member = true;
    }

    /// Adds all members of another set.
    pub(super) fn extend(&mut self, other: Self) {
        self.is_member |= other.is_member;
        for (step, child) in other.children {
            self.children.entry(step).or_default().extend(child);
        }
    }

    #[must_use]
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.extend(other.clone());
        union
    }

    #[must_use]
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.combine(other, false)
    }

    /// Returns what neither the other set nor anything above it in the other set holds.
    #[must_use]
    pub(crate) fn recursive_difference(&self, other: &Self) -> Self {
        self.combine(other, true)
    }

    fn combine(&self, other: &Self, recursive: bool) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            let rest = match other.children.get(step) {
                None => child.clone(),
                Some(removed) if recursive && removed.is_member => return None,
                Some(removed) => child.combine(removed, recursive),
            };
            (!rest.is_empty()).then(|| (step.clone(), rest))
        });
        Self { is_member: self.is_member && !other.is_member, children: children.collect() }
    }

    #[must_use]
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(step, child)| {
            let both = child.intersection(other.children.get(step)?);
            (!both.is_empty()).then(|| (step.clone(), both))
        });
        Self { is_member: self.is_member && other.is_member, children: children.collect() }
    }

    /// Returns the set with every declared field on the way to a member as a member.
    #[must_use]
    pub(super) fn with_named_parents(&self, of: Option<Type<'_>>) -> Self {
        let children = self.children.iter().map(|(step, child)| {
            let (below, is_declared) = of.map_or((None, false), |of| of.step(step));
            let mut child = child.with_named_parents(below);
            child.is_member |= is_declared;
            (step.clone(), child)
        });
        Self { is_member: self.is_member, children: children.collect() }
    }

    /// Returns the set as a schema with more atomic nodes has it: what was below such a node is the node.
    #[must_use]
    pub(super) fn reconciled(&self, of: Type<'_>) -> Self {
        let node = of.node;
        let has_atomic_map = node.map.as_ref().is_some_and(|map| map.is_atomic);
        let has_atomic_list = node.list.as_ref().is_some_and(super::schema::List::is_atomic);
        let steps_are_fields = self.children.keys().next().is_some_and(|step| step.starts_with("f:"));
        if !self.children.is_empty() && if steps_are_fields { has_atomic_map } else { has_atomic_list } {
            return Self::leaf();
        }
        let children = self.children.iter().map(|(step, child)| {
            let child = match of.step(step).0 {
                Some(below) => child.reconciled(below),
                None => child.clone(),
            };
            (step.clone(), child)
        });
        Self { is_member: self.is_member, children: children.collect() }
    }
}

/// Writes a step as `FieldsV1` does.
pub(super) fn write_step(step: &Step) -> String {
    match step {
        Step::Field(name) => format!("f:{name}"),
        Step::Key(keys) => {
            let keys: BTreeMap<&String, Json> = keys.iter().map(|(name, value)| (name, plain_number(value))).collect();
            format!("k:{}", serde_json::json!(keys))
        }
        Step::Value(value) => format!("v:{}", plain_number(value)),
        Step::Index(index) => format!("i:{index}"),
    }
}

/// Reads a step that is in canonical form.
pub(super) fn read_step(text: &str) -> Step {
    let (form, rest) = text.split_at_checked(2).unwrap_or(("f:", text));
    let field = || Step::Field(rest.to_owned());
    match form {
        "k:" => serde_json::from_str(rest).map_or_else(|_| field(), Step::Key),
        "v:" => serde_json::from_str(rest).map_or_else(|_| field(), Step::Value),
        "i:" => rest.parse().map_or_else(|_| field(), Step::Index),
        _ => field(),
    }
}

/// Returns a step of the server as we write it, unless its form is unknown.
fn canonical_step(text: &str) -> Option<String> {
    let (form, rest) = text.split_at_checked(2)?;
    let step = match form {
        "f:" => return Some(text.to_owned()),
        "k:" => Step::Key(serde_json::from_str(rest).ok()?),
        "v:" => Step::Value(serde_json::from_str(rest).ok()?),
        "i:" => Step::Index(rest.parse().ok()?),
        _ => return None,
    };
    Some(write_step(&step))
}

/// Writes `2.0` as `2`, so that equal keys are equal texts.
fn plain_number(value: &Json) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Json::Number(number) if number.is_f64() => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number that fits")]
            Some(double) if double.fract() == 0.0 && double.abs() < EXACT => Json::from(double as i64),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn set(fields: &Json) -> FieldSet {
        FieldSet::from_json(fields)
    }

    #[test]
    fn paths_name_items_by_their_keys() {
        let fields = json!({"f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}},
            "f:finalizers": {"v:\"a\"": {}}}});
        let paths: Vec<String> = set(&fields).paths().iter().map(ToString::to_string).collect();
        assert_eq!(
            paths,
            [
                ".spec.finalizers[=\"a\"]",
                ".spec.ports[port=80,protocol=\"TCP\"]",
                ".spec.ports[port=80,protocol=\"TCP\"].name"
            ]
        );
    }

    #[test]
    fn keys_are_equal_whatever_their_blanks_order_and_escapes() {
        let one = set(&json!({"k:{\"a\":\"\\u003c\",\"b\":1}": {}}));
        assert_eq!(one, set(&json!({"k:{ \"b\": 1.0, \"a\": \"<\" }": {}})));
    }

    #[test]
    fn a_recursive_difference_takes_what_is_below() {
        let one = set(&json!({"f:a": {"f:b": {}, "f:c": {}}, "f:d": {}}));
        assert_eq!(one.difference(&set(&json!({"f:a": {}}))), one);
        assert_eq!(one.recursive_difference(&set(&json!({"f:a": {}}))), set(&json!({"f:d": {}})));
    }

    #[test]
    fn unknown_steps_are_left_out() {
        assert!(set(&json!({"x": {}, "q:1": {}, "k:1": {}, "": {}})).is_empty());
    }

    fn fields() -> impl Strategy<Value = FieldSet> {
        let step = prop_oneof![
            "[a-z/.]{1,4}".prop_map(Step::Field),
            ("[a-z]{1,2}", any::<i16>()).prop_map(|(name, value)| Step::Key([(name, value.into())].into())),
            "\\PC{0,4}".prop_map(|text| Step::Value(text.into())),
            (0_usize..9).prop_map(Step::Index),
        ];
        let path = prop::collection::vec(step.prop_map(|step| write_step(&step)), 1..4);
        prop::collection::vec(path, 0..12).prop_map(|paths| {
            let mut set = FieldSet::default();
            for path in &paths {
                set.insert(path);
            }
            set
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(set in fields()) {
            prop_assert_eq!(FieldSet::from_json(&set.to_json()), set);
        }

        #[test]
        fn a_set_is_its_parts(one in fields(), other in fields()) {
            let parts = one.difference(&other).union(&one.intersection(&other));
            prop_assert_eq!(&parts, &one);
            prop_assert!(one.difference(&other).intersection(&other).is_empty());
            prop_assert_eq!(one.union(&other).difference(&other), one.difference(&other));
        }

        #[test]
        fn every_path_is_contained(set in fields()) {
            for path in set.paths() {
                prop_assert!(set.contains(&path));
            }
        }
    }
}

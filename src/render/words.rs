//! The words and counts that all formats share.
use crate::model::{Address, Quantity, Value, Verb};
use crate::plan::{Action, Change, Plan, ResourcePlan, Totals};

use super::style::Paint;

/// How many resources a plan treats in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub add: usize,
    pub change: usize,
    pub destroy: usize,
    pub moved: usize,
    pub adopt: usize,
    pub forget: usize,
    pub wait: usize,
}

impl Counts {
    /// Counts the resources of a plan; a replacement counts as one to add and one to destroy.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut counts = Self::default();
        for resource in plan.resources.values() {
            match resource.action {
                Action::NoOp => {}
                Action::Create => counts.add += 1,
                Action::Update => counts.change += 1,
                Action::Replace => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::Delete => counts.destroy += 1,
                Action::Move => counts.moved += 1,
                Action::Adopt => counts.adopt += 1,
                Action::Forget => counts.forget += 1,
                Action::Wait => counts.wait += 1,
            }
        }
        counts
    }

    /// Returns the last line of a plan.
    pub(super) fn sentence(self) -> String {
        let mut parts = vec![
            format!("{} to add", self.add),
            format!("{} to change", self.change),
            format!("{} to destroy", self.destroy),
        ];
        let more =
            [(self.moved, "moved"), (self.adopt, "to adopt"), (self.forget, "to forget"), (self.wait, "to wait for")];
        parts.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        format!("Plan: {}.", parts.join(", "))
    }
}

/// Returns the sign of what happens to a resource.
pub(super) fn symbol(action: Action) -> &'static str {
    match action {
        Action::NoOp | Action::Move => " ",
        Action::Create => "+",
        Action::Update => "~",
        Action::Replace => "-/+",
        Action::Delete => "-",
        Action::Adopt | Action::Wait => "<=",
        Action::Forget => ".",
    }
}

/// Returns the sign of what happens to an object.
pub(super) fn change_symbol(change: &Change) -> &'static str {
    match change {
        Change::Keep { .. } => " ",
        Change::Wait { .. } | Change::Update { adopt: true, .. } => "<=",
        Change::Create { .. } => "+",
        Change::Update { .. } => "~",
        Change::Replace { .. } => "-/+",
        Change::Delete { .. } => "-",
        Change::Forget { .. } => ".",
    }
}

/// Returns the colour of a sign.
pub(super) fn paint(symbol: &str) -> Paint {
    match symbol {
        "+" => Paint::Add,
        "-" | "-/+" => Paint::Remove,
        "~" => Paint::Change,
        "<=" => Paint::Read,
        _ => Paint::Faint,
    }
}

/// Returns the word for programs.
pub(super) fn action_word(action: Action) -> &'static str {
    match action {
        Action::NoOp => "no-op",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
        Action::Move => "move",
        Action::Adopt => "adopt",
        Action::Forget => "forget",
        Action::Wait => "wait",
    }
}

/// Returns the word for programs.
pub(super) fn change_word(change: &Change) -> &'static str {
    match change {
        Change::Keep { .. } => "no-op",
        Change::Wait { .. } => "wait",
        Change::Create { .. } => "create",
        Change::Update { adopt: true, .. } => "adopt",
        Change::Update { .. } => "update",
        Change::Replace { .. } => "replace",
        Change::Delete { .. } => "delete",
        Change::Forget { .. } => "forget",
    }
}

/// Returns the heading of a resource in a plan.
pub(super) fn heading(address: &Address, resource: &ResourcePlan) -> String {
    let what = match resource.action {
        Action::Move => {
            let from = resource.moved_from.as_ref().map(ToString::to_string).unwrap_or_default();
            return format!("{from} has moved to {address}");
        }
        Action::NoOp => "is unchanged",
        Action::Create => "will be created",
        Action::Update => "will be updated in place",
        Action::Replace => "must be replaced",
        Action::Delete => "will be destroyed",
        Action::Adopt => "will be adopted",
        Action::Forget => "will be forgotten, its objects stay",
        Action::Wait => "is applied, and will be waited for",
    };
    format!("{address} {what}")
}

/// Says where a resource lives, and which cluster it leaves, where that is not the default cluster throughout.
pub(super) fn place(resource: &ResourcePlan) -> String {
    let home = resource.cluster.name().map(|name| format!(" in cluster {name}")).unwrap_or_default();
    match resource.leaves().map(|left| left.name().map(|name| format!("cluster {name}"))) {
        None => home,
        Some(left) => {
            let left = left.unwrap_or_else(|| "the default cluster".to_owned());
            let home = if home.is_empty() { " in the default cluster".to_owned() } else { home };
            format!("{home}, and leaves {left}")
        }
    }
}

/// Joins items as a sentence does.
pub(super) fn list(items: &[String], none: &str) -> String {
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}

/// Returns the word for a step at work, for one that is done, and for programs.
pub(super) fn verb_words(verb: Verb) -> (&'static str, &'static str, &'static str) {
    match verb {
        Verb::Create => ("Creating", "Creation", "create"),
        Verb::Update => ("Updating", "Update", "update"),
        Verb::Replace => ("Replacing", "Replacement", "replace"),
        Verb::Delete => ("Destroying", "Destruction", "delete"),
        Verb::Move => ("Moving", "Move", "move"),
        Verb::Adopt => ("Adopting", "Adoption", "adopt"),
        Verb::Forget => ("Forgetting", "Forgetting", "forget"),
        Verb::Wait => ("Waiting", "Wait", "wait"),
    }
}

/// Returns what all pods request, before and after; none where no pod requests anything.
pub(super) fn totals(totals: &Totals) -> Option<String> {
    if *totals == Totals::default() {
        return None;
    }
    let pair = |name: &str, before: String, after: String| {
        if before == after { format!("{name} {after}") } else { format!("{name} {before} -> {after}") }
    };
    let cpu = |milli| Quantity::from_milli(milli).to_string();
    let memory = |bytes| Quantity::from_bytes(bytes).to_string();
    let mut parts = vec![
        pair("CPU", cpu(totals.cpu.0), cpu(totals.cpu.1)),
        pair("memory", memory(totals.memory.0), memory(totals.memory.1)),
    ];
    if totals.gpu != (0, 0) {
        parts.push(pair("GPU", totals.gpu.0.to_string(), totals.gpu.1.to_string()));
    }
    Some(format!("Requested by all pods: {}.", parts.join(", ")))
}

/// Tells whether some part of a value must not be shown.
pub(super) fn holds_sensitive(value: &Value) -> bool {
    match value {
        Value::Sensitive(_) => true,
        Value::List(items) => items.iter().any(holds_sensitive),
        Value::Set(items) => items.iter().any(holds_sensitive),
        Value::Map(entries) => entries.values().any(holds_sensitive),
        Value::Resource(exports) => exports.values.values().any(holds_sensitive),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Unknown => false,
    }
}

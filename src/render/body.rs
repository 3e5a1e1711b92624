//! The body of a plan: objects and their fields, in the look of HCL, only what changes.
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::model::{DesiredObject, Json, REDACTED, Secrets, Step, UNKNOWN};
use crate::plan::{ADDRESS, Change, FieldChange, LINEAGE, MANAGED_BY, Validation};

use super::style::{Paint, View};
use super::words;

/// How long the comparison of two long texts may take before it becomes coarse.
const DIFF_LIMIT: Duration = Duration::from_millis(500);

/// How many unchanged lines are shown around a changed one.
const CONTEXT_LINES: usize = 3;

const KNOWN_LATER: &str = "(known after apply)";

/// Writes the objects of one resource.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub view: View,
    pub secrets: &'a Secrets,
    pub text: String,
}

/// Fields that change, as a tree.
#[derive(Default)]
struct Tree<'a> {
    children: Vec<(String, Tree<'a>)>,
    change: Option<&'a FieldChange>,
}

impl Body<'_> {
    /// Writes one object and what changes of it.
    pub(super) fn object(&mut self, change: &Change) {
        let symbol = words::change_symbol(change);
        let identity = change.identity();
        match change {
            Change::Keep { .. } => {}
            Change::Wait { .. } | Change::Delete { .. } | Change::Forget { .. } => {
                self.line(1, symbol, &identity.to_string());
            }
            Change::Create { desired, validation } => {
                self.line(1, symbol, &format!("{identity} {{"));
                if let Validation::NotYet { reason } = validation {
                    self.remark(2, &format!("not yet validated by the server: {reason}"));
                }
                self.created(desired);
                self.line(1, " ", "}");
            }
            Change::Update { desired, fields, .. } | Change::Replace { desired, fields, .. } => {
                self.line(1, symbol, &format!("{identity} {{"));
                if let Change::Replace { orphan_pods: true, .. } = change {
                    self.remark(2, "its pods stay and are taken over");
                }
                if let Change::Update { adopt: true, live, .. } = change {
                    let owners: Vec<String> = live.owners().iter().map(ToString::to_string).collect();
                    self.remark(2, &format!("now owned by {}", words::list(&owners, "nobody")));
                }
                self.changed(desired, fields);
                self.line(1, " ", "}");
            }
        }
    }

    /// Writes a remark.
    pub(super) fn remark(&mut self, depth: usize, text: &str) {
        let text = self.view.paint(Paint::Faint, &format!("# {text}"));
        self.line(depth, " ", &text);
    }

    /// Writes a heading above a resource.
    pub(super) fn heading(&mut self, paint: Paint, text: &str) {
        self.text.push_str("  ");
        self.text.push_str(&self.view.paint(paint, text));
        self.text.push('\n');
    }

    /// Writes one line: the sign stands in the two columns before the text.
    pub(super) fn line(&mut self, depth: usize, symbol: &str, text: &str) {
        let start = self.text.len();
        let room = (4 * depth + 4).saturating_sub(symbol.chars().count() + 1);
        self.text.extend(std::iter::repeat_n(' ', room));
        self.text.push_str(&self.view.paint(words::paint(symbol), symbol));
        self.text.push(' ');
        self.text.push_str(text);
        let end = self.text[start..].trim_end().len();
        self.text.truncate(start + end);
        self.text.push('\n');
    }

    fn created(&mut self, desired: &DesiredObject) {
        if let Json::Object(entries) = &without_marks(masked(desired)) {
            self.entries(2, "+", entries);
        }
    }

    fn changed(&mut self, desired: &DesiredObject, fields: &[FieldChange]) {
        let mut tree = Tree::default();
        for field in fields {
            tree.insert(&labels(&field.path.0), field);
        }
        self.tree(2, &tree);
        if fields.is_empty() {
            self.remark(2, "only the record of who owns its fields changes");
        }
        let hidden = leaves(&without_marks(desired.object.json().clone()));
        let shown: usize = fields.iter().map(|field| field.after.as_ref().map_or(0, leaves)).sum();
        self.hidden(2, hidden.saturating_sub(shown), "field");
    }

    fn hidden(&mut self, depth: usize, count: usize, what: &str) {
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            self.remark(depth, &format!("({count} unchanged {what}{plural} hidden)"));
        }
    }

    fn tree(&mut self, depth: usize, tree: &Tree<'_>) {
        let is_attribute = |tree: &Tree<'_>| tree.change.is_some();
        let width = tree.children.iter().filter(|(_, it)| is_attribute(it)).map(|(name, _)| name.chars().count()).max();
        for (name, child) in &tree.children {
            if let Some(change) = child.change {
                self.field(depth, &format!("{name:0$}", width.unwrap_or(0)), change);
            }
            if !child.children.is_empty() {
                self.line(depth, "~", &format!("{name} {{"));
                self.tree(depth + 1, child);
                self.line(depth, " ", "}");
            }
        }
    }

    fn field(&mut self, depth: usize, name: &str, change: &FieldChange) {
        let mut notes = Vec::new();
        if change.forces_replacement {
            notes.push(self.view.paint(Paint::Remove, "forces replacement"));
        }
        if change.by_server {
            notes.push("set by the server".to_owned());
        }
        if let Some(owner) = &change.owner {
            notes.push(format!("now held by {owner}"));
        }
        let is_same = change.before == change.after && !change.sensitive && !change.unknown;
        if is_same {
            notes.push("owned by rayform from now on".to_owned());
        }
        let note = if notes.is_empty() { String::new() } else { format!(" # {}", notes.join(", ")) };
        if change.sensitive || change.unknown {
            let after = if change.sensitive { REDACTED } else { KNOWN_LATER };
            let (symbol, text) = match (&change.before, &change.after, change.unknown) {
                (Some(_), None, false) => ("-", after.to_owned()),
                (None, ..) => ("+", after.to_owned()),
                (Some(_), ..) if change.sensitive => ("~", after.to_owned()),
                (Some(before), ..) => ("~", format!("{} -> {after}", self.short(before))),
            };
            return self.line(depth, symbol, &format!("{name} = {text}{note}"));
        }
        match (&change.before, &change.after) {
            (Some(before), _) if is_same => self.line(depth, "~", &format!("{name} = {}{note}", self.short(before))),
            (before, after) => self.difference(depth, &format!("{name} = "), before.as_ref(), after.as_ref(), &note),
        }
    }

    /// Writes how one value becomes another.
    fn difference(&mut self, depth: usize, lead: &str, before: Option<&Json>, after: Option<&Json>, note: &str) {
        match (before, after) {
            (None, None) => {}
            (None, Some(value)) => self.value(depth, "+", lead, value, note),
            (Some(value), None) => self.value(depth, "-", lead, value, note),
            (Some(Json::Object(old)), Some(Json::Object(new))) => {
                self.line(depth, "~", &format!("{lead}{{{note}"));
                let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
                let (same, differing): (Vec<&String>, Vec<&String>) =
                    names.into_iter().partition(|name| old.get(*name) == new.get(*name));
                for name in differing {
                    self.difference(depth + 1, &format!("{} = ", key(name)), old.get(name), new.get(name), "");
                }
                self.hidden(depth + 1, same.len(), "field");
                self.line(depth, " ", "}");
            }
            (Some(Json::Array(old)), Some(Json::Array(new))) => self.list_difference(depth, lead, old, new, note),
            (Some(Json::String(old)), Some(Json::String(new))) if old.contains('\n') || new.contains('\n') => {
                self.text_difference(depth, lead, old, new, note);
            }
            (Some(old), Some(new)) => {
                let text = format!("{lead}{} -> {}{note}", self.short(old), self.short(new));
                self.line(depth, "~", &text);
            }
        }
    }

    fn list_difference(&mut self, depth: usize, lead: &str, old: &[Json], new: &[Json], note: &str) {
        self.line(depth, "~", &format!("{lead}[{note}"));
        let mut same = 0;
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for (index, item) in old.iter().enumerate() {
            match twin(item, index, old, new) {
                Some(position) => kept.push((position, item)),
                None => gone.push(item),
            }
        }
        for item in gone {
            self.value(depth + 1, "-", "", item, "");
        }
        for (index, item) in new.iter().enumerate() {
            match kept.iter().find(|(position, _)| *position == index) {
                Some((_, before)) if *before == item => same += 1,
                Some((_, before)) => self.difference(depth + 1, &title(item), Some(before), Some(item), ""),
                None => self.value(depth + 1, "+", "", item, ""),
            }
        }
        self.hidden(depth + 1, same, "element");
        self.line(depth, " ", "]");
    }

    fn text_difference(&mut self, depth: usize, lead: &str, old: &str, new: &str, note: &str) {
        let (old, new) = (self.secrets.redact(old), self.secrets.redact(new));
        self.line(depth, "~", &format!("{lead}<<-EOT{note}"));
        let diff = TextDiff::configure().timeout(DIFF_LIMIT).diff_lines(&old, &new);
        for (index, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
            if index > 0 {
                self.line(depth + 1, " ", "...");
            }
            for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
                let symbol = match change.tag() {
                    ChangeTag::Delete => "-",
                    ChangeTag::Insert => "+",
                    ChangeTag::Equal => " ",
                };
                self.line(depth + 1, symbol, &printable(change.value().trim_end_matches(['\n', '\r'])));
            }
        }
        self.line(depth, " ", "EOT");
    }

    /// Writes a whole value that comes or goes.
    fn value(&mut self, depth: usize, symbol: &str, lead: &str, value: &Json, note: &str) {
        match value {
            Json::Object(entries) if !entries.is_empty() => {
                self.line(depth, symbol, &format!("{lead}{{{note}"));
                self.entries(depth + 1, symbol, entries);
                self.line(depth, " ", "}");
            }
            Json::Array(items) if !items.is_empty() => {
                self.line(depth, symbol, &format!("{lead}[{note}"));
                for item in items {
                    self.value(depth + 1, symbol, "", item, "");
                }
                self.line(depth, " ", "]");
            }
            Json::String(text) if text.trim_end().contains('\n') && !text.contains(UNKNOWN) => {
                let text = self.secrets.redact(text);
                self.line(depth, symbol, &format!("{lead}<<-EOT{note}"));
                text.lines().for_each(|line| self.line(depth + 1, " ", &printable(line)));
                self.line(depth, " ", "EOT");
            }
            scalar => {
                let text = [lead, &self.short(scalar), note].concat();
                self.line(depth, symbol, &text);
            }
        }
    }

    fn entries(&mut self, depth: usize, symbol: &str, entries: &serde_json::Map<String, Json>) {
        let is_short = |value: &Json| !matches!(value, Json::Object(_) | Json::Array(_));
        let names = entries.iter().filter(|(_, value)| is_short(value)).map(|(name, _)| key(name).chars().count());
        let width = names.max().unwrap_or(0);
        for (name, value) in entries {
            let mut lead = key(name);
            if is_short(value) {
                lead.extend(std::iter::repeat_n(' ', width - lead.chars().count()));
            }
            lead.push_str(" = ");
            self.value(depth, symbol, &lead, value, "");
        }
    }

    /// Returns a value on one line.
    pub(super) fn short(&self, value: &Json) -> String {
        match value {
            Json::String(text) if text == REDACTED => REDACTED.to_owned(),
            Json::String(text) if text.contains(UNKNOWN) => KNOWN_LATER.to_owned(),
            Json::String(text) => {
                let redacted = self.secrets.redact(text);
                if redacted == REDACTED { redacted } else { quoted(&redacted) }
            }
            Json::Array(items) if items.is_empty() => "[]".to_owned(),
            Json::Object(entries) if entries.is_empty() => "{}".to_owned(),
            Json::Array(items) => {
                format!("[{}]", items.iter().map(|item| self.short(item)).collect::<Vec<_>>().join(", "))
            }
            Json::Object(entries) => {
                let entry = |(name, value): (&String, &Json)| format!("{} = {}", key(name), self.short(value));
                format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            other => other.to_string(),
        }
    }
}

impl<'a> Tree<'a> {
    fn insert(&mut self, labels: &[String], change: &'a FieldChange) {
        let Some((first, rest)) = labels.split_first() else {
            self.change = Some(change);
            return;
        };
        let position = self.children.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            self.children.push((first.clone(), Self::default()));
            self.children.len() - 1
        });
        self.children[position].1.insert(rest, change);
    }
}

/// Returns one label per level: a field together with the list item that follows it.
fn labels(steps: &[Step]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for step in steps {
        match (step, labels.last_mut()) {
            (Step::Field(name), _) => labels.push(key(name)),
            (other, Some(last)) => last.push_str(&other.to_string()),
            (other, None) => labels.push(other.to_string()),
        }
    }
    labels
}

/// Returns a name as a key of HCL: quoted where it is no identifier.
fn key(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_identifier = name.chars().all(is_plain) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if is_identifier { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text can always be written")
}

/// Returns the place in the new list of what an item has become: by name, else where it is equal, else by place.
fn twin(item: &Json, index: usize, old: &[Json], new: &[Json]) -> Option<usize> {
    for name in ["name", "groupName"] {
        if let Some(value) = item.get(name) {
            return new.iter().position(|other| other.get(name) == Some(value));
        }
    }
    if item.is_object() && old.len() == new.len() {
        return Some(index);
    }
    // The n-th of equal items becomes the n-th.
    let nth = old[..index].iter().filter(|other| *other == item).count();
    new.iter().enumerate().filter(|(_, other)| *other == item).nth(nth).map(|(position, _)| position)
}

fn title(item: &Json) -> String {
    let name = ["name", "groupName"].into_iter().find_map(|name| item.get(name)?.as_str());
    name.map(|name| format!("{} ", Json::from(name))).unwrap_or_default()
}

/// Keeps control characters from reaching a terminal.
fn printable(line: &str) -> String {
    let show = |c: char| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() };
    line.chars().map(show).collect()
}

fn leaves(json: &Json) -> usize {
    match json {
        Json::Object(entries) => entries.values().map(leaves).sum(),
        Json::Array(items) => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Returns the whole object with everything hidden that must not be shown.
pub(super) fn masked(desired: &DesiredObject) -> Json {
    let mut json = desired.object.json().clone();
    for pointer in desired.sensitive.iter().chain(desired.generated.keys()) {
        hide(&mut json, pointer);
    }
    if desired.object.kind_name() == "Secret" {
        for payload in ["data", "stringData"] {
            let values = json.get_mut(payload).and_then(Json::as_object_mut);
            values.into_iter().flatten().for_each(|(_, value)| *value = REDACTED.into());
        }
    }
    json
}

/// Returns an object without what its heading says and without our marks.
pub(super) fn without_marks(mut json: Json) -> Json {
    let Some(entries) = json.as_object_mut() else { return json };
    entries.remove("apiVersion");
    entries.remove("kind");
    if let Some(metadata) = entries.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.remove("name");
        metadata.remove("namespace");
        for (map, names) in [("labels", &[MANAGED_BY][..]), ("annotations", &[ADDRESS, LINEAGE][..])] {
            if let Some(Json::Object(marks)) = metadata.get_mut(map) {
                for name in names {
                    marks.remove(*name);
                }
                if marks.is_empty() {
                    metadata.remove(map);
                }
            }
        }
        if metadata.is_empty() {
            entries.remove("metadata");
        }
    }
    json
}

fn hide(json: &mut Json, pointer: &str) {
    if let Some(value) = json.pointer_mut(pointer) {
        *value = REDACTED.into();
    } else if let Some((parent, token)) = pointer.rsplit_once('/') {
        let name = token.replace("~1", "/").replace("~0", "~");
        match json.pointer_mut(parent) {
            Some(Json::Object(entries)) => drop(entries.insert(name, REDACTED.into())),
            _ if parent == "/data" => json["data"] = serde_json::json!({ name: REDACTED }),
            _ => {}
        }
    }
}

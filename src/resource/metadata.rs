//! Names, labels and annotations of objects, checked as the server checks them; and simple exports.
use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::arguments::TextArgument;
use super::kit::Problem;
use crate::model::{Json, UNKNOWN, Value};

/// Labels or annotations as they are written in a block.
pub(crate) type Texts = BTreeMap<String, TextArgument>;

/// How the name of a kind may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// RFC 1123: at most 63 letters, digits and `-`.
    Label,
    /// Labels joined by dots, at most 253 characters.
    Subdomain,
}

/// Who and what an object is, beside its spec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metadata<'a> {
    pub name: &'a str,
    /// Of objects that belong to a namespace.
    pub namespace: Option<&'a str>,
    pub labels: &'a Texts,
    pub annotations: &'a Texts,
}

impl Metadata<'_> {
    /// Returns what is wrong with it, by the names of the attributes.
    pub(crate) fn problems(&self, rule: NameRule) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_name("name", self.name, rule).into_iter().collect();
        problems.extend(self.namespace.and_then(|namespace| check_name("namespace", namespace, NameRule::Label)));
        for (key, value) in self.labels {
            let argument = format!("labels/{key}");
            problems.extend(check_key(&argument, key));
            problems.extend(check_label_value(&argument, &value.0));
        }
        problems.extend(self.annotations.keys().filter_map(|key| check_key(&format!("annotations/{key}"), key)));
        problems
    }

    /// Returns it as JSON.
    pub(crate) fn to_json(self) -> Json {
        let mut json = json!({ "name": self.name });
        if let Some(namespace) = self.namespace {
            json["namespace"] = namespace.into();
        }
        if !self.labels.is_empty() {
            json["labels"] = texts_json(self.labels);
        }
        if !self.annotations.is_empty() {
            json["annotations"] = texts_json(self.annotations);
        }
        json
    }
}

/// Returns texts as a JSON map.
pub(crate) fn texts_json(texts: &Texts) -> Json {
    texts.iter().map(|(name, value)| (name.clone(), Json::from(value.0.as_str()))).collect::<Map<_, _>>().into()
}

/// Returns exports that are plain texts.
pub(crate) fn exports<const N: usize>(texts: [(&str, &str); N]) -> BTreeMap<String, Value> {
    texts.into_iter().map(|(name, text)| (name.to_owned(), text_value(text))).collect()
}

/// Returns a text as a value; unknown, where a part of it is.
pub(crate) fn text_value(text: &str) -> Value {
    if text.contains(UNKNOWN) { Value::Unknown } else { Value::string(text) }
}

/// Refuses a name that the server would refuse.
pub(crate) fn check_name(argument: &str, name: &str, rule: NameRule) -> Option<Problem> {
    let longest = if rule == NameRule::Label { 63 } else { 253 };
    let is_fine = match rule {
        NameRule::Label => is_label(name),
        NameRule::Subdomain => name.split('.').all(is_label),
    };
    if name.contains(UNKNOWN) || (is_fine && name.len() <= longest) {
        return None;
    }
    if is_fine {
        return Some(Problem::error(
            argument,
            format!("`{name}` has {} characters; {longest} are allowed", name.len()),
        ));
    }
    let dots = if rule == NameRule::Label { "" } else { ", also joined by dots" };
    let hint = format!("lower-case letters, digits and `-`, with a letter or digit at both ends{dots}");
    Some(Problem::error(argument, format!("`{name}` is not a name that Kubernetes accepts")).hint(hint))
}

fn is_label(text: &str) -> bool {
    let is_end = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    is_end(text.chars().next()) && is_end(text.chars().last()) && text.chars().all(is_inner)
}

/// Refuses a key of a label or annotation: a name of up to 63 characters, perhaps behind a DNS name and `/`.
fn check_key(argument: &str, key: &str) -> Option<Problem> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_is_fine = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_label));
    let is_fine = prefix_is_fine && !name.is_empty() && is_qualified(name);
    let message = || format!("`{key}` is not a key of a label or annotation");
    let hint = "up to 63 letters, digits, `-`, `_` and `.`, perhaps behind a DNS name and `/`";
    (!is_fine && !key.contains(UNKNOWN)).then(|| Problem::error(argument, message()).hint(hint))
}

/// Refuses a value of a label.
fn check_label_value(argument: &str, value: &str) -> Option<Problem> {
    let message = || format!("`{value}` is not a value of a label");
    let hint = "at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; an annotation may hold anything";
    (!is_qualified(value) && !value.contains(UNKNOWN)).then(|| Problem::error(argument, message()).hint(hint))
}

fn is_qualified(text: &str) -> bool {
    let is_end = |letter: Option<char>| letter.is_none_or(|c| c.is_ascii_alphanumeric());
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= 63 && is_end(text.chars().next()) && is_end(text.chars().last()) && text.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, rule: NameRule, is_fine: bool) {
        assert_eq!(check_name("name", name, rule).is_none(), is_fine, "{name}");
    }

    #[test]
    fn names_follow_the_rule_of_their_kind() {
        check("team-a", NameRule::Label, true);
        check("1team", NameRule::Label, true);
        check("a.b", NameRule::Label, false);
        check("a.b", NameRule::Subdomain, true);
        check("a..b", NameRule::Subdomain, false);
        check("A", NameRule::Subdomain, false);
        check("-a", NameRule::Label, false);
        check("", NameRule::Label, false);
        check(&"a".repeat(64), NameRule::Label, false);
        check(&format!("{UNKNOWN}-a"), NameRule::Label, true);
    }

    #[test]
    fn labels_are_checked_with_their_keys() {
        let text = |text: &str| TextArgument(text.to_owned());
        let labels = Texts::from([
            ("good.example/Name_1".to_owned(), text("Value-1.a")),
            ("bad/".to_owned(), text("x")),
            ("empty".to_owned(), text("")),
            ("long".to_owned(), text("white space")),
        ]);
        let metadata = Metadata { name: "a", namespace: Some("b"), labels: &labels, annotations: &Texts::new() };
        let arguments: Vec<String> = metadata.problems(NameRule::Label).into_iter().map(|p| p.argument).collect();
        assert_eq!(arguments, ["labels/bad/", "labels/long"]);
    }
}

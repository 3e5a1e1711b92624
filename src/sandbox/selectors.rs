//! Label and field selectors, of requests and of objects.
use std::str::FromStr;

use super::json::{items, text};
use super::kinds::KindInfo;
use super::status::Status;
use crate::model::{Json, Object};

/// What labels must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

/// What fields must be: a pointer, a value, and whether it must be equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String, bool)>);

impl Labels {
    /// Parses the text of the parameter `labelSelector`.
    pub(super) fn parse(selector: &str) -> Result<Self, Status> {
        split(selector).into_iter().map(str::parse).collect::<Result<_, _>>().map(Self).map_err(|error| {
            let RequirementError(why) = error;
            Status::bad_request(format!("unable to parse requirement: {why}"))
        })
    }

    /// Returns a `LabelSelector` as it stands in an object; one that is absent matches nothing.
    pub(super) fn of(selector: Option<&Json>) -> Option<Self> {
        let selector = selector.filter(|selector| !selector.is_null())?;
        let mut requirements = Self::of_map(selector.get("matchLabels")).0;
        for expression in items(selector, "/matchExpressions") {
            let key = text(expression, "/key").to_owned();
            let values = || items(expression, "/values").iter().filter_map(Json::as_str).map(str::to_owned).collect();
            requirements.push(match text(expression, "/operator") {
                "In" => Requirement::In(key, values()),
                "NotIn" => Requirement::NotIn(key, values()),
                "Exists" => Requirement::Exists(key),
                _ => Requirement::Absent(key),
            });
        }
        Some(Self(requirements))
    }

    /// Returns what a map of labels asks for, as in a Service's selector.
    pub(super) fn of_map(labels: Option<&Json>) -> Self {
        let labels = labels.and_then(Json::as_object).into_iter().flatten();
        let equal = |(key, value): (&String, &Json)| {
            Requirement::In(key.clone(), vec![value.as_str().unwrap_or_default().to_owned()])
        };
        Self(labels.map(equal).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether labels, a map or nothing, are as asked.
    pub(super) fn matches(&self, labels: Option<&Json>) -> bool {
        let value = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Json::as_str);
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|value| values.iter().any(|other| other == value)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|value| values.iter().all(|other| other != value)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        })
    }

    pub(super) fn match_object(&self, object: &Object) -> bool {
        self.matches(object.pointer("/metadata/labels"))
    }
}

impl std::fmt::Display for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match requirement {
                Requirement::In(key, values) => match values.as_slice() {
                    [value] => write!(f, "{key}={value}")?,
                    _ => write!(f, "{key} in ({})", values.join(","))?,
                },
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(","))?,
                Requirement::Exists(key) => f.write_str(key)?,
                Requirement::Absent(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}

/// Says why one part of a selector cannot be read.
struct RequirementError(String);

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(part: &str) -> Result<Self, Self::Err> {
        let part = part.trim();
        if let Some(key) = part.strip_prefix('!') {
            return Ok(Self::Absent(label_key(key)?));
        }
        for (operator, positive) in [("!=", false), ("==", true), ("=", true)] {
            if let Some((key, value)) = part.split_once(operator) {
                let (key, values) = (label_key(key)?, vec![value.trim().to_owned()]);
                return Ok(if positive { Self::In(key, values) } else { Self::NotIn(key, values) });
            }
        }
        let mut words = part.splitn(2, char::is_whitespace);
        let key = label_key(words.next().unwrap_or_default())?;
        let Some(rest) = words.next().map(str::trim) else { return Ok(Self::Exists(key)) };
        let (positive, list) = match (rest.strip_prefix("notin"), rest.strip_prefix("in")) {
            (Some(list), _) => (false, list),
            (None, Some(list)) => (true, list),
            (None, None) => return Err(RequirementError(format!("found '{rest}', expected: in, notin, =, ==, !="))),
        };
        let list = list.trim();
        let inner = list.strip_prefix('(').and_then(|list| list.strip_suffix(')'));
        let inner = inner.ok_or_else(|| RequirementError(format!("found '{list}' expected: '('")))?;
        let values = inner.split(',').map(|value| value.trim().to_owned()).collect();
        Ok(if positive { Self::In(key, values) } else { Self::NotIn(key, values) })
    }
}

fn label_key(key: &str) -> Result<String, RequirementError> {
    let key = key.trim();
    let valid = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() || !key.chars().all(valid) {
        return Err(RequirementError(format!("<nil>: Invalid value: \"{key}\": is no label key")));
    }
    Ok(key.to_owned())
}

/// Splits at the commas outside parentheses.
fn split(selector: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (index, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&selector[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&selector[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

impl Fields {
    /// Parses the text of the parameter `fieldSelector`, for the fields that a kind can be selected by.
    pub(super) fn parse(selector: &str, info: &KindInfo) -> Result<Self, Status> {
        let mut fields = Vec::new();
        for part in split(selector) {
            let (field, value, equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                let message = format!("invalid selector: '{selector}'; can't understand '{part}'");
                return Err(Status::bad_request(message));
            };
            if !selectable(info, field) {
                let known = "only \"metadata.name\", \"metadata.namespace\"";
                return Err(Status::bad_request(format!("\"{field}\" is not a known field selector: {known}")));
            }
            fields.push((format!("/{}", field.replace('.', "/")), value.to_owned(), equal));
        }
        Ok(Self(fields))
    }

    pub(super) fn match_object(&self, object: &Object) -> bool {
        self.0.iter().all(|(pointer, value, equal)| (object.text(pointer).unwrap_or_default() == value) == *equal)
    }

    /// Returns the name that the selector asks for, where it does.
    pub(super) fn name(&self) -> Option<&str> {
        let wanted = |(pointer, _, equal): &&(String, String, bool)| pointer == "/metadata/name" && *equal;
        self.0.iter().find(wanted).map(|(_, value, _)| value.as_str())
    }
}

fn selectable(info: &KindInfo, field: &str) -> bool {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return true;
    }
    match info.kind.as_str() {
        _ if info.is_custom() => false,
        "Pod" => matches!(
            field,
            "spec.nodeName"
                | "spec.restartPolicy"
                | "spec.schedulerName"
                | "spec.serviceAccountName"
                | "status.phase"
                | "status.podIP"
                | "status.nominatedNodeName"
        ),
        "Event" => {
            field.starts_with("involvedObject.") || matches!(field, "reason" | "type" | "source" | "reportingComponent")
        }
        "Secret" => field == "type",
        "Namespace" => field == "status.phase",
        "Node" => field == "spec.unschedulable",
        "Service" => matches!(field, "spec.clusterIP" | "spec.type"),
        "ReplicaSet" => field == "status.replicas",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(selector: &str, expected: bool) {
        let labels = json!({"app": "web", "tier": "front"});
        assert_eq!(Labels::parse(selector).unwrap().matches(Some(&labels)), expected, "{selector}");
    }

    #[test]
    fn every_form_of_a_label_selector_is_understood() {
        check("app=web", true);
        check("app==web,tier=front", true);
        check("app!=web", false);
        check("other!=x", true);
        check("app in (web, api),tier notin (back)", true);
        check("app in (api)", false);
        check("app", true);
        check("!app", false);
        check("!other", true);
        check("", true);
    }

    #[test]
    fn an_unfinished_selector_is_refused() {
        assert_eq!(Labels::parse("a in").unwrap_err().message, "unable to parse requirement: found '' expected: '('");
    }
}

//! `manifests`: every object of YAML text.
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::kinds::{self, Place, Places};
use super::kit::{Context, ExpandedObject, Expansion, Problem, ResourceType, parse};
use super::raw_object::{self, Placement};
use super::yaml::{self, Document};
use crate::model::{GroupKind, Identity, Json, UNKNOWN, Value};

/// The resource type `manifests`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manifests;

/// Every object of one or more YAML texts, in an order in which they can be applied: definitions and namespaces first,
/// custom resources last.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The text, or a list of texts, such as `file("all.yaml")` or `[for name in fileset("crds", "*.yaml"): file("crds/${name}")]`.
    /// Each may hold many documents. Read as `kubectl` reads them; a key that is there twice is an error.
    yaml: Texts,
    /// The namespace of the objects that name none. Kinds that belong to the cluster stay as they are.
    namespace: Option<String>,
    /// Custom kinds that belong to the cluster and are defined elsewhere, as `Kind.group`, such as
    /// `["ClusterPolicy.kyverno.io"]`. Built-in kinds, and those whose definition is in the texts, are known.
    #[serde(default)]
    cluster_scoped: BTreeSet<String>,
    /// Whether apply waits until the objects are ready. Definitions and namespaces are always waited for.
    /// Default: true.
    #[serde(default = "yes")]
    wait: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

fn yes() -> bool {
    true
}

/// An object with the place that it comes from.
#[derive(Debug)]
struct Found {
    /// The argument: `yaml`, or `yaml/2`.
    argument: String,
    /// Counted from 1, inside of the text.
    line: u64,
    json: Json,
}

impl ResourceType for Manifests {
    fn name(&self) -> &'static str {
        "manifests"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[("objects", "A list of `{ api_version, kind, namespace, name }`, in the order of applying.")]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, _: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments: Arguments = parse(arguments)?;
        let found = read(&arguments.yaml)?;
        let named = arguments.cluster_scoped.iter().filter_map(|named| named.split_once('.'));
        let named = named.map(|(kind, group)| ((group.into(), kind.into()), Place::Cluster));
        let told: Places = found.iter().filter_map(|found| definition(&found.json)).chain(named).collect();
        let placement = Placement { namespace: arguments.namespace.as_deref(), told: &told };
        let mut objects = prepare(found, placement)?;
        objects.sort_by_key(|expanded| kinds::rank(&expanded.object.kind()));
        for expanded in &mut objects {
            let comes_first = matches!(expanded.object.kind_name(), "CustomResourceDefinition" | "Namespace");
            expanded.wait = arguments.wait || comes_first;
        }
        let list = Value::list(objects.iter().map(summary).collect());
        Ok(Expansion { exports: BTreeMap::from([("objects".to_owned(), list)]), objects, ..Expansion::default() })
    }
}

const EXAMPLE: &str = r#"resource "manifests" "queue_reader" {
  namespace = "default"
  yaml      = <<-YAML
    apiVersion: v1
    kind: ServiceAccount
    metadata:
      name: queue-reader
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata:
      name: queue-reader
    rules:
      - apiGroups: [""]
        resources: ["configmaps"]
        verbs: ["get", "list"]
  YAML
}
"#;

/// Reads all texts into objects; all mistakes at once.
fn read(texts: &Texts) -> Result<Vec<Found>, Vec<Problem>> {
    let texts: Vec<(String, &str)> = match texts {
        Texts::One(text) => vec![("yaml".to_owned(), text.as_str())],
        Texts::Many(texts) => {
            texts.iter().enumerate().map(|(index, text)| (format!("yaml/{index}"), text.as_str())).collect()
        }
    };
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (argument, text) in texts {
        if text.contains(UNKNOWN) && text.trim() == UNKNOWN {
            problems.push(Problem::error(argument, "the text must be known before apply"));
            continue;
        }
        match yaml::documents(text) {
            Ok(documents) => found.extend(documents.into_iter().flat_map(|document| objects_of(&argument, document))),
            Err(mistake) => {
                let place = mistake.line.map_or_else(String::new, |line| format!("{}: ", place(&argument, line)));
                problems.push(Problem::error(argument, format!("{place}{}", mistake.message)));
            }
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn objects_of(argument: &str, document: Document) -> Vec<Found> {
    let Document { line, json } = document;
    let found = |json| Found { argument: argument.to_owned(), line, json };
    raw_object::flatten(json).into_iter().map(found).collect()
}

/// Says where in which text a line is; of several texts the first is number 1.
fn place(argument: &str, line: u64) -> String {
    match argument.rsplit_once('/').and_then(|(_, index)| index.parse::<usize>().ok()) {
        Some(index) => format!("line {line} of text {}", index + 1),
        None => format!("line {line} of the text"),
    }
}

/// Checks all objects, and that none is there twice.
fn prepare(found: Vec<Found>, placement: Placement<'_>) -> Result<Vec<ExpandedObject>, Vec<Problem>> {
    let (mut objects, mut problems) = (Vec::new(), Vec::new());
    let mut seen: BTreeMap<Identity, String> = BTreeMap::new();
    for Found { argument, line, json } in found {
        match raw_object::prepare(json, placement) {
            Ok(mut expanded) => {
                expanded.place = place(&argument, line);
                expanded.argument.clone_from(&argument);
                let identity = expanded.object.identity();
                if let Some(first) = seen.insert(identity.clone(), expanded.place.clone()) {
                    let message = format!("{}: {identity} is there twice, also at {first}", expanded.place);
                    problems.push(Problem::error(argument, message));
                }
                objects.push(expanded);
            }
            Err(refusal) => {
                let message = format!("{}: {}", place(&argument, line), refusal.message);
                let problem = Problem::error(argument, message);
                problems.push(match refusal.hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
            }
        }
    }
    if problems.is_empty() { Ok(objects) } else { Err(problems) }
}

/// Returns what a definition says of its kind: group and kind, and where its objects live.
fn definition(json: &Json) -> Option<(GroupKind, Place)> {
    let text = |pointer| json.pointer(pointer).and_then(Json::as_str);
    if text("/kind")? != "CustomResourceDefinition" {
        return None;
    }
    let place = if text("/spec/scope")? == "Cluster" { Place::Cluster } else { Place::Namespace };
    Some(((text("/spec/group")?.into(), text("/spec/names/kind")?.into()), place))
}

fn summary(expanded: &ExpandedObject) -> Value {
    let object = &expanded.object;
    let kind = object.kind();
    Value::map([
        ("api_version", Value::string(kind.api_version())),
        ("kind", Value::string(&kind.kind)),
        ("namespace", super::metadata::text_value(object.namespace().unwrap_or_default())),
        ("name", super::metadata::text_value(object.name())),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource::testing::{errors, expand};

    #[track_caller]
    fn check(arguments: Json, expected: &[&str]) {
        let expansion = expand("manifests", arguments).unwrap();
        let found: Vec<String> =
            expansion.objects.iter().map(|expanded| expanded.object.identity().to_string()).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn refuses(yaml: &str, expected: &[&str]) {
        assert_eq!(errors(&expand("manifests", json!({"yaml": yaml}))), expected);
    }

    const WIDGETS: &str = "
apiVersion: example.com/v1
kind: Widget
metadata: {name: a}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: c}}
- apiVersion: v1
  kind: ServiceAccountList
  items:
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: d}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Widget}}
---
# nothing
";

    #[test]
    fn lists_are_opened_and_definitions_come_first() {
        check(
            json!({"yaml": WIDGETS, "namespace": "z"}),
            &["CustomResourceDefinition widgets.example.com", "ServiceAccount z/d", "ConfigMap c/b", "Widget a"],
        );
    }

    #[test]
    fn definitions_are_waited_for_in_any_case() {
        let expansion = expand("manifests", json!({"yaml": WIDGETS, "namespace": "z", "wait": false})).unwrap();
        let waits: Vec<bool> = expansion.objects.iter().map(|expanded| expanded.wait).collect();
        assert_eq!(waits, [true, false, false, false]);
    }

    #[test]
    fn several_texts_are_one() {
        let text = |name: &str| format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}");
        check(json!({"yaml": [text("a"), text("b")]}), &["Namespace a", "Namespace b"]);
        check(json!({"yaml": ""}), &[]);
    }

    #[test]
    fn kinds_that_nobody_knows_can_be_told() {
        let yaml = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}";
        check(json!({"yaml": yaml, "namespace": "b"}), &["Widget b/a"]);
        check(json!({"yaml": yaml, "namespace": "b", "cluster_scoped": ["Widget.example.com"]}), &["Widget a"]);
    }

    #[test]
    fn mistakes_name_their_line() {
        refuses(
            "a: 1\n---\n- b\n",
            &[
                "yaml: line 1 of the text: `apiVersion` is missing or is not a text",
                "yaml: line 3 of the text: a Kubernetes object is a map with `apiVersion`, `kind` and `metadata`",
            ],
        );
        refuses(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
            &["yaml: line 1 of the text: Pod a has no namespace"],
        );
        let twice = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n";
        refuses(
            &twice.repeat(2),
            &["yaml: line 5 of the text: Namespace a is there twice, also at line 1 of the text"],
        );
        refuses("a: 1\nb: 2\na: 3\n", &["yaml: line 3 of the text: duplicate mapping key `a` is not allowed here"]);
    }
}

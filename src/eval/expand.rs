//! One instance of a resource block into desired objects: arguments, expansion, marks and findings.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arguments::{Owner, body};
use super::inputs::check;
use super::json::Output;
use super::kinds::{Kind, Kinds};
use super::locate::locate;
use super::scope::Scope;
use super::triggers::triggers;
use crate::config::ResourceBlock;
use crate::model::{
    Address, ClusterName, DesiredObject, DesiredResource, Diagnostic, Exports, Json, Object, Objects, Secrets,
    Severity, Span, UNKNOWN, Value,
};
use crate::resource::{Context, Expansion, Problem, Referrer};

/// What became of one instance.
#[derive(Debug)]
pub(super) struct Expanded {
    /// Nothing where there is an error.
    pub resource: Option<DesiredResource>,
    pub secrets: Secrets,
    pub diagnostics: Vec<Diagnostic>,
    /// The resources that it refers to as a whole, each with its place.
    pub references: Vec<(Address, Span)>,
}

/// What an instance is expanded with.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub block: &'a ResourceBlock,
    pub kind: &'a Kind,
    pub address: &'a Address,
    /// Where it is to live.
    pub cluster: &'a ClusterName,
    pub kinds: &'a Kinds,
    pub referrers: &'a [Referrer],
    /// The resources that it needs and that are not wholly known yet.
    pub until: &'a BTreeSet<Address>,
    /// Something that it needs has mistakes: only its own names are checked.
    pub checks_only: bool,
}

/// Evaluates the arguments of one instance and expands it.
pub(super) fn expand<'a>(request: Request<'a>, scope: &Scope<'a>) -> Expanded {
    let Request { block, kind, .. } = request;
    let (mut output, owner) = (Output::default(), Owner { kind: &block.resource_type, header: block.header });
    let arguments = body(owner, &block.arguments, kind.fields(), scope, None, &mut output);
    for condition in &block.preconditions {
        output.diagnostics.extend(check(condition, &format!("`{}`", request.address), scope));
    }
    let triggers = triggers(block, request.address, request.kinds, scope).unwrap_or_else(|failures| {
        output.diagnostics.extend(failures.into_iter().map(|failure| *failure));
        Vec::new()
    });
    let is_wrong = output.diagnostics.iter().any(Diagnostic::is_error);
    let Output { secrets, diagnostics, references, unknown: is_unknown } = output;
    let mut expanded = Expanded { resource: None, secrets, diagnostics, references };
    if is_wrong || request.checks_only {
        return expanded;
    }
    if is_unknown {
        expanded.resource = Some(DesiredResource { triggers, ..unknown(request, nothing_known(request)) });
        return expanded;
    }
    let context = Context { address: request.address, referrers: request.referrers };
    match kind.resource_type.expand(Json::Object(arguments), &context) {
        Ok(expansion) => finish(request, expansion, &mut expanded),
        Err(problems) => expanded.diagnostics.extend(findings(request, problems)),
    }
    if let Some(resource) = &mut expanded.resource {
        resource.triggers = triggers;
        expanded.diagnostics.extend(postconditions(request, &resource.exports, scope));
    }
    if expanded.diagnostics.iter().any(Diagnostic::is_error) {
        expanded.resource = None;
    }
    expanded
}

/// Returns what does not hold of the resource as it will be, which is called `self`.
fn postconditions(request: Request<'_>, exports: &Exports, scope: &Scope<'_>) -> Vec<Diagnostic> {
    if request.block.postconditions.is_empty() {
        return Vec::new();
    }
    let own = BTreeMap::from([(Arc::from("self"), Value::Resource(Arc::new(exports.clone())))]);
    let scope = Scope { names: Some(&own), ..*scope };
    let of = format!("`{}`", request.address);
    request.block.postconditions.iter().filter_map(|condition| check(condition, &of, &scope)).collect()
}

/// Returns a resource of which no object can be named before other resources are up.
fn unknown(request: Request<'_>, exports: BTreeMap<String, Value>) -> DesiredResource {
    DesiredResource {
        address: request.address.clone(),
        span: request.block.header,
        cluster: request.cluster.clone(),
        lifecycle: request.block.lifecycle.clone(),
        triggers: Vec::new(),
        objects: Objects::Unknown { until: request.until.clone() },
        exports: Exports { address: request.address.clone(), values: Arc::new(exports) },
        on_restart: None,
        on_delete: None,
        before_delete: Vec::new(),
    }
}

fn finish(request: Request<'_>, expansion: Expansion, expanded: &mut Expanded) {
    expanded.diagnostics.extend(findings(request, expansion.problems));
    let is_unnamed = |object: &Object| {
        let identity = object.identity();
        [Some(&identity.name), identity.namespace.as_ref(), Some(&identity.kind)]
            .into_iter()
            .flatten()
            .any(|text| text.contains(UNKNOWN))
    };
    if expansion.objects.iter().any(|expanded| is_unnamed(&expanded.object)) {
        expanded.resource = Some(unknown(request, nothing_known(request)));
        return;
    }
    expansion
        .objects
        .iter()
        .for_each(|expanded_object| remember_payload(&expanded_object.object, &mut expanded.secrets));
    let secrets = &expanded.secrets;
    let objects = expansion.objects.into_iter().map(|object| {
        let span = locate(&request.block.arguments, &object.argument, request.block.header);
        let mut desired = DesiredObject::new(object.object, span, object.judge);
        desired.cluster.clone_from(request.cluster);
        desired.place = object.place;
        desired.carried = object.carried;
        desired.generated = object.generated;
        desired.wait = object.wait;
        let mut pointer = String::new();
        find(desired.object.json(), &mut pointer, secrets, &mut desired.unknown, &mut desired.sensitive);
        desired
    });
    let objects = Objects::Known(objects.collect());
    let values = expansion.exports.into_iter().map(|(name, value)| (name, marked(value, secrets))).collect();
    expanded.resource = Some(DesiredResource {
        objects,
        on_restart: expansion.on_restart,
        on_delete: expansion.on_delete,
        before_delete: expansion.before_delete,
        ..unknown(request, complete(request, values))
    });
}

/// Remembers what a Secret holds, wherever its object comes from.
fn remember_payload(object: &Object, secrets: &mut Secrets) {
    let kind = object.kind();
    if (&*kind.kind, kind.api_version().as_str()) != ("Secret", "v1") {
        return;
    }
    for field in ["data", "stringData"] {
        let entries = object.json().get(field).and_then(Json::as_object).into_iter().flatten();
        for text in entries.filter_map(|(_, value)| value.as_str()).filter(|text| !text.contains(UNKNOWN)) {
            secrets.insert(text);
            let decoded = STANDARD.decode(text).ok().filter(|_| field == "data");
            decoded.and_then(|bytes| String::from_utf8(bytes).ok()).iter().for_each(|text| secrets.insert(text));
        }
    }
}

/// Returns what the type exports before anything of it is known.
fn nothing_known(request: Request<'_>) -> BTreeMap<String, Value> {
    request.kind.resource_type.exports().iter().map(|(name, _)| ((*name).to_owned(), Value::Unknown)).collect()
}

/// Gives null to what the type exports and this instance has not.
fn complete(request: Request<'_>, mut values: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    for (name, _) in request.kind.resource_type.exports() {
        if !values.contains_key(*name) {
            values.insert((*name).to_owned(), Value::Null);
        }
    }
    values
}

/// Marks what the resource type made of unknown and of secret texts.
pub(super) fn marked(value: Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(text) if text.contains(UNKNOWN) => Value::Unknown,
        Value::String(text) if secrets.taints(&text) => Value::String(text).sensitive(),
        Value::List(items) => Value::list(items.iter().map(|item| marked(item.clone(), secrets)).collect()),
        Value::Map(entries) => Value::Map(Arc::new(
            entries.iter().map(|(key, value)| (key.clone(), marked(value.clone(), secrets))).collect(),
        )),
        other => other,
    }
}

/// Collects JSON pointers to the texts that are unknown, and to those that are secret.
fn find(
    json: &Json,
    pointer: &mut String,
    secrets: &Secrets,
    unknown: &mut BTreeSet<String>,
    sensitive: &mut BTreeSet<String>,
) {
    let length = pointer.len();
    match json {
        Json::String(text) => {
            if text.contains(UNKNOWN) {
                unknown.insert(pointer.clone());
            }
            if secrets.taints(text) {
                sensitive.insert(pointer.clone());
            }
        }
        Json::Number(number) if secrets.taints(&number.to_string()) => {
            sensitive.insert(pointer.clone());
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                find(item, pointer, secrets, unknown, sensitive);
                pointer.truncate(length);
            }
        }
        Json::Object(entries) => {
            for (name, item) in entries {
                pointer.push('/');
                push_token(pointer, name);
                find(item, pointer, secrets, unknown, sensitive);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// Adds a name to a JSON pointer.
fn push_token(pointer: &mut String, name: &str) {
    if name.contains(['~', '/']) {
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    } else {
        pointer.push_str(name);
    }
}

/// Turns the findings of a resource type into diagnostics; `allow_checks` silences all but errors.
fn findings(request: Request<'_>, problems: Vec<Problem>) -> impl Iterator<Item = Diagnostic> {
    let block = request.block;
    let is_allowed = move |problem: &Problem| {
        problem.severity != Severity::Error
            && problem.code.is_some_and(|code| block.allow_checks.iter().any(|(allowed, _)| allowed == code))
    };
    problems.into_iter().filter(move |problem| !is_allowed(problem)).map(move |problem| {
        let diagnostic = match problem.severity {
            Severity::Error => Diagnostic::error(problem.message),
            Severity::Warning => Diagnostic::warning(problem.message),
            Severity::Info => Diagnostic::info(problem.message),
        };
        let diagnostic = diagnostic.at(locate(&block.arguments, &problem.argument, block.header));
        let diagnostic = match problem.code {
            Some(code) => diagnostic.code(code),
            None => diagnostic,
        };
        match problem.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    })
}

//! Plans, drift, events and diagnostics for programs: one JSON object per line.
//!
//! Every line has a `type`. The first line says which format follows; fields may be added within a
//! format, never taken away.
use serde::Serialize;
use serde_json::json;

use crate::config::Sources;
use crate::model::{Address, ClusterName, Diagnostic, Event, Json, Located, REDACTED, Secrets, Span, UNKNOWN};
use crate::plan::{
    Action, Change, Disagreement, Drift, DriftKind, FieldChange, OutputChange, Plan, PlannedCluster, ResourcePlan,
    Validation, value_to_json,
};

use super::body;
use super::diagnostics::{line_of, position, word};
use super::words::{self, Counts};

/// The version of this format.
const FORMAT: u32 = 1;

/// Returns the first line of every output.
pub(crate) fn version() -> String {
    line(&json!({"type": "version", "rayform": env!("CARGO_PKG_VERSION"), "format": FORMAT}))
}

/// Returns the lines of a plan.
pub(crate) fn plan(plan: &Plan) -> String {
    let is_one = plan.clusters.keys().all(ClusterName::is_default);
    let mut lines: Vec<Json> = plan.clusters.iter().map(|(name, planned)| cluster(name, planned, is_one)).collect();
    lines.extend(plan.drift.iter().map(|drift| drift_line(drift, &plan.secrets)));
    let changed = plan.resources.iter().filter(|(_, resource)| resource.action != Action::NoOp);
    lines.extend(changed.map(|(address, it)| resource(address, it, &plan.secrets)));
    lines.extend(plan.deferred.iter().map(|(address, until)| {
        let until: Vec<String> = until.iter().map(ToString::to_string).collect();
        json!({"type": "deferred_read", "address": address.to_string(), "until": until})
    }));
    let outputs = plan.outputs.iter().filter(|(_, output)| output.is_change());
    lines.extend(outputs.map(|(name, it)| output(name, it, &plan.secrets)));
    let Counts { add, change, destroy, moved, adopt, forget, wait } = Counts::of(plan);
    let pair = |(before, after): (i64, i64)| json!({"before": before, "after": after});
    lines.push(json!({
        "type": "summary", "add": add, "change": change, "destroy": destroy, "move": moved, "adopt": adopt, "forget": forget,
        "wait": wait, "cpu_milli": pair(plan.totals.cpu), "memory_bytes": pair(plan.totals.memory),
        "gpu": pair(plan.totals.gpu),
    }));
    lines.iter().map(line).collect()
}

/// Returns the lines of drift.
pub(crate) fn drift(drift: &[Drift], secrets: &Secrets) -> String {
    drift.iter().map(|drift| line(&drift_line(drift, secrets))).collect()
}

/// Returns the line of a diagnostic.
pub(crate) fn diagnostic(diagnostic: &Diagnostic, sources: &Sources, secrets: &Secrets) -> String {
    let at = |span: Span, label: &str| {
        let (line, column) = position(span, sources);
        json!({"file": sources.name(span.file), "line": line, "column": column, "start": span.start,
               "end": span.end, "label": label, "snippet": line_of(span, sources)})
    };
    let related: Vec<Json> = diagnostic.related.iter().map(|(span, label)| at(*span, label)).collect();
    let mut json = json!({
        "type": "diagnostic", "severity": word(diagnostic.severity), "code": diagnostic.code,
        "message": diagnostic.message, "at": diagnostic.at.as_ref().map(|(span, label)| at(*span, label)),
        "related": related, "hint": diagnostic.hint,
    });
    redact(&mut json, secrets);
    // A file may be called like a secret.
    let file = |span: &Span| Json::from(sources.name(span.file));
    if let Some((span, _)) = &diagnostic.at {
        json["at"]["file"] = file(span);
    }
    for (index, (span, _)) in diagnostic.related.iter().enumerate() {
        json["related"][index]["file"] = file(span);
    }
    line(&json)
}

/// Returns the line of an event.
pub(crate) fn event(event: &Event, secrets: &Secrets) -> String {
    let verb = |verb| words::verb_words(verb).2;
    let mut json = match event {
        Event::Started { address, verb: done } => {
            json!({"type": "started", "address": address.to_string(), "action": verb(*done)})
        }
        Event::Sent { address, object, verb: done } => {
            json!({"type": "sent", "address": address.to_string(), "object": object, "action": verb(*done)})
        }
        Event::Waiting { address, object, reason } => {
            json!({"type": "waiting", "address": address.to_string(), "object": object, "reason": reason})
        }
        Event::ObjectDone { address, object, verb: done } => {
            json!({"type": "object_done", "address": address.to_string(), "object": object, "action": verb(*done)})
        }
        Event::Done { address, verb: done, seconds } => {
            json!({"type": "done", "address": address.to_string(), "action": verb(*done), "seconds": seconds})
        }
        Event::Failed { address, diagnostic } => {
            json!({"type": "failed", "address": address.to_string(), "message": diagnostic.message, "hint": diagnostic.hint})
        }
        Event::Skipped { address, because } => {
            json!({"type": "skipped", "address": address.to_string(), "because": because.to_string()})
        }
        Event::Notice { message } => json!({"type": "notice", "message": message}),
        Event::Interrupted => json!({"type": "interrupted"}),
    };
    redact(&mut json, secrets);
    line(&json)
}

/// One field of an object.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that are free of each other")]
struct Field<'a> {
    path: String,
    before: &'a Option<Json>,
    after: &'a Option<Json>,
    sensitive: bool,
    unknown: bool,
    forces_replacement: bool,
    by_server: bool,
    owner: &'a Option<crate::model::Owner>,
}

fn line(json: &Json) -> String {
    format!("{json}\n")
}

/// A cluster; with no others beside it, the default one needs no more words than before.
fn cluster(name: &ClusterName, planned: &PlannedCluster, is_one: bool) -> Json {
    let mut json = json!({"type": "cluster", "uid": planned.identity.uid, "server": planned.identity.server});
    if !is_one {
        json["name"] = json!(name);
        json["context"] = json!(planned.context);
    }
    json
}

fn resource(address: &Address, resource: &ResourcePlan, secrets: &Secrets) -> Json {
    let objects: Vec<Json> = resource.changes.iter().map(object).collect();
    let until: Vec<String> = resource.unknown_until.iter().map(ToString::to_string).collect();
    let mut json = json!({
        "type": "planned_change", "address": address.to_string(), "action": words::action_word(resource.action),
        "impact": resource.impact, "objects": objects, "unknown_until": until,
    });
    if let Some(name) = resource.cluster.name() {
        json["cluster"] = name.into();
    }
    if let Some(trigger) = &resource.triggered_by {
        json["triggered_by"] = trigger.as_str().into();
    }
    if let Some(from) = &resource.moved_from {
        json["moved_from"] = from.to_string().into();
    }
    redact(&mut json, secrets);
    json
}

fn object(change: &Change) -> Json {
    let mut json = named(&change.located());
    json["action"] = words::change_word(change).into();
    let fields: Vec<Field<'_>> = change.fields().iter().map(field).collect();
    match change {
        Change::Create { desired, validation } => {
            json["after"] = body::masked(desired);
            if let Validation::NotYet { reason } = validation {
                json["not_validated"] = reason.as_str().into();
            }
        }
        Change::Update { force, adopt, live, .. } => {
            json["force"] = (*force).into();
            if *adopt {
                json["owners"] = serde_json::to_value(live.owners()).unwrap_or_default();
            }
        }
        Change::Replace { orphan_pods, .. } => json["orphan_pods"] = (*orphan_pods).into(),
        Change::Delete { uid, .. } => json["uid"] = uid.as_str().into(),
        Change::Keep { .. } | Change::Wait { .. } | Change::Forget { .. } => {}
    }
    if !fields.is_empty() {
        json["fields"] = serde_json::to_value(fields).unwrap_or_default();
    }
    json
}

fn field(field: &FieldChange) -> Field<'_> {
    let FieldChange { before, after, sensitive, unknown, forces_replacement, by_server, owner, .. } = field;
    Field {
        path: field.path.to_string(),
        before,
        after,
        sensitive: *sensitive,
        unknown: *unknown,
        forces_replacement: *forces_replacement,
        by_server: *by_server,
        owner,
    }
}

fn named(object: &Located) -> Json {
    let Located { cluster, identity } = object;
    let mut json =
        json!({"group": identity.group, "kind": identity.kind, "namespace": identity.namespace, "name": identity.name});
    if let Some(name) = cluster.name() {
        json["cluster"] = name.into();
    }
    json
}

fn drift_line(drift: &Drift, secrets: &Secrets) -> Json {
    let mut json = json!({"type": "drift", "address": drift.address.to_string(), "object": named(&drift.object)});
    match &drift.kind {
        DriftKind::Deleted => json["change"] = "deleted".into(),
        DriftKind::Deleting { finalizers } => {
            json["change"] = "deleting".into();
            json["finalizers"] = json!(finalizers);
        }
        DriftKind::Recreated { recorded, live } => {
            json["change"] = "recreated".into();
            json["uid"] = json!({"recorded": recorded, "live": live});
        }
        DriftKind::Changed(found) => {
            json["change"] = "changed".into();
            json["fields"] = found.iter().map(disagreement).collect();
        }
    }
    redact(&mut json, secrets);
    json
}

fn disagreement(found: &Disagreement) -> Json {
    json!({
        "path": found.path.to_string(), "recorded": found.recorded, "live": found.live,
        "sensitive": found.sensitive, "owner": found.owner, "certain": found.certain, "expected": found.expected,
    })
}

fn output(name: &str, output: &OutputChange, secrets: &Secrets) -> Json {
    let is_hidden = output.sensitive || output.after.as_ref().is_some_and(words::holds_sensitive);
    let show = |value: Option<Json>| if is_hidden { value.map(|_| REDACTED.into()) } else { value };
    let after = output.after.as_ref().map(|value| value_to_json(value).unwrap_or_else(|| UNKNOWN.into()));
    let mut json = json!({
        "type": "output_change", "name": name, "before": show(output.before.clone()), "after": show(after),
        "sensitive": is_hidden,
    });
    redact(&mut json, secrets);
    json
}

/// Hides secrets in every text, and names what is known only after apply.
fn redact(json: &mut Json, secrets: &Secrets) {
    match json {
        Json::String(text) if text.contains(UNKNOWN) => "(known after apply)".clone_into(text),
        Json::String(text) => *text = secrets.redact(text),
        Json::Array(items) => items.iter_mut().for_each(|item| redact(item, secrets)),
        Json::Object(entries) => entries.values_mut().for_each(|value| redact(value, secrets)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, file, str};

    use super::super::sample;
    use super::*;

    #[test]
    fn a_plan_is_one_object_per_line() {
        let mut plan = sample::everything();
        plan.drift = sample::drift();
        assert_data_eq!(super::plan(&plan), file!["snapshots/plan.jsonl": Text]);
    }

    #[test]
    fn secrets_are_never_shown() {
        let text = super::plan(&sample::everything());
        assert!(!text.contains("hunter22") && !text.contains("aHVudGVyMjI="));
    }

    #[test]
    fn a_diagnostic_says_its_line() {
        let mut sources = Sources::default();
        let file = sources.add("main.rf.hcl", "a = 1\nbb = hunter22\n");
        let mut secrets = Secrets::default();
        secrets.insert("hunter22");
        let error = Diagnostic::error("hunter22 is wrong").at(Span { file, start: 6, end: 8 });
        assert_data_eq!(
            diagnostic(&error, &sources, &secrets),
            str![[r#"
{"at":{"column":1,"end":8,"file":"main.rf.hcl","label":"","line":2,"snippet":"bb = (sensitive value)","start":6},"code":null,"hint":null,"message":"(sensitive value) is wrong","related":[],"severity":"error","type":"diagnostic"}

"#]]
        );
    }
}

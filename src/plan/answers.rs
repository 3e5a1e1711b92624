//! Settles a draft with what the server said to its dry-runs.
use crate::model::{Diagnostic, HIDDEN_WORDS, Json, Object, UNKNOWN};

use super::draft::{Ask, Draft};
use super::{Answer, Change, ConflictPolicy, FieldChange, Plan, Validation, fields, finish, immutable, mask, owner};

/// Fields that the server writes by itself.
const OF_THE_SERVER: [&str; 9] = [
    ".metadata.managedFields",
    ".metadata.resourceVersion",
    ".metadata.generation",
    ".metadata.uid",
    ".metadata.creationTimestamp",
    ".metadata.selfLink",
    ".metadata.deletionTimestamp",
    ".metadata.deletionGracePeriodSeconds",
    ".status",
];

impl Draft {
    /// Takes the answers to [`Draft::questions`], in their order, and finishes the plan.
    ///
    /// A question without an answer counts as one that could not be asked.
    pub(crate) fn decide(mut self, answers: Vec<Answer>) -> Result<Plan, Vec<Diagnostic>> {
        let mut answers = answers.into_iter();
        let mut errors = Vec::new();
        for ask in std::mem::take(&mut self.asks) {
            let missing = || Answer::NotPreviewable { reason: "the server was not asked".to_owned() };
            let answer = answers.next().unwrap_or_else(missing);
            if let Err(diagnostics) = self.settle(&ask, answer) {
                errors.extend(diagnostics);
            }
        }
        match finish::finish(self) {
            Ok(plan) if errors.is_empty() => Ok(plan),
            Ok(_) => Err(errors),
            Err(more) => Err(errors.into_iter().chain(more).collect()),
        }
    }

    fn settle(&mut self, ask: &Ask, answer: Answer) -> Result<(), Vec<Diagnostic>> {
        let policy = self.options.on_conflict;
        // What a resource stands for that is known only during apply may be the namespace that is missing now.
        let is_open = self.plan.resources.values().any(|resource| !resource.unknown_until.is_empty());
        let changes = self.plan.resources.get_mut(&ask.address).map(|resource| &mut resource.changes);
        let Some(change) = changes.and_then(|changes| changes.get_mut(ask.change)) else { return Ok(()) };
        match answer {
            Answer::Accepted { object, warnings } => {
                let identity = change.identity();
                let warn = |text: String| Diagnostic::warning(format!("{identity}: {text}"));
                let place = |it: Diagnostic| match change.desired() {
                    Some(desired) => it.about(desired),
                    None => it,
                };
                self.plan.diagnostics.extend(warnings.into_iter().map(warn).map(place));
                if !ask.question.rehearsal {
                    accept(change, &object);
                }
                Ok(())
            }
            Answer::NotPreviewable { .. } if ask.question.rehearsal => Ok(()),
            Answer::NotPreviewable { reason } => {
                if let Change::Create { validation, .. } = change {
                    *validation = Validation::NotYet { reason };
                }
                Ok(())
            }
            Answer::Refused { code: 404, message, .. } if is_open => {
                if let Change::Create { validation, .. } = change {
                    *validation = Validation::NotYet { reason: message };
                }
                Ok(())
            }
            Answer::Conflict { causes } => conflict(change, &causes, policy),
            Answer::Refused { code, message, causes, .. } => refused(change, &Refusal { code, message, causes }),
        }
    }
}

/// What the server said when it refused.
struct Refusal {
    code: u16,
    message: String,
    causes: Vec<(String, String)>,
}

/// Takes the object as the server would keep it.
fn accept(change: &mut Change, answer: &Object) {
    match change {
        Change::Create { validation, .. } => *validation = Validation::Server,
        Change::Update { desired, live, fields, adopt, .. } => {
            if is_same(live, answer) {
                *change = Change::Keep { desired: desired.clone(), live: live.clone() };
                return;
            }
            let by_server = by_server(live, answer, fields);
            // What goes when the fields of `kubectl apply` have become ours is still there in a dry-run before that.
            let is_open = |field: &FieldChange| *adopt && field.after.is_none();
            for field in fields.iter_mut().filter(|field| !field.sensitive && !field.unknown && !is_open(field)) {
                correct(field, answer);
            }
            fields.extend(by_server);
            for field in fields.iter_mut() {
                mask::mask(field, desired, None);
            }
        }
        // The table says that it cannot be changed, the server can.
        Change::Replace { desired, live, fields, .. } => {
            for field in fields.iter_mut() {
                field.forces_replacement = false;
            }
            let (desired, live, fields) = (desired.clone(), live.clone(), std::mem::take(fields));
            *change = Change::Update { desired, live, fields, force: false, adopt: false };
        }
        Change::Keep { .. } | Change::Wait { .. } | Change::Delete { .. } | Change::Forget { .. } => {}
    }
}

/// Tells whether the dry-run left the object as it is, times apart.
fn is_same(live: &Object, answer: &Object) -> bool {
    let strip = |object: &Object| {
        let mut json = object.json().clone();
        if let Some(metadata) = json.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.remove("resourceVersion");
            metadata.remove("generation");
            let entries = metadata.get_mut("managedFields").and_then(Json::as_array_mut);
            for entry in entries.into_iter().flatten().filter_map(Json::as_object_mut) {
                entry.remove("time");
            }
        }
        if let Some(entries) = json.as_object_mut() {
            entries.remove("status");
        }
        json
    };
    strip(live) == strip(answer)
}

/// Takes the server's value of a field where it differs from the predicted one.
fn correct(field: &mut FieldChange, answer: &Object) {
    let found = fields::find(answer.json(), &field.path).cloned();
    if field.after != found && !field.after.as_ref().is_some_and(super::prepare::has_unknown) {
        let is_only_filled = matches!((&field.after, &found), (Some(asked), Some(found)) if holds(found, asked));
        field.by_server = !is_only_filled && (field.after.is_some() || found.is_some());
        field.after = found;
    }
}

/// Tells whether a value has everything that was asked for; the server may have filled in more.
fn holds(found: &Json, asked: &Json) -> bool {
    match (found, asked) {
        (Json::Object(found), Json::Object(asked)) => {
            asked.iter().all(|(name, asked)| found.get(name).is_some_and(|found| holds(found, asked)))
        }
        (Json::Array(found), Json::Array(asked)) => {
            found.len() == asked.len() && found.iter().zip(asked).all(|(found, asked)| holds(found, asked))
        }
        _ => found == asked,
    }
}

/// Returns what the server changes beside the fields that we change.
fn by_server(live: &Object, answer: &Object, changed: &[FieldChange]) -> Vec<FieldChange> {
    let is_ours = |path: &crate::model::FieldPath| {
        // Paths of both sides may name list items differently, so they are compared as places.
        let place = fields::pointer(answer.json(), path).or_else(|| fields::pointer(live.json(), path));
        changed.iter().any(|field| {
            let own = fields::pointer(answer.json(), &field.path).or_else(|| fields::pointer(live.json(), &field.path));
            match (&place, own) {
                (Some(place), Some(own)) => {
                    *place == own || place.starts_with(&format!("{own}/")) || own.starts_with(&format!("{place}/"))
                }
                _ => field.path.covers(path) || path.covers(&field.path),
            }
        })
    };
    let is_of_the_server = |path: &str| OF_THE_SERVER.iter().any(|own| path.starts_with(own));
    fields::difference(live.json(), answer.json())
        .into_iter()
        .filter(|(path, ..)| !is_of_the_server(&path.to_string()) && !is_ours(path))
        .map(|(path, before, after)| FieldChange { before, after, by_server: true, ..FieldChange::at(path) })
        .collect()
}

/// The server sees a conflict that the local merge did not.
fn conflict(change: &mut Change, causes: &[(String, String)], policy: ConflictPolicy) -> Result<(), Vec<Diagnostic>> {
    if let (Change::Update { force, .. }, ConflictPolicy::Force) = (&mut *change, policy) {
        *force = true;
        return Ok(());
    }
    let identity = change.identity();
    let Some(desired) = change.desired() else { return Ok(()) };
    let named = causes
        .iter()
        .map(|(field, message)| (field.clone(), message.strip_prefix("conflict with ").unwrap_or(message).to_owned()));
    Err(vec![owner::refusal(desired, &identity, &named.collect::<Vec<_>>())])
}

fn refused(change: &mut Change, refusal: &Refusal) -> Result<(), Vec<Diagnostic>> {
    let text = std::iter::once(&refusal.message).chain(refusal.causes.iter().map(|(_, message)| message));
    let is_immutable = refusal.code == 422 && text.clone().any(|text| immutable::is_confirmed_by(text));
    if matches!(change, Change::Replace { .. }) && is_immutable {
        return Ok(());
    }
    let identity = change.identity();
    let Some(desired) = change.desired() else { return Ok(()) };
    // Of a Secret, which a server may quote (CVE-2025-23216), only what holds no value is told.
    let is_secret = desired.object.kind_name() == "Secret";
    let may_be_told = |message: &str| {
        !is_secret || ["Required value", "Too long", "Forbidden"].iter().any(|harmless| message.starts_with(harmless))
    };
    let what = match refusal.causes.as_slice() {
        [] => refusal.message.clone(),
        causes => {
            let line = |(field, message): &(String, String)| match field.as_str() {
                "" if may_be_told(message) => message.clone(),
                _ if may_be_told(message) => format!("`{field}`: {message}"),
                _ => format!("`{field}` ({HIDDEN_WORDS})"),
            };
            causes.iter().map(line).collect::<Vec<_>>().join("; ")
        }
    };
    let diagnostic = Diagnostic::error(format!("the server refuses {identity}: {}", what.replace(UNKNOWN, "…")));
    Err(vec![hint(diagnostic.about(desired), refusal, is_immutable)])
}

fn hint(diagnostic: Diagnostic, refusal: &Refusal, is_immutable: bool) -> Diagnostic {
    let message = &refusal.message;
    if is_immutable {
        return diagnostic.hint("make it anew with `--replace=ADDRESS`, which deletes it first");
    }
    match refusal.code {
        404 if message.contains("namespaces") => {
            diagnostic.hint("add the namespace to the configuration, with a `namespace` resource")
        }
        403 if message.contains("exceeded quota") => diagnostic.hint("raise the namespace's quota, or ask for less"),
        403 if message.contains("is being terminated") => diagnostic.hint("plan again when the namespace is gone"),
        401 | 403 => diagnostic.hint("planning needs the right to patch what it would change"),
        _ => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldPath;

    #[test]
    fn what_is_only_filled_in_is_not_set_by_the_server() {
        let corrected = |asked: Json, found: Json| {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": &found});
            let mut field = FieldChange { after: Some(asked), ..FieldChange::at(FieldPath::fields(&["data"])) };
            correct(&mut field, &Object::new(object).expect("an object"));
            (field.by_server, field.after == Some(found))
        };
        let item = json!({"name": "a", "ports": [{"port": 80}]});
        assert_eq!(
            corrected(item.clone(), json!({"name": "a", "ports": [{"port": 80, "protocol": "TCP"}]})),
            (false, true)
        );
        assert_eq!(corrected(item.clone(), json!({"name": "b", "ports": [{"port": 80}]})), (true, true));
        assert_eq!(corrected(item, json!({"name": "a", "ports": []})), (true, true));
    }
}

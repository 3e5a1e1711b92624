//! What all kinds have in common: deletion, generations, conditions, events.
use crate::model::{Json, Object, Readiness, Surroundings};

/// One entry of `status.conditions`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub name: &'a str,
    status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
}

/// What an Event tells.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub message: String,
    /// RFC 3339, so that texts compare as times do.
    pub time: String,
}

impl Condition<'_> {
    /// Tells whether the condition has this status (`True`, `False` or `Unknown`).
    pub(super) fn is(&self, status: &str) -> bool {
        self.status == status
    }

    /// Returns the condition's own words.
    pub(super) fn says(&self) -> String {
        match (self.reason, self.message) {
            ("", "") => format!("{} is {}", self.name, self.status),
            (reason, "") => format!("{} is {} ({reason})", self.name, self.status),
            ("", message) => message.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}

/// Returns all conditions.
pub(super) fn conditions(object: &Object) -> impl Iterator<Item = Condition<'_>> {
    let list = object.pointer("/status/conditions").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().map(|entry| {
        let text = |name| entry.get(name).and_then(Json::as_str).unwrap_or_default();
        Condition { name: text("type"), status: text("status"), reason: text("reason"), message: text("message") }
    })
}

/// Returns the condition with this name.
pub(super) fn condition<'a>(object: &'a Object, name: &str) -> Option<Condition<'a>> {
    conditions(object).find(|condition| condition.name == name)
}

/// Returns a whole number, written as a number or as a text.
///
/// Argo Rollouts writes `observedGeneration` as a text (<https://github.com/helm/helm/issues/32615>).
pub(super) fn number(object: &Object, pointer: &str) -> Option<i64> {
    let value = object.pointer(pointer)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Returns the verdict on an object that is on its way out.
pub(super) fn deleting(object: &Object) -> Option<Readiness> {
    if !object.is_terminating() {
        return None;
    }
    let finalizers = object.pointer("/metadata/finalizers").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = finalizers.iter().filter_map(Json::as_str).collect();
    let held = if names.is_empty() { String::new() } else { format!(", held by {}", names.join(", ")) };
    Some(Readiness::failed(format!("it is being deleted{held}; wait until it is gone")))
}

/// Returns the verdict that comes before all rules of a kind: deletion, and a controller that has not looked yet.
pub(super) fn begin(object: &Object) -> Option<Readiness> {
    deleting(object).or_else(|| {
        let generation = number(object, "/metadata/generation")?;
        let observed = number(object, "/status/observedGeneration")?;
        (observed < generation).then(|| Readiness::waiting("its controller has not seen the change yet"))
    })
}

/// Judges a custom resource by the conditions that most controllers share.
///
/// One without any status counts as ready, with a note: many kinds never have one. Conditions by
/// <https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus>.
pub(super) fn custom_resource(object: &Object, _: Surroundings<'_>) -> Readiness {
    if let Some(verdict) = begin(object) {
        return verdict;
    }
    let is_true = |name| condition(object, name).filter(|condition| condition.is("True"));
    if let Some(stalled) = is_true("Stalled") {
        return Readiness::failed(stalled.says());
    }
    if let Some(reconciling) = is_true("Reconciling") {
        return Readiness::waiting(reconciling.says());
    }
    match condition(object, "Ready") {
        Some(ready) if ready.is("True") => Readiness::ready(),
        Some(ready) => Readiness::waiting(ready.says()),
        None if object.pointer("/status").is_none() => {
            Readiness::Ready { note: Some("it reports no status".to_owned()) }
        }
        None => Readiness::ready(),
    }
}

/// Returns the newest Event about an object that has one of these reasons.
pub(super) fn newest_event(object: &Object, surroundings: Surroundings<'_>, reasons: &[&str]) -> Option<Told> {
    let kind = object.kind();
    let is_about = |event: &&Object| {
        let about = event.pointer("/involvedObject").or_else(|| event.pointer("/regarding"));
        let text = |name| about.and_then(|about| about.get(name)).and_then(Json::as_str);
        let same = match (text("uid"), object.uid()) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => text("name") == Some(object.name()),
        };
        same && text("kind") == Some(&*kind.kind)
    };
    surroundings
        .of_kind("Event", object.namespace())
        .filter(|event| event.text("/reason").is_some_and(|reason| reasons.contains(&reason)))
        .filter(is_about)
        .map(told)
        .max_by(|left, right| left.time.cmp(&right.time))
}

/// Reads an Event of either API group.
fn told(event: &Object) -> Told {
    let first =
        |pointers: &[&str]| pointers.iter().find_map(|pointer| event.text(pointer)).unwrap_or_default().to_owned();
    Told {
        message: first(&["/message", "/note"]),
        time: first(&[
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/eventTime",
            "/deprecatedLastTimestamp",
            "/metadata/creationTimestamp",
        ]),
    }
}

/// Returns when somebody last wrote the object itself, not its status; empty where nobody tells.
pub(super) fn last_write(object: &Object) -> &str {
    let entries = object.pointer("/metadata/managedFields").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let times = entries
        .iter()
        .filter(|entry| entry.get("subresource").and_then(Json::as_str).unwrap_or_default() != "status")
        .filter_map(|entry| entry.get("time").and_then(Json::as_str));
    times.max().or_else(|| object.text("/metadata/creationTimestamp")).unwrap_or_default()
}

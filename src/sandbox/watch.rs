//! Watches: the changes of a collection as they come, one JSON document per line.
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::faults::Effect;
use super::get_list::{Filter, include_object, partial};
use super::kinds::{KindInfo, Resource};
use super::request::{wants_metadata, wants_table};
use super::router::Call;
use super::server::Sandbox;
use super::status::{Cause, Status};
use super::table;
use super::world::{Change, World};
use crate::model::{Json, Object};

/// How long a watch lasts when the client does not say, in seconds.
const DEFAULT_TIMEOUT: u64 = 1800;
/// How often a watch that allows bookmarks gets one.
const BOOKMARKS: Duration = Duration::from_mins(1);

/// A watch that is under way.
struct Watch {
    sandbox: Sandbox,
    ticks: Receiver<u64>,
    selection: Selection,
    /// Changes up to this revision were looked at.
    revision: u64,
    /// Lines that wait to be sent.
    lines: VecDeque<Bytes>,
    end: Instant,
    next_bookmark: Option<Instant>,
    /// Ends the watch after so many events, by a fault.
    left: Option<usize>,
    is_over: bool,
}

/// What a watch is about, and how it shows objects.
struct Selection {
    info: Arc<KindInfo>,
    resource: Resource,
    namespace: Option<String>,
    filter: Filter,
    form: Form,
}

enum Form {
    Whole,
    Metadata,
    /// With the value of `includeObject`; the columns go with the first event only.
    Table {
        include: String,
        is_first: bool,
    },
}

/// Answers a GET with `watch=true`.
pub(super) fn watch(sandbox: &Sandbox, call: &Call<'_>, effect: Option<&Effect>) -> Result<Response, Status> {
    if call.parameters.is_true("sendInitialEvents") {
        let why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
        let cause = Cause::forbidden("sendInitialEvents", why);
        return Err(Status::invalid("meta.k8s.io", "ListOptions", "", &[cause]));
    }
    let mut selection = Selection::new(call)?;
    let seconds = call.parameters.number("timeoutSeconds")?.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_TIMEOUT);
    let asked = call.parameters.number("resourceVersion")?.unwrap_or(0);
    let ticks = sandbox.subscribe();
    let world = sandbox.lock();
    let (revision, lines) = begin(&world, &mut selection, asked, effect);
    let is_over =
        effect == Some(&Effect::Gone) || lines.back().is_some_and(|line| line.starts_with(b"{\"type\":\"ERROR\""));
    drop(world);
    let now = Instant::now();
    let watch = Watch {
        sandbox: sandbox.clone(),
        ticks,
        selection,
        revision,
        lines,
        end: now + Duration::from_secs(seconds.min(24 * 3600)),
        next_bookmark: call.parameters.is_true("allowWatchBookmarks").then(|| now + BOOKMARKS),
        left: match effect {
            Some(Effect::DropWatch { after_events }) => Some(*after_events),
            _ => None,
        },
        is_over,
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok::<_, std::io::Error>(line), watch))
    })));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Returns where a watch starts, and what it says first.
fn begin(world: &World, selection: &mut Selection, asked: u64, effect: Option<&Effect>) -> (u64, VecDeque<Bytes>) {
    if effect == Some(&Effect::Gone) || (asked > 0 && asked < world.forgotten()) {
        let message = format!("too old resource version: {asked} ({})", world.forgotten());
        return (asked, VecDeque::from([error_line(&Status::gone(message))]));
    }
    if asked > world.revision() {
        let status = Status::too_large_version(asked, world.revision());
        return (asked, VecDeque::from([error_line(&status)]));
    }
    if asked > 0 {
        return (asked, VecDeque::new());
    }
    let objects: Vec<Arc<Object>> = world.list(&selection.resource, selection.namespace.as_deref()).cloned().collect();
    let matching = objects.iter().filter(|object| selection.filter.matches(object)).cloned().collect::<Vec<_>>();
    let lines = matching.iter().map(|object| selection.line(world, "ADDED", object.json())).collect();
    (world.revision(), lines)
}

impl Selection {
    fn new(call: &Call<'_>) -> Result<Self, Status> {
        let mut filter = Filter::parse(call.parameters, call.info)?;
        if let Some(name) = &call.target.name {
            // A watch of one object is a watch of the collection that looks at one name.
            filter.fields = super::selectors::Fields::parse(&format!("metadata.name={name}"), call.info)?;
        }
        Ok(Self {
            info: Arc::new(call.info.clone()),
            resource: call.info.resource(),
            namespace: call.target.namespace.clone(),
            filter,
            form: Form::of(call.headers, include_object(call.parameters)),
        })
    }

    /// Returns the line that tells of a change, where it concerns the watch.
    fn change_line(&mut self, world: &World, change: &Change) -> Option<Bytes> {
        let is_here = change.key.resource == self.resource
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == change.key.namespace);
        if !is_here {
            return None;
        }
        let matches = |object: &Option<Arc<Object>>| object.as_ref().is_some_and(|object| self.filter.matches(object));
        let (was, is) = (matches(&change.old), matches(&change.new));
        match (was, is, &change.new, &change.removed, &change.old) {
            (false, true, Some(new), ..) => Some(self.line(world, "ADDED", new.json())),
            (true, true, Some(new), ..) => Some(self.line(world, "MODIFIED", new.json())),
            (true, false, None, Some(last), _) => Some(self.line(world, "DELETED", last.json())),
            (true, false, Some(new), _, Some(old)) => {
                // It left the selection: the watch sees it as it was, with the revision of the change.
                let mut last = old.json().clone();
                last["metadata"]["resourceVersion"] = new.json()["metadata"]["resourceVersion"].clone();
                Some(self.line(world, "DELETED", &last))
            }
            _ => None,
        }
    }

    fn line(&mut self, world: &World, event: &str, object: &Json) -> Bytes {
        let object = match &mut self.form {
            Form::Whole => {
                let mut object = object.clone();
                object["apiVersion"] = Json::from(self.info.api_version());
                object
            }
            Form::Metadata => partial(object),
            Form::Table { include, is_first } => {
                let mut table = table::table(&self.info, &[object], &json!({}), world, include);
                if !std::mem::take(is_first) {
                    table["columnDefinitions"] = Json::Null;
                }
                table
            }
        };
        line(event, &object)
    }

    fn bookmark(&self, revision: u64) -> Bytes {
        let object = json!({
            "kind": self.info.kind, "apiVersion": self.info.api_version(),
            "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null},
        });
        line("BOOKMARK", &object)
    }
}

impl Form {
    fn of(headers: &HeaderMap, include: &str) -> Self {
        if wants_table(headers) {
            return Self::Table { include: include.to_owned(), is_first: true };
        }
        if wants_metadata(headers) { Self::Metadata } else { Self::Whole }
    }
}

impl Watch {
    /// Returns the next line; nothing when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return self.count(line);
            }
            if self.is_over || self.left == Some(0) {
                return None;
            }
            self.ticks.borrow_and_update();
            self.collect();
            if self.lines.is_empty() && !self.is_over {
                self.wait().await;
            }
        }
    }

    fn count(&mut self, line: Bytes) -> Option<Bytes> {
        match &mut self.left {
            Some(0) => None,
            Some(left) => {
                *left -= 1;
                Some(line)
            }
            None => Some(line),
        }
    }

    /// Takes over the changes since the last look.
    fn collect(&mut self) {
        let world = self.sandbox.lock();
        if self.revision < world.forgotten() {
            let message = format!("too old resource version: {} ({})", self.revision, world.forgotten());
            self.lines.push_back(error_line(&Status::gone(message)));
            self.is_over = true;
            return;
        }
        for change in world.changes_after(self.revision) {
            if let Some(line) = self.selection.change_line(&world, change) {
                self.lines.push_back(line);
            }
        }
        self.revision = world.revision();
        self.is_over = world.is_closing;
    }

    /// Waits for a change, for the next bookmark, or for the end.
    async fn wait(&mut self) {
        let until = self.next_bookmark.map_or(self.end, |bookmark| bookmark.min(self.end));
        let changed = tokio::time::timeout_at(until, self.ticks.changed()).await;
        match changed {
            Ok(Ok(())) => {}
            Ok(Err(_)) => self.is_over = true,
            Err(_) => {
                if self.next_bookmark.is_some() {
                    self.lines.push_back(self.selection.bookmark(self.revision));
                    self.next_bookmark = Some(until + BOOKMARKS);
                }
                self.is_over = until >= self.end;
            }
        }
    }
}

fn line(event: &str, object: &Json) -> Bytes {
    Bytes::from(format!("{{\"type\":\"{event}\",\"object\":{object}}}\n"))
}

fn error_line(status: &Status) -> Bytes {
    line("ERROR", &status.to_json())
}

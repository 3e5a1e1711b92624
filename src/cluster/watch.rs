//! Follows all objects of one scope: a list, then a watch, again whenever the watch breaks.
use std::time::Duration;

use futures::StreamExt;
use http::Request;
use kube::core::WatchEvent;
use tokio::sync::mpsc::UnboundedSender;

use super::objects::typed;
use super::{Cluster, ClusterError};
use crate::model::{Json, Object, Scope};

/// What a watch saw.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Everything there is; what was seen before and is not here is gone.
    All(Vec<Object>),
    Changed(Object),
    Gone(Object),
    /// The scope cannot be followed at present; it is tried again unless it is forbidden.
    Lost(ClusterError),
}

/// Seconds after which the server ends a watch; it goes on from where it was.
const WATCH_SECONDS: u32 = 290;

/// The pauses after failed attempts, in milliseconds; the last one stays.
const PAUSES: [u64; 6] = [100, 250, 500, 1000, 2000, 5000];

impl Cluster {
    /// Follows a scope until the receiver is dropped, or the server forbids it.
    pub(crate) async fn follow(&self, scope: &Scope, sink: &UnboundedSender<Seen>) {
        let mut failures = 0;
        while !sink.is_closed() {
            let error = match self.follow_once(scope, sink, &mut failures).await {
                Ok(()) => continue,
                Err(error) => error,
            };
            let is_final = matches!(
                error,
                ClusterError::Forbidden(_) | ClusterError::Unauthorized(_) | ClusterError::NotServed { .. }
            );
            if !matches!(error, ClusterError::Gone(_)) && sink.send(Seen::Lost(error)).is_err() || is_final {
                return;
            }
            let pause = PAUSES[failures.min(PAUSES.len() - 1)];
            failures += 1;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
                () = sink.closed() => return,
            }
        }
    }

    /// Lists, then watches until the watch breaks; a watch that ends in time goes on.
    async fn follow_once(
        &self,
        scope: &Scope,
        sink: &UnboundedSender<Seen>,
        failures: &mut usize,
    ) -> Result<(), ClusterError> {
        let (objects, mut version) = self.list_for_watch(scope).await?;
        if sink.send(Seen::All(objects)).is_err() {
            return Ok(());
        }
        loop {
            let before = version.clone();
            let mut events = std::pin::pin!(self.watch(scope, &version).await?);
            loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    () = sink.closed() => return Ok(()),
                };
                let Some(event) = event else { break };
                *failures = 0;
                if let Some((next, seen)) = self.read_event(event, scope)? {
                    version = next;
                    if seen.is_some_and(|seen| sink.send(seen).is_err()) {
                        return Ok(());
                    }
                }
            }
            if version == before {
                // Nothing was heard: a server that closes at once must not be asked in a tight loop.
                tokio::time::sleep(Duration::from_millis(PAUSES[0])).await;
            }
        }
    }

    async fn watch(
        &self,
        scope: &Scope,
        version: &str,
    ) -> Result<impl futures::Stream<Item = Result<WatchEvent<Json>, kube::Error>> + use<>, ClusterError> {
        let path = self.collection(&scope.kind, scope.namespace.as_deref())?;
        let query = format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}");
        let request = Request::get(format!("{path}?{query}&resourceVersion={version}"))
            .body(Vec::new())
            .map_err(|source| self.unreachable(kube::Error::HttpError(source)))?;
        self.count();
        self.client().request_events::<Json>(request).await.map_err(|error| self.watch_error(error))
    }

    /// Returns the new resourceVersion, and what there is to tell; nothing for what cannot be read.
    fn read_event(
        &self,
        event: Result<WatchEvent<Json>, kube::Error>,
        scope: &Scope,
    ) -> Result<Option<(String, Option<Seen>)>, ClusterError> {
        let (json, make): (Json, fn(Object) -> Seen) = match event {
            Ok(WatchEvent::Added(json) | WatchEvent::Modified(json)) => (json, Seen::Changed),
            Ok(WatchEvent::Deleted(json)) => (json, Seen::Gone),
            Ok(WatchEvent::Bookmark(bookmark)) => {
                return Ok(Some((bookmark.metadata.resource_version, None)));
            }
            Ok(WatchEvent::Error(status)) => return Err(self.watch_error(kube::Error::Api(status))),
            Err(error) => return Err(self.watch_error(error)),
        };
        let Some(object) = typed(json, &scope.kind) else { return Ok(None) };
        let version = object.resource_version().unwrap_or_default().to_owned();
        Ok(Some((version, Some(make(object)))))
    }

    fn watch_error(&self, error: kube::Error) -> ClusterError {
        match error {
            kube::Error::Api(status) => {
                let body = serde_json::json!({ "reason": status.reason, "message": status.message });
                ClusterError::from_answer(status.code, body.to_string().as_bytes(), "watch", false)
            }
            other => self.unreachable(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Response};
    use serde_json::json;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::cluster::{Settings, Target, connect};
    use crate::model::{Kind, ServedKind};

    fn pod(name: &str, version: &str) -> Json {
        json!({ "metadata": { "name": name, "namespace": "a", "resourceVersion": version } })
    }

    /// Answers the nth request by the function.
    async fn seen(answer: fn(u32, &str) -> Response, wanted: usize) -> Vec<String> {
        let number = Arc::new(AtomicU32::new(0));
        let router = Router::new().fallback(move |request: Request| {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let target = request.uri().to_string();
            async move { answer(number, &target) }
        });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let kind = Kind::new("v1", "Pod");
        let versions = vec!["v1".into()];
        cluster.learn([ServedKind { kind: kind.clone(), versions, plural: "pods".to_owned(), namespaced: true }]);
        let (sink, mut source) = unbounded_channel();
        let scope = Scope { kind, namespace: Some("a".into()) };
        let task = tokio::spawn(async move { cluster.follow(&scope, &sink).await });
        let mut told = Vec::new();
        while told.len() < wanted
            && let Some(seen) = source.recv().await
        {
            told.push(match seen {
                Seen::All(objects) => format!("all {}", objects.len()),
                Seen::Changed(object) => format!("changed {}", object.name()),
                Seen::Gone(object) => format!("gone {}", object.name()),
                Seen::Lost(error) => format!("lost {error}"),
            });
        }
        drop(source);
        task.await.expect("the task ends with its receiver");
        told
    }

    fn list(version: &str) -> Response {
        json!({ "metadata": { "resourceVersion": version }, "items": [pod("one", "1")] }).to_string().into_response()
    }

    fn event(kind: &str, object: &Json) -> String {
        format!("{}\n", json!({ "type": kind, "object": object }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_ends_goes_on_from_its_last_version() {
        let answer = |number: u32, target: &str| match number {
            0 => list("5"),
            1 if target.ends_with("resourceVersion=5") => event("ADDED", &pod("two", "6")).into_response(),
            2 if target.ends_with("resourceVersion=6") => event("DELETED", &pod("one", "7")).into_response(),
            _ => StatusCode::FORBIDDEN.into_response(),
        };
        assert_eq!(seen(answer, 3).await, ["all 1", "changed two", "gone one"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_watch_lists_again() {
        let answer = |number: u32, _: &str| match number {
            0 | 2 => list("5"),
            1 => event(
                "ERROR",
                &json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "too old", "reason": "Expired", "code": 410 }),
            )
            .into_response(),
            _ => event("ADDED", &pod("two", "6")).into_response(),
        };
        assert_eq!(seen(answer, 3).await, ["all 1", "all 1", "changed two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_not_be_followed_is_said_once() {
        let told = seen(|_, _| StatusCode::FORBIDDEN.into_response(), 5).await;
        assert_eq!(told, ["lost list v1 Pod in `a`: the server answered 403"]);
    }
}

//! Waits until objects are ready or gone, and gives up early where waiting is no use.
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::object::bears_pods;
use super::watching::{Sight, Watching};
use crate::model::{DesiredObject, Identity, Kind, Object, Readiness, Scope, Surroundings};

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Ready {
        note: Option<String>,
    },
    /// It will not become ready, for this reason.
    Failed {
        reason: String,
    },
    TimedOut {
        reason: String,
    },
    Interrupted,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For one object, in all.
    pub timeout: Duration,
    /// How long a failure must last to be believed: containers crash while what they need comes up.
    pub grace: Duration,
    /// How long to wait where nothing that is needed is on its way: who adds it may be slow to say so.
    pub stall: Duration,
}

/// After this long, events are looked at too: they say why nothing moves.
const QUIET: Duration = Duration::from_secs(5);

/// Changes come in bursts; so long they are gathered.
const BURST: Duration = Duration::from_millis(50);

/// Something that ends a wait early if it lasts.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    since: Instant,
    patience: Duration,
}

impl Trouble {
    /// Returns the same trouble, or the beginning of another.
    fn go_on(before: Option<Self>, patience: Duration) -> Self {
        before.filter(|before| before.patience == patience).unwrap_or_else(|| Self { since: Instant::now(), patience })
    }

    fn ends(self) -> Instant {
        self.since + self.patience
    }
}

impl Watching {
    /// Waits until an object that was applied is ready; `tell` is called with each new reason.
    pub(super) async fn ready(
        &self,
        desired: &DesiredObject,
        applied: &Object,
        patience: Patience,
        tell: impl Fn(&str),
        interrupted: impl Future<Output = ()>,
    ) -> Waited {
        let namespace = applied.namespace();
        let area = self.area(namespace);
        let mut changes = area.changes();
        let mut verdict = judge(desired, applied, &area.sight());
        if let Readiness::Ready { note } = verdict {
            return Waited::Ready { note };
        }
        self.follow_around(&applied.kind(), namespace);
        let events = Scope { kind: Kind::new("v1", "Event"), namespace: namespace.map(Arc::from) };
        let (start, mut trouble, mut told, mut asked_events) = (Instant::now(), None, String::new(), false);
        let mut interrupted = std::pin::pin!(interrupted);
        loop {
            let (reason, patient_for) = match verdict {
                Readiness::Ready { note } => return Waited::Ready { note },
                Readiness::Waiting { reason } => (reason, None),
                // Events say that help is on its way: who cannot read them cannot tell that it is not.
                Readiness::Stalled { reason } => {
                    let is_told = area.sight().whole.contains(&events);
                    (reason, Some(patience.stall).filter(|_| is_told))
                }
                Readiness::Failed { reason } => (reason, Some(patience.grace)),
            };
            trouble = patient_for.map(|patience| Trouble::go_on(trouble, patience));
            if trouble.is_some_and(|trouble| trouble.ends() <= Instant::now()) {
                return Waited::Failed { reason };
            }
            if reason != told {
                tell(&reason);
                told.clone_from(&reason);
            }
            if start.elapsed() >= patience.timeout {
                return Waited::TimedOut { reason };
            }
            if !asked_events && start.elapsed() >= QUIET {
                asked_events = true;
                self.follow(events.clone(), namespace);
            }
            let next = next_look(start, trouble, patience, asked_events);
            tokio::select! {
                _ = changes.changed() => tokio::time::sleep(BURST).await,
                () = tokio::time::sleep_until(next) => {}
                () = &mut interrupted => return Waited::Interrupted,
            }
            changes.mark_unchanged();
            verdict = look(desired, applied, &area.sight());
        }
    }

    /// Waits until an object is gone, or another one bears its name. False: it is still there.
    pub(super) async fn gone(
        &self,
        kind: &Kind,
        identity: &Identity,
        uid: &str,
        timeout: Duration,
        interrupted: impl Future<Output = ()>,
    ) -> Waited {
        let namespace = identity.namespace.as_deref();
        let area = self.area(namespace);
        let mut changes = area.changes();
        let scope = Scope { kind: kind.clone(), namespace: identity.namespace.clone() };
        self.follow(scope.clone(), namespace);
        let deadline = Instant::now() + timeout;
        let mut interrupted = std::pin::pin!(interrupted);
        loop {
            if let Some(waited) = is_gone(&area.sight(), &scope, identity, uid) {
                return waited;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(deadline) => {
                    return Waited::TimedOut { reason: "it is still there".to_owned() };
                }
                () = &mut interrupted => return Waited::Interrupted,
            }
        }
    }

    /// Follows an object's kind, and what says why it is not ready.
    fn follow_around(&self, kind: &Kind, namespace: Option<&str>) {
        let in_namespace = |kind: Kind| Scope { kind, namespace: namespace.map(Arc::from) };
        self.follow(in_namespace(kind.clone()), namespace);
        let is_claim = kind.is("", "PersistentVolumeClaim");
        if bears_pods(&kind.group, &kind.kind) || is_claim {
            self.follow(in_namespace(Kind::new("v1", "Pod")), namespace);
        }
        if is_claim {
            let scope = Scope { kind: Kind::new("storage.k8s.io/v1", "StorageClass"), namespace: None };
            self.follow(scope, namespace);
        }
    }
}

/// Judges the object as it was applied, or a newer sight of it.
fn look(desired: &DesiredObject, applied: &Object, sight: &Sight) -> Readiness {
    let identity = applied.identity();
    let scope = Scope { kind: applied.kind(), namespace: identity.namespace.clone() };
    match sight.objects.get(&identity) {
        Some(seen) if seen.uid() != applied.uid() => Readiness::failed("it was deleted and made anew by somebody else"),
        Some(seen) if is_older(seen, applied) => judge(desired, applied, sight),
        Some(seen) => judge(desired, seen, sight),
        None if sight.whole.contains(&scope) => Readiness::failed("it was deleted while it was waited for"),
        None => match (judge(desired, applied, sight), sight.lost.get(&scope)) {
            (Readiness::Waiting { .. }, Some(lost)) => Readiness::waiting(format!("it cannot be watched: {lost}")),
            (verdict, _) => verdict,
        },
    }
}

fn judge(desired: &DesiredObject, object: &Object, sight: &Sight) -> Readiness {
    if object.is_terminating() {
        return Readiness::failed("it is being deleted");
    }
    (desired.judge)(object, Surroundings { objects: &sight.objects })
}

/// Tells whether a sight is from before the apply.
///
/// Versions of one resource can be compared: <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>.
fn is_older(seen: &Object, applied: &Object) -> bool {
    let version = |object: &Object| object.resource_version().and_then(|version| version.parse::<u64>().ok());
    match (version(seen), version(applied)) {
        (Some(seen), Some(applied)) => seen < applied,
        _ => false,
    }
}

/// Returns how a wait for the end ends, if it does.
fn is_gone(sight: &Sight, scope: &Scope, identity: &Identity, uid: &str) -> Option<Waited> {
    let gone = Some(Waited::Ready { note: None });
    match sight.objects.get(identity) {
        Some(seen) if seen.uid() != Some(uid) => gone,
        Some(_) => None,
        None if sight.whole.contains(scope) => gone,
        None => sight.lost.get(scope).map(|lost| Waited::Failed { reason: format!("it cannot be watched: {lost}") }),
    }
}

/// Returns when to look again even if nothing moves.
fn next_look(start: Instant, trouble: Option<Trouble>, patience: Patience, asked_events: bool) -> Instant {
    let timeout = start + patience.timeout;
    let quiet = if asked_events { timeout } else { start + QUIET };
    timeout.min(quiet).min(trouble.map_or(timeout, Trouble::ends))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::extract::Request;
    use axum::response::{IntoResponse, Response};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::cluster::{Cluster, Settings, Target, connect};
    use crate::model::{FileId, ServedKind, Span};

    /// Ready when `status.ready` is true, failed when it says so.
    fn by_status(object: &Object, _: Surroundings<'_>) -> Readiness {
        match object.text("/status/phase") {
            Some("ready") => Readiness::ready(),
            Some("crash") => Readiness::failed("crash loop"),
            Some("alone") => Readiness::stalled("no room"),
            _ => Readiness::waiting("not yet"),
        }
    }

    fn widget(version: u64, phase: &str) -> Json {
        let metadata = json!({ "name": "w", "namespace": "a", "uid": "u", "resourceVersion": version.to_string() });
        json!({ "apiVersion": "x.io/v1", "kind": "Widget", "metadata": metadata, "status": { "phase": phase } })
    }

    /// A server that lists one widget, and then shows it in further phases, each at once.
    async fn watching(listed: Json, phases: &'static [&'static str]) -> (Watching, Cluster) {
        let listed = json!({ "metadata": { "resourceVersion": "10" }, "items": [listed] }).to_string();
        let router = Router::new().fallback(move |request: Request| {
            let listed = listed.clone();
            async move {
                if request.uri().to_string().contains("watch=true") { events(phases) } else { listed.into_response() }
            }
        });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let versions = vec!["v1".into()];
        let served = |api: &str, kind: &str, plural: &str| ServedKind {
            kind: Kind::new(api, kind),
            versions: versions.clone(),
            plural: plural.to_owned(),
            namespaced: true,
        };
        cluster.learn([served("x.io/v1", "Widget", "widgets"), served("v1", "Event", "events")]);
        (Watching::new(cluster.clone()), cluster)
    }

    fn events(phases: &[&str]) -> Response {
        let line = |(number, phase): (usize, &&str)| {
            format!("{}\n", json!({ "type": "MODIFIED", "object": widget(11 + number as u64, phase) }))
        };
        phases.iter().enumerate().map(line).collect::<String>().into_response()
    }

    async fn wait(watching: &Watching, applied: Json) -> (Waited, Vec<String>) {
        let applied = Object::new(applied).expect("an object");
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let desired = DesiredObject::new(applied.clone(), span, by_status);
        let patience =
            Patience { timeout: Duration::from_mins(10), grace: Duration::from_secs(5), stall: Duration::from_mins(1) };
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = |reason: &str| told.lock().expect("a lock").push(reason.to_owned());
        let waited = watching.ready(&desired, &applied, patience, tell, std::future::pending()).await;
        let told = told.lock().expect("a lock").clone();
        (waited, told)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_at_once_is_not_watched() {
        let (watching, cluster) = watching(widget(1, ""), &[]).await;
        assert_eq!(wait(&watching, widget(9, "ready")).await.0, Waited::Ready { note: None });
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(cluster.requests(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_shows_when_it_is_ready() {
        let (watching, _) = watching(widget(10, ""), &["", "ready"]).await;
        let (waited, told) = wait(&watching, widget(9, "")).await;
        assert_eq!((waited, told), (Waited::Ready { note: None }, vec!["not yet".to_owned()]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_sight_is_not_believed() {
        let (watching, _) = watching(widget(10, "ready"), &[]).await;
        let (waited, _) = wait(&watching, widget(99, "")).await;
        assert_eq!(waited, Waited::TimedOut { reason: "not yet".to_owned() });
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_lasts_ends_the_wait_early() {
        let (watching, _) = watching(widget(10, "crash"), &[]).await;
        let start = Instant::now();
        let (waited, _) = wait(&watching, widget(9, "")).await;
        assert_eq!(waited, Waited::Failed { reason: "crash loop".to_owned() });
        assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_helps_is_given_up_after_a_minute() {
        let (watching, _) = watching(widget(10, "alone"), &[]).await;
        let start = Instant::now();
        let (waited, _) = wait(&watching, widget(9, "")).await;
        assert_eq!(waited, Waited::Failed { reason: "no room".to_owned() });
        let seconds = start.elapsed().as_secs();
        assert!((60..70).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_from_a_whole_list_is_gone() {
        let (watching, _) = watching(widget(10, ""), &[]).await;
        let kind = Kind::new("x.io/v1", "Widget");
        let identity = Object::new(widget(1, "")).expect("an object").identity();
        let long = Duration::from_mins(1);
        let other = watching.gone(&kind, &identity, "another", long, std::future::pending()).await;
        assert_eq!(other, Waited::Ready { note: None });
        let same = watching.gone(&kind, &identity, "u", long, std::future::pending()).await;
        assert!(matches!(same, Waited::TimedOut { .. }));
    }
}

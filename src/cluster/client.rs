//! One connection to one cluster: sends requests, tries again where that is safe, counts.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request};
use kube::client::Body;
use tokio::sync::{OnceCell, Semaphore};

use super::credentials::CredentialsError;
use super::error::Silence;
use super::{ClusterError, Settings};
use crate::model::{ClusterIdentity, GroupKind, Kind, ServedKind};

/// The cluster, as far as rayform deals with it. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Inner>);

struct Inner {
    client: kube::Client,
    server: String,
    context: Option<String>,
    settings: Settings,
    gate: Semaphore,
    requests: AtomicU64,
    has_answered: AtomicBool,
    kinds: Mutex<Kinds>,
    introduction: OnceCell<(ClusterIdentity, Kinds)>,
}

/// What the server serves, by group and kind.
type Kinds = BTreeMap<GroupKind, ServedKind>;

/// A request. Each one that rayform sends may be sent again: reads, applies, guarded patches and deletes.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub accept: &'static str,
    /// The type and the bytes of the body.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// The request in words, for messages.
    pub what: String,
    /// Whether the answer to a refusal may repeat secrets.
    pub secret: bool,
}

/// An answer of the server that grants the request.
#[derive(Debug)]
pub(super) struct Reply {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// How often the request was sent.
    pub attempts: u32,
}

/// Accepts any object.
pub(super) const JSON: &str = "application/json";

/// The pauses between attempts where the server cannot be reached: under four seconds in all.
const UNREACHABLE_PAUSES: [u64; 4] = [250, 500, 1000, 2000];

/// The pauses after those, in milliseconds, where the server has answered before: it may be starting again.
const RESTART_PAUSES: [u64; 4] = [4000, 5000, 5000, 5000];

/// How often a busy server is asked again.
const BUSY_ATTEMPTS: u32 = 8;

/// The longest pause that a `Retry-After` header is granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Cluster {
    /// Wraps a client; called by `connect` alone.
    pub(super) fn new(client: kube::Client, server: String, context: Option<String>, settings: Settings) -> Self {
        let gate = Semaphore::new(settings.parallelism.max(1));
        let (requests, has_answered) = (AtomicU64::new(0), AtomicBool::new(false));
        let kinds = Mutex::default();
        let introduction = OnceCell::new();
        Self(Arc::new(Inner { client, server, context, settings, gate, requests, has_answered, kinds, introduction }))
    }

    /// Returns the URL of the API server, or `sandbox`.
    pub(crate) fn server(&self) -> &str {
        &self.0.server
    }

    /// Returns the name of the kubeconfig context, where there is one.
    pub(crate) fn context(&self) -> Option<&str> {
        self.0.context.as_deref()
    }

    /// Returns the namespace of the context, or `default`.
    pub(crate) fn default_namespace(&self) -> &str {
        self.0.client.default_namespace()
    }

    /// Returns how many requests were sent so far, repeated ones included.
    pub(crate) fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Returns which cluster it is and what it serves. It is asked once; who comes meanwhile waits for the answer.
    pub(crate) async fn introduction(&self) -> Result<(ClusterIdentity, Kinds), ClusterError> {
        let ask = || async { futures::future::try_join(self.identity(), self.discover()).await };
        self.0.introduction.get_or_try_init(ask).await.cloned()
    }

    pub(super) fn client(&self) -> &kube::Client {
        &self.0.client
    }

    /// Counts a request that does not go through [`Cluster::send`].
    pub(super) fn count(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what is known of a kind.
    pub(crate) fn served(&self, kind: &Kind) -> Option<ServedKind> {
        let kinds = self.0.kinds.lock().expect("no holder of this lock panics");
        kinds.get(&kind.group_kind()).cloned()
    }

    /// Returns the kinds of a group.
    pub(super) fn served_of(&self, group: &str) -> Vec<ServedKind> {
        let kinds = self.0.kinds.lock().expect("no holder of this lock panics");
        kinds.values().filter(|served| &*served.kind.group == group).cloned().collect()
    }

    /// Remembers kinds that the server serves, such as those of a definition that was just applied.
    pub(crate) fn learn(&self, served: impl IntoIterator<Item = ServedKind>) {
        let mut kinds = self.0.kinds.lock().expect("no holder of this lock panics");
        for kind in served {
            kinds.insert(kind.kind.group_kind(), kind);
        }
    }

    /// Sends a request, again where the server is busy or out of reach, and reads the whole answer.
    pub(super) async fn send(&self, call: Call) -> Result<Reply, ClusterError> {
        let _permit = self.0.gate.acquire().await.expect("the gate is never closed");
        let mut attempts = 0;
        loop {
            attempts += 1;
            let answer = tokio::time::timeout(self.0.settings.timeout, self.exchange(&call)).await;
            let pause = match answer {
                Err(_) => {
                    let seconds = self.0.settings.timeout.as_secs();
                    return Err(ClusterError::Timeout { what: call.what, seconds });
                }
                Ok(Err(source)) => match self.restart_pause(attempts).filter(|_| is_passing(&source)) {
                    Some(pause) => pause,
                    None => return Err(self.unreachable(source)),
                },
                Ok(Ok((code, headers, body))) if code < 400 => {
                    match unreachable_pause(attempts).filter(|_| is_cut_off(&body)) {
                        Some(pause) => pause,
                        None => return Ok(Reply { code, headers, body, attempts }),
                    }
                }
                Ok(Ok((code, headers, body))) => match busy_pause(&call, code, &headers, &body, attempts) {
                    Some(pause) => pause,
                    None => return Err(ClusterError::from_answer(code, &body, &call.what, call.secret)),
                },
            };
            tracing::debug!(what = call.what, attempts, ?pause, "asking again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn exchange(&self, call: &Call) -> Result<(u16, HeaderMap, Vec<u8>), kube::Error> {
        self.count();
        let mut request = Request::builder().method(call.method.clone()).uri(&call.path).header(ACCEPT, call.accept);
        let mut body = Body::empty();
        if let Some((content_type, bytes)) = &call.body {
            request = request.header(CONTENT_TYPE, *content_type);
            body = Body::from(bytes.clone());
        }
        let request = request.body(body).map_err(kube::Error::HttpError)?;
        let start = tokio::time::Instant::now();
        let answer = self.0.client.send(request).await?;
        let (code, elapsed) = (answer.status().as_u16(), start.elapsed());
        tracing::debug!(method = %call.method, path = call.path, code, ?elapsed, "the server answers");
        self.0.has_answered.store(true, Ordering::Relaxed);
        let (parts, body) = answer.into_parts();
        let bytes = body.collect_bytes().await?;
        Ok((parts.status.as_u16(), parts.headers, Vec::from(bytes)))
    }

    /// Returns how long to wait for a server that is out of reach: longer for one that was there a moment ago.
    fn restart_pause(&self, attempts: u32) -> Option<Duration> {
        let later = || {
            let index = usize::try_from(attempts).ok()?.checked_sub(UNREACHABLE_PAUSES.len() + 1)?;
            let has_answered = self.0.has_answered.load(Ordering::Relaxed);
            RESTART_PAUSES.get(index).filter(|_| has_answered).copied().map(Duration::from_millis)
        };
        unreachable_pause(attempts).or_else(later)
    }

    pub(super) fn unreachable(&self, source: kube::Error) -> ClusterError {
        let server = self.0.server.clone();
        match CredentialsError::of_request(source) {
            Ok(source) => ClusterError::Credentials { server, source: Box::new(source) },
            Err(source) => ClusterError::Unreachable { server, source: Silence::new(&source) },
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({})", self.0.server)
    }
}

/// Tells whether an error is one of the way to the server, which may be better at once.
fn is_passing(error: &kube::Error) -> bool {
    let is_of_the_way =
        matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_));
    is_of_the_way && !Silence::new(error).is_lasting()
}

/// Returns how long to wait for a server that is out of reach, or nothing when it is time to give up.
fn unreachable_pause(attempts: u32) -> Option<Duration> {
    let index = usize::try_from(attempts).ok()?.checked_sub(1)?;
    UNREACHABLE_PAUSES.get(index).copied().map(Duration::from_millis)
}

/// Tells whether an answer ends before its end: all that we ask for are JSON objects.
fn is_cut_off(body: &[u8]) -> bool {
    body.trim_ascii_end().last() != Some(&b'}')
}

/// Returns how long a busy server wants to be left alone, or nothing where asking again is no use.
///
/// A 500 to a write counts only where the server's storage failed: the server answers so to objects that do not fit
/// their schema, too (<https://github.com/kubernetes/kubernetes/issues/122480>).
fn busy_pause(call: &Call, code: u16, headers: &HeaderMap, body: &[u8], attempts: u32) -> Option<Duration> {
    let is_busy = match code {
        429 | 502 | 503 | 504 => true,
        500 => call.method == Method::GET || is_of_the_storage(body),
        _ => false,
    };
    if !is_busy || attempts >= BUSY_ATTEMPTS {
        return None;
    }
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match asked.map(Duration::from_secs) {
        Some(pause) => Some(pause.min(LONGEST_PAUSE)),
        None => unreachable_pause(attempts),
    }
}

/// Tells whether a server says that its storage failed, as it does while etcd chooses a leader.
fn is_of_the_storage(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("etcdserver:")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use axum::Router;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;

    use super::*;
    use crate::cluster::{Target, connect};

    fn call() -> Call {
        Call {
            method: Method::GET,
            path: "/api".to_owned(),
            accept: JSON,
            body: None,
            what: "ask".to_owned(),
            secret: false,
        }
    }

    /// A server that refuses some requests before it answers.
    async fn cluster(refusals: u32, code: StatusCode, after: &'static str) -> Cluster {
        cluster_with(refusals, code, after, "busy").await
    }

    async fn cluster_with(refusals: u32, code: StatusCode, after: &'static str, text: &'static str) -> Cluster {
        let left = Arc::new(AtomicU32::new(refusals));
        let handler = move || {
            let refused = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
            async move {
                if refused { (code, [("retry-after", after)], text).into_response() } else { "{}".into_response() }
            }
        };
        let router = Router::new().fallback(handler);
        connect(Target::Service(router), Settings::default()).await.expect("a client")
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_left_alone_as_long_as_it_asks() {
        let cluster = cluster(2, StatusCode::TOO_MANY_REQUESTS, "7").await;
        let start = tokio::time::Instant::now();
        let reply = cluster.send(call()).await.expect("the third attempt is granted");
        assert_eq!((reply.attempts, start.elapsed().as_secs(), cluster.requests()), (3, 14, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_not_asked_forever() {
        let cluster = cluster(100, StatusCode::SERVICE_UNAVAILABLE, "1").await;
        let error = cluster.send(call()).await.expect_err("it never recovers");
        assert_eq!((error.refusal().map(|refusal| refusal.code), cluster.requests()), (Some(503), 8));
    }

    #[tokio::test(start_paused = true)]
    async fn an_inner_error_is_asked_again_unless_it_may_be_of_the_schema() {
        let patch = Call { method: Method::PATCH, ..call() };
        let failing = cluster(1, StatusCode::INTERNAL_SERVER_ERROR, "1").await;
        failing.send(patch).await.expect_err("500 is an answer to a write");
        assert_eq!(failing.requests(), 1);
        let failing = cluster(1, StatusCode::INTERNAL_SERVER_ERROR, "1").await;
        failing.send(call()).await.expect("the second attempt is granted");
        let patch = Call { method: Method::PATCH, ..call() };
        let storage = b"{\"message\": \"etcdserver: leader changed\"}";
        assert!(busy_pause(&patch, 500, &HeaderMap::new(), storage, 1).is_some());
        assert!(busy_pause(&patch, 500, &HeaderMap::new(), b"{\"message\": \".spec.x: not declared\"}", 1).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_cut_off_is_asked_for_again() {
        let cluster = cluster_with(1, StatusCode::OK, "0", "{\"items\": [").await;
        let reply = cluster.send(call()).await.expect("the second answer is whole");
        assert_eq!((reply.attempts, reply.body), (2, b"{}".to_vec()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_is_a_timeout() {
        let router = Router::new().fallback(|| async { std::future::pending::<()>().await });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let error = cluster.send(call()).await.expect_err("there is no answer");
        assert_eq!(error.to_string(), "ask: no answer within 60 s");
    }

    #[tokio::test]
    async fn a_server_that_was_there_is_waited_for_longer() {
        let cluster = cluster(0, StatusCode::OK, "0").await;
        let patience = |cluster: &Cluster| {
            (1..).map_while(|attempts| cluster.restart_pause(attempts)).sum::<Duration>().as_millis()
        };
        assert_eq!(patience(&cluster), 3750);
        cluster.send(call()).await.expect("an answer");
        assert_eq!(patience(&cluster), 22_750);
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config");
        // Port 1 on loopback refuses at once.
        let text = "{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: c, user: u}}], \
                    clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {}}]}";
        std::fs::write(&file, text).expect("a file");
        let target = Target::Kubeconfig { files: vec![file], context: None };
        let cluster = connect(target, Settings::default()).await.expect("a client");
        tokio::time::pause();
        let error = cluster.send(call()).await.expect_err("nothing listens");
        assert_eq!((error.to_string().as_str(), cluster.requests()), ("http://127.0.0.1:1 cannot be reached", 5));
    }
}

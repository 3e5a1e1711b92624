//! Reads and writes objects: list, get, apply, delete, patch.
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Call, JSON, Reply};
use super::{Cluster, ClusterError};
use crate::model::{FIELD_MANAGER, Identity, Json, Kind, Object, Scope};

/// Objects on one page; the server works through large kinds in pieces.
const PAGE: usize = 500;

/// Asks for names, labels and owners only.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// How an object is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Apply {
    /// Fields of other managers are taken.
    pub force: bool,
    /// Nothing is written.
    pub dry_run: bool,
}

/// What the server made of an apply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub object: Object,
    /// The object did not exist.
    pub created: bool,
    /// The request may have been granted once already: its first answer was lost.
    pub repeated: bool,
    /// Texts of `Warning` headers.
    pub warnings: Vec<String>,
}

/// What came of a request to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// There was no such object.
    Absent,
    /// It is gone.
    Gone,
    /// It goes when its finalizers, its pods or its grace period let it.
    Pending,
}

/// What becomes of an object's dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    /// The object stays until they are gone.
    Foreground,
    Orphan,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default)]
    items: Option<Vec<Json>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMetadata {
    r#continue: String,
    resource_version: String,
}

impl Cluster {
    /// Lists everything of one kind in one namespace, or in the cluster.
    pub(crate) async fn list(&self, scope: &Scope) -> Result<Vec<Object>, ClusterError> {
        Ok(self.list_pages(scope, "", JSON).await?.0)
    }

    /// Lists what bears certain labels, such as `app.kubernetes.io/managed-by=rayform`.
    pub(crate) async fn list_labelled(&self, scope: &Scope, labels: &str) -> Result<Vec<Object>, ClusterError> {
        Ok(self.list_pages(scope, &format!("&labelSelector={}", escape(labels)), JSON).await?.0)
    }

    /// Lists the metadata alone of everything in a scope.
    pub(crate) async fn list_metadata(&self, scope: &Scope) -> Result<Vec<Object>, ClusterError> {
        Ok(self.list_pages(scope, "", METADATA).await?.0)
    }

    /// Lists a scope, and says at which resourceVersion a watch goes on from there.
    pub(super) async fn list_for_watch(&self, scope: &Scope) -> Result<(Vec<Object>, String), ClusterError> {
        self.list_pages(scope, "", JSON).await
    }

    async fn list_pages(
        &self,
        scope: &Scope,
        query: &str,
        accept: &'static str,
    ) -> Result<(Vec<Object>, String), ClusterError> {
        let what = match &scope.namespace {
            Some(namespace) => format!("list {} in `{namespace}`", scope.kind),
            None => format!("list {}", scope.kind),
        };
        let base = self.collection(&scope.kind, scope.namespace.as_deref())?;
        let (mut found, mut token, mut restarts) = (Vec::new(), String::new(), 0);
        loop {
            let next = if token.is_empty() { String::new() } else { format!("&continue={}", escape(&token)) };
            let path = format!("{base}?limit={PAGE}{query}{next}");
            let call = Call {
                method: Method::GET,
                path,
                accept,
                body: None,
                what: what.clone(),
                secret: is_secret(&scope.kind),
            };
            let reply = match self.send(call).await {
                // The token expired between two pages: begin again, but not for ever.
                Err(ClusterError::Gone(_)) if !token.is_empty() && restarts < 3 => {
                    (found, token, restarts) = (Vec::new(), String::new(), restarts + 1);
                    continue;
                }
                answer => answer?,
            };
            let page: Page = serde_json::from_slice(&reply.body)
                .map_err(|source| ClusterError::Unreadable { what: what.clone(), source })?;
            let items = page.items.unwrap_or_default();
            found.extend(items.into_iter().filter_map(|item| typed(item, &scope.kind)));
            token = page.metadata.r#continue;
            if token.is_empty() {
                return Ok((found, page.metadata.resource_version));
            }
        }
    }

    /// Reads one object; `None` where it does not exist.
    pub(crate) async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Object>, ClusterError> {
        let what = format!("read {}", named(kind, namespace, name));
        let path = self.object_path(kind, namespace, name)?;
        let call = Call { method: Method::GET, path, accept: JSON, body: None, what, secret: is_secret(kind) };
        match self.send(call).await {
            Ok(reply) => read(&reply, kind).map(Some),
            Err(ClusterError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Applies an object as `rayform`, strictly validated.
    ///
    /// A `resourceVersion` or `uid` in the object's metadata binds the request to that very object.
    pub(crate) async fn apply(&self, object: &Object, apply: Apply) -> Result<Outcome, ClusterError> {
        let kind = object.kind();
        let what = format!("apply {}", named(&kind, object.namespace(), object.name()));
        let path = self.object_path(&kind, object.namespace(), object.name())?;
        let dry_run = if apply.dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict&force={}{dry_run}", apply.force);
        let body = serde_json::to_vec(object.json()).expect("a JSON value can always be written");
        let body = Some(("application/apply-patch+yaml", body));
        let call = Call { method: Method::PATCH, path, accept: JSON, body, what, secret: is_secret(&kind) };
        let is_bound = object.resource_version().is_some();
        let mut pauses = [50, 200, 500, 1000].map(Duration::from_millis).into_iter();
        loop {
            match self.send(call.clone()).await {
                Err(error) if !is_bound && is_race(&error) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
                answer => return outcome(&answer?, &kind),
            }
        }
    }

    /// Asks what would come of creating such an object in a namespace. Nothing is written.
    pub(crate) async fn try_create(&self, object: &Object, namespace: &str) -> Result<Outcome, ClusterError> {
        let kind = object.kind();
        let what = format!("try {}", named(&kind, object.namespace(), object.name()));
        let base = self.collection(&kind, Some(namespace))?;
        let path = format!("{base}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict&dryRun=All");
        let mut json = object.json().clone();
        json["metadata"]["namespace"] = namespace.into();
        let body = Some((JSON, json.to_string().into_bytes()));
        let call = Call { method: Method::POST, path, accept: JSON, body, what, secret: is_secret(&kind) };
        outcome(&self.send(call).await?, &kind)
    }

    /// Changes an object by a JSON patch (RFC 6902).
    ///
    /// The patch must test or replace `/metadata/resourceVersion`, so that it can be sent twice.
    pub(crate) async fn patch(&self, object: &Identity, kind: &Kind, patch: &Json) -> Result<Object, ClusterError> {
        let namespace = object.namespace.as_deref();
        let what = format!("patch {}", named(kind, namespace, &object.name));
        let place = self.object_path(kind, namespace, &object.name)?;
        let query = format!("fieldManager={FIELD_MANAGER}&fieldValidation=Strict");
        let body = Some(("application/json-patch+json", patch.to_string().into_bytes()));
        let call = Call {
            method: Method::PATCH,
            path: format!("{place}?{query}"),
            accept: JSON,
            body,
            what,
            secret: is_secret(kind),
        };
        read(&self.send(call).await?, kind)
    }

    /// Asks that an object be deleted, if it is still the one with this uid.
    pub(crate) async fn delete(
        &self,
        kind: &Kind,
        object: &Identity,
        uid: &str,
        resource_version: Option<&str>,
        propagation: Propagation,
    ) -> Result<Deletion, ClusterError> {
        let namespace = object.namespace.as_deref();
        let what = format!("delete {}", named(kind, namespace, &object.name));
        let path = self.object_path(kind, namespace, &object.name)?;
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": { "uid": uid },
            "propagationPolicy": format!("{propagation:?}"),
        });
        if let Some(resource_version) = resource_version {
            options["preconditions"]["resourceVersion"] = resource_version.into();
        }
        let body = Some((JSON, options.to_string().into_bytes()));
        let call = Call { method: Method::DELETE, path, accept: JSON, body, what, secret: is_secret(kind) };
        match self.send(call).await {
            Ok(reply) => Ok(deletion(&reply.body)),
            Err(ClusterError::NotFound(_)) => Ok(Deletion::Absent),
            Err(error) => Err(error),
        }
    }

    /// Returns the path of all objects of a kind.
    pub(super) fn collection(&self, kind: &Kind, namespace: Option<&str>) -> Result<String, ClusterError> {
        let not_served = || ClusterError::NotServed { api_version: kind.api_version(), kind: kind.kind.to_string() };
        let served = self.served(kind).ok_or_else(not_served)?;
        let root = if kind.group.is_empty() { "api" } else { "apis" };
        let api_version = kind.api_version();
        Ok(match namespace.filter(|_| served.namespaced) {
            Some(namespace) => format!("/{root}/{api_version}/namespaces/{}/{}", escape(namespace), served.plural),
            None => format!("/{root}/{api_version}/{}", served.plural),
        })
    }

    fn object_path(&self, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<String, ClusterError> {
        Ok(format!("{}/{}", self.collection(kind, namespace)?, escape(name)))
    }
}

/// Tells whether the server fell over others' writes: to the object, or to a quota that counts it.
fn is_race(error: &ClusterError) -> bool {
    let ClusterError::Stale(refusal) = error else { return false };
    refusal.message.contains("the object has been modified")
}

/// Returns an object of a list with its kind, which the server leaves out there.
pub(super) fn typed(mut item: Json, kind: &Kind) -> Option<Object> {
    let fields = item.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), kind.api_version().into());
    fields.insert("kind".to_owned(), (&*kind.kind).into());
    Object::new(item).ok()
}

/// Tells whether objects of this kind hold secrets.
pub(super) fn is_secret(kind: &Kind) -> bool {
    kind.is("", "Secret")
}

/// Reads what came of a write.
fn outcome(reply: &Reply, kind: &Kind) -> Result<Outcome, ClusterError> {
    let warnings = reply.headers.get_all("warning").iter().filter_map(|value| warning(value.to_str().ok()?));
    Ok(Outcome {
        warnings: warnings.collect(),
        created: reply.code == 201,
        repeated: reply.attempts > 1,
        object: read(reply, kind)?,
    })
}

/// Reads the object that a reply holds.
fn read(reply: &Reply, kind: &Kind) -> Result<Object, ClusterError> {
    let unreadable = |source| ClusterError::Unreadable { what: format!("read {kind}"), source };
    let json: Json = serde_json::from_slice(&reply.body).map_err(unreadable)?;
    typed(json, kind).ok_or_else(|| unreadable(serde::de::Error::custom("the answer is no object")))
}

/// Reads the answer to a delete: a `Status` where the object is gone, the object itself where it stays for now.
fn deletion(body: &[u8]) -> Deletion {
    #[derive(Deserialize)]
    struct Answer {
        kind: String,
    }
    match serde_json::from_slice::<Answer>(body) {
        Ok(answer) if answer.kind == "Status" => Deletion::Gone,
        _ => Deletion::Pending,
    }
}

fn named(kind: &Kind, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{} {namespace}/{name}", kind.kind),
        None => format!("{} {name}", kind.kind),
    }
}

/// Returns the text of a `Warning` header: `299 - "text"`.
fn warning(header: &str) -> Option<String> {
    let (_, quoted) = header.split_once('"')?;
    let text = quoted.rsplit_once('"').map_or(quoted, |(text, _)| text);
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Escapes a text for a path or a query.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    escaped
}

/// Returns the digit of four bits.
fn hex(bits: u8) -> char {
    char::from_digit(u32::from(bits), 16).expect("four bits are one digit").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Response};

    use super::*;
    use crate::cluster::{Settings, Target, connect};
    use crate::model::ServedKind;

    /// A cluster that serves config maps and Secrets, answers by the function, and writes down the requests.
    async fn cluster(answer: fn(&str) -> Response) -> (Cluster, Arc<Mutex<Vec<String>>>) {
        let log = Arc::new(Mutex::new(Vec::new()));
        let writer = log.clone();
        let router = Router::new().fallback(move |request: Request| {
            let target = request.uri().to_string();
            writer.lock().expect("a lock").push(format!("{} {target}", request.method()));
            async move { answer(&target) }
        });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let served = |kind: &str, plural: &str| ServedKind {
            kind: Kind::new("v1", kind),
            versions: vec!["v1".into()],
            plural: plural.to_owned(),
            namespaced: true,
        };
        cluster.learn([served("ConfigMap", "configmaps"), served("Secret", "secrets")]);
        (cluster, log)
    }

    fn item(name: &str) -> Json {
        json!({ "metadata": { "name": name, "namespace": "a" } })
    }

    fn scope() -> Scope {
        Scope { kind: Kind::new("v1", "ConfigMap"), namespace: Some("a".into()) }
    }

    fn page(name: &str, token: &str) -> Response {
        json!({ "metadata": { "continue": token }, "items": [item(name)] }).to_string().into_response()
    }

    #[tokio::test]
    async fn a_list_is_read_page_by_page_and_gets_its_kind() {
        let (cluster, log) =
            cluster(|target| if target.contains("continue=b%2F") { page("two", "") } else { page("one", "b/") }).await;
        let names: Vec<_> =
            cluster.list(&scope()).await.expect("a list").iter().map(|object| object.identity().to_string()).collect();
        assert_eq!(names, ["v1 ConfigMap a/one", "v1 ConfigMap a/two"].map(|name| name.replace("v1 ", "")));
        assert_eq!(log.lock().expect("a lock").len(), 2);
    }

    #[tokio::test]
    async fn an_expired_page_token_begins_again_a_few_times() {
        let (cluster, log) =
            cluster(
                |target| {
                    if target.contains("continue=") { StatusCode::GONE.into_response() } else { page("one", "b") }
                },
            )
            .await;
        assert!(matches!(cluster.list(&scope()).await, Err(ClusterError::Gone(_))));
        assert_eq!(log.lock().expect("a lock").len(), 8);
    }

    #[tokio::test]
    async fn an_apply_is_strict_and_by_our_manager() {
        let (cluster, log) = cluster(|_| {
            (StatusCode::CREATED, [("warning", r#"299 - "do not \"do\" that""#)], item("one").to_string())
                .into_response()
        })
        .await;
        let object = typed(item("one"), &scope().kind).expect("an object");
        let outcome = cluster.apply(&object, Apply { force: true, dry_run: true }).await.expect("an outcome");
        assert!(outcome.created && !outcome.repeated);
        assert_eq!(outcome.warnings, [r#"do not "do" that"#]);
        let path = "/api/v1/namespaces/a/configmaps/one";
        let query = "fieldManager=rayform&fieldValidation=Strict&force=true&dryRun=All";
        assert_eq!(*log.lock().expect("a lock"), [format!("PATCH {path}?{query}")]);
    }

    #[tokio::test]
    async fn what_does_not_exist_is_no_error() {
        let (cluster, _) = cluster(|_| StatusCode::NOT_FOUND.into_response()).await;
        let kind = scope().kind;
        assert_eq!(cluster.get(&kind, Some("a"), "b").await.expect("an answer"), None);
        let identity = typed(item("b"), &kind).expect("an object").identity();
        let deletion = cluster.delete(&kind, &identity, "u", None, Propagation::Background).await;
        assert_eq!(deletion.expect("an answer"), Deletion::Absent);
    }

    #[tokio::test]
    async fn a_kind_that_is_not_served_is_said_without_asking() {
        let (cluster, log) = cluster(|_| page("one", "")).await;
        let scope = Scope { kind: Kind::new("ray.io/v1", "RayJob"), namespace: None };
        let error = cluster.list(&scope).await.expect_err("it is not served");
        assert_eq!(error.to_string(), "the server does not serve the kind `RayJob` of `ray.io/v1`");
        assert!(log.lock().expect("a lock").is_empty());
    }

    #[tokio::test]
    async fn a_refused_secret_is_not_repeated() {
        let (cluster, _) = cluster(|_| {
            let status = json!({ "reason": "Invalid", "message": "hunter22" }).to_string();
            (StatusCode::UNPROCESSABLE_ENTITY, status).into_response()
        })
        .await;
        let secret = typed(item("one"), &Kind::new("v1", "Secret")).expect("an object");
        let error = cluster.apply(&secret, Apply::default()).await.expect_err("it is invalid");
        assert_eq!(error.to_string(), "apply Secret a/one: Invalid: the server's words are hidden: it is a Secret");
    }
}

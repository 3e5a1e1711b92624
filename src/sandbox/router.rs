//! Takes requests apart, strikes them with the faults that were asked for, and hands them to the verbs.
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::response::Response;
use futures::{StreamExt, stream};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};

use serde_json::json;

use super::clock::later;
use super::faults::Effect;
use super::kinds::KindInfo;
use super::request::{Parameters, Target};
use super::server::Sandbox;
use super::status::Status;
use super::world::World;
use super::write::Written;
use super::{delete, discovery, get_list, openapi, patch, scale, watch, write};
use crate::model::Json;

/// The greatest body that is read, in bytes, as on a real server.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// A request with everything that a verb needs.
pub(super) struct Call<'a> {
    pub info: &'a KindInfo,
    pub target: &'a Target,
    pub parameters: &'a Parameters,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// Returns the whole API.
pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new().fallback(answer).with_state(sandbox)
}

async fn answer(State(sandbox): State<Sandbox>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let effect = sandbox.lock().faults.strike(&parts.method, parts.uri.path(), query);
    match &effect {
        Some(Effect::Status { code, retry_after }) => return Status::scripted(*code, *retry_after).into_response(),
        Some(Effect::Latency { milliseconds }) => wait(&sandbox, Duration::from_millis(*milliseconds)).await,
        Some(Effect::Reset { carried_out: false }) => return broken(),
        _ => {}
    }
    let response = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => respond(&sandbox, &parts, &body, effect.as_ref()),
        Err(_) => Status::too_large().into_response(),
    };
    sandbox.drive();
    match effect {
        Some(Effect::Reset { .. }) => broken(),
        Some(Effect::Truncate { bytes }) => truncate(response, bytes),
        _ => response,
    }
}

fn respond(sandbox: &Sandbox, parts: &Parts, body: &Bytes, effect: Option<&Effect>) -> Response {
    let result = match discovery_answer(sandbox, parts) {
        Some(response) => return response,
        None => object_answer(sandbox, parts, body, effect),
    };
    result.unwrap_or_else(Status::into_response)
}

/// Answers what is no request for objects.
fn discovery_answer(sandbox: &Sandbox, parts: &Parts) -> Option<Response> {
    let path = parts.uri.path().trim_end_matches('/');
    let is_known = discovery::is_path(path) || openapi::is_path(path);
    if is_known && parts.method != Method::GET {
        return Some(Status::method_not_allowed().into_response());
    }
    let world = sandbox.lock();
    discovery::answer(&world, path, &parts.headers).or_else(|| openapi::answer(&world, path))
}

fn object_answer(sandbox: &Sandbox, parts: &Parts, body: &[u8], effect: Option<&Effect>) -> Result<Response, Status> {
    if let Some(response) = review(parts) {
        return Ok(response);
    }
    let target = Target::parse(parts.uri.path()).ok_or_else(Status::no_such_path)?;
    let parameters = Parameters::parse(&parts.uri)?;
    let info = sandbox.lock().kinds.find(&target.group, &target.version, &target.plural);
    let info = info.ok_or_else(Status::no_such_path)?;
    let is_collection_of_all = target.namespace.is_none() && target.name.is_none();
    if info.namespaced != target.namespace.is_some() && !is_collection_of_all {
        return Err(Status::no_such_path());
    }
    let call = Call { info: &info, target: &target, parameters: &parameters, headers: &parts.headers, body };
    let response = dispatch(sandbox, &parts.method, &call, effect)?;
    if parts.method != Method::GET {
        sandbox.tick();
    }
    Ok(response)
}

/// Says that the caller may do what it asks about: a sandbox knows no users and forbids nobody anything.
fn review(parts: &Parts) -> Option<Response> {
    const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let is_review = parts.method == Method::POST && parts.uri.path() == PATH;
    let body = || {
        json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
               "status": {"allowed": true, "reason": "a sandbox forbids nobody anything"}})
    };
    is_review.then(|| json_response(StatusCode::CREATED, &body()))
}

fn dispatch(sandbox: &Sandbox, method: &Method, call: &Call<'_>, effect: Option<&Effect>) -> Result<Response, Status> {
    if let Some(subresource) = &call.target.subresource {
        return subresource_answer(sandbox, method, call, subresource);
    }
    match (method.as_str(), call.target.name.is_some()) {
        ("GET", _) if call.parameters.is_true("watch") => watch::watch(sandbox, call, effect),
        ("GET", true) => get_list::get(&sandbox.lock(), call),
        ("GET", false) => get_list::list(&mut sandbox.lock(), call, effect),
        ("POST", false) => {
            let mut world = sandbox.lock();
            write::post(&mut world, call).map(|written| written_answer(&world, call, &written))
        }
        ("PUT", true) => {
            let mut world = sandbox.lock();
            write::put(&mut world, call, None).map(|written| written_answer(&world, call, &written))
        }
        ("PATCH", true) => {
            let mut world = sandbox.lock();
            patch::patch(&mut world, call, None).map(|written| written_answer(&world, call, &written))
        }
        ("DELETE", true) => delete::delete(&mut sandbox.lock(), call),
        ("DELETE", false) => delete::delete_collection(&mut sandbox.lock(), call),
        _ => Err(Status::method_not_allowed()),
    }
}

fn subresource_answer(
    sandbox: &Sandbox,
    method: &Method,
    call: &Call<'_>,
    subresource: &str,
) -> Result<Response, Status> {
    let mut world = sandbox.lock();
    match (subresource, method.as_str()) {
        ("status", "GET") if call.info.has_status => get_list::get(&world, call),
        ("status", "PUT") if call.info.has_status => {
            write::put(&mut world, call, Some("status")).map(|written| written_answer(&world, call, &written))
        }
        ("status", "PATCH") if call.info.has_status => {
            patch::patch(&mut world, call, Some("status")).map(|written| written_answer(&world, call, &written))
        }
        ("finalize", "PUT") if call.info.is("Namespace") => {
            delete::finalize_namespace(&mut world, call).map(|written| written_answer(&world, call, &written))
        }
        ("scale", _) if call.info.has_scale => scale::answer(&mut world, method, call),
        (
            "exec"
            | "attach"
            | "portforward"
            | "log"
            | "proxy"
            | "eviction"
            | "binding"
            | "token"
            | "resize"
            | "ephemeralcontainers",
            _,
        ) => Err(Status::not_implemented(format!(
            "the sandbox has no `{subresource}`: its pods are simulated, no container runs"
        ))),
        _ => Err(Status::no_such_path()),
    }
}

/// Returns the answer to a write, with its warnings.
fn written_answer(world: &World, call: &Call<'_>, written: &Written) -> Response {
    let code = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = get_list::object_response(world, call, code, &written.object);
    for warning in &written.warnings {
        let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// Returns JSON as an answer.
pub(super) fn json_response(code: StatusCode, body: &Json) -> Response {
    typed_response(code, "application/json", body.to_string())
}

/// Returns a body of a media type as an answer.
pub(super) fn typed_response(code: StatusCode, media_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Says that a connection broke off.
fn broken() -> Response {
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(reset())])))
}

fn reset() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection reset by a scripted fault")
}

fn truncate(response: Response, bytes: usize) -> Response {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    // As it comes, for a watch is not whole before it ends.
    let part = stream::unfold((body.into_data_stream(), bytes), |(mut rest, left)| async move {
        let chunk = if left > 0 { rest.next().await?.ok()? } else { return None };
        let part = chunk.slice(..chunk.len().min(left));
        let left = left - part.len();
        Some((Ok::<_, std::io::Error>(part), (rest, left)))
    });
    Response::from_parts(parts, Body::from_stream(part))
}

/// Waits by the sandbox's clock.
async fn wait(sandbox: &Sandbox, delay: Duration) {
    let mut ticks = sandbox.subscribe();
    let (end, is_held) = {
        let world = sandbox.lock();
        (later(world.now(), delay), world.clock.is_held())
    };
    if !is_held {
        tokio::time::sleep(delay).await;
        return;
    }
    while sandbox.lock().now() < end && ticks.changed().await.is_ok() {}
}

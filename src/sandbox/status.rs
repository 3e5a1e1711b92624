//! The answers of a refusing API server: one `Status` object per refusal, with the texts that clients know.
//! Shapes: <https://github.com/kubernetes/apimachinery/blob/master/pkg/api/errors/errors.go>.
use std::collections::BTreeMap;

use axum::body::Body;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::kinds::KindInfo;
use crate::model::Json;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Status {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Json>,
    /// Seconds, for the header `Retry-After`.
    pub retry_after: Option<u64>,
}

/// One mistake in a field, as it appears in `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub reason: &'static str,
    pub field: String,
    pub message: String,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, retry_after: None }
    }

    fn with_details(mut self, details: Json) -> Self {
        self.details = Some(details);
        self
    }

    /// Returns a 404 for an object.
    pub(super) fn not_found(info: &KindInfo, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", info.qualified());
        Self::new(404, "NotFound", message).with_details(resource_details(info, name))
    }

    /// Returns a 404 for a path that no kind serves.
    pub(super) fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details(json!({}))
    }

    pub(super) fn already_exists(info: &KindInfo, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", info.qualified());
        Self::new(409, "AlreadyExists", message).with_details(resource_details(info, name))
    }

    /// Returns the 409 of a write that was based on an older version.
    pub(super) fn modified(info: &KindInfo, name: &str) -> Self {
        let text = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(info, name, text)
    }

    pub(super) fn conflict(info: &KindInfo, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", info.qualified());
        Self::new(409, "Conflict", message).with_details(resource_details(info, name))
    }

    /// Returns the 409 of an apply; each conflict is a manager's words and a field.
    pub(super) fn apply_conflicts(conflicts: &[(String, String)]) -> Self {
        let plural = if conflicts.len() == 1 { "" } else { "s" };
        let causes: Vec<Json> = conflicts
            .iter()
            .map(|(who, field)| json!({"reason": "FieldManagerConflict", "message": who, "field": field}))
            .collect();
        let message = format!("Apply failed with {} conflict{plural}: {}", conflicts.len(), conflict_text(conflicts));
        Self::new(409, "Conflict", message).with_details(json!({"causes": causes}))
    }

    /// Returns the 422 of an object with mistakes.
    pub(super) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let text = if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) };
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let causes: Vec<Json> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        let mut details = json!({"kind": kind, "causes": causes});
        add_text(&mut details, "group", group);
        add_text(&mut details, "name", name);
        Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {text}")).with_details(details)
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn forbidden(info: &KindInfo, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", info.qualified());
        Self::new(403, "Forbidden", message).with_details(resource_details(info, name))
    }

    /// Returns the 403 of a creation in a namespace that is being deleted.
    pub(super) fn terminating(info: &KindInfo, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut status = Self::forbidden(info, name, &why);
        if let Some(details) = &mut status.details {
            details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
        }
        status
    }

    /// Returns the 410 of a version that is not kept any more.
    pub(super) fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(super) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).with_details(json!({}))
    }

    pub(super) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// Returns the 501 of what a real server has and the sandbox has not.
    pub(super) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(501, "NotImplemented", message)
    }

    pub(super) fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "limit is 3145728")
    }

    /// Returns a 500 as the server gives it for objects that its schema does not allow: without a reason.
    pub(super) fn schema_error(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {}", message.into()))
    }

    /// Returns a version that does not exist yet.
    pub(super) fn too_large_version(asked: u64, current: u64) -> Self {
        let details = json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        });
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        Self { retry_after: Some(1), ..Self::new(504, "Timeout", message).with_details(details) }
    }

    /// Returns a made-up refusal with a code that a test asked for.
    pub(super) fn scripted(code: u16, retry_after: Option<u64>) -> Self {
        let (reason, message) = match code {
            400 => ("BadRequest", "the request was malformed (scripted)"),
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden (scripted)"),
            404 => ("NotFound", "not found (scripted)"),
            409 => ("Conflict", "the object has been modified (scripted)"),
            429 => ("TooManyRequests", "too many requests, please try again later (scripted)"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request (scripted)"),
            504 => ("Timeout", "the server was unable to return a response in the time allotted (scripted)"),
            _ => ("InternalError", "an internal error was scripted"),
        };
        let details = retry_after.map(|seconds| json!({"retryAfterSeconds": seconds}));
        Self { details, retry_after, ..Self::new(code, reason, message) }
    }

    /// Returns the object that goes into the body.
    pub(super) fn to_json(&self) -> Json {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        add_text(&mut body, "reason", self.reason);
        if let Some(details) = &self.details {
            body["details"] = details.clone();
        }
        body
    }

    pub(super) fn into_response(self) -> http::Response<Body> {
        let mut response = http::Response::new(Body::from(self.to_json().to_string()));
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl Cause {
    pub(super) fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(super) fn invalid(field: impl Into<String>, value: &Json, why: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {value}: {why}") }
    }

    pub(super) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {why}") }
    }

    pub(super) fn duplicate(field: impl Into<String>, value: &Json) -> Self {
        Self { reason: "FieldValueDuplicate", field: field.into(), message: format!("Duplicate value: {value}") }
    }

    pub(super) fn not_supported(field: impl Into<String>, value: &Json, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }

    pub(super) fn not_found(field: impl Into<String>, value: &Json) -> Self {
        Self { reason: "FieldValueNotFound", field: field.into(), message: format!("Not found: {value}") }
    }

    /// A value of the wrong type.
    pub(super) fn wrong_type(field: impl Into<String>, found: &str, why: &str) -> Self {
        let message = format!("Invalid value: \"{found}\": {why}");
        Self { reason: "FieldValueTypeInvalid", field: field.into(), message }
    }
}

fn resource_details(info: &KindInfo, name: &str) -> Json {
    let mut details = json!({"kind": info.plural});
    add_text(&mut details, "name", name);
    add_text(&mut details, "group", &info.group);
    details
}

fn add_text(object: &mut Json, field: &str, text: &str) {
    if !text.is_empty() {
        object[field] = Json::from(text);
    }
}

/// Words conflicts as the server does: one line for one, else a list by manager.
fn conflict_text(conflicts: &[(String, String)]) -> String {
    if let [(who, field)] = conflicts {
        return format!("{who}: {field}");
    }
    let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (who, field) in conflicts {
        let who = who.strip_prefix("conflict with ").unwrap_or(who);
        fields.entry(who).or_default().push(format!("\n- {field}"));
    }
    let texts: Vec<String> =
        fields.into_iter().map(|(who, fields)| format!("conflicts with {who}:{}", fields.concat())).collect();
    texts.join("\n")
}

//! What a request asks for: its path, its parameters, its body.
use axum::extract::Query;
use http::{HeaderMap, Uri, header};

use super::json::text;
use super::status::{Cause, Status};
use crate::model::Json;

/// The object, or the collection, that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub group: String,
    pub version: String,
    pub namespace: Option<String>,
    pub plural: String,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

/// The parameters after the question mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

/// What becomes of fields that the schema does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldValidation {
    Strict,
    Warn,
    Ignore,
}

/// How a write is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WriteOptions {
    pub manager: String,
    pub force: bool,
    pub dry_run: bool,
    pub validation: FieldValidation,
}

impl Target {
    /// Reads a path below `/api` or `/apis`.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut parts: Vec<String> = path.trim_matches('/').split('/').map(decode).collect();
        let group = match parts.first().map(String::as_str) {
            Some("api") => {
                parts.drain(..1);
                String::new()
            }
            Some("apis") if parts.len() > 2 => parts.drain(..2).next_back()?,
            _ => return None,
        };
        if parts.len() < 2 || parts.iter().any(String::is_empty) {
            return None;
        }
        let version = parts.remove(0);
        let namespaced = parts[0] == "namespaces" && parts.len() > 2 && !is_namespace_part(&group, &parts[2]);
        let namespace = namespaced.then(|| parts.drain(..2).next_back()).flatten();
        let mut parts = parts.into_iter();
        let plural = parts.next()?;
        let (name, subresource) = (parts.next(), parts.next());
        Some(Self { group, version, namespace, plural, name, subresource })
    }
}

/// Tells whether the part after a namespace's name is a subresource of the namespace itself.
fn is_namespace_part(group: &str, part: &str) -> bool {
    group.is_empty() && matches!(part, "status" | "finalize")
}

/// Decodes `%20` and the like; what is no UTF-8 is replaced.
fn decode(part: &str) -> String {
    let bytes = part.as_bytes();
    let (mut decoded, mut index) = (Vec::with_capacity(bytes.len()), 0);
    while index < bytes.len() {
        let hex = (bytes[index] == b'%').then(|| part.get(index + 1..index + 3)).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            index += 3;
        } else {
            decoded.push(bytes[index]);
            index += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

impl Parameters {
    pub(super) fn parse(uri: &Uri) -> Result<Self, Status> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
        pairs.map(|Query(pairs)| Self(pairs)).map_err(|error| Status::bad_request(error.to_string()))
    }

    /// Returns a parameter; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Tells whether a parameter is `true` or `1`.
    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1" | "True" | "TRUE" | "t" | "T"))
    }

    /// Returns a whole number; a text that is none is refused.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Status> {
        let parse = |text: &str| {
            let why = format!("strconv.ParseUint: parsing \"{text}\": invalid syntax");
            text.parse().map_err(|_| Status::bad_request(format!("{name}: Invalid value: \"{text}\": {why}")))
        };
        self.get(name).map(parse).transpose()
    }

    /// Tells whether nothing must be kept; any other value than `All` is refused.
    pub(super) fn dry_run(&self, options: &str) -> Result<bool, Status> {
        match self.get("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => {
                let cause = Cause::not_supported("dryRun", &Json::from(vec![other]), &["All"]);
                Err(Status::invalid("meta.k8s.io", options, "", &[cause]))
            }
        }
    }

    /// Returns how a write is done. The manager is the parameter, or the first word of the User-Agent.
    pub(super) fn write_options(&self, headers: &HeaderMap, options: &str) -> Result<WriteOptions, Status> {
        let validation = match self.get("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Strict") => FieldValidation::Strict,
            Some("Ignore") => FieldValidation::Ignore,
            Some(other) => {
                let supported = ["Ignore", "Strict", "Warn"];
                let cause = Cause::not_supported("fieldValidation", &Json::from(other), &supported);
                return Err(Status::invalid("meta.k8s.io", options, "", &[cause]));
            }
        };
        let manager = self.get("fieldManager").map_or_else(|| agent(headers), str::to_owned);
        if manager.len() > 128 {
            let cause = Cause::invalid("fieldManager", &Json::from(manager), "may not be more than 128 bytes");
            return Err(Status::invalid("meta.k8s.io", options, "", &[cause]));
        }
        Ok(WriteOptions { manager, force: self.is_true("force"), dry_run: self.dry_run(options)?, validation })
    }
}

/// Returns the program's name in the User-Agent.
fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = agent.split('/').next().unwrap_or_default();
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}

/// Returns the media type of a body, without its parameters.
pub(super) fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    value.split(';').next().unwrap_or_default().trim()
}

/// Tells whether the client asks for a table.
pub(super) fn wants_table(headers: &HeaderMap) -> bool {
    accept(headers).split(',').next().is_some_and(|first| first.contains("as=Table"))
}

/// Tells whether the client asks for metadata only.
pub(super) fn wants_metadata(headers: &HeaderMap) -> bool {
    accept(headers).split(',').next().is_some_and(|first| first.contains("as=PartialObjectMetadata"))
}

pub(super) fn accept(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Reads the body of a POST or PUT: JSON, YAML, or kubectl's protobuf for the few kinds that it creates that way.
pub(super) fn read_body(headers: &HeaderMap, body: &[u8], kind: &str) -> Result<Json, Status> {
    match content_type(headers) {
        "application/json" => serde_json::from_slice(body).map_err(|error| {
            let why = format!("couldn't get version/kind; json parse error: {error}");
            Status::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why}"))
        }),
        "application/yaml" | "application/x-yaml" => read_yaml(body),
        "application/vnd.kubernetes.protobuf" => super::protobuf::decode(body),
        _ => Err(Status::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: \
             application/json, application/yaml",
        )),
    }
}

/// Reads YAML, of which JSON is a part.
pub(super) fn read_yaml(body: &[u8]) -> Result<Json, Status> {
    let failed = |why: String| Status::bad_request(format!("error decoding YAML: {why}"));
    if let Ok(json) = serde_json::from_slice(body) {
        return Ok(json);
    }
    let text = std::str::from_utf8(body).map_err(|error| failed(error.to_string()))?;
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| failed(error.to_string()))
}

/// Checks that a body is an object of the kind that the path names.
pub(super) fn check_kind(body: &Json, api_version: &str, kind: &str) -> Result<(), Status> {
    let (found_version, found) = (text(body, "/apiVersion"), text(body, "/kind"));
    if (found_version == api_version || found_version.is_empty()) && (found == kind || found.is_empty()) {
        return Ok(());
    }
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let why = format!("the body is a {found} of {found_version}");
    Err(Status::bad_request(format!("{found} in version \"{version}\" cannot be handled as a {kind}: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: [&str; 6]) {
        let target = Target::parse(path).expect("a path of an object");
        let text = |part: Option<String>| part.unwrap_or_default();
        let found = [
            target.group,
            target.version,
            text(target.namespace),
            target.plural,
            text(target.name),
            text(target.subresource),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_name_collections_objects_and_subresources() {
        check("/api/v1/pods", ["", "v1", "", "pods", "", ""]);
        check("/api/v1/namespaces", ["", "v1", "", "namespaces", "", ""]);
        check("/api/v1/namespaces/a", ["", "v1", "", "namespaces", "a", ""]);
        check("/api/v1/namespaces/a/status", ["", "v1", "", "namespaces", "a", "status"]);
        check("/api/v1/namespaces/a/pods/p", ["", "v1", "a", "pods", "p", ""]);
        check("/apis/apps/v1/namespaces/a/deployments/d/scale", ["apps", "v1", "a", "deployments", "d", "scale"]);
        check("/apis/x.io/v1/foos/f%3Ag", ["x.io", "v1", "", "foos", "f:g", ""]);
        assert_eq!(Target::parse("/apis/apps/v1"), None);
        assert_eq!(Target::parse("/metrics"), None);
    }

    #[test]
    fn yaml_octals_are_read_as_the_server_reads_them() {
        assert_eq!(read_yaml(b"mode: 0755").unwrap()["mode"], 493);
    }
}

//! Reads the few protobuf bodies that `kubectl create` sends for built-in kinds; everything else travels as JSON.
//! Envelope: <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};

use super::status::Status;
use crate::model::Json;

/// The bytes before every envelope.
const MAGIC: &[u8] = b"k8s\0";

/// A field of a message: its number and its content. Only strings, maps and messages occur in what is read here.
type Field<'a> = (u64, &'a [u8]);

/// Returns the object of a protobuf body.
pub(super) fn decode(body: &[u8]) -> Result<Json, Status> {
    let damaged = || Status::bad_request("the protobuf body of the request could not be read");
    let envelope = fields(body.strip_prefix(MAGIC).ok_or_else(damaged)?).ok_or_else(damaged)?;
    let kind = fields(find(&envelope, 1)).ok_or_else(damaged)?;
    let (api_version, kind) = (string(find(&kind, 1)), string(find(&kind, 2)));
    let message = fields(find(&envelope, 2)).ok_or_else(damaged)?;
    let mut object = json!({"apiVersion": api_version, "kind": kind});
    if let Some(metadata) = metadata(find(&message, 1)) {
        object["metadata"] = metadata;
    }
    match kind.as_str() {
        "Namespace" | "ServiceAccount" => {}
        "ConfigMap" => {
            set_map(&mut object, "data", map(&message, 2, string).ok_or_else(damaged)?);
            set_map(&mut object, "binaryData", map(&message, 3, encoded).ok_or_else(damaged)?);
        }
        "Secret" => {
            set_map(&mut object, "data", map(&message, 2, encoded).ok_or_else(damaged)?);
            set_map(&mut object, "stringData", map(&message, 4, string).ok_or_else(damaged)?);
            let secret_type = string(find(&message, 3));
            if !secret_type.is_empty() {
                object["type"] = Json::from(secret_type);
            }
        }
        _ => {
            let message = format!(
                "the sandbox reads no protobuf of {kind}: write the object to a file and use `kubectl apply --server-side -f`"
            );
            return Err(Status::unsupported_media_type(message));
        }
    }
    Ok(object)
}

/// Reads `ObjectMeta`: name 1, generateName 2, namespace 3, labels 11, annotations 12.
fn metadata(bytes: &[u8]) -> Option<Json> {
    let message = fields(bytes)?;
    let mut metadata = json!({});
    for (number, name) in [(1, "name"), (2, "generateName"), (3, "namespace")] {
        let text = string(find(&message, number));
        if !text.is_empty() {
            metadata[name] = Json::from(text);
        }
    }
    for (number, name) in [(11, "labels"), (12, "annotations")] {
        set_map(&mut metadata, name, map(&message, number, string)?);
    }
    Some(metadata)
}

fn set_map(object: &mut Json, name: &str, entries: Map<String, Json>) {
    if !entries.is_empty() {
        object[name] = Json::Object(entries);
    }
}

/// Reads a map: repeated messages with a key, 1, and a value, 2.
fn map(message: &[Field<'_>], number: u64, value: fn(&[u8]) -> String) -> Option<Map<String, Json>> {
    let entries = message.iter().filter(|(found, _)| *found == number);
    entries
        .map(|(_, entry)| {
            let entry = fields(entry)?;
            Some((string(find(&entry, 1)), Json::from(value(find(&entry, 2)))))
        })
        .collect()
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Returns the last content of a field, or nothing.
fn find<'a>(message: &[Field<'a>], number: u64) -> &'a [u8] {
    message.iter().rev().find(|(found, _)| *found == number).map_or(&[], |(_, content)| content)
}

/// Splits a message into its fields; numbers are passed over.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let skipped = match tag & 7 {
            0 => {
                varint(&mut bytes)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let content = bytes.get(..skipped)?;
        bytes = &bytes[skipped..];
        if tag & 7 == 2 {
            fields.push((tag >> 3, content));
        }
    }
    Some(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_of_kubectl_is_read() {
        let body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x1b\x0a\x13\x0a\x03zz2\x12\x00\x1a\x00\x22\x00\x2a\x002\x008\x00B\x00\x12\x00\x1a\x02\x0a\x00\x1a\x00\x22\x00";
        let expected = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "zz2"}});
        assert_eq!(decode(body), Ok(expected));
    }

    #[test]
    fn a_torn_body_is_refused() {
        assert_eq!(decode(b"k8s\0\x0a\xff").unwrap_err().code, 400);
    }
}

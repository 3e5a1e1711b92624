//! Functions that make digests.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use uuid::Uuid;

use super::arguments::Arguments;
use super::call::{Environment, FunctionError, Outcome};
use super::filesystem::read;
use super::table::{Function, Parameter, Run};
use crate::model::Value;

const TEXT: &[Parameter] = &[Parameter::string("str", "any text")];
const FILE: &[Parameter] = &[Parameter::string("path", "a file in the module's folder")];

pub(super) const FUNCTIONS: &[Function] = &[
    sure("base64sha256", "Returns the SHA-256 digest of a text in Base64.", base64sha256),
    sure("base64sha512", "Returns the SHA-512 digest of a text in Base64.", base64sha512),
    within("filebase64sha256", "Returns the SHA-256 digest of a file in Base64.", filebase64sha256),
    within("filebase64sha512", "Returns the SHA-512 digest of a file in Base64.", filebase64sha512),
    within("filemd5", "Returns the MD5 digest of a file in hexadecimal.", filemd5),
    within("filesha1", "Returns the SHA-1 digest of a file in hexadecimal.", filesha1),
    within("filesha256", "Returns the SHA-256 digest of a file in hexadecimal.", filesha256),
    within("filesha512", "Returns the SHA-512 digest of a file in hexadecimal.", filesha512),
    sure("md5", "Returns the MD5 digest of a text in hexadecimal.", md5),
    sure("sha1", "Returns the SHA-1 digest of a text in hexadecimal.", sha1),
    sure("sha256", "Returns the SHA-256 digest of a text in hexadecimal.", sha256),
    sure("sha512", "Returns the SHA-512 digest of a text in hexadecimal.", sha512),
    Function {
        name: "uuidv5",
        about: "Returns the UUID that a name has in a namespace.",
        parameters: &[
            Parameter::string("namespace", "a UUID, or `dns`, `url`, `oid`, `x500`"),
            Parameter::string("name", "any text"),
        ],
        rest: None,
        run: Run::Plain(uuidv5),
    },
];

const fn sure(name: &'static str, about: &'static str, run: fn(&Arguments) -> Value) -> Function {
    Function { name, about, parameters: TEXT, rest: None, run: Run::Sure(run) }
}

const fn within(name: &'static str, about: &'static str, run: fn(&Arguments, &Environment<'_>) -> Outcome) -> Function {
    Function { name, about, parameters: FILE, rest: None, run: Run::Within(run) }
}

fn base64sha256(arguments: &Arguments) -> Value {
    base64::<Sha256>(arguments.string(0).as_bytes())
}

fn base64sha512(arguments: &Arguments) -> Value {
    base64::<Sha512>(arguments.string(0).as_bytes())
}

fn filebase64sha256(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(base64::<Sha256>(&read(arguments, environment)?))
}

fn filebase64sha512(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(base64::<Sha512>(&read(arguments, environment)?))
}

fn filemd5(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(hexadecimal::<Md5>(&read(arguments, environment)?))
}

fn filesha1(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(hexadecimal::<Sha1>(&read(arguments, environment)?))
}

fn filesha256(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(hexadecimal::<Sha256>(&read(arguments, environment)?))
}

fn filesha512(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(hexadecimal::<Sha512>(&read(arguments, environment)?))
}

fn md5(arguments: &Arguments) -> Value {
    hexadecimal::<Md5>(arguments.string(0).as_bytes())
}

fn sha1(arguments: &Arguments) -> Value {
    hexadecimal::<Sha1>(arguments.string(0).as_bytes())
}

fn sha256(arguments: &Arguments) -> Value {
    hexadecimal::<Sha256>(arguments.string(0).as_bytes())
}

fn sha512(arguments: &Arguments) -> Value {
    hexadecimal::<Sha512>(arguments.string(0).as_bytes())
}

fn uuidv5(arguments: &Arguments) -> Outcome {
    let namespace = match arguments.string(0) {
        "dns" => Uuid::NAMESPACE_DNS,
        "url" => Uuid::NAMESPACE_URL,
        "oid" => Uuid::NAMESPACE_OID,
        "x500" => Uuid::NAMESPACE_X500,
        other => Uuid::try_parse(other)
            .map_err(|error| FunctionError::at(0, format!("uuidv5() doesn't support namespace {other} ({error})")))?,
    };
    Ok(Value::string(Uuid::new_v5(&namespace, arguments.string(1).as_bytes()).to_string()))
}

/// Returns bytes as lower-case hexadecimal digits.
pub(super) fn hexadecimal_text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn base64<D: Digest>(bytes: &[u8]) -> Value {
    Value::string(STANDARD.encode(D::digest(bytes)))
}

fn hexadecimal<D: Digest>(bytes: &[u8]) -> Value {
    Value::string(hexadecimal_text(&D::digest(bytes)))
}

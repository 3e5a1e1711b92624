//! What ConfigMaps and Secrets hold: entries under keys, checked as the server checks them.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::kit::Problem;
use crate::model::{Json, UNKNOWN, Value};

/// The most bytes that the values of one ConfigMap or Secret may have together.
///
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#motivation>
const LARGEST: usize = 1 << 20;

/// How often a checksum of secrets is hashed, so that it helps little in guessing a short one.
const ROUNDS: usize = 4096;

/// Refuses a key that the server would refuse, or that is taken.
pub(crate) fn check_key(argument: impl Display, key: &str, taken: &mut BTreeSet<String>) -> Option<Problem> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_fine =
        !key.is_empty() && key.len() <= 253 && key.chars().all(is_allowed) && key != "." && !key.starts_with("..");
    if !is_fine && !key.contains(UNKNOWN) {
        let hint = "up to 253 letters, digits, `-`, `_` and `.`";
        let message = format!("`{key}` is not a key that Kubernetes accepts");
        return Some(Problem::error(argument.to_string(), message).hint(hint));
    }
    let is_new = taken.insert(key.to_owned());
    (!is_new).then(|| Problem::error(argument.to_string(), format!("the key `{key}` is there twice")))
}

/// Refuses a payload of more than 1 MiB.
pub(crate) fn check_size(argument: &str, bytes: usize) -> Option<Problem> {
    (bytes > LARGEST).then(|| {
        let message = format!("the values have {bytes} bytes together; Kubernetes allows {LARGEST}");
        Problem::error(argument, message).hint("put the rest into an object of its own, or into a volume")
    })
}

/// Returns base64 as Kubernetes writes it. A text that is known only after apply stays as it is.
pub(crate) fn encode(text: &str) -> String {
    if text.contains(UNKNOWN) { text.to_owned() } else { STANDARD.encode(text) }
}

/// Returns base64 in canonical form, without line breaks, and how many bytes it stands for.
pub(crate) fn recode(argument: &str, text: &str) -> Result<(String, usize), Problem> {
    if text.contains(UNKNOWN) {
        return Ok((text.to_owned(), 0));
    }
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    match STANDARD.decode(&compact) {
        Ok(bytes) => Ok((STANDARD.encode(&bytes), bytes.len())),
        Err(_) => {
            Err(Problem::error(argument, "the value is not base64").hint("`filebase64(\"…\")` reads a file as base64"))
        }
    }
}

/// Returns a hash of all entries; unknown, where one of them is.
pub(crate) fn checksum<'a>(entries: impl Iterator<Item = (&'a String, &'a String)> + Clone) -> Value {
    if entries.clone().any(|(_, value)| value.contains(UNKNOWN)) {
        return Value::Unknown;
    }
    Value::string(hex(&digest(entries, "")))
}

/// Returns a slow hash of secret entries that differs from object to object; unknown, where one of them is.
pub(crate) fn secret_checksum(entries: &BTreeMap<String, String>, salt: &str) -> Value {
    if salt.contains(UNKNOWN) || entries.values().any(|value| value.contains(UNKNOWN)) {
        return Value::Unknown;
    }
    let first = digest(entries.iter(), salt);
    let last = (1..ROUNDS).fold(first, |hash, _| Sha256::new().chain_update(salt).chain_update(hash).finalize().into());
    Value::string(hex(&last))
}

/// Returns a JSON map of texts.
pub(crate) fn entries_json(entries: BTreeMap<String, String>) -> Json {
    entries.into_iter().map(|(key, value)| (key, Json::from(value))).collect::<serde_json::Map<_, _>>().into()
}

/// Hashes the entries with their lengths, so that no two payloads look alike.
fn digest<'a>(entries: impl Iterator<Item = (&'a String, &'a String)>, salt: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    for text in entries.flat_map(|(key, value)| [key, value]) {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

/// Returns the first half of a hash as text; 128 bits tell payloads apart.
fn hex(hash: &[u8; 32]) -> String {
    hash.iter().take(16).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing into a text cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn checksum(entries: &BTreeMap<String, String>) -> Value {
        super::checksum(entries.iter())
    }

    #[test]
    fn checksums_tell_payloads_apart() {
        assert_eq!(checksum(&entries(&[("a", "bc")])), checksum(&entries(&[("a", "bc")])));
        assert_ne!(checksum(&entries(&[("a", "bc")])), checksum(&entries(&[("ab", "c")])));
        assert_ne!(secret_checksum(&entries(&[("a", "b")]), "x"), secret_checksum(&entries(&[("a", "b")]), "y"));
        assert_eq!(checksum(&entries(&[("a", UNKNOWN)])), Value::Unknown);
    }

    #[test]
    fn base64_is_written_as_the_server_writes_it() {
        assert_eq!(recode("x", "aGVs\nbG8=\n"), Ok(("aGVsbG8=".to_owned(), 5)));
        assert!(recode("x", "no base64!").is_err());
        assert_eq!(recode("x", UNKNOWN), Ok((UNKNOWN.to_owned(), 0)));
    }

    #[test]
    fn keys_are_unique_names() {
        let mut taken = BTreeSet::new();
        assert_eq!(check_key("data/a.b", "a.b", &mut taken), None);
        assert_eq!(check_key("x", "a.b", &mut taken).unwrap().message, "the key `a.b` is there twice");
        for key in ["", "a b", "..", "..x", "a/b"] {
            assert!(check_key("x", key, &mut taken).is_some(), "{key}");
        }
    }
}

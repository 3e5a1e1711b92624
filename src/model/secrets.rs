//! The texts that must never be shown or written.
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Json;

/// What stands where a secret stood.
pub(crate) const REDACTED: &str = "(sensitive value)";

/// What stands where a server's answer about a Secret would, which may repeat it.
pub(crate) const HIDDEN_WORDS: &str = "the server's words are hidden: it is a Secret";

/// How long a line of a secret text must be to be hidden on its own.
const MIN_LINE: usize = 8;

/// Every secret text that one run has met; hides them wherever they turn up.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Remembers a secret text, and the forms in which others may repeat it: in base64, escaped, line by line.
    pub(crate) fn insert(&mut self, secret: impl Into<String>) {
        let secret = secret.into();
        if secret.is_empty() || self.0.contains(&secret) {
            return;
        }
        if secret.len() >= 4 {
            self.0.insert(STANDARD.encode(&secret));
            let escaped = Json::from(secret.as_str()).to_string();
            self.0.insert(escaped[1..escaped.len() - 1].to_owned());
        }
        let lines = secret.lines().map(str::trim).filter(|line| line.len() >= MIN_LINE);
        self.0.extend(lines.map(str::to_owned));
        self.0.insert(secret);
    }

    /// Remembers all secrets of another collection.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns the text with every secret in it hidden, the longest first.
    ///
    /// Secrets of fewer than four characters are hidden only where they are the whole text:
    /// hiding every `1` of an output would make it useless.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.redacted(text.to_owned())
    }

    /// Hides every secret of a text, which is not copied where there is none.
    pub(crate) fn redacted(&self, text: String) -> String {
        if self.0.contains(&text) {
            return REDACTED.to_owned();
        }
        let mut found: Vec<&str> =
            self.0.iter().map(String::as_str).filter(|s| s.len() >= 4 && text.contains(*s)).collect();
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.into_iter().fold(text, |text, secret| text.replace(secret, REDACTED))
    }

    /// Tells whether a text is or holds a secret.
    pub(crate) fn taints(&self, text: &str) -> bool {
        self.0.contains(text) || self.0.iter().any(|secret| secret.len() >= 4 && text.contains(secret.as_str()))
    }
}

/// Returns what is recorded in place of a secret: `sha256:` and the hash of salt and text, in hex.
pub(crate) fn salted_hash(salt: &str, text: &str) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(salt).chain_update([0]).chain_update(text).finalize();
    digest.iter().fold("sha256:".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mut secrets = Secrets::default();
        for secret in ["hunter22", "hunter22-longer", "ab"] {
            secrets.insert(secret);
        }
        assert_eq!(secrets.redact("x hunter22-longer y hunter22"), "x (sensitive value) y (sensitive value)");
        assert_eq!(secrets.redact("ab"), REDACTED);
        assert_eq!(secrets.redact("cab"), "cab");
        assert!(secrets.taints("has hunter22 in it"));
    }

    #[test]
    fn forms_of_a_secret_are_hidden_too() {
        let mut secrets = Secrets::default();
        secrets.insert("first line\nsecond \"line\"\n");
        for text in [
            "Zmlyc3QgbGluZQpzZWNvbmQgImxpbmUiCg==",
            "first line\\nsecond \\\"line\\\"\\n",
            "first line",
            "second \"line\"",
        ] {
            assert_eq!(secrets.redact(&format!("a {text} b")), "a (sensitive value) b");
        }
    }
}

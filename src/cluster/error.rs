//! What can go wrong with a cluster, told apart by what the caller does about it.
use kube::config::{InClusterError, KubeconfigError};
use serde::Deserialize;

use super::credentials::CredentialsError;
use crate::model::HIDDEN_WORDS;

/// A failure of the cluster or of the way to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClusterError {
    #[error(
        "no cluster is configured: looked for a kubeconfig in {}; point at one with `--kubeconfig FILE`, \
         `KUBECONFIG` or a `cluster` block, or try `--sandbox`, which needs no cluster",
        looked.join(", ")
    )]
    NoKubeconfig { looked: Vec<String> },
    #[error("the kubeconfig {file} cannot be used")]
    Kubeconfig {
        file: String,
        #[source]
        source: Box<KubeconfigError>,
    },
    #[error("the context `{context}` is not in the kubeconfig; it has {}", known.join(", "))]
    NoContext { context: String, known: Vec<String> },
    #[error("the kubeconfig {file} has no `current-context`; choose one with `--context`: {}", known.join(", "))]
    NoCurrentContext { file: String, known: Vec<String> },
    #[error("the service account of this pod cannot be used")]
    InCluster {
        #[source]
        source: Box<InClusterError>,
    },
    /// The address is not shown: it may bear a password.
    #[error("{place} is no address of an HTTP or SOCKS5 proxy")]
    Proxy { place: String },
    #[error("the credentials for {server} cannot be had")]
    Credentials {
        server: String,
        #[source]
        source: Box<CredentialsError>,
    },
    #[error("the client for {server} cannot be made")]
    Client {
        server: String,
        #[source]
        source: Box<kube::Error>,
    },
    /// The server did not answer, after all retries.
    #[error("{server} cannot be reached")]
    Unreachable {
        server: String,
        #[source]
        source: Silence,
    },
    #[error("{what}: no answer within {seconds} s")]
    Timeout { what: String, seconds: u64 },
    #[error("{what}: the answer cannot be read")]
    Unreadable {
        what: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the server does not serve the kind `{kind}` of `{api_version}`")]
    NotServed { api_version: String, kind: String },
    /// Other managers own fields that were to be set.
    #[error(transparent)]
    Conflict(Box<Refusal>),
    /// The object is not as the request assumed: another resourceVersion or uid.
    #[error(transparent)]
    Stale(Box<Refusal>),
    #[error(transparent)]
    Invalid(Box<Refusal>),
    #[error(transparent)]
    Unauthorized(Box<Refusal>),
    #[error(transparent)]
    Forbidden(Box<Refusal>),
    #[error(transparent)]
    NotFound(Box<Refusal>),
    #[error(transparent)]
    AlreadyExists(Box<Refusal>),
    /// The resourceVersion or the page token is too old.
    #[error(transparent)]
    Gone(Box<Refusal>),
    /// Anything else that the server said.
    #[error(transparent)]
    Server(Box<Refusal>),
}

/// Why a request was not answered: the causes that the client gives, each once.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Silence(String);

/// A `Status` that the server answered instead of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    pub code: u16,
    /// Such as `Invalid`; empty where the answer was no `Status`.
    pub reason: String,
    pub message: String,
    pub causes: Vec<Cause>,
}

/// One reason of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    /// Such as `FieldValueInvalid` or `FieldManagerConflict`.
    pub reason: String,
    pub field: String,
    pub message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    reason: String,
    message: String,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

impl Silence {
    /// Reads the chain of causes, where each layer of the client says again what the one below it says.
    pub(super) fn new(error: &kube::Error) -> Self {
        let outermost: &dyn std::error::Error = error;
        let mut next = outermost.source().or(Some(outermost));
        let mut said: Vec<String> = Vec::new();
        while let Some(cause) = next {
            let text = cause.to_string();
            next = cause.source();
            let is_empty_shell = text == "client error (Connect)" && next.is_some();
            if !is_empty_shell && !said.iter().any(|earlier| earlier.contains(&text)) {
                said.push(text);
            }
        }
        Self(said.join(": "))
    }

    /// Tells whether asking again is no use.
    pub(super) fn is_lasting(&self) -> bool {
        self.0.contains("invalid peer certificate") || self.0.contains("proxy authorization required")
    }

    fn hint(&self) -> Option<&'static str> {
        if self.0.contains("UnknownIssuer") {
            return Some("the `certificate-authority` of the kubeconfig did not sign the server's certificate");
        }
        let is_of_proxy = self.0.contains("tunnel error") || self.0.contains("SOCKS error");
        is_of_proxy.then_some("the way leads through a proxy: the kubeconfig's `proxy-url`, or that of `HTTPS_PROXY`")
    }
}

impl ClusterError {
    /// Returns what the server said, where it said something.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Conflict(refusal)
            | Self::Stale(refusal)
            | Self::Invalid(refusal)
            | Self::Unauthorized(refusal)
            | Self::Forbidden(refusal)
            | Self::NotFound(refusal)
            | Self::AlreadyExists(refusal)
            | Self::Gone(refusal)
            | Self::Server(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Returns the sentence that helps.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Credentials { source, .. } => source.hint(),
            Self::Proxy { .. } => Some("such as `http://proxy.example:3128`".to_owned()),
            Self::Kubeconfig { source, .. } if matches!(**source, KubeconfigError::ParseNoProxy(_)) => {
                Some("`NO_PROXY` is a list of hosts with one comma between two of them".to_owned())
            }
            Self::Unreachable { source, .. } => source.hint().map(str::to_owned),
            Self::Forbidden(refusal) if refusal.message.contains("system:anonymous") => {
                Some("the kubeconfig gave no credentials that the server takes: see its `user`".to_owned())
            }
            Self::Unauthorized(_) => Some(
                "the server does not accept the credentials of the kubeconfig, which may have expired; \
                 `kubectl auth whoami` shows whether it knows you"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Reads the answer to a request that was not granted.
    ///
    /// `what` is the request in words; `secret` says that the server's words may repeat secrets.
    pub(super) fn from_answer(code: u16, body: &[u8], what: &str, secret: bool) -> Self {
        let status: Status = serde_json::from_slice(body).unwrap_or_default();
        let mut causes = status.details.causes;
        let mut message = status.message;
        if message.is_empty() {
            message = format!("{what}: the server answered {code}{}", excerpt(body));
        }
        // A missing object or namespace is told by its name alone.
        if secret && code != 404 {
            message =
                told_of_a_secret(&message, code).unwrap_or_else(|| without_values(what, code, &status.reason, &causes));
            causes.iter_mut().filter(|cause| !holds_no_value(&cause.reason)).for_each(|cause| {
                cause.message = format!("{} ({HIDDEN_WORDS})", cause.reason);
            });
        }
        Self::from_refusal(Refusal { code, reason: status.reason, message, causes })
    }

    fn from_refusal(refusal: Refusal) -> Self {
        let is_owned = refusal.causes.iter().any(|cause| cause.reason == "FieldManagerConflict");
        let (code, reason) = (refusal.code, refusal.reason.clone());
        let refusal = Box::new(refusal);
        match (code, reason.as_str()) {
            (409, "AlreadyExists") => Self::AlreadyExists(refusal),
            (409, _) if is_owned => Self::Conflict(refusal),
            (409, _) => Self::Stale(refusal),
            (422, _) => Self::Invalid(refusal),
            (401, _) => Self::Unauthorized(refusal),
            (403, _) => Self::Forbidden(refusal),
            (404, _) => Self::NotFound(refusal),
            (410, _) => Self::Gone(refusal),
            _ => Self::Server(refusal),
        }
    }
}

/// Returns the beginning of an answer that is no `Status`, such as a proxy's page.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Returns a message that names fields and reasons only.
fn without_values(what: &str, code: u16, reason: &str, causes: &[Cause]) -> String {
    let fields: Vec<_> = causes.iter().map(|cause| format!("{} ({})", cause.field, cause.reason)).collect();
    let reason = if reason.is_empty() { code.to_string() } else { reason.to_owned() };
    let told = if fields.is_empty() { HIDDEN_WORDS.to_owned() } else { fields.join(", ") };
    format!("{what}: {reason}: {told}")
}

/// Returns what the server says where it repeats no value: who may not, which quota, and who denied, but not why.
fn told_of_a_secret(message: &str, code: u16) -> Option<String> {
    let denied = ["denied request", "denied the request"].iter().find_map(|words| {
        let end = message.find(words)? + words.len();
        Some(format!("{} ({HIDDEN_WORDS})", &message[..end]))
    });
    denied.or_else(|| (code == 403).then(|| message.to_owned()))
}

/// Tells whether a cause of this reason says only what is asked of a field, or who owns it.
fn holds_no_value(reason: &str) -> bool {
    matches!(reason, "FieldManagerConflict" | "FieldValueRequired" | "FieldValueTooLong" | "FieldValueForbidden")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, reason: &str, cause: &str) -> ClusterError {
        let body = serde_json::json!({
            "kind": "Status", "reason": reason, "message": "no: hunter22",
            "details": { "causes": [{ "reason": cause, "field": ".data.a", "message": "bad hunter22" }] },
        });
        ClusterError::from_answer(code, body.to_string().as_bytes(), "apply", false)
    }

    #[test]
    fn conflicts_of_owners_and_stale_requests_are_told_apart() {
        assert!(matches!(answer(409, "Conflict", "FieldManagerConflict"), ClusterError::Conflict(_)));
        assert!(matches!(answer(409, "Conflict", ""), ClusterError::Stale(_)));
        assert!(matches!(answer(409, "AlreadyExists", ""), ClusterError::AlreadyExists(_)));
    }

    #[test]
    fn of_a_secret_only_what_holds_no_value_is_told() {
        let told = |code: u16, message: &str, cause: &str| {
            let cause = serde_json::json!({"reason": cause, "field": "data[a]", "message": "Required value: a key"});
            let status = serde_json::json!({"message": message, "details": {"causes": [cause]}});
            let error = ClusterError::from_answer(code, status.to_string().as_bytes(), "apply", true);
            let refusal = error.refusal().expect("a refusal").clone();
            (refusal.message, refusal.causes[0].message.clone())
        };
        assert_eq!(told(403, "exceeded quota: q", "").0, "exceeded quota: q");
        let denied = "secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' denied request";
        assert_eq!(told(422, &format!("{denied}: hunter22"), "").0, format!("{denied} ({HIDDEN_WORDS})"));
        assert_eq!(told(422, "hunter22", "FieldValueRequired").1, "Required value: a key");
        let (message, cause) = told(422, "hunter22", "FieldValueInvalid");
        assert_eq!(message, "apply: 422: data[a] (FieldValueInvalid)");
        assert_eq!(cause, format!("FieldValueInvalid ({HIDDEN_WORDS})"));
    }

    #[test]
    fn each_code_has_its_variant() {
        assert!(matches!(answer(422, "Invalid", ""), ClusterError::Invalid(_)));
        assert!(matches!(answer(403, "Forbidden", ""), ClusterError::Forbidden(_)));
        assert!(matches!(answer(404, "NotFound", ""), ClusterError::NotFound(_)));
        assert!(matches!(answer(410, "Expired", ""), ClusterError::Gone(_)));
        assert!(matches!(answer(500, "InternalError", ""), ClusterError::Server(_)));
    }

    #[test]
    fn what_the_layers_of_the_client_repeat_is_said_once() {
        let refused = std::io::Error::other(std::io::Error::other("invalid peer certificate: UnknownIssuer"));
        let silence = Silence::new(&kube::Error::Service(Box::new(refused)));
        assert_eq!(silence.to_string(), "invalid peer certificate: UnknownIssuer");
        assert!(silence.is_lasting() && silence.hint().is_some());
        let silence = Silence::new(&kube::Error::Service("reset by peer".into()));
        assert!(!silence.is_lasting() && silence.hint().is_none());
    }

    #[test]
    fn an_answer_about_a_secret_keeps_fields_and_reasons_only() {
        let body = serde_json::json!({
            "reason": "Invalid", "message": "Secret \"a\" is invalid: data[x]: Invalid value: \"hunter22\"",
            "details": { "causes": [{ "reason": "FieldValueInvalid", "field": "data[x]", "message": "hunter22" }] },
        });
        let error = ClusterError::from_answer(422, body.to_string().as_bytes(), "apply Secret a/b", true);
        assert_eq!(error.to_string(), "apply Secret a/b: Invalid: data[x] (FieldValueInvalid)");
        assert!(!format!("{error:?}").contains("hunter22"));
    }

    #[test]
    fn a_page_of_a_proxy_is_quoted() {
        let error = ClusterError::from_answer(502, b"<html>\n bad gateway", "list", false);
        assert_eq!(error.to_string(), "list: the server answered 502: <html> bad gateway");
    }
}

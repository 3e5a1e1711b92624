//! Why the credentials of a kubeconfig could not be had; never with what a plugin printed, which may be a token.
use kube::client::AuthError;
use kube::config::{AuthInfo, ExecConfig};

/// A failure on the way to a token or a certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("the credential plugin {plugin} could not be started")]
    Start { plugin: String, install: Option<String>, source: std::io::Error },
    #[error("the credential plugin {plugin} failed ({status}){said}")]
    Failed { plugin: String, status: String, said: String },
    #[error("what the credential plugin {plugin} answers is no `ExecCredential` with a status")]
    Unreadable { plugin: String },
    #[error("the token file `{path}` cannot be read")]
    TokenFile { path: String, source: std::io::Error },
    #[error("the token is no text that a request can bear")]
    Token,
    #[error(transparent)]
    Other(AuthError),
}

impl CredentialsError {
    /// Takes over what is not secret of a failure.
    pub(super) fn new(error: AuthError, exec: Option<&ExecConfig>) -> Self {
        let command = exec.and_then(|exec| exec.command.as_deref());
        let plugin = command.map_or_else(|| "of the kubeconfig".to_owned(), |command| format!("`{command}`"));
        match error {
            AuthError::AuthExecStart(source) => {
                Self::Start { plugin, install: exec.and_then(|exec| exec.install_hint.clone()), source }
            }
            AuthError::AuthExecRun { out, .. } => {
                let said = String::from_utf8_lossy(&out.stderr);
                let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
                let said = if said.is_empty() { said } else { format!(": {said}") };
                Self::Failed { plugin, status: out.status.to_string(), said }
            }
            AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => Self::Unreadable { plugin },
            AuthError::ReadTokenFile(source, path) => Self::TokenFile { path: path.display().to_string(), source },
            AuthError::InvalidBearerToken(_) => Self::Token,
            other => Self::Other(other),
        }
    }

    /// Takes a failed request's error where credentials were to be had anew; else gives it back.
    pub(super) fn of_request(error: kube::Error) -> Result<Self, kube::Error> {
        match error {
            kube::Error::Auth(error) => Ok(Self::new(error, None)),
            kube::Error::Service(error) => match error.downcast::<AuthError>() {
                Ok(error) => Ok(Self::new(*error, None)),
                Err(error) => Err(kube::Error::Service(error)),
            },
            other => Err(other),
        }
    }

    /// Returns the sentence that helps.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Start { install: Some(install), .. } => Some(install.trim().to_owned()),
            Self::Start { .. } => Some("install it, or put it on the `PATH`".to_owned()),
            Self::Failed { .. } | Self::Unreadable { .. } => {
                Some("run it by hand: it is the `exec` of the kubeconfig's user".to_owned())
            }
            _ => None,
        }
    }
}

/// Takes the token out of a file that has white space around it, which kube would send along.
///
/// Such a file is not read again. Those that change while we run, a pod's own ones, have no white space.
pub(super) fn trim_token(user: &mut AuthInfo) {
    let Some(file) = user.token_file.as_deref().filter(|_| user.token.is_none()) else { return };
    // A file that cannot be read is told of when it is used.
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if text.trim() != text {
        user.token = Some(text.trim().to_owned().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec() -> ExecConfig {
        let json = serde_json::json!({"command": "get-token", "installHint": "See the portal.\n"});
        serde_json::from_value(json).expect("an exec")
    }

    #[test]
    fn what_a_plugin_printed_is_not_told() {
        let text = "token: [hunter22";
        let parsed = serde_saphyr::from_str::<serde_json::Value>(text).expect_err("it is no YAML");
        let error = CredentialsError::new(AuthError::AuthExecParse(Box::new(parsed)), Some(&exec()));
        let told = "what the credential plugin `get-token` answers is no `ExecCredential` with a status";
        assert_eq!(error.to_string(), told);
        assert!(!format!("{error:?}").contains("hunter22"));
    }

    #[test]
    fn a_plugin_that_is_missing_is_named_with_its_own_hint() {
        let start = || AuthError::AuthExecStart(std::io::ErrorKind::NotFound.into());
        let error = CredentialsError::new(start(), Some(&exec()));
        assert_eq!(error.to_string(), "the credential plugin `get-token` could not be started");
        assert_eq!(error.hint().as_deref(), Some("See the portal."));
        let hint = CredentialsError::new(start(), None).hint();
        assert_eq!(hint.as_deref(), Some("install it, or put it on the `PATH`"));
    }

    #[test]
    fn a_refresh_that_fails_is_told_apart_from_a_server_out_of_reach() {
        let refresh = kube::Error::Service(Box::new(AuthError::ExecPluginFailed));
        assert!(matches!(CredentialsError::of_request(refresh), Ok(CredentialsError::Unreadable { .. })));
        assert!(CredentialsError::of_request(kube::Error::Service("reset".into())).is_err());
    }

    #[test]
    fn white_space_around_a_token_is_not_sent() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let token = |text: &str| {
            std::fs::write(file.path(), text).expect("it can be written");
            let token_file = Some(file.path().display().to_string());
            let mut user = AuthInfo { token_file, ..AuthInfo::default() };
            trim_token(&mut user);
            user.token.is_some()
        };
        assert_eq!((token("abc\n"), token("abc")), (true, false));
    }
}

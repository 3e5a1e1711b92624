//! Finds the cluster that is meant, and makes a client for it. Nothing is ever chosen silently.
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderValue;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

use super::credentials::{self, CredentialsError};
use super::{Cluster, ClusterError, proxy, transport};

/// Where the API server is.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Through kubeconfig files, merged in this order.
    Kubeconfig {
        files: Vec<PathBuf>,
        /// Absent: the `current-context` of the files.
        context: Option<String>,
    },
    /// Through the service account of the pod that rayform runs in.
    InCluster,
    /// Inside this process.
    Service(axum::Router),
}

/// How to talk to the server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Requests at the same time; 32 by default.
    pub parallelism: usize,
    /// For one request with its answer; 60 seconds by default.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { parallelism: 32, timeout: Duration::from_mins(1) }
    }
}

/// Returns the kubeconfig files to read: the first source that names any wins.
///
/// `flag` is `--kubeconfig`, `configured` comes from the `cluster` block, `variable` is the list in
/// `KUBECONFIG`, `home` is the home folder, below which `.kube/config` counts where it exists.
pub(crate) fn kubeconfig_files(
    flag: Option<&Path>,
    configured: Option<&Path>,
    variable: Option<&std::ffi::OsStr>,
    home: Option<&Path>,
) -> Vec<PathBuf> {
    if let Some(file) = flag.or(configured) {
        return vec![file.to_owned()];
    }
    let is_named = |path: &PathBuf| !path.as_os_str().is_empty();
    let listed: Vec<PathBuf> =
        variable.map(|list| std::env::split_paths(list).filter(is_named).collect()).unwrap_or_default();
    if !listed.is_empty() {
        return listed;
    }
    home.map(|home| home.join(".kube").join("config")).into_iter().collect()
}

/// Makes a client for the target; reads files and runs credential plugins, but asks the server nothing.
pub(crate) async fn connect(target: Target, settings: Settings) -> Result<Cluster, ClusterError> {
    let (config, context) = match target {
        Target::Service(router) => {
            let client = kube::Client::new(router, "default");
            return Ok(Cluster::new(client, "sandbox".to_owned(), None, settings));
        }
        Target::InCluster => (in_cluster()?, None),
        Target::Kubeconfig { files, context } => from_files(&files, context).await?,
    };
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let plugin = config.auth_info.exec.clone();
    let made = tokio::task::spawn_blocking(move || transport::client(prepared(config)));
    let client = match made.await {
        Ok(Ok(client)) => client,
        Ok(Err(kube::Error::Auth(source))) => {
            let source = Box::new(CredentialsError::new(source, plugin.as_ref()));
            return Err(ClusterError::Credentials { server, source });
        }
        Ok(Err(source)) => return Err(ClusterError::Client { server, source: Box::new(source) }),
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    };
    Ok(Cluster::new(client, server, context, settings))
}

fn in_cluster() -> Result<Config, ClusterError> {
    Config::incluster().map_err(|source| ClusterError::InCluster { source: Box::new(source) })
}

/// Merges the files and takes one context from them.
async fn from_files(files: &[PathBuf], context: Option<String>) -> Result<(Config, Option<String>), ClusterError> {
    let merged = merge(files)?;
    let file = merged.1;
    let kubeconfig = merged.0;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let chosen = context.or_else(|| kubeconfig.current_context.clone()).filter(|name| !name.is_empty());
    let Some(context) = chosen else { return Err(ClusterError::NoCurrentContext { file, known }) };
    if !known.contains(&context) {
        return Err(ClusterError::NoContext { context, known });
    }
    let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
    let configured = proxy_of(&kubeconfig, &context);
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|source| ClusterError::Kubeconfig { file, source: Box::new(source) })?;
    // What kube chose takes no heed of where the server is.
    config.proxy_url = proxy::choose(configured.as_deref(), &config.cluster_url, |name| std::env::var(name).ok())?;
    credentials::trim_token(&mut config.auth_info);
    Ok((config, Some(context)))
}

/// Returns what the kubeconfig says of a proxy for a context's cluster.
fn proxy_of(kubeconfig: &Kubeconfig, context: &str) -> Option<String> {
    let named = kubeconfig.contexts.iter().find(|named| named.name == context)?;
    let cluster = &named.context.as_ref()?.cluster;
    let named = kubeconfig.clusters.iter().find(|named| named.name == *cluster)?;
    named.cluster.as_ref()?.proxy_url.clone()
}

/// Reads the files that exist; none at all is an error that helps.
fn merge(files: &[PathBuf]) -> Result<(Kubeconfig, String), ClusterError> {
    let mut merged: Option<Kubeconfig> = None;
    let mut names = Vec::new();
    for path in files {
        let file = format!("`{}`", path.display());
        let broken = |source| ClusterError::Kubeconfig { file: file.clone(), source: Box::new(source) };
        let read = match Kubeconfig::read_from(path) {
            Ok(read) => read,
            // As kubectl does: a file of the list that is not there is passed over.
            Err(kube::config::KubeconfigError::ReadConfig(error, _))
                if error.kind() == std::io::ErrorKind::NotFound =>
            {
                continue;
            }
            Err(source) => return Err(broken(source)),
        };
        merged = Some(match merged {
            Some(earlier) => earlier.merge(read).map_err(broken)?,
            None => read,
        });
        names.push(file);
    }
    let looked = || files.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>();
    let none =
        || ClusterError::NoKubeconfig { looked: if files.is_empty() { vec!["no place".to_owned()] } else { looked() } };
    merged.map(|merged| (merged, names.join(", "))).ok_or_else(none)
}

/// Returns the configuration with our name, our timeouts, and without kube's own retries.
fn prepared(mut config: Config) -> Config {
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(10));
    let agent = HeaderValue::from_static(concat!("rayform/", env!("CARGO_PKG_VERSION")));
    config.headers.push((http::header::USER_AGENT, agent));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_comes_before_the_block_before_the_variable_before_home() {
        let (flag, block, home) = (Path::new("/flag"), Path::new("/block"), Path::new("/home/a"));
        let variable = std::ffi::OsStr::new("/one::/two");
        let files = |flag, block, variable| kubeconfig_files(flag, block, variable, Some(home));
        assert_eq!(files(Some(flag), Some(block), Some(variable)), [Path::new("/flag")]);
        assert_eq!(files(None, Some(block), Some(variable)), [Path::new("/block")]);
        assert_eq!(files(None, None, Some(variable)), [Path::new("/one"), Path::new("/two")]);
        assert_eq!(files(None, None, Some("".as_ref())), [Path::new("/home/a/.kube/config")]);
    }

    #[tokio::test]
    async fn without_a_kubeconfig_the_error_says_what_to_do() {
        let files = vec![PathBuf::from("/does/not/exist")];
        let target = Target::Kubeconfig { files, context: None };
        let error = connect(target, Settings::default()).await.expect_err("there is no such file");
        assert!(matches!(error, ClusterError::NoKubeconfig { .. }));
        let text = error.to_string();
        assert!(text.contains("`/does/not/exist`") && text.contains("--kubeconfig") && text.contains("--sandbox"));
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_named_with_those_that_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config");
        let text = "apiVersion: v1\nkind: Config\ncontexts: [{name: one, context: {cluster: c, user: u}}]\n";
        std::fs::write(&file, text).expect("a file");
        let target = Target::Kubeconfig { files: vec![file.clone()], context: Some("two".to_owned()) };
        let error = connect(target, Settings::default()).await.expect_err("there is no such context");
        assert_eq!(error.to_string(), "the context `two` is not in the kubeconfig; it has one");
        let target = Target::Kubeconfig { files: vec![file], context: None };
        let error = connect(target, Settings::default()).await.expect_err("nothing is current");
        assert!(matches!(error, ClusterError::NoCurrentContext { .. }));
    }
}

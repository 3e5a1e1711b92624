//! The way to a server: one connection that all requests share, and one for each watch.
//!
//! A TLS handshake costs both sides more than most answers do, and over HTTP/2 one is enough. A watch has no end, and
//! would hold one of the streams that a server grants a connection, 250 of Go's: watches go over HTTP/1.1.
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

/// A client with connections of one kind.
type Way = Client<TimeoutConnector<HttpsConnector<HttpConnector>>, Body>;

/// A connection on which nothing moves is asked for a sign of life after so long, and given up where none comes.
///
/// <https://github.com/kubernetes/apimachinery/blob/master/pkg/util/net/http.go>
const IDLE: Duration = Duration::from_secs(30);
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How much of one answer, and of all together, may be under way, in bytes: a page of a LIST comes without a halt.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 64 << 20;

/// Returns a client. Through a proxy, and without TLS, each request under way has a connection of its own.
pub(super) fn client(mut config: Config) -> Result<kube::Client, kube::Error> {
    if config.proxy_url.is_some() || config.cluster_url.scheme_str() != Some("https") {
        return ClientBuilder::try_from(config).map(ClientBuilder::build);
    }
    let authentication = config.auth_layer()?;
    if authentication.is_some() {
        // The plugin has answered with a token: it is not asked again, for a certificate.
        config.auth_info.exec = None;
    }
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(authentication)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(Transport::new(&config)?);
    Ok(kube::Client::new(service, config.default_namespace))
}

#[derive(Clone)]
struct Transport {
    shared: Way,
    alone: Way,
}

impl Transport {
    fn new(config: &Config) -> Result<Self, kube::Error> {
        let tls = config.rustls_client_config()?;
        let https = || {
            let builder = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_only();
            match &config.tls_server_name {
                Some(name) => fixed(name).map(|resolver| builder.with_server_name_resolver(resolver)),
                None => Ok(builder),
            }
        };
        let timed = |connector| {
            let mut connector = TimeoutConnector::new(connector);
            connector.set_connect_timeout(config.connect_timeout);
            connector
        };
        let shared = timed(https()?.enable_all_versions().wrap_connector(tcp()));
        let alone = timed(https()?.enable_http1().wrap_connector(tcp()));
        Ok(Self { shared: sharing().build(shared), alone: Builder::new(TokioExecutor::new()).build(alone) })
    }
}

/// Returns what asks for the certificate of this name, whatever the server's address is.
fn fixed(name: &str) -> Result<FixedServerNameResolver, kube::Error> {
    match name.to_owned().try_into() {
        Ok(name) => Ok(FixedServerNameResolver::new(name)),
        Err(error) => Err(kube::Error::Service(Box::new(error))),
    }
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector
}

fn sharing() -> Builder {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(IDLE)
        .http2_keep_alive_timeout(SIGN_OF_LIFE)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW);
    builder
}

impl Service<Request<Body>> for Transport {
    type Response = <Way as Service<Request<Body>>>::Response;
    type Error = <Way as Service<Request<Body>>>::Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_watch = request.uri().query().is_some_and(|query| query.split('&').any(|part| part == "watch=true"));
        if is_watch { self.alone.request(request) } else { self.shared.request(request) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_plugin_is_asked_once_for_a_token() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plugin, asked) = (folder.path().join("plugin"), folder.path().join("asked"));
        let answer =
            r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "t"}}"#;
        std::fs::write(&plugin, format!("#!/bin/sh\necho x >> {}\necho '{answer}'\n", asked.display()))
            .expect("written");
        std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o700)).expect("a mode");
        let mut config = Config::new("https://127.0.0.1:1".parse().expect("an address"));
        let api = "client.authentication.k8s.io/v1";
        let exec = serde_json::json!({"apiVersion": api, "command": plugin, "interactiveMode": "Never"});
        config.auth_info.exec = serde_json::from_value(exec).expect("an exec");
        client(config).expect("a client");
        assert_eq!(std::fs::read_to_string(asked).expect("it was asked"), "x\n");
    }
}

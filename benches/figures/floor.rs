//! The floor: the requests that nobody could do without, made by the same client in a process of its own.
use std::path::Path;
use std::process::ExitCode;

use futures::StreamExt;
use http::Request;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tower::{BoxError, ServiceBuilder};

/// The first argument that makes the benchmark a floor: `--floor KUBECONFIG lists PATH…`,
/// `… lists-sharing PATH…` or `… patches FILE`.
pub(crate) const NAME: &str = "--floor";

/// How many patches are under way at the same time.
const AT_ONCE: usize = 32;

/// Makes the requests that the arguments name.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [kubeconfig, verb, rest @ ..] = arguments else { return ExitCode::FAILURE };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let kubeconfig = Path::new(kubeconfig);
        match verb.as_str() {
            "lists" => lists(&client(kubeconfig).await, rest).await,
            "lists-sharing" => lists(&sharing(kubeconfig).await, rest).await,
            _ => patches(&client(kubeconfig).await, &rest[0]).await,
        }
    });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

/// Returns a client for the context of a kubeconfig.
pub(crate) async fn client(kubeconfig: &Path) -> kube::Client {
    kube::Client::try_from(configuration(kubeconfig).await).expect("a client")
}

async fn configuration(kubeconfig: &Path) -> kube::Config {
    let file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a configuration")
}

/// Returns a client whose requests share one connection over HTTP/2, as rayform's do.
async fn sharing(kubeconfig: &Path) -> kube::Client {
    let config = configuration(kubeconfig).await;
    let tls = config.rustls_client_config().expect("a way to trust the server");
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_all_versions().build();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer().expect("credentials"))
        .map_err(BoxError::from)
        .service(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector));
    kube::Client::new(service, "default")
}

/// Reads all lists at once, as text.
async fn lists(client: &kube::Client, paths: &[String]) {
    let reads = paths.iter().map(|path| {
        let (client, request) = (client.clone(), Request::get(path).body(Vec::new()).expect("a request"));
        tokio::spawn(async move { client.request_text(request).await.expect("a list").len() })
    });
    for read in futures::future::join_all(reads).await {
        assert!(read.expect("no panic") > 0);
    }
}

/// Sends the patches of a file, one a line as `PATH BODY`, some at the same time.
async fn patches(client: &kube::Client, file: &str) {
    let text = std::fs::read_to_string(file).expect("a file");
    let sends = text.lines().map(|line| {
        let (path, body) = line.split_once(' ').expect("a path and a body");
        let request = Request::patch(path).header("content-type", "application/apply-patch+yaml");
        let (client, request) = (client.clone(), request.body(body.as_bytes().to_vec()).expect("a request"));
        async move { client.request_text(request).await.expect("an object") }
    });
    let answers: Vec<String> = futures::stream::iter(sends).buffer_unordered(AT_ONCE).collect().await;
    assert!(!answers.is_empty());
}

//! A plain client for the API server of a story, for what somebody else does to the cluster.
use std::path::Path;
use std::time::{Duration, Instant};

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Sends requests and waits for the answers.
pub(crate) struct Api {
    runtime: Runtime,
    client: kube::Client,
}

impl Api {
    pub(crate) fn new(kubeconfig: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
            let options = KubeConfigOptions::default();
            let mut config = kube::Config::from_custom_kubeconfig(file, &options).await.expect("a configuration");
            config.default_retry = false;
            kube::Client::try_from(config).expect("a client")
        });
        Self { runtime, client }
    }

    /// Waits until the server says that it is ready.
    pub(crate) fn wait_until_ready(&self) {
        let is_ready = || {
            let request = Request::get("/readyz").body(Vec::new()).expect("a request");
            self.runtime.block_on(self.client.request_text(request)).is_ok_and(|text| text == "ok")
        };
        wait_for("the API server", is_ready);
    }

    /// Returns the answer, or the server's message.
    pub(crate) fn send(&self, method: Method, path: &str, content_type: &str, body: &Value) -> Result<Value, String> {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        let request = request.body(bytes).expect("a request");
        self.runtime.block_on(self.client.request::<Value>(request)).map_err(|error| error.to_string())
    }

    /// Returns the object at a path, where there is one.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.send(Method::GET, path, "application/json", &Value::Null).ok()
    }

    /// Returns the items of a list; none where the list cannot be read.
    pub(crate) fn items(&self, path: &str) -> Vec<Value> {
        let list = self.get(path).unwrap_or_default();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Creates an object; one that exists already is left alone.
    pub(crate) fn post(&self, path: &str, body: &Value) {
        self.send(Method::POST, path, "application/json", body).unwrap_or_default();
    }

    /// Sends a merge patch; an object that is gone by now is no matter.
    pub(crate) fn merge(&self, path: &str, body: &Value) {
        self.send(Method::PATCH, path, "application/merge-patch+json", body).unwrap_or_default();
    }

    /// Deletes an object; one that is gone by now is no matter.
    pub(crate) fn delete(&self, path: &str, options: &Value) {
        self.send(Method::DELETE, path, "application/json", options).unwrap_or_default();
    }
}

/// Looks again and again until something is true; gives up after a minute.
pub(crate) fn wait_for(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_true() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! Tests of the whole server through its router, on a held clock.
mod controllers;
mod faults;
mod kinds;
mod kubectl;
mod reads;
mod writes;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::Request;
use serde_json::json;
use tower::ServiceExt;

use super::{Clock, Sandbox};
use crate::model::Json;

const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// A sandbox in memory whose clock stands still, and what it was asked.
struct Bench(Sandbox);

/// An answer: its code, its body, and its `Warning` headers.
struct Answer {
    code: u16,
    body: Json,
    warnings: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        Self(Sandbox::open_with(None, Clock::held()).unwrap())
    }

    /// Returns a sandbox with the namespace `team`.
    async fn with_namespace() -> Self {
        let bench = Self::new();
        bench.post("/api/v1/namespaces", &json!({"metadata": {"name": "team"}})).await.expect(201);
        bench
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", "test/1.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.0.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let code = response.status().as_u16();
        let warnings = response.headers().get_all("warning").iter().map(|value| value.to_str().unwrap().to_owned());
        let warnings = warnings.collect();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Json::from(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { code, body, warnings }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }

    async fn post(&self, path: &str, body: &Json) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    async fn put(&self, path: &str, body: &Json) -> Answer {
        self.send("PUT", path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    async fn patch(&self, media_type: &str, path: &str, body: &Json) -> Answer {
        self.send("PATCH", path, &[("content-type", media_type)], body.to_string().into_bytes()).await
    }

    async fn delete(&self, path: &str, options: &Json) -> Answer {
        self.send("DELETE", path, &[("content-type", "application/json")], options.to_string().into_bytes()).await
    }

    /// Applies an object as a manager.
    async fn apply(&self, manager: &str, path: &str, object: &Json) -> Answer {
        self.patch(APPLY, &format!("{path}?fieldManager={manager}&fieldValidation=Strict"), object).await
    }

    /// Lets the controllers work for so many seconds.
    fn advance(&self, seconds: u64) {
        self.0.advance(Duration::from_secs(seconds));
    }
}

impl Answer {
    /// Checks the code, and returns the body.
    #[track_caller]
    fn expect(self, code: u16) -> Json {
        assert_eq!(self.code, code, "{}", self.body);
        self.body
    }

    /// Checks the code and the message of a refusal.
    #[track_caller]
    fn refused(self, code: u16, message: &str) {
        assert_eq!((self.code, self.body["message"].as_str().unwrap_or_default()), (code, message), "{}", self.body);
    }
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/team/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/team/deployments";
const PODS: &str = "/api/v1/namespaces/team/pods";

fn config_map(name: &str, data: &Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn deployment(name: &str, replicas: i64) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "nginx:1.25"}]}}},
    })
}

/// Returns the names of the items of a list.
fn names(list: &Json) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

/// Returns the condition of a kind.
fn condition<'a>(object: &'a Json, kind: &str) -> &'a Json {
    object["status"]["conditions"].as_array().unwrap().iter().find(|condition| condition["type"] == kind).unwrap()
}

//! What `kubectl` needs beside the verbs: protobuf bodies, permissions, explanations.
use serde_json::json;

use super::*;

#[tokio::test]
async fn namespaces_are_created_by_protobuf() {
    let bench = Bench::new();
    let body = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x1b\x0a\x13\x0a\x03zz2\x12\x00\x1a\x00\x22\x00\x2a\x002\x008\x00B\x00\x12\x00\x1a\x02\x0a\x00\x1a\x00\x22\x00";
    let media_type = "application/vnd.kubernetes.protobuf";
    let path = "/api/v1/namespaces?fieldManager=kubectl-create&fieldValidation=Strict";
    let object = bench.send("POST", path, &[("content-type", media_type)], body.to_vec()).await.expect(201);
    assert_eq!(object["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "zz2"}));
    assert_eq!(object["metadata"]["managedFields"][0]["manager"], "kubectl-create");
}

#[tokio::test]
async fn everything_is_allowed() {
    let bench = Bench::new();
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let review = bench.post(path, &json!({"spec": {"resourceAttributes": {"verb": "get"}}})).await.expect(201);
    assert_eq!(review["status"]["allowed"], true);
}

#[tokio::test]
async fn the_documents_say_that_fields_are_checked_on_the_server() {
    let bench = Bench::new();
    let document = bench.get("/openapi/v3/apis/apps/v1").await.expect(200);
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    assert!(patch["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == "fieldValidation"));
}

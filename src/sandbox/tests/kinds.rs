//! Discovery, documents, and kinds that definitions add.
use serde_json::json;

use super::*;

const FOOS: &str = "/apis/example.com/v1/namespaces/team/foos";

fn definition() -> Json {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "foos.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Foo", "plural": "foos"}, "versions": [{
            "name": "v1", "served": true, "storage": true,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.count", "statusReplicasPath": ".status.count"}},
            "additionalPrinterColumns": [{"name": "Count", "type": "integer", "jsonPath": ".spec.count"}],
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {
                    "count": {"type": "integer", "default": 3, "maximum": 10},
                    "items": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}}}}}},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}},
        }]},
    })
}

async fn with_definition() -> Bench {
    let bench = Bench::with_namespace().await;
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.example.com";
    bench.apply("x", path, &definition()).await.expect(201);
    bench
}

fn foo(spec: &Json) -> Json {
    json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "f"}, "spec": spec})
}

#[tokio::test]
async fn a_definition_is_served_at_once_and_established_soon() {
    let bench = with_definition().await;
    let group = bench.get("/apis/example.com/v1").await.expect(200);
    let resources: Vec<&str> =
        group["resources"].as_array().unwrap().iter().map(|resource| resource["name"].as_str().unwrap()).collect();
    assert_eq!(resources, ["foos", "foos/scale", "foos/status"]);
    bench.advance(1);
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.example.com";
    let object = bench.get(path).await.expect(200);
    assert_eq!(condition(&object, "Established")["status"], "True");
    assert_eq!(object["status"]["storedVersions"], json!(["v1"]));
}

#[tokio::test]
async fn custom_resources_are_defaulted_pruned_and_checked() {
    let bench = with_definition().await;
    let object = bench.apply("x", &format!("{FOOS}/f"), &foo(&json!({"items": [{"b": "c"}]}))).await.expect(201);
    assert_eq!(object["spec"], json!({"count": 3, "items": [{"a": "x", "b": "c"}]}));
    let again =
        bench.apply("x", &format!("{FOOS}/f"), &foo(&json!({"items": [{"b": "c", "a": "x"}]}))).await.expect(200);
    assert_eq!(object["metadata"]["resourceVersion"], again["metadata"]["resourceVersion"]);
    bench.apply("x", &format!("{FOOS}/g"), &json!({"apiVersion": "example.com/v1", "kind": "Foo", "spec": {"count": 50}})).await.refused(
        422,
        "Foo.example.com \"g\" is invalid: spec.count: Invalid value: 50: spec.count in body should be less than or equal to 10",
    );
    bench.apply("x", &format!("{FOOS}/g"), &json!({"apiVersion": "example.com/v1", "kind": "Foo", "spec": {"zz": 5}})).await.refused(
        500,
        "failed to create typed patch object (team/g; example.com/v1, Kind=Foo): .spec.zz: field not declared in schema",
    );
}

#[tokio::test]
async fn custom_resources_scale_by_their_own_paths() {
    let bench = with_definition().await;
    bench.apply("x", &format!("{FOOS}/f"), &foo(&json!({"count": 2}))).await.expect(201);
    let scale = bench.get(&format!("{FOOS}/f/scale")).await.expect(200);
    assert_eq!(scale["spec"], json!({"replicas": 2}));
    bench.patch(MERGE, &format!("{FOOS}/f/scale"), &json!({"spec": {"replicas": 5}})).await.expect(200);
    assert_eq!(bench.get(&format!("{FOOS}/f")).await.expect(200)["spec"]["count"], 5);
}

#[tokio::test]
async fn a_definition_takes_its_objects_with_it() {
    let bench = with_definition().await;
    bench.apply("x", &format!("{FOOS}/f"), &foo(&json!({}))).await.expect(201);
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.example.com";
    bench.delete(path, &json!({})).await.expect(200);
    bench.get(path).await.expect(200);
    bench.advance(2);
    bench.get(path).await.expect(404);
    bench.get(FOOS).await.expect(404);
}

#[tokio::test]
async fn discovery_has_both_forms() {
    let bench = with_definition().await;
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let groups = bench.send("GET", "/apis", &[("accept", accept)], Vec::new()).await.expect(200);
    assert_eq!(groups["kind"], "APIGroupDiscoveryList");
    let found = groups["items"].as_array().unwrap().iter().any(|group| group["metadata"]["name"] == "example.com");
    assert!(found);
    assert_eq!(bench.get("/api").await.expect(200)["versions"], json!(["v1"]));
    assert_eq!(bench.get("/apis/apps").await.expect(200)["preferredVersion"]["groupVersion"], "apps/v1");
    bench.get("/apis/nothing.example.com/v1").await.expect(404);
    bench.get("/apis/apps/v1/namespaces/team/nothings").await.expect(404);
}

#[tokio::test]
async fn the_openapi_document_of_a_custom_kind_can_be_merged_by() {
    let bench = with_definition().await;
    let document = bench.get("/openapi/v3/apis/example.com/v1").await.expect(200);
    let mut schemas = crate::ssa::Schemas::built_in();
    schemas.add_document("example.com/v1", &document).unwrap();
    assert!(schemas.of(&crate::model::Kind::new("example.com/v1", "Foo")).is_some());
    let index = bench.get("/openapi/v3").await.expect(200);
    assert!(index["paths"]["apis/example.com/v1"]["serverRelativeURL"].as_str().unwrap().contains("?hash="));
}

#[tokio::test]
async fn what_is_not_there_is_refused_loudly() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 1)).await.expect(201);
    bench.get(&format!("{PODS}/p/log")).await.expect(501);
    bench.get("/openapi/v2").await.expect(501);
    bench.get("/metrics").await.expect(404);
    bench.post(&format!("{DEPLOYMENTS}/d"), &json!({})).await.expect(405);
    bench.delete("/api/v1/namespaces", &json!({})).await.expect(405);
}

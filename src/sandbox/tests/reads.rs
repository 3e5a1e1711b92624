//! Lists, pages, selectors, tables and watches.
use axum::body::BodyDataStream;
use futures::StreamExt;
use serde_json::json;

use super::*;

async fn filled() -> Bench {
    let bench = Bench::with_namespace().await;
    for name in ["a", "b", "c", "d"] {
        let mut object = config_map(name, &json!({}));
        object["metadata"]["labels"] = json!({"letter": name});
        bench.post(CONFIG_MAPS, &object).await.expect(201);
    }
    bench
}

#[tokio::test]
async fn a_list_comes_in_pages_that_show_one_moment() {
    let bench = filled().await;
    let first = bench.get(&format!("{CONFIG_MAPS}?limit=3")).await.expect(200);
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b", "c"], &json!(1)));
    bench.post(CONFIG_MAPS, &config_map("e", &json!({}))).await.expect(201);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = bench.get(&format!("{CONFIG_MAPS}?limit=3&continue={token}")).await.expect(200);
    assert_eq!((names(&second), second["metadata"].get("continue")), (vec!["d"], None));
    assert_eq!(first["metadata"]["resourceVersion"], second["metadata"]["resourceVersion"]);
    bench.get(&format!("{CONFIG_MAPS}?limit=1&continue=abc")).await.expect(400);
}

#[tokio::test]
async fn selectors_choose() {
    let bench = filled().await;
    for (query, expected) in [
        ("labelSelector=letter%20in%20(a,b)", &["a", "b"][..]),
        ("labelSelector=letter!=a,letter", &["b", "c", "d"]),
        ("fieldSelector=metadata.name%3Dc", &["c"]),
    ] {
        let list = bench.get(&format!("{CONFIG_MAPS}?{query}")).await.expect(200);
        assert_eq!(names(&list), expected, "{query}");
    }
    bench
        .get(&format!("{CONFIG_MAPS}?fieldSelector=data.a=b"))
        .await
        .refused(400, "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
}

#[tokio::test]
async fn a_list_of_all_namespaces_is_in_the_order_of_names() {
    let bench = filled().await;
    bench.post("/api/v1/namespaces/default/configmaps", &config_map("z", &json!({}))).await.expect(201);
    let list = bench.get("/api/v1/configmaps").await.expect(200);
    assert_eq!((names(&list), &list["kind"]), (vec!["z", "a", "b", "c", "d"], &json!("ConfigMapList")));
}

#[tokio::test]
async fn a_version_of_the_future_is_refused() {
    let bench = filled().await;
    let answer = bench.get(&format!("{CONFIG_MAPS}?resourceVersion=999999")).await;
    assert_eq!((answer.code, &answer.body["reason"]), (504, &json!("Timeout")));
}

#[tokio::test]
async fn metadata_alone_can_be_asked_for() {
    let bench = filled().await;
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let list = bench.send("GET", CONFIG_MAPS, &[("accept", accept)], Vec::new()).await.expect(200);
    assert_eq!((&list["kind"], names(&list).len()), (&json!("PartialObjectMetadataList"), 4));
    assert_eq!(list["items"][0].get("data"), None);
}

async fn watch(bench: &Bench, path: &str) -> BodyDataStream {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = bench.0.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().into_data_stream()
}

async fn event(stream: &mut BodyDataStream) -> (String, Json) {
    let bytes = stream.next().await.expect("the watch goes on").unwrap();
    let event: Json = serde_json::from_slice(&bytes).unwrap();
    (event["type"].as_str().unwrap().to_owned(), event["object"].clone())
}

#[tokio::test]
async fn a_watch_tells_what_happens_after_its_version() {
    let bench = filled().await;
    let list = bench.get(CONFIG_MAPS).await.expect(200);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut stream = watch(&bench, &format!("{CONFIG_MAPS}?watch=true&resourceVersion={version}")).await;
    bench.post(CONFIG_MAPS, &config_map("new", &json!({}))).await.expect(201);
    bench.patch(MERGE, &format!("{CONFIG_MAPS}/a"), &json!({"data": {"k": "v"}})).await.expect(200);
    bench.delete(&format!("{CONFIG_MAPS}/b"), &json!({})).await.expect(200);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (kind, object) = event(&mut stream).await;
        seen.push(format!("{kind} {}", object["metadata"]["name"].as_str().unwrap()));
    }
    assert_eq!(seen, ["ADDED new", "MODIFIED a", "DELETED b"]);
}

#[tokio::test]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let bench = filled().await;
    let mut stream = watch(&bench, &format!("{CONFIG_MAPS}?watch=1&labelSelector=letter=c")).await;
    assert_eq!(event(&mut stream).await.0, "ADDED");
    bench.patch(MERGE, &format!("{CONFIG_MAPS}/c"), &json!({"metadata": {"labels": null}})).await.expect(200);
    assert_eq!(event(&mut stream).await.0, "DELETED", "it left the selection");
}

#[tokio::test]
async fn a_watch_from_a_forgotten_version_is_gone() {
    let bench = filled().await;
    bench.0.forget_history();
    let mut stream = watch(&bench, &format!("{CONFIG_MAPS}?watch=true&resourceVersion=1")).await;
    let (kind, status) = event(&mut stream).await;
    assert_eq!((kind.as_str(), &status["code"], &status["reason"]), ("ERROR", &json!(410), &json!("Expired")));
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_in_time_and_sends_a_bookmark_before() {
    let bench = filled().await;
    let path = format!(
        "{CONFIG_MAPS}?watch=true&resourceVersion=0&labelSelector=x&timeoutSeconds=30&allowWatchBookmarks=true"
    );
    let mut stream = watch(&bench, &path).await;
    assert_eq!(event(&mut stream).await.0, "BOOKMARK");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn initial_events_are_refused_as_by_a_server_without_them() {
    let bench = Bench::new();
    let path = "/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    bench.get(path).await.expect(422);
}

#[tokio::test]
async fn tables_have_the_columns_of_their_kind() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 2)).await.expect(201);
    bench.advance(30);
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let table = bench.send("GET", DEPLOYMENTS, &[("accept", accept)], Vec::new()).await.expect(200);
    let columns: Vec<&str> =
        table["columnDefinitions"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    assert_eq!(columns, ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]);
    assert_eq!(table["rows"][0]["cells"], json!(["d", "2/2", 2, 2, "30s", "main", "nginx:1.25", "app=d"]));
}

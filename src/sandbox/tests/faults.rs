//! Faults that tests ask for, and folders that outlive a sandbox.
use std::fs;

use serde_json::json;

use super::*;
use crate::sandbox::{Effect, Fault};

fn fault(method: &str, effect: Effect) -> Fault {
    Fault {
        method: Some(method.to_owned()),
        path_contains: Some("configmaps".to_owned()),
        query_contains: None,
        skip: 0,
        times: Some(1),
        effect,
    }
}

#[tokio::test]
async fn a_scripted_refusal_strikes_once_and_carries_nothing_out() {
    let bench = Bench::with_namespace().await;
    bench.0.fault(fault("POST", Effect::Status { code: 429, retry_after: Some(2) }));
    let refused = bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await;
    assert_eq!((refused.code, &refused.body["details"]["retryAfterSeconds"]), (429, &json!(2)));
    bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.expect(201);
}

#[tokio::test]
async fn a_lost_answer_may_stand_for_a_write_that_was_carried_out() {
    let bench = Bench::with_namespace().await;
    bench.0.fault(fault("POST", Effect::Reset { carried_out: true }));
    let lost = bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await;
    assert_eq!(lost.body, json!(""));
    bench.get(&format!("{CONFIG_MAPS}/a")).await.expect(200);
    bench.0.fault(fault("POST", Effect::Reset { carried_out: false }));
    bench.post(CONFIG_MAPS, &config_map("b", &json!({}))).await;
    bench.get(&format!("{CONFIG_MAPS}/b")).await.expect(404);
}

#[tokio::test]
async fn a_truncated_answer_ends_early() {
    let bench = Bench::with_namespace().await;
    bench.0.fault(fault("GET", Effect::Truncate { bytes: 10 }));
    assert_eq!(bench.get(CONFIG_MAPS).await.body.as_str().map(str::len), Some(10));
}

#[tokio::test]
async fn a_stale_list_shows_what_was() {
    let bench = Bench::with_namespace().await;
    bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.expect(201);
    bench.post(CONFIG_MAPS, &config_map("b", &json!({}))).await.expect(201);
    bench.delete(&format!("{CONFIG_MAPS}/a"), &json!({})).await.expect(200);
    bench.0.fault(fault("GET", Effect::StaleList { changes: 2 }));
    assert_eq!(names(&bench.get(CONFIG_MAPS).await.expect(200)), ["a"]);
    assert_eq!(names(&bench.get(CONFIG_MAPS).await.expect(200)), ["b"]);
}

#[tokio::test]
async fn a_list_can_be_gone() {
    let bench = Bench::with_namespace().await;
    bench.0.fault(fault("GET", Effect::Gone));
    assert_eq!(bench.get(CONFIG_MAPS).await.code, 410);
}

#[tokio::test]
async fn a_delay_lasts_by_the_held_clock() {
    let bench = Bench::with_namespace().await;
    bench.0.fault(fault("GET", Effect::Latency { milliseconds: 60_000 }));
    let sandbox = bench.0.clone();
    let slow = tokio::spawn(async move { Bench(sandbox).get(CONFIG_MAPS).await.code });
    tokio::task::yield_now().await;
    assert!(!slow.is_finished());
    bench.advance(61);
    assert_eq!(slow.await.unwrap(), 200);
}

#[tokio::test]
async fn a_dropped_watch_ends_after_its_events() {
    let bench = Bench::with_namespace().await;
    for name in ["a", "b"] {
        bench.post(CONFIG_MAPS, &config_map(name, &json!({}))).await.expect(201);
    }
    bench.0.fault(fault("WATCH", Effect::DropWatch { after_events: 1 }));
    let answer = bench.get(&format!("{CONFIG_MAPS}?watch=true")).await;
    assert_eq!((answer.code, &answer.body["type"]), (200, &json!("ADDED")));
}

#[tokio::test]
async fn a_folder_keeps_objects_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Bench(Sandbox::open_with(Some(folder.path()), Clock::held()).unwrap());
    let bench = open();
    bench.post("/api/v1/namespaces", &json!({"metadata": {"name": "team"}})).await.expect(201);
    bench.apply("x", &format!("{CONFIG_MAPS}/a"), &config_map("a", &json!({"k": "v"}))).await.expect(201);
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 1)).await.expect(201);
    let before = bench.get(CONFIG_MAPS).await.expect(200);
    assert!(matches!(Sandbox::open(Some(folder.path())), Err(crate::sandbox::SandboxError::Busy { .. })));
    drop(bench);

    let bench = open();
    let after = bench.get(CONFIG_MAPS).await.expect(200);
    assert_eq!(before, after);
    // What was left undone is done by the next process.
    bench.advance(5);
    let object = bench.get(&format!("{DEPLOYMENTS}/d")).await.expect(200);
    assert_eq!(object["status"]["readyReplicas"], 1);
}

#[tokio::test]
async fn a_folder_may_bring_faults() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("faults.json"),
        r#"[{"path_contains": "/pods", "effect": {"status": {"code": 503}}}]"#,
    )
    .unwrap();
    let bench = Bench(Sandbox::open_with(Some(folder.path()), Clock::held()).unwrap());
    bench.get("/api/v1/pods").await.expect(503);
    bench.get("/api/v1/nodes").await.expect(200);
    drop(bench);
    fs::write(folder.path().join("faults.json"), r#"[{"effect": "explode"}]"#).unwrap();
    let error = Sandbox::open(Some(folder.path())).unwrap_err();
    assert!(error.to_string().ends_with("faults.json` is no list of faults"), "{error}");
}

//! Creating, changing and deleting: what is kept, and what is refused with which words.
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_apply_creates_and_the_same_apply_changes_nothing() {
    let bench = Bench::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    let first = bench.apply("rayform", &path, &config_map("a", &json!({"k": "v"}))).await.expect(201);
    bench.advance(5);
    let second = bench.apply("rayform", &path, &config_map("a", &json!({"k": "v"}))).await.expect(200);
    assert_eq!(first, second);
    let entry = &first["metadata"]["managedFields"][0];
    assert_eq!((&entry["manager"], &entry["operation"]), (&json!("rayform"), &json!("Apply")));
    assert_eq!(entry["fieldsV1"], json!({"f:data": {"f:k": {}}}));
}

#[tokio::test]
async fn a_conflict_names_the_manager_and_the_field() {
    let bench = Bench::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    bench.apply("first", &path, &config_map("a", &json!({"k": "v"}))).await.expect(201);
    let conflict = bench.apply("second", &path, &config_map("a", &json!({"k": "w"}))).await;
    assert_eq!(conflict.body["details"]["causes"][0]["field"], ".data.k");
    conflict.refused(409, "Apply failed with 1 conflict: conflict with \"first\": .data.k");
    let forced = format!("{path}?force=true&fieldManager=second");
    let object = bench.patch(APPLY, &forced, &config_map("a", &json!({"k": "w"}))).await.expect(200);
    assert_eq!(object["data"], json!({"k": "w"}));
}

#[tokio::test]
async fn an_apply_reads_yaml() {
    let bench = Bench::with_namespace().await;
    let yaml = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n".to_vec();
    let path = format!("{CONFIG_MAPS}/a?fieldManager=kubectl");
    let object = bench.send("PATCH", &path, &[("content-type", APPLY)], yaml).await.expect(201);
    assert_eq!(object["data"], json!({"k": "v"}));
}

#[tokio::test]
async fn what_an_apply_must_say_is_asked_for() {
    let bench = Bench::with_namespace().await;
    let object = config_map("a", &json!({"k": "v"}));
    let path = format!("{CONFIG_MAPS}/a");
    bench.patch(APPLY, &path, &object).await.refused(
        422,
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
    );
    let mut managed = object.clone();
    managed["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    bench.apply("a", &path, &managed).await.refused(400, "metadata.managedFields must be nil");
    bench
        .apply("a", &format!("{CONFIG_MAPS}/b"), &object)
        .await
        .refused(400, "the name of the object (a) does not match the name on the URL (b)");
    bench.apply("a", &path, &json!({"metadata": {"name": "a"}})).await.refused(400, "invalid object type: /, Kind=");
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let bench = Bench::with_namespace().await;
    let before = bench.get(CONFIG_MAPS).await.expect(200);
    let path = format!("{CONFIG_MAPS}/a?fieldManager=x&dryRun=All");
    let object = bench.patch(APPLY, &path, &config_map("a", &json!({"k": "v"}))).await.expect(201);
    assert_eq!(object["metadata"].get("resourceVersion"), None);
    assert_eq!(bench.get(CONFIG_MAPS).await.expect(200), before);
}

#[tokio::test]
async fn unknown_fields_are_refused_warned_of_or_dropped() {
    let bench = Bench::with_namespace().await;
    let mut object = config_map("a", &json!({}));
    object["dta"] = json!({});
    bench.post(&format!("{CONFIG_MAPS}?fieldValidation=Strict"), &object).await.refused(
        400,
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dta\"",
    );
    let warned = bench.post(&format!("{CONFIG_MAPS}?dryRun=All"), &object).await;
    assert_eq!(warned.warnings, ["299 - \"unknown field \\\"dta\\\"\""]);
    let ignored = bench.post(&format!("{CONFIG_MAPS}?fieldValidation=Ignore"), &object).await;
    assert_eq!(ignored.warnings, Vec::<String>::new());
    assert_eq!(ignored.expect(201).get("dta"), None);
    bench
        .apply("x", &format!("{CONFIG_MAPS}/b"), &json!({"apiVersion": "v1", "kind": "ConfigMap", "dta": {}}))
        .await
        .refused(
            500,
            "failed to create typed patch object (team/b; /v1, Kind=ConfigMap): .dta: field not declared in schema",
        );
}

#[tokio::test]
async fn names_namespaces_and_duplicates_are_refused_as_the_server_does() {
    let bench = Bench::with_namespace().await;
    bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.expect(201);
    bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.refused(409, "configmaps \"a\" already exists");
    let elsewhere = "/api/v1/namespaces/nope/configmaps";
    bench.post(elsewhere, &config_map("a", &json!({}))).await.refused(404, "namespaces \"nope\" not found");
    let invalid = bench.post(CONFIG_MAPS, &config_map("Bad_Name", &json!({}))).await;
    assert_eq!(invalid.body["details"]["causes"][0]["field"], "metadata.name");
    assert_eq!(invalid.code, 422);
    bench
        .post(CONFIG_MAPS, &json!({"metadata": {}}))
        .await
        .refused(422, "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required");
    bench.get(&format!("{CONFIG_MAPS}/none")).await.refused(404, "configmaps \"none\" not found");
}

#[tokio::test]
async fn an_update_of_an_older_version_is_a_conflict() {
    let bench = Bench::with_namespace().await;
    bench.post(CONFIG_MAPS, &config_map("a", &json!({"k": "v"}))).await.expect(201);
    let mut object = config_map("a", &json!({"k": "w"}));
    object["metadata"]["resourceVersion"] = json!("1");
    let text = "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your \
                changes to the latest version and try again";
    bench.put(&format!("{CONFIG_MAPS}/a"), &object).await.refused(409, text);
    bench
        .apply("x", &format!("{CONFIG_MAPS}/a"), &object)
        .await
        .refused(409, "Apply failed with 1 conflict: conflict with \"test\" using v1 at 2026-01-01T00:00:00Z: .data.k");
}

#[tokio::test]
async fn the_generation_counts_changes_of_the_spec_alone() {
    let bench = Bench::with_namespace().await;
    let path = format!("{DEPLOYMENTS}/d");
    bench.apply("x", &path, &deployment("d", 1)).await.expect(201);
    let labelled = bench.patch(MERGE, &path, &json!({"metadata": {"labels": {"a": "b"}}})).await.expect(200);
    assert_eq!(labelled["metadata"]["generation"], 1);
    let scaled = bench.patch(MERGE, &path, &json!({"spec": {"replicas": 2}})).await.expect(200);
    assert_eq!(scaled["metadata"]["generation"], 2);
    let status = json!({"status": {"replicas": 7}});
    let written = bench.patch(MERGE, &format!("{path}/status"), &status).await.expect(200);
    assert_eq!((&written["metadata"]["generation"], &written["status"]["replicas"]), (&json!(2), &json!(7)));
    let ignored = bench.patch(MERGE, &path, &json!({"status": {"replicas": 9}})).await.expect(200);
    assert_eq!(ignored["status"]["replicas"], 7);
}

#[tokio::test]
async fn scaling_is_owned_through_the_subresource() {
    let bench = Bench::with_namespace().await;
    let path = format!("{DEPLOYMENTS}/d");
    bench.apply("rayform", &path, &deployment("d", 1)).await.expect(201);
    let scale = bench.patch(MERGE, &format!("{path}/scale"), &json!({"spec": {"replicas": 3}})).await.expect(200);
    assert_eq!((&scale["kind"], &scale["spec"]["replicas"]), (&json!("Scale"), &json!(3)));
    let conflict = bench.apply("rayform", &path, &deployment("d", 1)).await;
    // A server keeps no time of what was written through `scale`.
    let text =
        "Apply failed with 1 conflict: conflict with \"test\" with subresource \"scale\" using apps/v1: .spec.replicas";
    conflict.refused(409, text);
}

#[tokio::test]
async fn strategic_merge_patches_are_refused_with_a_way_out() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 1)).await.expect(201);
    let media_type = "application/strategic-merge-patch+json";
    bench.patch(media_type, &format!("{DEPLOYMENTS}/d"), &json!({})).await.refused(
        415,
        "the sandbox does not speak strategic merge patches: use `kubectl patch --type merge`, `--type json`, or \
         `kubectl apply --server-side`",
    );
}

#[tokio::test]
async fn deletes_check_their_preconditions() {
    let bench = Bench::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    let object = bench.post(CONFIG_MAPS, &config_map("a", &json!({}))).await.expect(201);
    let wrong = bench.delete(&path, &json!({"preconditions": {"uid": "x"}})).await;
    assert_eq!((wrong.code, &wrong.body["reason"]), (409, &json!("Conflict")));
    let wrong = bench.delete(&path, &json!({"preconditions": {"resourceVersion": "1"}})).await;
    assert_eq!(wrong.code, 409);
    let uid = object["metadata"]["uid"].clone();
    let done = bench.delete(&path, &json!({"preconditions": {"uid": uid}})).await.expect(200);
    assert_eq!((&done["status"], &done["details"]["kind"]), (&json!("Success"), &json!("configmaps")));
    bench.get(&path).await.expect(404);
}

#[tokio::test]
async fn an_object_with_finalizers_stays_until_they_are_gone() {
    let bench = Bench::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    let mut object = config_map("a", &json!({}));
    object["metadata"]["finalizers"] = json!(["example.com/wait"]);
    bench.post(CONFIG_MAPS, &object).await.expect(201);
    let left = bench.delete(&path, &json!({})).await.expect(200);
    assert!(left["metadata"]["deletionTimestamp"].is_string());
    let added = bench.patch(MERGE, &path, &json!({"metadata": {"finalizers": ["example.com/wait", "a.b/c"]}})).await;
    assert_eq!(added.code, 422);
    bench.patch(MERGE, &path, &json!({"metadata": {"finalizers": null}})).await.expect(200);
    bench.get(&path).await.expect(404);
}

#[tokio::test]
async fn immutable_fields_are_refused_with_the_words_of_the_server() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 1)).await.expect(201);
    let selector =
        json!({"spec": {"selector": {"matchLabels": {"b": "c"}}, "template": {"metadata": {"labels": {"b": "c"}}}}});
    let refused = bench.patch(MERGE, &format!("{DEPLOYMENTS}/d"), &selector).await;
    let cause = &refused.body["details"]["causes"][0];
    assert_eq!((refused.code, &cause["field"]), (422, &json!("spec.selector")));
    assert!(cause["message"].as_str().unwrap().ends_with("field is immutable"));

    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "c"},
        "provisioner": "p", "parameters": {"a": "b"}});
    let path = "/apis/storage.k8s.io/v1/storageclasses/c";
    bench.apply("x", path, &class).await.expect(201);
    bench.patch(MERGE, path, &json!({"parameters": {"a": "c"}})).await.refused(
        422,
        "StorageClass.storage.k8s.io \"c\" is invalid: parameters: Forbidden: updates to parameters are forbidden.",
    );
}

#[tokio::test]
async fn a_deployment_that_cannot_be_is_refused() {
    let bench = Bench::with_namespace().await;
    let mut wrong = deployment("d", 1);
    wrong["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    wrong["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
    let refused = bench.apply("x", &format!("{DEPLOYMENTS}/d"), &wrong).await;
    let fields: Vec<&str> = refused.body["details"]["causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| cause["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["spec.template.metadata.labels", "spec.template.spec.containers[0].volumeMounts[0].name"]);
}

#[tokio::test]
async fn deep_and_broken_bodies_are_refused() {
    let bench = Bench::with_namespace().await;
    let deep = format!("{}{}", "{\"a\":".repeat(50_000), "1".to_owned() + &"}".repeat(50_000));
    for body in [
        deep.into_bytes(),
        b"{\"a\"".to_vec(),
        b"\xff\xfe".to_vec(),
        b"[1]".to_vec(),
        b"\"text\"".to_vec(),
        b"null".to_vec(),
    ] {
        for (method, media_type, path) in [
            ("POST", "application/json", CONFIG_MAPS.to_owned()),
            ("PATCH", APPLY, format!("{CONFIG_MAPS}/a?fieldManager=x")),
            ("PATCH", MERGE, "/api/v1/namespaces/team".to_owned()),
        ] {
            let answer = bench.send(method, &path, &[("content-type", media_type)], body.clone()).await;
            assert!((400..500).contains(&answer.code), "{method} {media_type}: {} {}", answer.code, answer.body);
        }
    }
}

#[tokio::test]
async fn parts_of_the_wrong_type_are_refused() {
    let bench = Bench::with_namespace().await;
    for wrong in [
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": "x"}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": "x"}, "spec": {}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": "x"}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": [1]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "finalizers": [1, {}]}}),
    ] {
        let posted = bench.post(DEPLOYMENTS, &wrong).await;
        assert!((400..500).contains(&posted.code), "{wrong}: {} {}", posted.code, posted.body);
        let applied = bench.apply("x", &format!("{DEPLOYMENTS}/a"), &wrong).await;
        assert!((400..=500).contains(&applied.code), "{wrong}: {} {}", applied.code, applied.body);
    }
}

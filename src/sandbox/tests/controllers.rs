//! What the simulated controllers make of objects.
use serde_json::json;

use super::*;

async fn ready(replicas: i64) -> Bench {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", replicas)).await.expect(201);
    bench.advance(10);
    bench
}

#[tokio::test]
async fn a_deployment_becomes_available() {
    let bench = ready(2).await;
    let object = bench.get(&format!("{DEPLOYMENTS}/d")).await.expect(200);
    assert_eq!((&object["status"]["readyReplicas"], &object["status"]["observedGeneration"]), (&json!(2), &json!(1)));
    assert_eq!(condition(&object, "Available")["status"], "True");
    assert_eq!(condition(&object, "Progressing")["reason"], "NewReplicaSetAvailable");
    assert_eq!(object["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    let pods = bench.get(PODS).await.expect(200);
    assert!(pods["items"].as_array().unwrap().iter().all(|pod| pod["status"]["phase"] == "Running"));
}

#[tokio::test]
async fn nothing_moves_while_the_clock_is_held_and_nothing_after_all_is_done() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 1)).await.expect(201);
    assert_eq!(names(&bench.get(PODS).await.expect(200)).len(), 0);
    bench.advance(60);
    let version = bench.get(PODS).await.expect(200)["metadata"]["resourceVersion"].clone();
    bench.advance(3600);
    assert_eq!(bench.get(PODS).await.expect(200)["metadata"]["resourceVersion"], version);
}

#[tokio::test]
async fn a_new_template_is_rolled_out() {
    let bench = ready(3).await;
    let path = format!("{DEPLOYMENTS}/d");
    let mut changed = deployment("d", 3);
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:1.26");
    bench.apply("x", &path, &changed).await.expect(200);
    bench.advance(60);
    let object = bench.get(&path).await.expect(200);
    let status = &object["status"];
    assert_eq!(
        (&status["updatedReplicas"], &status["replicas"], &status["readyReplicas"]),
        (&json!(3), &json!(3), &json!(3))
    );
    assert_eq!(object["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    let pods = bench.get(PODS).await.expect(200);
    assert_eq!(names(&pods).len(), 3);
    assert!(pods["items"].as_array().unwrap().iter().all(|pod| pod["spec"]["containers"][0]["image"] == "nginx:1.26"));
}

#[tokio::test]
async fn recreate_has_never_both_templates() {
    let bench = Bench::with_namespace().await;
    let mut object = deployment("d", 1);
    object["spec"]["strategy"] = json!({"type": "Recreate"});
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &object).await.expect(201);
    bench.advance(10);
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:2");
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &object).await.expect(200);
    for _ in 0..400 {
        bench.0.advance(Duration::from_millis(10));
        assert!(names(&bench.get(PODS).await.expect(200)).len() <= 1);
    }
    let pods = bench.get(PODS).await.expect(200);
    assert_eq!(pods["items"][0]["spec"]["containers"][0]["image"], "nginx:2");
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_shows_in_the_pod() {
    let bench = Bench::with_namespace().await;
    let mut object = deployment("d", 1);
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("nginx:does-not-exist");
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &object).await.expect(201);
    bench.advance(5);
    let pods = bench.get(PODS).await.expect(200);
    let status = &pods["items"][0]["status"];
    assert_eq!(
        (&status["phase"], &status["containerStatuses"][0]["state"]["waiting"]["reason"]),
        (&json!("Pending"), &json!("ImagePullBackOff"))
    );
    bench.advance(700);
    let object = bench.get(&format!("{DEPLOYMENTS}/d")).await.expect(200);
    assert_eq!(condition(&object, "Progressing")["reason"], "ProgressDeadlineExceeded");
}

#[tokio::test]
async fn a_pod_that_fits_nowhere_says_why() {
    let bench = Bench::with_namespace().await;
    let mut object = deployment("d", 1);
    object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"limits": {"nvidia.com/gpu": 9}});
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &object).await.expect(201);
    bench.advance(5);
    let pods = bench.get(PODS).await.expect(200);
    let scheduled = condition(&pods["items"][0], "PodScheduled");
    assert_eq!(scheduled["reason"], "Unschedulable");
    assert_eq!(
        scheduled["message"],
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 No preemption \
         victims found for incoming pod."
    );
}

#[tokio::test]
async fn a_quota_refuses_pods_and_the_deployment_says_so() {
    let bench = Bench::with_namespace().await;
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}});
    bench.post("/api/v1/namespaces/team/resourcequotas", &quota).await.expect(201);
    bench.apply("x", &format!("{DEPLOYMENTS}/d"), &deployment("d", 2)).await.expect(201);
    bench.advance(5);
    let object = bench.get(&format!("{DEPLOYMENTS}/d")).await.expect(200);
    let failure = condition(&object, "ReplicaFailure");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.ends_with("is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"),
        "{message}"
    );
    let quota = bench.get("/api/v1/namespaces/team/resourcequotas/q").await.expect(200);
    assert_eq!(quota["status"], json!({"hard": {"pods": "1"}, "used": {"pods": "1"}}));
}

#[tokio::test]
async fn a_limit_range_fills_in_what_pods_leave_out() {
    let bench = Bench::with_namespace().await;
    let range = json!({"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}}]}});
    bench.post("/api/v1/namespaces/team/limitranges", &range).await.expect(201);
    let pod = |cpu: &str| json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": cpu}}}]}});
    bench
        .post(PODS, &pod("3"))
        .await
        .refused(403, "pods \"p\" is forbidden: maximum cpu usage per Container is 2, but limit is 3");
    let mut plain = pod("1");
    plain["spec"]["containers"][0].as_object_mut().unwrap().remove("resources");
    let object = bench.post(PODS, &plain).await.expect(201);
    assert_eq!(object["spec"]["containers"][0]["resources"], json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}));
}

fn stateful_set(image: &str) -> Json {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "s"},
        "spec": {"serviceName": "s", "replicas": 2, "selector": {"matchLabels": {"app": "s"}},
            "template": {"metadata": {"labels": {"app": "s"}}, "spec": {"containers": [
                {"name": "c", "image": image, "volumeMounts": [{"name": "data", "mountPath": "/d"}]}]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]},
    })
}

const STATEFUL_SETS: &str = "/apis/apps/v1/namespaces/team/statefulsets";
const CLAIMS: &str = "/api/v1/namespaces/team/persistentvolumeclaims";

#[tokio::test]
async fn a_stateful_set_has_numbered_pods_and_bound_claims() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{STATEFUL_SETS}/s"), &stateful_set("redis:7")).await.expect(201);
    bench.advance(10);
    assert_eq!(names(&bench.get(PODS).await.expect(200)), ["s-0", "s-1"]);
    let claims = bench.get(CLAIMS).await.expect(200);
    assert_eq!(names(&claims), ["data-s-0", "data-s-1"]);
    assert!(claims["items"].as_array().unwrap().iter().all(|claim| claim["status"]["phase"] == "Bound"));
    bench.apply("x", &format!("{STATEFUL_SETS}/s"), &stateful_set("redis:8")).await.expect(200);
    bench.advance(20);
    let object = bench.get(&format!("{STATEFUL_SETS}/s")).await.expect(200);
    let status = &object["status"];
    assert_eq!((&status["updatedReplicas"], &status["readyReplicas"]), (&json!(2), &json!(2)));
    assert_eq!(status["currentRevision"], status["updateRevision"]);
}

#[tokio::test]
async fn orphaned_pods_are_adopted_by_the_next_stateful_set() {
    let bench = Bench::with_namespace().await;
    bench.apply("x", &format!("{STATEFUL_SETS}/s"), &stateful_set("redis:7")).await.expect(201);
    bench.advance(10);
    let before = bench.get(&format!("{PODS}/s-0")).await.expect(200);
    bench.delete(&format!("{STATEFUL_SETS}/s"), &json!({"propagationPolicy": "Orphan"})).await.expect(200);
    bench.advance(5);
    bench.get(&format!("{STATEFUL_SETS}/s")).await.expect(404);
    bench.apply("x", &format!("{STATEFUL_SETS}/s"), &stateful_set("redis:7")).await.expect(201);
    bench.advance(5);
    let after = bench.get(&format!("{PODS}/s-0")).await.expect(200);
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"]);
    assert_eq!(after["metadata"]["ownerReferences"][0]["kind"], "StatefulSet");
}

#[tokio::test]
async fn a_claim_waits_for_its_first_consumer() {
    let bench = Bench::with_namespace().await;
    let claim = json!({"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let object = bench.post(CLAIMS, &claim).await.expect(201);
    assert_eq!(object["spec"]["storageClassName"], "standard");
    bench.advance(10);
    assert_eq!(bench.get(&format!("{CLAIMS}/c")).await.expect(200)["status"]["phase"], "Pending");
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}});
    bench.post(PODS, &pod).await.expect(201);
    bench.advance(10);
    assert_eq!(bench.get(&format!("{CLAIMS}/c")).await.expect(200)["status"]["phase"], "Bound");
    assert_eq!(bench.get(&format!("{PODS}/p")).await.expect(200)["status"]["phase"], "Running");
    bench.delete(&format!("{CLAIMS}/c"), &json!({})).await.expect(200);
    bench.advance(5);
    bench.get(&format!("{CLAIMS}/c")).await.expect(200);
    bench.delete(&format!("{PODS}/p"), &json!({})).await.expect(200);
    bench.advance(5);
    bench.get(&format!("{CLAIMS}/c")).await.expect(404);
}

#[tokio::test]
async fn deleting_a_deployment_takes_everything_with_it() {
    for policy in ["Background", "Foreground"] {
        let bench = ready(2).await;
        bench.delete(&format!("{DEPLOYMENTS}/d"), &json!({"propagationPolicy": policy})).await.expect(200);
        bench.advance(10);
        bench.get(&format!("{DEPLOYMENTS}/d")).await.expect(404);
        assert_eq!(names(&bench.get(PODS).await.expect(200)), Vec::<&str>::new(), "{policy}");
    }
}

#[tokio::test]
async fn a_namespace_goes_with_its_content_or_says_what_it_waits_for() {
    let bench = ready(1).await;
    let mut object = config_map("a", &json!({}));
    object["metadata"]["finalizers"] = json!(["example.com/wait"]);
    bench.post(CONFIG_MAPS, &object).await.expect(201);
    let left = bench.delete("/api/v1/namespaces/team", &json!({})).await.expect(200);
    assert_eq!(left["status"]["phase"], "Terminating");
    bench.advance(10);
    let namespace = bench.get("/api/v1/namespaces/team").await.expect(200);
    assert_eq!(
        condition(&namespace, "NamespaceFinalizersRemaining")["message"],
        "Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances"
    );
    let refused = bench.post(CONFIG_MAPS, &config_map("b", &json!({}))).await;
    assert_eq!((refused.code, &refused.body["details"]["causes"][0]["reason"]), (403, &json!("NamespaceTerminating")));
    bench.patch(MERGE, &format!("{CONFIG_MAPS}/a"), &json!({"metadata": {"finalizers": null}})).await.expect(200);
    bench.advance(10);
    bench.get("/api/v1/namespaces/team").await.expect(404);
}

#[tokio::test]
async fn an_autoscaler_scales_when_it_is_told_to() {
    let bench = ready(1).await;
    let scaler = json!({"metadata": {"name": "h", "annotations": {"sandbox.rayform.dev/replicas": "4"}},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}}});
    let path = "/apis/autoscaling/v2/namespaces/team/horizontalpodautoscalers";
    bench.post(path, &scaler).await.expect(201);
    bench.advance(5);
    let object = bench.get(&format!("{DEPLOYMENTS}/d")).await.expect(200);
    assert_eq!(object["spec"]["replicas"], 4);
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let scaled = entries.iter().find(|entry| entry["subresource"] == "scale").unwrap();
    assert_eq!(
        (&scaled["manager"], &scaled["fieldsV1"]),
        (&json!("kube-controller-manager"), &json!({"f:spec": {"f:replicas": {}}}))
    );
    let scaler = bench.get(&format!("{path}/h")).await.expect(200);
    assert_eq!(condition(&scaler, "AbleToScale")["status"], "True");
}

#[tokio::test]
async fn jobs_run_to_their_end() {
    let bench = Bench::with_namespace().await;
    let job = json!({"metadata": {"name": "j"}, "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
    bench.post("/apis/batch/v1/namespaces/team/jobs", &job).await.expect(201);
    bench.advance(5);
    let job = bench.get("/apis/batch/v1/namespaces/team/jobs/j").await.expect(200);
    assert_eq!(
        (condition(&job, "Complete")["status"].as_str(), &job["status"]["succeeded"]),
        (Some("True"), &json!(1))
    );
}

#[tokio::test]
async fn a_daemon_set_has_a_pod_on_every_node() {
    let bench = Bench::with_namespace().await;
    let set = json!({"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"app": "d"}}, "template": {
        "metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
    bench.post("/apis/apps/v1/namespaces/team/daemonsets", &set).await.expect(201);
    bench.advance(5);
    let set = bench.get("/apis/apps/v1/namespaces/team/daemonsets/d").await.expect(200);
    assert_eq!((&set["status"]["desiredNumberScheduled"], &set["status"]["numberReady"]), (&json!(3), &json!(3)));
    let pods = bench.get(PODS).await.expect(200);
    let mut nodes: Vec<&str> =
        pods["items"].as_array().unwrap().iter().map(|pod| pod["spec"]["nodeName"].as_str().unwrap()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["node-0", "node-1", "node-2"]);
}

#[tokio::test]
async fn a_pod_without_its_secret_waits_for_it() {
    let bench = Bench::with_namespace().await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i", "env": [
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]}});
    bench.post(PODS, &pod).await.expect(201);
    bench.advance(5);
    let waiting = bench.get(&format!("{PODS}/p")).await.expect(200);
    assert_eq!(
        waiting["status"]["containerStatuses"][0]["state"]["waiting"],
        json!({"reason": "CreateContainerConfigError", "message": "secret \"s\" not found"})
    );
    bench
        .post("/api/v1/namespaces/team/secrets", &json!({"metadata": {"name": "s"}, "stringData": {"k": "v"}}))
        .await
        .expect(201);
    bench.advance(5);
    assert_eq!(bench.get(&format!("{PODS}/p")).await.expect(200)["status"]["phase"], "Running");
}

#[tokio::test]
async fn services_have_the_addresses_of_their_ready_pods() {
    let bench = ready(2).await;
    let service = json!({"metadata": {"name": "w"}, "spec": {"selector": {"app": "d"}, "ports": [{"port": 80}]}});
    let service = bench.post("/api/v1/namespaces/team/services", &service).await.expect(201);
    assert!(service["spec"]["clusterIP"].as_str().unwrap().starts_with("10.96."));
    bench.advance(5);
    let endpoints = bench.get("/api/v1/namespaces/team/endpoints/w").await.expect(200);
    assert_eq!(endpoints["subsets"][0]["addresses"].as_array().unwrap().len(), 2);
}

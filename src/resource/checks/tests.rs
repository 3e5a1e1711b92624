//! Each check that looks at several resources, on the smallest configuration that trips it.
use std::sync::Arc;

use serde_json::json;

use super::{annotate_checksums, findings};
use crate::model::{
    Address, Desired, DesiredObject, DesiredResource, Diagnostic, Exports, FileId, Json, Lifecycle, Object, Objects,
    Readiness, Span,
};

/// Puts each object into a resource of its own.
fn desired(objects: Vec<Json>) -> Desired {
    let span = Span { file: FileId(0), start: 0, end: 0 };
    let mut desired = Desired::default();
    for (index, json) in objects.into_iter().enumerate() {
        let address = Address::root("redis", &format!("r{index}"));
        let object = Object::new(json).unwrap();
        let resource = DesiredResource {
            address: address.clone(),
            span,
            cluster: crate::model::ClusterName::default(),
            lifecycle: Lifecycle::default(),
            triggers: Vec::new(),
            objects: Objects::Known(vec![DesiredObject::new(object, span, |_, _| Readiness::ready())]),
            exports: Exports { address: address.clone(), values: Arc::default() },
            on_restart: None,
            on_delete: None,
            before_delete: Vec::new(),
        };
        desired.resources.insert(address, resource);
    }
    desired
}

fn check(desired: &Desired) -> Vec<Diagnostic> {
    findings(desired).into_iter().map(|(_, diagnostic)| diagnostic).collect()
}

#[track_caller]
fn expect(objects: Vec<Json>, expected: &[&str]) {
    let found: Vec<_> = check(&desired(objects)).iter().map(|diagnostic| diagnostic.code.unwrap()).collect();
    assert_eq!(found, expected);
}

fn object(kind: &str, name: &str, spec: Json) -> Json {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "a"}, "spec": spec})
}

fn namespace(labels: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": labels}})
}

/// A workload whose pods bear `app=<name>`.
fn workload(name: &str, replicas: Json, pod: Json) -> Json {
    let mut spec = json!({"template": {"metadata": {"labels": {"app": name}}, "spec": pod}});
    if !replicas.is_null() {
        spec["replicas"] = replicas;
    }
    object("Deployment", name, spec)
}

fn ray(name: &str, node_type: &str, environment: Json) -> Json {
    let labels = json!({"ray.io/cluster": "c", "ray.io/node-type": node_type});
    let pod = json!({"containers": [{"name": format!("ray-{node_type}"), "env": environment}]});
    object("Deployment", name, json!({"template": {"metadata": {"labels": labels}, "spec": pod}}))
}

fn containers(resources: Json) -> Json {
    json!({"containers": [{"name": "main", "resources": resources}]})
}

fn scaler(target: &str, more: Json) -> Json {
    let mut spec =
        json!({"scaleTargetRef": {"kind": "Deployment", "name": target}, "minReplicas": 1, "maxReplicas": 4});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    object("HorizontalPodAutoscaler", "s", spec)
}

fn quota(hard: Json) -> Json {
    object("ResourceQuota", "q", json!({"hard": hard}))
}

#[test]
fn sums_are_held_against_quotas() {
    let pods = |replicas: i64| workload("w", json!(replicas), containers(json!({"requests": {"cpu": "500m"}})));
    expect(vec![quota(json!({"cpu": 1})), pods(2)], &[]);
    expect(vec![quota(json!({"requests.cpu": 1})), pods(3)], &["RF801"]);
    expect(vec![quota(json!({"pods": 2})), pods(3)], &["RF801"]);
    let scaled = workload("w", Json::Null, containers(json!({"requests": {"cpu": "500m"}})));
    let found = check(&desired(vec![quota(json!({"cpu": 1})), scaled, scaler("w", json!({}))]));
    assert_eq!(found[0].message, "the quota of `a` allows 1 `cpu`, its autoscalers may ask for 2");
    assert!(!found[0].is_error());
}

#[test]
fn init_containers_count_where_they_are_larger() {
    let pod = json!({
        "initContainers": [{"name": "i", "resources": {"limits": {"cpu": 3}}}],
        "containers": [{"name": "m", "resources": {"limits": {"cpu": 1}}}],
    });
    expect(vec![quota(json!({"cpu": 2})), workload("w", json!(1), pod)], &["RF801"]);
}

#[test]
fn bounded_resources_must_be_said() {
    let pods = workload("w", json!(1), containers(json!({"requests": {"cpu": 1}})));
    expect(vec![quota(json!({"limits.cpu": 9})), pods.clone()], &["RF802"]);
    let range = object("LimitRange", "l", json!({"limits": [{"type": "Container", "default": {"cpu": 2}}]}));
    expect(vec![quota(json!({"limits.cpu": 9})), pods, range], &[]);
}

#[test]
fn containers_stay_within_limits() {
    let range = object("LimitRange", "l", json!({"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}));
    expect(vec![range, workload("w", json!(1), containers(json!({"limits": {"memory": "2Gi"}})))], &["RF803"]);
}

#[test]
fn gpus_are_bounded_too() {
    let resources = json!({"limits": {"cpu": 1, "nvidia.com/gpu": 1}, "requests": {"cpu": 1}});
    expect(vec![quota(json!({"cpu": 9})), workload("w", json!(1), containers(resources))], &["RF804"]);
}

#[test]
fn replacing_pods_needs_room() {
    let mut pods = workload("w", json!(2), containers(json!({"requests": {"cpu": 1}})));
    pods["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": "25%"}});
    expect(vec![quota(json!({"cpu": 2})), pods.clone()], &["RF806"]);
    expect(vec![quota(json!({"cpu": 3})), pods], &[]);
}

#[test]
fn what_pods_name_must_be_there() {
    let pods = |key: &str| {
        let variable = json!({"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": key}}});
        workload("w", json!(1), json!({"containers": [{"name": "m", "env": [variable]}]}))
    };
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "a"}, "data": {"k": "eA=="}});
    expect(vec![pods("k"), secret.clone()], &[]);
    expect(vec![pods("other"), secret], &["RF614"]);
    let found = check(&desired(vec![pods("k"), namespace(json!({}))]));
    assert_eq!(found[0].message, "Deployment `w` needs the Secret `s`, which this configuration does not make");
}

#[test]
fn claims_for_one_node_are_for_one_pod() {
    let claim = |mode: &str| object("PersistentVolumeClaim", "c", json!({"accessModes": [mode]}));
    let volumes = json!({"containers": [], "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]});
    expect(vec![claim("ReadWriteOnce"), workload("w", json!(2), volumes.clone())], &["RF206"]);
    expect(vec![claim("ReadWriteOnce"), workload("w", json!(1), volumes.clone())], &[]);
    expect(vec![claim("ReadWriteMany"), workload("w", json!(2), volumes)], &[]);
}

#[test]
fn config_maps_have_a_limit() {
    let data = json!({"k": "x".repeat(1 << 20)});
    expect(vec![json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data})], &["RF956"]);
}

#[test]
fn selectors_mean_pods() {
    let service = |app: &str| object("Service", "s", json!({"selector": {"app": app}}));
    expect(vec![service("w"), workload("w", json!(1), containers(json!({})))], &[]);
    expect(vec![service("x"), workload("w", json!(1), containers(json!({})))], &["RF607"]);
}

#[test]
fn heads_are_found_before_they_are_ready() {
    let selector = json!({"ray.io/cluster": "c"});
    let service = object("Service", "s", json!({"clusterIP": "None", "selector": selector}));
    expect(vec![service, ray("h", "head", json!([]))], &["RF611"]);
}

#[test]
fn policies_let_ray_work() {
    let policy = |spec: Json| {
        let mut policy = json!({"podSelector": {"matchLabels": {"ray.io/cluster": "c"}}});
        policy.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        object("NetworkPolicy", "p", policy)
    };
    let pods = || ray("w", "worker", json!([]));
    let same = json!({"podSelector": {"matchLabels": {"ray.io/cluster": "c"}}});
    expect(vec![policy(json!({"policyTypes": ["Ingress"], "ingress": [{"from": [same]}]})), pods()], &[]);
    let by_name = json!({"namespaceSelector": {"matchLabels": {"name": "a"}}});
    expect(
        vec![policy(json!({"policyTypes": ["Ingress"], "ingress": [{"from": [by_name]}]})), pods()],
        &["RF608", "RF603"],
    );
    expect(
        vec![
            policy(json!({"policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "TCP"}]}]})),
            pods(),
        ],
        &["RF604"],
    );
}

#[test]
fn restricted_namespaces_refuse_open_pods() {
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    expect(vec![namespace(labels), workload("w", json!(1), containers(json!({})))], &["RF613"]);
}

#[test]
fn monitors_read_ports_that_are_there() {
    let monitor = object(
        "PodMonitor",
        "m",
        json!({"selector": {"matchLabels": {"app": "w"}}, "podMetricsEndpoints": [{"port": "metrics"}]}),
    );
    expect(vec![monitor, workload("w", json!(1), containers(json!({})))], &["RF952"]);
}

#[test]
fn autoscalers_scale_pools() {
    expect(vec![ray("h", "head", json!([])), scaler("h", json!({}))], &["RF303"]);
    expect(vec![workload("w", json!(2), containers(json!({}))), scaler("w", json!({}))], &["RF503"]);
    let metric = json!({"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization"}}});
    expect(
        vec![workload("w", Json::Null, containers(json!({}))), scaler("w", json!({"metrics": [metric]}))],
        &["RF504"],
    );
    expect(vec![scaler("w", json!({"scaleTargetRef": {"kind": "RayCluster", "name": "c"}}))], &["RF502"]);
}

#[test]
fn heads_do_not_share_their_place_in_redis() {
    let variables = |place: Json| {
        json!([
            {"name": "RAY_REDIS_ADDRESS", "value": "redis.b.svc.cluster.local:6379"},
            {"name": "RAY_external_storage_namespace", "value": place},
        ])
    };
    expect(vec![ray("h", "head", variables(json!("x"))), ray("i", "head", variables(json!("y")))], &[]);
    expect(vec![ray("h", "head", variables(json!("x"))), ray("i", "head", variables(json!("x")))], &["RF307"]);
    let address = json!([{"name": "RAY_REDIS_ADDRESS", "value": "redis:6379"}]);
    expect(vec![namespace(json!({})), ray("h", "head", address)], &["RF305", "RF307"]);
}

#[test]
fn pods_carry_the_checksums_of_what_they_read() {
    let map = |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "a"}, "data": {"k": text}});
    let pods =
        || workload("w", json!(1), json!({"containers": [], "volumes": [{"name": "v", "configMap": {"name": "m"}}]}));
    let annotated = |text: &str| {
        let mut desired = desired(vec![map(text), pods()]);
        annotate_checksums(&mut desired);
        let once = format!("{:?}", desired.resources);
        annotate_checksums(&mut desired);
        assert_eq!(format!("{:?}", desired.resources), once);
        let object = &desired.resources[&Address::root("redis", "r1")].objects.known()[0].object;
        object.text("/spec/template/metadata/annotations/rayform.dev~1configmap-m").map(str::to_owned)
    };
    assert!(annotated("x").is_some());
    assert_ne!(annotated("x"), annotated("y"));
}

//! Plays the kubelet of made-up nodes: bound pods run, Jobs end, claims get volumes.
//!
//! A pod whose image's tag is `missing` never comes up: its image cannot be pulled.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Api;

/// How many nodes there are; each has 64 CPU, 256 GiB and 8 GPUs.
const NODES: usize = 3;
const PAUSE: Duration = Duration::from_millis(150);

/// A thread that looks at nodes, pods and claims again and again until it is dropped.
pub(crate) struct Fakelet {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fakelet {
    /// Waits until the server answers and its nodes are there, then goes on in the background.
    pub(crate) fn start(kubeconfig: &Path) -> Self {
        let api = Api::new(kubeconfig);
        api.wait_until_ready();
        (0..NODES).for_each(|index| register(&api, index));
        api.post("/apis/storage.k8s.io/v1/storageclasses", &default_class());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let run = move || {
            let mut round = 0_u32;
            while !stopped.load(Ordering::Relaxed) {
                tend(&api, round);
                round += 1;
                std::thread::sleep(PAUSE);
            }
        };
        Self { stop, thread: Some(std::thread::spawn(run)) }
    }
}

impl Drop for Fakelet {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the fakelet does not panic");
        }
    }
}

/// Looks at everything once.
fn tend(api: &Api, round: u32) {
    if round.is_multiple_of(40) {
        (0..NODES).for_each(|index| beat(api, index));
    }
    let classes = api.items("/apis/storage.k8s.io/v1/storageclasses");
    for claim in api.items("/api/v1/persistentvolumeclaims") {
        bind(api, &claim, &classes);
    }
    for volume in api.items("/api/v1/persistentvolumes") {
        release(api, &volume);
    }
    for (index, pod) in api.items("/api/v1/pods").iter().enumerate() {
        tend_pod(api, pod, round as usize * 100 + index);
    }
}

/// Returns the class of claims that name none, as most clusters have one.
fn default_class() -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "example.com/made-up",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "volumeBindingMode": "WaitForFirstConsumer",
    })
}

fn register(api: &Api, index: usize) {
    let name = format!("node-{index}");
    let zone = ["a", "b", "c"][index % 3];
    let labels = json!({
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": format!("zone-{zone}"), "topology.kubernetes.io/region": "r1",
    });
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}});
    api.post("/api/v1/nodes", &node);
    beat(api, index);
}

/// Keeps a node ready and free of taints.
fn beat(api: &Api, index: usize) {
    let path = format!("/api/v1/nodes/node-{index}");
    let capacity =
        json!({"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "500Gi", "nvidia.com/gpu": "8"});
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "made up",
        "lastHeartbeatTime": now(), "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let status = json!({"status": {"capacity": capacity, "allocatable": capacity, "conditions": [ready]}});
    api.merge(&format!("{path}/status"), &status);
    api.merge(&path, &json!({"spec": {"taints": null}}));
}

fn tend_pod(api: &Api, pod: &Value, number: usize) {
    let path = format!("/api/v1/namespaces/{}/pods/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        return api.delete(&path, &json!({"gracePeriodSeconds": 0}));
    }
    let phase = text(pod, "/status/phase");
    if text(pod, "/spec/nodeName").is_empty() || phase == "Running" || phase == "Succeeded" {
        return;
    }
    let containers = pod["spec"]["containers"].as_array().expect("a pod has containers");
    if containers.iter().any(|container| text(container, "/image").ends_with(":does-not-exist")) {
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}});
        return set_status(api, &path, containers, "Pending", &waiting, false, number);
    }
    if text(pod, "/metadata/ownerReferences/0/kind") == "Job" {
        let ended =
            json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}});
        return set_status(api, &path, containers, "Succeeded", &ended, false, number);
    }
    set_status(api, &path, containers, "Running", &json!({"running": {"startedAt": now()}}), true, number);
}

fn set_status(api: &Api, path: &str, containers: &[Value], phase: &str, state: &Value, ready: bool, number: usize) {
    let container = |it: &Value| {
        json!({"name": it["name"], "image": it["image"], "imageID": "", "ready": ready, "started": ready,
               "restartCount": 0, "state": state})
    };
    let condition = |kind: &str| {
        let holds = ready || kind == "Initialized" || kind == "PodScheduled";
        json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now()})
    };
    let conditions: Vec<_> = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition).to_vec();
    let ip = format!("10.{}.{}.{}", (number >> 16) % 250, (number >> 8) & 255, number & 255);
    let statuses: Vec<_> = containers.iter().map(container).collect();
    let status = json!({
        "phase": phase, "conditions": conditions, "containerStatuses": statuses, "podIP": ip,
        "podIPs": [{"ip": ip}], "hostIP": "127.0.0.1", "startTime": now(),
    });
    api.merge(&format!("{path}/status"), &json!({ "status": status }));
}

/// Makes a volume for a claim, unless its class waits for a pod that is not scheduled yet.
fn bind(api: &Api, claim: &Value, classes: &[Value]) {
    let is_done = !text(claim, "/spec/volumeName").is_empty() || claim.pointer("/metadata/deletionTimestamp").is_some();
    let class_name = text(claim, "/spec/storageClassName");
    let Some(class) = classes.iter().find(|class| text(class, "/metadata/name") == class_name) else { return };
    let waits = text(class, "/volumeBindingMode") == "WaitForFirstConsumer"
        && claim.pointer("/metadata/annotations/volume.kubernetes.io~1selected-node").is_none();
    if is_done || waits {
        return;
    }
    let name = format!("pvc-{}", text(claim, "/metadata/uid"));
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": class["provisioner"]}},
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"], "storageClassName": class_name, "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"], "hostPath": {"path": format!("/tmp/{name}")},
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim["metadata"]["name"],
                "namespace": claim["metadata"]["namespace"], "uid": claim["metadata"]["uid"],
            },
        },
    });
    api.post("/api/v1/persistentvolumes", &volume);
}

/// Removes volumes that nobody claims any more.
fn release(api: &Api, volume: &Value) {
    let path = format!("/api/v1/persistentvolumes/{}", text(volume, "/metadata/name"));
    let phase = text(volume, "/status/phase");
    if phase == "Released" && text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        api.delete(&path, &json!({}));
    }
    if volume.pointer("/metadata/deletionTimestamp").is_some() && phase != "Bound" {
        api.merge(&path, &json!({"metadata": {"finalizers": null}}));
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

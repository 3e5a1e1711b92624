//! What a new sandbox holds: the namespaces that every cluster has, three nodes, a storage class, and the
//! kinds of the Prometheus operator, so that monitors can be tried.
use serde_json::json;

use super::super::kinds::Resource;
use super::super::status::Status;
use super::super::world::World;
use super::super::write::{self, Writer};
use crate::model::Json;

/// How many nodes there are.
const NODES: usize = 3;

/// Puts in what is missing. What an earlier run had and somebody deleted comes back, as on a real server.
pub(in super::super) fn furnish(world: &mut World) {
    let is_new = world.find("", "namespaces", "", "kube-system").is_none();
    for name in ["kube-system", "default", "kube-public", "kube-node-lease"] {
        let namespace = json!({"metadata": {"name": name}});
        put(world, "kube-apiserver", "", "namespaces", "", namespace);
    }
    let service = json!({
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]},
    });
    put(world, "kube-apiserver", "", "services", "default", service);
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
        let class = json!({"metadata": {"name": name}, "value": value});
        put(world, "kube-apiserver", "scheduling.k8s.io", "priorityclasses", "", class);
    }
    if is_new {
        (0..NODES).for_each(|index| put_node(world, index));
        let class = json!({
            "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "sandbox.rayform.dev/volumes", "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": true,
        });
        put(world, "rayform-sandbox", "storage.k8s.io", "storageclasses", "", class);
        for (kind, plural) in MONITORS {
            let definition = open_definition("monitoring.coreos.com", kind, plural);
            put(world, "rayform-sandbox", "apiextensions.k8s.io", "customresourcedefinitions", "", definition);
        }
    }
}

/// The kinds of the Prometheus operator that rayform generates.
const MONITORS: [(&str, &str); 3] =
    [("PodMonitor", "podmonitors"), ("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")];

/// Returns the definition of a namespaced kind whose `spec` may hold anything.
fn open_definition(group: &str, kind: &str, plural: &str) -> Json {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {"spec": open}});
    json!({
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

fn put(world: &mut World, manager: &str, group: &str, plural: &str, namespace: &str, object: Json) {
    let Some(info) = world.kinds.stored(&Resource::new(group, plural)) else { return };
    match write::create(world, &info, namespace, object, Writer::controller(manager, None)) {
        Ok(_) | Err(Status { reason: "AlreadyExists", .. }) => {}
        Err(status) => tracing::warn!("the sandbox could not be furnished: {}", status.message),
    }
}

fn put_node(world: &mut World, index: usize) {
    let name = format!("node-{index}");
    let zone = ["zone-a", "zone-b", "zone-c"][index % 3];
    let node = json!({"metadata": {"name": name, "labels": {
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "r1",
    }}});
    put(world, "kubelet", "", "nodes", "", node);
    let time = world.time();
    let amounts =
        json!({"cpu": "64", "memory": "256Gi", "pods": "500", "ephemeral-storage": "500Gi", "nvidia.com/gpu": "8"});
    let status = json!({
        "capacity": amounts, "allocatable": amounts,
        "addresses": [{"type": "InternalIP", "address": format!("192.0.2.{}", index + 1)}, {"type": "Hostname", "address": name}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
            "lastHeartbeatTime": time, "lastTransitionTime": time}],
        "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.36.0+rayform-sandbox",
            "osImage": "rayform sandbox", "kernelVersion": "0.0.0", "containerRuntimeVersion": "none://0.0.0",
            "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": ""},
    });
    let key = super::super::world::Key::new("", "nodes", "", &name);
    let written =
        write::modify(world, &key, Writer::controller("kubelet", Some("status")), |node| node["status"] = status);
    if let Err(status) = written {
        tracing::warn!("the sandbox could not be furnished: {}", status.message);
    }
}

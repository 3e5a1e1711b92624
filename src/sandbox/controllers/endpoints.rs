//! Endpoints of services: the addresses of the pods that a service selects.
use std::sync::Arc;

use serde_json::json;

use super::super::json::{items, text};
use super::super::kinds::Resource;
use super::super::selectors::Labels;
use super::super::status::Status;
use super::super::world::{Key, World, controller_reference};
use super::super::write;
use super::owned::{create, delete, is_active, is_ready, itself, suffix};
use crate::model::{Json, Object};

/// Looks at a service.
pub(super) fn reconcile(world: &mut World, key: &Key) -> Result<(), Status> {
    let Some(service) = world.get(key).cloned() else {
        let left = world.find("", "endpoints", &key.namespace, &key.name).cloned();
        return left.map_or(Ok(()), |endpoints| delete(world, &endpoints));
    };
    let selector = Labels::of_map(service.pointer("/spec/selector"));
    if selector.is_empty() || service.is_terminating() {
        return Ok(());
    }
    let pods: Vec<Arc<Object>> = world
        .list(&Resource::new("", "pods"), Some(&key.namespace))
        .filter(|pod| selector.match_object(pod) && is_active(pod) && pod.text("/status/podIP").is_some())
        .cloned()
        .collect();
    write_endpoints(world, key, &service, &pods)?;
    write_slice(world, key, &service, &pods)
}

/// Returns the number of a port in a pod: as it stands, or by the name of a container's port.
fn target_port(port: &Json, pod: Option<&Arc<Object>>) -> Json {
    let target = &port["targetPort"];
    let Some(name) = target.as_str() else { return target.clone() };
    let containers = pod.map_or(&[][..], |pod| items(pod.json(), "/spec/containers"));
    let ports = containers.iter().flat_map(|container| items(container, "/ports"));
    ports
        .into_iter()
        .find(|port| text(port, "/name") == name)
        .map_or_else(|| port["port"].clone(), |port| port["containerPort"].clone())
}

fn ports(service: &Object, pods: &[Arc<Object>]) -> Vec<Json> {
    items(service.json(), "/spec/ports")
        .iter()
        .map(|port| json!({"name": text(port, "/name"), "port": target_port(port, pods.first()), "protocol": port["protocol"]}))
        .collect()
}

fn pod_reference(pod: &Object) -> Json {
    json!({"kind": "Pod", "name": pod.name(), "namespace": pod.namespace(), "uid": pod.uid()})
}

fn write_endpoints(world: &mut World, key: &Key, service: &Object, pods: &[Arc<Object>]) -> Result<(), Status> {
    let announces_all = service.pointer("/spec/publishNotReadyAddresses") == Some(&Json::Bool(true));
    let address = |pod: &Arc<Object>| json!({"ip": pod.text("/status/podIP"), "nodeName": pod.text("/spec/nodeName"), "targetRef": pod_reference(pod)});
    let (ready, others): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| announces_all || is_ready(pod));
    let ready: Vec<Json> = ready.into_iter().map(address).collect();
    let others: Vec<Json> = others.into_iter().map(address).collect();
    let mut subset = json!({"ports": ports(service, pods)});
    if !ready.is_empty() {
        subset["addresses"] = Json::Array(ready);
    }
    if !others.is_empty() {
        subset["notReadyAddresses"] = Json::Array(others);
    }
    let subsets = if pods.is_empty() { Json::Null } else { json!([subset]) };
    let place = Key::new("", "endpoints", &key.namespace, &key.name);
    if world.get(&place).is_none() {
        let labels = service.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        let endpoints = json!({"metadata": {"name": key.name, "namespace": key.namespace, "labels": labels}});
        create(world, "", "endpoints", endpoints)?;
    }
    write::modify(world, &place, itself(), |endpoints| endpoints["subsets"] = subsets)
}

fn write_slice(world: &mut World, key: &Key, service: &Arc<Object>, pods: &[Arc<Object>]) -> Result<(), Status> {
    let name = format!("{}-{}", key.name, suffix(service.uid().unwrap_or_default()));
    let place = Key::new("discovery.k8s.io", "endpointslices", &key.namespace, &name);
    let endpoints: Vec<Json> = pods
        .iter()
        .map(|pod| {
            json!({"addresses": [pod.text("/status/podIP")], "nodeName": pod.text("/spec/nodeName"), "targetRef": pod_reference(pod),
                   "conditions": {"ready": is_ready(pod), "serving": is_ready(pod), "terminating": false}})
        })
        .collect();
    if world.get(&place).is_none() {
        let slice = json!({
            "metadata": {"name": name, "namespace": key.namespace, "ownerReferences": [controller_reference(service)], "labels": {
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": key.name}},
            "addressType": "IPv4", "endpoints": [], "ports": [],
        });
        create(world, "discovery.k8s.io", "endpointslices", slice)?;
    }
    let ports = if pods.is_empty() { Vec::new() } else { ports(service, pods) };
    write::modify(world, &place, itself(), |slice| {
        slice["endpoints"] = Json::Array(endpoints);
        slice["ports"] = Json::Array(ports);
    })
}

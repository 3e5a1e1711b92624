//! How a head is reached: Services and the `NetworkPolicy`.
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::gcs::GcsStore;
use crate::model::Json;
use crate::resource::kit::{ExpandedObject, Problem};
use crate::resource::names::{Labels, labels_json, metadata, object};

/// A second Service, for people and programs outside of the Ray cluster.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServiceArguments {
    /// `ClusterIP`, `NodePort` or `LoadBalancer`. Default: `ClusterIP`.
    #[serde(rename = "type")]
    pub service_type: ServiceType,
    /// Names of the head's ports. Default: `["client", "dashboard", "serve"]`.
    pub ports: Option<Vec<String>>,
    /// Annotations, such as those that cloud load balancers read.
    pub annotations: BTreeMap<String, String>,
    /// Which addresses a load balancer lets in: `["10.0.0.0/8"]`.
    pub load_balancer_source_ranges: Vec<String>,
    /// The class of the load balancer.
    pub load_balancer_class: Option<String>,
    /// Says that anybody who reaches the ports may run code in the cluster. Default: false.
    pub allow_unauthenticated_exposure: bool,
}

/// The type of a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum ServiceType {
    #[default]
    #[serde(rename = "ClusterIP")]
    ClusterIp,
    NodePort,
    LoadBalancer,
}

/// Lets pods of the Ray cluster talk with each other, and others only where it says so.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NetworkPolicyArguments {
    /// Who else may reach the pods.
    #[schemars(extend("x-block" = true))]
    pub allow_from: Vec<PeerArguments>,
    /// Whom the pods may reach. With none of these, they may reach everybody.
    #[schemars(extend("x-block" = true))]
    pub allow_to: Vec<PeerArguments>,
    /// Whether the pods may reach only each other, DNS, Redis and `allow_to`. Default: whether there is an `allow_to`.
    pub restrict_egress: Option<bool>,
}

/// One other side of a `NetworkPolicy`; what is left out is not asked for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PeerArguments {
    /// The name of a namespace; `*` for all.
    pub namespace: Option<String>,
    /// Labels of pods.
    pub pod_labels: BTreeMap<String, String>,
    /// A range of addresses, such as `10.0.0.0/8`.
    pub cidr: Option<String>,
    /// Names of the head's ports, or numbers. Default: all.
    pub ports: Vec<crate::resource::arguments::TextArgument>,
}

/// Returns the headless Service by which nodes find the head, also before it is ready.
pub(crate) fn head_service(meta: &Json, selector: &Labels, ports: &[(&str, u16)]) -> ExpandedObject {
    object(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": labels_json(selector),
            "ports": service_ports(ports),
        },
    }))
}

/// Returns the Service for the outside.
pub(crate) fn access_service(
    arguments: &ServiceArguments,
    (name, namespace, labels): (&str, &str, &Labels),
    selector: &Labels,
    all: &[(&str, u16)],
    has_auth: bool,
) -> Result<ExpandedObject, Problem> {
    let default = || ["client", "dashboard", "serve"].map(str::to_owned).to_vec();
    let wanted = arguments.ports.clone().unwrap_or_else(default);
    if let Some((index, name)) = wanted.iter().enumerate().find(|(_, name)| !all.iter().any(|(known, _)| known == name))
    {
        let known = all.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let problem = Problem::error(format!("service/ports/{index}"), format!("the head has no port `{name}`"));
        return Err(problem.hint(format!("its ports are {known}")));
    }
    let ports: Vec<_> = all.iter().copied().filter(|(name, _)| wanted.iter().any(|wanted| wanted == name)).collect();
    check_exposure(arguments, &ports, has_auth)?;
    let service_type = match arguments.service_type {
        ServiceType::ClusterIp => "ClusterIP",
        ServiceType::NodePort => "NodePort",
        ServiceType::LoadBalancer => "LoadBalancer",
    };
    let mut meta = metadata(name, namespace, labels);
    if !arguments.annotations.is_empty() {
        meta["annotations"] = labels_json(&arguments.annotations);
    }
    let mut spec = json!({ "type": service_type, "selector": labels_json(selector), "ports": service_ports(&ports) });
    if !arguments.load_balancer_source_ranges.is_empty() {
        spec["loadBalancerSourceRanges"] = json!(arguments.load_balancer_source_ranges);
    }
    if let Some(class) = &arguments.load_balancer_class {
        spec["loadBalancerClass"] = Json::from(class.as_str());
    }
    Ok(object(json!({ "apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec })))
}

/// Whoever reaches these ports runs code: CVE-2023-48022, CVE-2025-62593.
///
/// <https://docs.ray.io/en/latest/ray-security/index.html>
fn check_exposure(arguments: &ServiceArguments, ports: &[(&str, u16)], has_auth: bool) -> Result<(), Problem> {
    let is_open = arguments.service_type != ServiceType::ClusterIp;
    let risky = ports.iter().find(|(name, _)| ["client", "dashboard", "gcs-server", "dashboard-agent"].contains(name));
    match risky {
        Some((port, _)) if is_open && !has_auth && !arguments.allow_unauthenticated_exposure => {
            let message = format!("whoever reaches the port `{port}` from outside can run any code in the cluster");
            let hint = "add `auth {}` (Ray 2.52 or later), or leave the port out, or write `allow_unauthenticated_exposure = true`";
            Err(Problem::error("service/type", message).code("RF601").hint(hint))
        }
        _ => Ok(()),
    }
}

/// Returns the policy that closes the pods of a cluster off, but for each other and what is allowed.
pub(crate) fn network_policy(
    arguments: &NetworkPolicyArguments,
    meta: &Json,
    cluster: &Labels,
    ports: &[(&str, u16)],
    store: Option<&GcsStore>,
) -> Result<ExpandedObject, Problem> {
    let same = json!({ "podSelector": { "matchLabels": labels_json(cluster) } });
    let mut ingress = vec![json!({ "from": [same] })];
    for (index, rule) in arguments.allow_from.iter().enumerate() {
        ingress.push(peer_rule(rule, "from", &format!("network_policy/allow_from/{index}"), ports)?);
    }
    let mut spec = json!({
        "podSelector": { "matchLabels": labels_json(cluster) },
        "policyTypes": ["Ingress"],
        "ingress": ingress,
    });
    if arguments.restrict_egress.unwrap_or(!arguments.allow_to.is_empty()) {
        let mut egress = vec![json!({ "to": [same] }), dns()];
        egress.extend(store.map(redis_rule));
        for (index, rule) in arguments.allow_to.iter().enumerate() {
            egress.push(peer_rule(rule, "to", &format!("network_policy/allow_to/{index}"), ports)?);
        }
        spec["policyTypes"] = json!(["Ingress", "Egress"]);
        spec["egress"] = Json::Array(egress);
    }
    Ok(object(json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec })))
}

/// Without names there is no head: both protocols, to anybody, for DNS may also be a cache on the node.
fn dns() -> Json {
    json!({ "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }] })
}

fn redis_rule(store: &GcsStore) -> Json {
    let port = store.address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(6379);
    let ports = json!([{ "port": port, "protocol": "TCP" }]);
    match &store.redis {
        Some((_, name)) => {
            let labels = json!({ "app.kubernetes.io/name": "redis", "app.kubernetes.io/instance": name });
            json!({ "to": [{ "podSelector": { "matchLabels": labels } }], "ports": ports })
        }
        None => json!({ "ports": ports }),
    }
}

fn peer_rule(rule: &PeerArguments, side: &str, argument: &str, ports: &[(&str, u16)]) -> Result<Json, Problem> {
    let mut json = json!({});
    let mut peer = json!({});
    if let Some(namespace) = &rule.namespace {
        peer["namespaceSelector"] = match namespace.as_str() {
            "*" => json!({}),
            // Every namespace bears this label; `name` is no label of its own.
            name => json!({ "matchLabels": { "kubernetes.io/metadata.name": name } }),
        };
    }
    if !rule.pod_labels.is_empty() {
        peer["podSelector"] = json!({ "matchLabels": labels_json(&rule.pod_labels) });
    }
    if let Some(cidr) = &rule.cidr {
        if peer != json!({}) {
            return Err(Problem::error(
                format!("{argument}/cidr"),
                "`cidr` cannot stand beside `namespace` or `pod_labels`",
            ));
        }
        peer["ipBlock"] = json!({ "cidr": cidr });
    }
    if peer != json!({}) {
        json[side] = json!([peer]);
    }
    let numbers = rule.ports.iter().enumerate().map(|(index, port)| {
        let named = ports.iter().find(|(name, _)| *name == port.0).map(|(_, number)| *number);
        let number = named.or_else(|| port.0.parse().ok());
        let refuse = || {
            Problem::error(
                format!("{argument}/ports/{index}"),
                format!("`{}` is neither a port of the head nor a number", port.0),
            )
        };
        number.map(|number| json!({ "port": number, "protocol": "TCP" })).ok_or_else(refuse)
    });
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    if !numbers.is_empty() {
        json["ports"] = Json::Array(numbers);
    }
    if json == json!({}) {
        let message = "a rule without anything in it would allow everything";
        return Err(Problem::error(argument, message).hint("name a `namespace`, `pod_labels`, a `cidr` or `ports`"));
    }
    Ok(json)
}

/// Every port says `appProtocol: tcp`, so that service meshes do not take Ray's protocols for HTTP.
fn service_ports(ports: &[(&str, u16)]) -> Json {
    let port = |(name, port): &(&str, u16)| json!({ "name": name, "port": port, "targetPort": port, "protocol": "TCP", "appProtocol": "tcp" });
    ports.iter().map(port).collect()
}

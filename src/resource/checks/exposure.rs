//! Selectors, Services, `NetworkPolicies` and monitors: whether they meet the pods that they are for.
use super::view::{Item, LabelMap, Pods, View, items, label_map, matches};
use crate::model::{Address, Diagnostic, Json, Severity};

type Finding = (Address, Diagnostic);

pub(super) fn check(view: &View<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = view.objects.iter().filter_map(|item| check_selector(view, *item)).collect();
    findings.extend(view.objects.iter().filter_map(|item| check_namespace_selector(*item)));
    findings.extend(view.of_kind("Service").filter_map(|service| check_head_service(view, service)));
    findings.extend(view.of_kind("PodMonitor").flat_map(|monitor| check_monitor(view, monitor)));
    findings.extend(check_policies(view));
    findings.extend(check_pod_security(view));
    findings
}

/// Returns the selector of an object, in the form of a label selector.
fn selector(item: Item<'_>) -> Option<Json> {
    let object = item.object();
    match item.kind() {
        "Service" => object.pointer("/spec/selector").map(|labels| serde_json::json!({ "matchLabels": labels })),
        "PodDisruptionBudget" => object.pointer("/spec/selector").cloned(),
        "NetworkPolicy" => object.pointer("/spec/podSelector").cloned(),
        _ => None,
    }
    .filter(|selector| selector.as_object().is_some_and(|entries| !entries.is_empty()))
}

fn check_selector(view: &View<'_>, item: Item<'_>) -> Option<Finding> {
    let selector = selector(item)?;
    let namespace = item.object().namespace();
    if view.selected(namespace, &selector).next().is_some() {
        return None;
    }
    let message = format!("{} selects no pod of this configuration", item.title());
    let (address, diagnostic) = item.finding(Severity::Warning, "RF607", message);
    let near = view.pods.iter().find(|pods| pods.item.object().namespace() == namespace);
    let hint = match near {
        Some(pods) => {
            let labels =
                pods.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
            format!("the pods of {} bear {labels}", pods.item.title())
        }
        None => format!("the configuration makes no pods in `{}`", namespace.unwrap_or_default()),
    };
    Some((address, diagnostic.hint(hint)))
}

/// Namespaces bear the label `kubernetes.io/metadata.name`; `name` is nobody's.
///
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name>
fn check_namespace_selector(item: Item<'_>) -> Option<Finding> {
    if item.kind() != "NetworkPolicy" {
        return None;
    }
    let rules = ["/spec/ingress", "/spec/egress"].into_iter().flat_map(|side| items(item.object().json(), side));
    let mut peers = rules.flat_map(|rule| items(rule, "/from").chain(items(rule, "/to")));
    let is_wrong = peers.any(|peer| peer.pointer("/namespaceSelector/matchLabels/name").is_some());
    is_wrong.then(|| {
        let message =
            format!("{} selects namespaces by the label `name`, which they do not bear of themselves", item.title());
        let (address, diagnostic) = item.finding(Severity::Warning, "RF608", message);
        (address, diagnostic.hint("write `kubernetes.io/metadata.name`"))
    })
}

/// Workers must find the head before it is ready, or neither ever is.
fn check_head_service(view: &View<'_>, service: Item<'_>) -> Option<Finding> {
    let object = service.object();
    let is_headless = object.text("/spec/clusterIP") == Some("None");
    let is_published = object.pointer("/spec/publishNotReadyAddresses") == Some(&Json::Bool(true));
    if !is_headless || is_published {
        return None;
    }
    let selector = selector(service)?;
    let head =
        view.selected(object.namespace(), &selector).find(|pods| pods.is_head() && pods.item.kind() != "RayCluster")?;
    let message =
        format!("{} hides the head until it is ready, and the head's workers cannot find it", service.title());
    let (address, diagnostic) = service.finding(Severity::Error, "RF611", message);
    Some((address, diagnostic.related(head.item.desired.span, "the head").hint("set `publishNotReadyAddresses: true`")))
}

fn check_monitor(view: &View<'_>, monitor: Item<'_>) -> Vec<Finding> {
    let Some(selector) = monitor.object().pointer("/spec/selector") else { return Vec::new() };
    let selected: Vec<&Pods<'_>> = view.pods.iter().filter(|pods| matches(selector, &pods.labels)).collect();
    if selected.is_empty() {
        let message = format!("{} selects no pod of this configuration", monitor.title());
        return vec![monitor.finding(Severity::Warning, "RF607", message)];
    }
    let has = |name: &str| {
        let ports = selected.iter().flat_map(|pods| pods.containers()).flat_map(|container| items(container, "/ports"));
        ports.into_iter().any(|port| port["name"] == name)
    };
    let endpoints = items(monitor.object().json(), "/spec/podMetricsEndpoints");
    let missing = endpoints.filter_map(|endpoint| endpoint["port"].as_str()).filter(|name| !has(name));
    missing
        .map(|name| {
            let message = format!("{} reads the port `{name}`, which none of its pods has", monitor.title());
            monitor.finding(Severity::Error, "RF952", message)
        })
        .collect()
}

/// Policies add up: what one of them allows is allowed.
fn check_policies(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pods in view.pods.iter().filter(|pods| pods.is_ray()) {
        let namespace = pods.item.object().namespace();
        let policies: Vec<Item<'_>> = view
            .of_kind("NetworkPolicy")
            .filter(|policy| policy.object().namespace() == namespace)
            .filter(|policy| {
                policy.object().pointer("/spec/podSelector").is_some_and(|selector| matches(selector, &pods.labels))
            })
            .collect();
        let of_type =
            |name: &str| policies.iter().copied().filter(|policy| has_type(*policy, name)).collect::<Vec<_>>();
        let (ingress, egress) = (of_type("Ingress"), of_type("Egress"));
        let others: Vec<&LabelMap> = view
            .pods
            .iter()
            .filter(|other| {
                other.is_ray() && other.cluster() == pods.cluster() && other.item.object().namespace() == namespace
            })
            .map(|other| &other.labels)
            .collect();
        let title = pods.item.title();
        if let Some(policy) = ingress.first()
            && !others
                .iter()
                .all(|labels| ingress.iter().any(|policy| admits(*policy, "ingress", "from", labels, namespace)))
        {
            let message = format!("{} closes {title} off from other nodes of its Ray cluster", policy.title());
            let (address, diagnostic) = policy.finding(Severity::Error, "RF603", message);
            findings.push((
                address,
                diagnostic.hint("add a rule that allows all ports from pods with the cluster's label"),
            ));
        }
        if let Some(policy) = egress.first()
            && !["UDP", "TCP"].iter().all(|protocol| egress.iter().any(|policy| allows_dns(*policy, protocol)))
        {
            let message = format!("{} keeps {title} from DNS, without which no node finds its head", policy.title());
            let (address, diagnostic) = policy.finding(Severity::Error, "RF604", message);
            findings.push((address, diagnostic.hint("allow port 53, UDP and TCP")));
        }
    }
    findings
}

/// Without `policyTypes` a policy is for ingress, and for egress where it has such rules.
fn has_type(policy: Item<'_>, name: &str) -> bool {
    match policy.object().pointer("/spec/policyTypes") {
        Some(types) => types.as_array().into_iter().flatten().any(|entry| entry == name),
        None => name == "Ingress" || policy.object().pointer("/spec/egress").is_some(),
    }
}

/// Tells whether a rule allows every port to or from pods with these labels in the same namespace.
fn admits(policy: Item<'_>, side: &str, field: &str, labels: &LabelMap, namespace: Option<&str>) -> bool {
    items(policy.object().json(), &format!("/spec/{side}")).any(|rule| {
        let is_any = rule.get(field).and_then(Json::as_array).is_none_or(Vec::is_empty);
        let all_ports = rule.get("ports").and_then(Json::as_array).is_none_or(Vec::is_empty);
        all_ports && (is_any || items(rule, &format!("/{field}")).any(|peer| is_peer(peer, labels, namespace)))
    })
}

fn is_peer(peer: &Json, labels: &LabelMap, namespace: Option<&str>) -> bool {
    let is_home = peer.get("namespaceSelector").is_none_or(|selector| {
        let home = namespace.unwrap_or_default().to_owned();
        matches(selector, &LabelMap::from([("kubernetes.io/metadata.name".to_owned(), home)]))
    });
    // Addresses of pods are not known; a block of them is taken to hold the cluster's.
    peer.get("ipBlock").is_some()
        || (is_home && peer.get("podSelector").is_none_or(|selector| matches(selector, labels)))
}

fn allows_dns(policy: Item<'_>, protocol: &str) -> bool {
    items(policy.object().json(), "/spec/egress").any(|rule| {
        let is_open = rule.get("ports").and_then(Json::as_array).is_none_or(Vec::is_empty);
        is_open && rule.get("to").is_none()
            || items(rule, "/ports").any(|port| {
                let is_protocol = port["protocol"].as_str().unwrap_or("TCP") == protocol;
                is_protocol && (port["port"] == 53 || port["port"] == "dns" || port["port"].is_null())
            })
    })
}

/// A namespace that enforces `restricted` refuses pods that do not say that they are.
///
/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/>
fn check_pod_security(view: &View<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pods in &view.pods {
        let home = pods.item.object().namespace().and_then(|name| view.find("Namespace", None, name));
        let labels = home.map(|home| label_map(home.object().pointer("/metadata/labels"))).unwrap_or_default();
        if labels.get("pod-security.kubernetes.io/enforce").is_none_or(|level| level != "restricted") {
            continue;
        }
        let says = |container: &Json, field: &str| {
            let own = container.pointer(&format!("/securityContext/{field}"));
            own.or_else(|| pods.spec.pointer(&format!("/securityContext/{field}"))).is_some()
        };
        let fields = ["runAsNonRoot", "seccompProfile"];
        let is_open = |container: &&Json| {
            let own = container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&Json::Bool(false));
            own || fields.iter().any(|field| !says(container, field))
        };
        if let Some(container) = pods.all_containers().find(is_open) {
            let name = container["name"].as_str().unwrap_or_default();
            let message = format!(
                "the namespace enforces `restricted`, and the container `{name}` of {} does not say that it is",
                pods.item.title()
            );
            let (address, diagnostic) = pods.item.finding(Severity::Warning, "RF613", message);
            let hint = "add `security_context = { run_as_non_root = true, run_as_user = 1000, allow_privilege_escalation = false, capabilities = { drop = [\"ALL\"] }, seccomp_profile = { type = \"RuntimeDefault\" } }`";
            findings.push((address, diagnostic.hint(hint)));
        }
    }
    findings
}

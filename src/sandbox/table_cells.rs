//! The cells of each built-in kind's table.
//! Source: <https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go>.
use jiff::Timestamp;
use serde_json::json;

use super::admission::quantity;
use super::json::{get, integer, items, text};
use super::scale::selector_text;
use super::selectors::Labels;
use super::table::{age_of, human};
use crate::model::Json;

/// The columns after the name: an underscore is a space, a trailing plus marks what only `-o wide` shows.
#[rustfmt::skip]
pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("Pod", "Ready Status Restarts Age IP+ Node+ Nominated_Node+ Readiness_Gates+"),
    ("Deployment", "Ready Up-to-date Available Age Containers+ Images+ Selector+"),
    ("ReplicaSet", "Desired Current Ready Age Containers+ Images+ Selector+"),
    ("StatefulSet", "Ready Age Containers+ Images+"),
    ("DaemonSet", "Desired Current Ready Up-to-date Available Node_Selector Age Containers+ Images+ Selector+"),
    ("Job", "Status Completions Duration Age Containers+ Images+ Selector+"),
    ("CronJob", "Schedule Timezone Suspend Active Last_Schedule Age Containers+ Images+ Selector+"),
    ("Service", "Type Cluster-IP External-IP Port(s) Age Selector+"),
    ("Endpoints", "Endpoints Age"),
    ("EndpointSlice", "AddressType Ports Endpoints Age"),
    ("Ingress", "Class Hosts Address Ports Age"),
    ("NetworkPolicy", "Pod-Selector Age"),
    ("Namespace", "Status Age"),
    ("Node", "Status Roles Age Version Internal-IP+ External-IP+ OS-Image+ Kernel-Version+ Container-Runtime+"),
    ("PersistentVolumeClaim", "Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age VolumeMode+"),
    ("PersistentVolume", "Capacity Access_Modes Reclaim_Policy Status Claim StorageClass VolumeAttributesClass Reason Age VolumeMode+"),
    ("StorageClass", "Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age"),
    ("Secret", "Type Data Age"),
    ("ConfigMap", "Data Age"),
    ("HorizontalPodAutoscaler", "Reference Targets MinPods MaxPods Replicas Age"),
    ("PodDisruptionBudget", "Min_Available Max_Unavailable Allowed_Disruptions Age"),
    ("Event", "Last_Seen Type Reason Object Subobject+ Source+ Message First_Seen+ Count+ Name+"),
    ("ResourceQuota", "Request Limit Age"),
    ("LimitRange", "Created_At"),
    ("CustomResourceDefinition", "Created_At"),
    ("Role", "Created_At"),
    ("ClusterRole", "Created_At"),
    ("RoleBinding", "Role Age Users+ Groups+ ServiceAccounts+"),
    ("ClusterRoleBinding", "Role Age Users+ Groups+ ServiceAccounts+"),
    ("PriorityClass", "Value Global-Default Age PreemptionPolicy"),
    ("Lease", "Holder Age"),
    ("ControllerRevision", "Controller Revision Age"),
    ("ValidatingWebhookConfiguration", "Webhooks Age"),
    ("MutatingWebhookConfiguration", "Webhooks Age"),
    ("IngressClass", "Controller Parameters Age"),
];

/// Returns the cells after the name.
pub(super) fn cells(kind: &str, object: &Json, now: Timestamp) -> Vec<Json> {
    let age = json!(age_of(text(object, "/metadata/creationTimestamp"), now));
    let number = |pointer| json!(integer(object, pointer).unwrap_or(0));
    let word = |pointer| object.pointer(pointer).cloned().unwrap_or(json!(""));
    match kind {
        "Pod" => pod(object, now),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => workload(kind, object, age, now),
        "CronJob" => cron_job(object, age, now),
        "Service" => service(object, age),
        "Endpoints" => vec![json!(endpoints(object)), age],
        "EndpointSlice" => vec![word("/addressType"), json!(slice_ports(object)), json!(slice_addresses(object)), age],
        "Ingress" => ingress(object, age),
        "NetworkPolicy" => vec![json!(none_if_empty(selector_text(&object["spec"]["podSelector"]))), age],
        "Namespace" => vec![word("/status/phase"), age],
        "Node" => node(object, age),
        "PersistentVolumeClaim" => claim(object, age),
        "PersistentVolume" => volume(object, age),
        "StorageClass" => {
            let may_grow = json!(object["allowVolumeExpansion"] == true);
            vec![word("/provisioner"), word("/reclaimPolicy"), word("/volumeBindingMode"), may_grow, age]
        }
        "Secret" => vec![word("/type"), json!(count(object, "/data")), age],
        "ConfigMap" => vec![json!(count(object, "/data") + count(object, "/binaryData")), age],
        "HorizontalPodAutoscaler" => autoscaler(object, age),
        "PodDisruptionBudget" => budget(object, age),
        "Event" => event(object, now),
        "ResourceQuota" => quota(object, age),
        "LimitRange" | "CustomResourceDefinition" | "Role" | "ClusterRole" => vec![word("/metadata/creationTimestamp")],
        "RoleBinding" | "ClusterRoleBinding" => binding(object, age),
        "PriorityClass" => {
            vec![number("/value"), json!(object["globalDefault"] == true), age, word("/preemptionPolicy")]
        }
        "Lease" => vec![word("/spec/holderIdentity"), age],
        "ControllerRevision" => vec![json!(owner(object)), number("/revision"), age],
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            vec![json!(items(object, "/webhooks").len()), age]
        }
        "IngressClass" => vec![word("/spec/controller"), json!("<none>"), age],
        _ => vec![age],
    }
}

/// Returns the cells of what makes pods: the counts, then containers, images and selector.
fn workload(kind: &str, object: &Json, age: Json, now: Timestamp) -> Vec<Json> {
    let number = |pointer| json!(integer(object, pointer).unwrap_or(0));
    let ready = json!(format!("{}/{}", number("/status/readyReplicas"), number("/spec/replicas")));
    let mut cells = match kind {
        "Deployment" => vec![ready, number("/status/updatedReplicas"), number("/status/availableReplicas"), age],
        "ReplicaSet" => {
            vec![number("/spec/replicas"), number("/status/replicas"), number("/status/readyReplicas"), age]
        }
        "StatefulSet" => vec![ready, age],
        "DaemonSet" => vec![
            number("/status/desiredNumberScheduled"),
            number("/status/currentNumberScheduled"),
            number("/status/numberReady"),
            number("/status/updatedNumberScheduled"),
            number("/status/numberAvailable"),
            json!(pairs(object.pointer("/spec/template/spec/nodeSelector"))),
            age,
        ],
        _ => vec![json!(job_status(object)), json!(completions(object)), json!(duration(object, now)), age],
    };
    let (names, images) = containers(object, "/spec/template/spec/containers");
    cells.extend([json!(names), json!(images)]);
    if kind != "StatefulSet" {
        cells.push(json!(selector(object)));
    }
    cells
}

fn budget(object: &Json, age: Json) -> Vec<Json> {
    let show = |pointer| json!(object.pointer(pointer).map_or("N/A".to_owned(), plain));
    let allowed = json!(integer(object, "/status/disruptionsAllowed").unwrap_or(0));
    vec![show("/spec/minAvailable"), show("/spec/maxUnavailable"), allowed, age]
}

/// Returns a value as text, without the quotes of a text.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn none_if_empty(text: String) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text }
}

fn count(object: &Json, pointer: &str) -> usize {
    object.pointer(pointer).and_then(Json::as_object).map_or(0, serde_json::Map::len)
}

fn pairs(map: Option<&Json>) -> String {
    none_if_empty(Labels::of_map(map).to_string())
}

fn selector(object: &Json) -> String {
    none_if_empty(object.pointer("/spec/selector").map(selector_text).unwrap_or_default())
}

fn containers(object: &Json, pointer: &str) -> (String, String) {
    let list = |field: &str| {
        let texts: Vec<&str> = items(object, pointer).iter().map(|container| text(container, field)).collect();
        texts.join(",")
    };
    (list("/name"), list("/image"))
}

fn pod(object: &Json, now: Timestamp) -> Vec<Json> {
    let total = items(object, "/spec/containers").len();
    let statuses = items(object, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let restarts: i64 = statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum();
    let word = |pointer| none_if_empty(text(object, pointer).to_owned());
    vec![
        json!(format!("{ready}/{total}")),
        json!(pod_status(object)),
        json!(restarts.to_string()),
        json!(age_of(text(object, "/metadata/creationTimestamp"), now)),
        json!(word("/status/podIP")),
        json!(word("/spec/nodeName")),
        json!(word("/status/nominatedNodeName")),
        json!("<none>"),
    ]
}

/// Returns the word for a pod: its phase, or the reason why a container waits or has ended.
fn pod_status(object: &Json) -> String {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let phase = text(object, "/status/phase");
    for (list, prefix) in [("/status/initContainerStatuses", "Init:"), ("/status/containerStatuses", "")] {
        for status in items(object, list) {
            let waiting = text(status, "/state/waiting/reason");
            if !waiting.is_empty() && waiting != "PodInitializing" {
                return format!("{prefix}{waiting}");
            }
            let ended = text(status, "/state/terminated/reason");
            if !ended.is_empty() && prefix.is_empty() {
                return ended.to_owned();
            }
        }
    }
    let reason = text(object, "/status/reason");
    if reason.is_empty() { phase.to_owned() } else { reason.to_owned() }
}

fn job_status(object: &Json) -> String {
    let is_true = |kind: &str| {
        items(object, "/status/conditions")
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    let states = [("Complete", "Complete"), ("Failed", "Failed"), ("SuccessCriteriaMet", "SuccessCriteriaMet")];
    if let Some((_, word)) = states.iter().find(|(kind, _)| is_true(kind)) {
        return (*word).to_owned();
    }
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    if object.pointer("/spec/suspend") == Some(&Json::Bool(true)) {
        "Suspended".to_owned()
    } else {
        "Running".to_owned()
    }
}

fn completions(object: &Json) -> String {
    let done = integer(object, "/status/succeeded").unwrap_or(0);
    match integer(object, "/spec/completions") {
        Some(wanted) => format!("{done}/{wanted}"),
        None => format!("{done}/1 of {}", integer(object, "/spec/parallelism").unwrap_or(1)),
    }
}

fn duration(object: &Json, now: Timestamp) -> String {
    let time = |pointer| text(object, pointer).parse::<Timestamp>().ok();
    match (time("/status/startTime"), time("/status/completionTime")) {
        (Some(start), end) => human(end.unwrap_or(now).duration_since(start).as_secs()),
        (None, _) => String::new(),
    }
}

fn cron_job(object: &Json, age: Json, now: Timestamp) -> Vec<Json> {
    let last = text(object, "/status/lastScheduleTime");
    let last = if last.is_empty() { "<none>".to_owned() } else { age_of(last, now) };
    let suspended = if object.pointer("/spec/suspend") == Some(&Json::Bool(true)) { "True" } else { "False" };
    let (names, images) = containers(object, "/spec/jobTemplate/spec/template/spec/containers");
    vec![
        json!(text(object, "/spec/schedule")),
        json!(none_if_empty(text(object, "/spec/timeZone").to_owned())),
        json!(suspended),
        json!(items(object, "/status/active").len()),
        json!(last),
        age,
        json!(names),
        json!(images),
        json!("<none>"),
    ]
}

fn service(object: &Json, age: Json) -> Vec<Json> {
    let kind = text(object, "/spec/type");
    let balancers: Vec<&str> = items(object, "/status/loadBalancer/ingress")
        .iter()
        .map(|ingress| if text(ingress, "/ip").is_empty() { text(ingress, "/hostname") } else { text(ingress, "/ip") })
        .collect();
    let external = match kind {
        "ExternalName" => text(object, "/spec/externalName").to_owned(),
        "LoadBalancer" if balancers.is_empty() => "<pending>".to_owned(),
        _ => none_if_empty(balancers.join(",")),
    };
    let ports: Vec<String> = items(object, "/spec/ports")
        .iter()
        .map(|port| {
            let node = integer(port, "/nodePort").map(|node| format!(":{node}")).unwrap_or_default();
            format!("{}{node}/{}", port["port"], text(port, "/protocol"))
        })
        .collect();
    vec![
        json!(kind),
        json!(none_if_empty(text(object, "/spec/clusterIP").to_owned())),
        json!(external),
        json!(none_if_empty(ports.join(","))),
        age,
        json!(pairs(object.pointer("/spec/selector"))),
    ]
}

fn endpoints(object: &Json) -> String {
    let mut found = Vec::new();
    for subset in items(object, "/subsets") {
        for address in items(subset, "/addresses") {
            for port in items(subset, "/ports") {
                found.push(format!("{}:{}", text(address, "/ip"), port["port"]));
            }
        }
    }
    let more = found.len().saturating_sub(3);
    found.truncate(3);
    let shown = none_if_empty(found.join(","));
    if more > 0 { format!("{shown} + {more} more...") } else { shown }
}

fn slice_ports(object: &Json) -> String {
    let ports: Vec<String> = items(object, "/ports").iter().map(|port| port["port"].to_string()).collect();
    if ports.is_empty() { "<unset>".to_owned() } else { ports.join(",") }
}

fn slice_addresses(object: &Json) -> String {
    let addresses: Vec<&str> =
        items(object, "/endpoints").iter().map(|endpoint| text(endpoint, "/addresses/0")).collect();
    if addresses.is_empty() { "<unset>".to_owned() } else { addresses.join(",") }
}

fn ingress(object: &Json, age: Json) -> Vec<Json> {
    let hosts: Vec<&str> =
        items(object, "/spec/rules").iter().map(|rule| text(rule, "/host")).filter(|host| !host.is_empty()).collect();
    let ports = if items(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    let hosts = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
    vec![
        json!(none_if_empty(text(object, "/spec/ingressClassName").to_owned())),
        json!(hosts),
        json!(text(object, "/status/loadBalancer/ingress/0/ip")),
        json!(ports),
        age,
    ]
}

fn node(object: &Json, age: Json) -> Vec<Json> {
    let ready = items(object, "/status/conditions").iter().find(|condition| condition["type"] == "Ready");
    let mut status = if ready.is_some_and(|ready| ready["status"] == "True") { "Ready" } else { "NotReady" }.to_owned();
    if object.pointer("/spec/unschedulable") == Some(&Json::Bool(true)) {
        status.push_str(",SchedulingDisabled");
    }
    let address = |kind: &str| {
        let found = items(object, "/status/addresses").iter().find(|address| address["type"] == kind);
        none_if_empty(found.map(|address| text(address, "/address").to_owned()).unwrap_or_default())
    };
    let word = |pointer| {
        let word = text(object, pointer);
        if word.is_empty() { "<unknown>".to_owned() } else { word.to_owned() }
    };
    vec![
        json!(status),
        json!("<none>"),
        age,
        json!(text(object, "/status/nodeInfo/kubeletVersion")),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        json!(word("/status/nodeInfo/osImage")),
        json!(word("/status/nodeInfo/kernelVersion")),
        json!(word("/status/nodeInfo/containerRuntimeVersion")),
    ]
}

fn access_modes(modes: &[Json]) -> String {
    let short = modes.iter().filter_map(Json::as_str).map(|mode| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    short.collect::<Vec<_>>().join(",")
}

fn claim(object: &Json, age: Json) -> Vec<Json> {
    let is_bound = !text(object, "/spec/volumeName").is_empty();
    let status = if object.pointer("/metadata/deletionTimestamp").is_some() {
        "Terminating"
    } else {
        text(object, "/status/phase")
    };
    let modes = if is_bound { access_modes(items(object, "/status/accessModes")) } else { String::new() };
    vec![
        json!(status),
        json!(text(object, "/spec/volumeName")),
        json!(if is_bound { text(object, "/status/capacity/storage") } else { "" }),
        json!(modes),
        json!(text(object, "/spec/storageClassName")),
        json!(unset(object)),
        age,
        json!(text(object, "/spec/volumeMode")),
    ]
}

fn unset(object: &Json) -> &str {
    let class = text(object, "/spec/volumeAttributesClassName");
    if class.is_empty() { "<unset>" } else { class }
}

fn volume(object: &Json, age: Json) -> Vec<Json> {
    let claim = match get(object, &["spec", "claimRef"]) {
        Some(claim) => format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")),
        None => String::new(),
    };
    let status = if object.pointer("/metadata/deletionTimestamp").is_some() {
        "Terminating"
    } else {
        text(object, "/status/phase")
    };
    vec![
        json!(text(object, "/spec/capacity/storage")),
        json!(access_modes(items(object, "/spec/accessModes"))),
        json!(text(object, "/spec/persistentVolumeReclaimPolicy")),
        json!(status),
        json!(claim),
        json!(text(object, "/spec/storageClassName")),
        json!(unset(object)),
        json!(text(object, "/status/reason")),
        age,
        json!(text(object, "/spec/volumeMode")),
    ]
}

fn autoscaler(object: &Json, age: Json) -> Vec<Json> {
    let target = format!("{}/{}", text(object, "/spec/scaleTargetRef/kind"), text(object, "/spec/scaleTargetRef/name"));
    let metrics: Vec<String> = items(object, "/spec/metrics")
        .iter()
        .enumerate()
        .map(|(index, metric)| metric_cell(object, index, metric))
        .collect();
    let least = integer(object, "/spec/minReplicas").map_or("<unset>".to_owned(), |least| least.to_string());
    vec![
        json!(target),
        json!(none_if_empty(metrics.join(", "))),
        json!(least),
        object["spec"]["maxReplicas"].clone(),
        json!(integer(object, "/status/currentReplicas").unwrap_or(0)),
        age,
    ]
}

fn metric_cell(object: &Json, index: usize, metric: &Json) -> String {
    let source = match text(metric, "/type") {
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => "resource",
    };
    let spec = &metric[source];
    let name = if source == "resource" || source == "containerResource" {
        text(spec, "/name")
    } else {
        text(spec, "/metric/name")
    };
    let current = object.pointer(&format!("/status/currentMetrics/{index}/{source}/current"));
    let current = |field: &str| current.and_then(|current| current.get(field)).map_or("<unknown>".to_owned(), plain);
    if let Some(wanted) = integer(spec, "/target/averageUtilization") {
        let found = current("averageUtilization");
        let found = if found.starts_with('<') { found } else { format!("{found}%") };
        return format!("{name}: {found}/{wanted}%");
    }
    let field = if get(spec, &["target", "averageValue"]).is_some() { "averageValue" } else { "value" };
    let wanted = get(spec, &["target", field]).map(plain).unwrap_or_default();
    let average = if field == "averageValue" && source != "resource" { " (avg)" } else { "" };
    let prefix = if source.ends_with("esource") { format!("{name}: ") } else { String::new() };
    format!("{prefix}{}/{wanted}{average}", current(field))
}

fn event(object: &Json, now: Timestamp) -> Vec<Json> {
    let time = |pointers: &[&str]| {
        let found = pointers.iter().map(|pointer| text(object, pointer)).find(|time| !time.is_empty());
        found.map_or("<unknown>".to_owned(), |time| age_of(time, now))
    };
    let last = time(&["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]);
    let first = time(&["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"]);
    let kind = text(object, "/involvedObject/kind").to_lowercase();
    let component = if text(object, "/source/component").is_empty() {
        text(object, "/reportingComponent")
    } else {
        text(object, "/source/component")
    };
    vec![
        json!(last),
        json!(text(object, "/type")),
        json!(text(object, "/reason")),
        json!(format!("{kind}/{}", text(object, "/involvedObject/name"))),
        json!(text(object, "/involvedObject/fieldPath")),
        json!(component),
        json!(text(object, "/message").trim()),
        json!(first),
        json!(integer(object, "/count").unwrap_or(1)),
        object["metadata"]["name"].clone(),
    ]
}

fn quota(object: &Json, age: Json) -> Vec<Json> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (name, hard) in object.pointer("/status/hard").and_then(Json::as_object).into_iter().flatten() {
        let used = quantity(get(object, &["status", "used", name])).map_or("0".to_owned(), |used| used.to_string());
        let text = format!("{name}: {used}/{}", plain(hard));
        if name.starts_with("limits.") { limits.push(text) } else { requests.push(text) }
    }
    vec![json!(requests.join(", ")), json!(limits.join(", ")), age]
}

fn binding(object: &Json, age: Json) -> Vec<Json> {
    let role = format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
    let of = |kind: &str| -> String {
        let subjects = items(object, "/subjects").iter().filter(|subject| subject["kind"] == kind);
        let names = subjects.map(|subject| match text(subject, "/namespace") {
            "" => text(subject, "/name").to_owned(),
            namespace => format!("{namespace}/{}", text(subject, "/name")),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    vec![json!(role), age, json!(of("User")), json!(of("Group")), json!(of("ServiceAccount"))]
}

fn owner(object: &Json) -> String {
    let Some(owner) = items(object, "/metadata/ownerReferences").iter().find(|owner| owner["controller"] == true)
    else {
        return "<none>".to_owned();
    };
    let group = text(owner, "/apiVersion").split('/').next().unwrap_or_default();
    format!("{}.{group}/{}", text(owner, "/kind").to_lowercase(), text(owner, "/name"))
}

//! Checks of one Ray node, head or worker: what would only fail in a pod's log.
use std::collections::BTreeMap;

use super::ports::WORKERS;
use super::start::{Flags, RayArguments, flag_ports, is_accelerator, is_gpu};
use super::version::{RayVersion, is_floating};
use crate::model::{Json, Quantity};
use crate::resource::arguments::QuantityArgument;
use crate::resource::kit::Problem;
use crate::resource::pods::{PodArguments, Resources, TolerationArguments};

/// One Ray node, as it was derived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    pub is_head: bool,
    pub pod: &'a PodArguments,
    pub ray: &'a RayArguments,
    pub resources: &'a Resources,
    pub flags: &'a Flags,
    pub image: &'a str,
    pub version: Option<RayVersion>,
    pub is_fault_tolerant: bool,
    /// The finished pod template.
    pub template: &'a Json,
}

/// Production advice of Ray's own samples, in bytes.
const HEAD_FLOOR: i64 = 2_000_000_000;
const PRODUCTION: i64 = 8_000_000_000;
/// Beyond so many bytes Ray refuses an object store outside of `/dev/shm`.
const SLOW_STORE: i64 = 10_000_000_000;

/// Checks one node.
pub(crate) fn check_node(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = check_memory(node);
    problems.extend(check_cpu(node));
    problems.extend(check_accelerators(node));
    problems.extend(check_object_store(node));
    problems.extend(check_storage(node));
    problems.extend(check_image(node));
    problems.extend(check_placement(node));
    problems.extend(check_ports(node));
    problems.extend(check_life(node));
    problems
}

/// Returns the argument that gives an amount: the shorthand, or the long form.
fn argument_of(node: &Node<'_>, name: &str) -> String {
    let is_short = match name {
        "cpu" => node.pod.cpu.is_some(),
        "memory" => node.pod.memory.is_some(),
        _ => node.pod.gpu.is_some(),
    };
    let short = if ["cpu", "memory"].contains(&name) { name } else { "gpu" };
    if is_short { short.to_owned() } else { "resources".to_owned() }
}

fn check_memory(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let argument = argument_of(node, "memory");
    match node.resources.limit_or_request("memory").map(QuantityArgument::units) {
        None => {
            let message = "without a memory limit Ray takes the memory of the whole machine for its own";
            problems.push(Problem::error("", message).hint("write `memory = \"8Gi\"`"));
        }
        Some(Some(bytes)) if node.is_head && bytes < HEAD_FLOOR => {
            let message = "a head with less than 2 GB of memory is killed: it needs about 1 GB to be idle";
            problems.push(Problem::error(argument.clone(), message).code("RF101").hint("write `memory = \"8Gi\"`"));
        }
        Some(Some(bytes)) if bytes < PRODUCTION => {
            let message = "Ray's advice for production is 8 GB or more for each Ray container";
            problems.push(Problem::info(argument.clone(), message).code("RF102"));
        }
        Some(_) => {}
    }
    if differs(node, "memory") {
        let message = "memory requests and limits differ: Ray hands out the limit, Kubernetes sets the request aside";
        let problem =
            if node.is_head { Problem::info("resources", message) } else { Problem::warning("resources", message) };
        problems.push(problem.code("RF103").hint("make them equal, so that the node has what Ray believes"));
    }
    problems
}

fn differs(node: &Node<'_>, name: &str) -> bool {
    let known = |amounts: &BTreeMap<String, QuantityArgument>| amounts.get(name).and_then(QuantityArgument::known);
    matches!((known(&node.resources.requests), known(&node.resources.limits)), (Some(request), Some(limit)) if request != limit)
}

fn check_cpu(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let argument = argument_of(node, "cpu");
    let flag = node.flags.get("num-cpus").and_then(|value| value.as_deref()?.parse::<i64>().ok());
    let is_derived = node.ray.num_cpus.is_none() && !node.ray.ray_start_params.contains_key("num-cpus");
    let limit = node.resources.limits.get("cpu");
    if limit.is_none() && flag.is_none() {
        let message = "without a CPU limit and `num_cpus`, Ray takes all CPUs of the machine for its own";
        problems.push(Problem::warning("", message).code("RF106").hint("write `cpu = 4`"));
    }
    let quantity = limit.and_then(QuantityArgument::known);
    if let Some(quantity) = quantity.filter(|quantity| quantity.milli() % 1000 != 0 && is_derived && flag != Some(0)) {
        let message = format!("Ray counts whole CPUs: {quantity} become {}", quantity.bytes());
        problems.push(
            Problem::warning(argument.clone(), message).code("RF105").hint("give a whole number, or set `num_cpus`"),
        );
    }
    if let (Some(flag), Some(quantity)) = (flag, quantity)
        && flag > quantity.bytes()
    {
        let message = format!("Ray is told of {flag} CPUs, the container may use {quantity}");
        problems.push(Problem::warning("num_cpus", message).code("RF110"));
    }
    if differs(node, "cpu") {
        let message =
            "CPU requests and limits differ: an autoscaler measures against the request, Ray counts the limit";
        problems.push(Problem::info("resources", message).code("RF104"));
    }
    problems
}

fn check_accelerators(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let found: Vec<(&String, &QuantityArgument)> =
        node.resources.limits.iter().filter(|(name, _)| is_accelerator(name)).collect();
    if found.len() > 1 {
        let names = found.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let message = format!("{names} in one container: Ray would mix their numbers");
        problems.push(Problem::warning("resources", message).code("RF112").hint("make one pool for each"));
    }
    let limit = found.iter().find(|(name, _)| is_gpu(name)).and_then(|(_, amount)| amount.units()).unwrap_or(0);
    if let Some(count) = node.ray.num_gpus.filter(|count| i64::from(*count) != limit) {
        let message = format!("Ray is told of {count} GPUs, the container has {limit}");
        problems.push(Problem::warning("num_gpus", message).code("RF111"));
    }
    for (name, _) in found {
        let bears = |toleration: &TolerationArguments| toleration.key.as_deref().is_none_or(|key| key == name);
        if !node.pod.toleration.iter().any(bears) && node.pod.pod_patch.is_none() {
            let message = format!("nodes with `{name}` are usually tainted, and these pods bear no such taint");
            let hint = format!("add `toleration {{ key = \"{name}\", effect = \"NoSchedule\" }}`");
            problems.push(Problem::warning(argument_of(node, name), message).code("RF701").hint(hint));
        }
    }
    problems
}

fn check_object_store(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in ["memory", "object-store-memory"] {
        if let Some(value) = node.ray.ray_start_params.get(name).filter(|value| value.0.parse::<u64>().is_err()) {
            let message = format!("`--{name}` takes a number of bytes, not `{}`", value.0);
            let bytes = value.0.parse::<Quantity>().ok().map(|quantity| quantity.bytes());
            let hint = match (name, bytes) {
                ("memory", _) => "leave it out: it is derived from the memory limit".to_owned(),
                (_, Some(bytes)) => format!("write `object_store_memory = \"{}\"` (which is {bytes})", value.0),
                _ => "write `object_store_memory = \"2Gi\"`".to_owned(),
            };
            problems.push(Problem::error(format!("ray_start_params/{name}"), message).code("RF107").hint(hint));
        }
    }
    let flag = |name: &str| node.flags.get(name).and_then(|value| value.as_deref()?.parse::<i64>().ok());
    let argument = if node.ray.object_store_memory.is_some() {
        "object_store_memory"
    } else {
        "ray_start_params/object-store-memory"
    };
    let (Some(store), limit) =
        (flag("object-store-memory"), node.resources.limits.get("memory").and_then(QuantityArgument::units))
    else {
        return problems;
    };
    if let Some(limit) = limit.filter(|limit| store > *limit) {
        let message = format!("an object store of {store} bytes does not fit into a memory limit of {limit}");
        problems.push(Problem::error(argument, message).code("RF203"));
    }
    let memory = node.ray.ray_start_params.get("memory").and_then(|value| value.0.parse::<i64>().ok());
    if let (Some(memory), Some(limit)) = (memory, limit)
        && store.saturating_add(memory) > limit
    {
        let message = "the object store and the memory that tasks are promised are together more than the limit";
        problems.push(Problem::warning(argument, message).code("RF204"));
    }
    let shared = shared_memory(node.template);
    let is_allowed = node.pod.env.contains_key("RAY_OBJECT_STORE_ALLOW_SLOW_STORAGE");
    if store > SLOW_STORE && shared.is_some_and(|size| store >= size) && !is_allowed {
        let message = format!(
            "an object store of {store} bytes does not fit into `/dev/shm`, and Ray refuses to start with so large a one on disk"
        );
        problems.push(Problem::error(argument, message).code("RF202").hint("make `shared_memory` larger"));
    }
    problems
}

/// Returns the size of the pod's `/dev/shm`, zero where there is none, nothing where its volume has no size.
fn shared_memory(template: &Json) -> Option<i64> {
    let mounts = template.pointer("/spec/containers/0/volumeMounts").and_then(Json::as_array);
    let mount = mounts.into_iter().flatten().find(|mount| mount["mountPath"] == "/dev/shm");
    let Some(mount) = mount else { return Some(0) };
    let volumes = template.pointer("/spec/volumes").and_then(Json::as_array)?;
    let volume = volumes.iter().find(|volume| volume["name"] == mount["name"])?;
    volume.pointer("/emptyDir/sizeLimit")?.as_str()?.parse::<Quantity>().ok().map(|size| size.bytes())
}

fn check_storage(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if shared_memory(node.template) == Some(0) {
        let message = "without a volume at `/dev/shm` Ray keeps its objects in `/tmp`, which is slow";
        problems.push(Problem::warning("shared_memory", message).code("RF201"));
    }
    let limit = node.resources.limits.get("memory").and_then(QuantityArgument::units);
    if let (Some(shared), Some(limit)) = (shared_memory(node.template), limit)
        && shared > limit
    {
        let message = format!("`/dev/shm` may hold {shared} bytes, more than the memory limit of {limit}");
        let hint = "what is written there counts against the limit: the pod is killed before it is full";
        problems.push(Problem::warning("shared_memory", message).code("RF210").hint(hint));
    }
    let mounts = &node.pod.volume_mount;
    if let Some(directory) = node.ray.ray_start_params.get("plasma-directory") {
        let is_mounted = directory.0.starts_with("/dev/shm")
            || mounts.iter().any(|mount| directory.0.starts_with(&mount.mount_path));
        if !is_mounted && node.pod.pod_patch.is_none() {
            let message = format!("there is no volume at `{}`: Ray would not start", directory.0);
            problems.push(
                Problem::error("ray_start_params/plasma-directory", message)
                    .code("RF205")
                    .hint("leave it out: `/dev/shm` is there"),
            );
        }
    }
    let is_claim = |name: &str| {
        node.pod.volume.iter().any(|volume| volume.name == name && volume.persistent_volume_claim.is_some())
    };
    let kept = mounts.iter().position(|mount| mount.mount_path == "/tmp/ray" && is_claim(&mount.name));
    if let Some(index) = kept.filter(|_| node.is_head) {
        let message = "a claim at `/tmp/ray` keeps old sessions and old discovery files, and grows";
        let argument = format!("volume_mount/{index}/mount_path");
        problems.push(Problem::warning(argument, message).code("RF208").hint("use `empty_dir {}`"));
    }
    problems
}

fn check_image(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if is_floating(node.image) {
        let message =
            format!("`{}` may be another Ray tomorrow, and nodes of different versions do not join", node.image);
        problems.push(
            Problem::warning("image", message).code("RF412").hint("name a fixed tag such as `rayproject/ray:2.52.0`"),
        );
    } else if node.pod.image_pull_policy.is_some_and(|policy| policy.text() == "Always") {
        let message = "the image has a fixed tag; fetching it at every start only makes starting slow";
        problems.push(Problem::warning("image_pull_policy", message).code("RF412"));
    }
    if let Some(version) = node.version.filter(|version| (RayVersion(2, 11, 0)..RayVersion(2, 38, 0)).contains(version))
    {
        let message = format!("health checks are not reliable in Ray {version}: the dashboard agent has a known fault");
        problems.push(Problem::warning("image", message).code("RF405").hint("use Ray 2.38 or later"));
    }
    problems
}

fn check_placement(node: &Node<'_>) -> Vec<Problem> {
    let is_stuck = |toleration: &TolerationArguments| {
        let key = toleration.key.as_deref();
        let is_key = key == Some("node.kubernetes.io/unreachable") || key == Some("node.kubernetes.io/not-ready");
        let is_effect = toleration.effect.as_deref().is_none_or(|effect| effect == "NoExecute");
        is_key && is_effect && toleration.toleration_seconds.is_none()
    };
    let place = node.pod.toleration.iter().position(is_stuck).filter(|_| node.is_head);
    let problem = |index| {
        let message = "a head that bears this taint for ever never leaves a dead node";
        let argument = format!("toleration/{index}");
        Problem::warning(argument, message).code("RF319").hint("add `toleration_seconds = 60`")
    };
    place.map(problem).into_iter().collect()
}

fn check_ports(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let empty = Vec::new();
    let ports = node.template.pointer("/spec/containers/0/ports").and_then(Json::as_array).unwrap_or(&empty);
    let mut taken: BTreeMap<u64, String> = BTreeMap::new();
    for port in ports {
        if let (Some(number), Some(name)) = (port["containerPort"].as_u64(), port["name"].as_str()) {
            taken.insert(number, name.to_owned());
        }
    }
    for (index, sidecar) in node.pod.sidecar.iter().enumerate() {
        for (name, number) in &sidecar.ports {
            if let Some(other) = taken.insert(u64::from(*number), name.clone()) {
                let message = format!("the port {number} is Ray's `{other}` already");
                problems.push(Problem::error(format!("sidecar/{index}/ports/{name}"), message).code("RF609"));
            }
        }
    }
    let first = flag_ports(node.flags, "min-worker-port").unwrap_or(WORKERS.0);
    let last = flag_ports(node.flags, "max-worker-port").unwrap_or(WORKERS.1);
    if first > 0
        && let Some((number, name)) =
            taken.iter().find(|(number, _)| (u64::from(first)..=u64::from(last)).contains(*number))
    {
        let message = format!("the ports of worker processes, {first} to {last}, overlap with `{name}` ({number})");
        problems.push(Problem::error("ray_start_params", message).code("RF609"));
    }
    if flag_ports(node.flags, "metrics-export-port").is_none_or(|port| port == 0) {
        let message = "without a fixed port for metrics nothing can collect them";
        problems.push(Problem::warning("ray_start_params/metrics-export-port", message).code("RF951"));
    }
    problems
}

fn check_life(node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(seconds) = node.pod.termination_grace_period_seconds.filter(|seconds| *seconds <= 30) {
        let message = format!("{seconds} s are not more than Ray takes to drain a node (30 s): tasks would be killed");
        problems
            .push(Problem::warning("termination_grace_period_seconds", message).code("RF705").hint("give 60 or more"));
    }
    for (name, probe) in
        [("livenessProbe", "liveness_probe"), ("readinessProbe", "readiness_probe"), ("startupProbe", "startup_probe")]
    {
        let Some(request) = node.template.pointer(&format!("/spec/containers/0/{name}/httpGet")) else { continue };
        let (path, port) = (request["path"].as_str().unwrap_or("/"), request["port"].as_u64());
        if port == Some(u64::from(super::ports::METRICS)) && path != "/metrics" {
            let message =
                format!("Ray serves metrics on port 8080, not `{path}`: the pods would be killed or never ready");
            problems.push(
                Problem::error(format!("{probe}/http_get"), message).code("RF708").hint("leave the probe to rayform"),
            );
        }
    }
    let liveness = node.template.pointer("/spec/containers/0/livenessProbe");
    let number = |field: &str, default| liveness.and_then(|probe| probe[field].as_u64()).unwrap_or(default);
    let budget = number("periodSeconds", 10) * number("failureThreshold", 3);
    if node.is_fault_tolerant
        && !node.is_head
        && liveness.is_some()
        && budget < u64::from(super::gcs::RECONNECT_SECONDS)
    {
        let message =
            format!("workers are killed after {budget} s, before they have waited 600 s for a head that restarts");
        problems.push(Problem::warning("liveness_probe", message).code("RF709"));
    }
    let timeout =
        node.pod.env.get("RAY_gcs_rpc_server_reconnect_timeout_s").and_then(|value| value.0.parse::<u32>().ok());
    if let Some(seconds) = timeout.filter(|seconds| *seconds <= 60 && node.is_fault_tolerant && !node.is_head) {
        let message = format!("workers give up after {seconds} s, which is less than a head takes to come back");
        problems.push(Problem::warning("env/RAY_gcs_rpc_server_reconnect_timeout_s", message).code("RF309"));
    }
    problems
}

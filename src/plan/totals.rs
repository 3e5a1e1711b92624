//! Sums up what all pods request, before and after.
use crate::model::{Json, Object, Quantity};

use super::{Plan, Totals};

/// CPU in thousandths, memory in bytes, GPUs.
#[derive(Clone, Copy, Default)]
struct Requests {
    cpu: i64,
    memory: i64,
    gpu: i64,
}

/// Returns the sums of a plan.
pub(super) fn sum(plan: &Plan) -> Totals {
    let (mut before, mut after) = (Requests::default(), Requests::default());
    for change in plan.resources.values().flat_map(|resource| &resource.changes) {
        let live = change.live().map(|live| of_object(live, None)).unwrap_or_default();
        before = before.plus(live, 1);
        let desired = change.desired().map(|desired| of_object(&desired.object, change.live())).unwrap_or_default();
        after = after.plus(desired, 1);
    }
    Totals { cpu: (before.cpu, after.cpu), memory: (before.memory, after.memory), gpu: (before.gpu, after.gpu) }
}

/// Returns what the pods of one object request; a number of pods that is not set is the live one.
fn of_object(object: &Object, live: Option<&Object>) -> Requests {
    let replicas = || {
        let of = |object: &Object| object.pointer("/spec/replicas").and_then(Json::as_i64);
        of(object).or_else(|| live.and_then(of)).unwrap_or(1)
    };
    let template = |pointer: &str| object.pointer(pointer).map(of_pod).unwrap_or_default();
    match object.kind_name() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            Requests::default().plus(template("/spec/template/spec"), replicas())
        }
        "Job" => {
            let pods = object.pointer("/spec/parallelism").and_then(Json::as_i64).unwrap_or(1);
            Requests::default().plus(template("/spec/template/spec"), pods)
        }
        "Pod" => template("/spec"),
        "RayCluster" => object.pointer("/spec").map(of_ray).unwrap_or_default(),
        "RayJob" => object.pointer("/spec/rayClusterSpec").map(of_ray).unwrap_or_default(),
        "RayService" => object.pointer("/spec/rayClusterConfig").map(of_ray).unwrap_or_default(),
        _ => Requests::default(),
    }
}

fn of_ray(spec: &Json) -> Requests {
    let head = spec.pointer("/headGroupSpec/template/spec").map(of_pod).unwrap_or_default();
    let groups = spec.get("workerGroupSpecs").and_then(Json::as_array);
    groups.into_iter().flatten().fold(head, |sum, group| {
        let number = |name: &str| group.get(name).and_then(Json::as_i64);
        let pods = number("replicas").or_else(|| number("minReplicas")).unwrap_or(0);
        let hosts = number("numOfHosts").unwrap_or(1);
        sum.plus(group.pointer("/template/spec").map(of_pod).unwrap_or_default(), pods.saturating_mul(hosts))
    })
}

/// Returns what one pod requests: its containers together, or the largest init container.
fn of_pod(spec: &Json) -> Requests {
    let containers = |name: &str| spec.get(name).and_then(Json::as_array).into_iter().flatten();
    let is_sidecar = |container: &Json| container.get("restartPolicy").and_then(Json::as_str) == Some("Always");
    let running = containers("containers").chain(containers("initContainers").filter(|it| is_sidecar(it)));
    let sum = running.fold(Requests::default(), |sum, container| sum.plus(of_container(container), 1));
    containers("initContainers").filter(|it| !is_sidecar(it)).map(of_container).fold(sum, Requests::at_least)
}

fn of_container(container: &Json) -> Requests {
    let resources = container.get("resources");
    let amount = |name: &str| {
        // A limit without a request is the request.
        let of = |part: &str| resources.and_then(|resources| resources.get(part)?.get(name)).and_then(quantity);
        of("requests").or_else(|| of("limits")).unwrap_or(Quantity::ZERO)
    };
    let named = |part: &str| resources.and_then(|resources| resources.get(part)?.as_object()).into_iter().flatten();
    let is_gpu = |name: &str| name.rsplit('/').next().is_some_and(|last| last == "gpu" || last.starts_with("gpu."));
    let gpus = named("limits").filter(|(name, _)| is_gpu(name)).filter_map(|(_, value)| quantity(value));
    let gpu = gpus.fold(0, |sum: i64, gpus| sum.saturating_add(gpus.milli() / 1000));
    Requests { cpu: amount("cpu").milli(), memory: amount("memory").bytes(), gpu }
}

/// Reads a quantity, which may be written as a text or as a number.
pub(super) fn quantity(value: &Json) -> Option<Quantity> {
    match value {
        Json::String(text) => text.parse().ok(),
        Json::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

impl Requests {
    fn plus(self, other: Self, times: i64) -> Self {
        let add = |own: i64, other: i64| own.saturating_add(other.saturating_mul(times));
        Self { cpu: add(self.cpu, other.cpu), memory: add(self.memory, other.memory), gpu: add(self.gpu, other.gpu) }
    }

    fn at_least(self, other: Self) -> Self {
        Self { cpu: self.cpu.max(other.cpu), memory: self.memory.max(other.memory), gpu: self.gpu.max(other.gpu) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(kind: &str, spec: &Json, expected: (i64, i64, i64)) {
        let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec});
        let sum = of_object(&Object::new(object).expect("an object"), None);
        assert_eq!((sum.cpu, sum.memory, sum.gpu), expected);
    }

    fn pod(cpu: &str) -> Json {
        json!({"containers": [{"resources": {"requests": {"cpu": cpu, "memory": "1Ki"}, "limits": {"nvidia.com/gpu": 1}}}]})
    }

    #[test]
    fn pods_count_as_often_as_they_run() {
        check("Deployment", &json!({"replicas": 3, "template": {"spec": pod("500m")}}), (1500, 3072, 3));
        check("Deployment", &json!({"template": {"spec": pod("500m")}}), (500, 1024, 1));
    }

    #[test]
    fn init_containers_count_where_they_are_larger() {
        let init = json!({"containers": [{"resources": {"limits": {"cpu": 1}}}],
                          "initContainers": [{"resources": {"requests": {"cpu": "3"}}}]});
        check("Pod", &init, (3000, 0, 0));
    }

    #[test]
    fn a_ray_cluster_is_its_head_and_its_groups() {
        let group = json!({"replicas": 2, "template": {"spec": pod("2")}});
        check(
            "RayCluster",
            &json!({"headGroupSpec": {"template": {"spec": pod("1")}}, "workerGroupSpecs": [group]}),
            (5000, 3072, 3),
        );
    }
}

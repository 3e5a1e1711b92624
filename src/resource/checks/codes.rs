//! The table of all checks, from which the reference page is made.
use crate::model::Severity;

/// What one check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckDoc {
    pub code: &'static str,
    /// The severity that it usually has. Errors stop the plan and cannot be silenced.
    pub severity: Severity,
    /// What it finds.
    pub finds: &'static str,
    /// What comes of it; perhaps empty.
    pub because: &'static str,
    /// Where to read more.
    pub source: &'static str,
}

/// Returns every check, by code.
pub(crate) fn all() -> &'static [CheckDoc] {
    &CHECKS
}

const fn row(
    code: &'static str,
    severity: Severity,
    finds: &'static str,
    because: &'static str,
    source: &'static str,
) -> CheckDoc {
    CheckDoc { code, severity, finds, because, source }
}

const AUTOSCALING: &str = "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/";
const STATIC_CLUSTER: &str =
    "https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/static-ray-cluster-without-kuberay.html";
const KUBERAY_PODS: &str =
    "https://github.com/ray-project/kuberay/blob/v1.7.0/ray-operator/controllers/ray/common/pod.go";
const CONFIGURATION: &str = "https://docs.ray.io/en/latest/ray-core/configure.html";
const FAULT_TOLERANCE: &str = "https://docs.ray.io/en/latest/ray-core/fault_tolerance/gcs.html";
const SCHEDULING: &str = "https://kubernetes.io/docs/concepts/scheduling-eviction/";
const SECURITY: &str = "https://docs.ray.io/en/latest/ray-security/index.html";
const RAY_CLIENT: &str = "https://docs.ray.io/en/latest/cluster/running-applications/job-submission/ray-client.html";
const RAY_AUTOSCALING: &str = "https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/k8s-autoscaler.html";
const NETWORK_POLICIES: &str = "https://kubernetes.io/docs/concepts/services-networking/network-policies/";
const POD_SECURITY: &str = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";
const DASHBOARD: &str = "https://docs.ray.io/en/latest/cluster/configure-manage-dashboard.html";
const QUOTAS: &str = "https://kubernetes.io/docs/concepts/policy/resource-quotas/";
const PROMETHEUS: &str = "https://docs.ray.io/en/latest/cluster/kubernetes/k8s-ecosystem/prometheus-grafana.html";
const CLAIMS: &str = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes";
const SECRETS: &str = "https://kubernetes.io/docs/concepts/configuration/secret/";
const CONFIG_MAPS: &str = "https://kubernetes.io/docs/concepts/configuration/configmap/";

const CHECKS: [CheckDoc; 72] = [
    row(
        "RF101",
        Severity::Error,
        "The head has less than 2 GB of memory.",
        "It needs about 1 GB to be idle, and is killed under load.",
        STATIC_CLUSTER,
    ),
    row(
        "RF102",
        Severity::Info,
        "A Ray container has less than 8 GB of memory.",
        "Ray's advice for production.",
        STATIC_CLUSTER,
    ),
    row(
        "RF103",
        Severity::Warning,
        "Memory requests and limits differ.",
        "Ray hands out the limit, Kubernetes sets the request aside. A remark only on heads.",
        STATIC_CLUSTER,
    ),
    row(
        "RF104",
        Severity::Info,
        "CPU requests and limits differ.",
        "An autoscaler measures against the request, Ray counts the limit.",
        STATIC_CLUSTER,
    ),
    row(
        "RF105",
        Severity::Warning,
        "The CPU limit is not a whole number.",
        "Ray counts whole CPUs and rounds up.",
        KUBERAY_PODS,
    ),
    row(
        "RF106",
        Severity::Warning,
        "There is neither a CPU limit nor `num_cpus`.",
        "Ray takes all CPUs of the machine for its own.",
        KUBERAY_PODS,
    ),
    row(
        "RF107",
        Severity::Error,
        "`memory` or `object-store-memory` in `ray_start_params` is not a number of bytes.",
        "`ray start` takes whole numbers only.",
        CONFIGURATION,
    ),
    row(
        "RF110",
        Severity::Warning,
        "`num_cpus` is more than the CPU limit.",
        "Tasks share less than they were promised.",
        KUBERAY_PODS,
    ),
    row(
        "RF111",
        Severity::Warning,
        "`num_gpus` is not the number of GPUs.",
        "GPUs are hidden, or promised and not there.",
        KUBERAY_PODS,
    ),
    row(
        "RF112",
        Severity::Warning,
        "One container has two kinds of accelerators.",
        "Ray would mix their numbers.",
        KUBERAY_PODS,
    ),
    row(
        "RF113",
        Severity::Info,
        "The head runs tasks beside its pools.",
        "Tasks may take what the GCS needs.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF114",
        Severity::Warning,
        "The head has a GPU beside its pools.",
        "It is idle most of the time.",
        FAULT_TOLERANCE,
    ),
    row("RF117", Severity::Error, "Replicas are negative, or the least is more than the most.", "", AUTOSCALING),
    row(
        "RF201",
        Severity::Warning,
        "There is no memory at `/dev/shm`.",
        "Ray keeps its objects in `/tmp`, which is slow.",
        STATIC_CLUSTER,
    ),
    row(
        "RF202",
        Severity::Error,
        "A large object store does not fit into `/dev/shm`.",
        "Ray refuses to start with more than 10 GB elsewhere.",
        CONFIGURATION,
    ),
    row(
        "RF203",
        Severity::Error,
        "The object store is larger than the memory limit.",
        "Ray refuses to start.",
        CONFIGURATION,
    ),
    row(
        "RF204",
        Severity::Warning,
        "Object store and promised memory are together more than the limit.",
        "Ray refuses to start where too little is left for tasks.",
        CONFIGURATION,
    ),
    row("RF205", Severity::Error, "There is no volume at `plasma-directory`.", "Ray refuses to start.", CONFIGURATION),
    row(
        "RF206",
        Severity::Error,
        "A claim for one node is mounted by several pods.",
        "All but one of them wait for ever.",
        CLAIMS,
    ),
    row(
        "RF208",
        Severity::Warning,
        "A claim is mounted at `/tmp/ray` of the head.",
        "Old sessions and discovery files stay, and it grows.",
        STATIC_CLUSTER,
    ),
    row(
        "RF210",
        Severity::Warning,
        "The memory at `/dev/shm` may grow above the memory limit.",
        "It counts against the limit: the pod is killed before it is full.",
        "https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
    ),
    row(
        "RF303",
        Severity::Error,
        "An autoscaler targets the head.",
        "There is one head in a Ray cluster.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF304",
        Severity::Info,
        "The GCS has no fault tolerance.",
        "Losing the head is losing the cluster.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF305",
        Severity::Warning,
        "The address of Redis names a Service that is not made.",
        "The head does not start.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF306",
        Severity::Warning,
        "Redis has no disk.",
        "The state of the GCS is lost with the pod.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF307",
        Severity::Error,
        "Two heads keep their state in one place in Redis.",
        "They overwrite each other.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF309",
        Severity::Warning,
        "Workers wait less for their head than it takes to come back.",
        "They die while the head restarts.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF310",
        Severity::Warning,
        "A password or token stands as plain text.",
        "Whoever reads pods reads it.",
        SECURITY,
    ),
    row(
        "RF312",
        Severity::Error,
        "The address names several Redis servers, or a Redis cluster.",
        "Ray keeps its state on one.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF314",
        Severity::Error,
        "A Redis user with Ray before 2.41.",
        "The flag is not known there.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF317",
        Severity::Warning,
        "The head has no disruption budget.",
        "A drain of its node takes it away.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF319",
        Severity::Warning,
        "The head bears the taint of a dead node for ever.",
        "It never moves away from there.",
        SCHEDULING,
    ),
    row("RF401", Severity::Error, "Workers have another Ray version than their head.", "They do not join.", RAY_CLIENT),
    row("RF402", Severity::Error, "Workers have another Python than their head.", "Tasks fail.", RAY_CLIENT),
    row(
        "RF405",
        Severity::Warning,
        "Ray 2.11 to 2.37 with health checks.",
        "The dashboard agent has a known fault.",
        RAY_CLIENT,
    ),
    row(
        "RF412",
        Severity::Warning,
        "The tag of an image moves, or a fixed one is fetched at every start.",
        "Nodes of different versions do not join.",
        RAY_CLIENT,
    ),
    row("RF414", Severity::Error, "Token authentication with Ray before 2.52.", "It is not there.", SECURITY),
    row(
        "RF502",
        Severity::Error,
        "An autoscaler of Kubernetes targets a RayCluster.",
        "It has no `scale` subresource.",
        RAY_AUTOSCALING,
    ),
    row(
        "RF503",
        Severity::Error,
        "Fixed replicas on what an autoscaler scales.",
        "Every apply sets them back.",
        RAY_AUTOSCALING,
    ),
    row(
        "RF504",
        Severity::Error,
        "An autoscaler measures against requests, and a container has none.",
        "It never knows the utilization.",
        RAY_AUTOSCALING,
    ),
    row(
        "RF505",
        Severity::Info,
        "An autoscaler looks at CPU alone.",
        "Ray workers run out of memory first.",
        RAY_AUTOSCALING,
    ),
    row(
        "RF506",
        Severity::Warning,
        "An autoscaler scales in at once.",
        "It takes workers away that run tasks.",
        RAY_AUTOSCALING,
    ),
    row("RF515", Severity::Warning, "An autoscaler with no least pod.", "Most clusters refuse it.", RAY_AUTOSCALING),
    row(
        "RF601",
        Severity::Error,
        "Ports that run code are reachable from outside without authentication.",
        "CVE-2023-48022, CVE-2025-62593.",
        SECURITY,
    ),
    row("RF602", Severity::Info, "There is no authentication.", "Whoever reaches the head can run any code.", SECURITY),
    row(
        "RF603",
        Severity::Error,
        "A NetworkPolicy closes Ray nodes off from each other.",
        "Workers cannot join.",
        NETWORK_POLICIES,
    ),
    row(
        "RF604",
        Severity::Error,
        "A NetworkPolicy keeps Ray nodes from DNS.",
        "They cannot find the head.",
        NETWORK_POLICIES,
    ),
    row(
        "RF607",
        Severity::Warning,
        "A selector means no pod of the configuration.",
        "What it is for does not happen.",
        NETWORK_POLICIES,
    ),
    row(
        "RF608",
        Severity::Warning,
        "A policy selects namespaces by the label `name`.",
        "They bear `kubernetes.io/metadata.name`.",
        NETWORK_POLICIES,
    ),
    row("RF609", Severity::Error, "Two things in one pod want one port.", "The second does not start.", CONFIGURATION),
    row(
        "RF610",
        Severity::Error,
        "The name of a `RAY_` variable is in wrong case; a warning where it is not known at all.",
        "Ray silently ignores it.",
        CONFIGURATION,
    ),
    row(
        "RF611",
        Severity::Error,
        "A headless Service hides the head until it is ready.",
        "Workers cannot find it.",
        NETWORK_POLICIES,
    ),
    row(
        "RF613",
        Severity::Warning,
        "Pods in a namespace that enforces `restricted` do not say that they are.",
        "The server refuses them.",
        POD_SECURITY,
    ),
    row(
        "RF614",
        Severity::Warning,
        "Pods refer to a Secret, ConfigMap, claim or account that is not made here; an error where only the key is missing.",
        "The pods do not start.",
        SECRETS,
    ),
    row(
        "RF617",
        Severity::Warning,
        "The URL of Grafana or Prometheus has no scheme, or ends with `/`.",
        "The dashboard cannot embed it.",
        DASHBOARD,
    ),
    row(
        "RF701",
        Severity::Warning,
        "Pods with accelerators bear no taint.",
        "They are never scheduled where nodes are tainted.",
        SCHEDULING,
    ),
    row("RF702", Severity::Error, "A node label that does not exist.", "The pods are never scheduled.", SCHEDULING),
    row(
        "RF704",
        Severity::Warning,
        "A hook runs `ray stop`.",
        "It ends tasks that could still finish.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF705",
        Severity::Warning,
        "Pods are killed before Ray has drained the node.",
        "Tasks are lost.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF706",
        Severity::Warning,
        "Workers do not wait for their head.",
        "They fail and are started again, later and later.",
        KUBERAY_PODS,
    ),
    row(
        "RF708",
        Severity::Error,
        "A probe asks the port of the metrics for something else.",
        "The pods are killed or never ready.",
        KUBERAY_PODS,
    ),
    row(
        "RF709",
        Severity::Warning,
        "Workers are killed before they have waited for their head.",
        "Fault tolerance does not work.",
        FAULT_TOLERANCE,
    ),
    row(
        "RF801",
        Severity::Error,
        "The quota of a namespace is less than what its pods ask for; a warning where only autoscalers would exceed it.",
        "The server refuses the pods.",
        QUOTAS,
    ),
    row(
        "RF802",
        Severity::Error,
        "A container says nothing of what a quota bounds.",
        "The server refuses the pods.",
        QUOTAS,
    ),
    row(
        "RF803",
        Severity::Error,
        "A container is outside of the limits of its namespace.",
        "The server refuses the pods.",
        QUOTAS,
    ),
    row("RF804", Severity::Warning, "A quota bounds CPU but not GPUs.", "One team may take them all.", QUOTAS),
    row(
        "RF806",
        Severity::Warning,
        "Replacing pods needs more than the quota allows.",
        "The rollout is stuck.",
        QUOTAS,
    ),
    row(
        "RF951",
        Severity::Warning,
        "The port of the metrics is not fixed.",
        "Nothing can collect them.",
        CONFIGURATION,
    ),
    row(
        "RF952",
        Severity::Error,
        "A PodMonitor reads a port that its pods do not have.",
        "There is nothing to read.",
        PROMETHEUS,
    ),
    row(
        "RF953",
        Severity::Info,
        "Discovery by file needs a volume that Prometheus sees too.",
        "Prometheus finds nothing.",
        PROMETHEUS,
    ),
    row(
        "RF954",
        Severity::Info,
        "A monitor bears no label that Prometheus could select.",
        "It is not discovered.",
        PROMETHEUS,
    ),
    row("RF956", Severity::Error, "A ConfigMap is larger than 1 MiB.", "The server refuses it.", CONFIG_MAPS),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Returns every code that the sources of the resource types mention between quotation marks.
    fn mentioned(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                mentioned(&path, codes);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("codes.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("mod tests").next().unwrap_or_default();
                let parts = text.split("\"RF").skip(1).filter_map(|rest| rest.split_once('"'));
                codes.extend(parts.filter(|(digits, _)| digits.len() == 3).map(|(digits, _)| format!("RF{digits}")));
            }
        }
    }

    #[test]
    fn the_table_and_the_checks_are_the_same() {
        let mut codes = BTreeSet::new();
        mentioned(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/resource"), &mut codes);
        let table: BTreeSet<String> = all().iter().map(|check| check.code.to_owned()).collect();
        assert_eq!(table, codes);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(all().windows(2).all(|pair| pair[0].code < pair[1].code));
    }
}

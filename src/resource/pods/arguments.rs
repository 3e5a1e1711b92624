//! The pod settings as they are written in a block.
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::resource::arguments::{QuantityArgument, RawArgument, TextArgument};

/// The settings that every type with pods takes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PodArguments {
    /// The container image.
    pub image: Option<String>,
    /// `Always`, `IfNotPresent` or `Never`. Default: the cluster's, `IfNotPresent` for a fixed tag.
    pub image_pull_policy: Option<PullPolicy>,
    /// Names of Secrets with registry credentials.
    pub image_pull_secrets: Vec<String>,
    /// CPU, request and limit alike, in cores: `2`, `"500m"`.
    pub cpu: Option<QuantityArgument>,
    /// Memory, request and limit alike: `"8Gi"`.
    pub memory: Option<QuantityArgument>,
    /// GPUs of each pod, request and limit alike.
    pub gpu: Option<u32>,
    /// The resource name of those GPUs. Default: `nvidia.com/gpu`.
    pub gpu_resource: Option<String>,
    /// Requests and limits apart, and other resources; stands before the shorthands.
    #[schemars(extend("x-block" = true))]
    pub resources: Option<ResourcesArguments>,
    /// Environment variables, by name. What is set here stands before what is derived.
    pub env: BTreeMap<String, TextArgument>,
    /// One environment variable whose value comes from a Secret, a ConfigMap, or the pod itself.
    #[schemars(extend("x-block" = true, "x-label" = "name"))]
    pub env_value: Vec<EnvValueArguments>,
    /// Environment variables from all entries of a ConfigMap or Secret.
    #[schemars(extend("x-block" = true))]
    pub env_from: Vec<EnvFromArguments>,
    /// A volume of the pod; the label is its name.
    #[schemars(extend("x-block" = true, "x-label" = "name"))]
    pub volume: Vec<VolumeArguments>,
    /// Where a volume appears in the main container.
    #[schemars(extend("x-block" = true))]
    pub volume_mount: Vec<VolumeMountArguments>,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// A taint that the pods bear.
    #[schemars(extend("x-block" = true))]
    pub toleration: Vec<TolerationArguments>,
    /// A Kubernetes affinity: `{ node_affinity = … }`.
    pub affinity: Option<RawArgument>,
    /// How the pods spread over zones or nodes.
    #[schemars(extend("x-block" = true))]
    pub topology_spread_constraint: Vec<TopologySpreadArguments>,
    /// The security context of the main container.
    pub security_context: Option<RawArgument>,
    /// The security context of the pod.
    pub pod_security_context: Option<RawArgument>,
    /// The service account of the pods.
    pub service_account: Option<String>,
    /// The name of a `PriorityClass`.
    pub priority_class: Option<String>,
    /// The name of a `RuntimeClass`, such as `nvidia` or `gvisor`.
    pub runtime_class: Option<String>,
    /// More labels, for the pods and for every object of this resource.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    pub annotations: BTreeMap<String, String>,
    /// A container beside the main one.
    #[schemars(extend("x-block" = true, "x-label" = "name"))]
    pub sidecar: Vec<ExtraContainer>,
    /// A container that runs to its end before the main one starts.
    #[schemars(extend("x-block" = true, "x-label" = "name"))]
    pub init_container: Vec<ExtraContainer>,
    /// The size of `/dev/shm`, which is memory. Default: for Ray the memory limit; `0` leaves it out.
    pub shared_memory: Option<QuantityArgument>,
    /// Changes to the liveness probe; `enabled = false` leaves it out.
    #[schemars(extend("x-block" = true))]
    pub liveness_probe: Option<ProbeArguments>,
    /// Changes to the readiness probe.
    #[schemars(extend("x-block" = true))]
    pub readiness_probe: Option<ProbeArguments>,
    /// Changes to the startup probe.
    #[schemars(extend("x-block" = true))]
    pub startup_probe: Option<ProbeArguments>,
    /// Hooks of the main container's life: `{ pre_stop = { exec = { command = […] } } }`.
    pub lifecycle_hooks: Option<RawArgument>,
    /// Seconds between the request to stop and the kill. Default: 30, for Ray 60.
    pub termination_grace_period_seconds: Option<u32>,
    /// A raw pod spec, merged last: maps merge, containers, volumes, variables and mounts merge by name.
    pub pod_patch: Option<RawArgument>,
}

/// When the image is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// Requests and limits, by resource name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResourcesArguments {
    /// What the scheduler sets aside.
    pub requests: BTreeMap<String, QuantityArgument>,
    /// What the kernel allows.
    pub limits: BTreeMap<String, QuantityArgument>,
}

/// Where the value of one environment variable comes from: exactly one of the four.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvValueArguments {
    /// The variable.
    pub name: String,
    /// The name of a Secret.
    pub secret: Option<String>,
    /// The name of a ConfigMap.
    pub config_map: Option<String>,
    /// The key in the Secret or ConfigMap.
    pub key: Option<String>,
    /// Whether the Secret, ConfigMap or key may be missing.
    pub optional: Option<bool>,
    /// A field of the pod, such as `status.podIP`.
    pub field: Option<String>,
    /// A resource of the container, such as `limits.cpu`.
    pub resource: Option<String>,
}

/// A ConfigMap or Secret whose entries all become environment variables.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvFromArguments {
    /// The name of a ConfigMap.
    pub config_map: Option<String>,
    /// The name of a Secret.
    pub secret: Option<String>,
    /// Stands before every name.
    pub prefix: Option<String>,
    /// Whether it may be missing.
    pub optional: Option<bool>,
}

/// A volume: exactly one source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumeArguments {
    /// What mounts call it.
    pub name: String,
    /// The name of a ConfigMap.
    pub config_map: Option<String>,
    /// The name of a Secret.
    pub secret: Option<String>,
    /// Which keys of the ConfigMap or Secret appear, and under which paths. Default: all.
    #[serde(default)]
    pub items: BTreeMap<String, String>,
    /// Permissions of those files, in octal: `"0400"`.
    pub default_mode: Option<String>,
    /// The name of a claim.
    pub persistent_volume_claim: Option<String>,
    /// Whether the claim is mounted for reading only.
    pub read_only: Option<bool>,
    /// An empty folder that lives as long as the pod.
    #[schemars(extend("x-block" = true))]
    pub empty_dir: Option<EmptyDirArguments>,
    /// A folder or file of the node.
    #[schemars(extend("x-block" = true))]
    pub host_path: Option<HostPathArguments>,
    /// A claim that is made for each pod and goes with it.
    #[schemars(extend("x-block" = true))]
    pub ephemeral: Option<EphemeralArguments>,
    /// Any other source, as Kubernetes has it: `{ csi = { driver = … } }`.
    pub source: Option<RawArgument>,
}

/// An empty folder.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmptyDirArguments {
    /// `Memory`, or left out for the node's disk.
    pub medium: Option<String>,
    /// At most so much; the pod is evicted beyond it.
    pub size_limit: Option<QuantityArgument>,
}

/// A folder or file of the node.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostPathArguments {
    /// The path on the node.
    pub path: String,
    /// What must be there, such as `Directory` or `DirectoryOrCreate`.
    #[serde(rename = "type")]
    pub path_type: Option<String>,
}

/// A claim that is made for each pod.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EphemeralArguments {
    /// The storage class. Default: the cluster's.
    pub storage_class: Option<String>,
    /// The size.
    pub size: QuantityArgument,
    /// Default: `["ReadWriteOnce"]`.
    pub access_modes: Option<Vec<String>>,
}

/// Where a volume appears in a container.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VolumeMountArguments {
    /// The volume.
    pub name: String,
    /// The path in the container.
    pub mount_path: String,
    /// One path inside of the volume.
    pub sub_path: Option<String>,
    /// Default: false.
    pub read_only: Option<bool>,
}

/// A taint that the pods bear.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TolerationArguments {
    /// The taint's key. Default: all taints.
    pub key: Option<String>,
    /// `Equal` or `Exists`. Default: `Equal` where there is a value, else `Exists`.
    pub operator: Option<String>,
    /// The taint's value.
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default: all.
    pub effect: Option<String>,
    /// How long `NoExecute` is borne.
    pub toleration_seconds: Option<u64>,
}

/// How the pods spread.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopologySpreadArguments {
    /// By how many pods two places may differ. Default: 1.
    pub max_skew: Option<u32>,
    /// The node label that makes a place, such as `topology.kubernetes.io/zone`.
    pub topology_key: String,
    /// `DoNotSchedule` or `ScheduleAnyway`. Default: `ScheduleAnyway`.
    pub when_unsatisfiable: Option<String>,
    /// Which pods count, as a map of labels. Default: the pods of this resource.
    pub match_labels: Option<BTreeMap<String, String>>,
    /// At least so many places.
    pub min_domains: Option<u32>,
}

/// Changes to a probe; what is left out stays as it is derived.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeArguments {
    /// False leaves the probe out.
    pub enabled: Option<bool>,
    /// Asks a URL: `{ path = "/", port = 80 }`.
    pub http_get: Option<RawArgument>,
    /// Runs a command: `{ command = […] }`.
    pub exec: Option<RawArgument>,
    /// Opens a port: `{ port = 80 }`.
    pub tcp_socket: Option<RawArgument>,
    /// Asks the gRPC health service: `{ port = 80 }`.
    pub grpc: Option<RawArgument>,
    /// Seconds before the first try.
    pub initial_delay_seconds: Option<u32>,
    /// Seconds that one try may take.
    pub timeout_seconds: Option<u32>,
    /// Seconds between tries.
    pub period_seconds: Option<u32>,
    /// Tries until it holds.
    pub success_threshold: Option<u32>,
    /// Tries until it fails.
    pub failure_threshold: Option<u32>,
}

/// A container beside or before the main one.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtraContainer {
    /// Its name.
    pub name: String,
    /// The container image. Default: the image of the main container.
    pub image: Option<String>,
    /// `Always`, `IfNotPresent` or `Never`.
    pub image_pull_policy: Option<PullPolicy>,
    /// Stands for the image's entry point.
    #[serde(default)]
    pub command: Vec<String>,
    /// Stands for the image's arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Ports by name.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// CPU, request and limit alike, in cores.
    pub cpu: Option<QuantityArgument>,
    /// Memory, request and limit alike.
    pub memory: Option<QuantityArgument>,
    /// Requests and limits apart.
    #[schemars(extend("x-block" = true))]
    pub resources: Option<ResourcesArguments>,
    /// Environment variables, by name.
    #[serde(default)]
    pub env: BTreeMap<String, TextArgument>,
    /// One environment variable whose value comes from elsewhere.
    #[serde(default)]
    #[schemars(extend("x-block" = true, "x-label" = "name"))]
    pub env_value: Vec<EnvValueArguments>,
    /// Environment variables from all entries of a ConfigMap or Secret.
    #[serde(default)]
    #[schemars(extend("x-block" = true))]
    pub env_from: Vec<EnvFromArguments>,
    /// Where a volume appears in the container.
    #[serde(default)]
    #[schemars(extend("x-block" = true))]
    pub volume_mount: Vec<VolumeMountArguments>,
    /// The security context of the container.
    pub security_context: Option<RawArgument>,
    /// `Always` on an init container makes it run beside the main one.
    pub restart_policy: Option<String>,
    /// When it is killed.
    #[schemars(extend("x-block" = true))]
    pub liveness_probe: Option<ProbeArguments>,
    /// When it is ready.
    #[schemars(extend("x-block" = true))]
    pub readiness_probe: Option<ProbeArguments>,
    /// When it has started.
    #[schemars(extend("x-block" = true))]
    pub startup_probe: Option<ProbeArguments>,
}

impl PullPolicy {
    /// Returns the word that Kubernetes has for it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }

    /// Reads the word, as an export carries it.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        [Self::Always, Self::IfNotPresent, Self::Never].into_iter().find(|policy| policy.text() == text)
    }
}

//! The command line that starts a Ray node.
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ports;
use crate::model::UNKNOWN;
use crate::resource::arguments::{QuantityArgument, TextArgument};
use crate::resource::pods::Resources;

/// The settings that every Ray node takes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RayArguments {
    /// The Ray version, where the image's tag does not tell it: `"2.52.0"`.
    pub ray_version: Option<String>,
    /// Ray's logical CPUs. Default: the CPU limit (else the request), rounded up; 0 on a head that has pools.
    pub num_cpus: Option<u32>,
    /// Ray's logical GPUs. Default: the GPU limit.
    pub num_gpus: Option<u32>,
    /// The size of the object store. Default: Ray's, 30 % of the memory.
    pub object_store_memory: Option<QuantityArgument>,
    /// Ray's custom resources, by name: `{ spot = 1 }`.
    pub custom_resources: BTreeMap<String, u32>,
    /// Ray's node labels, by name.
    pub node_labels: BTreeMap<String, String>,
    /// More flags of `ray start`, without the dashes; `true` makes a bare flag. They stand before what is derived.
    pub ray_start_params: BTreeMap<String, TextArgument>,
}

/// The flags of `ray start`, by name, without the dashes; nothing for a bare flag.
pub(crate) type Flags = BTreeMap<String, Option<String>>;

/// Returns the flags that head and workers share, derived from the container's resources.
///
/// The rules are those of `KubeRay`, but for the ports, which are all fixed here:
/// <https://github.com/ray-project/kuberay/blob/v1.7.0/ray-operator/controllers/ray/common/pod.go>
/// (`generateRayStartCommand`).
pub(crate) fn derived_flags(ray: &RayArguments, resources: &Resources, default_cpus: Option<u32>) -> Flags {
    let mut flags = Flags::new();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), Some(value));
        }
    };
    let units = |name: &str| resources.limit_or_request(name).and_then(QuantityArgument::units);
    let cpus = ray.num_cpus.or(default_cpus).map(i64::from).or_else(|| units("cpu"));
    set("num-cpus", cpus.map(|count| count.to_string()));
    // As KubeRay has it, the memory that Ray hands out is the limit; a request alone says nothing.
    set("memory", resources.limits.get("memory").and_then(QuantityArgument::units).map(|bytes| bytes.to_string()));
    set("num-gpus", ray.num_gpus.map(i64::from).or_else(|| gpu_count(resources)).map(|count| count.to_string()));
    set(
        "object-store-memory",
        ray.object_store_memory.as_ref().and_then(QuantityArgument::units).map(|bytes| bytes.to_string()),
    );
    set("resources", custom_resources(ray, resources));
    let labels = ray.node_labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
    set("labels", (!labels.is_empty()).then(|| labels.join(",")));
    for (name, port) in [
        ("metrics-export-port", ports::METRICS),
        ("dashboard-agent-listen-port", ports::DASHBOARD_AGENT),
        ("dashboard-agent-grpc-port", ports::AGENT_GRPC),
        ("object-manager-port", ports::OBJECT_MANAGER),
        ("node-manager-port", ports::NODE_MANAGER),
        ("runtime-env-agent-port", ports::RUNTIME_ENV_AGENT),
        ("min-worker-port", ports::WORKERS.0),
        ("max-worker-port", ports::WORKERS.1),
    ] {
        set(name, Some(port.to_string()));
    }
    flags.insert("block".to_owned(), None);
    flags
}

/// Puts the block's own flags over the derived ones: `true` makes a bare flag, `false` takes one away.
pub(crate) fn overlay(flags: &mut Flags, params: &BTreeMap<String, TextArgument>) {
    for (name, value) in params {
        match value.0.as_str() {
            "true" => drop(flags.insert(name.clone(), None)),
            "false" => drop(flags.remove(name)),
            text => drop(flags.insert(name.clone(), Some(text.to_owned()))),
        }
    }
}

/// Returns the command of the container.
pub(crate) fn start_command(mut flags: Flags, ray: &RayArguments) -> (Flags, Vec<String>) {
    overlay(&mut flags, &ray.ray_start_params);
    let words = flags.iter().map(|(name, value)| match value {
        Some(value) => format!("--{name}={}", quote(value)),
        None => format!("--{name}"),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    // Ray keeps a connection per worker; the usual 1024 open files are too few. Where the limit cannot be
    // raised, Ray starts with the one that there is.
    let script = format!("ulimit -n \"${{RAY_START_ULIMIT_OPEN_FILES:-65536}}\" || true; ray start {line}");
    (flags, vec!["/bin/bash".to_owned(), "-c".to_owned(), "--".to_owned(), script])
}

/// Returns the number of a port flag, where it is one.
pub(crate) fn flag_ports(flags: &Flags, name: &str) -> Option<u16> {
    flags.get(name)?.as_deref()?.parse().ok()
}

/// Tells whether a resource name counts as GPUs for Ray.
pub(super) fn is_gpu(name: &str) -> bool {
    name.ends_with("gpu") || (name.starts_with("nvidia.com/mig-") && name.ends_with("gb"))
}

/// Tells whether a resource name is one of an accelerator that Ray knows.
pub(crate) fn is_accelerator(name: &str) -> bool {
    is_gpu(name) || ACCELERATORS.iter().any(|(known, _)| *known == name)
}

fn gpu_count(resources: &Resources) -> Option<i64> {
    resources.limits.iter().find(|(name, _)| is_gpu(name)).and_then(|(_, amount)| amount.units())
}

/// Accelerators that Ray knows under names of its own.
pub(super) const ACCELERATORS: [(&str, &str); 2] =
    [("aws.amazon.com/neuroncore", "neuron_cores"), ("google.com/tpu", "TPU")];

fn custom_resources(ray: &RayArguments, resources: &Resources) -> Option<String> {
    let mut all: BTreeMap<&str, i64> = BTreeMap::new();
    for (name, ray_name) in ACCELERATORS {
        if let Some(count) = resources.limits.get(name).and_then(QuantityArgument::units) {
            all.insert(ray_name, count);
        }
    }
    all.extend(ray.custom_resources.iter().map(|(name, count)| (name.as_str(), i64::from(*count))));
    (!all.is_empty()).then(|| serde_json::json!(all).to_string())
}

/// Quotes a value for the shell; one that names variables stays open for them.
fn quote(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !value.is_empty() && value.replace(UNKNOWN, "").chars().all(is_plain) {
        return value.to_owned();
    }
    if value.contains('$') {
        return format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('`', "\\`"));
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_the_shell() {
        assert_eq!(quote("0.0.0.0"), "0.0.0.0");
        assert_eq!(quote(r#"{"TPU":4}"#), r#"'{"TPU":4}'"#);
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote("$REDIS_PASSWORD"), "\"$REDIS_PASSWORD\"");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn resources_become_flags() {
        let mut resources = Resources::default();
        for (name, amount) in [("cpu", "1500m"), ("memory", "2Gi"), ("nvidia.com/gpu", "2"), ("google.com/tpu", "4")] {
            resources.set_both(name, Some(&QuantityArgument::Known(amount.parse().unwrap())));
        }
        let flags = derived_flags(&RayArguments::default(), &resources, None);
        let flag = |name: &str| flags[name].as_deref();
        assert_eq!(flag("num-cpus"), Some("2"));
        assert_eq!(flag("memory"), Some("2147483648"));
        assert_eq!(flag("num-gpus"), Some("2"));
        assert_eq!(flag("resources"), Some(r#"{"TPU":4}"#));
        assert_eq!(flag("block"), None);
        assert!(!flags.contains_key("object-store-memory"));
    }

    #[test]
    fn flags_of_the_block_stand_before_derived_ones() {
        let mut flags = Flags::from([("block".to_owned(), None), ("num-cpus".to_owned(), Some("1".to_owned()))]);
        let param = |name: &str, value: &str| (name.to_owned(), TextArgument(value.to_owned()));
        overlay(
            &mut flags,
            &BTreeMap::from([param("block", "false"), param("num-cpus", "3"), param("no-monitor", "true")]),
        );
        assert_eq!(
            flags,
            Flags::from([("num-cpus".to_owned(), Some("3".to_owned())), ("no-monitor".to_owned(), None)])
        );
    }
}

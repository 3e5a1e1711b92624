//! Checks of the pod settings that hold for every type.
use std::collections::BTreeSet;

use super::arguments::{EnvValueArguments, PodArguments, VolumeArguments};
use super::image::check_images;
use super::volumes;
use crate::model::{Json, UNKNOWN};
use crate::resource::arguments::QuantityArgument;
use crate::resource::kit::Problem;

/// Node labels that do not exist or are no longer set, and what to write instead.
///
/// <https://kubernetes.io/docs/reference/labels-annotations-taints/>
const WRONG_NODE_LABELS: [(&str, &str); 6] = [
    ("kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
];

/// Checks the pod settings, whatever the type.
pub(crate) fn check(arguments: &PodArguments) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(arguments.volume.iter().enumerate().flat_map(|(index, volume)| check_volume(index, volume)));
    problems.extend(check_mounts(arguments));
    problems.extend(check_images(arguments));
    problems.extend(arguments.env_value.iter().enumerate().filter_map(|(index, value)| check_value(index, value)));
    for (index, source) in arguments.env_from.iter().enumerate() {
        if source.config_map.is_some() == source.secret.is_some() {
            problems
                .push(Problem::error(format!("env_from/{index}"), "`env_from` needs either `config_map` or `secret`"));
        }
    }
    problems.extend(check_node_labels(arguments));
    problems.extend(check_limits(arguments));
    problems.extend(check_hooks(arguments));
    problems
}

fn check_volume(index: usize, volume: &VolumeArguments) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = &volume.name;
    if volumes::source_count(volume) != 1 {
        let hint =
            "`config_map`, `secret`, `persistent_volume_claim`, `empty_dir`, `host_path`, `ephemeral` or `source`";
        problems.push(
            Problem::error(format!("volume/{index}"), format!("volume `{name}` needs exactly one source")).hint(hint),
        );
    }
    if let Some(mode) =
        volume.default_mode.as_deref().filter(|mode| volumes::mode(mode).is_none() && !mode.contains(UNKNOWN))
    {
        let message = format!("`{mode}` is not a file mode in octal such as `\"0400\"`");
        problems.push(Problem::error(format!("volume/{index}/default_mode"), message));
    }
    problems
}

fn check_mounts(arguments: &PodArguments) -> Vec<Problem> {
    let names: BTreeSet<&str> = arguments.volume.iter().map(|volume| volume.name.as_str()).collect();
    // A patch may bring volumes of its own.
    let is_open = arguments.pod_patch.is_some();
    let (mut problems, mut paths) = (Vec::new(), BTreeSet::new());
    let containers = arguments.sidecar.iter().enumerate().map(|(index, container)| ("sidecar", index, container));
    let inits =
        arguments.init_container.iter().enumerate().map(|(index, container)| ("init_container", index, container));
    let others = containers.chain(inits).flat_map(|(block, index, container)| {
        let mounts = container.volume_mount.iter().enumerate();
        mounts.map(move |(place, mount)| (format!("{block}/{index}/volume_mount/{place}/name"), mount))
    });
    let own = arguments.volume_mount.iter().enumerate();
    let own = own.map(|(index, mount)| (format!("volume_mount/{index}/name"), mount));
    for (argument, mount) in own.chain(others) {
        if !is_open && !names.contains(mount.name.as_str()) && !mount.name.contains(UNKNOWN) {
            let hint = match names.iter().next() {
                Some(_) => format!(
                    "its volumes are {}",
                    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                ),
                None => format!("add `volume \"{}\" {{ … }}`", mount.name),
            };
            problems.push(Problem::error(argument, format!("there is no volume `{}`", mount.name)).hint(hint));
        }
    }
    for (index, mount) in arguments.volume_mount.iter().enumerate() {
        if !paths.insert(&mount.mount_path) {
            let message = format!("`{}` is mounted twice", mount.mount_path);
            problems.push(Problem::error(format!("volume_mount/{index}/mount_path"), message));
        }
    }
    problems
}

fn check_value(index: usize, value: &EnvValueArguments) -> Option<Problem> {
    let EnvValueArguments { secret, config_map, field, resource, key, .. } = value;
    let sources = [secret.is_some(), config_map.is_some(), field.is_some(), resource.is_some()];
    if sources.iter().filter(|is_set| **is_set).count() != 1 {
        let message = format!("`{}` needs exactly one of `secret`, `config_map`, `field` and `resource`", value.name);
        return Some(Problem::error(format!("env_value/{index}"), message));
    }
    ((secret.is_some() || config_map.is_some()) && key.is_none())
        .then(|| Problem::error(format!("env_value/{index}"), format!("`{}` needs the `key` to read", value.name)))
}

fn check_node_labels(arguments: &PodArguments) -> Vec<Problem> {
    let affinity = arguments.affinity.as_ref().map(|raw| Json::Object(raw.0.clone()).to_string()).unwrap_or_default();
    let mut problems = Vec::new();
    for (wrong, right) in WRONG_NODE_LABELS {
        let argument = if arguments.node_selector.contains_key(wrong) {
            "node_selector"
        } else if affinity.contains(&format!("\"{wrong}\"")) {
            "affinity"
        } else {
            continue;
        };
        let message = format!("nodes do not bear the label `{wrong}`: the pods would never be scheduled");
        problems.push(Problem::error(argument, message).code("RF702").hint(format!("write `{right}`")));
    }
    problems
}

/// Kubernetes refuses a request above its limit.
fn check_limits(arguments: &PodArguments) -> Vec<Problem> {
    let resources = super::Resources::of_pod(arguments);
    let mut problems = Vec::new();
    for (name, request) in &resources.requests {
        let (Some(request), Some(limit)) =
            (request.known(), resources.limits.get(name).and_then(QuantityArgument::known))
        else {
            continue;
        };
        if request > limit {
            let message = format!("the request of `{name}` ({request}) is above its limit ({limit})");
            problems.push(Problem::error("resources", message));
        }
    }
    problems
}

fn check_hooks(arguments: &PodArguments) -> Vec<Problem> {
    let stops_ray = |raw: &serde_json::Map<String, Json>| {
        raw.get("preStop").is_some_and(|hook| {
            let words = hook.to_string();
            words.contains("ray stop") || words.contains("\"ray\",\"stop\"")
        })
    };
    let is_stopped = arguments.lifecycle_hooks.as_ref().is_some_and(|raw| stops_ray(&raw.0));
    let problem = || {
        Problem::warning(
            "lifecycle_hooks",
            "`ray stop` before the stop does harm: it ends tasks that could still finish",
        )
        .code("RF704")
        .hint("leave the hook out: Ray drains the node when it is asked to stop")
    };
    is_stopped.then(problem).into_iter().collect()
}

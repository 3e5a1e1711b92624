//! The pod template: main container, neighbours, volumes, placement, and the patch over it all.
use serde_json::json;

use super::arguments::{PodArguments, PullPolicy};
use super::container::{Environment, Resources, env_from, extra_container, set, some_list, volume_mounts};
use super::probes::{Probes, merged};
use super::{patch, placement, volumes};
use crate::model::Json;
use crate::resource::arguments::QuantityArgument;
use crate::resource::names::{Labels, labels_json};

/// What a type says of its main container and pod; the pod settings say the rest.
#[derive(Debug, Default)]
pub(crate) struct Main {
    /// The container's name.
    pub name: &'static str,
    pub image: String,
    pub command: Vec<String>,
    pub args: Vec<String>,
    /// Ports by name, in the order in which they are listed.
    pub ports: Vec<(&'static str, u16)>,
    /// What is derived; the block's own variables stand before it.
    pub environment: Environment,
    pub resources: Resources,
    pub probes: Probes,
    /// The derived size of `/dev/shm`.
    pub shared_memory: Option<QuantityArgument>,
    /// Derived init containers, which run before the block's own.
    pub init_containers: Vec<Json>,
    pub volumes: Vec<Json>,
    pub volume_mounts: Vec<Json>,
    pub security_context: Option<Json>,
    pub pod_security_context: Option<Json>,
    pub service_account: Option<String>,
    pub image_pull_policy: Option<PullPolicy>,
    pub image_pull_secrets: Vec<String>,
    /// Labels of the pods, the selector among them.
    pub labels: Labels,
    /// Labels that select these pods.
    pub selector: Labels,
    /// Derived annotations.
    pub annotations: Labels,
    pub termination_grace_period_seconds: u32,
}

/// Returns the pod template of a workload.
pub(crate) fn pod_template(main: &Main, arguments: &PodArguments) -> Json {
    let mut spec = json!({ "automountServiceAccountToken": false });
    let container = main_container(main, arguments);
    let extra = |container| extra_container(container, &main.image);
    let containers = [container].into_iter().chain(arguments.sidecar.iter().map(extra)).collect::<Vec<_>>();
    spec["containers"] = Json::Array(containers);
    let init_containers = main.init_containers.iter().cloned().chain(arguments.init_container.iter().map(extra));
    set(&mut spec, "initContainers", some_list(init_containers.collect()));
    set(&mut spec, "volumes", some_list(pod_volumes(main, arguments)));
    placement::place(&mut spec, arguments, &main.selector);
    let pod_security = arguments.pod_security_context.as_ref().map(|raw| Json::Object(raw.0.clone()));
    set(&mut spec, "securityContext", pod_security.or_else(|| main.pod_security_context.clone()));
    set(&mut spec, "serviceAccountName", arguments.service_account.as_ref().or(main.service_account.as_ref()).cloned());
    let secrets =
        if arguments.image_pull_secrets.is_empty() { &main.image_pull_secrets } else { &arguments.image_pull_secrets };
    set(&mut spec, "imagePullSecrets", some_list(secrets.iter().map(|name| json!({ "name": name })).collect()));
    let grace = arguments.termination_grace_period_seconds.unwrap_or(main.termination_grace_period_seconds);
    spec["terminationGracePeriodSeconds"] = Json::from(grace);
    if let Some(raw) = &arguments.pod_patch {
        patch::merge(&mut spec, Json::Object(raw.0.clone()));
    }
    json!({ "metadata": template_metadata(main, arguments), "spec": spec })
}

/// Returns the size of `/dev/shm`: the block's, else the derived one; none where it is zero.
pub(crate) fn shared_memory_size<'a>(
    derived: Option<&'a QuantityArgument>,
    arguments: &'a PodArguments,
) -> Option<&'a QuantityArgument> {
    let is_mounted = arguments.volume_mount.iter().any(|mount| mount.mount_path == "/dev/shm");
    let size = arguments.shared_memory.as_ref().or(derived)?;
    let is_zero = size.known().is_some_and(|size| size.is_zero());
    (!is_mounted && !is_zero).then_some(size)
}

fn template_metadata(main: &Main, arguments: &PodArguments) -> Json {
    let mut labels = arguments.labels.clone();
    labels.extend(main.labels.clone());
    let mut annotations = main.annotations.clone();
    annotations.extend(arguments.annotations.clone());
    let mut metadata = json!({ "labels": labels_json(&labels) });
    set(&mut metadata, "annotations", (!annotations.is_empty()).then(|| labels_json(&annotations)));
    metadata
}

fn main_container(main: &Main, arguments: &PodArguments) -> Json {
    let mut environment = main.environment.clone();
    environment.overlay(&arguments.env, &arguments.env_value);
    let mut mounts = main.volume_mounts.clone();
    if shared_memory_size(main.shared_memory.as_ref(), arguments).is_some() {
        mounts.push(json!({ "name": volumes::SHARED_MEMORY, "mountPath": "/dev/shm" }));
    }
    mounts.extend(volume_mounts(&arguments.volume_mount));
    let port = |(name, port): &(&str, u16)| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    let mut json = json!({ "name": main.name, "image": main.image });
    let policy = arguments.image_pull_policy.or(main.image_pull_policy);
    set(&mut json, "imagePullPolicy", policy.map(PullPolicy::text));
    set(&mut json, "command", some_list(main.command.clone()));
    set(&mut json, "args", some_list(main.args.clone()));
    set(&mut json, "ports", some_list(main.ports.iter().map(port).collect()));
    set(&mut json, "env", some_list(environment.to_json().as_array().cloned().unwrap_or_default()));
    set(&mut json, "envFrom", some_list(env_from(&arguments.env_from).as_array().cloned().unwrap_or_default()));
    set(&mut json, "resources", main.resources.to_json());
    set(&mut json, "volumeMounts", some_list(mounts));
    set(&mut json, "livenessProbe", merged(main.probes.liveness.as_ref(), arguments.liveness_probe.as_ref()));
    set(&mut json, "readinessProbe", merged(main.probes.readiness.as_ref(), arguments.readiness_probe.as_ref()));
    set(&mut json, "startupProbe", merged(main.probes.startup.as_ref(), arguments.startup_probe.as_ref()));
    set(&mut json, "lifecycle", arguments.lifecycle_hooks.as_ref().map(|raw| Json::Object(raw.0.clone())));
    let security = arguments.security_context.as_ref().map(|raw| Json::Object(raw.0.clone()));
    set(&mut json, "securityContext", security.or_else(|| main.security_context.clone()));
    json
}

fn pod_volumes(main: &Main, arguments: &PodArguments) -> Vec<Json> {
    let mut all = main.volumes.clone();
    all.extend(shared_memory_size(main.shared_memory.as_ref(), arguments).map(volumes::shared_memory));
    all.extend(arguments.volume.iter().map(volumes::volume));
    all
}

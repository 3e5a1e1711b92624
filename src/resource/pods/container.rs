//! One container: its resources, its environment, its mounts.
use std::collections::BTreeMap;

use serde_json::{Map, json};

use super::arguments::{
    EnvFromArguments, EnvValueArguments, ExtraContainer, PodArguments, ProbeArguments, ResourcesArguments,
    VolumeMountArguments,
};
use super::probes;
use crate::model::{Json, Quantity};
use crate::resource::arguments::{QuantityArgument, TextArgument};

/// What a container requests and may use, by resource name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    pub requests: BTreeMap<String, QuantityArgument>,
    pub limits: BTreeMap<String, QuantityArgument>,
}

/// Environment variables, those with sources before those with plain values, so that `$(NAME)` can refer to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    plain: BTreeMap<String, String>,
    sourced: BTreeMap<String, Json>,
}

impl Resources {
    /// Returns the resources of the main container.
    pub(crate) fn of_pod(arguments: &PodArguments) -> Self {
        let mut resources = Self::default();
        resources.set_both("cpu", arguments.cpu.as_ref());
        resources.set_both("memory", arguments.memory.as_ref());
        let gpu = arguments.gpu.filter(|count| *count > 0);
        let gpu = gpu.map(|count| QuantityArgument::from(Quantity::from_milli(i64::from(count) * 1000)));
        resources.set_both(arguments.gpu_resource.as_deref().unwrap_or("nvidia.com/gpu"), gpu.as_ref());
        resources.overlay(arguments.resources.as_ref());
        resources
    }

    /// Returns the resources of another container.
    pub(crate) fn of_container(container: &ExtraContainer) -> Self {
        let mut resources = Self::default();
        resources.set_both("cpu", container.cpu.as_ref());
        resources.set_both("memory", container.memory.as_ref());
        resources.overlay(container.resources.as_ref());
        resources
    }

    /// Sets one resource where it has an amount, request and limit alike.
    pub(crate) fn set_both(&mut self, name: &str, amount: Option<&QuantityArgument>) {
        if let Some(amount) = amount {
            self.requests.insert(name.to_owned(), amount.clone());
            self.limits.insert(name.to_owned(), amount.clone());
        }
    }

    fn overlay(&mut self, long_form: Option<&ResourcesArguments>) {
        if let Some(ResourcesArguments { requests, limits }) = long_form {
            self.requests.extend(requests.clone());
            self.limits.extend(limits.clone());
        }
    }

    /// Returns the limit, else the request.
    pub(crate) fn limit_or_request(&self, name: &str) -> Option<&QuantityArgument> {
        self.limits.get(name).or_else(|| self.requests.get(name))
    }

    /// Returns the field `resources`, or nothing where nothing is asked for.
    pub(crate) fn to_json(&self) -> Option<Json> {
        let mut json = Map::new();
        for (name, amounts) in [("requests", &self.requests), ("limits", &self.limits)] {
            if !amounts.is_empty() {
                json.insert(name.to_owned(), quantities(amounts));
            }
        }
        (!json.is_empty()).then_some(Json::Object(json))
    }
}

impl Environment {
    /// Sets a variable to a plain text.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.sourced.remove(name);
        self.plain.insert(name.to_owned(), value.into());
    }

    /// Sets a variable to the value of a key in a Secret.
    pub(crate) fn set_secret(&mut self, name: &str, secret: &str, key: &str) {
        self.set_source(name, json!({ "secretKeyRef": { "name": secret, "key": key } }));
    }

    /// Sets a variable to a field of the pod.
    pub(crate) fn set_field(&mut self, name: &str, path: &str) {
        // The version is a default inside of an atomic node: left out, it would look like a change.
        self.set_source(name, json!({ "fieldRef": { "apiVersion": "v1", "fieldPath": path } }));
    }

    fn set_source(&mut self, name: &str, source: Json) {
        self.plain.remove(name);
        self.sourced.insert(name.to_owned(), source);
    }

    /// Sets what the user asks for over what is there.
    pub(crate) fn overlay(&mut self, plain: &BTreeMap<String, TextArgument>, sourced: &[EnvValueArguments]) {
        for (name, value) in plain {
            self.set(name, value.0.as_str());
        }
        for variable in sourced {
            if let Some(source) = value_source(variable) {
                self.set_source(&variable.name, source);
            }
        }
    }

    /// Returns the field `env`.
    pub(crate) fn to_json(&self) -> Json {
        let sourced = self.sourced.iter().map(|(name, source)| json!({ "name": name, "valueFrom": source }));
        let plain = self.plain.iter().map(|(name, value)| json!({ "name": name, "value": value }));
        sourced.chain(plain).collect()
    }
}

/// Returns the field `valueFrom`, where one source is named.
fn value_source(variable: &EnvValueArguments) -> Option<Json> {
    let key = variable.key.as_deref().unwrap_or_default();
    let mut source = match variable {
        EnvValueArguments { secret: Some(name), .. } => json!({ "secretKeyRef": { "name": name, "key": key } }),
        EnvValueArguments { config_map: Some(name), .. } => json!({ "configMapKeyRef": { "name": name, "key": key } }),
        EnvValueArguments { field: Some(path), .. } => json!({ "fieldRef": { "apiVersion": "v1", "fieldPath": path } }),
        EnvValueArguments { resource: Some(resource), .. } => {
            return Some(json!({ "resourceFieldRef": { "resource": resource, "divisor": "0" } }));
        }
        _ => return None,
    };
    if let (Some(optional), Some(entries)) = (variable.optional, source.as_object_mut()) {
        entries.values_mut().for_each(|reference| reference["optional"] = Json::from(optional));
    }
    Some(source)
}

/// Returns the field `envFrom`.
pub(super) fn env_from(sources: &[EnvFromArguments]) -> Json {
    let source = |source: &EnvFromArguments| {
        let mut json = Map::new();
        for (field, name) in [("configMapRef", &source.config_map), ("secretRef", &source.secret)] {
            if let Some(name) = name {
                let mut reference = json!({ "name": name });
                set(&mut reference, "optional", source.optional);
                json.insert(field.to_owned(), reference);
            }
        }
        let mut json = Json::Object(json);
        set(&mut json, "prefix", source.prefix.as_deref());
        json
    };
    sources.iter().map(source).collect()
}

/// Returns the field `volumeMounts`.
pub(super) fn volume_mounts(mounts: &[VolumeMountArguments]) -> Vec<Json> {
    let mount = |mount: &VolumeMountArguments| {
        let mut json = json!({ "name": mount.name, "mountPath": mount.mount_path });
        set(&mut json, "subPath", mount.sub_path.as_deref());
        // The server drops a false here, so that it must not be sent.
        set(&mut json, "readOnly", mount.read_only.filter(|read_only| *read_only));
        json
    };
    mounts.iter().map(mount).collect()
}

/// Returns a sidecar or init container.
pub(super) fn extra_container(container: &ExtraContainer, main_image: &str) -> Json {
    let mut environment = Environment::default();
    environment.overlay(&container.env, &container.env_value);
    let port = |(name, port): (&String, &u16)| json!({ "name": name, "containerPort": port, "protocol": "TCP" });
    let mut json = json!({
        "name": container.name,
        "image": container.image.as_deref().unwrap_or(main_image),
    });
    set(&mut json, "imagePullPolicy", container.image_pull_policy.map(super::arguments::PullPolicy::text));
    set(&mut json, "command", some_list(container.command.clone()));
    set(&mut json, "args", some_list(container.args.clone()));
    set(&mut json, "ports", some_list(container.ports.iter().map(port).collect()));
    set(&mut json, "env", some_list(environment.to_json().as_array().cloned().unwrap_or_default()));
    set(&mut json, "envFrom", some_list(env_from(&container.env_from).as_array().cloned().unwrap_or_default()));
    set(&mut json, "volumeMounts", some_list(volume_mounts(&container.volume_mount)));
    set(&mut json, "resources", Resources::of_container(container).to_json());
    set(&mut json, "securityContext", container.security_context.as_ref().map(|raw| Json::Object(raw.0.clone())));
    set(&mut json, "restartPolicy", container.restart_policy.as_deref());
    let own =
        |arguments: &Option<ProbeArguments>| arguments.as_ref().and_then(|probe| probes::merged(None, Some(probe)));
    set(&mut json, "livenessProbe", own(&container.liveness_probe));
    set(&mut json, "readinessProbe", own(&container.readiness_probe));
    set(&mut json, "startupProbe", own(&container.startup_probe));
    json
}

/// Returns a derived init container, which sees the volumes of the main one.
pub(crate) fn init_container(
    name: &str,
    image: &str,
    command: &[&str],
    environment: &Environment,
    resources: &Resources,
    pod: &PodArguments,
) -> Json {
    let mut json = json!({ "name": name, "image": image, "command": command, "env": environment.to_json() });
    set(&mut json, "imagePullPolicy", pod.image_pull_policy.map(super::arguments::PullPolicy::text));
    set(&mut json, "envFrom", some_list(env_from(&pod.env_from).as_array().cloned().unwrap_or_default()));
    set(&mut json, "resources", resources.to_json());
    set(&mut json, "volumeMounts", some_list(volume_mounts(&pod.volume_mount)));
    set(&mut json, "securityContext", pod.security_context.as_ref().map(|raw| Json::Object(raw.0.clone())));
    json
}

/// Sets a field where there is a value: nulls are never sent.
pub(super) fn set(json: &mut Json, field: &str, value: Option<impl Into<Json>>) {
    if let Some(value) = value {
        json[field] = value.into();
    }
}

/// Returns a list that is not empty: empty ones are never sent.
pub(super) fn some_list(items: Vec<impl Into<Json>>) -> Option<Json> {
    (!items.is_empty()).then(|| Json::Array(items.into_iter().map(Into::into).collect()))
}

fn quantities(amounts: &BTreeMap<String, QuantityArgument>) -> Json {
    amounts.iter().map(|(name, amount)| (name.clone(), amount.to_json())).collect::<Map<_, _>>().into()
}

//! `redis`: one Redis server with a disk, for the state of a Ray cluster's GCS.
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::json;

use super::arguments::QuantityArgument;
use super::kit::{Context, ExpandedObject, Expansion, Problem, ResourceType, Target, parse};
use super::names::{Labels, check_name, default_name, disruption_budget, labels_json, metadata, object};
use super::parts::{collect, join, take, without_nulls};
use super::pods::{self, Environment, Main, PodArguments, Probes, Resources, exec, pod_template};
use crate::model::{Generated, Json, Severity, Value};

/// A whole `redis`, as `Reference<Redis>` means it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redis;

impl Target for Redis {
    const NAME: &'static str = "redis";
}

/// What other resources can refer to.
pub(crate) const EXPORTS: &[(&str, &str)] = &[
    ("name", "The name of the StatefulSet and of the Service."),
    ("namespace", "The namespace."),
    ("host", "The DNS name inside the cluster."),
    ("port", "The port number."),
    ("address", "`host:port`, as `RAY_REDIS_ADDRESS` takes it."),
    ("secret", "The name of the Secret with the password."),
    ("secret_key", "The key of the password in that Secret."),
    ("image", "The image."),
];

/// One Redis server with a disk, for the state of a Ray cluster's GCS.
///
/// The password is made once, by rayform, and lives in the cluster's Secret alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the objects. Default: the name of the block.
    name: Option<String>,
    /// The namespace.
    namespace: String,
    /// The disk. Without it the state is lost with the pod.
    #[schemars(extend("x-block" = true))]
    storage: Option<StorageArguments>,
    /// More lines for `redis.conf`; where they say something else than rayform's own, they win.
    #[serde(default)]
    config: String,
    /// How often what was written reaches the disk: `always`, `everysec` or `no`. Default: `everysec`.
    append_fsync: Option<AppendFsync>,
    /// The DNS domain of the cluster. Default: `cluster.local`.
    cluster_domain: Option<String>,
    /// Whether a drain of the node waits for this pod to be moved by hand. Default: true.
    pod_disruption_budget: Option<bool>,
}

/// The disk of the server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StorageArguments {
    /// The storage class. Default: the cluster's.
    storage_class: Option<String>,
    /// The size, such as `"8Gi"`.
    size: QuantityArgument,
    /// Default: `["ReadWriteOnce"]`.
    access_modes: Option<Vec<String>>,
    /// Whether the claim goes with the server. Default: false, the data stays.
    delete_with_server: Option<bool>,
}

/// The values of `appendfsync`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AppendFsync {
    Always,
    Everysec,
    No,
}

const IMAGE: &str = "redis:7.4.2";
const PORT: u16 = 6379;
const SECRET_KEY: &str = "password";
/// The user `redis` of the official image.
const USER: u32 = 999;

impl ResourceType for Redis {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn schema(&self) -> Schema {
        join(vec![schema_for!(Arguments), schema_for!(PodArguments)])
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        EXPORTS
    }

    fn example(&self) -> &'static str {
        r#"resource "namespace" "team_a" {
  name = "team-a"
}

resource "redis" "gcs" {
  namespace = namespace.team_a.name
  cpu       = "500m"
  memory    = "1Gi"

  storage {
    size = "8Gi"
  }
}
"#
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let mut rest = without_nulls(arguments);
        let pod = take::<PodArguments>(&mut rest);
        let (pod, arguments) = collect(pod, parse::<Arguments>(rest))?;
        let server = Server::new(arguments, pod, context);
        let problems = server.check();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        Ok(Expansion { problems, ..server.expansion() })
    }
}

/// The arguments with all defaults in place.
struct Server {
    name: String,
    arguments: Arguments,
    pod: PodArguments,
    selector: Labels,
    labels: Labels,
}

impl Server {
    fn new(arguments: Arguments, mut pod: PodArguments, context: &Context<'_>) -> Self {
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let selector =
            Labels::from([label("app.kubernetes.io/name", "redis"), label("app.kubernetes.io/instance", &name)]);
        let mut labels = pod.labels.clone();
        labels.extend(selector.clone());
        labels.extend([label("app.kubernetes.io/managed-by", "rayform")]);
        if pod.resources.is_none() {
            let amount = |text: &str| text.parse().ok().map(QuantityArgument::Known);
            pod.cpu = pod.cpu.or_else(|| amount("500m"));
            pod.memory = pod.memory.or_else(|| amount("1Gi"));
        }
        Self { name, arguments, pod, selector, labels }
    }

    fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_name("name", &self.name, 52).into_iter().collect();
        problems.extend(pods::check(&self.pod));
        if self.arguments.storage.is_none() {
            let message = "without a disk the state of the GCS is lost with the pod";
            problems.push(Problem::warning("", message).code("RF306").hint("add `storage { size = \"8Gi\" }`"));
        }
        let forbidden = ["requirepass", "user", "masterauth"];
        let has_password = |line: &str| line.split_whitespace().next().is_some_and(|word| forbidden.contains(&word));
        if self.arguments.config.lines().any(has_password) {
            let message = "a password in `config` can be read by whoever reads ConfigMaps";
            problems.push(Problem::warning("config", message).code("RF310").hint("leave it out: rayform makes one"));
        }
        if self.arguments.config.lines().any(|line| line.trim_start().starts_with("cluster-enabled yes")) {
            let message = "Ray keeps its state on one Redis server; it knows no Redis cluster";
            problems.push(Problem::error("config", message).code("RF312"));
        }
        problems
    }

    fn expansion(&self) -> Expansion {
        let mut objects = vec![self.secret(), self.config_map(), self.service(), self.stateful_set()];
        if self.arguments.pod_disruption_budget.unwrap_or(true) {
            objects.push(disruption_budget(&self.metadata(&self.name), &self.selector, ("minAvailable", &json!(1))));
        }
        let stays = match &self.arguments.storage {
            Some(storage) if storage.delete_with_server != Some(true) => {
                format!("; the claim `data-{}-0` with its data stays", self.name)
            }
            _ => ", and its data with it".to_owned(),
        };
        Expansion {
            objects,
            exports: self.exports(),
            on_restart: Some("restarts Redis: Ray heads that keep their state in it stop until it is back".to_owned()),
            on_delete: Some(format!("removes Redis{stays}: Ray heads that keep their state in it cannot start again")),
            ..Expansion::default()
        }
    }

    fn exports(&self) -> BTreeMap<String, Value> {
        let domain = self.arguments.cluster_domain.as_deref().unwrap_or("cluster.local");
        let host = format!("{}.{}.svc.{domain}", self.name, self.arguments.namespace);
        BTreeMap::from([
            ("name".to_owned(), Value::string(&self.name)),
            ("namespace".to_owned(), Value::string(&self.arguments.namespace)),
            ("address".to_owned(), Value::string(format!("{host}:{PORT}"))),
            ("host".to_owned(), Value::string(host)),
            ("port".to_owned(), Value::Number(i64::from(PORT).into())),
            ("secret".to_owned(), Value::string(self.secret_name())),
            ("secret_key".to_owned(), Value::string(SECRET_KEY)),
            ("image".to_owned(), Value::string(self.image())),
        ])
    }

    fn image(&self) -> &str {
        self.pod.image.as_deref().unwrap_or(IMAGE)
    }

    fn secret_name(&self) -> String {
        format!("{}-password", self.name)
    }

    fn metadata(&self, name: &str) -> Json {
        metadata(name, &self.arguments.namespace, &self.labels)
    }

    fn secret(&self) -> ExpandedObject {
        let mut secret = object(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self.metadata(&self.secret_name()),
            "type": "Opaque",
        }));
        secret.generated.insert(format!("/data/{SECRET_KEY}"), Generated { length: 32 });
        secret
    }

    fn config_map(&self) -> ExpandedObject {
        object(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(&format!("{}-config", self.name)),
            "data": { "redis.conf": self.config() },
        }))
    }

    /// Returns `redis.conf`. Redis takes the last of two lines that say the same, but for `save`, which adds up.
    fn config(&self) -> String {
        let fsync = match self.arguments.append_fsync {
            Some(AppendFsync::Always) => "always",
            Some(AppendFsync::No) => "no",
            Some(AppendFsync::Everysec) | None => "everysec",
        };
        let own = self.arguments.config.trim_end();
        let own = if own.is_empty() { String::new() } else { format!("{own}\n") };
        format!(
            "# The password is not here: the container takes it from a Secret.\n\
             port {PORT}\n\
             bind * -::*\n\
             dir /data\n\
             # Every change is kept in a log on the disk.\n\
             appendonly yes\n\
             appendfsync {fsync}\n\
             # Nothing is thrown away to make room.\n\
             maxmemory-policy noeviction\n\
             tcp-keepalive 60\n\
             {own}"
        )
    }

    fn service(&self) -> ExpandedObject {
        object(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(&self.name),
            "spec": {
                // An address that stays when the pod moves: Ray keeps its connections open for long.
                "type": "ClusterIP",
                "selector": labels_json(&self.selector),
                "ports": [{
                    "name": "redis", "port": PORT, "targetPort": PORT, "protocol": "TCP", "appProtocol": "tcp",
                }],
            },
        }))
    }

    fn stateful_set(&self) -> ExpandedObject {
        let mut spec = json!({
            "serviceName": self.name,
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } },
            "selector": { "matchLabels": labels_json(&self.selector) },
            "template": pod_template(&self.main(), &self.pod),
        });
        if let Some(storage) = &self.arguments.storage {
            spec["volumeClaimTemplates"] = json!([claim(storage)]);
            let deleted = if storage.delete_with_server == Some(true) { "Delete" } else { "Retain" };
            spec["persistentVolumeClaimRetentionPolicy"] = json!({ "whenDeleted": deleted, "whenScaled": "Retain" });
        }
        object(json!({
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": self.metadata(&self.name),
            "spec": spec,
        }))
    }

    fn main(&self) -> Main {
        let mut environment = Environment::default();
        environment.set_secret("REDIS_PASSWORD", &self.secret_name(), SECRET_KEY);
        // `redis-cli` of the probes reads this one.
        environment.set_secret("REDISCLI_AUTH", &self.secret_name(), SECRET_KEY);
        let config = json!({ "name": "config", "configMap": { "name": format!("{}-config", self.name) } });
        let mut volumes = vec![config];
        if self.arguments.storage.is_none() {
            volumes.push(json!({ "name": "data", "emptyDir": {} }));
        }
        let script = "exec redis-server /etc/redis/redis.conf --requirepass \"$REDIS_PASSWORD\"";
        Main {
            name: "redis",
            image: self.image().to_owned(),
            command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            ports: vec![("redis", PORT)],
            environment,
            resources: Resources::of_pod(&self.pod),
            probes: redis_probes(),
            volumes,
            volume_mounts: vec![
                json!({ "name": "config", "mountPath": "/etc/redis" }),
                json!({ "name": "data", "mountPath": "/data" }),
            ],
            security_context: Some(json!({
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "readOnlyRootFilesystem": true,
            })),
            pod_security_context: Some(json!({
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            })),
            labels: self.labels.clone(),
            selector: self.selector.clone(),
            termination_grace_period_seconds: 30,
            ..Main::default()
        }
    }
}

/// While it reads its log, Redis answers `LOADING`: alive, but not ready.
fn redis_probes() -> Probes {
    let is_ready = ["/bin/sh", "-c", "redis-cli ping | grep -q PONG"];
    Probes {
        liveness: Some(exec(&["redis-cli", "ping"], 5, 10, 6)),
        readiness: Some(exec(&is_ready, 5, 5, 3)),
        startup: Some(exec(&["redis-cli", "ping"], 5, 5, 60)),
    }
}

/// The list of claim templates is one value to the server: what it fills in must be said, or it looks like a change.
fn claim(storage: &StorageArguments) -> Json {
    let access_modes = storage.access_modes.clone().unwrap_or_else(|| vec!["ReadWriteOnce".to_owned()]);
    let mut spec = json!({
        "accessModes": access_modes,
        "resources": { "requests": { "storage": storage.size.to_json() } },
        "volumeMode": "Filesystem",
    });
    if let Some(class) = &storage.storage_class {
        spec["storageClassName"] = Json::from(class.as_str());
    }
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" }, "spec": spec })
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, file};

    use super::*;
    use crate::resource::testing::{codes, errors, expand, yaml};

    #[test]
    fn its_objects() {
        let arguments = json!({
            "namespace": "team-a", "name": "gcs", "storage": {"size": "8Gi", "storage_class": "ray-ssd"},
        });
        let expansion = expand("redis", arguments).unwrap();
        assert_data_eq!(yaml(&expansion), file!["snapshots/redis.yaml"]);
    }

    #[test]
    fn the_password_is_made_in_the_cluster() {
        let expansion = expand("redis", json!({"namespace": "a", "storage": {"size": 1}})).unwrap();
        let secret = &expansion.objects[0];
        assert_eq!(secret.object.pointer("/data"), None);
        assert_eq!(secret.generated, BTreeMap::from([("/data/password".to_owned(), Generated { length: 32 })]));
        assert!(!yaml(&expansion).contains("requirepass 5"));
    }

    #[test]
    fn without_a_disk_it_warns() {
        let result = expand("redis", json!({"namespace": "a"}));
        assert_eq!(codes(&result), ["RF306 "]);
        let expansion = result.unwrap();
        assert_eq!(expansion.objects[3].object.pointer("/spec/volumeClaimTemplates"), None);
    }

    #[test]
    fn what_ray_cannot_use_is_refused() {
        let arguments =
            json!({"namespace": "a", "storage": {"size": 1}, "config": "cluster-enabled yes\nrequirepass x"});
        assert_eq!(codes(&expand("redis", arguments)), ["RF310 config", "RF312 config"]);
    }

    #[test]
    fn mistakes_name_their_argument() {
        let result = expand("redis", json!({"namespace": "a", "name": "A", "storage": {"size": 1}}));
        assert_eq!(errors(&result), ["name: `A` cannot be part of the names of objects"]);
        let result = expand("redis", json!({"namespace": "a", "storage": {"size": "8GB"}, "memory": "lots"}));
        assert_eq!(
            errors(&result),
            [
                "memory: `lots` is not a quantity such as `2`, `500m` or `4Gi`",
                "storage/size: `8GB` is not a quantity; did you mean `8G` or `8Gi`?",
            ]
        );
    }
}

//! Where the GCS keeps its state outside of the head, how it is cleaned up, and who may talk to Ray.
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::model::{Json, Object, UNKNOWN};
use crate::resource::kit::{Problem, Reference};
use crate::resource::names::{Labels, metadata};
use crate::resource::pods::Environment;
use crate::resource::redis::Redis;

/// How long a worker waits for a head that restarts, in seconds. Ray's own 60 are too short for an image pull.
///
/// <https://github.com/ray-project/kuberay/blob/v1.7.0/ray-operator/controllers/ray/utils/constant.go>
pub(crate) const RECONNECT_SECONDS: u32 = 600;

/// A Redis that keeps the state of the GCS, so that the cluster outlives its head.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultToleranceArguments {
    /// A whole `redis`; or else give `address`.
    pub redis: Option<Reference<Redis>>,
    /// `host:port` of another Redis, or a URL (`rediss://…` for TLS). One server: Ray knows no Redis cluster.
    pub address: Option<String>,
    /// The Secret with the password of that Redis.
    pub password_secret: Option<String>,
    /// The key in that Secret. Default: `password`.
    pub password_key: Option<String>,
    /// The Redis user; Ray 2.41 or later.
    pub username: Option<String>,
    /// What tells clusters on one Redis apart. Default: `<namespace>.<name>`.
    pub storage_namespace: Option<String>,
    /// Whether destroying the head removes its state from Redis. Default: true.
    pub cleanup: Option<bool>,
}

/// Token authentication of Ray's API, dashboard and client; Ray 2.52 or later.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthArguments {
    /// A Secret that holds the token. Default: one of its own, with a random token that only the cluster knows.
    pub secret: Option<String>,
    /// The key in that Secret. Default: `auth_token`.
    pub key: Option<String>,
}

/// A Redis, where it is and how one gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GcsStore {
    pub address: String,
    /// Secret and key.
    pub password: Option<(String, String)>,
    pub username: Option<String>,
    pub storage_namespace: String,
    pub is_cleaned: bool,
    /// Namespace and name of the `redis` that it is.
    pub redis: Option<(String, String)>,
}

impl GcsStore {
    /// Reads the block.
    pub(crate) fn new(arguments: &FaultToleranceArguments, namespace: &str, cluster: &str) -> Result<Self, Problem> {
        let block = "gcs_fault_tolerance";
        let password_key = arguments.password_key.clone().unwrap_or_else(|| "password".to_owned());
        let (address, password, redis) = match (&arguments.redis, &arguments.address) {
            (Some(redis), None) => {
                let home = redis.text("namespace");
                if home != namespace && !home.contains(UNKNOWN) && !namespace.contains(UNKNOWN) {
                    let message = format!(
                        "the password of this Redis is a Secret in `{home}`, which pods in `{namespace}` cannot read"
                    );
                    return Err(Problem::error(format!("{block}/redis"), message)
                        .hint("put both into one namespace, or write `address` and `password_secret`"));
                }
                let password = (redis.text("secret").to_owned(), redis.text("secret_key").to_owned());
                let identity = (home.to_owned(), redis.text("name").to_owned());
                (redis.text("address").to_owned(), Some(password), Some(identity))
            }
            (None, Some(address)) => {
                (address.clone(), arguments.password_secret.clone().map(|secret| (secret, password_key)), None)
            }
            (None, None) => {
                return Err(Problem::error(block, "`gcs_fault_tolerance` needs `redis` or `address`")
                    .hint("write `redis = redis.main`"));
            }
            (Some(_), Some(_)) => {
                return Err(Problem::error(
                    format!("{block}/address"),
                    "`redis` and `address` are two answers to one question",
                ));
            }
        };
        if address.contains(',') {
            let message = "Ray keeps its state on one Redis server; it knows no Redis cluster";
            return Err(Problem::error(format!("{block}/address"), message).code("RF312"));
        }
        Ok(Self {
            address,
            password,
            username: arguments.username.clone(),
            storage_namespace: arguments.storage_namespace.clone().unwrap_or_else(|| format!("{namespace}.{cluster}")),
            is_cleaned: arguments.cleanup.unwrap_or(true),
            redis,
        })
    }

    /// Sets what the head, or the job that cleans up, must know.
    pub(crate) fn set(&self, environment: &mut Environment) {
        environment.set("RAY_REDIS_ADDRESS", self.address.as_str());
        environment.set("RAY_external_storage_namespace", self.storage_namespace.as_str());
        if let Some((secret, key)) = &self.password {
            environment.set_secret("REDIS_PASSWORD", secret, key);
        }
        if let Some(username) = &self.username {
            environment.set("REDIS_USERNAME", username.as_str());
        }
    }

    /// Returns the flags of `ray start`; the shell fills the password in, so that no manifest holds it.
    pub(crate) fn flags(&self) -> Vec<(String, Option<String>)> {
        let mut flags = Vec::new();
        if self.password.is_some() {
            flags.push(("redis-password".to_owned(), Some("$REDIS_PASSWORD".to_owned())));
        }
        if self.username.is_some() {
            flags.push(("redis-username".to_owned(), Some("$REDIS_USERNAME".to_owned())));
        }
        flags
    }
}

/// Removes the state of one cluster from Redis; all values come from the environment.
const CLEAN_UP: &str = "\
import inspect, os, sys
from urllib.parse import urlsplit
from ray._private.gcs_utils import cleanup_redis_storage

address = os.environ['RAY_REDIS_ADDRESS']
url = urlsplit(address if '://' in address else 'redis://' + address)
wanted = {
    'host': url.hostname,
    'port': url.port or 6379,
    'username': os.environ.get('REDIS_USERNAME', url.username or ''),
    'password': os.environ.get('REDIS_PASSWORD', url.password or ''),
    'use_ssl': url.scheme == 'rediss',
    'storage_namespace': os.environ['RAY_external_storage_namespace'],
}
known = inspect.signature(cleanup_redis_storage).parameters
done = cleanup_redis_storage(**{name: value for name, value in wanted.items() if name in known})
print('removed' if done else 'could not remove', wanted['storage_namespace'])
sys.exit(0 if done else 1)
";

/// Returns the Job that removes the state of a cluster from Redis, once its head is to go.
pub(crate) fn cleanup_job(
    store: &GcsStore,
    (cluster, namespace): (&str, &str),
    image: &str,
    labels: &Labels,
    service_account: Option<&str>,
) -> Object {
    let mut environment = Environment::default();
    store.set(&mut environment);
    let amounts = json!({ "cpu": "200m", "memory": "512Mi" });
    let mut spec = json!({
        "automountServiceAccountToken": false,
        "restartPolicy": "Never",
        "containers": [{
            "name": "redis-cleanup",
            "image": image,
            "command": ["python", "-c", CLEAN_UP],
            "env": environment.to_json(),
            "resources": { "requests": amounts, "limits": amounts },
        }],
    });
    if let Some(account) = service_account {
        spec["serviceAccountName"] = Json::from(account);
    }
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(&format!("{cluster}-redis-cleanup"), namespace, labels),
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": 300,
            "ttlSecondsAfterFinished": 600,
            "template": { "metadata": { "labels": crate::resource::names::labels_json(labels) }, "spec": spec },
        },
    });
    Object::new(job).expect("it has an API version, a kind and a name")
}

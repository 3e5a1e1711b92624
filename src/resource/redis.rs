//! `redis`: one Redis server with a disk, for the state of a Ray cluster's GCS.
use super::kit::Target;

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

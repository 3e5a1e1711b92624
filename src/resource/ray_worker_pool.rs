//! `ray_worker_pool`: a Deployment of Ray workers that join one head.
use super::kit::Target;

/// A whole `ray_worker_pool`, as `Reference<RayWorkerPool>` means it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RayWorkerPool;

impl Target for RayWorkerPool {
    const NAME: &'static str = "ray_worker_pool";
}

/// What other resources can refer to.
pub(crate) const EXPORTS: &[(&str, &str)] = &[
    ("name", "The name of the pool; the label `ray.io/group` of its pods."),
    ("namespace", "The namespace, which is the head's."),
    ("cluster", "The name of the Ray cluster, which is the head's."),
    ("workload_kind", "`Deployment`."),
    ("workload", "The name of the Deployment."),
    ("container", "The name of the Ray container."),
    ("replicas", "How many workers there are to be; null where an autoscaler decides."),
    ("metrics_port", "The number of the port `metrics`."),
    ("image", "The image of the workers."),
    ("ray_version", "The Ray version, or empty where the image does not tell it."),
    ("selector", "A map: the labels that the pods of this pool, and no others, have."),
    ("requests", "A map: what one pod requests, as canonical quantities (`cpu`, `memory`, …)."),
];

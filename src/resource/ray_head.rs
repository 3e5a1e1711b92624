//! `ray_head`: the one head of a Ray cluster, with what it needs around it.
use super::kit::Target;

/// A whole `ray_head`, as `Reference<RayHead>` means it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RayHead;

impl Target for RayHead {
    const NAME: &'static str = "ray_head";
}

/// What other resources can refer to.
pub(crate) const EXPORTS: &[(&str, &str)] = &[
    ("name", "The name of the Ray cluster; the label `ray.io/cluster` of all its pods."),
    ("namespace", "The namespace of the head and of its pools."),
    ("workload_kind", "`Deployment` or `StatefulSet`."),
    ("workload", "The name of that Deployment or StatefulSet."),
    ("service", "The name of the headless Service."),
    ("host", "The DNS name of the head inside the cluster."),
    ("gcs_address", "`host:port` of the GCS, as `ray start --address` takes it."),
    ("client_url", "The URL for Ray Client, such as `ray://…:10001`."),
    ("dashboard_url", "The URL of the dashboard and of the jobs API inside the cluster."),
    ("serve_url", "The URL of Ray Serve's HTTP proxy inside the cluster."),
    ("metrics_port", "The number of the port `metrics`, which every pod of the cluster has."),
    ("image", "The image of the head, which pools use unless they name another."),
    ("image_pull_policy", "The pull policy of that image, or empty."),
    ("image_pull_secrets", "A list of names of Secrets."),
    ("ray_version", "The Ray version, or empty where the image does not tell it."),
    ("service_account", "The service account of the pods."),
    ("label_style", "`kuberay` (the labels `ray.io/cluster` and so on) or `plain`."),
    ("selector", "A map: the labels that all pods of the cluster have, head and pools."),
    ("head_selector", "A map: the labels that the head's pod alone has."),
    ("fault_tolerant", "Whether the GCS keeps its state outside of the head."),
    ("auth_secret", "The name of the Secret with the auth token, or empty."),
    ("auth_secret_key", "The key of the token in that Secret, or empty."),
    ("template_checksum", "Changes when the head's pod changes; pools follow it where there is no fault tolerance."),
];

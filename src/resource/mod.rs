//! The resource types: checked arguments into objects, exports, readiness and lints. One file per type.
mod arguments;
mod checks;
mod config_map;
mod data;
mod horizontal_pod_autoscaler;
mod kinds;
mod kit;
mod manifest;
mod manifests;
mod metadata;
mod names;
mod namespace;
mod parts;
mod payload;
mod persistent_volume_claim;
mod pods;
mod prometheus;
mod prometheus_discovery;
mod raw_object;
mod ray;
mod ray_head;
mod ray_worker_pool;
mod readiness;
mod redis;
mod secret;
mod storage_class;
#[cfg(test)]
mod testing;
mod yaml;

pub(crate) use checks::{CheckDoc, all as all_checks, annotate_checksums, findings, read_by_pods};
pub(crate) use data::{DataSource, all as data_sources};
#[cfg(test)]
pub(crate) use kit::ExpandedObject;
pub(crate) use kit::{Context, Expansion, Problem, Referrer, ResourceType};

/// Returns every resource type, by name.
pub(crate) fn all() -> &'static [&'static dyn ResourceType] {
    &[
        &config_map::ConfigMap,
        &horizontal_pod_autoscaler::HorizontalPodAutoscaler,
        &manifest::Manifest,
        &manifests::Manifests,
        &namespace::Namespace,
        &persistent_volume_claim::PersistentVolumeClaim,
        &prometheus_discovery::PrometheusDiscovery,
        &ray_head::RayHead,
        &ray_worker_pool::RayWorkerPool,
        &redis::Redis,
        &secret::Secret,
        &storage_class::StorageClass,
    ]
}

/// Returns the resource type with this name.
#[cfg(test)]
pub(crate) fn find(name: &str) -> Option<&'static dyn ResourceType> {
    all().iter().copied().find(|resource_type| resource_type.name() == name)
}

//! The resource types: checked arguments into objects, exports, readiness and lints. One file per type.
mod arguments;
mod kit;
mod names;
mod parts;
mod pods;
mod ray;
mod ray_head;
mod ray_worker_pool;
mod readiness;
mod redis;
#[cfg(test)]
mod testing;

pub(crate) use kit::{Context, Expansion, Problem, Reference, Referrer, ResourceType, parse};

/// Returns every resource type, by name.
pub(crate) fn all() -> &'static [&'static dyn ResourceType] {
    &[&ray_head::RayHead, &ray_worker_pool::RayWorkerPool, &redis::Redis]
}

/// Returns the resource type with this name.
pub(crate) fn find(name: &str) -> Option<&'static dyn ResourceType> {
    all().iter().copied().find(|resource_type| resource_type.name() == name)
}

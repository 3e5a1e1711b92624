//! The data sources: what `data` blocks read of a cluster. One file per type.
mod kit;
mod manifest;
mod namespace;
mod nodes;
mod secret;
mod storage_class;
#[cfg(test)]
mod testing;

pub(crate) use kit::DataSource;

/// Returns every data source, by name.
pub(crate) fn all() -> &'static [&'static dyn DataSource] {
    &[&manifest::Manifest, &namespace::Namespace, &nodes::Nodes, &secret::Secret, &storage_class::StorageClass]
}

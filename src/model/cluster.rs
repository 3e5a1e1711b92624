//! Several clusters side by side: their names, what tells them apart, and where an object lives.
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Identity;

/// The name of a cluster in the configuration; the default cluster has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ClusterName(Option<String>);

/// One thing for each cluster.
pub(crate) type Clusters<T> = BTreeMap<ClusterName, T>;

/// Tells clusters apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClusterIdentity {
    /// The uid of the namespace `kube-system`.
    pub uid: String,
    /// The URL of the API server, or `sandbox`.
    pub server: String,
}

/// An object and the cluster that it lives in: equal names in two clusters are two objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Located {
    #[serde(default, skip_serializing_if = "ClusterName::is_default")]
    pub cluster: ClusterName,
    #[serde(flatten)]
    pub identity: Identity,
}

impl ClusterIdentity {
    /// Returns what stands for a cluster that nobody has asked.
    pub(crate) fn unknown() -> Self {
        Self { uid: String::new(), server: "unknown".to_owned() }
    }

    /// Tells whether nobody has asked the cluster who it is.
    pub(crate) fn is_unknown(&self) -> bool {
        self.uid.is_empty()
    }
}

impl ClusterName {
    /// Returns the name of a labelled `cluster` block.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self(Some(name.into()))
    }

    /// Returns the name, where it is not the default cluster.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Tells whether it is the cluster that the block without a label describes.
    pub(crate) fn is_default(&self) -> bool {
        self.0.is_none()
    }
}

impl Located {
    pub(crate) fn new(cluster: &ClusterName, identity: Identity) -> Self {
        Self { cluster: cluster.clone(), identity }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, "cluster `{name}`"),
            None => f.write_str("the default cluster"),
        }
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.identity.fmt(f)?;
        self.cluster.name().map_or(Ok(()), |name| write!(f, " in cluster {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { group: "".into(), kind: "Namespace".into(), namespace: None, name: "a".into() }
    }

    #[test]
    fn the_default_cluster_leaves_no_trace() {
        let located = Located::new(&ClusterName::default(), identity());
        assert_eq!(located.to_string(), identity().to_string());
        assert_eq!(serde_json::to_value(&located).expect("JSON"), serde_json::to_value(identity()).expect("JSON"));
    }

    #[test]
    fn equal_names_in_two_clusters_are_two_objects() {
        let west = Located::new(&ClusterName::named("west"), identity());
        assert_ne!(west, Located::new(&ClusterName::default(), identity()));
        assert_eq!(west.to_string(), "Namespace a in cluster west");
        let json = serde_json::to_string(&west).expect("JSON");
        assert_eq!(serde_json::from_str::<Located>(&json).expect("the same"), west);
    }
}

//! Looks at what is recorded before the configuration is evaluated, where it is plain already which clusters are meant.
use tokio::task::JoinHandle;

use super::arguments::Global;
use super::connecting::{self, Connections};
use crate::cluster::Cluster;
use crate::config;
use crate::eval::ClusterSettings;
use crate::model::{ClusterName, Clusters, Desired};
use crate::ssa::Schemas;
use crate::state::Loaded;
use crate::workflow::{self, Glance, WorkflowError};

/// Clusters that are looked at already.
#[derive(Debug, Default)]
pub(super) struct Early {
    pub connections: Connections,
    pub looks: Clusters<JoinHandle<Result<Glance, WorkflowError>>>,
    /// No `cluster` block can name another cluster: who could not be reached is not tried again.
    pub is_plain: bool,
}

/// Connects to the only cluster there can be, and asks it who it is; the state can be read meanwhile.
///
/// Nothing is asked where a `cluster` block may name others.
pub(super) async fn meet(global: &Global) -> Early {
    if config::mentions_clusters(&global.chdir) {
        return Early::default();
    }
    let only = [ClusterName::default()].into();
    let connected = connecting::connect(global, &connecting::unnamed(), only, Connections::default()).await;
    let connections = connected.unwrap_or_default();
    for cluster in connections.clusters.values() {
        let cluster = cluster.clone();
        tokio::spawn(async move { cluster.introduction().await });
    }
    Early { connections, looks: Clusters::new(), is_plain: true }
}

/// Connects to the clusters that something is recorded of, and begins to look at it.
///
/// What goes wrong here goes wrong again later, and is told then. After a run that died, clusters are only asked who
/// they are: its last requests may still be under way.
pub(super) async fn begin(
    global: &Global,
    configured: &Clusters<ClusterSettings>,
    loaded: &Loaded,
    before: Early,
) -> Early {
    let used = connecting::used(&Desired::default(), loaded);
    let connected = connecting::connect(global, configured, used, before.connections).await;
    let connections = connected.unwrap_or_default();
    let recorded = Some(&loaded.state).filter(|_| loaded.unfinished.is_none());
    let look = |(name, cluster): (&ClusterName, &Cluster)| {
        (name.clone(), tokio::spawn(workflow::glance(cluster, name, recorded)))
    };
    let looks = connections.clusters.iter().map(look).collect();
    tokio::task::spawn_blocking(Schemas::prepare);
    Early { connections, looks, is_plain: before.is_plain }
}

//! The clusters that a command works with: only those that anything desired or recorded lives in are connected.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::arguments::Global;
use super::exit::Failure;
use super::project::sandbox_folder;
use crate::cluster::{self, Cluster, Settings, Target};
use crate::eval::ClusterSettings;
use crate::model::{ClusterName, Clusters, Desired};
use crate::sandbox::{Sandbox, SandboxError};
use crate::state::Loaded;

/// What stands for the service account of the pod that rayform runs in.
const IN_CLUSTER: &str = "in-cluster";

/// Connections to clusters, and the sandboxes behind them where there are any.
#[derive(Debug, Default)]
pub(super) struct Connections {
    pub clusters: Clusters<Cluster>,
    sandboxes: Clusters<Sandbox>,
}

impl Connections {
    /// Makes sure that what sandboxes hold survives a loss of power.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        for sandbox in self.sandboxes.values() {
            sandbox.flush()?;
        }
        Ok(())
    }
}

/// The sandboxes that this process has open, by folder: of several runs, each finds the one of the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Opened(Arc<Mutex<BTreeMap<PathBuf, Sandbox>>>);

impl Opened {
    fn open(&self, folder: &Path) -> Result<Sandbox, SandboxError> {
        let mut opened = self.0.lock().expect("no holder of this lock panics");
        if let Some(sandbox) = opened.get(folder) {
            return Ok(sandbox.clone());
        }
        let sandbox = Sandbox::open(Some(folder))?;
        opened.insert(folder.to_owned(), sandbox.clone());
        Ok(sandbox)
    }
}

/// Returns the clusters that anything desired, recorded or left open by a run that died lives in, or that are read
/// during apply.
pub(super) fn used(desired: &Desired, loaded: &Loaded) -> BTreeSet<ClusterName> {
    let read = desired.deferred.values().flat_map(|deferred| &deferred.clusters);
    let desired = desired.resources.values().map(|resource| &resource.cluster);
    let recorded = loaded.state.resources.values().flat_map(|resource| &resource.objects).map(|object| &object.cluster);
    let open = loaded.unfinished.iter().flatten().map(|intent| &intent.object.cluster);
    desired.chain(recorded).chain(open).chain(read).cloned().collect()
}

/// Returns what a configuration without any `cluster` block says: flags and environment choose the only cluster.
pub(super) fn unnamed() -> Clusters<ClusterSettings> {
    Clusters::from([(ClusterName::default(), ClusterSettings::default())])
}

/// Connects the clusters that are used and configured. Where nothing is used, the default one stands for all.
///
/// Connections that there are already are taken over; those that are not used are given up.
pub(super) async fn connect(
    global: &Global,
    configured: &Clusters<ClusterSettings>,
    mut used: BTreeSet<ClusterName>,
    mut before: Connections,
) -> Result<Connections, Failure> {
    let default = ClusterName::default();
    if used.is_empty() {
        used.insert(default.clone());
    }
    let mut connections = Connections::default();
    for (name, settings) in configured.iter().filter(|(name, _)| used.contains(*name)) {
        if let Some(sandbox) = before.sandboxes.remove(name) {
            connections.sandboxes.insert(name.clone(), sandbox);
        }
        let cluster = match (before.clusters.remove(name), sandbox_folder(global)) {
            (Some(cluster), _) => cluster,
            (None, Some(folder)) => {
                let sandbox = global.opened.open(&folder_of(&folder, name))?;
                let cluster = cluster::connect(Target::Service(sandbox.router()), Settings::default()).await?;
                connections.sandboxes.insert(name.clone(), sandbox);
                cluster
            }
            (None, None) => cluster::connect(target(global, name, settings), Settings::default()).await?,
        };
        connections.clusters.insert(name.clone(), cluster);
    }
    Ok(connections)
}

/// Returns the folder of a cluster's own sandbox.
fn folder_of(sandbox: &Path, name: &ClusterName) -> PathBuf {
    name.name().map_or_else(|| sandbox.to_owned(), |name| sandbox.join("clusters").join(name))
}

/// Returns where a cluster is: flags choose the default one, a block any of them, the environment what neither says.
fn target(global: &Global, name: &ClusterName, settings: &ClusterSettings) -> Target {
    let (flag, chosen) =
        if name.is_default() { (global.kubeconfig.as_deref(), global.context.clone()) } else { (None, None) };
    let configured = settings.kubeconfig.as_deref().map(Path::new);
    if flag.or(configured) == Some(Path::new(IN_CLUSTER)) {
        return Target::InCluster;
    }
    // A block speaks of files beside it.
    let configured = configured.map(|file| global.chdir.join(file));
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let variable = std::env::var_os("KUBECONFIG");
    let files = cluster::kubeconfig_files(flag, configured.as_deref(), variable.as_deref(), home.as_deref());
    Target::Kubeconfig { files, context: chosen.or_else(|| settings.context.clone()) }
}

/// Refuses a flag that chooses nothing, for it must not look as if it did.
pub(super) fn check_flags(global: &Global, used: &BTreeSet<ClusterName>) -> Result<(), Failure> {
    if used.is_empty() || used.contains(&ClusterName::default()) || global.sandbox.is_some() {
        return Ok(());
    }
    let flag = match (&global.context, &global.kubeconfig) {
        (Some(_), _) => "--context",
        (_, Some(_)) => "--kubeconfig",
        _ => return Ok(()),
    };
    let message = format!("`{flag}` chooses the default cluster, and nothing of this configuration lives there");
    Err(Failure::refused_with(message, "say it in the labelled `cluster` blocks, with a variable for example"))
}

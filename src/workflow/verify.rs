//! Makes sure, right before anything is sent, that every cluster is the one that the plan was made for.
use super::WorkflowError;
use crate::cluster::Cluster;
use crate::model::Clusters;
use crate::plan::Plan;
use crate::state::State;

/// Asks every cluster who it is. A plan that was made without looking learns it here.
pub(crate) async fn verify(plan: &mut Plan, state: &State, clusters: &Clusters<Cluster>) -> Result<(), WorkflowError> {
    let identities = clusters.iter().map(|(name, cluster)| async move { Ok((name, cluster.identity().await?)) });
    let identities = futures::future::try_join_all(identities).await;
    for (name, found) in identities.map_err(WorkflowError::doing("the cluster could not be identified"))? {
        let Some(planned) = plan.clusters.get_mut(name) else { continue };
        let expected = [state.clusters.get(name), Some(&planned.identity)].into_iter().flatten();
        let other = expected.filter(|expected| !expected.is_unknown()).find(|expected| expected.uid != found.uid);
        if let Some(recorded) = other.cloned() {
            return Err(WorkflowError::WrongCluster { name: name.clone(), recorded, found });
        }
        planned.identity = found;
    }
    Ok(())
}

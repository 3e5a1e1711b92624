//! Asks clusters what `data` blocks want to know: every question once, all at the same time.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::WorkflowError;
use super::error::chain;
use crate::cluster::{Cluster, ClusterError, Kinds};
use crate::model::{Answer, Answers, ClusterName, Clusters, Question, Read, Scope, Which};

/// Returns an answer to every question; that a kind is not served or may not be read is one.
pub(crate) async fn read(clusters: &Clusters<Cluster>, wanted: &BTreeSet<Read>) -> Result<Answers, WorkflowError> {
    let mut by_cluster: BTreeMap<&ClusterName, Vec<&Read>> = BTreeMap::new();
    wanted.iter().for_each(|read| by_cluster.entry(&read.cluster).or_default().push(read));
    let asked = by_cluster.into_iter().map(|(name, reads)| async move {
        match clusters.get(name) {
            Some(cluster) => ask_all(cluster, reads).await,
            None => Ok(reads.into_iter().map(|read| (read.clone(), Err(format!("{name} is not connected")))).collect()),
        }
    });
    let answers: Vec<Answers> = futures::future::try_join_all(asked).await?;
    Ok(answers.into_iter().flatten().collect())
}

async fn ask_all(cluster: &Cluster, reads: Vec<&Read>) -> Result<Answers, WorkflowError> {
    let introduction = cluster.introduction().await;
    let (_, kinds) = &introduction.map_err(WorkflowError::doing("the cluster could not be identified"))?;
    let asked = reads.into_iter().map(|read| async move {
        let answer = ask(cluster, kinds, &read.question).await;
        answer.map(|answer| (read.clone(), answer))
    });
    let answers = futures::future::try_join_all(asked).await;
    Ok(answers.map_err(WorkflowError::doing("the cluster could not be read"))?.into_iter().collect())
}

async fn ask(cluster: &Cluster, kinds: &Kinds, question: &Question) -> Result<Answer, ClusterError> {
    let Question { kind, namespace, which } = question;
    let Some(served) = kinds.get(&kind.group_kind()) else {
        return Ok(Err(format!("the cluster does not serve the kind `{}` of `{}`", kind.kind, kind.api_version())));
    };
    let namespace = namespace.as_deref().or(Some(cluster.default_namespace())).filter(|_| served.namespaced);
    let found = match which {
        Which::Named(name) => cluster.get(kind, namespace, name).await.map(|found| found.into_iter().collect()),
        Which::Labelled(labels) => {
            let scope = Scope { kind: kind.clone(), namespace: namespace.map(Arc::from) };
            cluster.list_labelled(&scope, labels).await
        }
    };
    match found {
        Ok(objects) => Ok(Ok(objects)),
        Err(error) if is_final(&error) => Ok(Err(chain(&error))),
        Err(error) => Err(error),
    }
}

/// Tells whether the server understood and will not answer otherwise: the block is to blame, or a permission.
fn is_final(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Forbidden(_) | ClusterError::Invalid(_) | ClusterError::NotFound(_))
        || matches!(error, ClusterError::NotServed { .. })
        || error.refusal().is_some_and(|refusal| refusal.code == 400)
}

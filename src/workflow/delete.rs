//! Lowers one resource: cleans up, deletes its objects in order, and waits until they are gone.
use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::apply::ends;
use super::error::{Stop, diagnose};
use super::guard::{foreign, is_system_namespace, what_holds};
use super::object::bears_pods;
use super::rank::{groups, rank};
use super::run::{Run, verb};
use super::wait::Waited;
use crate::cluster::{Apply, ClusterError, Deletion, Propagation};
use crate::model::{
    Address, ClusterName, DesiredObject, Diagnostic, Event, FileId, Identity, Json, Kind, Located, Object, Readiness,
    Span, Surroundings, Verb,
};
use crate::plan::{Action, Change, ResourcePlan};
use crate::state::{Act, Entry, RecordedObject};

/// After this long, a delete that hangs is explained.
const EXPLAIN: Duration = Duration::from_secs(10);

/// Parts each `ClusterRole` that is put together of others from the rest: its controller writes it anew when one of
/// the others goes.
///
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles>
fn summaries_first(group: Vec<&Change>) -> [Vec<&Change>; 2] {
    let is_summary = |change: &&Change| match change {
        Change::Delete { live: Some(live), .. } => live.pointer("/aggregationRule").is_some(),
        _ => false,
    };
    let (summaries, rest) = group.into_iter().partition(is_summary);
    [summaries, rest]
}

/// Tells whether there is anything to delete or forget.
pub(super) fn lowers(planned: &ResourcePlan) -> bool {
    let is_down = |change: &Change| matches!(change, Change::Delete { .. } | Change::Forget { .. });
    ends(planned.action) || planned.changes.iter().any(is_down)
}

impl Run<'_> {
    /// Deletes and forgets what the plan says of a resource.
    pub(super) async fn lower(&self, address: &Address) -> Result<(), Stop> {
        let Some(planned) = self.plan.resources.get(address).filter(|planned| lowers(planned)) else { return Ok(()) };
        let slot = self.slot().await?;
        self.start(address, verb(planned.action));
        let downs = || planned.changes.iter().filter(|it| matches!(it, Change::Delete { .. } | Change::Forget { .. }));
        let deletes = downs().any(|change| matches!(change, Change::Delete { .. }));
        drop(slot);
        if deletes {
            for job in self.jobs_before(address, planned) {
                self.clean_up(address, &cluster_of(planned), &job).await?;
            }
        }
        for group in groups(downs().collect(), |change| rank(&kind_of(change))).into_iter().flat_map(summaries_first) {
            let ends: FuturesUnordered<_> = group.into_iter().map(|change| self.drop_object(address, change)).collect();
            let results: Vec<Result<(), Stop>> = ends.collect().await;
            results.into_iter().collect::<Result<(), Stop>>()?;
        }
        if ends(planned.action) {
            self.note(Entry::Removed { address: address.clone() });
        }
        self.end(address, verb(planned.action));
        Ok(())
    }

    async fn drop_object(&self, address: &Address, change: &Change) -> Result<(), Stop> {
        match change {
            Change::Forget { .. } => {
                self.check()?;
                let object = change.located();
                self.note(Entry::Forgotten { address: address.clone(), object: object.clone() });
                self.tell(Event::ObjectDone { address: address.clone(), object, verb: Verb::Forget });
                Ok(())
            }
            Change::Delete { kind, uid, live, .. } => {
                let object = change.located();
                if kind.is("", "Namespace") {
                    self.guard_namespace(address, &object).await?;
                }
                self.remove(address, kind, &object, uid, propagation(kind, live.as_deref())).await?;
                self.tell(Event::ObjectDone { address: address.clone(), object, verb: Verb::Delete });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Deletes one object and waits until it is gone. One that somebody else made anew is left alone.
    pub(super) async fn remove(
        &self,
        address: &Address,
        kind: &Kind,
        object: &Located,
        uid: &str,
        propagation: Propagation,
    ) -> Result<(), Stop> {
        let (cluster, identity) = (self.cluster(&object.cluster)?, &object.identity);
        let slot = self.slot().await?;
        let intended = RecordedObject {
            cluster: object.cluster.clone(),
            kind: kind.clone(),
            namespace: identity.namespace.clone(),
            name: identity.name.clone(),
            uid: uid.to_owned(),
            applied: Json::Null,
        };
        let intent = self.intend(address, Act::Delete, intended).await?;
        let deletion = match cluster.delete(kind, identity, uid, None, propagation).await {
            Ok(deletion) => deletion,
            // A kind that is not served any more has no objects.
            Err(ClusterError::NotServed { .. }) => Deletion::Absent,
            Err(ClusterError::Stale(_)) => {
                let message = format!("{object} was made anew by somebody else; it is left alone");
                self.tell(Event::Notice { message });
                Deletion::Absent
            }
            Err(error) => {
                let doing = Self::doing(address, "deleted", object);
                return Err(self.unsure(intent, &doing, &error).await);
            }
        };
        drop(slot);
        if deletion == Deletion::Pending {
            self.tell(Event::Sent { address: address.clone(), object: object.clone(), verb: Verb::Delete });
            if let Err(stop) = self.wait_gone(address, kind, object, uid).await {
                // It is still there, and stays recorded.
                self.note(Entry::Refused { address: address.clone(), object: object.clone() });
                return Err(stop);
            }
        }
        self.note(Entry::Deleted { address: address.clone(), object: object.clone() });
        Ok(())
    }

    /// Waits until an object is gone, and says what holds it when that takes long.
    async fn wait_gone(&self, address: &Address, kind: &Kind, object: &Located, uid: &str) -> Result<(), Stop> {
        let (cluster, watching) = (self.cluster(&object.cluster)?, self.watching(&object.cluster)?);
        let identity = &object.identity;
        let mut left = self.limits.timeout;
        let mut reason = String::new();
        loop {
            let patience = left.min(EXPLAIN);
            match watching.gone(kind, identity, uid, patience, self.interrupted()).await {
                Waited::Ready { .. } => return Ok(()),
                Waited::Interrupted => return Err(Stop::Interrupted),
                Waited::Failed { .. } | Waited::TimedOut { .. } => {}
            }
            match cluster.get(kind, identity.namespace.as_deref(), &identity.name).await {
                Ok(None) => return Ok(()),
                Ok(Some(live)) if live.uid() != Some(uid) => return Ok(()),
                Ok(Some(live)) => {
                    let now = what_holds(&live);
                    if now != reason {
                        self.waiting(address, object, &now);
                        reason = now;
                    }
                }
                Err(error) => return Err(diagnose(&Self::doing(address, "deleted", object), &error).into()),
            }
            left = left.saturating_sub(patience);
            if left.is_zero() {
                let seconds = self.limits.timeout.as_secs();
                let message = format!("`{address}`: {object} is not gone after {seconds} s: {reason}");
                let hint = "rayform removes no finalizer: see to what holds it, then apply again";
                return Err(Diagnostic::error(self.redact(&message)).hint(hint).into());
            }
        }
    }

    /// Refuses to delete a namespace that is not wholly ours.
    async fn guard_namespace(&self, address: &Address, object: &Located) -> Result<(), Stop> {
        let identity = &object.identity;
        let refuse = |reason: &str| {
            let message = format!("`{address}`: the namespace `{}` is not deleted: {reason}", identity.name);
            Diagnostic::error(message).hint("move or delete what is in it, or forget it with `rayform state rm`")
        };
        if is_system_namespace(&identity.name) {
            return Err(refuse("it belongs to Kubernetes").into());
        }
        let going = self.going(&object.cluster);
        let found = foreign(self.cluster(&object.cluster)?, &identity.name, &self.plan.lineage, &going).await;
        let found =
            found.map_err(|error| Stop::from(diagnose(&Self::doing(address, "looked into", object), &error)))?;
        found.reason().map_or(Ok(()), |reason| Err(refuse(&reason).into()))
    }

    /// Returns the jobs that clean up before objects of a resource are deleted: where it goes, or leaves a cluster.
    fn jobs_before(&self, address: &Address, planned: &ResourcePlan) -> Vec<Object> {
        if planned.action == Action::Delete {
            return planned.before_delete.clone();
        }
        // What it needs in its new cluster says nothing of how it was in the old one.
        let recorded = self.state.resources.get(address).filter(|_| planned.leaves().is_some());
        let jobs = recorded.into_iter().flat_map(|recorded| &recorded.before_delete);
        jobs.filter_map(|job| Object::new(job.clone()).ok()).collect()
    }

    /// Returns the objects that this run deletes in a cluster.
    fn going(&self, cluster: &ClusterName) -> BTreeSet<Identity> {
        let changes = self.plan.resources.values().flat_map(|resource| &resource.changes);
        let here = changes.filter(|change| change.cluster() == cluster);
        here.filter(|change| matches!(change, Change::Delete { .. })).map(Change::identity).collect()
    }

    /// Runs a Job to its end and removes it.
    async fn clean_up(&self, address: &Address, name: &ClusterName, job: &Object) -> Result<(), Stop> {
        self.check()?;
        let (cluster, watching) = (self.cluster(name)?, self.watching(name)?);
        let object = Located::new(name, job.identity());
        let doing = |verb| Self::doing(address, verb, &object);
        let applied = cluster.apply(job, Apply { force: true, dry_run: false }).await;
        let live = applied.map_err(|error| Stop::from(diagnose(&doing("started"), &error)))?.object;
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let desired = DesiredObject::new(job.clone(), span, job_is_done);
        let tell = |reason: &str| self.waiting(address, &object, reason);
        let waited = watching.ready(&desired, &live, self.patience(), tell, self.interrupted()).await;
        match waited {
            Waited::Ready { .. } => {}
            Waited::Interrupted => return Err(Stop::Interrupted),
            Waited::Failed { reason } | Waited::TimedOut { reason } => {
                let message = format!("`{address}`: {object} did not clean up: {reason}");
                let hint = "nothing of the resource was deleted; read the Job's log, then apply again";
                return Err(Diagnostic::error(self.redact(&message)).hint(hint).into());
            }
        }
        let uid = live.uid().unwrap_or_default();
        let removed = cluster.delete(&job.kind(), &object.identity, uid, None, Propagation::Background).await;
        removed.map(drop).map_err(|error| diagnose(&doing("removed"), &error).into())
    }
}

/// Returns the cluster that objects of a resource are deleted in.
fn cluster_of(planned: &ResourcePlan) -> ClusterName {
    let mut deletes = planned.changes.iter().filter(|change| matches!(change, Change::Delete { .. }));
    deletes.next().map_or_else(|| planned.cluster.clone(), |change| change.cluster().clone())
}

fn kind_of(change: &Change) -> Kind {
    match change {
        Change::Delete { kind, .. } | Change::Forget { kind, .. } => kind.clone(),
        other => other.desired().map_or_else(|| Kind::new("v1", ""), |desired| desired.object.kind()),
    }
}

/// Returns what becomes of an object's dependents: what runs pods stays until they are gone.
///
/// Not where pods own their claims: in the foreground a pod waits for its claim, and the claim is protected until the
/// kubelet says that the pod has ended, which a lost node never does.
pub(super) fn propagation(kind: &Kind, live: Option<&Object>) -> Propagation {
    let volumes = ["/spec/template/spec/volumes", "/spec/volumes"].map(|path| live?.pointer(path)?.as_array());
    let owns_claims = volumes.into_iter().flatten().flatten().any(|volume| volume.get("ephemeral").is_some());
    if bears_pods(&kind.group, &kind.kind) && !owns_claims { Propagation::Foreground } else { Propagation::Background }
}

/// Judges a Job by its conditions.
fn job_is_done(job: &Object, _: Surroundings<'_>) -> Readiness {
    let conditions = job.pointer("/status/conditions").and_then(Json::as_array);
    for condition in conditions.into_iter().flatten() {
        let text = |name| condition.get(name).and_then(Json::as_str).unwrap_or_default();
        match (text("type"), text("status")) {
            ("Complete", "True") => return Readiness::ready(),
            ("Failed", "True") => return Readiness::failed(format!("{}: {}", text("reason"), text("message"))),
            _ => {}
        }
    }
    Readiness::waiting("the Job is running")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_put_together_goes_before_its_parts() {
        let role = |name: &str, extra: Json| {
            let mut json = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"});
            json["metadata"] = json!({"name": name});
            json["aggregationRule"] = extra;
            let live = Object::new(json).expect("an object");
            let (cluster, kind, identity) = (ClusterName::default(), live.kind(), live.identity());
            Change::Delete { cluster, kind, identity, uid: "u".to_owned(), live: Some(Box::new(live)) }
        };
        let mut part = role("part", Json::Null);
        if let Change::Delete { live: Some(live), .. } = &mut part {
            live.edit(|json| drop(json.as_object_mut().and_then(|json| json.remove("aggregationRule"))));
        }
        let whole = role("whole", json!({"clusterRoleSelectors": []}));
        let [first, then] = summaries_first(vec![&part, &whole]);
        let names = |group: Vec<&Change>| group.iter().map(|it| it.identity().name.to_string()).collect::<Vec<_>>();
        assert_eq!((names(first), names(then)), (vec!["whole".to_owned()], vec!["part".to_owned()]));
    }
}

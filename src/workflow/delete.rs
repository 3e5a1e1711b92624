//! Lowers one resource: cleans up, deletes its objects in order, and waits until they are gone.
use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::apply::ends;
use super::error::{Stop, diagnose};
use super::guard::{foreign, is_system_namespace, what_holds};
use super::object::{bears_pods, named};
use super::rank::{groups, rank};
use super::run::{Run, verb};
use super::wait::Waited;
use crate::cluster::{Apply, ClusterError, Deletion, Propagation};
use crate::model::{
    Address, DesiredObject, Diagnostic, Event, FileId, Identity, Json, Kind, Object, Readiness, Span, Surroundings,
    Verb,
};
use crate::plan::{Action, Change, ResourcePlan};
use crate::state::{Act, Entry, RecordedObject};

/// After this long, a delete that hangs is explained.
const EXPLAIN: Duration = Duration::from_secs(10);

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
        if planned.action == Action::Delete && deletes {
            for job in &planned.before_delete {
                self.clean_up(address, job).await?;
            }
        }
        for group in groups(downs().collect(), |change| rank(&kind_of(change))) {
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
            Change::Forget { identity, .. } => {
                self.check()?;
                self.note(Entry::Forgotten { address: address.clone(), identity: identity.clone() });
                self.tell(Event::ObjectDone {
                    address: address.clone(),
                    identity: identity.clone(),
                    verb: Verb::Forget,
                });
                Ok(())
            }
            Change::Delete { kind, identity, uid, live } => {
                if kind.group.is_empty() && kind.kind == "Namespace" {
                    self.guard_namespace(address, identity).await?;
                }
                self.remove(address, kind, identity, uid, propagation(kind, live.as_deref())).await?;
                self.tell(Event::ObjectDone {
                    address: address.clone(),
                    identity: identity.clone(),
                    verb: Verb::Delete,
                });
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
        identity: &Identity,
        uid: &str,
        propagation: Propagation,
    ) -> Result<(), Stop> {
        let slot = self.slot().await?;
        let object = RecordedObject {
            kind: kind.clone(),
            namespace: identity.namespace.clone(),
            name: identity.name.clone(),
            uid: uid.to_owned(),
            applied: Json::Null,
        };
        let intent = self.intend(address, Act::Delete, object).await?;
        let deletion = match self.cluster.delete(kind, identity, uid, None, propagation).await {
            Ok(deletion) => deletion,
            // A kind that is not served any more has no objects.
            Err(ClusterError::NotServed { .. }) => Deletion::Absent,
            Err(ClusterError::Stale(_)) => {
                let message = format!("{} was made anew by somebody else; it is left alone", named(identity));
                self.tell(Event::Notice { message });
                Deletion::Absent
            }
            Err(error) => {
                let doing = Self::doing(address, "deleted", identity);
                return Err(self.unsure(intent, &doing, &error).await);
            }
        };
        drop(slot);
        if deletion == Deletion::Pending {
            self.tell(Event::Sent { address: address.clone(), identity: identity.clone(), verb: Verb::Delete });
            if let Err(stop) = self.wait_gone(address, kind, identity, uid).await {
                // It is still there, and stays recorded.
                self.note(Entry::Refused { address: address.clone(), identity: identity.clone() });
                return Err(stop);
            }
        }
        self.note(Entry::Deleted { address: address.clone(), identity: identity.clone() });
        Ok(())
    }

    /// Waits until an object is gone, and says what holds it when that takes long.
    async fn wait_gone(&self, address: &Address, kind: &Kind, identity: &Identity, uid: &str) -> Result<(), Stop> {
        let mut left = self.limits.timeout;
        let mut reason = String::new();
        loop {
            let patience = left.min(EXPLAIN);
            match self.watching.gone(kind, identity, uid, patience, self.interrupted()).await {
                Waited::Ready { .. } => return Ok(()),
                Waited::Interrupted => return Err(Stop::Interrupted),
                Waited::Failed { .. } | Waited::TimedOut { .. } => {}
            }
            match self.cluster.get(kind, identity.namespace.as_deref(), &identity.name).await {
                Ok(None) => return Ok(()),
                Ok(Some(live)) if live.uid() != Some(uid) => return Ok(()),
                Ok(Some(live)) => {
                    let now = what_holds(&live);
                    if now != reason {
                        self.waiting(address, identity, &now);
                        reason = now;
                    }
                }
                Err(error) => return Err(diagnose(&Self::doing(address, "deleted", identity), &error).into()),
            }
            left = left.saturating_sub(patience);
            if left.is_zero() {
                let seconds = self.limits.timeout.as_secs();
                let message = format!("`{address}`: {} is not gone after {seconds} s: {reason}", named(identity));
                let hint = "rayform removes no finalizer: see to what holds it, then apply again";
                return Err(Diagnostic::error(self.plan.secrets.redact(&message)).hint(hint).into());
            }
        }
    }

    /// Refuses to delete a namespace that is not wholly ours.
    async fn guard_namespace(&self, address: &Address, identity: &Identity) -> Result<(), Stop> {
        let refuse = |reason: &str| {
            let message = format!("`{address}`: the namespace `{}` is not deleted: {reason}", identity.name);
            Diagnostic::error(message).hint("move or delete what is in it, or forget it with `rayform state rm`")
        };
        if is_system_namespace(&identity.name) {
            return Err(refuse("it belongs to Kubernetes").into());
        }
        let going = self.going();
        let found = foreign(self.cluster, &identity.name, &self.plan.lineage, &going).await;
        let found =
            found.map_err(|error| Stop::from(diagnose(&Self::doing(address, "looked into", identity), &error)))?;
        found.reason().map_or(Ok(()), |reason| Err(refuse(&reason).into()))
    }

    /// Returns the objects that this run deletes.
    fn going(&self) -> BTreeSet<Identity> {
        let changes = self.plan.resources.values().flat_map(|resource| &resource.changes);
        changes.filter(|change| matches!(change, Change::Delete { .. })).map(Change::identity).collect()
    }

    /// Runs a Job to its end and removes it.
    async fn clean_up(&self, address: &Address, job: &Object) -> Result<(), Stop> {
        self.check()?;
        let identity = job.identity();
        let doing = |verb| Self::doing(address, verb, &identity);
        let applied = self.cluster.apply(job, Apply { force: true, dry_run: false }).await;
        let live = applied.map_err(|error| Stop::from(diagnose(&doing("started"), &error)))?.object;
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let desired = DesiredObject::new(job.clone(), span, job_is_done);
        let tell = |reason: &str| self.waiting(address, &identity, reason);
        let waited = self.watching.ready(&desired, &live, self.patience(), tell, self.interrupted()).await;
        match waited {
            Waited::Ready { .. } => {}
            Waited::Interrupted => return Err(Stop::Interrupted),
            Waited::Failed { reason } | Waited::TimedOut { reason } => {
                let message = format!("`{address}`: {} did not clean up: {reason}", named(&identity));
                let hint = "nothing of the resource was deleted; read the Job's log, then apply again";
                return Err(Diagnostic::error(self.plan.secrets.redact(&message)).hint(hint).into());
            }
        }
        let uid = live.uid().unwrap_or_default();
        let removed = self.cluster.delete(&job.kind(), &identity, uid, None, Propagation::Background).await;
        removed.map(drop).map_err(|error| diagnose(&doing("removed"), &error).into())
    }
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

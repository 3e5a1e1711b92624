//! Raises one resource: sends its objects in order, then waits until they are ready.
use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::apply::ends;
use super::body::{Bind, binding, body, is_as_planned, random_text};
use super::delete::propagation;
use super::error::Stop;
use super::object::{managers, named, recorded};
use super::parting::{migration, parting};
use super::rank::{Rank, groups, rank};
use super::run::{Run, verb};
use super::wait::Waited;
use crate::cluster::{Apply, Cluster, ClusterError, Outcome, Propagation, defined_kind};
use crate::model::{
    Address, ClusterName, DesiredObject, DesiredResource, Diagnostic, Event, FIELD_MANAGER, Json, Object, Objects,
    Unresolved, Value, Verb,
};
use crate::plan::{self, Action, Change, ResourcePlan, Validation};
use crate::state::{Act, Entry, Status};

/// How often a bound request is tried again while others write to the object.
const BOUND_ATTEMPTS: usize = 5;

/// An object that the server has, and that may still have to become ready.
#[derive(Debug)]
struct Sent {
    desired: DesiredObject,
    live: Object,
    verb: Verb,
}

/// What is done to a resource, after evaluation.
struct Raise {
    changes: Vec<Change>,
    exports: Arc<BTreeMap<String, Value>>,
    before_delete: Vec<Json>,
}

/// Tells whether there is anything to make, change or wait for.
pub(super) fn raises(planned: &ResourcePlan) -> bool {
    let is_work = |change: &Change| {
        matches!(change, Change::Wait { .. } | Change::Create { .. } | Change::Update { .. } | Change::Replace { .. })
    };
    !planned.unknown_until.is_empty() || planned.changes.iter().any(is_work)
}

impl Run<'_> {
    /// Makes and changes the objects of a resource, and sees them ready.
    pub(super) async fn raise(&self, address: &Address) -> Result<(), Stop> {
        let Some(planned) = self.plan.resources.get(address) else { return Ok(()) };
        if ends(planned.action) {
            return Ok(());
        }
        let raise = self.evaluate(address, planned).await?;
        let is_work = raises(planned);
        if is_work {
            let worked = self.work(address, planned, &raise).await;
            if worked.is_err() && self.is_unmade(address) {
                // Nothing of it was made: there is nothing to remember.
                self.note(Entry::Removed { address: address.clone() });
            }
            worked?;
        } else {
            for change in &raise.changes {
                self.keep(address, change);
            }
            if planned.is_outdated || planned.action != Action::NoOp {
                self.describe(address, Status::Ready, &raise.exports, raise.before_delete);
            }
        }
        self.export(address, raise.exports);
        if is_work && !super::delete::lowers(planned) {
            self.end(address, verb(planned.action));
        }
        Ok(())
    }

    async fn work(&self, address: &Address, planned: &ResourcePlan, raise: &Raise) -> Result<(), Stop> {
        let slot = self.slot().await?;
        self.start(address, verb(planned.action));
        self.describe(address, Status::Incomplete, &raise.exports, raise.before_delete.clone());
        let ups = raise.changes.iter().filter(|it| !matches!(it, Change::Delete { .. } | Change::Forget { .. }));
        let mut sent = Vec::new();
        for group in groups(ups.collect(), |change| rank_of(change)) {
            let defines = group.first().is_some_and(|change| rank_of(change) == Rank::Definition);
            let group = self.send_all(address, &group).await?;
            if defines {
                self.wait_all(address, group).await?;
            } else {
                sent.extend(group);
            }
        }
        drop(slot);
        self.wait_all(address, sent).await?;
        self.note(Entry::Ready { address: address.clone() });
        Ok(())
    }

    /// Evaluates what was not known when the plan was made.
    async fn evaluate(&self, address: &Address, planned: &ResourcePlan) -> Result<Raise, Stop> {
        let before_delete = |jobs: &[Object]| jobs.iter().map(|job| job.json().clone()).collect();
        let is_open = |change: &Change| change.desired().is_some_and(|desired| !desired.unknown.is_empty());
        // Without changes it is not part of this run, or has nothing that could become known.
        let is_known = planned.unknown_until.is_empty()
            && !planned.changes.iter().any(is_open)
            && (planned.changes.is_empty() || planned.exports.values().all(Value::is_wholly_known));
        if is_known {
            let exports = planned.exports.clone();
            return Ok(Raise {
                changes: planned.changes.clone(),
                exports,
                before_delete: before_delete(&planned.before_delete),
            });
        }
        let resolved = self.resolved(address).await?;
        let before_delete = before_delete(&resolved.before_delete);
        let exports = resolved.exports.values.clone();
        let changes = self.settle_changes(address, planned, resolved)?;
        Ok(Raise { changes, exports, before_delete })
    }

    /// Evaluates a resource with what is known now, and asks for what it wants to know beyond that.
    async fn resolved(&self, address: &Address) -> Result<DesiredResource, Stop> {
        loop {
            match (self.resolve)(address, &self.known()) {
                Ok(resolved) => return Ok(resolved),
                Err(Unresolved::Mistakes(diagnostics)) => return Err(first(address, diagnostics)),
                Err(Unresolved::Wants(reads)) => self.ask(&reads).await?,
            }
        }
    }

    /// Puts evaluated objects in the place of those that the plan knew in part.
    fn settle_changes(
        &self,
        address: &Address,
        planned: &ResourcePlan,
        resolved: DesiredResource,
    ) -> Result<Vec<Change>, Stop> {
        let Objects::Known(objects) = resolved.objects else {
            let error = format!("`{address}` cannot be evaluated although all that it needs is up");
            return Err(Diagnostic::error(error).at(resolved.span).into());
        };
        let mut changes = planned.changes.clone();
        for mut desired in objects {
            desired.cluster.clone_from(&planned.cluster);
            self.stamp(address, &mut desired)?;
            let located = desired.located();
            let known = changes.iter_mut().find(|change| change.located() == located);
            match known {
                Some(
                    Change::Create { desired: known, .. }
                    | Change::Update { desired: known, .. }
                    | Change::Replace { desired: known, .. },
                ) => {
                    if !known.unknown.is_empty() {
                        *known = desired;
                    }
                }
                Some(_) => {}
                None if planned.unknown_until.is_empty() => {
                    let error = format!("`{address}`: {located} was not in the plan");
                    return Err(Diagnostic::error(error).about(&desired).hint("plan again").into());
                }
                None => {
                    let reason = "which objects there are was known only now".to_owned();
                    changes.push(Change::Create { desired, validation: Validation::NotYet { reason } });
                }
            }
        }
        Ok(changes)
    }

    /// Puts our marks on an object that was evaluated during apply; the plan does so for all others.
    fn stamp(&self, address: &Address, desired: &mut DesiredObject) -> Result<(), Stop> {
        let cluster = self.cluster(&desired.cluster)?;
        let served = cluster.served(&desired.object.kind());
        let namespace = cluster.default_namespace();
        desired.object.edit(|json| {
            json["metadata"]["labels"][plan::MANAGED_BY] = FIELD_MANAGER.into();
            json["metadata"]["annotations"][plan::ADDRESS] = address.to_string().into();
            json["metadata"]["annotations"][plan::LINEAGE] = self.plan.lineage.clone().into();
            if served.is_some_and(|served| served.namespaced) && json["metadata"]["namespace"].is_null() {
                json["metadata"]["namespace"] = namespace.into();
            }
        });
        Ok(())
    }

    /// Sends a group of objects at once; all end before the first failure counts.
    async fn send_all(&self, address: &Address, changes: &[&Change]) -> Result<Vec<Sent>, Stop> {
        let sends: FuturesUnordered<_> = changes.iter().map(|change| self.send(address, change)).collect();
        let results: Vec<Result<Option<Sent>, Stop>> = sends.collect().await;
        let sent: Result<Vec<_>, Stop> = results.into_iter().collect();
        Ok(sent?.into_iter().flatten().collect())
    }

    async fn send(&self, address: &Address, change: &Change) -> Result<Option<Sent>, Stop> {
        let (desired, live, verb) = match change {
            Change::Keep { .. } => {
                self.keep(address, change);
                return Ok(None);
            }
            Change::Wait { desired, live } => {
                self.keep(address, change);
                (desired, (**live).clone(), Verb::Wait)
            }
            Change::Create { desired, .. } => (desired, self.create(address, desired).await?, Verb::Create),
            Change::Update { desired, live, force, adopt, .. } => {
                let verb = if *adopt { Verb::Adopt } else { Verb::Update };
                let live = self.update(address, desired, live, *force, *adopt).await?;
                let live = if *adopt { self.part(&desired.cluster, live).await? } else { live };
                (desired, live, verb)
            }
            Change::Replace { desired, live, orphan_pods, .. } => {
                let propagation =
                    if *orphan_pods { Propagation::Orphan } else { propagation(&live.kind(), Some(live)) };
                let uid = live.uid().unwrap_or_default();
                self.remove(address, &live.kind(), &desired.located(), uid, propagation).await?;
                (desired, self.create(address, desired).await?, Verb::Replace)
            }
            Change::Delete { .. } | Change::Forget { .. } => return Ok(None),
        };
        if verb != Verb::Wait {
            self.tell(Event::Sent { address: address.clone(), object: desired.located(), verb });
        }
        Ok(Some(Sent { desired: desired.clone(), live, verb }))
    }

    /// Records an object that needs no request, where the state does not have it so.
    fn keep(&self, address: &Address, change: &Change) {
        let (Change::Keep { desired, live } | Change::Wait { desired, live }) = change else { return };
        let object = recorded(&desired.object, desired, live.uid().unwrap_or_default(), &self.state.salt);
        let known = self.state.resources.get(address).into_iter().flat_map(|resource| &resource.objects);
        if known.into_iter().any(|known| *known == object) {
            return;
        }
        self.mark_made(address);
        self.note(Entry::Applied { address: address.clone(), object });
    }

    async fn create(&self, address: &Address, desired: &DesiredObject) -> Result<Object, Stop> {
        let object = Self::body(desired, None, Bind::Nothing)?;
        let outcome = self.apply_new(address, desired, &object).await?;
        if !outcome.created && !outcome.repeated && has_other_makers(&outcome.object) {
            let located = desired.located();
            self.note(Entry::Refused { address: address.clone(), object: located.clone() });
            let error = format!("`{address}`: somebody else made {located} since the plan");
            return Err(Diagnostic::error(error).about(desired).hint("plan again; `--adopt` takes it over").into());
        }
        self.accept(address, desired, &object, outcome)
    }

    /// Applies an object that does not exist. A kind that was defined a moment ago may not be served yet.
    async fn apply_new(&self, address: &Address, desired: &DesiredObject, object: &Object) -> Result<Outcome, Stop> {
        let cluster = self.cluster(&desired.cluster)?;
        let intended = recorded(object, desired, "", &self.state.salt);
        let intent = self.intend(address, Act::Apply, intended).await?;
        let mut pause = std::time::Duration::from_millis(100);
        loop {
            let error = match cluster.apply(object, Apply::default()).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            if !is_too_early(&error) || pause.as_secs() > 4 {
                let doing = Self::doing(address, "created", &desired.located());
                return Err(at(self.unsure(intent, &doing, &error).await, desired));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            if matches!(error, ClusterError::NotServed { .. }) {
                let _ = cluster.discover().await;
            }
        }
    }

    /// Changes an object. A bound request that meets another version looks again, and goes on if nothing
    /// but what others may write has moved.
    async fn update(
        &self,
        address: &Address,
        desired: &DesiredObject,
        planned: &Object,
        force: bool,
        adopt: bool,
    ) -> Result<Object, Stop> {
        let bind = if adopt { Bind::Version } else { binding(desired, force) };
        let cluster = self.cluster(&desired.cluster)?;
        let uid = planned.uid().unwrap_or_default();
        let mut live = planned.clone();
        for attempt in 1.. {
            let object = Self::body(desired, Some(&live), bind)?;
            let intended = recorded(&unbound(&object), desired, uid, &self.state.salt);
            let intent = self.intend(address, Act::Apply, intended).await?;
            let applied = match migrate(cluster, &live, adopt).await {
                Ok(Some(migrated)) => {
                    let object = Self::body(desired, Some(&migrated), bind)?;
                    cluster.apply(&object, Apply { force, dry_run: false }).await
                }
                Ok(None) => cluster.apply(&object, Apply { force, dry_run: false }).await,
                Err(error) => Err(error),
            };
            let error = match applied {
                Ok(outcome) => return self.accept(address, desired, &unbound(&object), outcome),
                Err(error) => error,
            };
            let doing = Self::doing(address, "changed", &desired.located());
            if matches!(error, ClusterError::Stale(_)) && bind == Bind::Version && attempt < BOUND_ATTEMPTS {
                let now = cluster.get(&object.kind(), object.namespace(), object.name()).await;
                if let Ok(Some(now)) = now
                    && now.uid() == planned.uid()
                    && is_as_planned(planned, &now, &desired.carried)
                {
                    live = now;
                    continue;
                }
            }
            return Err(at(self.unsure(intent, &doing, &error).await, desired));
        }
        unreachable!("the loop ends by returning")
    }

    /// Takes the fields that we own now from those who made the object by hand before.
    ///
    /// Values stay. Without this, a field that we stop to apply later would stay for ever, because they
    /// own it too. That it cannot be done now is no failure: nothing is wrong with the object.
    async fn part(&self, cluster: &ClusterName, live: Object) -> Result<Object, Stop> {
        let Some(patch) = parting(&live) else { return Ok(live) };
        Ok(match self.cluster(cluster)?.patch(&live.identity(), &live.kind(), &patch).await {
            Ok(parted) => parted,
            Err(error) => {
                let name = named(&live.identity());
                let message = format!("{name}: its earlier managers still share its fields: {error}");
                self.tell(Event::Notice { message: self.redact(&message) });
                live
            }
        })
    }

    /// Records what the server made of an object.
    fn accept(
        &self,
        address: &Address,
        desired: &DesiredObject,
        object: &Object,
        outcome: Outcome,
    ) -> Result<Object, Stop> {
        let uid = outcome.object.uid().unwrap_or_default();
        let object = recorded(object, desired, uid, &self.state.salt);
        self.mark_made(address);
        self.note(Entry::Applied { address: address.clone(), object });
        for warning in outcome.warnings {
            let message = format!("{}: {warning}", desired.located());
            self.tell(Event::Notice { message: self.redact(&message) });
        }
        self.cluster(&desired.cluster)?.learn(defined_kind(&outcome.object));
        Ok(outcome.object)
    }

    /// Returns what to send for an object.
    fn body(desired: &DesiredObject, live: Option<&Object>, bind: Bind) -> Result<Object, Stop> {
        let mut failed = None;
        let mut random = |length| {
            random_text(length).unwrap_or_else(|error| {
                failed = Some(error);
                String::new()
            })
        };
        let object = body(desired, live, bind, &mut random);
        match failed {
            None => Ok(object),
            Some(error) => {
                let message = format!("no random value could be made for {}: {error}", named(&object.identity()));
                Err(Diagnostic::error(message).about(desired).into())
            }
        }
    }

    /// Waits for all objects at once; the first that fails is what is told.
    async fn wait_all(&self, address: &Address, sent: Vec<Sent>) -> Result<(), Stop> {
        let waits: FuturesUnordered<_> = sent.iter().map(|sent| self.wait(address, sent)).collect();
        let results: Vec<Result<(), Stop>> = waits.collect().await;
        results.into_iter().collect()
    }

    async fn wait(&self, address: &Address, sent: &Sent) -> Result<(), Stop> {
        let object = sent.desired.located();
        if sent.desired.wait {
            let tell = |reason: &str| self.waiting(address, &object, reason);
            let watching = self.watching(&object.cluster)?;
            let ready = watching.ready(&sent.desired, &sent.live, self.patience(), tell, self.interrupted());
            self.judged(sent, ready.await)?;
        }
        self.tell(Event::ObjectDone { address: address.clone(), object, verb: sent.verb });
        Ok(())
    }

    fn judged(&self, sent: &Sent, waited: Waited) -> Result<(), Stop> {
        let object = sent.desired.located();
        let (message, hint) = match waited {
            Waited::Ready { note: None } => return Ok(()),
            Waited::Ready { note: Some(note) } => {
                self.tell(Event::Notice { message: self.redact(&format!("{object}: {note}")) });
                return Ok(());
            }
            Waited::Interrupted => return Err(Stop::Interrupted),
            Waited::Failed { reason } => (
                format!("{object} does not become ready: {reason}"),
                "it is applied and recorded; mend the cause and apply again: the next run waits on",
            ),
            Waited::TimedOut { reason } => (
                format!("{object} is not ready after {} s: {reason}", self.limits.timeout.as_secs()),
                "it is applied and recorded; apply again to wait on, or give it more time with `--timeout`",
            ),
        };
        Err(Diagnostic::error(self.redact(&message)).about(&sent.desired).hint(hint).into())
    }
}

/// Makes the fields of `kubectl apply` ours, before an adopted object is applied; values stay.
///
/// Without this, the apply could not remove what the configuration does not have, and a value that
/// gives way to another kind of value would stay beside it.
async fn migrate(cluster: &Cluster, live: &Object, adopt: bool) -> Result<Option<Object>, ClusterError> {
    match migration(live).filter(|_| adopt) {
        Some(patch) => cluster.patch(&live.identity(), &live.kind(), &patch).await.map(Some),
        None => Ok(None),
    }
}

fn rank_of(change: &Change) -> Rank {
    change.desired().map_or(Rank::Ground, |desired| rank(&desired.object.kind()))
}

/// Tells whether a kind may be served in a moment: its definition is established, its paths are not there yet.
fn is_too_early(error: &ClusterError) -> bool {
    match error {
        ClusterError::NotServed { .. } => true,
        // The server's own handler knows no such path; a missing namespace is told in other words.
        ClusterError::NotFound(refusal) => {
            refusal.reason.is_empty() || refusal.message.contains("could not find the requested resource")
        }
        _ => false,
    }
}

/// Tells whether others than us and the controllers wrote the object.
fn has_other_makers(object: &Object) -> bool {
    managers(object).any(|(manager, _)| manager != FIELD_MANAGER && manager != "kube-controller-manager")
}

/// Returns an object without what binds it to a live one.
fn unbound(object: &Object) -> Object {
    let mut object = object.clone();
    object.edit(|json| {
        if let Some(metadata) = json["metadata"].as_object_mut() {
            metadata.remove("uid");
            metadata.remove("resourceVersion");
        }
    });
    object
}

/// Says at which line a failed object stands.
fn at(stop: Stop, desired: &DesiredObject) -> Stop {
    match stop {
        Stop::Failed(diagnostic) if diagnostic.at.is_none() => diagnostic.about(desired).into(),
        other => other,
    }
}

/// Returns the first of several errors; the rest is counted.
fn first(address: &Address, diagnostics: Vec<Diagnostic>) -> Stop {
    let mut errors = diagnostics.into_iter().filter(Diagnostic::is_error);
    let none = || Diagnostic::error(format!("`{address}` could not be evaluated"));
    errors.next().unwrap_or_else(none).into()
}

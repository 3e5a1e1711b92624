//! Draws up a plan from what is desired, recorded and live; what is left open are questions to the server.
//!
//! A generated value that no live object holds is absent from `DesiredObject::object` and listed in
//! `generated`: apply reads it from the live object, and makes it only where there is none.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Address, ClusterName, Clusters, Desired, DesiredObject, Diagnostic, Located, Objects, Observed, OnDestroy,
    on_all_cores,
};
use crate::ssa::Schemas;
use crate::state::{RecordedObject, State};

use super::clusters::check_clusters;
use super::description::is_outdated;
use super::judge::Context;
use super::judging::{self, Judgement};
use super::{
    Action, Change, Mode, Options, Plan, PlannedCluster, Question, ResourcePlan, drift, finish, identities, imports,
    kinds, mask, moves, needs, orphan, outputs, prepare, removals, select, triggers,
};

/// A plan of which some changes still wait for the server's word.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(super) plan: Plan,
    pub(super) asks: Vec<Ask>,
    pub(super) options: Options,
    pub(super) notes: BTreeMap<Address, finish::Notes>,
}

/// A question, and the change that its answer settles.
#[derive(Debug)]
pub(super) struct Ask {
    pub address: Address,
    /// The place in the resource's changes.
    pub change: usize,
    pub question: Question,
}

/// Objects of one resource, marked as ours and in canonical form.
pub(super) type Stamped = BTreeMap<Address, Vec<DesiredObject>>;

/// Draws up a plan. All mistakes that can be found without asking the server are found here.
pub(crate) fn draft(
    mut desired: Desired,
    state: &State,
    observed: &Clusters<Observed>,
    options: Options,
) -> Result<Draft, Vec<Diagnostic>> {
    check_clusters(&desired, state, observed)?;
    removals::check(&desired)?;
    let moved = moves::settle(&desired, state, &options)?;
    let state = &*moved.state;
    let schemas = kinds::gather(&desired, observed)?;
    let ignored = drift::ignored(&desired);
    let stamped = stamp(&mut desired, state, observed, &schemas);
    identities::check(&stamped)?;
    let graph = needs::graph(&desired, &stamped, state);
    let selection = select::select(&graph, &options)?;
    moves::check_selection(&moved, &selection)?;
    let imported = imports::settle(&desired, &stamped, state, observed, &options, &selection)?;
    let contexts = contexts(&stamped, state, observed, &schemas, &options, imported);
    let world = World { state, options: &options, contexts };
    let mut drafting = Drafting {
        plan: empty_plan(&desired, state, observed, &options, graph),
        asks: Vec::new(),
        notes: BTreeMap::new(),
        claimed: claims(&stamped, options.mode),
        proven: BTreeSet::new(),
        errors: Vec::new(),
    };
    drafting.learn(observed, state);
    if options.mode == Mode::RefreshOnly {
        drafting.refresh(&world);
    } else {
        drafting.resources(&world, &desired, stamped, &selection);
        drafting.orphans(&world, &desired, &selection);
        drafting.renamed(&world, &desired, &moved);
    }
    let Drafting { mut plan, asks, notes, proven, errors, .. } = drafting;
    if !errors.is_empty() {
        return Err(errors);
    }
    plan.moves.clone_from(&moved.steps);
    plan.drift = drift::find(state, observed, &schemas, &ignored, &proven);
    Ok(Draft { plan, asks, options, notes })
}

impl Draft {
    /// Returns the dry-runs that the plan wants made, in the order in which it wants the answers.
    pub(crate) fn questions(&self) -> Vec<Question> {
        self.asks.iter().map(|ask| ask.question.clone()).collect()
    }
}

/// What resources are judged against, cluster by cluster.
pub(super) struct World<'a> {
    pub state: &'a State,
    pub options: &'a Options,
    pub contexts: Clusters<Context<'a>>,
}

/// A plan that is being drawn up.
struct Drafting {
    plan: Plan,
    asks: Vec<Ask>,
    notes: BTreeMap<Address, finish::Notes>,
    /// Which address desires which object.
    claimed: BTreeMap<Located, Address>,
    proven: BTreeSet<Located>,
    errors: Vec<Diagnostic>,
}

impl Drafting {
    /// Remembers what the live Secrets of ours hold.
    fn learn(&mut self, observed: &Clusters<Observed>, state: &State) {
        let recorded = state.resources.values().flat_map(|resource| &resource.objects).map(RecordedObject::located);
        let ours = recorded.chain(self.claimed.keys().cloned());
        let live = ours.filter_map(|ours| observed.get(&ours.cluster)?.live.get(&ours.identity));
        live.for_each(|live| mask::learn(&mut self.plan.secrets, live));
    }

    /// Judges what is desired.
    fn resources(&mut self, world: &World<'_>, desired: &Desired, mut stamped: Stamped, selection: &BTreeSet<Address>) {
        let mut ahead = judging::ahead(world, desired, &mut stamped, selection);
        // In the order of apply: what is made anew may make others anew.
        let order = self.plan.graph.order().unwrap_or_default();
        for (address, resource) in order.iter().filter_map(|address| desired.resources.get_key_value(address)) {
            let Some(context) = world.contexts.get(&resource.cluster) else { continue };
            let mut planned = ResourcePlan {
                action: Action::NoOp,
                cluster: resource.cluster.clone(),
                moved_from: None,
                changes: Vec::new(),
                impact: None,
                lifecycle: resource.lifecycle.clone(),
                triggers: triggers::digests(&resource.triggers, &context.state.salt),
                triggered_by: None,
                before_delete: resource.before_delete.clone(),
                exports: resource.exports.values.clone(),
                unknown_until: BTreeSet::new(),
                is_outdated: false,
            };
            if context.options.mode == Mode::Apply && selection.contains(address) {
                if let Objects::Unknown { until } = &resource.objects {
                    planned.unknown_until.clone_from(until);
                }
                let recorded = context.state.resources.get(address);
                if let Some(recorded) = recorded {
                    let (then, now) = (&recorded.triggers, &planned.triggers);
                    let others = &self.plan.resources;
                    planned.triggered_by = triggers::fired(&resource.triggers, then, now, others, context.state);
                }
                let judgements = ahead.remove(address).unwrap_or_else(|| {
                    let objects = stamped.remove(address).unwrap_or_default();
                    judging::all(context, resource, objects, planned.triggered_by.is_some())
                });
                planned.changes = self.settle(address, judgements);
                let notes = finish::Notes {
                    is_recorded: recorded.is_some(),
                    is_outdated: recorded.is_some_and(|it| is_outdated(&self.plan.graph, address, &planned, it)),
                    ..finish::Notes::of(resource)
                };
                self.notes.insert(address.clone(), notes);
            }
            self.plan.resources.insert(address.clone(), planned);
        }
    }

    /// Takes over what was decided about the objects of one resource.
    fn settle(&mut self, address: &Address, judgements: Vec<Judgement>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (located, judgement) in judgements {
            match judgement {
                Ok(judged) => {
                    if judged.proven {
                        self.proven.insert(located);
                    }
                    if let Some(question) = judged.question {
                        self.asks.push(Ask { address: address.clone(), change: changes.len(), question });
                    }
                    changes.push(judged.change);
                }
                Err(diagnostics) => self.errors.extend(diagnostics),
            }
        }
        changes
    }

    /// Adds the deletions of what is recorded and desired no more.
    fn orphans(&mut self, world: &World<'_>, desired: &Desired, selection: &BTreeSet<Address>) {
        for (address, recorded) in &world.state.resources {
            let resource = desired.resources.get(address);
            let is_unknown = resource.is_some_and(|it| matches!(it.objects, Objects::Unknown { .. }));
            let keeps_unknown = is_unknown && world.options.mode != Mode::Destroy;
            let planned = self.plan.resources.entry(address.clone()).or_insert_with(|| orphan::plan(recorded));
            if !selection.contains(address) {
                continue;
            }
            let is_kept = match resource {
                Some(resource) => resource.lifecycle.on_destroy == OnDestroy::Keep,
                None => removals::keeps(desired, address).unwrap_or(recorded.on_destroy == OnDestroy::Keep),
            };
            let mut changes = orphan::changes(&world.contexts, address, recorded, is_kept, &self.claimed);
            if keeps_unknown {
                // What is not known yet may be any of its objects, but none in another cluster.
                changes.retain(|change| resource.is_some_and(|resource| *change.cluster() != resource.cluster));
            }
            let is_whole = resource.is_none() || world.options.mode == Mode::Destroy;
            if is_whole {
                let notes = finish::Notes {
                    on_delete: resource.and_then(|it| it.on_delete.clone()),
                    is_orphan: true,
                    ..finish::Notes::default()
                };
                self.notes.insert(address.clone(), notes);
            }
            planned.changes.extend(changes);
        }
    }

    /// Says what has another name now, by the configuration or as it seems.
    fn renamed(&mut self, world: &World<'_>, desired: &Desired, moved: &moves::Moved<'_>) {
        for (to, from) in &moved.origins {
            if let Some(planned) = self.plan.resources.get_mut(to) {
                planned.moved_from = Some(from.clone());
            }
        }
        self.plan.diagnostics.extend(moved.warnings.iter().cloned());
        let guesses = orphan::moved(world.state, &self.claimed, desired, &moved.shared);
        self.plan.diagnostics.extend(guesses);
    }

    /// Plans only to forget what is gone.
    fn refresh(&mut self, world: &World<'_>) {
        for (address, recorded) in &world.state.resources {
            let mut planned = orphan::plan(recorded);
            let is_gone = |object: &&RecordedObject| {
                let (identity, context) = (object.identity(), world.contexts.get(&object.cluster));
                context.is_some_and(|context| {
                    !context.observed.live.contains_key(&identity) && context.observed.blind_to(&identity).is_none()
                })
            };
            let forget = |object: &RecordedObject| Change::Forget {
                cluster: object.cluster.clone(),
                kind: object.kind.clone(),
                identity: object.identity(),
            };
            planned.changes = recorded.objects.iter().filter(is_gone).map(forget).collect();
            if !planned.changes.is_empty() {
                let notes = finish::Notes { is_orphan: true, ..finish::Notes::default() };
                self.notes.insert(address.clone(), notes);
            }
            self.plan.resources.insert(address.clone(), planned);
        }
    }
}

fn stamp(desired: &mut Desired, state: &State, observed: &Clusters<Observed>, schemas: &Clusters<Schemas>) -> Stamped {
    let scopes: Clusters<_> =
        observed.iter().map(|(name, observed)| (name.clone(), kinds::scopes(name, desired, state, observed))).collect();
    let known = desired.resources.iter_mut().filter_map(|(address, resource)| {
        let Objects::Known(objects) = &mut resource.objects else { return None };
        let (scopes, schemas) = (scopes.get(&resource.cluster)?, schemas.get(&resource.cluster)?);
        Some((address, &resource.cluster, scopes, schemas, std::mem::take(objects)))
    });
    on_all_cores(known.collect(), &|(address, cluster, scopes, schemas, objects)| {
        let stamp = |object: DesiredObject| {
            let kind = object.object.kind();
            let is_namespaced = scopes.get(&kind.group_kind()).copied();
            let object = DesiredObject { cluster: cluster.clone(), ..object };
            prepare::stamp(object, address, &state.lineage, schemas.of(&kind), is_namespaced)
        };
        (address.clone(), objects.into_iter().map(stamp).collect())
    })
    .into_iter()
    .collect()
}

fn claims(stamped: &Stamped, mode: Mode) -> BTreeMap<Located, Address> {
    if mode == Mode::Destroy {
        return BTreeMap::new();
    }
    let of_resource = |(address, objects): (&Address, &Vec<DesiredObject>)| {
        objects.iter().map(|object| (object.located(), address.clone())).collect::<Vec<_>>()
    };
    stamped.iter().flat_map(of_resource).collect()
}

/// Returns what the objects of each cluster are judged against.
fn contexts<'a>(
    stamped: &Stamped,
    state: &'a State,
    observed: &'a Clusters<Observed>,
    schemas: &'a Clusters<Schemas>,
    options: &'a Options,
    imported: BTreeSet<Located>,
) -> Clusters<Context<'a>> {
    let pairs = observed.iter().filter_map(|(name, observed)| Some((name, observed, schemas.get(name)?)));
    let mut contexts: Clusters<Context<'a>> = pairs
        .map(|(name, observed, schemas)| (name.clone(), Context::new(state, observed, schemas, options)))
        .collect();
    for desired in stamped.values().flatten() {
        if let Some(context) = contexts.get_mut(&desired.cluster) {
            context.expect(desired);
        }
    }
    for (address, recorded) in &state.resources {
        for object in &recorded.objects {
            if let Some(context) = contexts.get_mut(&object.cluster) {
                context.recorded.insert(object.identity(), (address, object));
            }
        }
    }
    for Located { cluster, identity } in imported {
        if let Some(context) = contexts.get_mut(&cluster) {
            context.imported.insert(identity);
        }
    }
    contexts
}

/// Returns what is read during apply; only applying reads.
fn deferred(desired: &Desired, mode: Mode) -> BTreeMap<Address, Vec<Address>> {
    let all = desired.deferred.iter().filter(|_| mode == Mode::Apply);
    all.map(|(address, deferred)| (address.clone(), deferred.until.clone())).collect()
}

fn empty_plan(
    desired: &Desired,
    state: &State,
    observed: &Clusters<Observed>,
    options: &Options,
    graph: crate::model::Graph<Address>,
) -> Plan {
    let cluster = |(name, observed): (&ClusterName, &Observed)| {
        let planned = PlannedCluster { identity: observed.cluster.clone(), context: observed.context.clone() };
        (name.clone(), planned)
    };
    Plan {
        mode: options.mode,
        clusters: observed.iter().map(cluster).collect(),
        lineage: state.lineage.clone(),
        serial: state.serial,
        moves: Vec::new(),
        resources: BTreeMap::new(),
        graph,
        drift: Vec::new(),
        outputs: outputs::changes(desired, state, options.mode),
        deferred: deferred(desired, options.mode),
        diagnostics: desired.diagnostics.clone(),
        totals: super::Totals::default(),
        secrets: desired.secrets.clone(),
    }
}

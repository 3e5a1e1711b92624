//! Draws up a plan from what is desired, recorded and live; what is left open are questions to the server.
//!
//! A generated value that no live object holds is absent from `DesiredObject::object` and listed in
//! `generated`: apply reads it from the live object, and makes it only where there is none.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Address, Desired, DesiredObject, DesiredResource, Diagnostic, Identity, Json, Objects, Observed, OnDestroy,
};
use crate::ssa::Schemas;
use crate::state::{RecordedObject, State};

use super::judge::{self, Case, Context};
use super::{
    Action, Change, Mode, Options, Plan, Question, ResourcePlan, drift, finish, imports, kinds, mask, moves, needs,
    orphan, outputs, prepare, removals, select, triggers,
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
type Stamped = BTreeMap<Address, Vec<DesiredObject>>;

/// Draws up a plan. All mistakes that can be found without asking the server are found here.
pub(crate) fn draft(
    mut desired: Desired,
    state: &State,
    observed: &Observed,
    options: Options,
) -> Result<Draft, Vec<Diagnostic>> {
    check_cluster(state, observed)?;
    removals::check(&desired)?;
    let moved = moves::settle(&desired, state, &options)?;
    let state = &*moved.state;
    let schemas = kinds::gather(&desired, observed)?;
    let ignored = drift::ignored(&desired);
    let stamped = stamp(&mut desired, state, observed, &schemas);
    check_identities(&stamped)?;
    let graph = needs::graph(&desired, &stamped, state);
    let selection = select::select(&graph, &options)?;
    moves::check_selection(&moved, &selection)?;
    let imported = imports::settle(&desired, &stamped, state, observed, &options, &selection)?;
    let context = Context { imported, ..context(&stamped, state, observed, &schemas, &options) };
    let mut drafting = Drafting {
        plan: empty_plan(&desired, state, observed, &options, graph),
        asks: Vec::new(),
        notes: BTreeMap::new(),
        claimed: claims(&stamped, options.mode),
        proven: BTreeSet::new(),
        errors: Vec::new(),
    };
    let ours = context.recorded.keys().chain(drafting.claimed.keys());
    ours.filter_map(|ours| observed.live.get(ours)).for_each(|live| mask::learn(&mut drafting.plan.secrets, live));
    if options.mode == Mode::RefreshOnly {
        drafting.refresh(&context);
    } else {
        drafting.resources(&context, &desired, stamped, &selection);
        drafting.orphans(&context, &desired, &selection);
        drafting.renamed(&context, &desired, &moved);
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

/// A plan that is being drawn up.
struct Drafting {
    plan: Plan,
    asks: Vec<Ask>,
    notes: BTreeMap<Address, finish::Notes>,
    /// Which address desires which object.
    claimed: BTreeMap<Identity, Address>,
    proven: BTreeSet<Identity>,
    errors: Vec<Diagnostic>,
}

impl Drafting {
    /// Judges what is desired.
    fn resources(
        &mut self,
        context: &Context<'_>,
        desired: &Desired,
        mut stamped: Stamped,
        selection: &BTreeSet<Address>,
    ) {
        // In the order of apply: what is made anew may make others anew.
        let order = self.plan.graph.order().unwrap_or_default();
        for (address, resource) in order.iter().filter_map(|address| desired.resources.get_key_value(address)) {
            let mut planned = ResourcePlan {
                action: Action::NoOp,
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
                let objects = stamped.remove(address).unwrap_or_default();
                if let Some(recorded) = context.state.resources.get(address) {
                    let (then, now) = (&recorded.triggers, &planned.triggers);
                    planned.triggered_by = triggers::fired(&resource.triggers, then, now, &self.plan.resources);
                }
                let replace = planned.triggered_by.is_some() || is_asked_for(context, address);
                planned.changes = self.judge_all(context, address, resource, objects, replace);
                let notes = finish::Notes::of(resource, context.state.resources.get(address));
                self.notes.insert(address.clone(), notes);
            }
            self.plan.resources.insert(address.clone(), planned);
        }
    }

    fn judge_all(
        &mut self,
        context: &Context<'_>,
        address: &Address,
        resource: &DesiredResource,
        objects: Vec<DesiredObject>,
        replace: bool,
    ) -> Vec<Change> {
        let lifecycle = &resource.lifecycle;
        let status = context.state.resources.get(address).map(|recorded| recorded.status);
        let mut changes = Vec::new();
        for desired in objects {
            let identity = desired.object.identity();
            match judge::judge(context, Case { desired, lifecycle, status, replace }) {
                Ok(judged) => {
                    if judged.proven {
                        self.proven.insert(identity);
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
    fn orphans(&mut self, context: &Context<'_>, desired: &Desired, selection: &BTreeSet<Address>) {
        for (address, recorded) in &context.state.resources {
            let resource = desired.resources.get(address);
            let is_unknown = resource.is_some_and(|it| matches!(it.objects, Objects::Unknown { .. }));
            let keeps_unknown = is_unknown && context.options.mode != Mode::Destroy;
            let planned = self.plan.resources.entry(address.clone()).or_insert_with(|| orphan::plan(recorded));
            if !selection.contains(address) || keeps_unknown {
                continue;
            }
            let is_kept = match resource {
                Some(resource) => resource.lifecycle.on_destroy == OnDestroy::Keep,
                None => removals::keeps(desired, address).unwrap_or(recorded.on_destroy == OnDestroy::Keep),
            };
            let changes = orphan::changes(context, address, recorded, is_kept, &self.claimed);
            let is_whole = resource.is_none() || context.options.mode == Mode::Destroy;
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
    fn renamed(&mut self, context: &Context<'_>, desired: &Desired, moved: &moves::Moved<'_>) {
        for (to, from) in &moved.origins {
            if let Some(planned) = self.plan.resources.get_mut(to) {
                planned.moved_from = Some(from.clone());
            }
        }
        self.plan.diagnostics.extend(moved.warnings.iter().cloned());
        let guesses = orphan::moved(context.state, &self.claimed, desired, &moved.shared);
        self.plan.diagnostics.extend(guesses);
    }

    /// Plans only to forget what is gone.
    fn refresh(&mut self, context: &Context<'_>) {
        for (address, recorded) in &context.state.resources {
            let mut planned = orphan::plan(recorded);
            let is_gone = |object: &&RecordedObject| {
                let identity = object.identity();
                !context.observed.live.contains_key(&identity) && context.observed.blind_to(&identity).is_none()
            };
            let forget =
                |object: &RecordedObject| Change::Forget { kind: object.kind.clone(), identity: object.identity() };
            planned.changes = recorded.objects.iter().filter(is_gone).map(forget).collect();
            if !planned.changes.is_empty() {
                let notes = finish::Notes { is_orphan: true, ..finish::Notes::default() };
                self.notes.insert(address.clone(), notes);
            }
            self.plan.resources.insert(address.clone(), planned);
        }
    }
}

/// Tells whether `--replace` names a resource.
fn is_asked_for(context: &Context<'_>, address: &Address) -> bool {
    context.options.replace.iter().any(|wanted| wanted.covers(address))
}

/// Refuses a cluster that is not the one that the state was made on.
pub(crate) fn check_cluster(state: &State, observed: &Observed) -> Result<(), Vec<Diagnostic>> {
    let Some(recorded) = state.cluster.as_ref().filter(|recorded| recorded.uid != observed.cluster.uid) else {
        return Ok(());
    };
    let found = &observed.cluster;
    Err(vec![
        Diagnostic::error(format!(
            "this is another cluster than the one in the state: {} ({}) instead of {} ({})",
            found.server, found.uid, recorded.server, recorded.uid
        ))
        .hint("choose the right context with `--context`, or a state of its own for this cluster"),
    ])
}

fn stamp(desired: &mut Desired, state: &State, observed: &Observed, schemas: &Schemas) -> Stamped {
    let scopes = kinds::scopes(desired, state, observed);
    let mut stamped = Stamped::new();
    for (address, resource) in &mut desired.resources {
        let Objects::Known(objects) = &mut resource.objects else { continue };
        for object in &mut *objects {
            let kind = object.object.kind();
            let is_namespaced = scopes.get(&(kind.group.clone(), kind.kind.clone())).copied();
            prepare::stamp(object, address, &state.lineage, schemas.of(&kind), is_namespaced);
        }
        stamped.insert(address.clone(), std::mem::take(objects));
    }
    stamped
}

/// Two resources must not stand for the same object: each would undo the other.
fn check_identities(stamped: &Stamped) -> Result<(), Vec<Diagnostic>> {
    let mut seen: BTreeMap<Identity, (&Address, &DesiredObject)> = BTreeMap::new();
    let mut errors = Vec::new();
    for (address, object) in stamped.iter().flat_map(|(address, objects)| objects.iter().map(move |it| (address, it))) {
        let identity = object.object.identity();
        if let Some((first_address, first)) = seen.get(&identity) {
            let error = format!("{identity} is described twice, by `{first_address}` and by `{address}`");
            let says = |what: &str, object: &DesiredObject| match object.place.as_str() {
                "" => what.to_owned(),
                place => format!("{what}, {place}"),
            };
            let diagnostic = Diagnostic::error(error).labelled(object.span, says("here again", object));
            errors.push(diagnostic.related(first.span, says("first here", first)));
        } else {
            seen.insert(identity, (address, object));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn claims(stamped: &Stamped, mode: Mode) -> BTreeMap<Identity, Address> {
    if mode == Mode::Destroy {
        return BTreeMap::new();
    }
    let of_resource = |(address, objects): (&Address, &Vec<DesiredObject>)| {
        objects.iter().map(|object| (object.object.identity(), address.clone())).collect::<Vec<_>>()
    };
    stamped.iter().flat_map(of_resource).collect()
}

fn context<'a>(
    stamped: &Stamped,
    state: &'a State,
    observed: &'a Observed,
    schemas: &'a Schemas,
    options: &'a Options,
) -> Context<'a> {
    let (mut new_namespaces, mut new_kinds) = (BTreeSet::new(), BTreeSet::new());
    for desired in stamped.values().flatten() {
        let kind = desired.object.kind();
        if kind.kind == "CustomResourceDefinition" {
            new_kinds.extend(kinds::defined(&desired.object));
        }
        if kind.group.is_empty() && kind.kind == "Namespace" && !observed.live.contains_key(&desired.object.identity())
        {
            new_namespaces.insert(desired.object.name().to_owned());
        }
    }
    let objects = |(address, recorded): (&'a Address, &'a crate::state::Recorded)| {
        recorded.objects.iter().map(move |object| (object.identity(), (address, object))).collect::<Vec<_>>()
    };
    let recorded = state.resources.iter().flat_map(objects).collect();
    let imported = BTreeSet::new();
    Context { state, observed, schemas, options, new_namespaces, new_kinds, imported, recorded }
}

fn empty_plan(
    desired: &Desired,
    state: &State,
    observed: &Observed,
    options: &Options,
    graph: crate::model::Graph<Address>,
) -> Plan {
    Plan {
        mode: options.mode,
        cluster: observed.cluster.clone(),
        lineage: state.lineage.clone(),
        serial: state.serial,
        moves: Vec::new(),
        resources: BTreeMap::new(),
        graph,
        drift: Vec::new(),
        outputs: outputs::changes(desired, state, options.mode),
        diagnostics: desired.diagnostics.clone(),
        totals: super::Totals::default(),
        secrets: desired.secrets.clone(),
    }
}

/// Returns what the state says, as if it had been observed: for plans that do not read the cluster.
///
/// Such a plan asks the server nothing, and shows no drift.
pub(crate) fn assume(state: &State) -> Observed {
    let schemas = Schemas::built_in();
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    let live = recorded.filter_map(|object| Some((object.identity(), assumed(object, &schemas)?))).collect();
    let cluster = state
        .cluster
        .clone()
        .unwrap_or_else(|| crate::model::ClusterIdentity { uid: String::new(), server: "unknown".to_owned() });
    Observed { cluster, live, kinds: BTreeMap::new(), documents: BTreeMap::new(), blind: Vec::new(), requests: 0 }
}

/// Returns a recorded object with the `managedFields` that its apply left behind.
fn assumed(recorded: &RecordedObject, schemas: &Schemas) -> Option<crate::model::Object> {
    let object = crate::model::Object::new(recorded.applied.clone()).ok()?;
    let mut object = match schemas.of(&recorded.kind) {
        Some(schema) => {
            let manager = crate::model::FIELD_MANAGER;
            crate::ssa::apply(None, &object, schema, manager, true, "1970-01-01T00:00:00Z")
                .map_or(object, |it| it.object)
        }
        None => object,
    };
    super::fields::edit(&mut object, |json| json["metadata"]["uid"] = Json::from(recorded.uid.as_str()));
    Some(object)
}

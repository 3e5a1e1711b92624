//! Sums the changes of each resource up, and holds back what must not happen.
use crate::model::{DesiredResource, Diagnostic, FieldPath, Kind, Span, Step};

use super::draft::Draft;
use super::{Action, Change, Plan, ResourcePlan, immutable, totals};

/// What a plan must know of a resource beside its changes.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    pub span: Option<Span>,
    pub on_restart: Option<String>,
    pub on_delete: Option<String>,
    /// The state knows it.
    pub is_recorded: bool,
    /// The state describes it otherwise, its objects apart.
    pub is_outdated: bool,
    /// Nothing of it is desired any more.
    pub is_orphan: bool,
}

impl Notes {
    /// Returns what the configuration says.
    pub(super) fn of(resource: &DesiredResource) -> Self {
        Self {
            span: Some(resource.span),
            on_restart: resource.on_restart.clone(),
            on_delete: resource.on_delete.clone(),
            ..Self::default()
        }
    }
}

/// Finishes a plan whose changes are settled.
pub(super) fn finish(draft: Draft) -> Result<Plan, Vec<Diagnostic>> {
    let Draft { mut plan, notes, options, .. } = draft;
    let mut errors = Vec::new();
    for (address, resource) in &mut plan.resources {
        let Some(notes) = notes.get(address) else { continue };
        resource.action = sum(resource, notes);
        resource.impact = impact(resource, notes);
        resource.is_outdated = notes.is_outdated && resource.action == Action::NoOp;
        let place = |diagnostic: Diagnostic| notes.span.map_or(diagnostic.clone(), |span| diagnostic.at(span));
        let is_destroyed = matches!(resource.action, Action::Delete | Action::Replace);
        if is_destroyed && resource.lifecycle.prevent_destroy {
            let verb = if resource.action == Action::Delete { "deleted" } else { "replaced" };
            let error = Diagnostic::error(format!("`{address}` has `prevent_destroy` and would be {verb}"));
            errors.push(place(error).hint(
                "apply once with `prevent_destroy = false`, or forget it without deleting by `rayform state rm`",
            ));
        }
        for change in &resource.changes {
            if let Some(kind) = replaced(change, resource)
                && !options.allow_data_loss
                && immutable::holds_data(&kind)
            {
                let error = Diagnostic::error(format!("replacing {} deletes what it holds", change.located()));
                let error =
                    change.desired().map_or_else(|| place(error.clone()), |desired| error.clone().about(desired));
                errors.push(error.hint("allow it with `--allow-data-loss`"));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    plan.totals = totals::sum(&plan);
    Ok(plan)
}

/// Returns the kind of an object that goes because another one takes its place, there or in another cluster.
fn replaced(change: &Change, resource: &ResourcePlan) -> Option<Kind> {
    match change {
        Change::Replace { desired, .. } => Some(desired.object.kind()),
        Change::Delete { cluster, kind, .. } if *cluster != resource.cluster && resource.leaves().is_some() => {
            Some(kind.clone())
        }
        _ => None,
    }
}

/// Sums up what happens to a resource's objects.
fn sum(resource: &ResourcePlan, notes: &Notes) -> Action {
    let any = |is: fn(&Change) -> bool| resource.changes.iter().any(is);
    let all = |is: fn(&Change) -> bool| resource.changes.iter().all(is);
    let is_leaving = |change: &Change| *change.cluster() != resource.cluster;
    if notes.is_orphan {
        let is_deleted = any(|change| matches!(change, Change::Delete { .. }));
        return if is_deleted { Action::Delete } else { Action::Forget };
    }
    if resource.changes.iter().any(is_leaving) {
        return Action::Replace;
    }
    if !resource.unknown_until.is_empty() {
        return if notes.is_recorded { Action::Update } else { Action::Create };
    }
    let is_kept = |change: &Change| matches!(change, Change::Keep { .. });
    if all(is_kept) && resource.moved_from.is_none() {
        return if notes.is_recorded { Action::NoOp } else { Action::Create };
    }
    let is_adopted = |change: &Change| matches!(change, Change::Update { adopt: true, .. });
    let is_created = |change: &Change| matches!(change, Change::Create { .. });
    if resource.moved_from.is_some() && all(Change::is_relabelling) {
        Action::Move
    } else if any(|change| matches!(change, Change::Replace { .. })) {
        Action::Replace
    } else if all(|change| matches!(change, Change::Keep { .. } | Change::Wait { .. })) {
        Action::Wait
    } else if !notes.is_recorded && any(is_adopted) {
        Action::Adopt
    } else if any(is_created) && (!notes.is_recorded || all(is_created)) {
        Action::Create
    } else {
        Action::Update
    }
}

/// Says what the changes cost a running Ray system.
fn impact(resource: &ResourcePlan, notes: &Notes) -> Option<String> {
    match resource.action {
        Action::Delete => notes.on_delete.clone(),
        _ if resource.changes.iter().any(restarts) => notes.on_restart.clone(),
        Action::Replace => notes.on_delete.clone(),
        _ => None,
    }
}

/// Tells whether a change makes new pods of running ones.
fn restarts(change: &Change) -> bool {
    let bears_pods = |kind: &str| {
        matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Pod" | "RayCluster" | "RayService" | "RayJob")
    };
    let Some(desired) = change.desired().filter(|desired| bears_pods(desired.object.kind_name())) else {
        return false;
    };
    let is_job = desired.object.kind_name() == "RayJob";
    match change {
        Change::Replace { .. } => true,
        Change::Update { fields, .. } => {
            fields
                .iter()
                .filter(|it| it.before != it.after || it.sensitive || it.unknown)
                .any(|it| is_in_template(&it.path))
                && !is_job
        }
        _ => false,
    }
}

fn is_in_template(path: &FieldPath) -> bool {
    let names = path.0.iter().filter_map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        _ => None,
    });
    let mut names = names;
    names.next() == Some("spec")
        && names.next().is_some_and(|name| {
            matches!(name, "template" | "headGroupSpec" | "workerGroupSpecs" | "rayClusterConfig" | "rayVersion")
        })
}

//! Who may hold a field that we set, and what the plan does about it.
//!
//! | the field is held, with another value, by | the plan |
//! | --- | --- |
//! | an autoscaler or queue that is meant to change it | leaves it alone |
//! | a person or tool that updated a field that we had applied (`kubectl edit`, `scale`, `label`) | repairs it by force, bound to the version that was seen |
//! | another server-side apply (Argo CD, Flux, another state) | is a conflict |
//! | anybody, and we never applied the field | is a conflict |
//!
//! A conflict is an error that names the owner, unless `--on-conflict` says `force` or `yield`.
//! Taking a field from another declarative owner without being told would start a fight that no
//! side wins, for the other applies its value again.
use crate::model::{DesiredObject, Diagnostic, FIELD_MANAGER, FieldPath, Identity, Owner, Step};
use crate::ssa::Conflict;
use crate::state::RecordedObject;

use super::{ConflictPolicy, fields};

/// What the plan does about a field that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    Leave,
    Refuse,
}

/// What entitles us to a field that another holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub recorded: Option<&'a RecordedObject>,
    /// The object is ours by its annotations though it is not recorded, or is adopted.
    pub is_ours: bool,
    pub policy: ConflictPolicy,
    pub adopt: Adopt,
}

/// How an object that exists is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adopt {
    /// It is ours already.
    No,
    /// By import: the tools that made it give their fields up, controllers and other appliers keep theirs.
    FromMakers,
    /// By `--adopt`: from everyone.
    Anyhow,
}

/// Managers of the tools with which people and pipelines make objects, as opposed to controllers that keep them.
const MAKERS: [&str; 7] = [
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-patch",
    "kubectl",
    "helm",
    "before-first-apply",
];

/// Tells whether a manager is a tool with which objects are made by hand.
pub(crate) fn is_maker(manager: &str) -> bool {
    MAKERS.contains(&manager)
}

/// Tells whether this owner is meant to change this field.
///
/// The HPA controller writes through the subresource `scale` as `kube-controller-manager`
/// (`kubectl scale` does so as `kubectl`); Kueue suspends and resumes what it queues.
pub(super) fn is_expected(path: &FieldPath, owner: &Owner) -> bool {
    let is_field = |index: usize, name: &str| matches!(path.0.get(index), Some(Step::Field(found)) if found == name);
    let is_spec = |name| path.0.len() == 2 && is_field(0, "spec") && is_field(1, name);
    let is_scaled = owner.subresource.as_deref() == Some("scale") && owner.manager == "kube-controller-manager";
    (is_spec("replicas") && is_scaled) || (is_spec("suspend") && owner.manager.contains("kueue"))
}

/// Decides about one conflict.
pub(super) fn decide(conflict: &Conflict, desired: &DesiredObject, claim: Claim<'_>) -> Verdict {
    let owner = &conflict.owner;
    let was_applied = claim.recorded.is_some_and(|recorded| fields::find(&recorded.applied, &conflict.path).is_some());
    let is_update = owner.operation == "Update";
    if is_expected(&conflict.path, owner) {
        return Verdict::Leave;
    }
    if owner.manager == FIELD_MANAGER || claim.adopt == Adopt::Anyhow {
        return Verdict::Take;
    }
    if is_update && claim.adopt == Adopt::FromMakers && is_maker(&owner.manager) {
        return Verdict::Take;
    }
    if is_update && (was_applied || claim.is_ours || is_carried(&conflict.path, desired)) {
        return Verdict::Take;
    }
    match claim.policy {
        ConflictPolicy::Fail => Verdict::Refuse,
        ConflictPolicy::Force => Verdict::Take,
        ConflictPolicy::Yield => Verdict::Leave,
    }
}

/// Tells whether a path is a list of which some fields are taken over from live.
pub(super) fn is_carried(path: &FieldPath, desired: &DesiredObject) -> bool {
    let pointer = path.0.iter().fold(String::new(), |pointer, step| match step {
        Step::Field(name) => format!("{pointer}/{name}"),
        _ => pointer,
    });
    desired.carried.iter().any(|carried| pointer == carried.list)
}

/// Says which fields belong to whom, and what the user can do.
pub(super) fn refusal(desired: &DesiredObject, identity: &Identity, refused: &[(String, String)]) -> Diagnostic {
    const SHOWN: usize = 5;
    let mut lines: Vec<String> =
        refused.iter().take(SHOWN).map(|(path, owner)| format!("`{path}` belongs to {owner}")).collect();
    if refused.len() > SHOWN {
        lines.push(format!("and {} more", refused.len() - SHOWN));
    }
    Diagnostic::error(format!("{identity} has fields of another owner: {}", lines.join("; ")))
        .labelled(desired.span, "sets them")
        .hint(
            "leave the fields out of the configuration, or run with `--on-conflict=force` to take them \
             or `--on-conflict=yield` to leave them",
        )
}

/// Returns the owner of the conflict that touches a path.
pub(super) fn of_path(path: &FieldPath, conflicts: &[Conflict]) -> Option<Owner> {
    conflicts.iter().find(|it| it.path.covers(path) || path.covers(&it.path)).map(|it| it.owner.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(manager: &str, subresource: Option<&str>) -> Owner {
        Owner {
            manager: manager.to_owned(),
            operation: "Update".to_owned(),
            subresource: subresource.map(str::to_owned),
            time: None,
        }
    }

    #[test]
    fn only_the_autoscaler_is_expected_to_scale() {
        let replicas = FieldPath::fields(&["spec", "replicas"]);
        assert!(is_expected(&replicas, &owner("kube-controller-manager", Some("scale"))));
        assert!(!is_expected(&replicas, &owner("kubectl", Some("scale"))));
        assert!(!is_expected(&replicas, &owner("kube-controller-manager", None)));
        assert!(!is_expected(
            &FieldPath::fields(&["spec", "paused"]),
            &owner("kube-controller-manager", Some("scale"))
        ));
    }

    #[test]
    fn kueue_is_expected_to_suspend() {
        assert!(is_expected(&FieldPath::fields(&["spec", "suspend"]), &owner("kueue", None)));
        assert!(!is_expected(&FieldPath::fields(&["spec", "suspend"]), &owner("kubectl-edit", None)));
    }
}

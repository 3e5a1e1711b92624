//! What a saved plan relies on, as one short text per resource.
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::{Address, salted_hash};

use super::{Change, Plan, Validation};

/// Returns a digest of each resource's changes; a plan made again from the same world has the same digests.
///
/// Salted, so that no secret can be guessed from it. The live `resourceVersion` is no part of it: it
/// moves with every status update.
pub(crate) fn fingerprint(plan: &Plan, salt: &str) -> BTreeMap<Address, String> {
    let digest = |resource: &super::ResourcePlan| {
        let mut text = format!("{:?} {:?} {:?}\n", resource.action, resource.unknown_until, resource.exports);
        writeln!(text, "{:?}", resource.moved_from.as_ref().map(ToString::to_string))
            .expect("writing to a text cannot fail");
        writeln!(text, "{:?} {:?} {}", resource.lifecycle, resource.triggers, resource.is_outdated)
            .expect("writing to a text cannot fail");
        for change in &resource.changes {
            describe(&mut text, change).expect("writing to a text cannot fail");
        }
        salted_hash(salt, &text)
    };
    plan.resources.iter().map(|(address, resource)| (address.clone(), digest(resource))).collect()
}

fn describe(text: &mut String, change: &Change) -> std::fmt::Result {
    let verb = match change {
        Change::Keep { .. } => "keep",
        Change::Wait { .. } => "wait",
        Change::Create { validation: Validation::Server, .. } => "create",
        Change::Create { validation: Validation::NotYet { .. }, .. } => "create unseen",
        Change::Update { adopt: true, .. } => "adopt",
        Change::Update { force: true, .. } => "update by force",
        Change::Update { .. } => "update",
        Change::Replace { .. } => "replace",
        Change::Delete { .. } => "delete",
        Change::Forget { .. } => "forget",
    };
    let uid = match change {
        Change::Delete { uid, .. } => Some(uid.as_str()),
        other => other.live().and_then(|live| live.uid()),
    };
    writeln!(text, "{verb} {:?} {uid:?}", change.located())?;
    if let Some(desired) = change.desired() {
        writeln!(text, "{} {:?}", desired.object.json(), desired.generated)?;
    }
    for field in change.fields() {
        writeln!(text, "{} {:?} {:?} {:?}", field.path, field.before, field.after, field.owner)?;
    }
    Ok(())
}

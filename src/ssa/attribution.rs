//! Says which of our fields somebody took or removed, and who.
use super::lookup::find;
use super::managed::{Managed, ManagerId, stripped};
use super::proof::tops;
use super::schema::{Schema, equal, is_shallow};
use super::typed::field_set;
use crate::model::{FieldPath, Json, Object, Owner};

/// A field of ours that somebody else took or removed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    pub path: FieldPath,
    pub desired: Json,
    pub live: Option<Json>,
    /// Who holds it now; where nobody does, the newest other writer.
    pub owner: Option<Owner>,
    /// False where nobody holds it and the newest other writer is only a guess.
    pub certain: bool,
}

/// Returns the desired fields that our entry has lost, and who has them now.
///
/// `desired` is what was applied last: fields that were never applied count as lost too. A field that nobody holds and
/// that still has our value is not lost.
pub(crate) fn taken(desired: &Object, live: &Object, schema: &Schema, manager: &str) -> Vec<Taken> {
    if !is_shallow(desired.json()) {
        return Vec::new();
    }
    let of = schema.root();
    let entries = Managed::read(live.json());
    let own = ManagerId::apply(manager);
    let wanted = stripped(&field_set(desired.json(), of));
    let lost = match entries.iter().find(|(id, _)| **id == own) {
        Some((_, owned)) => wanted.difference(owned),
        None => wanted,
    };
    let describe = |path: FieldPath| {
        let desired = find(desired.json(), &path, of)?.clone();
        let live = find(live.json(), &path, of).cloned();
        let holder = holder(&entries, &own, &path);
        let is_ours_still = live.as_ref().is_some_and(|live| equal(live, &desired));
        if holder.is_none() && is_ours_still {
            return None;
        }
        let certain = holder.is_some();
        // Who writes the status alone has removed nothing else.
        let writers = entries.iter().map(|(id, _)| id).filter(|id| id.subresource.as_deref() != Some("status"));
        let owner = holder.or_else(|| newest(writers, &entries, &own));
        Some(Taken { path, desired, live, owner, certain })
    };
    tops(&lost).into_iter().filter_map(describe).collect()
}

/// Returns who holds a path, something below it or the atomic node that it is in; the newest of several.
fn holder(managed: &Managed, own: &ManagerId, path: &FieldPath) -> Option<Owner> {
    let holds = |paths: &[FieldPath]| paths.iter().any(|held| held == path || path.covers(held));
    let holders = managed.iter().filter(|(_, fields)| holds(&fields.paths())).map(|(id, _)| id);
    newest(holders, managed, own)
}

fn newest<'a>(ids: impl Iterator<Item = &'a ManagerId>, managed: &Managed, own: &ManagerId) -> Option<Owner> {
    ids.filter(|id| *id != own).map(|id| managed.owner(id)).max_by(|left, right| left.time.cmp(&right.time))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Schemas, apply, update};
    use super::*;
    use crate::model::Kind;

    fn object(data: &Json) -> Object {
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data})).unwrap()
    }

    fn after(edited: &Json) -> Vec<Taken> {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "ConfigMap")).unwrap();
        let desired = object(&json!({"a": "1", "b": "2"}));
        let live = apply(None, &desired, schema, "rayform", false, "2026-01-01T00:00:00Z").unwrap().object;
        let live = update(Some(&live), &object(edited), schema, "kubectl-edit", None, "2026-01-02T00:00:00Z");
        taken(&desired, &live, schema, "rayform")
    }

    #[test]
    fn what_another_manager_changed_is_its_own() {
        let taken = after(&json!({"a": "9", "b": "2", "c": "3"}));
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].path.to_string(), ".data.a");
        assert_eq!((&taken[0].desired, taken[0].live.as_ref()), (&json!("1"), Some(&json!("9"))));
        assert_eq!(taken[0].owner.as_ref().unwrap().to_string(), "kubectl-edit (Update) at 2026-01-02T00:00:00Z");
        assert!(taken[0].certain);
    }

    #[test]
    fn what_was_removed_is_a_guess() {
        let taken = after(&json!({"b": "2", "c": "3"}));
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].path.to_string().as_str(), &taken[0].live), (".data.a", &None));
        assert_eq!(taken[0].owner.as_ref().unwrap().manager, "kubectl-edit");
        assert!(!taken[0].certain);
    }

    #[test]
    fn who_writes_the_status_has_not_removed_the_spec() {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "Service")).unwrap();
        let service = |spec: &Json| {
            let json = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec});
            Object::new(json).unwrap()
        };
        let desired = service(&json!({"type": "NodePort", "sessionAffinity": "None"}));
        let live = apply(None, &desired, schema, "rayform", false, "2026-01-01T00:00:00Z").unwrap().object;
        let edited = service(&json!({"sessionAffinity": "None"}));
        let live = update(Some(&live), &edited, schema, "kubectl-edit", None, "2026-01-02T00:00:00Z");
        let mut busy = live.clone();
        busy.edit(|json| json["status"] = json!({"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}));
        let live = update(Some(&live), &busy, schema, "controller", Some("status"), "2026-01-03T00:00:00Z");
        let owner = taken(&desired, &live, schema, "rayform").remove(0).owner;
        assert_ne!(owner.map(|owner| owner.manager).as_deref(), Some("controller"));
    }

    #[test]
    fn what_others_added_is_nobodys_loss() {
        assert_eq!(after(&json!({"a": "1", "b": "2", "c": "3"})), []);
    }
}

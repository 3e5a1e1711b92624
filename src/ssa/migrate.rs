//! Turns what `kubectl apply` owns into what we own, as kubectl does when it goes over to server-side apply.
//!
//! See <https://kubernetes.io/docs/reference/using-api/server-side-apply/#migration-between-client-side-and-server-side-apply>.
use super::fields::FieldSet;
use super::managed::{Managed, ManagerId};
use crate::model::{FieldPath, Object};

/// Where `kubectl apply` keeps what it applied; who owns it applies on the client's side.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the object as it is once the fields of client-side appliers belong to `manager`; none where there are none.
///
/// Only who owns what differs. An apply then removes what it does not set, as the next `kubectl apply` would have.
pub(crate) fn migrated(live: &Object, manager: &str) -> Option<Object> {
    let mut entries = Managed::read(live.json());
    let mark = FieldPath::fields(&["metadata", "annotations", LAST_APPLIED]);
    let is_client = |(id, fields): &(&ManagerId, &FieldSet)| {
        id.operation == "Update" && id.subresource.is_none() && fields.contains(&mark)
    };
    let clients: Vec<ManagerId> = entries.iter().filter(is_client).map(|(id, _)| id.clone()).collect();
    let newest = clients.iter().max_by_key(|id| entries.owner(id).time)?.clone();
    let version = newest.api_version.clone()?;
    let own = ManagerId::apply(manager);
    // Fields of another version may be named otherwise there: those entries are given up, not taken over.
    let is_ours = |id: &ManagerId| *id == own || (clients.contains(id) && id.api_version.as_ref() == Some(&version));
    let fields = entries.iter().filter(|(id, _)| is_ours(id)).fold(FieldSet::default(), |all, (_, it)| all.union(it));
    let time = entries.owner(&newest).time;
    clients.iter().for_each(|id| entries.remove(id));
    entries.set(&own, &fields, &version, time.as_deref());
    let mut json = live.json().clone();
    entries.write(&mut json);
    Object::new(json).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Proof, Schemas, apply, prove, update};
    use super::*;
    use crate::model::{Json, Kind};

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn map(annotations: &Json, data: &Json) -> Object {
        let metadata = json!({"name": "m", "annotations": annotations});
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}))
            .expect("an object")
    }

    fn made_by_kubectl() -> Object {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "ConfigMap")).expect("built in");
        let marked = json!({LAST_APPLIED: "{}"});
        let made = map(&marked, &json!({"a": "1", "b": "2"}));
        let made = update(None, &made, schema, "kubectl-client-side-apply", None, NOW);
        let more = map(&marked, &json!({"a": "1", "b": "2", "c": "3"}));
        update(Some(&made), &more, schema, "controller", None, NOW)
    }

    #[test]
    fn what_is_not_applied_any_more_goes_and_what_others_own_stays() {
        let schemas = Schemas::built_in();
        let schema = schemas.of(&Kind::new("v1", "ConfigMap")).expect("built in");
        let live = migrated(&made_by_kubectl(), "rayform").expect("kubectl's");
        let desired = map(&json!({}), &json!({"a": "1"}));
        let Proof::Changed { values, .. } = prove(&desired, &live, schema, "rayform") else { panic!("a change") };
        let gone: Vec<String> = values.iter().filter(|it| it.1.is_none()).map(|it| it.0.to_string()).collect();
        assert_eq!(gone, [".data.b".to_owned(), format!(".metadata.annotations.{LAST_APPLIED}")]);
        let applied = apply(Some(&live), &desired, schema, "rayform", false, NOW).expect("no conflicts").object;
        assert_eq!(applied.pointer("/data"), Some(&json!({"a": "1", "c": "3"})));
    }

    #[test]
    fn nothing_migrates_where_nobody_applies_on_the_clients_side() {
        let plain = map(&json!({}), &json!({"a": "1"}));
        assert_eq!(migrated(&plain, "rayform"), None);
        let live = migrated(&made_by_kubectl(), "rayform").expect("kubectl's");
        assert_eq!(migrated(&live, "rayform"), None);
    }
}

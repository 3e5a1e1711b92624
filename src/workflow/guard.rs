//! What keeps deletes from doing harm, and what explains a delete that hangs.
use std::collections::BTreeSet;

use super::object::{is_ours, managers};
use crate::cluster::{Cluster, ClusterError};
use crate::model::{Identity, Json, Object, Scope};

/// How many foreign objects are named.
const NAMED: usize = 5;

/// What lies in a namespace and is not ours to delete.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    pub objects: Vec<Identity>,
    /// Kinds that could not be looked at.
    pub unseen: Vec<String>,
}

impl Foreign {
    /// Returns the reason why the namespace must stay, if it must.
    pub(super) fn reason(&self) -> Option<String> {
        let list = |items: &[String]| {
            let more = items.len().saturating_sub(NAMED);
            let named = items.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            if more == 0 { named } else { format!("{named} and {more} more") }
        };
        if !self.objects.is_empty() {
            let objects: Vec<_> = self.objects.iter().map(|it| format!("{} {}", it.kind, it.name)).collect();
            return Some(format!("it holds objects that rayform did not make: {}", list(&objects)));
        }
        if self.unseen.is_empty() {
            return None;
        }
        Some(format!("it may hold objects that may not be listed: {}", list(&self.unseen)))
    }
}

/// Tells whether a namespace belongs to Kubernetes itself.
pub(super) fn is_system_namespace(name: &str) -> bool {
    name == "default" || name.starts_with("kube-")
}

/// Looks for objects in a namespace that neither rayform nor a controller made.
///
/// `going` are objects of this run that are being deleted, whatever they look like.
pub(super) async fn foreign(
    cluster: &Cluster,
    namespace: &str,
    lineage: &str,
    going: &BTreeSet<Identity>,
) -> Result<Foreign, ClusterError> {
    let kinds = cluster.discover().await?;
    let scopes = kinds.into_values().filter(|served| served.namespaced && !is_transient(&served.kind.kind));
    let looks = scopes.map(|served| async move {
        let scope = Scope { kind: served.kind, namespace: Some(namespace.into()) };
        let listed = cluster.list_metadata(&scope).await;
        (scope, listed)
    });
    let answers = futures::future::join_all(looks).await;
    let mut foreign = Foreign::default();
    for (scope, answer) in answers {
        match answer {
            Ok(objects) => foreign.objects.extend(
                objects
                    .iter()
                    .filter(|object| is_foreign(object, lineage))
                    .map(Object::identity)
                    .filter(|identity| !going.contains(identity)),
            ),
            Err(ClusterError::Forbidden(_)) => foreign.unseen.push(scope.kind.kind.to_string()),
            // Kinds that cannot be listed at all (such as reviews) hold nothing; a group whose own server
            // is down cannot be asked, and the namespace's own deletion waits for it.
            Err(ClusterError::NotFound(_) | ClusterError::Server(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(foreign)
}

/// Tells whether objects of a kind come and go by themselves.
fn is_transient(kind: &str) -> bool {
    matches!(kind, "Event" | "Endpoints" | "EndpointSlice" | "Lease" | "PodMetrics" | "ControllerRevision")
}

/// Tells whether somebody else made an object by intent: controllers and owned objects do not count.
fn is_foreign(object: &Object, lineage: &str) -> bool {
    let has_owner =
        object.pointer("/metadata/ownerReferences").and_then(Json::as_array).is_some_and(|it| !it.is_empty());
    let made_by_controllers = managers(object).next().is_some()
        && managers(object)
            .all(|(manager, _)| matches!(manager, "kube-controller-manager" | "kube-scheduler" | "kubelet"));
    let is_standard = matches!(
        (object.kind_name(), object.name()),
        ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default")
    );
    !(has_owner || made_by_controllers || is_standard || object.is_terminating() || is_ours(object, lineage))
}

/// Says what a delete waits for, from the object as it is now.
pub(super) fn what_holds(object: &Object) -> String {
    let mut reasons = Vec::new();
    for finalizer in object.finalizers() {
        reasons.push(format!("finalizer `{finalizer}`{}", who_clears(object, finalizer)));
    }
    for condition in object.pointer("/status/conditions").and_then(Json::as_array).into_iter().flatten() {
        let text = |name| condition.get(name).and_then(Json::as_str).unwrap_or_default();
        if object.kind_name() == "Namespace" && text("status") == "True" {
            reasons.push(format!("{}: {}", text("type"), text("message")));
        }
    }
    if reasons.is_empty() {
        "nothing holds it by name; its grace period may not be over".to_owned()
    } else {
        reasons.join("; ")
    }
}

/// Says who has to clear a finalizer: known ones by name, others by who wrote them.
fn who_clears(object: &Object, finalizer: &str) -> String {
    let known = match finalizer {
        "kubernetes.io/pvc-protection" => "cleared when no pod uses the claim",
        "kubernetes.io/pv-protection" => "cleared when no claim is bound to the volume",
        "foregroundDeletion" => "cleared by the garbage collector when all dependents are gone",
        "orphan" => "cleared by the garbage collector when the dependents are released",
        "batch.kubernetes.io/job-tracking" => "cleared by the Job controller",
        "service.kubernetes.io/load-balancer-cleanup" => "cleared by the cloud's load balancer controller",
        "customresourcecleanup.apiextensions.k8s.io" => "cleared when all objects of the kind are gone",
        "kubernetes" => "cleared by the namespace controller",
        _ => "",
    };
    if !known.is_empty() {
        return format!(" ({known})");
    }
    let entries = object.pointer("/metadata/managedFields").and_then(Json::as_array);
    let member = format!("v:{}", Json::from(finalizer));
    let writer = entries.into_iter().flatten().find_map(|entry| {
        let finalizers = entry.pointer("/fieldsV1/f:metadata/f:finalizers")?;
        finalizers.get(&member)?;
        entry.get("manager")?.as_str()
    });
    match writer {
        Some(writer) => format!(" (set by `{writer}`, which must be running to clear it)"),
        None => " (the controller that set it must be running to clear it)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, metadata: &Json) -> Object {
        Object::new(json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata })).expect("an object")
    }

    #[test]
    fn what_a_user_made_is_foreign_and_what_controllers_made_is_not() {
        let by = |manager: &str| json!([{ "manager": manager, "operation": "Update" }]);
        let made = |manager: &str| object("ConfigMap", &json!({ "name": "a", "managedFields": by(manager) }));
        assert!(is_foreign(&made("kubectl-create"), "l"));
        assert!(!is_foreign(&made("kube-controller-manager"), "l"));
        let owned = json!({ "name": "a", "managedFields": by("x"), "ownerReferences": [{ "uid": "1" }] });
        assert!(!is_foreign(&object("Pod", &owned), "l"));
        assert!(!is_foreign(&object("ConfigMap", &json!({ "name": "kube-root-ca.crt" })), "l"));
    }

    #[test]
    fn only_our_own_lineage_is_ours() {
        let managed = json!([{ "manager": "rayform", "operation": "Apply" }]);
        let annotations = json!({ "rayform.dev/lineage": "mine" });
        let object = object("Secret", &json!({ "name": "a", "managedFields": managed, "annotations": annotations }));
        assert!(!is_foreign(&object, "mine"));
        assert!(is_foreign(&object, "other"));
    }

    #[test]
    fn a_finalizer_is_named_with_who_clears_it() {
        let fields = json!({ "f:metadata": { "f:finalizers": { "v:\"ray.io/cleanup\"": {} } } });
        let managed = json!([{ "manager": "kuberay", "operation": "Update", "fieldsV1": fields }]);
        let metadata = json!({ "name": "a", "finalizers": ["ray.io/cleanup", "orphan"], "managedFields": managed });
        let text = what_holds(&object("RayCluster", &metadata));
        assert!(text.contains("finalizer `ray.io/cleanup` (set by `kuberay`"), "{text}");
        assert!(text.contains("finalizer `orphan` (cleared by the garbage collector"), "{text}");
    }

    #[test]
    fn many_foreign_objects_are_counted() {
        let identity = |number: u32| object("Pod", &json!({ "name": number.to_string() })).identity();
        let foreign = Foreign { objects: (0..7).map(identity).collect(), unseen: Vec::new() };
        let reason = foreign.reason().expect("a reason");
        assert!(reason.ends_with("Pod 0, Pod 1, Pod 2, Pod 3, Pod 4 and 2 more"), "{reason}");
    }
}

//! Which kinds webhooks and policies look at, before the server takes an object.
use std::collections::BTreeSet;

use super::{Cluster, ClusterError};
use crate::model::{Json, Object, Scope};

/// <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>
const GROUP: &str = "admissionregistration.k8s.io";

/// The resources that webhooks and policies of a cluster look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admission {
    resources: BTreeSet<String>,
}

impl Cluster {
    /// Asks which kinds webhooks and policies look at. One LIST for each kind of them.
    pub(crate) async fn admission(&self) -> Result<Admission, ClusterError> {
        let kinds = self.served_of(GROUP).into_iter().filter(|served| !served.plural.ends_with("bindings"));
        let scopes: Vec<Scope> = kinds.map(|served| Scope { kind: served.kind, namespace: None }).collect();
        let lists = futures::future::try_join_all(scopes.iter().map(|scope| self.list(scope))).await?;
        Ok(Admission { resources: lists.iter().flatten().flat_map(resources).collect() })
    }
}

impl Admission {
    /// Tells whether any webhook or policy may look at a kind, given by its plural. Groups, versions, operations and
    /// selectors do not count: each of them only leaves out something.
    pub(crate) fn looks_at(&self, plural: &str) -> bool {
        self.resources.contains("*") || self.resources.contains(plural)
    }
}

/// Returns the resources, without their subresources, in the rules of a webhook configuration or a policy.
fn resources(object: &Object) -> Vec<String> {
    let items = |json: Option<&Json>| json.and_then(Json::as_array).cloned().unwrap_or_default();
    let mut rules = items(object.pointer("/spec/matchConstraints/resourceRules"));
    rules.extend(items(object.pointer("/webhooks")).iter().flat_map(|webhook| items(webhook.get("rules"))));
    let names = rules.iter().flat_map(|rule| items(rule.get("resources")));
    let name = |resource: Json| Some(resource.as_str()?.split('/').next().unwrap_or_default().to_owned());
    names.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admission(object: Json) -> Admission {
        Admission { resources: resources(&Object::new(object).expect("an object")).into_iter().collect() }
    }

    fn webhooks(resources: &[&str]) -> Admission {
        let rules =
            json!([{"apiGroups": [""], "apiVersions": ["v1"], "resources": resources, "operations": ["CREATE"]}]);
        admission(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "w"}, "webhooks": [{"name": "a"}, {"name": "b", "rules": rules}],
        }))
    }

    #[test]
    fn a_webhook_looks_at_what_its_rules_name() {
        assert!(webhooks(&["pods", "configmaps"]).looks_at("configmaps"));
        assert!(webhooks(&["configmaps/*"]).looks_at("configmaps"));
        assert!(webhooks(&["*"]).looks_at("configmaps"));
        assert!(webhooks(&["*/*"]).looks_at("configmaps"));
        assert!(!webhooks(&["pods"]).looks_at("configmaps"));
        assert!(!webhooks(&[]).looks_at("configmaps"));
    }

    #[test]
    fn a_policy_looks_at_what_its_constraints_name() {
        let policy = admission(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": [{"resources": ["services"]}]}},
        }));
        assert!(policy.looks_at("services") && !policy.looks_at("secrets"));
    }
}

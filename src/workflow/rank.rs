//! In which order the objects of one resource go; those of one rank go together.
use crate::model::Kind;

/// The order of creation; deletion goes backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Namespace,
    /// Waited for before what it defines.
    Definition,
    /// What pods and others refer to.
    Ground,
    Workload,
    /// May stand in the way of everything else while its server is not up.
    Webhook,
    /// Its operator is there before it, and until it is gone: finalizers want their program.
    Custom,
}

/// Returns the rank of a kind.
pub(super) fn rank(kind: &Kind) -> Rank {
    match (&*kind.group, &*kind.kind) {
        ("", "Namespace") => Rank::Namespace,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Rank::Definition,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Rank::Webhook,
        ("", "Pod" | "ReplicationController") => Rank::Workload,
        _ if kind.is_custom() => Rank::Custom,
        (
            "" | "rbac.authorization.k8s.io" | "storage.k8s.io" | "scheduling.k8s.io" | "networking.k8s.io" | "policy",
            _,
        ) => Rank::Ground,
        _ => Rank::Workload,
    }
}

/// Cuts items into groups, each of neighbours of one rank, in the order given.
pub(super) fn groups<T>(items: Vec<T>, rank_of: impl Fn(&T) -> Rank) -> Vec<Vec<T>> {
    let mut groups: Vec<(Rank, Vec<T>)> = Vec::new();
    for item in items {
        let rank = rank_of(&item);
        match groups.last_mut() {
            Some((last, group)) if *last == rank => group.push(item),
            _ => groups.push((rank, vec![item])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_rank_go_together() {
        let kinds = [("v1", "Namespace"), ("v1", "Secret"), ("v1", "Service"), ("apps/v1", "Deployment")];
        let kinds = kinds.map(|(version, kind)| Kind::new(version, kind)).to_vec();
        let sizes: Vec<_> = groups(kinds, rank).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 2, 1]);
    }

    #[test]
    fn webhooks_come_last() {
        let webhook = Kind::new("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
        assert!(rank(&webhook) > rank(&Kind::new("apps/v1", "Deployment")));
    }

    #[test]
    fn custom_resources_do_not_go_with_their_operator() {
        for custom in ["ray.io/v1", "kueue.x-k8s.io/v1beta1", "gateway.networking.k8s.io/v1"] {
            assert_eq!(rank(&Kind::new(custom, "Thing")), Rank::Custom, "{custom}");
        }
        for built_in in ["apps/v1", "batch/v1", "events.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1"] {
            assert_eq!(rank(&Kind::new(built_in, "Thing")), Rank::Workload, "{built_in}");
        }
    }
}

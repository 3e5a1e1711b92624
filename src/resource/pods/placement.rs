//! Where pods may run: node labels, taints, spreading.
use serde_json::json;

use super::arguments::{PodArguments, TolerationArguments, TopologySpreadArguments};
use super::container::{set, some_list};
use crate::model::Json;
use crate::resource::names::{Labels, labels_json};

/// Sets the placement fields of a pod spec.
pub(super) fn place(spec: &mut Json, arguments: &PodArguments, selector: &Labels) {
    let node_selector = (!arguments.node_selector.is_empty()).then(|| labels_json(&arguments.node_selector));
    set(spec, "nodeSelector", node_selector);
    set(spec, "tolerations", some_list(arguments.toleration.iter().map(toleration).collect()));
    set(spec, "affinity", arguments.affinity.as_ref().map(|affinity| Json::Object(affinity.0.clone())));
    let spread = arguments.topology_spread_constraint.iter().map(|constraint| spread(constraint, selector));
    set(spec, "topologySpreadConstraints", some_list(spread.collect()));
    set(spec, "priorityClassName", arguments.priority_class.as_deref());
    set(spec, "runtimeClassName", arguments.runtime_class.as_deref());
}

fn toleration(toleration: &TolerationArguments) -> Json {
    let operator = match (&toleration.operator, &toleration.value) {
        (Some(operator), _) => operator,
        (None, Some(_)) => "Equal",
        (None, None) => "Exists",
    };
    let mut json = json!({ "operator": operator });
    set(&mut json, "key", toleration.key.as_deref());
    set(&mut json, "value", toleration.value.as_deref());
    set(&mut json, "effect", toleration.effect.as_deref());
    set(&mut json, "tolerationSeconds", toleration.toleration_seconds);
    json
}

fn spread(constraint: &TopologySpreadArguments, selector: &Labels) -> Json {
    let mut json = json!({
        "maxSkew": constraint.max_skew.unwrap_or(1),
        "topologyKey": constraint.topology_key,
        "whenUnsatisfiable": constraint.when_unsatisfiable.as_deref().unwrap_or("ScheduleAnyway"),
        "labelSelector": { "matchLabels": labels_json(constraint.match_labels.as_ref().unwrap_or(selector)) },
    });
    set(&mut json, "minDomains", constraint.min_domains);
    json
}

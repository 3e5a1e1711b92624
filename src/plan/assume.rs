//! What the state says, as if it had been observed: for plans that do not read the cluster.
use std::collections::BTreeMap;

use crate::model::{ClusterIdentity, ClusterName, Json, Observed};
use crate::ssa::Schemas;
use crate::state::{RecordedObject, State};

/// Returns what the state says of one cluster, as if it had been observed.
///
/// Such a plan asks the server nothing, and shows no drift.
pub(crate) fn assume(cluster: &ClusterName, context: Option<&str>, state: &State) -> Observed {
    let schemas = Schemas::built_in();
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    let recorded = recorded.filter(|object| object.cluster == *cluster);
    let live = recorded.filter_map(|object| Some((object.identity(), assumed(object, &schemas)?))).collect();
    let identity = state.clusters.get(cluster).cloned();
    Observed {
        cluster: identity.unwrap_or_else(ClusterIdentity::unknown),
        context: context.map(str::to_owned),
        live,
        kinds: BTreeMap::new(),
        documents: BTreeMap::new(),
        blind: Vec::new(),
        requests: 0,
    }
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
    object.edit(|json| json["metadata"]["uid"] = Json::from(recorded.uid.as_str()));
    Some(object)
}

//! Gathers the schemas of all kinds that a plan meets.
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{ClusterName, Clusters, Desired, Diagnostic, GroupKind, Object, Observed};
use crate::ssa::Schemas;
use crate::state::{RecordedObject, State};

/// Returns for each cluster the built-in schemas, those of its documents, and those of the definitions desired in it.
pub(super) fn gather(desired: &Desired, observed: &Clusters<Observed>) -> Result<Clusters<Schemas>, Vec<Diagnostic>> {
    let mut schemas: Clusters<Schemas> =
        observed.iter().map(|(name, observed)| (name.clone(), with_documents(observed))).collect();
    let mut errors = Vec::new();
    for resource in desired.resources.values() {
        let Some(schemas) = schemas.get_mut(&resource.cluster) else { continue };
        let known = resource.objects.known().iter();
        for desired in known.filter(|it| it.object.kind_name() == "CustomResourceDefinition") {
            if let Err(error) = schemas.add_definition(&desired.object) {
                errors.push(Diagnostic::error(error.to_string()).about(desired));
            }
        }
    }
    if errors.is_empty() { Ok(schemas) } else { Err(errors) }
}

/// Returns the built-in schemas and those of the server's documents.
///
/// A document that cannot be read only costs proofs: its kinds are compared by the server.
pub(super) fn with_documents(observed: &Observed) -> Schemas {
    let mut schemas = Schemas::built_in();
    for (api_version, document) in &observed.documents {
        let _ = schemas.add_document(api_version, document);
    }
    schemas
}

/// Returns by group and kind whether objects of a cluster live in namespaces, as the server, desired definitions and
/// the state say.
pub(super) fn scopes(
    cluster: &ClusterName,
    desired: &Desired,
    state: &State,
    observed: &Observed,
) -> BTreeMap<GroupKind, bool> {
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    let recorded = recorded.filter(|object| object.cluster == *cluster);
    let known = |it: &RecordedObject| ((it.kind.group.clone(), it.kind.kind.clone()), it.namespace.is_some());
    let mut scopes: BTreeMap<GroupKind, bool> = recorded.map(known).collect();
    for resource in desired.resources.values().filter(|resource| resource.cluster == *cluster) {
        for desired in resource.objects.known().iter().filter(|it| it.object.kind_name() == "CustomResourceDefinition")
        {
            let is_namespaced = desired.object.text("/spec/scope") == Some("Namespaced");
            scopes.extend(defined(&desired.object).map(|kind| (kind, is_namespaced)));
        }
    }
    scopes.extend(observed.kinds.iter().map(|(kind, served)| (kind.clone(), served.namespaced)));
    scopes
}

/// Returns group and kind that a `CustomResourceDefinition` defines.
pub(super) fn defined(definition: &Object) -> Option<GroupKind> {
    let text = |pointer| definition.text(pointer).map(Arc::from);
    Some((text("/spec/group")?, text("/spec/names/kind")?))
}

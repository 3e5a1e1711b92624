//! Gathers the schemas of all kinds that a plan meets.
use std::collections::BTreeMap;

use crate::model::{Desired, Diagnostic, Json, Object, Objects, Observed};
use crate::ssa::Schemas;
use crate::state::{RecordedObject, State};

/// Returns the built-in schemas, those of the server's documents, and those of the definitions that are desired.
pub(super) fn gather(desired: &Desired, observed: &Observed) -> Result<Schemas, Vec<Diagnostic>> {
    let mut schemas = with_documents(observed);
    let mut errors = Vec::new();
    let known = desired.resources.values().filter_map(|resource| match &resource.objects {
        Objects::Known(objects) => Some(objects),
        Objects::Unknown { .. } => None,
    });
    for desired in known.flatten().filter(|it| it.object.kind().kind == "CustomResourceDefinition") {
        if let Err(error) = schemas.add_definition(&desired.object) {
            errors.push(Diagnostic::error(error.to_string()).about(desired));
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

/// Returns by group and kind whether objects live in namespaces, as the server, desired definitions and the state say.
pub(super) fn scopes(desired: &Desired, state: &State, observed: &Observed) -> BTreeMap<(String, String), bool> {
    let recorded = state.resources.values().flat_map(|resource| &resource.objects);
    let known = |it: &RecordedObject| ((it.kind.group.clone(), it.kind.kind.clone()), it.namespace.is_some());
    let mut scopes: BTreeMap<(String, String), bool> = recorded.map(known).collect();
    for resource in desired.resources.values() {
        for desired in resource.objects.known().iter().filter(|it| it.object.kind().kind == "CustomResourceDefinition")
        {
            let is_namespaced = desired.object.text("/spec/scope") == Some("Namespaced");
            scopes.extend(defined(&desired.object).map(|kind| (kind, is_namespaced)));
        }
    }
    scopes.extend(observed.kinds.iter().map(|(kind, served)| (kind.clone(), served.namespaced)));
    scopes
}

/// Returns group and kind that a `CustomResourceDefinition` defines.
pub(super) fn defined(definition: &Object) -> Option<(String, String)> {
    let text = |pointer| definition.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    Some((text("/spec/group")?, text("/spec/names/kind")?))
}

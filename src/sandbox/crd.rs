//! Kinds that custom resource definitions add: served as soon as the definition is kept, gone with it.
use std::sync::Arc;

use serde_json::json;

use super::json::{default, get, items, items_mut, remove, set, text};
use super::kinds::{KindInfo, Origin, Resource};
use super::scale::Paths;
use super::status::Cause;
use super::world::{Change, World};
use crate::model::{Json, Object};

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
/// Keeps a definition until its objects are gone.
pub(super) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Starts serving what a definition that was read from the folder defines.
pub(super) fn learn(world: &mut World, object: &Arc<Object>) {
    if !is_definition(object) {
        return;
    }
    let definition = object.json();
    let resource = Resource::new(text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    world.kinds.remove(&resource);
    for version in items(definition, "/spec/versions") {
        if version["served"] == true {
            world.kinds.add(kind_info(definition, version));
        }
    }
    if let Err(error) = world.schemas.add_definition(object) {
        tracing::warn!("{error}");
    }
}

/// Follows the changes of definitions.
pub(super) fn follow(world: &mut World, change: &Change) {
    if change.key.resource.plural != PLURAL || change.key.resource.group != GROUP {
        return;
    }
    match (&change.new, &change.old) {
        (Some(new), _) => learn(world, new),
        (None, Some(old)) => {
            let group = old.text("/spec/group").unwrap_or_default();
            world.kinds.remove(&Resource::new(group, old.text("/spec/names/plural").unwrap_or_default()));
        }
        (None, None) => {}
    }
}

fn is_definition(object: &Object) -> bool {
    object.kind().is(GROUP, "CustomResourceDefinition")
}

fn kind_info(definition: &Json, version: &Json) -> KindInfo {
    let texts = |pointer| items(definition, pointer).iter().filter_map(Json::as_str).map(str::to_owned).collect();
    let word = |pointer| text(definition, pointer).to_owned();
    let stored = items(definition, "/spec/versions").iter().find(|version| version["storage"] == true);
    KindInfo {
        group: word("/spec/group"),
        version: text(version, "/name").to_owned(),
        kind: word("/spec/names/kind"),
        plural: word("/spec/names/plural"),
        singular: word("/spec/names/singular"),
        list_kind: word("/spec/names/listKind"),
        short_names: texts("/spec/names/shortNames"),
        categories: texts("/spec/names/categories"),
        namespaced: text(definition, "/spec/scope") == "Namespaced",
        has_status: version.pointer("/subresources/status").is_some(),
        has_scale: version.pointer("/subresources/scale").is_some(),
        origin: Origin::Custom,
        storage_version: text(stored.unwrap_or(version), "/name").to_owned(),
    }
}

/// Returns the definition of a custom kind.
pub(super) fn definition<'a>(world: &'a World, info: &KindInfo) -> Option<&'a Arc<Object>> {
    if info.is_custom() { world.find(GROUP, PLURAL, "", &info.qualified()) } else { None }
}

/// Returns the version of a definition in which a kind is served.
pub(super) fn version<'a>(world: &'a World, info: &KindInfo) -> Option<&'a Json> {
    let definition = definition(world, info)?.json();
    items(definition, "/spec/versions").iter().find(|version| text(version, "/name") == info.version)
}

/// Returns where a custom kind has its replicas.
pub(super) fn scale_paths(world: &World, info: &KindInfo) -> Option<Paths> {
    let scale = version(world, info)?.pointer("/subresources/scale")?;
    let path = |field: &str| {
        let path = scale.get(field).and_then(Json::as_str).unwrap_or_default();
        path.trim_start_matches('.').split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    Some(Paths {
        spec: path("specReplicasPath"),
        status: path("statusReplicasPath"),
        selector: path("labelSelectorPath"),
    })
}

/// Fills in the defaults of a definition.
pub(super) fn fill(definition: &mut Json) {
    let kind = text(definition, "/spec/names/kind").to_owned();
    default(definition, &["spec", "names", "singular"], kind.to_lowercase());
    default(definition, &["spec", "names", "listKind"], format!("{kind}List"));
    default(definition, &["spec", "conversion", "strategy"], "None");
    remove(definition, &["spec", "preserveUnknownFields"]);
    for version in items_mut(definition, &["spec", "versions"]) {
        default(version, &["served"], false);
        default(version, &["storage"], false);
    }
}

/// Returns the mistakes in a definition.
pub(super) fn validate(definition: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (group, plural) = (text(definition, "/spec/group"), text(definition, "/spec/names/plural"));
    for (pointer, field) in [
        ("/spec/group", "spec.group"),
        ("/spec/names/plural", "spec.names.plural"),
        ("/spec/names/kind", "spec.names.kind"),
        ("/spec/scope", "spec.scope"),
    ] {
        if text(definition, pointer).is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    let expected = format!("{plural}.{group}");
    if text(definition, "/metadata/name") != expected {
        let why = format!("must be spec.names.plural+\".\"+spec.group (expected \"{expected}\")");
        causes.push(Cause::invalid("metadata.name", &definition["metadata"]["name"], &why));
    }
    let versions = items(definition, "/spec/versions");
    if versions.is_empty() {
        causes.push(Cause::required("spec.versions", ""));
    } else if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &json!(versions.len()), why));
    }
    for (index, version) in versions.iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none() {
            causes.push(Cause::required(
                format!("spec.versions[{index}].schema.openAPIV3Schema"),
                "schemas are required",
            ));
        }
    }
    let scope = text(definition, "/spec/scope");
    if !matches!(scope, "" | "Cluster" | "Namespaced") {
        causes.push(Cause::not_supported("spec.scope", &Json::from(scope), &["Cluster", "Namespaced"]));
    }
    causes
}

/// Returns the status of a definition that is served.
pub(super) fn status(definition: &Json, time: &str) -> Json {
    let names = get(definition, &["spec", "names"]).cloned().unwrap_or_default();
    let stored = items(definition, "/spec/versions").iter().find(|version| version["storage"] == true);
    let mut versions = items(definition, "/status/storedVersions").to_vec();
    if let Some(name) = stored.map(|version| version["name"].clone()).filter(|name| !versions.contains(name)) {
        versions.push(name);
    }
    let old = items(definition, "/status/conditions");
    let condition = |kind: &str, reason: &str, message: &str| {
        let since = old
            .iter()
            .find(|condition| condition["type"] == kind)
            .map(|condition| condition["lastTransitionTime"].clone());
        json!({"type": kind, "status": "True", "lastTransitionTime": since.unwrap_or_else(|| Json::from(time)),
               "reason": reason, "message": message})
    };
    json!({
        "acceptedNames": names,
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": versions,
    })
}

/// Makes sure that a definition that is being deleted outlives its objects.
pub(super) fn protect(definition: &mut Json) {
    let mut finalizers = items(definition, "/metadata/finalizers").to_vec();
    if !finalizers.iter().any(|finalizer| finalizer == CLEANUP) {
        finalizers.push(Json::from(CLEANUP));
        set(definition, &["metadata", "finalizers"], finalizers);
    }
}

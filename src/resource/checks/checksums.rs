//! Pods roll when a ConfigMap or Secret that they read changes: its checksum stands in the template's annotations.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::references::{PodReference, references};
use crate::model::{
    Address, ClusterName, Desired, DesiredObject, DesiredResource, Identity, Json, Located, Object, Objects, UNKNOWN,
};
use crate::resource::names::{DOMAIN, digest};

/// The types whose templates are rayform's own to annotate. A `manifest` is applied as it is written.
const TYPES: [&str; 3] = ["ray_head", "ray_worker_pool", "redis"];

/// The kinds that are read.
const SOURCES: [&str; 2] = ["ConfigMap", "Secret"];

/// Writes the checksums of all ConfigMaps and Secrets that pods read into the templates of those pods.
///
/// Pure, and the same however often it is done. Only objects of this configuration have checksums here: what others
/// change, the pods do not follow. What is generated in the cluster is made once and does not count.
pub(crate) fn annotate_checksums(desired: &mut Desired) {
    let is_annotated = |resource: &DesiredResource| TYPES.contains(&resource.address.resource_type.as_str());
    if !desired.resources.values().any(is_annotated) {
        return;
    }
    let sums = checksums(desired);
    for resource in desired.resources.values_mut().filter(|resource| is_annotated(resource)) {
        if let Objects::Known(objects) = &mut resource.objects {
            for object in objects {
                annotate(object, &resource.cluster, &sums);
            }
        }
    }
}

/// Returns the `ConfigMap`s and Secrets whose checksums a resource bears.
pub(crate) fn read_by_pods(resource: &DesiredResource) -> BTreeSet<Identity> {
    if !TYPES.contains(&resource.address.resource_type.as_str()) {
        return BTreeSet::new();
    }
    let objects = resource.objects.known().iter();
    objects.flat_map(|desired| read_by(&desired.object)).filter(|read| SOURCES.contains(&&*read.kind)).collect()
}

/// Returns what the pods of a workload name.
fn read_by(object: &Object) -> Vec<Identity> {
    let namespace = object.namespace().map(Arc::from);
    let spec = object.pointer("/spec/template/spec");
    let identity = |reference: PodReference<'_>| Identity {
        group: "".into(),
        kind: reference.kind.into(),
        namespace: namespace.clone(),
        name: reference.name.into(),
    };
    spec.into_iter().flat_map(references).map(identity).collect()
}

/// Returns the checksum of every ConfigMap and Secret; a Secret's is salted with its address.
fn checksums(desired: &Desired) -> BTreeMap<Located, String> {
    let mut sums = BTreeMap::new();
    for resource in desired.resources.values() {
        for object in resource.objects.known() {
            if SOURCES.contains(&object.object.kind_name()) {
                sums.insert(
                    Located::new(&resource.cluster, object.object.identity()),
                    checksum(&resource.address, object),
                );
            }
        }
    }
    sums
}

fn checksum(address: &Address, desired: &DesiredObject) -> String {
    let mut json = desired.object.json().clone();
    for pointer in desired.generated.keys() {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        if let Some(Json::Object(entries)) = json.pointer_mut(parent) {
            entries.remove(key);
        }
    }
    let parts =
        ["data", "stringData", "binaryData"].map(|field| json.get(field).map(Json::to_string).unwrap_or_default());
    let text = parts.join("\n");
    if text.contains(UNKNOWN) || !desired.unknown.is_empty() {
        return UNKNOWN.to_owned();
    }
    match desired.object.kind_name() {
        "Secret" => digest(&format!("{address}\n{text}")),
        _ => digest(&text),
    }
}

fn annotate(desired: &mut DesiredObject, cluster: &ClusterName, sums: &BTreeMap<Located, String>) {
    let mut annotations = BTreeMap::new();
    for read in read_by(&desired.object).into_iter().map(|read| Located::new(cluster, read)) {
        if let Some(sum) = sums.get(&read) {
            let read = read.identity;
            let kind = read.kind.to_ascii_lowercase();
            annotations.insert(annotation(&kind, &read.name), sum.clone());
        }
    }
    if annotations.is_empty() {
        return;
    }
    for (name, _) in annotations.iter().filter(|(_, sum)| sum.contains(UNKNOWN)) {
        let name = name.replace('~', "~0").replace('/', "~1");
        desired.unknown.insert(format!("/spec/template/metadata/annotations/{name}"));
    }
    let mut json = desired.object.clone().into_json();
    for (name, sum) in annotations {
        json["spec"]["template"]["metadata"]["annotations"][name] = Json::from(sum);
    }
    desired.object = Object::new(json).expect("it was an object before");
}

/// The name behind the slash has room for 63 letters; a longer one ends in its digest.
fn annotation(kind: &str, name: &str) -> String {
    let text = format!("{kind}-{name}");
    match text.len() {
        0..=63 => format!("{DOMAIN}/{text}"),
        _ => format!("{DOMAIN}/{kind}-{}", digest(name)),
    }
}

//! The volumes of a pod.
use serde_json::{Map, json};

use super::arguments::{EmptyDirArguments, EphemeralArguments, VolumeArguments};
use super::container::set;
use crate::model::Json;
use crate::resource::arguments::QuantityArgument;

/// The name of the volume behind `/dev/shm`.
pub(super) const SHARED_MEMORY: &str = "shared-memory";

/// Returns one volume.
pub(super) fn volume(volume: &VolumeArguments) -> Json {
    let mut json = Map::new();
    json.insert("name".to_owned(), Json::from(volume.name.as_str()));
    if let Some(name) = &volume.config_map {
        json.insert("configMap".to_owned(), files(volume, "name", name));
    }
    if let Some(name) = &volume.secret {
        json.insert("secret".to_owned(), files(volume, "secretName", name));
    }
    if let Some(name) = &volume.persistent_volume_claim {
        let mut claim = json!({ "claimName": name });
        set(&mut claim, "readOnly", volume.read_only.filter(|read_only| *read_only));
        json.insert("persistentVolumeClaim".to_owned(), claim);
    }
    if let Some(folder) = &volume.empty_dir {
        json.insert("emptyDir".to_owned(), empty_dir(folder));
    }
    if let Some(path) = &volume.host_path {
        let mut source = json!({ "path": path.path });
        set(&mut source, "type", path.path_type.as_deref());
        json.insert("hostPath".to_owned(), source);
    }
    if let Some(claim) = &volume.ephemeral {
        json.insert("ephemeral".to_owned(), ephemeral(claim));
    }
    if let Some(source) = &volume.source {
        json.extend(source.0.clone());
    }
    Json::Object(json)
}

/// Returns the volume behind `/dev/shm`.
pub(super) fn shared_memory(size: &QuantityArgument) -> Json {
    json!({ "name": SHARED_MEMORY, "emptyDir": { "medium": "Memory", "sizeLimit": size.to_json() } })
}

/// Returns how many sources a volume names.
pub(super) fn source_count(volume: &VolumeArguments) -> usize {
    [
        volume.config_map.is_some(),
        volume.secret.is_some(),
        volume.persistent_volume_claim.is_some(),
        volume.empty_dir.is_some(),
        volume.host_path.is_some(),
        volume.ephemeral.is_some(),
        volume.source.is_some(),
    ]
    .into_iter()
    .filter(|is_named| *is_named)
    .count()
}

/// Returns permissions written in octal as the number that Kubernetes takes.
pub(super) fn mode(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8).ok().filter(|mode| *mode <= 0o777)
}

fn files(volume: &VolumeArguments, name_field: &str, name: &str) -> Json {
    let mut source = json!({ name_field: name });
    if !volume.items.is_empty() {
        source["items"] = volume.items.iter().map(|(key, path)| json!({ "key": key, "path": path })).collect();
    }
    set(&mut source, "defaultMode", volume.default_mode.as_deref().and_then(mode));
    source
}

fn empty_dir(folder: &EmptyDirArguments) -> Json {
    let mut source = json!({});
    set(&mut source, "medium", folder.medium.as_deref());
    set(&mut source, "sizeLimit", folder.size_limit.as_ref().map(QuantityArgument::to_json));
    source
}

fn ephemeral(claim: &EphemeralArguments) -> Json {
    let access_modes = claim.access_modes.clone().unwrap_or_else(|| vec!["ReadWriteOnce".to_owned()]);
    let mut spec = json!({
        "accessModes": access_modes,
        "resources": { "requests": { "storage": claim.size.to_json() } },
        "volumeMode": "Filesystem",
    });
    set(&mut spec, "storageClassName", claim.storage_class.as_deref());
    json!({ "volumeClaimTemplate": { "spec": spec } })
}

//! Small helpers to read and write JSON by path.
use crate::model::Json;

/// Returns the text at a pointer, or an empty one.
pub(super) fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// Returns the whole number at a pointer.
pub(super) fn integer(json: &Json, pointer: &str) -> Option<i64> {
    json.pointer(pointer).and_then(Json::as_i64)
}

/// Returns the items of the list at a pointer; none where there is no list.
pub(super) fn items<'a>(json: &'a Json, pointer: &str) -> &'a [Json] {
    json.pointer(pointer).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// Sets the field at a path of names, making the maps on the way.
pub(super) fn set(json: &mut Json, path: &[&str], value: impl Into<Json>) {
    let mut node = json;
    for name in path {
        if !node.is_object() {
            *node = Json::Object(serde_json::Map::new());
        }
        node = &mut node[*name];
    }
    *node = value.into();
}

/// Sets the field at a path where nothing, or null, is there.
pub(super) fn default(json: &mut Json, path: &[&str], value: impl Into<Json>) {
    if get(json, path).is_none_or(Json::is_null) {
        set(json, path, value);
    }
}

/// Returns the field at a path of names.
pub(super) fn get<'a>(json: &'a Json, path: &[&str]) -> Option<&'a Json> {
    path.iter().try_fold(json, |node, name| node.get(*name))
}

/// Returns the field at a path of names, to be changed.
pub(super) fn get_mut<'a>(json: &'a mut Json, path: &[&str]) -> Option<&'a mut Json> {
    path.iter().try_fold(json, |node, name| node.get_mut(*name))
}

/// Removes the field at a path of names.
pub(super) fn remove(json: &mut Json, path: &[&str]) -> Option<Json> {
    let (last, parents) = path.split_last()?;
    get_mut(json, parents)?.as_object_mut()?.remove(*last)
}

/// Returns the items of the list at a path of names, to be changed.
pub(super) fn items_mut<'a>(json: &'a mut Json, path: &[&str]) -> impl Iterator<Item = &'a mut Json> {
    get_mut(json, path).and_then(Json::as_array_mut).into_iter().flatten()
}

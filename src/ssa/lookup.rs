//! Finds the value that a field path leads to.
use super::schema::{Shape, Type, equal};
use crate::model::{FieldPath, Json, Step};

/// Returns the value at a path, where there is exactly one.
pub(super) fn find<'a>(value: &'a Json, path: &FieldPath, of: Type<'_>) -> Option<&'a Json> {
    let (mut value, mut of) = (value, Some(of));
    for step in &path.0 {
        let shape = of.map(|of| of.shape(Some(value)));
        (value, of) = match (step, shape) {
            (Step::Field(name), Some(Shape::Map(map))) => (value.get(name)?, of.and_then(|of| of.entry(map, name))),
            (Step::Field(name), _) => (value.get(name)?, None),
            (Step::Index(index), _) => (value.get(index)?, None),
            (Step::Value(member), _) => (value.as_array()?.iter().find(|item| equal(item, member))?, None),
            (Step::Key(_), Some(Shape::List(list))) => {
                let is_meant =
                    |item: &&Json| of.is_some_and(|of| of.item_step(list, item).is_ok_and(|key| is_same(&key, step)));
                (value.as_array()?.iter().find(is_meant)?, of.map(|of| of.at(list.item)))
            }
            (Step::Key(_), _) => return None,
        };
    }
    Some(value)
}

fn is_same(one: &Step, other: &Step) -> bool {
    match (one, other) {
        (Step::Key(one), Step::Key(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((name, value), (key, other))| name == key && equal(value, other))
        }
        _ => one == other,
    }
}

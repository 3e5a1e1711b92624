//! A path to a field, through list items by key, as server-side apply writes it.
use std::collections::BTreeMap;
use std::fmt;

use super::Json;

/// One step of a field path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field of a struct or an entry of a map.
    Field(String),
    /// The item of a list-map with these keys.
    Key(BTreeMap<String, Json>),
    /// A member of a set.
    Value(Json),
    /// The item of an atomic list at this place.
    Index(usize),
}

/// A path from the root of an object; prints as `.spec.ports[port=80,protocol="TCP"].name`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// Returns the path of nested fields.
    pub(crate) fn fields(names: &[&str]) -> Self {
        Self(names.iter().map(|name| Step::Field((*name).to_owned())).collect())
    }

    /// Returns this path, one step longer.
    pub(crate) fn join(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Tells whether `other` is this path or below it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(keys) => {
                let pairs: Vec<_> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", pairs.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| step.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_the_server_prints_them() {
        let keys = BTreeMap::from([("port".to_owned(), 80.into()), ("protocol".to_owned(), "TCP".into())]);
        let path = FieldPath::fields(&["spec", "ports"]).join(Step::Key(keys)).join(Step::Field("name".to_owned()));
        assert_eq!(path.to_string(), r#".spec.ports[port=80,protocol="TCP"].name"#);
    }
}

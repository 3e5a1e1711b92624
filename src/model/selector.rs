//! What a name on the command line or in a block means: a resource, one instance, a module, or a module's instance.
use std::fmt;
use std::str::FromStr;

use super::address::{AddressError, split, write_modules};
use super::{Address, Key};

/// Names resources: one, all instances of a block, or everything in a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Selector {
    /// A block with all its instances, or one instance of it.
    Resource(Address),
    /// A module call with all its instances, or one instance of it: the calls that lead to it, never empty.
    Module(Vec<(String, Option<Key>)>),
}

impl Selector {
    /// Reads the parts of a name, such as `module`, `team["a"]`, `redis`, `gcs`.
    pub(crate) fn of_parts(parts: Vec<(String, Option<Key>)>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut modules = Vec::new();
        while let Some((first, first_key)) = parts.next() {
            let (second, key) = parts.next().filter(|_| first_key.is_none())?;
            if first == "module" {
                modules.push((second, key));
                continue;
            }
            let address = Address { modules, resource_type: first, name: second, key };
            return parts.next().is_none().then_some(Self::Resource(address));
        }
        (!modules.is_empty()).then_some(Self::Module(modules))
    }

    /// Returns the modules that lead to what is meant; its own call included where a module is meant.
    pub(crate) fn modules(&self) -> &[(String, Option<Key>)] {
        match self {
            Self::Resource(address) => &address.modules,
            Self::Module(modules) => modules,
        }
    }

    /// Tells whether an address is meant. A name without a key means all instances.
    pub(crate) fn covers(&self, other: &Address) -> bool {
        let own = self.modules();
        let is_met = |((name, key), (found, of)): (&(String, Option<Key>), &(String, Option<Key>))| {
            name == found && (key.is_none() || key == of)
        };
        let leads = other.modules.len() >= own.len() && own.iter().zip(&other.modules).all(is_met);
        match self {
            Self::Module(_) => leads,
            Self::Resource(address) => {
                leads
                    && other.modules.len() == own.len()
                    && (&address.resource_type, &address.name) == (&other.resource_type, &other.name)
                    && (address.key.is_none() || address.key == other.key)
            }
        }
    }

    /// Returns the same name without any key.
    pub(crate) fn without_keys(&self) -> Self {
        let bare = |modules: &[(String, Option<Key>)]| modules.iter().map(|(name, _)| (name.clone(), None)).collect();
        match self {
            Self::Module(modules) => Self::Module(bare(modules)),
            Self::Resource(address) => {
                Self::Resource(Address { modules: bare(&address.modules), key: None, ..address.clone() })
            }
        }
    }

    /// Tells whether some part of the name has a key.
    pub(crate) fn has_keys(&self) -> bool {
        *self != self.without_keys()
    }
}

impl From<Address> for Selector {
    fn from(address: Address) -> Self {
        Self::Resource(address)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(address) => address.fmt(f),
            Self::Module(modules) => write_modules(modules, f),
        }
    }
}

impl FromStr for Selector {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        split(text).and_then(Self::of_parts).ok_or_else(|| AddressError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(text: &str) -> Selector {
        text.parse().expect("a selector")
    }

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    #[test]
    fn selectors_are_read_as_they_are_printed() {
        for text in ["redis.a", "redis.a[0]", "module.t", r#"module.t["a"].module.u"#, r#"module.t["a"].redis.a["k"]"#]
        {
            assert_eq!(selector(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in ["", "redis", "module", "module[0].a", "redis.a.b", "module.t.redis", "redis[0].a"] {
            assert_eq!(text.parse::<Selector>(), Err(AddressError(text.to_owned())));
        }
    }

    #[track_caller]
    fn check(selector_text: &str, covered: &[&str], others: &[&str]) {
        let selector = selector(selector_text);
        assert!(covered.iter().all(|text| selector.covers(&address(text))), "{selector_text} covers {covered:?}");
        assert!(!others.iter().any(|text| selector.covers(&address(text))), "{selector_text} leaves {others:?}");
    }

    #[test]
    fn a_name_without_a_key_means_all_instances() {
        check("redis.a", &["redis.a", "redis.a[0]"], &["redis.b", "module.t.redis.a"]);
        check("redis.a[0]", &["redis.a[0]"], &["redis.a", "redis.a[1]"]);
        check("module.t", &[r#"module.t["a"].redis.a"#, "module.t.module.u.redis.a"], &["redis.a", "module.u.redis.a"]);
        check(r#"module.t["a"]"#, &[r#"module.t["a"].redis.a[0]"#], &[r#"module.t["b"].redis.a"#, "module.t.redis.a"]);
        check("module.t.redis.a", &[r#"module.t["a"].redis.a[0]"#], &["module.t.module.u.redis.a"]);
    }
}

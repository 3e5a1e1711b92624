//! What a name on the command line or in a block means: a resource, one instance, a module, or a module's instance.
use std::fmt;
use std::str::FromStr;

use super::address::{AddressError, leads_to, split, write_modules};
use super::{Address, Key, ModuleStep};

/// Names resources: one, all instances of a block, or everything in a module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A block with all its instances, or one instance of it.
    Resource(Address),
    /// A module call with all its instances, or one instance of it: the calls that lead to it, never empty.
    Module(Vec<ModuleStep>),
}

impl Target {
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
    pub(crate) fn modules(&self) -> &[ModuleStep] {
        match self {
            Self::Resource(address) => &address.modules,
            Self::Module(modules) => modules,
        }
    }

    /// Tells whether an address is meant. A name without a key means all instances.
    pub(crate) fn covers(&self, address: &Address) -> bool {
        match self {
            Self::Resource(resource) => resource.covers(address),
            Self::Module(path) => leads_to(path, &address.modules),
        }
    }

    /// Returns the same name without any key.
    pub(crate) fn without_keys(&self) -> Self {
        let bare = |modules: &[ModuleStep]| modules.iter().map(|(name, _)| (name.clone(), None)).collect();
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

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self::Resource(address)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(address) => address.fmt(f),
            Self::Module(modules) => write_modules(modules, f),
        }
    }
}

impl FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        split(text).and_then(Self::of_parts).ok_or_else(|| AddressError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
    }

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    #[test]
    fn targets_are_read_as_they_are_printed() {
        for text in ["redis.a", "redis.a[0]", "module.t", r#"module.t["a"].module.u"#, r#"module.t["a"].redis.a["k"]"#]
        {
            assert_eq!(target(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["", "redis", "module", "module[0].a", "redis.a.b", "module.t.redis", "redis[0].a"] {
            assert_eq!(text.parse::<Target>(), Err(AddressError(text.to_owned())));
        }
    }

    #[track_caller]
    fn check(meant: &str, covered: &[&str], others: &[&str]) {
        let target = target(meant);
        assert!(covered.iter().all(|text| target.covers(&address(text))), "{meant} covers {covered:?}");
        assert!(!others.iter().any(|text| target.covers(&address(text))), "{meant} leaves {others:?}");
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

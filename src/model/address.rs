//! The address of a resource: `module.tenant["a"].ray_worker_pool.cpu[0]`.
use std::fmt;
use std::str::FromStr;

use super::Target;

/// Names one instance of a resource block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address {
    /// The modules that lead to it, outermost first; empty in the root module.
    pub modules: Vec<ModuleStep>,
    /// The resource type, such as `ray_head`.
    pub resource_type: String,
    /// The second label of the block.
    pub name: String,
    /// Which instance, where the block has `count` or `for_each`.
    pub key: Option<Key>,
}

/// One step into a module: the name of the call, and the key where it has `count` or `for_each`.
pub(crate) type ModuleStep = (String, Option<Key>);

/// Tells the instances of one block apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// Of `count`.
    Index(u64),
    /// Of `for_each`.
    Name(String),
}

/// Says why a text is no address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an address such as `ray_head.main` or `module.team[\"a\"].redis.gcs`")]
pub(crate) struct AddressError(pub String);

impl Address {
    /// Returns the address of a block in the root module.
    pub(crate) fn root(resource_type: &str, name: &str) -> Self {
        Self { modules: Vec::new(), resource_type: resource_type.to_owned(), name: name.to_owned(), key: None }
    }

    /// Returns the address of a `data` block in the root module: its type begins with `data.`, as it is written.
    pub(crate) fn data(data_type: &str, name: &str) -> Self {
        Self::root(&format!("data.{data_type}"), name)
    }

    /// Returns the address of the block that this is an instance of.
    pub(crate) fn without_key(&self) -> Self {
        Self { key: None, ..self.clone() }
    }

    /// Tells whether `other` is this address, an instance of it, or the same in an instance of its modules.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.resource_type == other.resource_type
            && self.name == other.name
            && (self.key.is_none() || self.key == other.key)
            && self.modules.len() == other.modules.len()
            && leads_to(&self.modules, &other.modules)
    }
}

/// Tells whether a path leads into a module or to what is around it; a step without a key means all instances.
pub(super) fn leads_to(path: &[ModuleStep], modules: &[ModuleStep]) -> bool {
    let is_step = |(wanted, found): (&ModuleStep, &ModuleStep)| {
        wanted.0 == found.0 && (wanted.1.is_none() || wanted.1 == found.1)
    };
    path.len() <= modules.len() && path.iter().zip(modules).all(is_step)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, "[{}]", serde_json::Value::from(name.as_str())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.modules.is_empty() {
            write_modules(&self.modules, f)?;
            f.write_str(".")?;
        }
        write!(f, "{}.{}", self.resource_type, self.name)?;
        self.key.as_ref().map_or(Ok(()), |key| key.fmt(f))
    }
}

/// Writes the module calls of a name, with dots between them.
pub(super) fn write_modules(modules: &[(String, Option<Key>)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, (name, key)) in modules.iter().enumerate() {
        write!(f, "{}module.{name}", if index == 0 { "" } else { "." })?;
        key.as_ref().map_or(Ok(()), |key| fmt::Display::fmt(key, f))?;
    }
    Ok(())
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse()? {
            Target::Resource(address) => Ok(address),
            Target::Module(_) => Err(AddressError(text.to_owned())),
        }
    }
}

/// Splits at the dots that stand outside of brackets; each part with its key.
pub(super) fn split(text: &str) -> Option<Vec<(String, Option<Key>)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            return None;
        }
        rest = &rest[end..];
        let mut key = None;
        if rest.starts_with('[') {
            let (parsed, after) = bracket(rest)?;
            key = Some(parsed);
            rest = after;
        }
        parts.push((name.to_owned(), key));
        if rest.is_empty() {
            return Some(parts);
        }
        rest = rest.strip_prefix('.')?;
    }
}

/// Reads `[0]` or `["name"]` at the start of the text, and returns what follows.
fn bracket(text: &str) -> Option<(Key, &str)> {
    let inner = text.strip_prefix('[')?;
    let mut stream = serde_json::Deserializer::from_str(inner).into_iter::<serde_json::Value>();
    let key = match stream.next()?.ok()? {
        serde_json::Value::String(name) => Key::Name(name),
        serde_json::Value::Number(index) => Key::Index(index.as_u64()?),
        _ => return None,
    };
    let after = inner[stream.byte_offset()..].strip_prefix(']')?;
    Some((key, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn round_trips(text: &str) {
        assert_eq!(text.parse::<Address>().expect("an address").to_string(), text);
    }

    #[test]
    fn addresses_are_read_as_they_are_printed() {
        round_trips("ray_head.main");
        round_trips("ray_worker_pool.cpu[0]");
        round_trips(r#"ray_worker_pool.cpu["a.b[\"c\"]"]"#);
        round_trips(r#"module.tenant["a"].module.ray.ray_head.main"#);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "a", "a.", ".a", "a.b.c", "a[0].b", "a.b[x]", "a.b[0", "a.b[-1]"] {
            assert_eq!(text.parse::<Address>(), Err(AddressError(text.to_owned())));
        }
    }

    #[test]
    fn a_block_covers_its_instances() {
        let block = Address::root("redis", "a");
        let instance = Address { key: Some(Key::Index(1)), ..block.clone() };
        assert!(block.covers(&instance) && block.covers(&block) && !instance.covers(&block));
    }
}

//! What `moved`, `removed` and `import` blocks say of resources that are there already.
use super::{Address, Key, Span, Target};

/// A `moved` block: what was recorded under one name is called otherwise now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// The module calls that lead to the block, without keys: it holds in every instance of them.
    pub within: Vec<String>,
    pub from: Target,
    pub to: Target,
    pub from_span: Span,
    pub to_span: Span,
}

/// A `removed` block: what was recorded under a name is not wanted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    /// The module calls that lead to the block, without keys.
    pub within: Vec<String>,
    pub from: Target,
    pub from_span: Span,
    /// Whether the objects are deleted; where it is not said, as the resource had it.
    pub destroy: Option<bool>,
}

/// An `import` block, or the command: objects that exist are taken over by a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub to: Address,
    pub id: String,
    /// None where it comes from the command line.
    pub span: Option<Span>,
}

impl Move {
    /// Returns what an address becomes, if it is meant.
    pub(crate) fn target(&self, address: &Address) -> Option<Address> {
        let (outer, inner) = inside(&self.within, address)?;
        let moved = relocated(&self.from, &self.to, &inner)?;
        Some(Address { modules: [outer, moved.modules].concat(), ..moved })
    }
}

impl Removal {
    /// Tells whether an address is meant.
    pub(crate) fn covers(&self, address: &Address) -> bool {
        inside(&self.within, address).is_some_and(|(_, inner)| self.from.covers(&inner))
    }
}

/// The module calls that lead to something.
type Modules = Vec<(String, Option<Key>)>;

/// Returns the calls that lead to a block, and an address as it is called there.
fn inside(within: &[String], address: &Address) -> Option<(Modules, Address)> {
    let depth = within.len();
    let is_within =
        address.modules.len() >= depth && within.iter().zip(&address.modules).all(|(name, (found, _))| name == found);
    is_within.then(|| {
        let (outer, inner) = address.modules.split_at(depth);
        (outer.to_vec(), Address { modules: inner.to_vec(), ..address.clone() })
    })
}

/// Returns what an address becomes where one name becomes another.
///
/// Without any key, all instances move and keep their keys; with a key on either side, one instance moves.
pub(crate) fn relocated(from: &Target, to: &Target, address: &Address) -> Option<Address> {
    match (from, to) {
        (Target::Resource(from), Target::Resource(to)) => {
            let is_whole = from.key.is_none() && to.key.is_none();
            let is_met = if is_whole { *from == address.without_key() } else { from == address };
            let key = if is_whole { address.key.clone() } else { to.key.clone() };
            is_met.then(|| Address { key, ..to.clone() })
        }
        (Target::Module(from), Target::Module(to)) => {
            let modules = relocated_calls(from, to, &address.modules)?;
            Some(Address { modules, ..address.clone() })
        }
        _ => None,
    }
}

fn relocated_calls(from: &Modules, to: &Modules, found: &Modules) -> Option<Modules> {
    let ((own, outer), (name, target_outer)) = (from.split_last()?, to.split_last()?);
    let call = found.get(outer.len()).filter(|call| found.starts_with(outer) && call.0 == own.0)?;
    let is_whole = own.1.is_none() && name.1.is_none();
    if !is_whole && call.1 != own.1 {
        return None;
    }
    let key = if is_whole { call.1.clone() } else { name.1.clone() };
    Some([target_outer, &[(name.0.clone(), key)], &found[from.len()..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, to: &str, address: &str, expected: Option<&str>) {
        let parse = |text: &str| text.parse::<Target>().expect("a selector");
        let moved = relocated(&parse(from), &parse(to), &address.parse().expect("an address"));
        assert_eq!(moved.map(|moved| moved.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_block_moves_with_its_instances() {
        check("redis.a", "redis.b", "redis.a", Some("redis.b"));
        check("redis.a", "redis.b", "redis.a[1]", Some("redis.b[1]"));
        check("redis.a", "redis.b", "redis.c", None);
        check("manifest.a", "config_map.b", r#"manifest.a["k"]"#, Some(r#"config_map.b["k"]"#));
    }

    #[test]
    fn with_a_key_one_instance_moves() {
        check("redis.a", r#"redis.a["k"]"#, "redis.a", Some(r#"redis.a["k"]"#));
        check("redis.a", r#"redis.a["k"]"#, "redis.a[0]", None);
        check("redis.a[0]", "redis.a", "redis.a[0]", Some("redis.a"));
        check("redis.a[0]", "redis.a", "redis.a[1]", None);
    }

    #[test]
    fn a_module_moves_with_all_that_is_in_it() {
        check("module.a", "module.b", r#"module.a["x"].redis.r[0]"#, Some(r#"module.b["x"].redis.r[0]"#));
        check("module.a", r#"module.a["x"]"#, "module.a.module.c.redis.r", Some(r#"module.a["x"].module.c.redis.r"#));
        check("module.a", r#"module.a["x"]"#, "module.a[0].redis.r", None);
        check("module.a", "module.o.module.a", "module.a.redis.r", Some("module.o.module.a.redis.r"));
        check("module.a", "module.b", "module.o.module.a.redis.r", None);
    }

    #[test]
    fn a_resource_leaves_and_enters_modules() {
        check("redis.a", "module.m.redis.a", "redis.a[0]", Some("module.m.redis.a[0]"));
        check(r#"module.m["x"].redis.a"#, "redis.a", r#"module.m["x"].redis.a"#, Some("redis.a"));
        check(r#"module.m["x"].redis.a"#, "redis.a", r#"module.m["y"].redis.a"#, None);
    }

    #[test]
    fn a_block_in_a_module_holds_in_every_instance_of_it() {
        let span = Span { file: super::super::FileId(0), start: 0, end: 0 };
        let parse = |text: &str| text.parse::<Target>().expect("a selector");
        let (from, to) = (parse("redis.a"), parse("redis.b"));
        let moved = Move { within: vec!["t".to_owned()], from, to, from_span: span, to_span: span };
        let target = |text: &str| moved.target(&text.parse().expect("an address")).map(|it| it.to_string());
        assert_eq!(target(r#"module.t["x"].redis.a"#).as_deref(), Some(r#"module.t["x"].redis.b"#));
        assert_eq!(target("redis.a"), None);
    }
}

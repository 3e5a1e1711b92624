//! Which resources a plan is about: `--target`, `--exclude`.
use std::collections::BTreeSet;

use crate::model::{Address, Diagnostic, Graph, Target};

use super::{Mode, Options};

/// Returns the resources that the plan may change.
///
/// A target brings what it needs; when destroying, what needs it. An exclusion takes the other way.
pub(super) fn select(graph: &Graph<Address>, options: &Options) -> Result<BTreeSet<Address>, Vec<Diagnostic>> {
    let named = options.targets.iter().chain(&options.excludes).chain(&options.replace);
    let unknown = named.filter(|name| !graph.nodes().any(|node| name.covers(node)));
    let errors: Vec<Diagnostic> = unknown
        .map(|name| {
            let message = match name {
                Target::Resource(_) => format!("there is no resource `{name}`"),
                Target::Module(_) => format!("there is no module `{name}` with resources in it"),
            };
            Diagnostic::error(message)
                .hint("`rayform state list` shows what is recorded, `rayform graph` what is configured")
        })
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let needing = graph.reversed();
    let (with_target, with_excluded) =
        if options.mode == Mode::Destroy { (&needing, graph) } else { (graph, &needing) };
    let mut selected = if options.targets.is_empty() {
        graph.nodes().cloned().collect()
    } else {
        reach(with_target, &options.targets)
    };
    for excluded in reach(with_excluded, &options.excludes) {
        selected.remove(&excluded);
    }
    Ok(selected)
}

/// Returns the resources that the names cover, and all that can be reached from them.
fn reach(graph: &Graph<Address>, names: &[Target]) -> BTreeSet<Address> {
    let mut open: Vec<Address> =
        graph.nodes().filter(|node| names.iter().any(|name| name.covers(node))).cloned().collect();
    let mut reached = BTreeSet::new();
    while let Some(node) = open.pop() {
        if reached.insert(node.clone()) {
            open.extend(graph.needs(&node).cloned());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        Address::root("a", name)
    }

    /// `c` needs `b`, `b` needs `a`; `d` stands alone.
    fn graph() -> Graph<Address> {
        let mut graph = Graph::default();
        graph.depend(address("c"), address("b"));
        graph.depend(address("b"), address("a"));
        graph.add(address("d"));
        graph
    }

    #[track_caller]
    fn check(mode: Mode, targets: &[&str], excludes: &[&str], expected: &str) {
        let parse = |names: &[&str]| names.iter().map(|name| Target::Resource(address(name))).collect();
        let options = Options { mode, targets: parse(targets), excludes: parse(excludes), ..Options::default() };
        let selected = select(&graph(), &options).expect("known names");
        assert_eq!(selected.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn a_target_brings_what_it_needs() {
        check(Mode::Apply, &["b"], &[], "a b");
        check(Mode::Destroy, &["b"], &[], "b c");
    }

    #[test]
    fn an_exclusion_takes_what_needs_it() {
        check(Mode::Apply, &[], &["b"], "a d");
        check(Mode::Destroy, &[], &["b"], "c d");
    }

    #[test]
    fn a_module_means_all_that_is_in_it() {
        let inside = |name: &str| format!(r#"module.m["a"].a.{name}"#).parse::<Address>().expect("an address");
        let mut graph = graph();
        graph.depend(inside("x"), address("a"));
        graph.add(inside("y"));
        for text in ["module.m", r#"module.m["a"]"#] {
            let targets = vec![text.parse().expect("a target")];
            let selected = select(&graph, &Options { targets, ..Options::default() }).expect("a known name");
            assert_eq!(selected.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(" "), "a x y");
        }
        let targets = vec![r#"module.m["b"]"#.parse().expect("a target")];
        let errors = select(&graph, &Options { targets, ..Options::default() }).expect_err("there is none");
        assert_eq!(errors[0].message, r#"there is no module `module.m["b"]` with resources in it"#);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let options = Options { targets: vec![Target::Resource(address("x"))], ..Options::default() };
        assert_eq!(
            select(&graph(), &options).map_err(|it| it[0].message.clone()),
            Err("there is no resource `a.x`".into())
        );
    }
}

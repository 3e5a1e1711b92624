//! `moved` blocks in the order in which they hold, or what is wrong with them.
use std::collections::BTreeMap;

use crate::model::{Cycle, Desired, Diagnostic, Graph, Key, Move, Target};

/// All `moved` blocks, checked.
#[derive(Debug, Default)]
pub(super) struct Statements<'a> {
    /// A chain from its beginning to its end; what is around something before what is in it.
    pub ordered: Vec<&'a Move>,
    /// One of several for the same name, each of another type: the objects are divided or joined by their names.
    pub shared: Vec<&'a Move>,
}

impl<'a> Statements<'a> {
    /// Puts the blocks in order.
    pub(super) fn order(desired: &'a Desired) -> Result<Self, Vec<Diagnostic>> {
        let mut errors = still_there(desired);
        let (shared, single) = divide(&desired.moves, &mut errors);
        let mut graph = Graph::default();
        for (index, statement) in single.iter().enumerate() {
            graph.add(index);
            let needed = single.iter().enumerate().filter(|(other, it)| *other != index && needs(statement, it));
            needed.for_each(|(other, _)| graph.depend(index, other));
        }
        match graph.order() {
            Ok(order) if errors.is_empty() => {
                Ok(Self { ordered: order.into_iter().map(|index| single[index]).collect(), shared })
            }
            Ok(_) => Err(errors),
            Err(cycle) => {
                errors.push(circle(&cycle, &single));
                Err(errors)
            }
        }
    }
}

/// Says what has moved away and is still in the configuration.
fn still_there(desired: &Desired) -> Vec<Diagnostic> {
    let is_declared = |statement: &&Move| {
        let is_instance = has_key(&statement.from) || has_key(&statement.to);
        if is_instance {
            return desired.resources.keys().any(|address| statement.target(address).is_some());
        }
        desired.declared.iter().any(|address| statement.target(address).is_some())
    };
    let says = |statement: &Move| {
        let Move { from, to, from_span, .. } = statement;
        Diagnostic::error(format!("`{from}` has moved to `{to}`, and is still in the configuration"))
            .at(*from_span)
            .hint("take the old block away, or the `moved` block")
    };
    desired.moves.iter().filter(is_declared).map(says).collect()
}

/// Tells whether the name ends in a key, so that it means one instance.
fn has_key(selector: &Target) -> bool {
    match selector {
        Target::Resource(address) => address.key.is_some(),
        Target::Module(modules) => modules.last().is_some_and(|(_, key)| key.is_some()),
    }
}

/// Parts blocks that share a name with another from those that do not. Only a change of type may share.
fn divide<'a>(moves: &'a [Move], errors: &mut Vec<Diagnostic>) -> (Vec<&'a Move>, Vec<&'a Move>) {
    let mut ends: BTreeMap<(bool, &[String], &Target), Vec<&Move>> = BTreeMap::new();
    for statement in moves {
        ends.entry((true, &statement.within, &statement.from)).or_default().push(statement);
        ends.entry((false, &statement.within, &statement.to)).or_default().push(statement);
    }
    for ((is_from, _, _), found) in &ends {
        let [first, rest @ ..] = found.as_slice() else { continue };
        errors.extend(
            rest.iter()
                .filter(|it| !may_both_hold(first, it))
                .map(|it| if *is_from { two_ends(first, it) } else { two_beginnings(first, it) }),
        );
    }
    let is_shared = |statement: &&Move| {
        let others =
            |is_from, end| ends[&(is_from, statement.within.as_slice(), end)].iter().any(|it| !is_same(it, statement));
        others(true, &statement.from) || others(false, &statement.to)
    };
    moves.iter().partition(is_shared)
}

/// Tells whether two blocks that share a name do not contradict each other.
fn may_both_hold(one: &Move, other: &Move) -> bool {
    is_same(one, other) || (is_retyped(one) && is_retyped(other))
}

fn is_same(one: &Move, other: &Move) -> bool {
    (&one.within, &one.from, &one.to) == (&other.within, &other.from, &other.to)
}

/// Tells whether a resource becomes one of another type.
fn is_retyped(statement: &Move) -> bool {
    match (&statement.from, &statement.to) {
        (Target::Resource(from), Target::Resource(to)) => from.resource_type != to.resource_type,
        _ => false,
    }
}

fn two_ends(first: &Move, second: &Move) -> Diagnostic {
    let message = format!("`{}` has moved to `{}`, and to `{}`", first.from, first.to, second.to);
    Diagnostic::error(message).at(second.to_span).related(first.to_span, "the other").hint("one of the blocks is wrong")
}

fn two_beginnings(first: &Move, second: &Move) -> Diagnostic {
    let message = format!("both `{}` and `{}` have moved to `{}`", first.from, second.from, first.to);
    Diagnostic::error(message)
        .at(second.from_span)
        .related(first.from_span, "the other")
        .hint("one of the blocks is wrong")
}

/// Tells whether one block holds only after another has.
fn needs(statement: &Move, other: &Move) -> bool {
    let (from, to) = (End::of(statement, &statement.from), End::of(statement, &statement.to));
    let (other_from, other_to) = (End::of(other, &other.from), End::of(other, &other.to));
    from.may_be(&other_to)
        || from.is_in(&other_to)
        || to.is_in(&other_to)
        || other_from.is_in(&from)
        || other_to.is_in(&from)
}

/// One call of a module, as a name means it.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    name: &'a str,
    instance: Instance<'a>,
}

/// Which instance of a call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instance<'a> {
    Any,
    /// The one with this key, or the only one where it has none.
    Only(Option<&'a Key>),
}

/// One end of a block, seen from the root module.
struct End<'a> {
    within: &'a [String],
    selector: &'a Target,
    /// It means all instances.
    is_whole: bool,
}

impl<'a> End<'a> {
    fn of(statement: &'a Move, selector: &'a Target) -> Self {
        let is_whole = !has_key(&statement.from) && !has_key(&statement.to);
        Self { within: &statement.within, selector, is_whole }
    }

    /// Returns the calls that lead there; what is around the block's own module may have any key.
    fn calls(&self) -> Vec<Call<'a>> {
        let outer = self.within.iter().map(|name| Call { name, instance: Instance::Any });
        let own = self.selector.modules();
        let inner = own.iter().enumerate().map(|(index, (name, key))| {
            let is_open = self.is_whole && index + 1 == own.len() && matches!(self.selector, Target::Module(_));
            let instance = if is_open { Instance::Any } else { Instance::Only(key.as_ref()) };
            Call { name, instance }
        });
        outer.chain(inner).collect()
    }

    /// Tells whether some address may be meant by both.
    fn may_be(&self, other: &Self) -> bool {
        let (own, others) = (self.calls(), other.calls());
        let is_same_name = match (self.selector, other.selector) {
            (Target::Module(_), Target::Module(_)) => true,
            (Target::Resource(one), Target::Resource(two)) => {
                let is_block = (&one.resource_type, &one.name) == (&two.resource_type, &two.name);
                is_block && (self.is_whole || other.is_whole || one.key == two.key)
            }
            _ => false,
        };
        is_same_name && own.len() == others.len() && leads(&own, &others)
    }

    /// Tells whether it lies in a module that the other end means.
    fn is_in(&self, other: &Self) -> bool {
        let (own, others) = (self.calls(), other.calls());
        let is_deeper = match self.selector {
            Target::Module(_) => own.len() > others.len(),
            Target::Resource(_) => own.len() >= others.len(),
        };
        matches!(other.selector, Target::Module(_)) && is_deeper && leads(&own, &others)
    }
}

fn leads(one: &[Call<'_>], two: &[Call<'_>]) -> bool {
    let is_any = |call: &Call<'_>| call.instance == Instance::Any;
    let may_be = |(one, two): (&Call<'_>, &Call<'_>)| {
        one.name == two.name && (is_any(one) || is_any(two) || one.instance == two.instance)
    };
    one.iter().zip(two).all(may_be)
}

fn circle(cycle: &Cycle<usize>, moves: &[&Move]) -> Diagnostic {
    let steps: Vec<&Move> = cycle.0.iter().rev().map(|index| moves[*index]).collect();
    let shown: Vec<String> = steps.iter().map(|it| format!("`{}` → `{}`", it.from, it.to)).collect();
    let message = format!("`moved` blocks lead in a circle: {}", shown.join(", "));
    let diagnostic = Diagnostic::error(message).at(steps[0].to_span).hint("take one of them away");
    steps[1..].iter().fold(diagnostic, |it, step| it.related(step.to_span, "and here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, FileId, Span};

    fn moves(list: &[(&str, &str)]) -> Vec<Move> {
        let parse = |text: &str| text.parse().expect("a selector");
        let numbered = list.iter().zip(0..);
        numbered
            .map(|((from, to), number)| {
                let span = Span { file: FileId(0), start: number, end: number };
                Move { within: Vec::new(), from: parse(from), to: parse(to), from_span: span, to_span: span }
            })
            .collect()
    }

    #[track_caller]
    fn check(list: &[(&str, &str)], declared: &[&str], expected: Result<&[&str], &str>) {
        let declared = declared.iter().map(|text| text.parse::<Address>().expect("an address")).collect();
        let desired = Desired { moves: moves(list), declared, ..Desired::default() };
        let found = Statements::order(&desired);
        let found = found.map(|it| it.ordered.iter().map(|it| it.to.to_string()).collect::<Vec<_>>());
        let expected = expected.map(|it| it.iter().map(|text| (*text).to_owned()).collect()).map_err(str::to_owned);
        assert_eq!(found.map_err(|errors| errors[0].message.clone()), expected);
    }

    #[test]
    fn a_chain_is_followed_from_its_beginning() {
        check(&[("a.b", "a.c"), ("a.a", "a.b")], &[], Ok(&["a.b", "a.c"]));
        check(&[("module.b.a.x", "module.b.a.y"), ("module.a", "module.b")], &[], Ok(&["module.b", "module.b.a.y"]));
        check(&[("module.a", "module.b"), ("module.a.a.x", "module.a.a.y")], &[], Ok(&["module.a.a.y", "module.b"]));
    }

    #[test]
    fn contradictions_are_mistakes() {
        check(&[("a.a", "a.b"), ("a.a", "a.c")], &[], Err("`a.a` has moved to `a.b`, and to `a.c`"));
        check(&[("a.a", "a.c"), ("a.b", "a.c")], &[], Err("both `a.a` and `a.b` have moved to `a.c`"));
        check(
            &[("a.a", "a.b"), ("a.b", "a.a")],
            &[],
            Err("`moved` blocks lead in a circle: `a.b` → `a.a`, `a.a` → `a.b`"),
        );
        check(&[("a.a", "a.b")], &["a.a", "a.b"], Err("`a.a` has moved to `a.b`, and is still in the configuration"));
    }

    #[test]
    fn another_type_may_take_a_part_or_join() {
        check(&[("all.a", "a.a"), ("all.a", "b.b")], &[], Ok(&[]));
        check(&[("one.a", "a.a"), ("one.b", "a.a")], &[], Ok(&[]));
        check(&[("all.a", "a.a"), ("all.a", "all.b")], &[], Err("`all.a` has moved to `a.a`, and to `all.b`"));
    }

    #[test]
    fn an_instance_moves_within_its_block() {
        check(&[("a.a", "a.a[\"x\"]")], &["a.a"], Ok(&["a.a[\"x\"]"]));
        check(&[("a.a[1]", "a.a[\"y\"]")], &["a.a"], Ok(&["a.a[\"y\"]"]));
    }
}

//! Recorded resources under the names that the configuration gives them now: `moved` blocks, and `count` that comes or goes.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Desired, Diagnostic, Key, Move, nearest};
use crate::state::State;

use super::statements::Statements;
use super::{Mode, Options};

/// A state in which everything has moved.
#[derive(Debug)]
pub(super) struct Moved<'a> {
    pub state: Cow<'a, State>,
    /// What to rename, one after the other.
    pub steps: Vec<(Address, Address)>,
    /// Where each resource that moved, or that got objects of another, was recorded before.
    pub origins: BTreeMap<Address, Address>,
    /// Resources whose objects are divided among others, or joined with those of others, by name.
    pub shared: BTreeSet<(Address, Address)>,
    pub warnings: Vec<Diagnostic>,
}

/// Moves what is recorded. Statements that contradict each other or the configuration are mistakes.
pub(super) fn settle<'a>(desired: &Desired, state: &'a State, options: &Options) -> Result<Moved<'a>, Vec<Diagnostic>> {
    if options.mode == Mode::RefreshOnly {
        return Ok(Mover::new(state).finish(state));
    }
    let statements = Statements::order(desired)?;
    let mut mover = Mover::new(state);
    for statement in &statements.ordered {
        mover.follow(statement);
    }
    for statement in &statements.shared {
        mover.share(statement, desired);
    }
    mover.follow_count(desired);
    let mut moved = mover.finish(state);
    if options.mode == Mode::Apply {
        let missing = missing(&moved, desired, &statements);
        moved.warnings.extend(missing);
    }
    Ok(moved)
}

/// Refuses to leave out a part of what moves: the rest would stand on names that are not free.
pub(super) fn check_selection(moved: &Moved<'_>, selection: &BTreeSet<Address>) -> Result<(), Vec<Diagnostic>> {
    let left_out = moved.origins.iter().filter(|(to, _)| !selection.contains(*to));
    let errors: Vec<Diagnostic> = left_out
        .map(|(to, from)| {
            Diagnostic::error(format!("`{from}` has moved to `{to}`, which this plan leaves out"))
                .hint(format!("add `--target='{to}'`, or plan without `--target` and `--exclude`"))
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// What is recorded where, while it moves.
struct Mover {
    /// Every address that is taken, and where what is there was at first.
    taken: BTreeMap<Address, Address>,
    steps: Vec<(Address, Address)>,
    shared: BTreeMap<Address, Address>,
    warnings: Vec<Diagnostic>,
}

impl Mover {
    fn new(state: &State) -> Self {
        let taken = state.resources.keys().map(|address| (address.clone(), address.clone())).collect();
        Self { taken, steps: Vec::new(), shared: BTreeMap::new(), warnings: Vec::new() }
    }

    /// Moves everything that a statement means; what would land on another stays.
    fn follow(&mut self, statement: &Move) {
        let met: Vec<(Address, Address)> =
            self.taken.keys().filter_map(|from| Some((from.clone(), statement.target(from)?))).collect();
        for (from, to) in met {
            if self.taken.contains_key(&to) {
                let message = format!("`{from}` cannot move to `{to}`: that is recorded, too");
                let hint = "one of them is too many: `rayform state rm` forgets it, with its objects left as they are";
                self.warnings.push(Diagnostic::warning(message).at(statement.to_span).hint(hint));
            } else {
                self.step(from, to);
            }
        }
    }

    /// Takes note that objects of one resource belong to another from now on.
    fn share(&mut self, statement: &Move, desired: &Desired) {
        let met = self.taken.keys().filter_map(|from| Some((statement.target(from)?, from.clone())));
        self.shared.extend(met.filter(|(to, _)| desired.resources.contains_key(to)).collect::<Vec<_>>());
    }

    /// Follows `count` that was added to a block or taken away from it.
    fn follow_count(&mut self, desired: &Desired) {
        let other = |from: &Address| match from.key {
            None => Some(Address { key: Some(Key::Index(0)), ..from.clone() }),
            Some(Key::Index(0)) => Some(from.without_key()),
            Some(_) => None,
        };
        let is_free = |to: &Address| desired.resources.contains_key(to) && !self.taken.contains_key(to);
        let gone = self.taken.keys().filter(|from| !desired.resources.contains_key(*from));
        let met: Vec<_> = gone.filter_map(|from| Some((from.clone(), other(from).filter(is_free)?))).collect();
        met.into_iter().for_each(|(from, to)| self.step(from, to));
    }

    fn step(&mut self, from: Address, to: Address) {
        if let Some(origin) = self.taken.remove(&from) {
            self.taken.insert(to.clone(), origin);
            self.steps.push((from, to));
        }
    }

    fn finish(self, state: &State) -> Moved<'_> {
        let is_moved = |(to, origin): &(Address, Address)| to != origin;
        let mut origins: BTreeMap<Address, Address> = self.taken.into_iter().filter(is_moved).collect();
        let shared = self.shared.iter().map(|(to, from)| (from.clone(), to.clone())).collect();
        origins.extend(self.shared);
        let state = match self.steps.as_slice() {
            [] => Cow::Borrowed(state),
            steps => Cow::Owned(state.clone().renamed(steps)),
        };
        Moved { state, steps: self.steps, origins, shared, warnings: self.warnings }
    }
}

/// Says where something moves to a name that the configuration does not have.
fn missing(moved: &Moved<'_>, desired: &Desired, statements: &Statements<'_>) -> Vec<Diagnostic> {
    let is_removed = |to: &Address| desired.removals.iter().any(|removal| removal.covers(to));
    let gone = moved.origins.iter().filter(|(to, _)| !desired.resources.contains_key(*to) && !is_removed(to));
    let names: Vec<String> = desired.resources.keys().map(ToString::to_string).collect();
    let says = |(to, from): (&Address, &Address)| {
        let (last, _) = moved.steps.iter().rev().find(|(_, end)| end == to)?;
        let statement = statements.ordered.iter().find(|it| it.target(last).as_ref() == Some(to))?;
        let message = format!("`{from}` has moved to `{to}`, which the configuration does not have: it is destroyed");
        let hint = match nearest(&to.to_string(), names.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`removed { from = … }` with `lifecycle { destroy = false }` keeps its objects".to_owned(),
        };
        Some(Diagnostic::warning(message).at(statement.to_span).hint(hint))
    };
    gone.filter_map(says).collect()
}

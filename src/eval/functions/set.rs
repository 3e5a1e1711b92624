//! Functions on sets.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_ELEMENTS, Outcome, too_many_elements};
use super::collection::elements;
use super::table::{Accepts, Function, Parameter, Run};
use crate::eval::convert::unify_values;
use crate::model::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "setintersection",
        about: "Returns the members that all sets have.",
        parameters: &[Parameter::new("first_set", Accepts::Set, "any set")],
        rest: Some(Parameter::new("other_sets", Accepts::Set, "sets of the same type")),
        run: Run::Plain(setintersection),
    },
    Function {
        name: "setproduct",
        about: "Returns every way to take one element of each list or set.",
        parameters: &[],
        rest: Some(Parameter::any("sets", "lists or sets, at least two").apart()),
        run: Run::Plain(setproduct),
    },
    Function {
        name: "setsubtract",
        about: "Returns the members of one set that are not in another.",
        parameters: &[
            Parameter::new("a", Accepts::Set, "the set to take from"),
            Parameter::new("b", Accepts::Set, "what to leave out"),
        ],
        rest: None,
        run: Run::Plain(setsubtract),
    },
    Function {
        name: "setunion",
        about: "Returns the members that any of the sets has.",
        parameters: &[Parameter::new("first_set", Accepts::Set, "any set")],
        rest: Some(Parameter::new("other_sets", Accepts::Set, "sets of the same type")),
        run: Run::Plain(setunion),
    },
];

fn setintersection(arguments: &Arguments) -> Outcome {
    fold(arguments, |left, right| left.intersection(right).cloned().collect())
}

fn setsubtract(arguments: &Arguments) -> Outcome {
    fold(arguments, |left, right| left.difference(right).cloned().collect())
}

fn setunion(arguments: &Arguments) -> Outcome {
    fold(arguments, |left, right| left.union(right).cloned().collect())
}

/// Brings all sets to one type and joins them from the left.
fn fold(arguments: &Arguments, join: fn(&BTreeSet<Value>, &BTreeSet<Value>) -> BTreeSet<Value>) -> Outcome {
    let unified = unify_values(arguments.rest(0))
        .ok_or_else(|| FunctionError::new("given sets must all have compatible element types"))?;
    let sets = unified.iter().map(|set| if let Value::Set(members) = set { Some(members) } else { None });
    let Some(sets) = sets.collect::<Option<Vec<_>>>() else { return Ok(Value::Unknown) };
    let (first, others) = sets.split_first().ok_or_else(|| FunctionError::new("at least one set is required"))?;
    let joined = others.iter().fold(first.as_ref().clone(), |joined, other| join(&joined, other));
    Ok(Value::Set(Arc::new(joined)))
}

fn setproduct(arguments: &Arguments) -> Outcome {
    let given = arguments.rest(0);
    if given.len() < 2 {
        return Err(FunctionError::new("at least two arguments are required"));
    }
    let mut columns = Vec::new();
    for (place, argument) in given.iter().enumerate() {
        let items = elements(argument).ok_or_else(|| FunctionError::at(place, "a set or a list is required"))?;
        let items: Vec<_> = items.into_iter().cloned().collect();
        let items =
            unify_values(&items).ok_or_else(|| FunctionError::at(place, "all elements must be of the same type"))?;
        columns.push(items);
    }
    let total = columns.iter().try_fold(1_usize, |total, column| total.checked_mul(column.len()));
    let fits = |total: usize| total.checked_mul(given.len()).is_some_and(|parts| parts <= MAX_ELEMENTS);
    if !total.is_some_and(fits) && !columns.iter().any(Vec::is_empty) {
        return Err(too_many_elements());
    }
    let mut rows = if columns.iter().any(Vec::is_empty) { Vec::new() } else { vec![Vec::new()] };
    for column in &columns {
        rows = rows
            .iter()
            .flat_map(|row: &Vec<Value>| {
                column.iter().map(|item| [row.as_slice(), std::slice::from_ref(item)].concat())
            })
            .collect();
    }
    let rows: Vec<_> = rows.into_iter().map(Value::list).collect();
    if given.iter().any(|argument| matches!(argument, Value::Set(_))) {
        return Ok(Value::Set(Arc::new(rows.into_iter().collect())));
    }
    Ok(Value::list(rows))
}

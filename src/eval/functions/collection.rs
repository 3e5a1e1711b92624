//! Functions on lists.
use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation;

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_ELEMENTS, Outcome, too_many_elements};
use super::table::{Accepts, Function, Parameter, Run};
use crate::eval::convert::unify_values;
use crate::eval::inspect::{inspect, unmark_deep};
use crate::model::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "alltrue",
        about: "Tells whether all elements are true; so it is for none.",
        parameters: &[Parameter::new("list", Accepts::Bools, "a list of bools").apart()],
        rest: None,
        run: Run::Sure(alltrue),
    },
    Function {
        name: "anytrue",
        about: "Tells whether at least one element is true.",
        parameters: &[Parameter::new("list", Accepts::Bools, "a list of bools").apart()],
        rest: None,
        run: Run::Sure(anytrue),
    },
    Function {
        name: "chunklist",
        about: "Cuts a list into lists of a length; the last may be shorter.",
        parameters: &[
            Parameter::new("list", Accepts::List, "what to cut").apart(),
            Parameter::number("size", "the length of the pieces; zero makes one piece"),
        ],
        rest: None,
        run: Run::Plain(chunklist),
    },
    Function {
        name: "coalesce",
        about: "Returns the first argument that is neither null nor an empty text.",
        parameters: &[],
        rest: Some(Parameter::any("vals", "values of one type").nullable().raw()),
        run: Run::Plain(coalesce),
    },
    Function {
        name: "coalescelist",
        about: "Returns the first list that is neither null nor empty.",
        parameters: &[],
        rest: Some(Parameter::any("vals", "lists").nullable().raw()),
        run: Run::Plain(coalescelist),
    },
    Function {
        name: "compact",
        about: "Leaves out null and empty texts.",
        parameters: &[Parameter::new("list", Accepts::Strings, "a list of texts")],
        rest: None,
        run: Run::Sure(compact),
    },
    Function {
        name: "concat",
        about: "Joins lists into one.",
        parameters: &[],
        rest: Some(Parameter::any("seqs", "lists").apart()),
        run: Run::Plain(concat),
    },
    Function {
        name: "contains",
        about: "Tells whether a list or set holds a value.",
        parameters: &[
            Parameter::any("list", "where to look").apart(),
            Parameter::any("value", "what to look for").apart(),
        ],
        rest: None,
        run: Run::Plain(contains),
    },
    Function {
        name: "distinct",
        about: "Leaves out elements that were there before.",
        parameters: &[Parameter::new("list", Accepts::List, "any list")],
        rest: None,
        run: Run::Sure(distinct),
    },
    Function {
        name: "element",
        about: "Returns an element of a list; past the end it starts again.",
        parameters: &[
            Parameter::any("list", "a list that is not empty").apart(),
            Parameter::number("index", "which one, from zero"),
        ],
        rest: None,
        run: Run::Plain(element),
    },
    Function {
        name: "flatten",
        about: "Replaces lists inside a list by their elements, at every depth.",
        parameters: &[Parameter::any("list", "a list or set").apart()],
        rest: None,
        run: Run::Plain(flatten),
    },
    Function {
        name: "index",
        about: "Returns the place of the first element that equals a value.",
        parameters: &[Parameter::any("list", "where to look"), Parameter::any("value", "what to look for")],
        rest: None,
        run: Run::Plain(index),
    },
    Function {
        name: "length",
        about: "Returns how many elements, attributes or characters there are.",
        parameters: &[Parameter::any("value", "a list, set, map, object or text").apart()],
        rest: None,
        run: Run::Plain(length),
    },
    Function {
        name: "matchkeys",
        about: "Returns the elements whose keys, at the same places, are in a set.",
        parameters: &[
            Parameter::new("values", Accepts::List, "what to choose from"),
            Parameter::new("keys", Accepts::List, "one key for each value"),
            Parameter::new("searchset", Accepts::List, "the keys to look for"),
        ],
        rest: None,
        run: Run::Plain(matchkeys),
    },
    Function {
        name: "one",
        about: "Returns the only element, or null where there is none.",
        parameters: &[Parameter::any("list", "a list or set of at most one element").apart()],
        rest: None,
        run: Run::Plain(one),
    },
    Function {
        name: "range",
        about: "Returns the numbers from a start (or zero) to a limit, which is left out, by a step.",
        parameters: &[],
        rest: Some(Parameter::number("params", "the limit; or start and limit; or start, limit and step")),
        run: Run::Plain(range),
    },
    Function {
        name: "reverse",
        about: "Returns the elements in reverse order.",
        parameters: &[Parameter::any("list", "a list or set").apart()],
        rest: None,
        run: Run::Plain(reverse),
    },
    Function {
        name: "slice",
        about: "Returns the elements from one place to another, which is left out.",
        parameters: &[
            Parameter::any("list", "any list").apart(),
            Parameter::number("start_index", "the first place, from zero"),
            Parameter::number("end_index", "the place after the last"),
        ],
        rest: None,
        run: Run::Plain(slice),
    },
    Function {
        name: "sort",
        about: "Sorts texts by their code points.",
        parameters: &[Parameter::new("list", Accepts::Strings, "a list of texts")],
        rest: None,
        run: Run::Plain(sort),
    },
];

fn alltrue(arguments: &Arguments) -> Value {
    decide(arguments.list(0), false)
}

fn anytrue(arguments: &Arguments) -> Value {
    decide(arguments.list(0), true)
}

/// Returns `decisive` where an element has that truth; null is false; unknown where that may turn out.
fn decide(items: &[Value], decisive: bool) -> Value {
    let (mut found, mut unknown, mut sensitive) = (false, false, false);
    for item in items {
        let (bare, marked) = item.unmark();
        sensitive |= marked;
        unknown |= *bare == Value::Unknown;
        found |= *bare != Value::Unknown && (*bare == Value::Bool(true)) == decisive;
    }
    let verdict = if !found && unknown { Value::Unknown } else { Value::Bool(found == decisive) };
    if sensitive { verdict.sensitive() } else { verdict }
}

fn chunklist(arguments: &Arguments) -> Outcome {
    let (items, size) = (arguments.list(0), arguments.natural(1)?);
    if items.is_empty() {
        return Ok(Value::list(Vec::new()));
    }
    let size = if size == 0 { items.len() } else { size };
    Ok(Value::list(items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect()))
}

fn coalesce(arguments: &Arguments) -> Outcome {
    let (values, sensitive) = unmark_all(arguments.rest(0));
    let unified = unify_values(&values).ok_or_else(|| FunctionError::new("all arguments must have the same type"))?;
    let first = unified.into_iter().find(|value| *value != Value::Null && *value != Value::string(""));
    let first = first.ok_or_else(|| FunctionError::new("no non-null, non-empty-string arguments"))?;
    Ok(if sensitive { first.sensitive() } else { first })
}

fn coalescelist(arguments: &Arguments) -> Outcome {
    if arguments.rest(0).is_empty() {
        return Err(FunctionError::new("at least one argument is required"));
    }
    let (values, sensitive) = unmark_all(arguments.rest(0));
    let is_list = |value: &Value| matches!(value, Value::Null | Value::List(_) | Value::Unknown);
    if let Some(place) = values.iter().position(|value| !is_list(value)) {
        return Err(FunctionError::at(place, "coalescelist arguments must be lists or tuples"));
    }
    let is_empty = |value: &Value| matches!(value, Value::List(items) if items.is_empty());
    let first = values.into_iter().find(|value| *value != Value::Null && !is_empty(value));
    let first = first.ok_or_else(|| FunctionError::new("no non-null arguments"))?;
    Ok(if sensitive { first.sensitive() } else { first })
}

/// Takes off the marks of the values themselves, and tells whether there was one.
fn unmark_all(values: &[Value]) -> (Vec<Value>, bool) {
    let sensitive = values.iter().any(|value| value.unmark().1);
    (values.iter().map(|value| value.unmark().0.clone()).collect(), sensitive)
}

fn compact(arguments: &Arguments) -> Value {
    let is_text = |item: &&Value| **item != Value::Null && **item != Value::string("");
    Value::list(arguments.list(0).iter().filter(is_text).cloned().collect())
}

fn concat(arguments: &Arguments) -> Outcome {
    if arguments.rest(0).is_empty() {
        return Err(FunctionError::new("at least one argument is required"));
    }
    let mut joined = Vec::new();
    for (place, argument) in arguments.rest(0).iter().enumerate() {
        let Value::List(items) = argument else {
            let message = format!("all arguments must be lists or tuples; got {}", argument.type_name());
            return Err(FunctionError::at(place, message));
        };
        if joined.len() + items.len() > MAX_ELEMENTS {
            return Err(too_many_elements());
        }
        joined.extend(items.iter().cloned());
    }
    Ok(Value::list(joined))
}

fn contains(arguments: &Arguments) -> Outcome {
    let items =
        elements(arguments.value(0)).ok_or_else(|| FunctionError::at(0, "the argument must be list, tuple, or set"))?;
    let mut verdict = Verdict::default();
    for item in items {
        verdict.compare(item, arguments.value(1))?;
    }
    Ok(verdict.into_value())
}

/// Whether some element equals a value, as far as it can be known.
#[derive(Default)]
struct Verdict {
    equal: bool,
    unknown: bool,
    sensitive: bool,
}

impl Verdict {
    fn compare(&mut self, item: &Value, value: &Value) -> Result<(), FunctionError> {
        for side in [item, value] {
            let inside = inspect(side).map_err(|error| FunctionError::new(error.to_string()))?;
            self.sensitive |= inside.sensitive;
        }
        let (item, value) = (unmark_deep(item).0, unmark_deep(value).0);
        let known = item.is_wholly_known() && value.is_wholly_known();
        self.equal |= known && item == value;
        self.unknown |= !known;
        Ok(())
    }

    fn into_value(self) -> Value {
        let verdict = if !self.equal && self.unknown { Value::Unknown } else { Value::Bool(self.equal) };
        if self.sensitive { verdict.sensitive() } else { verdict }
    }
}

fn distinct(arguments: &Arguments) -> Value {
    let mut seen = BTreeSet::new();
    Value::list(arguments.list(0).iter().filter(|item| seen.insert(*item)).cloned().collect())
}

fn element(arguments: &Arguments) -> Outcome {
    let Value::List(items) = arguments.value(0) else {
        let message = format!("cannot read elements from {}", arguments.value(0).type_name());
        return Err(FunctionError::at(0, message));
    };
    let index = arguments.integer(1)?;
    let index = usize::try_from(index)
        .map_err(|_| FunctionError::at(1, "cannot use element function with a negative index"))?;
    match items.len() {
        0 => Err(FunctionError::at(0, "cannot use element function with an empty list")),
        length => Ok(items[index % length].clone()),
    }
}

fn flatten(arguments: &Arguments) -> Outcome {
    inspect(arguments.value(0)).map_err(|error| FunctionError::at(0, error.to_string()))?;
    let items =
        elements(arguments.value(0)).ok_or_else(|| FunctionError::at(0, "can only flatten lists, sets and tuples"))?;
    let mut flat = Flat::default();
    for item in items {
        flat.add(item);
    }
    // What is unknown may turn out to be a list of any length.
    let list = if flat.unknown { Value::Unknown } else { Value::list(flat.items) };
    Ok(if flat.sensitive { list.sensitive() } else { list })
}

/// What `flatten` has collected.
#[derive(Default)]
struct Flat {
    items: Vec<Value>,
    unknown: bool,
    sensitive: bool,
}

impl Flat {
    fn add(&mut self, item: &Value) {
        let (bare, marked) = item.unmark();
        if *bare == Value::Unknown {
            self.unknown = true;
            self.sensitive |= marked;
        } else if let Some(inner) = elements(bare) {
            self.sensitive |= marked;
            for item in inner {
                self.add(item);
            }
        } else {
            self.items.push(item.clone());
        }
    }
}

fn index(arguments: &Arguments) -> Outcome {
    let Value::List(items) = arguments.value(0) else {
        return Err(FunctionError::at(0, "argument must be a list or tuple"));
    };
    if items.is_empty() {
        return Err(FunctionError::at(0, "cannot search an empty list"));
    }
    let place = items.iter().position(|item| item == arguments.value(1));
    place.map(count).ok_or_else(|| FunctionError::at(1, "item not found"))
}

fn length(arguments: &Arguments) -> Outcome {
    match arguments.value(0) {
        Value::String(text) => Ok(count(text.graphemes(true).count())),
        Value::Map(entries) => Ok(count(entries.len())),
        other => match elements(other) {
            Some(items) => Ok(count(items.len())),
            None => Err(FunctionError::at(0, "argument must be a string, a collection type, or a structural type")),
        },
    }
}

fn matchkeys(arguments: &Arguments) -> Outcome {
    let (values, keys) = (arguments.list(0), arguments.list(1));
    if values.len() != keys.len() {
        return Err(FunctionError::at(1, "length of keys and values should be equal"));
    }
    let both = unify_values(&[arguments.value(1).clone(), arguments.value(2).clone()])
        .ok_or_else(|| FunctionError::at(2, "keys and searchset must be of the same type"))?;
    let (Some(keys), Some(wanted)) = (elements(&both[0]), elements(&both[1])) else { return Ok(Value::Unknown) };
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    let chosen = values.iter().zip(keys).filter(|(_, key)| wanted.contains(key));
    Ok(Value::list(chosen.map(|(value, _)| value.clone()).collect()))
}

fn one(arguments: &Arguments) -> Outcome {
    match elements(arguments.value(0)).as_deref() {
        Some([]) => Ok(Value::Null),
        Some([only]) => Ok((*only).clone()),
        _ => Err(FunctionError::at(0, "must be a list, set, or tuple value with either zero or one elements")),
    }
}

/// How many numbers `range` makes, as in Terraform.
const MAX_RANGE: usize = 1024;

fn range(arguments: &Arguments) -> Outcome {
    let (zero, one) = (Number::from(0), Number::from(1));
    let (start, limit, step) = match arguments.rest(0).len() {
        1 => (&zero, arguments.number(0), None),
        2 => (arguments.number(0), arguments.number(1), None),
        3 => (arguments.number(0), arguments.number(1), Some(arguments.number(2))),
        _ => return Err(FunctionError::new("must have one, two, or three arguments")),
    };
    let down = limit < start;
    let step = match step {
        Some(step) if *step == zero && start != limit => return Err(FunctionError::at(2, "step must not be zero")),
        Some(step) if down && *step > zero => {
            return Err(FunctionError::at(2, "end must be greater than start when step is positive"));
        }
        Some(step) if !down && start != limit && *step < zero => {
            return Err(FunctionError::at(2, "end must be less than start when step is negative"));
        }
        Some(step) => step.clone(),
        None if down => Number::new(-one.decimal().into_owned()),
        None => one,
    };
    let (mut numbers, mut next) = (Vec::new(), start.clone());
    while if down { next > *limit } else { next < *limit } {
        if numbers.len() >= MAX_RANGE {
            let message = format!(
                "more than {MAX_RANGE} values were generated; either decrease the difference between start and end or use a smaller step"
            );
            return Err(FunctionError::new(message));
        }
        numbers.push(Value::Number(next.clone()));
        next = Number::new(&*next.decimal() + &*step.decimal());
    }
    Ok(Value::list(numbers))
}

fn reverse(arguments: &Arguments) -> Outcome {
    let items = elements(arguments.value(0)).ok_or_else(|| {
        FunctionError::at(0, format!("can only reverse list or tuple values, not {}", arguments.value(0).type_name()))
    })?;
    Ok(Value::list(items.into_iter().rev().cloned().collect()))
}

fn slice(arguments: &Arguments) -> Outcome {
    let Value::List(items) = arguments.value(0) else {
        let message = format!("must be a list or tuple value, not {}", arguments.value(0).type_name());
        return Err(FunctionError::at(0, message));
    };
    let (start, end) = (arguments.natural(1)?, arguments.natural(2)?);
    if end > items.len() {
        let message = format!("end index must not be greater than the length of the given list ({})", items.len());
        return Err(FunctionError::at(2, message));
    }
    if start > end {
        return Err(FunctionError::at(1, "start index must not be greater than end index"));
    }
    Ok(Value::list(items[start..end].to_vec()))
}

fn sort(arguments: &Arguments) -> Outcome {
    let mut texts = arguments.strings(0)?;
    texts.sort_unstable();
    Ok(Value::list(texts.into_iter().map(Value::string).collect()))
}

/// Returns the elements of a list or set; none where it is neither.
pub(super) fn elements(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::List(items) => Some(items.iter().collect()),
        Value::Set(items) => Some(items.iter().collect()),
        _ => None,
    }
}

fn count(count: usize) -> Value {
    Value::Number(Number::new(u64::try_from(count).unwrap_or(u64::MAX).into()))
}

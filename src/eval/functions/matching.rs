//! Functions that look for patterns in texts.
use regex::{Captures, Regex};

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_ELEMENTS, MAX_TEXT, Outcome, text_too_long, too_many_elements};
use super::pattern::compile;
use super::table::{Function, Parameter, Run};
use crate::model::Value;

const PARAMETERS: &[Parameter] =
    &[Parameter::string("pattern", "a regular expression of RE2"), Parameter::string("string", "where to look")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "regex",
        about: "Returns the first match of a pattern: its text, or its groups as a list or by name.",
        parameters: PARAMETERS,
        rest: None,
        run: Run::Plain(regex),
    },
    Function {
        name: "regexall",
        about: "Returns all matches of a pattern as a list.",
        parameters: PARAMETERS,
        rest: None,
        run: Run::Plain(regexall),
    },
    Function {
        name: "replace",
        about: "Replaces every place of a text, or of a pattern between slashes.",
        parameters: &[
            Parameter::string("str", "any text"),
            Parameter::string("substr", "what to replace; `/…/` is a regular expression of RE2"),
            Parameter::string("replace", "what to put there; `$1` or `${name}` is a group of the pattern"),
        ],
        rest: None,
        run: Run::Plain(replace),
    },
];

fn regex(arguments: &Arguments) -> Outcome {
    let (regex, shape) = pattern(arguments)?;
    let found = regex.captures(arguments.string(1));
    let found = found.ok_or_else(|| FunctionError::new("pattern did not match any part of the given string"))?;
    Ok(shape.value(&regex, &found))
}

fn regexall(arguments: &Arguments) -> Outcome {
    let (regex, shape) = pattern(arguments)?;
    let mut all = Vec::new();
    for found in regex.captures_iter(arguments.string(1)) {
        if all.len() * regex.captures_len() > MAX_ELEMENTS {
            return Err(too_many_elements());
        }
        all.push(shape.value(&regex, &found));
    }
    Ok(Value::list(all))
}

fn pattern(arguments: &Arguments) -> Result<(Regex, Shape), FunctionError> {
    let regex = compile(arguments.string(0)).map_err(|error| FunctionError::at(0, error.to_string()))?;
    let named = regex.capture_names().flatten().count();
    let shape = match (regex.captures_len() - 1, named) {
        (0, _) => Shape::Whole,
        (_, 0) => Shape::Groups,
        (all, named) if all == named => Shape::Names,
        _ => {
            let message = "invalid regexp pattern: cannot mix both named and unnamed capture groups";
            return Err(FunctionError::at(0, message));
        }
    };
    Ok((regex, shape))
}

/// What a match is returned as.
#[derive(Clone, Copy)]
enum Shape {
    Whole,
    Groups,
    Names,
}

impl Shape {
    fn value(self, regex: &Regex, found: &Captures<'_>) -> Value {
        let group = |index| found.get(index).map_or(Value::Null, |group| Value::string(group.as_str()));
        match self {
            Self::Whole => group(0),
            Self::Groups => Value::list((1..found.len()).map(group).collect()),
            Self::Names => {
                let names = regex.capture_names().enumerate();
                Value::map(names.filter_map(|(index, name)| Some((name?, group(index)))))
            }
        }
    }
}

fn replace(arguments: &Arguments) -> Outcome {
    let (text, wanted, with) = (arguments.string(0), arguments.string(1), arguments.string(2));
    if let Some(pattern) = wanted.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        let regex = compile(pattern).map_err(|error| FunctionError::at(1, error.to_string()))?;
        return replace_pattern(text, &regex, with);
    }
    let places = if wanted.is_empty() { text.chars().count() + 1 } else { text.matches(wanted).count() };
    if places.saturating_mul(with.len()) > MAX_TEXT {
        return Err(text_too_long());
    }
    Ok(Value::string(text.replace(wanted, with)))
}

fn replace_pattern(text: &str, regex: &Regex, with: &str) -> Outcome {
    let (mut replaced, mut end) = (String::new(), 0);
    for found in regex.captures_iter(text) {
        let whole = found.get_match();
        replaced.push_str(&text[end..whole.start()]);
        found.expand(with, &mut replaced);
        end = whole.end();
        if replaced.len() > MAX_TEXT {
            return Err(text_too_long());
        }
    }
    replaced.push_str(&text[end..]);
    Ok(Value::string(replaced))
}

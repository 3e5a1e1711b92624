//! Functions on texts.
use unicode_segmentation::UnicodeSegmentation;

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_TEXT, Outcome, text_too_long};
use super::letters::{lower_case, title_case, upper_case};
use super::table::{Accepts, Function, Parameter, Run};
use crate::model::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "chomp",
        about: "Removes newlines at the end.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(chomp),
    },
    Function {
        name: "endswith",
        about: "Tells whether a text ends with another.",
        parameters: &[Parameter::string("str", "any text"), Parameter::string("suffix", "the end to look for")],
        rest: None,
        run: Run::Sure(endswith),
    },
    Function {
        name: "indent",
        about: "Puts spaces before every line but the first.",
        parameters: &[Parameter::number("spaces", "how many"), Parameter::string("str", "any text")],
        rest: None,
        run: Run::Plain(indent),
    },
    Function {
        name: "join",
        about: "Joins texts with a separator between them.",
        parameters: &[Parameter::string("separator", "what goes between")],
        rest: Some(Parameter::new("lists", Accepts::Strings, "lists of texts, at least one")),
        run: Run::Plain(join),
    },
    Function {
        name: "lower",
        about: "Returns the text in lower case.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(lower),
    },
    Function {
        name: "split",
        about: "Cuts a text at every separator.",
        parameters: &[Parameter::string("separator", "where to cut"), Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(split),
    },
    Function {
        name: "startswith",
        about: "Tells whether a text begins with another.",
        parameters: &[Parameter::string("str", "any text"), Parameter::string("prefix", "the beginning to look for")],
        rest: None,
        run: Run::Sure(startswith),
    },
    Function {
        name: "strcontains",
        about: "Tells whether a text holds another.",
        parameters: &[Parameter::string("str", "any text"), Parameter::string("substr", "what to look for")],
        rest: None,
        run: Run::Sure(strcontains),
    },
    Function {
        name: "strrev",
        about: "Returns the characters in reverse order.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(strrev),
    },
    Function {
        name: "substr",
        about: "Returns a part of a text, in characters.",
        parameters: &[
            Parameter::string("str", "any text"),
            Parameter::number("offset", "the first character, from zero; below zero it counts from the end"),
            Parameter::number("length", "how many; -1 takes all"),
        ],
        rest: None,
        run: Run::Plain(substr),
    },
    Function {
        name: "templatestring",
        about: "Renders a template that is held in a text.",
        parameters: &[
            Parameter::any("template", "a reference to the text").raw(),
            Parameter::any("vars", "its variables").raw(),
        ],
        rest: None,
        run: Run::Evaluator,
    },
    Function {
        name: "title",
        about: "Puts the first letter of every word into upper case.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(title),
    },
    Function {
        name: "trim",
        about: "Removes characters of a set from both ends.",
        parameters: &[Parameter::string("str", "any text"), Parameter::string("cutset", "the characters to remove")],
        rest: None,
        run: Run::Sure(trim),
    },
    Function {
        name: "trimprefix",
        about: "Removes a text from the beginning, once.",
        parameters: &[Parameter::string("str", "any text"), Parameter::string("prefix", "what to remove")],
        rest: None,
        run: Run::Sure(trimprefix),
    },
    Function {
        name: "trimspace",
        about: "Removes white space from both ends.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(trimspace),
    },
    Function {
        name: "trimsuffix",
        about: "Removes a text from the end, once.",
        parameters: &[Parameter::string("str", "any text"), Parameter::string("suffix", "what to remove")],
        rest: None,
        run: Run::Sure(trimsuffix),
    },
    Function {
        name: "upper",
        about: "Returns the text in upper case.",
        parameters: &[Parameter::string("str", "any text")],
        rest: None,
        run: Run::Sure(upper),
    },
];

fn chomp(arguments: &Arguments) -> Value {
    Value::string(arguments.string(0).trim_end_matches(['\r', '\n']))
}

fn endswith(arguments: &Arguments) -> Value {
    Value::Bool(arguments.string(0).ends_with(arguments.string(1)))
}

fn indent(arguments: &Arguments) -> Outcome {
    let (spaces, text) = (arguments.natural(0)?, arguments.string(1));
    let newlines = text.matches('\n').count();
    if newlines.saturating_mul(spaces) > MAX_TEXT {
        return Err(text_too_long());
    }
    let between = if newlines == 0 { String::new() } else { format!("\n{}", " ".repeat(spaces)) };
    Ok(Value::string(text.replace('\n', &between)))
}

fn join(arguments: &Arguments) -> Outcome {
    if arguments.rest(1).is_empty() {
        return Err(FunctionError::new("at least one list is required"));
    }
    let (separator, mut joined) = (arguments.string(0), String::new());
    let mut is_first = true;
    for index in 1..=arguments.rest(1).len() {
        for text in arguments.strings(index)? {
            if !is_first {
                joined.push_str(separator);
            }
            is_first = false;
            joined.push_str(text);
            if joined.len() > MAX_TEXT {
                return Err(text_too_long());
            }
        }
    }
    Ok(Value::string(joined))
}

fn lower(arguments: &Arguments) -> Value {
    Value::string(lower_case(arguments.string(0)))
}

fn split(arguments: &Arguments) -> Value {
    let (separator, text) = (arguments.string(0), arguments.string(1));
    let parts = if separator.is_empty() {
        text.chars().map(|character| Value::string(character.to_string())).collect()
    } else {
        text.split(separator).map(Value::string).collect()
    };
    Value::list(parts)
}

fn startswith(arguments: &Arguments) -> Value {
    Value::Bool(arguments.string(0).starts_with(arguments.string(1)))
}

fn strcontains(arguments: &Arguments) -> Value {
    Value::Bool(arguments.string(0).contains(arguments.string(1)))
}

fn strrev(arguments: &Arguments) -> Value {
    Value::string(arguments.string(0).graphemes(true).rev().collect::<String>())
}

fn substr(arguments: &Arguments) -> Outcome {
    let (text, offset, length) = (arguments.string(0), arguments.integer(1)?, arguments.integer(2)?);
    let total = text.graphemes(true).count();
    let start = if offset < 0 {
        total.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(offset).unwrap_or(usize::MAX)
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Value::string(text.graphemes(true).skip(start).take(length).collect::<String>()))
}

fn title(arguments: &Arguments) -> Value {
    Value::string(title_case(arguments.string(0)))
}

fn trim(arguments: &Arguments) -> Value {
    let cutset: Vec<char> = arguments.string(1).chars().collect();
    Value::string(arguments.string(0).trim_matches(cutset.as_slice()))
}

fn trimprefix(arguments: &Arguments) -> Value {
    let (text, prefix) = (arguments.string(0), arguments.string(1));
    Value::string(text.strip_prefix(prefix).unwrap_or(text))
}

fn trimspace(arguments: &Arguments) -> Value {
    Value::string(arguments.string(0).trim())
}

fn trimsuffix(arguments: &Arguments) -> Value {
    let (text, suffix) = (arguments.string(0), arguments.string(1));
    Value::string(text.strip_suffix(suffix).unwrap_or(text))
}

fn upper(arguments: &Arguments) -> Value {
    Value::string(upper_case(arguments.string(0)))
}

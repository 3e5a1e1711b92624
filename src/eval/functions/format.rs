//! Functions that put values into a text at `%` verbs.
use std::collections::BTreeSet;

use bigdecimal::num_bigint::Sign;
use unicode_segmentation::UnicodeSegmentation;

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_TEXT, Outcome, text_too_long};
use super::collection::elements;
use super::decimal::{Digits, whole};
use super::json;
use super::table::{Function, Parameter, Run};
use super::verb::{Item, Verb, parse};
use crate::eval::convert::convert;
use crate::eval::types::Type;
use crate::model::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "format",
        about: "Puts values into a text where it has verbs such as `%s`, `%d`, `%5.2f` or `%v`.",
        parameters: &[Parameter::string("format", "a text with verbs")],
        rest: Some(Parameter::any("args", "one value for each verb").nullable()),
        run: Run::Plain(format_one),
    },
    Function {
        name: "formatlist",
        about: "Formats once for each element of the lists among the arguments.",
        parameters: &[Parameter::string("format", "a text with verbs")],
        rest: Some(Parameter::any("args", "lists of one length, or values for every time").nullable()),
        run: Run::Plain(formatlist),
    },
];

fn format_one(arguments: &Arguments) -> Outcome {
    let values: Vec<_> = arguments.rest(1).iter().collect();
    render(&parse(arguments.string(0))?, &values).map(Value::string)
}

fn formatlist(arguments: &Arguments) -> Outcome {
    let items = parse(arguments.string(0))?;
    let columns: Vec<_> = arguments.rest(1).iter().map(elements).collect();
    let mut lengths = columns.iter().enumerate().filter_map(|(place, column)| Some((place, column.as_ref()?.len())));
    let (first, length) = lengths.next().unwrap_or((0, 1));
    if let Some((place, other)) = lengths.find(|(_, other)| *other != length) {
        let message = format!(
            "argument {} has length {other}, which is inconsistent with argument {} of length {length}",
            place + 1,
            first + 1
        );
        return Err(FunctionError::at(place + 1, message));
    }
    let (mut texts, mut total) = (Vec::new(), 0);
    for row in 0..length {
        let values: Vec<_> = columns
            .iter()
            .zip(arguments.rest(1))
            .map(|(column, value)| column.as_ref().map_or(value, |column| column[row]))
            .collect();
        let text = render(&items, &values)
            .map_err(|error| FunctionError::new(format!("error on format iteration {row}: {}", error.message)))?;
        total += text.len();
        if total > MAX_TEXT {
            return Err(text_too_long());
        }
        texts.push(Value::string(text));
    }
    Ok(Value::list(texts))
}

fn render(items: &[Item<'_>], values: &[&Value]) -> Result<String, FunctionError> {
    let (mut text, mut used) = (String::new(), BTreeSet::new());
    for item in items {
        match item {
            Item::Text(literal) => text.push_str(literal),
            Item::Verb(verb) => {
                used.insert(verb.argument);
                text.push_str(&render_verb(verb, values)?);
            }
        }
        if text.len() > MAX_TEXT {
            return Err(text_too_long());
        }
    }
    match used.last().copied().unwrap_or(0) {
        highest if highest >= values.len() => Ok(text),
        0 => Err(FunctionError::at(1, "too many arguments; no verbs in format string")),
        highest => {
            Err(FunctionError::at(highest + 1, format!("too many arguments; only {highest} used by format string")))
        }
    }
}

fn render_verb(verb: &Verb<'_>, values: &[&Value]) -> Result<String, FunctionError> {
    let Some(value) = values.get(verb.argument - 1) else {
        return Err(FunctionError::new(format!(
            "not enough arguments for \"{}\" at {}: need index {} but have {} total",
            verb.raw,
            verb.offset,
            verb.argument,
            values.len()
        )));
    };
    let unsupported = |why: &str| {
        let message = format!("unsupported value for \"{}\" at {}: {why}", verb.raw, verb.offset);
        FunctionError::at(verb.argument, message)
    };
    if **value == Value::Null && verb.mode != 'v' {
        return Err(unsupported("null value cannot be formatted"));
    }
    let to = |of: &Type| convert(value, of).map_err(|error| unsupported(&error.to_string()));
    match verb.mode {
        'v' => default_form(verb, value),
        't' => Ok(if to(&Type::Bool)? == Value::Bool(true) { "true" } else { "false" }.to_owned()),
        's' | 'q' => Ok(string_form(verb, &text_of(&to(&Type::String)?))),
        'b' | 'd' | 'o' | 'x' | 'X' => {
            let number = number_of(&to(&Type::Number)?);
            integer_form(verb, &number).ok_or_else(|| unsupported("an integer is required"))
        }
        'e' | 'E' | 'f' | 'g' | 'G' => Ok(float_form(verb, &number_of(&to(&Type::Number)?))),
        mode => Err(FunctionError::at(
            0,
            format!("unsupported format verb '{mode}' in \"{}\" at offset {}", verb.raw, verb.offset),
        )),
    }
}

fn text_of(value: &Value) -> String {
    if let Value::String(text) = value { text.to_string() } else { String::new() }
}

fn number_of(value: &Value) -> Number {
    if let Value::Number(number) = value { number.clone() } else { Number::from(0) }
}

/// Texts as they are, numbers in their short form, all else as JSON.
fn default_form(verb: &Verb<'_>, value: &Value) -> Result<String, FunctionError> {
    let text = match value {
        Value::String(text) if !verb.has('#') => text.to_string(),
        Value::Number(number) if !verb.has('#') => {
            format!("{}{}", if is_negative(number) { "-" } else { "" }, general(number, None))
        }
        other => json::encode(other)?,
    };
    Ok(pad_text(verb, text))
}

fn string_form(verb: &Verb<'_>, text: &str) -> String {
    let text: String = match verb.precision {
        None | Some(0) => text.to_owned(),
        Some(precision) => text.graphemes(true).take(precision).collect(),
    };
    pad_text(verb, if verb.mode == 'q' { json::quote(&text) } else { text })
}

fn pad_text(verb: &Verb<'_>, text: String) -> String {
    let missing = verb.width.saturating_sub(text.graphemes(true).count());
    if missing == 0 {
        return text;
    }
    let padding = if verb.has('0') { "0" } else { " " }.repeat(missing);
    if verb.has('-') { text + &padding } else { padding + &text }
}

/// None where the number is not whole.
fn integer_form(verb: &Verb<'_>, number: &Number) -> Option<String> {
    let integer = whole(number)?;
    let (base, prefix) = match verb.mode {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = integer.magnitude().to_str_radix(base);
    if verb.mode == 'X' {
        digits.make_ascii_uppercase();
    }
    if verb.precision == Some(0) && integer.sign() == Sign::NoSign {
        digits.clear();
    }
    let missing = verb.precision.unwrap_or(0).saturating_sub(digits.len());
    let head = format!("{}{}", sign(verb, number), if verb.has('#') { prefix } else { "" });
    let zeros = verb.has('0') && verb.precision.is_none();
    Some(pad_number(verb, &head, &("0".repeat(missing) + &digits), zeros))
}

fn float_form(verb: &Verb<'_>, number: &Number) -> String {
    let precision = verb.precision.unwrap_or(6);
    let digits = match verb.mode {
        'f' => Digits::behind_point(number, precision).fixed(precision),
        'e' | 'E' => Digits::significant(number, precision + 1).scientific(precision),
        _ => general(number, verb.precision),
    };
    let digits = if verb.mode.is_ascii_uppercase() { digits.to_uppercase() } else { digits };
    let sign = sign(verb, number);
    if !verb.has('0') {
        return pad_number(verb, &sign, &digits, false);
    }
    // Other than for whole numbers, zeros win over a dash.
    let missing = verb.width.saturating_sub(sign.len() + digits.len());
    format!("{sign}{}{digits}", "0".repeat(missing))
}

/// Returns the shorter of the two forms, without a sign: plain, or with an exponent where that is large.
fn general(number: &Number, precision: Option<usize>) -> String {
    let digits = match precision {
        None => Digits::all(number),
        Some(precision) => Digits::significant(number, precision.max(1)),
    };
    let count = digits.digits.len().max(1);
    let exponent = if digits.digits.is_empty() { 0 } else { digits.point - 1 };
    let limit = match precision {
        None => 6,
        // Digits that are there anyway are not hidden behind an exponent.
        Some(precision) if precision > count && i64::try_from(count).is_ok_and(|count| count >= digits.point) => count,
        Some(precision) => precision.max(1),
    };
    if exponent < -4 || exponent >= i64::try_from(limit).unwrap_or(i64::MAX) {
        return digits.scientific(count - 1);
    }
    let places = i64::try_from(digits.digits.len()).unwrap_or(i64::MAX) - digits.point;
    digits.fixed(usize::try_from(places).unwrap_or(0))
}

fn sign(verb: &Verb<'_>, number: &Number) -> String {
    let sign = match (is_negative(number), verb.has('+'), verb.has(' ')) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    sign.to_owned()
}

fn is_negative(number: &Number) -> bool {
    number.decimal().sign() == Sign::Minus
}

fn pad_number(verb: &Verb<'_>, head: &str, digits: &str, zeros: bool) -> String {
    let missing = verb.width.saturating_sub(head.len() + digits.len());
    if verb.has('-') {
        format!("{head}{digits}{}", " ".repeat(missing))
    } else if zeros {
        format!("{head}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{head}{digits}", " ".repeat(missing))
    }
}

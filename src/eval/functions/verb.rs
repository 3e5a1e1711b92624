//! The verbs of format texts, such as `%-8.2f` or `%[1]s`.
use super::call::FunctionError;

/// The largest width and precision.
const MAX_WIDTH: usize = 1_000_000;

/// A piece of a format text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    Text(&'a str),
    Verb(Verb<'a>),
}

/// One verb.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verb<'a> {
    pub raw: &'a str,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// The flags of `0#-+ ` as they were written.
    flags: &'a str,
    pub width: usize,
    pub precision: Option<usize>,
    /// Which value it takes, counted from one.
    pub argument: usize,
    pub mode: char,
}

impl Verb<'_> {
    /// Tells whether a flag is there.
    pub(super) fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }
}

/// Reads a format text. Two percent signs stand for one.
pub(super) fn parse(format: &str) -> Result<Vec<Item<'_>>, FunctionError> {
    let (mut items, mut at, mut next) = (Vec::new(), 0, 1);
    while at < format.len() {
        let rest = &format[at..];
        let plain = rest.find('%').unwrap_or(rest.len());
        if plain > 0 {
            items.push(Item::Text(&rest[..plain]));
            at += plain;
        } else if rest.starts_with("%%") {
            items.push(Item::Text("%"));
            at += 2;
        } else {
            let verb = parse_verb(format, at, next)?;
            at += verb.raw.len();
            next = verb.argument + 1;
            items.push(Item::Verb(verb));
        }
    }
    Ok(items)
}

fn parse_verb(format: &str, offset: usize, next: usize) -> Result<Verb<'_>, FunctionError> {
    let mut at = offset + 1;
    let flags = take_while(format, &mut at, |byte| b"0#-+ ".contains(&byte));
    let width = number(format, &mut at, offset)?.unwrap_or(0);
    let mut precision = None;
    if format[at..].starts_with('.') {
        at += 1;
        precision = Some(number(format, &mut at, offset)?.unwrap_or(0));
    }
    let mut argument = next;
    if format[at..].starts_with('[') {
        at += 1;
        if format[at..].starts_with('0') {
            return Err(unrecognized(format, at));
        }
        argument = number(format, &mut at, offset)?.ok_or_else(|| unrecognized(format, at))?;
        if !format[at..].starts_with(']') {
            return Err(unrecognized(format, at));
        }
        at += 1;
    }
    match format[at..].chars().next() {
        Some(mode) if mode.is_ascii_alphabetic() => {
            Ok(Verb { raw: &format[offset..=at], offset, flags, width, precision, argument, mode })
        }
        _ => Err(unrecognized(format, at)),
    }
}

fn take_while<'a>(format: &'a str, at: &mut usize, is_wanted: fn(u8) -> bool) -> &'a str {
    let length = format[*at..].bytes().take_while(|byte| is_wanted(*byte)).count();
    *at += length;
    &format[*at - length..*at]
}

fn number(format: &str, at: &mut usize, offset: usize) -> Result<Option<usize>, FunctionError> {
    let digits = take_while(format, at, |byte| byte.is_ascii_digit());
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(number) if number <= MAX_WIDTH => Ok(Some(number)),
        _ => Err(FunctionError::at(0, format!("the number `{digits}` of the verb at offset {offset} is too large"))),
    }
}

fn unrecognized(format: &str, at: usize) -> FunctionError {
    let message = match format[at..].chars().next() {
        None => format!("invalid format string starting at offset {at}"),
        Some(character) => format!("unrecognized format character '{character}' at offset {at}"),
    };
    FunctionError::at(0, message)
}

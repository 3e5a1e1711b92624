//! Functions on dates and times.
use std::cmp::Ordering;

use jiff::SignedDuration;
use jiff::civil::Weekday;

use super::arguments::Arguments;
use super::call::{Environment, FunctionError, Outcome};
use super::moment::{self, Moment};
use super::table::{Function, Parameter, Run};
use crate::model::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "formatdate",
        about: "Writes a time in a form of one's own, such as `DD MMM YYYY hh:mm ZZZ`.",
        parameters: &[
            Parameter::string("format", "letters for the parts; other texts in single quotes"),
            Parameter::string("time", "a time in RFC 3339"),
        ],
        rest: None,
        run: Run::Plain(formatdate),
    },
    Function {
        name: "plantimestamp",
        about: "Returns when the plan was made, in RFC 3339.",
        parameters: &[],
        rest: None,
        run: Run::SureWithin(plantimestamp),
    },
    Function {
        name: "timeadd",
        about: "Adds a duration to a time.",
        parameters: &[
            Parameter::string("timestamp", "a time in RFC 3339"),
            Parameter::string("duration", "such as `1h30m` or `-5s`"),
        ],
        rest: None,
        run: Run::Plain(timeadd),
    },
    Function {
        name: "timecmp",
        about: "Returns -1, 0 or 1 for a time before, at or after another.",
        parameters: &[
            Parameter::string("timestamp_a", "a time in RFC 3339"),
            Parameter::string("timestamp_b", "a time in RFC 3339"),
        ],
        rest: None,
        run: Run::Plain(timecmp),
    },
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn plantimestamp(_: &Arguments, environment: &Environment<'_>) -> Value {
    Value::string(environment.now)
}

fn timeadd(arguments: &Arguments) -> Outcome {
    let moment = argument(arguments, 0)?;
    let duration = parse_duration(arguments.string(1)).map_err(|message| FunctionError::at(1, message.0))?;
    let later = moment.add(duration).ok_or_else(|| FunctionError::new("the result is past the year 9999"))?;
    Ok(Value::string(later.to_string()))
}

fn timecmp(arguments: &Arguments) -> Outcome {
    let order = match argument(arguments, 0)?.since_epoch().cmp(&argument(arguments, 1)?.since_epoch()) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    };
    Ok(Value::Number(Number::from(order)))
}

fn argument(arguments: &Arguments, index: usize) -> Result<Moment, FunctionError> {
    moment::parse(arguments.string(index)).map_err(|error| FunctionError::at(index, error.to_string()))
}

fn formatdate(arguments: &Arguments) -> Outcome {
    let (mut rest, mut text) = (arguments.string(0), String::new());
    let moment = argument(arguments, 1)?;
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' {
            quoted_length(rest).ok_or_else(|| FunctionError::at(0, "unterminated literal '"))?
        } else {
            rest.find(|character| character != first).unwrap_or(rest.len())
        };
        let token = &rest[..length];
        rest = &rest[length..];
        match first {
            '\'' if token == "''" => text.push('\''),
            '\'' => text.push_str(&token[1..length - 1].replace("''", "'")),
            'a'..='z' | 'A'..='Z' => text.push_str(&part(token, &moment)?),
            _ => text.push_str(token),
        }
    }
    Ok(Value::string(text))
}

/// Returns how long a quoted text is, quotes included; two quotes inside stand for one.
fn quoted_length(text: &str) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find('\'')? + 1;
        if !text[at..].starts_with('\'') {
            return Some(at);
        }
        at += 1;
    }
}

/// Returns the part of the moment that a run of one letter stands for.
fn part(token: &str, moment: &Moment) -> Result<String, FunctionError> {
    let (date, time) = (moment.local.date(), moment.local.time());
    let month = MONTHS[usize::from(date.month().unsigned_abs() - 1)];
    let half_day = if time.hour() < 12 { "am" } else { "pm" };
    let hour = (time.hour() + 11) % 12 + 1;
    Ok(match token {
        "YYYY" => format!("{:04}", date.year()),
        "YY" => format!("{:02}", date.year() % 100),
        "MMMM" => month.to_owned(),
        "MMM" => month[..3].to_owned(),
        "MM" => format!("{:02}", date.month()),
        "M" => date.month().to_string(),
        "DD" => format!("{:02}", date.day()),
        "D" => date.day().to_string(),
        "EEEE" => weekday(date.weekday()).to_owned(),
        "EEE" => weekday(date.weekday())[..3].to_owned(),
        "hh" => format!("{:02}", time.hour()),
        "h" => time.hour().to_string(),
        "HH" => format!("{hour:02}"),
        "H" => hour.to_string(),
        "AA" => half_day.to_uppercase(),
        "aa" => half_day.to_owned(),
        "mm" => format!("{:02}", time.minute()),
        "m" => time.minute().to_string(),
        "ss" => format!("{:02}", time.second()),
        "s" => time.second().to_string(),
        "ZZZ" if moment.offset == 0 => "UTC".to_owned(),
        "Z" if moment.offset == 0 => "Z".to_owned(),
        "ZZZZZ" | "Z" => moment.offset_text(":"),
        "ZZZZ" | "ZZZ" => moment.offset_text(""),
        _ => return Err(FunctionError::at(0, format!("invalid date format verb \"{token}\"{}", forms(token)))),
    })
}

/// Returns which forms of a letter there are, as the end of a message.
fn forms(token: &str) -> &'static str {
    match token.as_bytes().first() {
        Some(b'Y') => ": year must either be \"YY\" or \"YYYY\"",
        Some(b'M') => ": month must be \"M\", \"MM\", \"MMM\", or \"MMMM\"",
        Some(b'D') => ": day of month must either be \"D\" or \"DD\"",
        Some(b'E') => ": day of week must either be \"EEE\" or \"EEEE\"",
        Some(b'h') => ": 24-hour must either be \"h\" or \"hh\"",
        Some(b'H') => ": 12-hour must either be \"H\" or \"HH\"",
        Some(b'A') => ": must be \"AA\"",
        Some(b'a') => ": must be \"aa\"",
        Some(b'm') => ": minute must either be \"m\" or \"mm\"",
        Some(b's') => ": second must either be \"s\" or \"ss\"",
        Some(b'Z') => ": timezone must be Z, ZZZ, ZZZZ, or ZZZZZ",
        _ => "",
    }
}

fn weekday(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// Says why a text is not a duration.
struct DurationError(String);

/// Reads a duration as Go does: signed decimals with units, such as `1h30m`, up to about 292 years.
fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let invalid = || DurationError(format!("invalid duration \"{text}\""));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let (amount, after) = rest.split_at(digits);
        let unit = after.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        if unit.is_empty() {
            return Err(DurationError(format!("missing unit in duration \"{text}\"")));
        }
        let scale = nanoseconds(unit)
            .ok_or_else(|| DurationError(format!("unknown unit \"{unit}\" in duration \"{text}\"")))?;
        total += scaled(amount, scale).ok_or_else(invalid)?;
        rest = after;
    }
    let total = i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())?;
    Ok(SignedDuration::from_nanos(total))
}

fn nanoseconds(unit: &str) -> Option<i128> {
    match unit {
        "ns" => Some(1),
        "us" | "µs" | "μs" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// Multiplies a decimal such as `1.5` with a whole number; what is below one is cut off.
fn scaled(amount: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    if whole.len() > 19 || whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(18)];
    let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i128>().ok() };
    let part = number(fraction)? * scale / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    Some(number(whole)? * scale + part)
}

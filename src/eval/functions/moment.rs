//! A date and time with an offset from UTC, as RFC 3339 writes it.
use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

/// A date and time at an offset; prints without fractions of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub local: DateTime,
    /// East of UTC, in seconds.
    pub offset: i32,
}

/// Says why a text is not a moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid RFC3339 timestamp: {0}")]
pub(super) struct ParseError(pub String);

impl Moment {
    /// Returns the time since the beginning of 1970 in UTC.
    pub(super) fn since_epoch(&self) -> SignedDuration {
        self.local.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0))
            - SignedDuration::from_secs(i64::from(self.offset))
    }

    /// Returns the moment that much later at the same offset; none past the year 9999.
    pub(super) fn add(&self, duration: SignedDuration) -> Option<Self> {
        Some(Self { local: self.local.checked_add(duration).ok()?, offset: self.offset })
    }

    /// Returns the offset as `+hh:mm` with this text between hours and minutes.
    pub(super) fn offset_text(&self, between: &str) -> String {
        let minutes = self.offset.abs() / 60;
        let sign = if self.offset < 0 { '-' } else { '+' };
        format!("{sign}{:02}{between}{:02}", minutes / 60, minutes % 60)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = if self.offset == 0 { "Z".to_owned() } else { self.offset_text(":") };
        let (date, time) = (self.local.date(), self.local.time());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{offset}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

/// Reads a moment such as `2018-01-02T23:12:01.5+02:00`; all parts must be there.
pub(super) fn parse(text: &str) -> Result<Moment, ParseError> {
    let mut reader = Reader { rest: text };
    let year = reader.digits(4, 9999, "year")?;
    reader.take("-", "missing `-` after year")?;
    let month = reader.digits(2, 12, "month")?;
    reader.take("-", "missing `-` after month")?;
    let day = reader.digits(2, 31, "day")?;
    reader.take("T", "missing required time introducer 'T'")?;
    let hour = reader.digits(2, 23, "hour")?;
    reader.take(":", "missing `:` after hour")?;
    let minute = reader.digits(2, 59, "minute")?;
    reader.take(":", "missing `:` after minute")?;
    let second = reader.digits(2, 59, "second")?;
    let nanosecond = reader.fraction()?;
    let offset = reader.offset()?;
    let date = date(year, month, day).ok_or_else(|| ParseError("day out of range".to_owned()))?;
    let time = time(hour, minute, second, nanosecond).ok_or_else(|| ParseError("time out of range".to_owned()))?;
    Ok(Moment { local: date.to_datetime(time), offset })
}

/// Reads what YAML takes for a time: a date alone, or with a time behind `T`, `t` or a space.
pub(super) fn parse_loose(text: &str) -> Option<Moment> {
    if !text.is_ascii() || text.find('-') != Some(4) {
        return None;
    }
    let (day, clock, zoned) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], &text[at + 1..], !text[at..].starts_with(' ')),
        None => (text, "0:0:0Z", true),
    };
    let mut parts = day.split('-').map(short_number);
    let date = date(parts.next()??, parts.next()??, parts.next()??)?;
    if parts.next().is_some() {
        return None;
    }
    let zone = if zoned { clock.find(['Z', '+', '-'])? } else { clock.len() };
    let mut reader = Reader { rest: &clock[zone..] };
    let offset = if zoned { reader.offset().ok()? } else { 0 };
    let (clock, fraction) = clock[..zone].split_once('.').map_or((&clock[..zone], "0"), |parts| parts);
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':').map(short_number);
    let time = time(parts.next()??, parts.next()??, parts.next()??, 0)?;
    if parts.next().is_some() { None } else { Some(Moment { local: date.to_datetime(time), offset }) }
}

fn short_number(text: &str) -> Option<u32> {
    let is_short = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_short { text.parse().ok() } else { None }
}

fn date(year: u32, month: u32, day: u32) -> Option<Date> {
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn time(hour: u32, minute: u32, second: u32, nanosecond: i32) -> Option<Time> {
    Time::new(hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?, nanosecond).ok()
}

/// The part of a timestamp that is still to be read.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn digits(&mut self, count: usize, limit: u32, what: &str) -> Result<u32, ParseError> {
        let digits = self.rest.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse().ok());
        match number {
            _ if self.rest.is_empty() => Err(ParseError(format!("end of string before {what}"))),
            None => Err(ParseError(format!("cannot use \"{}\" as {what}", self.rest))),
            Some(number) if number > limit => {
                Err(ParseError(format!("{what} must be between 0 and {limit} inclusive")))
            }
            Some(number) => {
                self.rest = &self.rest[count..];
                Ok(number)
            }
        }
    }

    fn take(&mut self, expected: &str, error: &str) -> Result<(), ParseError> {
        self.rest = self.rest.strip_prefix(expected).ok_or_else(|| ParseError(error.to_owned()))?;
        Ok(())
    }

    /// Reads `.` and digits, where they are there, as nanoseconds.
    fn fraction(&mut self) -> Result<i32, ParseError> {
        let Some(rest) = self.rest.strip_prefix('.') else { return Ok(0) };
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return Err(ParseError("a fraction of a second must have digits".to_owned()));
        }
        let nanoseconds: String = rest[..length].chars().chain("000000000".chars()).take(9).collect();
        self.rest = &rest[length..];
        Ok(nanoseconds.parse().unwrap_or(0))
    }

    /// Reads `Z` or `±hh:mm` to the end of the text.
    fn offset(&mut self) -> Result<i32, ParseError> {
        let error = ParseError(format!("cannot use \"{}\" as UTC offset", self.rest));
        if self.rest == "Z" {
            return Ok(0);
        }
        let sign = match self.rest.chars().next() {
            None => return Err(ParseError("end of string before UTC offset".to_owned())),
            Some('+') => 1,
            Some('-') => -1,
            Some(_) => return Err(error),
        };
        self.rest = &self.rest[1..];
        let hours = self.digits(2, 23, "hour of UTC offset").map_err(|_| error.clone())?;
        self.take(":", "").map_err(|_| error.clone())?;
        let minutes = self.digits(2, 59, "minute of UTC offset").map_err(|_| error.clone())?;
        let seconds = i32::try_from(hours * 3600 + minutes * 60).map_err(|_| error.clone())?;
        if self.rest.is_empty() { Ok(sign * seconds) } else { Err(error) }
    }
}

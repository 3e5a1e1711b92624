//! Regular expressions in the syntax of RE2, <https://github.com/google/re2/wiki/Syntax>, made ready for ours.
//!
//! Beyond what both share, RE2 has classes such as `\w` in ASCII alone, takes unmatched brackets as they
//! are, and knows neither set operations in classes nor the flag `x`.
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// The largest count in `{n,m}`.
const MAX_REPEAT: u32 = 1000;

/// How long a pattern may be, in bytes.
const MAX_PATTERN: usize = 64 * 1024;

/// Says why a text is not a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid regexp pattern: {0}")]
pub(super) struct PatternError(String);

/// Compiles a pattern in the syntax of RE2.
pub(super) fn compile(pattern: &str) -> Result<Regex, PatternError> {
    if pattern.len() > MAX_PATTERN {
        return Err(PatternError(format!("it is longer than {} KiB", MAX_PATTERN / 1024)));
    }
    let mut translator = Translator { rest: pattern.chars().peekable(), text: pattern, written: String::new() };
    translator.translate()?;
    RegexBuilder::new(&translator.written).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError("it is too large".to_owned()),
        other => PatternError(last_line(&other.to_string())),
    })
}

/// The library draws the pattern first; what is wrong stands in the last line.
fn last_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    text: &'a str,
    written: String,
}

impl Translator<'_> {
    fn translate(&mut self) -> Result<(), PatternError> {
        let mut after_repeat = false;
        while let Some(character) = self.rest.next() {
            let repeats = match character {
                '*' | '+' | '?' => true,
                '{' => self.is_repeat()?,
                _ => false,
            };
            if repeats && after_repeat {
                return Err(PatternError(format!("invalid nested repetition operator in `{}`", self.text)));
            }
            after_repeat = repeats;
            match character {
                _ if repeats => {
                    self.written.push(character);
                    self.finish_repeat(character);
                }
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                '{' | '}' | ']' => self.literal(character),
                other => self.written.push(other),
            }
        }
        Ok(())
    }

    /// Copies the counts of `{n,m}`, and the `?` that makes a repetition short.
    fn finish_repeat(&mut self, first: char) {
        if first == '{' {
            for character in self.rest.by_ref() {
                self.written.push(character);
                if character == '}' {
                    break;
                }
            }
        }
        if self.rest.next_if_eq(&'?').is_some() {
            self.written.push('?');
        }
    }

    /// Tells whether `{` begins a repetition; else it stands for itself.
    fn is_repeat(&self) -> Result<bool, PatternError> {
        let inner: String = self.rest.clone().take_while(|character| *character != '}').take(30).collect();
        if self.rest.clone().nth(inner.chars().count()) != Some('}') {
            return Ok(false);
        }
        let (low, high) = inner.split_once(',').map_or((inner.as_str(), None), |(low, high)| (low, Some(high)));
        let is_count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_count(low) || high.is_some_and(|high| !high.is_empty() && !is_count(high)) {
            return Ok(false);
        }
        let count = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= MAX_REPEAT);
        let fits = match (count(low), high) {
            (Some(_), None | Some("")) => true,
            (Some(low), Some(high)) => count(high).is_some_and(|high| low <= high),
            (None, _) => false,
        };
        if fits { Ok(true) } else { Err(PatternError(format!("invalid repeat count in `{{{inner}}}`"))) }
    }

    fn group(&mut self) -> Result<(), PatternError> {
        self.written.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.written.push('?');
        let mut ahead = self.rest.clone();
        let is_named = match ahead.next() {
            Some('P') => ahead.next() == Some('<'),
            Some('<') => !matches!(ahead.next(), Some('=' | '!')),
            _ => false,
        };
        if is_named {
            return Ok(());
        }
        for character in self.rest.by_ref() {
            match character {
                'i' | 'm' | 's' | 'U' | '-' => self.written.push(character),
                ':' | ')' => {
                    self.written.push(character);
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(PatternError(format!("invalid or unsupported Perl syntax in `{}`", self.text)))
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        match self.rest.peek() {
            Some('Q') => self.quoted(),
            Some('b') => self.replace("(?-u:\\b)"),
            Some('B') => self.replace("(?-u:\\B)"),
            Some('A') => self.replace("\\A"),
            Some('z') => self.replace("\\z"),
            _ => {
                if let Some(class) = self.class_escape()? {
                    self.written.push_str(&class);
                } else {
                    let character = self.character_escape()?;
                    self.literal(character);
                }
            }
        }
        Ok(())
    }

    fn replace(&mut self, written: &str) {
        self.rest.next();
        self.written.push_str(written);
    }

    /// Takes everything up to `\E` as it is.
    fn quoted(&mut self) {
        self.rest.next();
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(character);
        }
    }

    /// Reads `d`, `pL` and the like behind a backslash; nothing where something else is there.
    fn class_escape(&mut self) -> Result<Option<String>, PatternError> {
        let class = match self.rest.peek() {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('s') => "[\\t\\n\\x0C\\r ]",
            Some('S') => "[^\\t\\n\\x0C\\r ]",
            Some('p' | 'P') => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.rest.next();
        Ok(Some(class.to_owned()))
    }

    /// Reads `pL`, `p{Greek}` or `p{^Greek}`.
    fn unicode_class(&mut self) -> Result<String, PatternError> {
        let invalid = || PatternError("invalid character class".to_owned());
        let mut negated = self.rest.next() == Some('P');
        let mut name = match self.rest.next().ok_or_else(invalid)? {
            '{' => self.braced().ok_or_else(invalid)?,
            single => single.to_string(),
        };
        if let Some(positive) = name.strip_prefix('^') {
            negated = !negated;
            name = positive.to_owned();
        }
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || name == "Any" {
            let all = if name == "Any" { "[\\x{0}-\\x{10FFFF}]" } else { return Err(invalid()) };
            return Ok(all.to_owned());
        }
        Ok(format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' }))
    }

    fn braced(&mut self) -> Option<String> {
        let mut inner = String::new();
        for character in self.rest.by_ref() {
            if character == '}' {
                return Some(inner);
            }
            inner.push(character);
        }
        None
    }

    /// Reads what stands for one character behind a backslash.
    fn character_escape(&mut self) -> Result<char, PatternError> {
        let character = self.rest.next().ok_or_else(|| PatternError("trailing backslash at end".to_owned()))?;
        let invalid = || PatternError(format!("invalid escape sequence in `\\{character}`"));
        match character {
            'a' => Ok('\u{7}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'v' => Ok('\u{b}'),
            'x' => self.hexadecimal().ok_or_else(invalid),
            // One digit alone would refer back to a group, which there is not.
            '1'..='7' if !self.rest.peek().is_some_and(|next| ('0'..='7').contains(next)) => Err(invalid()),
            '0'..='7' => {
                let mut code = character.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let digit = self.rest.next_if(|next| ('0'..='7').contains(next)).and_then(|next| next.to_digit(8));
                    code = digit.map_or(code, |digit| code * 8 + digit);
                }
                char::from_u32(code).ok_or_else(invalid)
            }
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(other),
            _ => Err(invalid()),
        }
    }

    fn hexadecimal(&mut self) -> Option<char> {
        let digits = if self.rest.next_if_eq(&'{').is_some() {
            self.braced()?
        } else {
            [self.rest.next()?, self.rest.next()?].iter().collect()
        };
        if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
    }

    /// Reads a class behind its bracket. Every member is written by its number.
    fn class(&mut self) -> Result<(), PatternError> {
        self.written.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.written.push('^');
        }
        let missing = || PatternError("missing closing ]".to_owned());
        let mut is_first = true;
        loop {
            let next = *self.rest.peek().ok_or_else(missing)?;
            if next == ']' && !is_first {
                self.replace("]");
                return Ok(());
            }
            if next != '[' || !self.named_class() {
                self.member()?;
            }
            is_first = false;
        }
    }

    /// Copies `[:alpha:]` or `[:^alpha:]`, where that comes.
    fn named_class(&mut self) -> bool {
        let ahead: String = self.rest.clone().take(12).collect();
        let Some(end) = ahead.find(":]").filter(|_| ahead.starts_with("[:")) else { return false };
        let name = ahead[2..end].trim_start_matches('^');
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return false;
        }
        self.written.push_str(&ahead[..end + 2]);
        self.rest.nth(end + 1);
        true
    }

    /// Reads one character, one range or one escaped class inside a class.
    fn member(&mut self) -> Result<(), PatternError> {
        let mut ahead = self.rest.clone();
        if ahead.next() == Some('\\') && matches!(ahead.peek(), Some('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'p' | 'P')) {
            self.rest.next();
            if let Some(class) = self.class_escape()? {
                self.written.push_str(&class);
            }
            return Ok(());
        }
        let low = self.class_character()?;
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
        let high = if is_range {
            self.rest.next();
            self.class_character()?
        } else {
            low
        };
        if high < low {
            return Err(PatternError(format!("invalid character class range in `{low}-{high}`")));
        }
        write!(self.written, "\\x{{{:X}}}-\\x{{{:X}}}", u32::from(low), u32::from(high))
            .expect("writing to a String cannot fail");
        Ok(())
    }

    fn class_character(&mut self) -> Result<char, PatternError> {
        match self.rest.next() {
            Some('\\') => self.character_escape(),
            Some(character) => Ok(character),
            None => Err(PatternError("missing closing ]".to_owned())),
        }
    }

    fn literal(&mut self, character: char) {
        self.written.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: Option<&str>) {
        let regex = compile(pattern).unwrap();
        assert_eq!(regex.find(text).map(|found| found.as_str()), expected, "{pattern}");
    }

    #[test]
    fn classes_are_of_ascii() {
        check(r"\w+", "éa", Some("a"));
        check(r"\bé", "é", None);
        check(r"\Bé", "é", Some("é"));
        check(r"[^\w]", "é", Some("é"));
        check(r"\s+", "\u{a0} ", Some(" "));
        check(r"\p{^Greek}+", "αβx", Some("x"));
    }

    #[test]
    fn brackets_stand_for_themselves_where_they_cannot_mean_more() {
        check("[a&&b]+", "a&b", Some("a&b"));
        check("[[a]+", "[a", Some("[a"));
        check("[]a]+", "]a", Some("]a"));
        check("[^]a]+", "b]", Some("b"));
        check("a{,2}", "a{,2}", Some("a{,2}"));
        check("}]{", "}]{", Some("}]{"));
        check(r"[\d-x]+", "1-x", Some("1-x"));
        check("[[:alpha:]0]+", "éa0", Some("a0"));
    }

    #[test]
    fn what_re2_does_not_know_is_an_error() {
        for pattern in
            ["(?=a)", r"\1", "a**", "a++", "[z-a]", "(?x) a", r"\Z", r"\é", "a{2,1}", "a{1001}", "(", "[a", "\\"]
        {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_grows_is_an_error() {
        compile("((a{1000}){1000}){1000}").unwrap_err();
        compile(&"(".repeat(50_000)).unwrap_err();
    }
}

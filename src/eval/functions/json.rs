//! Values as JSON text and back, numbers with all their digits.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::call::{FunctionError, MAX_TEXT, text_too_long};
use crate::eval::number;
use crate::model::{Value, composed};

/// How deep JSON text may be nested.
const MAX_DEPTH: usize = 128;

/// Returns the value as JSON on one line, with `<`, `>` and `&` escaped. It must be known and bare.
pub(super) fn encode(value: &Value) -> Result<String, FunctionError> {
    let mut text = String::new();
    write_value(value, &mut text)?;
    Ok(text)
}

/// Returns the text as a JSON string, with its quotes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    write_string(text, &mut quoted);
    quoted
}

/// Reads one JSON value.
pub(super) fn decode(text: &str) -> Result<Value, FunctionError> {
    let mut decoder = Decoder { text, at: 0 };
    let value = decoder.value(0)?;
    decoder.skip_space();
    if decoder.at < text.len() { Err(decoder.error("there is more text after the value")) } else { Ok(value) }
}

fn write_value(value: &Value, text: &mut String) -> Result<(), FunctionError> {
    if text.len() > MAX_TEXT {
        return Err(text_too_long());
    }
    match value {
        Value::Null | Value::Unknown => text.push_str("null"),
        Value::Bool(bool) => text.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => write_string(string, text),
        Value::List(items) => write_items(items.iter(), text)?,
        Value::Set(items) => write_items(items.iter(), text)?,
        Value::Map(entries) => write_entries(entries.iter().map(|(name, value)| (&**name, value)), text)?,
        Value::Resource(exports) => write_entries(exports.values.iter().map(|(name, value)| (&**name, value)), text)?,
        Value::Sensitive(inner) => write_value(inner, text)?,
    }
    Ok(())
}

fn write_items<'a>(items: impl Iterator<Item = &'a Value>, text: &mut String) -> Result<(), FunctionError> {
    text.push('[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_value(item, text)?;
    }
    text.push(']');
    Ok(())
}

fn write_entries<'a>(
    entries: impl Iterator<Item = (&'a str, &'a Value)>,
    text: &mut String,
) -> Result<(), FunctionError> {
    text.push('{');
    for (place, (name, value)) in entries.enumerate() {
        if place > 0 {
            text.push(',');
        }
        write_string(name, text);
        text.push(':');
        write_value(value, text)?;
    }
    text.push('}');
    Ok(())
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(text, "\\u{:04x}", u32::from(character)).expect("writing to a String cannot fail");
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// A JSON text being read.
struct Decoder<'a> {
    text: &'a str,
    at: usize,
}

impl Decoder<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, FunctionError> {
        if depth > MAX_DEPTH {
            return Err(self.error("the value is nested too deep"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::string),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.error("a value must begin here")),
            None => Err(self.error("the text ends too soon")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, FunctionError> {
        self.at += 1;
        let mut entries = BTreeMap::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Map(Arc::new(entries)));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a name in double quotes must be here"));
            }
            let name = self.string()?;
            self.skip_space();
            self.expect(b':')?;
            entries.insert(Arc::from(composed(&name)), self.value(depth + 1)?);
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Map(Arc::new(entries)));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, FunctionError> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::list(items));
            }
            self.expect(b',')?;
        }
    }

    fn number(&mut self) -> Result<Value, FunctionError> {
        let start = self.at;
        self.take(b'-');
        // No digit may follow a leading zero.
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.error("a digit must be here"));
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(self.error("a digit must be here"));
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.error("a digit must be here"));
            }
        }
        let number =
            number::parse(&self.text[start..self.at]).ok_or_else(|| self.error("the number is out of range"))?;
        Ok(Value::Number(number))
    }

    fn string(&mut self) -> Result<String, FunctionError> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|character| matches!(character, '"' | '\\' | '\0'..='\u{1f}'));
            let plain = plain.ok_or_else(|| self.error("the text ends too soon"))?;
            string.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                _ => return Err(self.error("a control character must be escaped")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, FunctionError> {
        let kind = self.text.as_bytes().get(self.at + 1).copied();
        let character = match kind {
            Some(b'u') => return self.unicode(),
            Some(kind @ (b'"' | b'\\' | b'/')) => char::from(kind),
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            _ => return Err(self.error("the escape sequence is not known")),
        };
        self.at += 2;
        Ok(character)
    }

    /// Reads `\uXXXX`, or two of them that are the halves of one character; a lone half is replaced.
    fn unicode(&mut self) -> Result<char, FunctionError> {
        let first = self.hex()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        let before = self.at;
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, FunctionError> {
        let digits = self
            .text
            .get(self.at + 2..self.at + 6)
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.error("four hexadecimal digits must follow `\\u`"))?;
        self.at += 6;
        Ok(code)
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, FunctionError> {
        if !self.text[self.at..].starts_with(word) {
            // A word that is cut off is blamed on the end of the text.
            let is_cut_off = word.starts_with(&self.text[self.at..]);
            self.at = if is_cut_off { self.text.len() } else { self.at };
            return Err(self.error("a value must begin here"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), FunctionError> {
        if self.take(byte) { Ok(()) } else { Err(self.error(&format!("`{}` must be here", char::from(byte)))) }
    }

    fn error(&self, what: &str) -> FunctionError {
        let line = self.text.get(..self.at).map_or(0, |before| before.matches('\n').count()) + 1;
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(character) => format!("invalid character '{character}'"),
            None => "unexpected EOF".to_owned(),
        };
        FunctionError::at(0, format!("not valid JSON: {found} in line {line}: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_text_is_refused() {
        assert!(decode(&"[".repeat(100_000)).unwrap_err().message.contains("nested too deep"));
    }

    #[test]
    fn halves_of_characters_meet() {
        assert_eq!(decode(r#""\ud83d\ude00\ud83dx\u0041""#), Ok(Value::string("😀\u{FFFD}xA")));
    }
}

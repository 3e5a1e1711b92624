//! JSON text into nodes with their places. What is no JSON is said where it stands.
use std::ops::Range;

use super::super::lower::Shift;
use crate::model::{Diagnostic, FileId, Span};

/// How deep arrays and objects may stand in one another, as in the other syntax.
const MAX_DEPTH: usize = 64;

/// A part of the text.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Node {
    pub place: Range<usize>,
    pub form: NodeForm,
}

/// What a part of the text is.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum NodeForm {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(Quoted),
    Array(Vec<Node>),
    /// In the order of the text; names may be repeated.
    Object(Vec<(Quoted, Node)>),
}

/// A text without quotes and escapes, and where its parts come from.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Quoted {
    pub text: String,
    /// The whole of it, quotes included.
    pub place: Range<usize>,
    pub shifts: Vec<Shift>,
}

/// Makes places of offsets.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Place(pub FileId);

impl Place {
    /// Returns the place of a stretch of the text.
    pub(in crate::config) fn of(self, range: &Range<usize>) -> Span {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file: self.0, start: narrow(range.start), end: narrow(range.end) }
    }
}

/// Reads a JSON text.
pub(in crate::config) fn read(text: &str, file: FileId) -> Result<Node, Box<Diagnostic>> {
    let mut reader = Reader { text, at: 0, file };
    let node = reader.value(0)?;
    reader.skip_white_space();
    if reader.at < text.len() { Err(reader.unexpected("the end of the file")) } else { Ok(node) }
}

type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    file: FileId,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_white_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Takes a character, if it is the next one.
    fn takes(&mut self, character: char) -> bool {
        self.skip_white_space();
        let is_next = self.rest().starts_with(character);
        self.at += if is_next { character.len_utf8() } else { 0 };
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Node> {
        self.skip_white_space();
        let start = self.at;
        let form = match self.rest().chars().next() {
            Some('{' | '[') if depth == MAX_DEPTH => {
                let message = format!("this is nested more than {MAX_DEPTH} levels deep, which is the limit");
                return Err(self.error(message, start..start + 1));
            }
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"') => NodeForm::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node { place: start..self.at, form })
    }

    fn object(&mut self, depth: usize) -> Result<NodeForm> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.takes('}') {
            return Ok(NodeForm::Object(entries));
        }
        loop {
            self.skip_white_space();
            if !self.rest().starts_with('"') {
                return Err(self.unexpected("a name in double quotes"));
            }
            let name = self.string()?;
            if !self.takes(':') {
                return Err(self.unexpected("`:` and a value"));
            }
            entries.push((name, self.value(depth + 1)?));
            if self.takes('}') {
                return Ok(NodeForm::Object(entries));
            }
            if !self.takes(',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<NodeForm> {
        self.at += 1;
        let mut items = Vec::new();
        if self.takes(']') {
            return Ok(NodeForm::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.takes(']') {
                return Ok(NodeForm::Array(items));
            }
            if !self.takes(',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn word(&mut self) -> Result<NodeForm> {
        let rest = self.rest();
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let form = match &rest[..end] {
            "null" => NodeForm::Null,
            "true" => NodeForm::Bool(true),
            "false" => NodeForm::Bool(false),
            _ => return Err(self.unexpected("a value")),
        };
        self.at += end;
        Ok(form)
    }

    fn number(&mut self) -> Result<NodeForm> {
        let rest = self.rest();
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let text = &rest[..end];
        // The rules of JSON (no leading zero, digits on both sides of the point) are serde's.
        if serde_json::from_str::<serde_json::Number>(text).is_err() {
            return Err(self.error(format!("`{text}` is not a number in JSON"), self.at..self.at + end));
        }
        self.at += end;
        Ok(NodeForm::Number(text.to_owned()))
    }

    fn string(&mut self) -> Result<Quoted> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        let mut shifts = vec![Shift { start: 0, origin: self.at }];
        loop {
            let rest = self.rest();
            let end = rest.find(|c: char| c == '"' || c == '\\' || c.is_control() && c < ' ').unwrap_or(rest.len());
            text.push_str(&rest[..end]);
            self.at += end;
            match self.rest().chars().next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(Quoted { text, place: start..self.at, shifts });
                }
                Some('\\') => {
                    text.push(self.escape()?);
                    shifts.push(Shift { start: text.len(), origin: self.at });
                }
                Some('\n' | '\r') | None => {
                    return Err(self.error("the text is not closed before the end of its line", start..self.at));
                }
                Some(_) => {
                    let message = "a control character stands in a text";
                    let hint = "write it as an escape, such as `\\t`";
                    return Err(Box::new(self.error(message, self.at..self.at + 1).hint(hint)));
                }
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        let mut characters = self.rest().chars().skip(1);
        let character = match characters.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(plain @ ('"' | '\\' | '/')) => plain,
            Some('u') => return self.unicode(),
            other => {
                let length = other.map_or(0, char::len_utf8);
                return Err(self.error("JSON has no such escape", start..start + 1 + length));
            }
        };
        self.at += 2;
        Ok(character)
    }

    /// Reads `\uXXXX`, or a pair of them for what needs two.
    fn unicode(&mut self) -> Result<char> {
        let start = self.at;
        let first = self.unit();
        let code = match first {
            Some(high @ 0xD800..=0xDBFF) => match self.unit() {
                Some(low @ 0xDC00..=0xDFFF) => Some(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)),
                _ => None,
            },
            other => other,
        };
        let end = self.text.ceil_char_boundary((start + 6).min(self.text.len()));
        code.and_then(char::from_u32).ok_or_else(|| self.error("this escape is no character", start..end))
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
        let unit = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        self.at += 6;
        Some(unit)
    }

    fn error(&self, message: impl Into<String>, range: Range<usize>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(message).at(Place(self.file).of(&range)))
    }

    fn unexpected(&self, wanted: &str) -> Box<Diagnostic> {
        let found = self.rest().chars().next();
        let length = found.map_or(0, char::len_utf8);
        let message = match found {
            Some(found) if found.is_control() => {
                format!("this is not JSON: `{}` stands where {wanted} should", found.escape_debug())
            }
            Some(found) => format!("this is not JSON: `{found}` stands where {wanted} should"),
            None => format!("this is not JSON: it ends where {wanted} should stand"),
        };
        let diagnostic = self.error(message, self.at..self.at + length);
        match found {
            Some('}' | ']') => Box::new(diagnostic.hint("JSON has no `,` behind the last part")),
            Some('/' | '#') => Box::new(diagnostic.hint("a comment in JSON is a member: `\"//\": \"…\"`")),
            Some('\'') => Box::new(diagnostic.hint("texts stand in double quotes")),
            _ => diagnostic,
        }
    }
}

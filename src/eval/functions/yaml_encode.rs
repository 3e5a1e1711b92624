//! Values as YAML text, laid out as libyaml does: texts quoted, several lines as a literal block.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::call::{FunctionError, MAX_TEXT, text_too_long};
use crate::model::Value;

/// Past this column a quoted text is folded at the next space.
const WIDTH: usize = 80;

/// Longer keys, in bytes, stand behind a question mark.
const MAX_SIMPLE_KEY: usize = 128;

/// How far a level is indented.
const STEP: usize = 2;

/// Returns the value as one YAML document. It must be known and bare.
pub(super) fn encode(value: &Value) -> Result<String, FunctionError> {
    let mut emitter = Emitter { text: String::new(), column: 0, indent: None, after_space: true, fresh: true };
    emitter.node(value, Place::Item)?;
    emitter.indent();
    // A plain text at the root has no end of its own.
    if matches!(value, Value::Null | Value::Bool(_) | Value::Number(_)) {
        emitter.text.push_str("...\n");
    }
    Ok(emitter.text)
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the root, or behind a dash.
    Item,
    /// Behind a colon.
    Entry,
    /// Before a colon, on the same line.
    SimpleKey,
}

/// A YAML text being written.
struct Emitter {
    text: String,
    column: usize,
    /// None outside of any block.
    indent: Option<usize>,
    /// Whether the last character separates tokens.
    after_space: bool,
    /// Whether the line holds only indentation and indicators so far.
    fresh: bool,
}

impl Emitter {
    fn node(&mut self, value: &Value, place: Place) -> Result<(), FunctionError> {
        if self.text.len() > MAX_TEXT {
            return Err(text_too_long());
        }
        match value {
            Value::Null | Value::Unknown => self.plain("null"),
            Value::Bool(bool) => self.plain(if *bool { "true" } else { "false" }),
            Value::Number(number) => self.plain(&number.to_string()),
            Value::String(text) => self.string(text, place),
            Value::List(items) => self.sequence(items.iter(), place)?,
            Value::Set(items) => self.sequence(items.iter(), place)?,
            Value::Map(entries) => self.mapping(entries)?,
            Value::Resource(exports) => {
                let entries = exports.values.iter().map(|(name, value)| (Arc::from(name.as_str()), value.clone()));
                self.mapping(&entries.collect())?;
            }
            Value::Sensitive(inner) => self.node(inner, place)?,
        }
        Ok(())
    }

    fn sequence<'a>(
        &mut self,
        items: impl ExactSizeIterator<Item = &'a Value>,
        place: Place,
    ) -> Result<(), FunctionError> {
        if items.len() == 0 {
            self.indicator("[]", true, false);
            return Ok(());
        }
        let outer = self.indent;
        // The dashes of a list stand below the key that it belongs to.
        let stays = place == Place::Entry && !self.fresh;
        self.indent = Some(outer.map_or(0, |indent| if stays { indent } else { indent + STEP }));
        for item in items {
            self.indent();
            self.indicator("-", true, true);
            self.node(item, Place::Item)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn mapping(&mut self, entries: &BTreeMap<Arc<str>, Value>) -> Result<(), FunctionError> {
        if entries.is_empty() {
            self.indicator("{}", true, false);
            return Ok(());
        }
        let outer = self.indent;
        self.indent = Some(outer.map_or(0, |indent| indent + STEP));
        for (name, value) in entries {
            self.indent();
            if name.len() <= MAX_SIMPLE_KEY && !name.contains(is_break) {
                self.string(name, Place::SimpleKey);
                self.indicator(":", false, false);
            } else {
                self.indicator("?", true, true);
                self.string(name, Place::Entry);
                self.indent();
                self.indicator(":", true, true);
            }
            self.node(value, Place::Entry)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn plain(&mut self, text: &str) {
        self.indicator(text, true, false);
    }

    fn string(&mut self, text: &str, place: Place) {
        let outer = self.indent;
        self.indent = Some(outer.map_or(STEP, |indent| indent + STEP));
        if place != Place::SimpleKey && text.contains('\n') && may_be_block(text) {
            self.literal(text);
        } else {
            self.quoted(text, place != Place::SimpleKey);
        }
        self.indent = outer;
    }

    fn quoted(&mut self, text: &str, may_fold: bool) {
        self.indicator("\"", true, false);
        let (mut first, mut after_space) = (true, false);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            if character == ' ' {
                let folds = may_fold && !after_space && self.column > WIDTH && !first && characters.peek().is_some();
                if folds {
                    self.indent();
                    if characters.peek() == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.escaped(character);
                after_space = false;
            }
            first = false;
        }
        self.indicator("\"", false, false);
    }

    fn escaped(&mut self, character: char) {
        if is_printable(character) && !is_break(character) && character != '"' && character != '\\' {
            self.put(character);
            return;
        }
        let mut escape = String::from("\\");
        let code = u32::from(character);
        let short = match character {
            '\0' => Some('0'),
            '\u{7}' => Some('a'),
            '\u{8}' => Some('b'),
            '\t' => Some('t'),
            '\n' => Some('n'),
            '\u{b}' => Some('v'),
            '\u{c}' => Some('f'),
            '\r' => Some('r'),
            '\u{1b}' => Some('e'),
            '"' | '\\' => Some(character),
            '\u{85}' => Some('N'),
            '\u{2028}' => Some('L'),
            '\u{2029}' => Some('P'),
            _ => None,
        };
        match (short, code) {
            (Some(short), _) => escape.push(short),
            (None, 0..=0xFF) => write!(escape, "x{code:02X}").expect("writing to a String cannot fail"),
            (None, 0..=0xFFFF) => write!(escape, "u{code:04X}").expect("writing to a String cannot fail"),
            (None, _) => write!(escape, "U{code:08X}").expect("writing to a String cannot fail"),
        }
        escape.chars().for_each(|character| self.put(character));
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false);
        if text.starts_with(|character| character == ' ' || is_break(character)) {
            self.indicator(&STEP.to_string(), false, false);
        }
        let mut from_end = text.chars().rev();
        let (last, before) = (from_end.next(), from_end.next());
        if !last.is_some_and(is_break) {
            self.indicator("-", false, false);
        } else if before.is_none_or(is_break) {
            self.indicator("+", false, false);
        }
        self.line_feed();
        (self.fresh, self.after_space) = (true, true);
        let mut after_break = true;
        for character in text.chars() {
            if is_break(character) {
                self.text.push(character);
                self.column = 0;
                self.fresh = true;
                after_break = true;
            } else {
                if after_break {
                    self.indent();
                }
                self.put(character);
                self.fresh = false;
                after_break = false;
            }
        }
    }

    /// Goes to the indentation of the block, on a new line where this one is in use.
    fn indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.fresh || self.column > indent || (self.column == indent && !self.after_space) {
            self.line_feed();
        }
        while self.column < indent {
            self.put(' ');
        }
        (self.after_space, self.fresh) = (true, true);
    }

    fn indicator(&mut self, indicator: &str, needs_space: bool, keeps_fresh: bool) {
        if needs_space && !self.after_space {
            self.put(' ');
        }
        indicator.chars().for_each(|character| self.put(character));
        self.after_space = false;
        self.fresh &= keeps_fresh;
    }

    fn put(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    fn line_feed(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }
}

/// Tells whether the text survives as a literal block.
fn may_be_block(text: &str) -> bool {
    let mut after_space = false;
    for character in text.chars() {
        if is_break(character) && after_space || !is_printable(character) {
            return false;
        }
        after_space = character == ' ';
    }
    !after_space
}

fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') && character != '\u{FEFF}'
}

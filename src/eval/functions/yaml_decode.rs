//! YAML text into values, with the plain texts that Terraform takes for numbers, bools, null and times.
use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::call::FunctionError;
use super::moment;
use crate::eval::inspect::inspect;
use crate::eval::number;
use crate::model::{Number, Value};

/// The tags of single values.
const SCALARS: [&str; 7] = ["binary", "bool", "float", "int", "null", "str", "timestamp"];

/// How deep YAML text may be nested.
const MAX_DEPTH: usize = 128;

/// Reads a text of exactly one document.
pub(super) fn decode(text: &str) -> Result<Value, FunctionError> {
    let mut documents = decode_all(text)?;
    match documents.len() {
        0 => Err(FunctionError::at(0, "not valid YAML: missing start of document")),
        1 => Ok(documents.remove(0)),
        _ => Err(FunctionError::at(0, "unexpected extra content: there is more than one document")),
    }
}

/// Reads all documents of a text.
pub(super) fn decode_all(text: &str) -> Result<Vec<Value>, FunctionError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
    let mut decoder = Decoder { parser: Parser::new_from_str_with_options(text, options), anchors: BTreeMap::new() };
    let mut documents = Vec::new();
    loop {
        match decoder.next()? {
            Event::StreamEnd => break,
            Event::DocumentStart(..) => {
                decoder.anchors.clear();
                let event = decoder.next()?;
                documents.push(decoder.node(event, 0)?);
            }
            _ => {}
        }
    }
    for document in &documents {
        inspect(document).map_err(|error| FunctionError::at(0, error.to_string()))?;
    }
    Ok(documents)
}

/// A YAML text being read.
struct Decoder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Value>,
}

impl<'a> Decoder<'a> {
    /// Returns the next event that is not a comment.
    fn next(&mut self) -> Result<Event<'a>, FunctionError> {
        loop {
            match self.parser.next_event() {
                None => return Ok(Event::StreamEnd),
                Some(Err(error)) => return Err(FunctionError::at(0, format!("not valid YAML: {error}"))),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, _))) => return Ok(event),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Value, FunctionError> {
        if depth > MAX_DEPTH {
            return Err(FunctionError::at(0, "the YAML text is nested too deep"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => (anchor, scalar(&text, style, tag.as_deref())?),
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", "sequence")?;
                (anchor, self.sequence(depth)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", "mapping")?;
                (anchor, self.mapping(depth)?)
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned();
                let value = value
                    .ok_or_else(|| FunctionError::at(0, "cannot refer to an anchor from inside its own definition"))?;
                (0, value)
            }
            _ => return Err(FunctionError::at(0, "not valid YAML: a value is missing")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, FunctionError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::list(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, FunctionError> {
        let mut entries = BTreeMap::new();
        loop {
            let name = match self.next()? {
                Event::MappingEnd => return Ok(Value::Map(Arc::new(entries))),
                event => key(&self.node(event, depth + 1)?)?,
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            if &*name != "<<" {
                entries.insert(name, value);
            } else if let Value::Map(merged) = value {
                entries.extend(merged.iter().map(|(name, value)| (name.clone(), value.clone())));
            } else {
                return Err(FunctionError::at(0, format!("cannot merge {} into mapping", value.type_name())));
            }
        }
    }
}

/// Keys are texts; what is read as a number or bool becomes the text of it.
fn key(value: &Value) -> Result<Arc<str>, FunctionError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(Arc::from(number.to_string())),
        Value::Bool(bool) => Ok(Arc::from(bool.to_string())),
        Value::Null => Err(FunctionError::at(0, "mapping key cannot be null")),
        _ => Err(FunctionError::at(0, "only strings are allowed as mapping keys")),
    }
}

fn check_tag(tag: Option<&Tag>, expected: &str, what: &str) -> Result<(), FunctionError> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.core_suffix() == Some(expected) => Ok(()),
        Some(tag) => Err(FunctionError::at(0, format!("cannot interpret a {what} as `{}`", tag.original()))),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, FunctionError> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(text) } else { Ok(Value::string(text)) };
    };
    let kind = tag.suffix_in_namespace("tag:yaml.org,2002:").filter(|kind| SCALARS.contains(&kind.as_ref()));
    let kind = kind.ok_or_else(|| FunctionError::at(0, format!("unsupported tag `{}`", tag.original())))?;
    if style != ScalarStyle::Plain || kind == "str" || kind == "binary" {
        return Ok(Value::string(text));
    }
    let value = match kind.as_ref() {
        "null" => return Ok(Value::Null),
        "bool" => bool_word(text).map(Value::Bool),
        "timestamp" => moment::parse_loose(text).map(|moment| Value::string(moment.to_string())),
        _ => plain_number(text),
    };
    value.ok_or_else(|| FunctionError::at(0, format!("cannot parse \"{text}\" as `{}`", tag.original())))
}

fn plain(text: &str) -> Result<Value, FunctionError> {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Ok(Value::Null);
    }
    if let Some(bool) = bool_word(text) {
        return Ok(Value::Bool(bool));
    }
    if matches!(text.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(FunctionError::at(0, format!("the floating point number `{text}` is not supported")));
    }
    if let Some(number) = plain_number(text) {
        return Ok(number);
    }
    if let Some(moment) = moment::parse_loose(text) {
        return Ok(Value::string(moment.to_string()));
    }
    Ok(Value::string(text))
}

fn bool_word(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Reads decimal numbers, and `0x` and `0o` without a sign. A leading zero alone means nothing.
fn plain_number(text: &str) -> Option<Value> {
    let based = [("0x", 16), ("0o", 8)].into_iter().find_map(|(prefix, base)| Some((text.strip_prefix(prefix)?, base)));
    let number = match based {
        Some((digits, base)) if digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Number::new(u64::from_str_radix(digits, base).ok()?.into())
        }
        _ => number::parse(text)?,
    };
    Some(Value::Number(number))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn deep_text_is_refused() {
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
            decode(&text).unwrap_err();
        }
    }

    #[test]
    fn aliases_that_multiply_are_refused() {
        let mut text = String::from("a0: &a0 [x]\n");
        for level in 1..30 {
            let before = level - 1;
            writeln!(text, "a{level}: &a{level} [*a{before}, *a{before}]").unwrap();
        }
        assert!(decode(&text).unwrap_err().message.contains("parts"));
    }

    #[test]
    fn an_anchor_is_not_inside_itself() {
        assert!(decode("x: &a [*a]").unwrap_err().message.contains("own definition"));
    }
}

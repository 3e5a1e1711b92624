//! Values as one would write them, in the way of `terraform console`.
use std::fmt::Write as _;

use super::types::Type;
use crate::model::{REDACTED, Value};

/// Returns the text of a value; the type tells lists from tuples, and maps from objects.
pub(super) fn literal(value: &Value, of: &Type) -> String {
    let mut text = String::new();
    write(value, of, 0, &mut text);
    text
}

fn write(value: &Value, of: &Type, indentation: usize, text: &mut String) {
    match value {
        Value::Null => null(of, text),
        Value::Bool(bool) => text.push_str(if *bool { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(string) => self::string(string, indentation, text),
        Value::Unknown => text.push_str("(known after apply)"),
        Value::Sensitive(_) => text.push_str(REDACTED),
        Value::List(items) => {
            let is_list = matches!(of, Type::List(_) | Type::Set(_));
            let members = items.iter().enumerate().map(|(index, item)| (None, item, item_type(of, index)));
            collection(if is_list { "tolist" } else { "" }, ['[', ']'], members, indentation, text);
        }
        Value::Set(items) => {
            let members = items.iter().map(|item| (None, item, item_type(of, 0)));
            collection("toset", ['[', ']'], members, indentation, text);
        }
        Value::Map(entries) => {
            let members = entries.iter().map(|(name, value)| (Some(&**name), value, member_type(of, name)));
            let function = if matches!(of, Type::Map(_)) { "tomap" } else { "" };
            collection(function, ['{', '}'], members, indentation, text);
        }
        Value::Resource(exports) => {
            let members = exports.values.iter().map(|(name, value)| (Some(name.as_str()), value, Type::Any));
            collection("", ['{', '}'], members, indentation, text);
        }
    }
}

/// Writes a list, set, map or object: one line per member.
fn collection<'v>(
    function: &str,
    [open, close]: [char; 2],
    members: impl Iterator<Item = (Option<&'v str>, &'v Value, Type)>,
    indentation: usize,
    text: &mut String,
) {
    let (before, after) = if function.is_empty() { ("", "") } else { ("(", ")") };
    text.push_str(function);
    text.push_str(before);
    text.push(open);
    let mut is_empty = true;
    for (name, value, of) in members {
        is_empty = false;
        line(indentation + 2, text);
        if let Some(name) = name {
            quoted(name, text);
            text.push_str(" = ");
        }
        write(value, &of, indentation + 2, text);
        text.push_str(if name.is_none() { "," } else { "" });
    }
    if !is_empty {
        line(indentation, text);
    }
    text.push(close);
    text.push_str(after);
}

fn line(indentation: usize, text: &mut String) {
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', indentation));
}

fn item_type(of: &Type, index: usize) -> Type {
    match of {
        Type::List(item) | Type::Set(item) => (**item).clone(),
        Type::Tuple(items) => items.get(index).cloned().unwrap_or(Type::Any),
        _ => Type::Any,
    }
}

fn member_type(of: &Type, name: &str) -> Type {
    match of {
        Type::Map(member) => (**member).clone(),
        Type::Object(attributes) => attributes.get(name).map_or(Type::Any, |attribute| attribute.of.clone()),
        _ => Type::Any,
    }
}

fn null(of: &Type, text: &mut String) {
    text.push_str(match of {
        Type::String => "tostring(null)",
        Type::Number => "tonumber(null)",
        Type::Bool => "tobool(null)",
        _ => "null",
    });
}

/// Writes a text in quotes, or as a heredoc where it has several lines.
fn string(string: &str, indentation: usize, text: &mut String) {
    if !string.contains('\n') {
        return quoted(string, text);
    }
    let mut marker = "EOT".to_owned();
    while string.lines().any(|line| line.trim() == marker) {
        marker.push('_');
    }
    text.push_str(if indentation > 0 { "<<-" } else { "<<" });
    text.push_str(&marker);
    for part in string.split('\n') {
        line(indentation, text);
        text.push_str(part);
    }
    line(indentation, text);
    text.push_str(&marker);
}

fn quoted(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other if is_printable(other) => text.push(other),
            // Writing into a text cannot fail.
            other => match u32::from(other) {
                code @ ..0x80 => write!(text, "\\x{code:02x}"),
                code @ ..0x1_0000 => write!(text, "\\u{code:04x}"),
                code => write!(text, "\\U{code:08x}"),
            }
            .unwrap_or_default(),
        }
    }
    text.push('"');
}

/// Tells whether a character can be seen where it stands behind a letter, as accents can.
fn is_printable(character: char) -> bool {
    character == '\'' || format!("a{character}").escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(string: &str, expected: &str) {
        assert_eq!(literal(&Value::string(string), &Type::String), expected);
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        check("é日👧", "\"é日👧\"");
        check("a\u{327}", "\"a\u{327}\"");
        check("\u{1}\u{7f}", "\"\\x01\\x7f\"");
        check("\u{a0}\u{200d}\u{9c}", "\"\\u00a0\\u200d\\u009c\"");
        check("\u{e0001}", "\"\\U000e0001\"");
        check("it's", "\"it's\"");
    }
}

//! Type constraints as `variable` blocks write them: `map(object({ a = string, b = optional(number, 3) }))`.
use std::collections::BTreeMap;

use super::convert::convert;
use super::expression::{Failure, fail};
use super::types::{Attribute, Type};
use crate::config::ir::{Call, Entry, Expression, Form};
use crate::model::{Diagnostic, Value, nearest};

/// The words of type constraints.
const WORDS: [&str; 9] = ["any", "string", "number", "bool", "list", "set", "map", "object", "tuple"];

/// Reads a type constraint.
pub(super) fn read(expression: &Expression) -> Result<Type, Failure> {
    match &expression.form {
        Form::Name(word) => Type::from_word(word).ok_or_else(|| unknown(word, expression)),
        // Terraform's older form: `type = "string"`.
        _ if expression.as_text().is_some() => {
            let word = expression.as_text().unwrap_or_default();
            Type::from_word(word).ok_or_else(|| unknown(word, expression))
        }
        Form::Call(call) => called(call, expression),
        _ => Err(fail("this is not a type, such as `string` or `list(number)`", expression.span)),
    }
}

fn unknown(word: &str, expression: &Expression) -> Failure {
    let diagnostic = Diagnostic::error(format!("there is no type `{word}`")).at(expression.span);
    Box::new(match word {
        "object" => diagnostic.hint("write `object({ name = string })`"),
        "tuple" => diagnostic.hint("write `tuple([string, number])`"),
        "str" | "text" => diagnostic.hint("did you mean `string`?"),
        "int" | "integer" | "float" => diagnostic.hint("did you mean `number`?"),
        "boolean" => diagnostic.hint("did you mean `bool`?"),
        _ => match nearest(word, WORDS) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None => {
                diagnostic.hint("types are `string`, `number`, `bool`, `list`, `set`, `map`, `object`, `tuple`, `any`")
            }
        },
    })
}

fn called(call: &Call, expression: &Expression) -> Result<Type, Failure> {
    match (&*call.name, call.arguments.as_slice()) {
        ("list", [element]) => read(element).map(Type::list),
        ("set", [element]) => read(element).map(Type::set),
        ("map", [element]) => read(element).map(Type::map),
        ("tuple", [Expression { form: Form::Tuple(elements), .. }]) => {
            elements.iter().map(read).collect::<Result<_, _>>().map(Type::Tuple)
        }
        ("object", [Expression { form: Form::Object(entries), .. }]) => object(entries),
        ("optional", _) => Err(fail("`optional(…)` stands only inside of `object({ … })`", expression.span)),
        ("object", _) => Err(fail("write `object({ name = string })`", expression.span)),
        ("tuple", _) => Err(fail("write `tuple([string, number])`", expression.span)),
        ("list" | "set" | "map", _) => Err(fail(
            format!("`{}` takes the type of its elements, such as `{}(string)`", call.name, call.name),
            expression.span,
        )),
        (word, _) => Err(unknown(word, expression)),
    }
}

fn object(entries: &[Entry]) -> Result<Type, Failure> {
    let mut attributes = BTreeMap::new();
    for entry in entries {
        let Some(name) = entry.key.as_text() else {
            return Err(fail("the attributes of an object type have plain names", entry.key.span));
        };
        let attribute = match &entry.value.form {
            Form::Call(call) if &*call.name == "optional" => optional(call, &entry.value)?,
            _ => Attribute::required(read(&entry.value)?),
        };
        attributes.insert(name.into(), attribute);
    }
    Ok(Type::Object(attributes))
}

fn optional(call: &Call, expression: &Expression) -> Result<Attribute, Failure> {
    match call.arguments.as_slice() {
        [of] => Ok(Attribute::optional(read(of)?, None)),
        [of, default] => {
            let of = read(of)?;
            let value = constant(default)?;
            let value = convert(&value, &of)
                .map_err(|error| fail(format!("the default does not fit: {error}"), default.span))?;
            Ok(Attribute::optional(of, Some(value)))
        }
        _ => Err(fail("`optional` takes a type, and perhaps a default", expression.span)),
    }
}

/// Returns the value of an expression that refers to nothing and calls nothing.
pub(super) fn constant(expression: &Expression) -> Result<Value, Failure> {
    match &expression.form {
        Form::Literal(value) => Ok(value.clone()),
        Form::Tuple(items) => Ok(Value::list(items.iter().map(constant).collect::<Result<_, _>>()?)),
        Form::Object(entries) => {
            let entry = |entry: &Entry| -> Result<_, Failure> {
                let key = constant(&entry.key)?;
                let key =
                    super::text::to_text(&key).ok_or_else(|| fail("a key of an object is a text", entry.key.span))?;
                Ok((key, constant(&entry.value)?))
            };
            Ok(Value::map(entries.iter().map(entry).collect::<Result<Vec<_>, _>>()?))
        }
        Form::Unary(operator, operand) => super::operators::unary(*operator, &constant(operand)?, operand.span),
        _ => Err(fail("a constant is needed here: no references and no functions", expression.span)),
    }
}

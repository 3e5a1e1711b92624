//! Values into JSON of the shape that a schema asks for, with Terraform's conversions.
use super::expression::fail;
use super::operators::{Truth, to_number, truth};
use super::shape::Shape;
use super::text::{described, to_text};
use crate::config::ir::{Expression, Form};
pub(super) use crate::model::Json;
use crate::model::{Address, Diagnostic, Exports, Secrets, Span, UNKNOWN, Value, nearest};

/// What comes out beside the arguments.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub diagnostics: Vec<Diagnostic>,
    /// Something that is no text is known only after apply.
    pub unknown: bool,
    /// Every secret text among the arguments.
    pub secrets: Secrets,
    /// The resources that are referred to as a whole, each with its place.
    pub references: Vec<(Address, Span)>,
}

/// Converts the value of an attribute; nothing where it does not fit or is null.
pub(super) fn convert(
    value: &Value,
    shape: &Shape,
    name: &str,
    expression: &Expression,
    output: &mut Output,
) -> Option<Json> {
    if matches!((value.unmark().0, shape), (Value::Unknown, Shape::Any)) {
        output.unknown = true;
        return None;
    }
    Converter { name, secret: false, output }.convert(value, shape, Some(expression), expression.span)
}

struct Converter<'a> {
    /// The attribute, for messages.
    name: &'a str,
    /// Inside of something sensitive.
    secret: bool,
    output: &'a mut Output,
}

impl Converter<'_> {
    fn convert(&mut self, value: &Value, shape: &Shape, expression: Option<&Expression>, span: Span) -> Option<Json> {
        let span = expression.map_or(span, |expression| expression.span);
        if let Value::Sensitive(inner) = value {
            let before = std::mem::replace(&mut self.secret, true);
            let json = self.convert(inner, shape, expression, span);
            self.secret = before;
            return json;
        }
        match (shape, value) {
            (_, Value::Null) => Some(Json::Null),
            (Shape::Either(shapes), _) => self.either(value, shapes, expression, span),
            (Shape::Text | Shape::Any, Value::Unknown) => Some(Json::from(UNKNOWN)),
            (_, Value::Unknown) => {
                self.output.unknown = true;
                None
            }
            (Shape::Any, _) => self.any(value, expression, span),
            (Shape::Reference(target), _) => self.reference(value, target, span),
            (Shape::List(item), Value::List(items)) => self.list(items.iter(), item, expression, span),
            (Shape::List(item), Value::Set(items)) => self.list(items.iter(), item, expression, span),
            (Shape::Map(item), Value::Map(entries)) => {
                let convert = |(key, entry): (&std::sync::Arc<str>, &Value)| {
                    let json = self.convert(entry, item, member(expression, key), span)?;
                    Some((key.to_string(), json))
                };
                Some(Json::Object(entries.iter().filter_map(convert).filter(|(_, json)| !json.is_null()).collect()))
            }
            (Shape::Object(_), Value::Map(_)) => self.object(value, shape, expression, span),
            _ => self.scalar(value, shape, span),
        }
    }

    fn scalar(&mut self, value: &Value, shape: &Shape, span: Span) -> Option<Json> {
        let json = match shape {
            Shape::Text => to_text(value).map(|text| Json::from(&*text)),
            Shape::Choice(choices) => match to_text(value) {
                Some(text) if choices.iter().any(|choice| **choice == *text) => Some(Json::from(&*text)),
                Some(text) => return self.no_choice(&text, choices, span),
                None => None,
            },
            Shape::Number => to_number(value).map(|number| number.to_json()),
            Shape::Bool => truth(value).as_bool().map(Json::from),
            _ => None,
        };
        if json.is_none() {
            let diagnostic = *fail(format!("`{}` takes {}, not {}", self.name, wanted(shape), self.told(value)), span);
            self.output.diagnostics.push(match value {
                Value::Resource(exports) if matches!(shape, Shape::Text) => diagnostic.hint(one_of(exports)),
                _ => diagnostic,
            });
        }
        self.remember(json.as_ref());
        json
    }

    /// Returns how a value is called in messages, which do not show a sensitive one.
    fn told(&self, value: &Value) -> String {
        if self.secret { format!("a sensitive {}", value.type_name()) } else { described(value) }
    }

    fn no_choice(&mut self, text: &str, choices: &[String], span: Span) -> Option<Json> {
        let shown = if self.secret { "a sensitive text".to_owned() } else { format!("{text:?}") };
        let all: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
        let diagnostic = *fail(format!("`{}` takes one of {}, not {shown}", self.name, all.join(", ")), span);
        let meant = choices.iter().find(|choice| choice.eq_ignore_ascii_case(text)).map(String::as_str);
        self.output.diagnostics.push(match meant.or_else(|| nearest(text, choices.iter().map(String::as_str))) {
            Some(meant) => diagnostic.hint(format!("did you mean {meant:?}?")),
            None => diagnostic,
        });
        None
    }

    /// Takes the shape that the value has already, else the first that it converts to.
    fn either(&mut self, value: &Value, shapes: &[Shape], expression: Option<&Expression>, span: Span) -> Option<Json> {
        if matches!(value, Value::Unknown) {
            if shapes.contains(&Shape::Text) {
                return Some(Json::from(UNKNOWN));
            }
            self.output.unknown = true;
            return None;
        }
        let objects = shapes.iter().filter(|shape| matches!(shape, Shape::Object(_))).count();
        if objects > 1 && matches!(value, Value::Map(_)) {
            return self.any(value, expression, span);
        }
        if let Some(shape) = shapes.iter().find(|shape| fits(value, shape)) {
            return self.convert(value, shape, expression, span);
        }
        let simple = |shape: &&Shape| match shape {
            Shape::Text => to_text(value).is_some(),
            Shape::Number => to_number(value).is_some(),
            Shape::Bool => truth(value) != Truth::Neither,
            _ => false,
        };
        if let Some(shape) = shapes.iter().find(simple) {
            return self.convert(value, shape, expression, span);
        }
        let all: Vec<String> = shapes.iter().map(wanted).collect();
        let message = format!("`{}` takes {}, not {}", self.name, all.join(" or "), self.told(value));
        self.output.diagnostics.push(*fail(message, span));
        None
    }

    fn list<'v>(
        &mut self,
        items: impl Iterator<Item = &'v Value>,
        shape: &Shape,
        expression: Option<&Expression>,
        span: Span,
    ) -> Option<Json> {
        let element = |index: usize| match expression.map(|expression| &expression.form) {
            Some(Form::Tuple(items)) => items.get(index),
            _ => None,
        };
        let items = items.enumerate().map(|(index, item)| self.convert(item, shape, element(index), span));
        items.collect::<Option<Vec<_>>>().map(Json::Array)
    }

    fn object(&mut self, value: &Value, shape: &Shape, expression: Option<&Expression>, span: Span) -> Option<Json> {
        let (Value::Map(entries), Some(fields)) = (value, shape.fields()) else { return None };
        let (mut map, before) = (serde_json::Map::new(), self.output.diagnostics.len());
        for (key, entry) in entries.iter() {
            let place = member_key(expression, key).unwrap_or(span);
            match fields.by_name.get(&**key) {
                Some(field) => {
                    let json = self.convert(entry, &field.shape, member(expression, key), place);
                    map.extend(json.filter(|json| !json.is_null()).map(|json| (key.to_string(), json)));
                }
                None if fields.open => {
                    map.extend(
                        self.convert(entry, &Shape::Any, member(expression, key), place)
                            .map(|json| (key.to_string(), json)),
                    );
                }
                None if self.secret => {
                    let message = format!("`{}` has not all of these attributes, which are sensitive", self.name);
                    self.output.diagnostics.push(*fail(message, place));
                }
                None => {
                    let diagnostic = *fail(format!("`{}` has no `{key}`", self.name), place);
                    self.output.diagnostics.push(match nearest(key, fields.by_name.keys().map(String::as_str)) {
                        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
                        None => diagnostic,
                    });
                }
            }
        }
        for (name, _) in fields.by_name.iter().filter(|(name, field)| field.required && !map.contains_key(*name)) {
            if self.output.diagnostics.len() == before && !self.output.unknown {
                self.output.diagnostics.push(*fail(format!("`{}` needs `{name}`", self.name), span));
            }
        }
        Some(Json::Object(map))
    }

    fn reference(&mut self, value: &Value, target: &str, span: Span) -> Option<Json> {
        match value {
            Value::Resource(exports) if exports.address.resource_type == target => {
                self.output.references.push((exports.address.clone(), span));
                Some(self.exports(exports))
            }
            other => {
                let diagnostic =
                    *fail(format!("`{}` takes a whole `{target}`, not {}", self.name, self.told(other)), span);
                let hint = match other {
                    Value::List(items) if items.iter().any(|item| matches!(item, Value::Resource(_))) => {
                        "the block has `count`: write `[0]` for one of its instances".to_owned()
                    }
                    Value::Map(items) if items.values().any(|item| matches!(item, Value::Resource(_))) => {
                        "the block has `for_each`: write `[\"…\"]` for one of its instances".to_owned()
                    }
                    _ => format!("write it as `{target}.main`, with the name of the block"),
                };
                self.output.diagnostics.push(diagnostic.hint(hint));
                None
            }
        }
    }

    /// Writes a whole resource as [`crate::resource::Reference`] reads it.
    fn exports(&mut self, exports: &Exports) -> Json {
        let span = Span { file: crate::model::FileId(0), start: 0, end: 0 };
        let mut map: serde_json::Map<String, Json> = exports
            .values
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), self.convert(value, &Shape::Any, None, span)?)))
            .collect();
        map.insert("$type".to_owned(), Json::from(exports.address.resource_type.as_str()));
        map.insert("$address".to_owned(), Json::from(exports.address.to_string()));
        Json::Object(map)
    }

    fn any(&mut self, value: &Value, expression: Option<&Expression>, span: Span) -> Option<Json> {
        Some(match value {
            Value::List(items) => return self.list(items.iter(), &Shape::Any, expression, span),
            Value::Set(items) => return self.list(items.iter(), &Shape::Any, expression, span),
            Value::Map(entries) => {
                let convert = |(key, entry): (&std::sync::Arc<str>, &Value)| {
                    Some((key.to_string(), self.convert(entry, &Shape::Any, member(expression, key), span)?))
                };
                Json::Object(entries.iter().filter_map(convert).collect())
            }
            Value::Resource(exports) => self.exports(exports),
            Value::Number(number) => {
                let json = number.to_json();
                self.remember(Some(&json));
                json
            }
            Value::Bool(bool) => Json::from(*bool),
            other => {
                let json = to_text(other).map_or(Json::Null, |text| Json::from(&*text));
                self.remember(Some(&json));
                json
            }
        })
    }

    /// Remembers a secret, so that it is hidden wherever it turns up. `true`, `false` and short numbers
    /// would hide too much else.
    fn remember(&mut self, json: Option<&Json>) {
        match json {
            Some(Json::String(text)) if self.secret && text != "true" && text != "false" => {
                self.output.secrets.insert(text.as_str());
            }
            Some(Json::Number(number)) if self.secret && number.to_string().len() >= 4 => {
                self.output.secrets.insert(number.to_string());
            }
            _ => {}
        }
    }
}

/// Tells whether a value has a shape without any conversion.
fn fits(value: &Value, shape: &Shape) -> bool {
    matches!(
        (value, shape),
        (Value::String(_), Shape::Text)
            | (Value::Number(_), Shape::Number)
            | (Value::Bool(_), Shape::Bool)
            | (Value::List(_) | Value::Set(_), Shape::List(_))
            | (Value::Map(_), Shape::Map(_) | Shape::Object(_))
            | (Value::Resource(_), Shape::Reference(_))
            | (_, Shape::Any)
    ) || matches!((value, shape), (Value::String(text), Shape::Choice(choices)) if choices.iter().any(|choice| **choice == **text))
}

/// Returns what a shape takes, in words.
fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Text => "a text".to_owned(),
        Shape::Choice(choices) => {
            format!("one of {}", choices.iter().map(|choice| format!("{choice:?}")).collect::<Vec<_>>().join(", "))
        }
        Shape::Number => "a number".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::List(_) => "a list".to_owned(),
        Shape::Map(_) | Shape::Object(_) => "a map".to_owned(),
        Shape::Reference(target) => format!("a whole `{target}`"),
        Shape::Either(shapes) => shapes.iter().map(wanted).collect::<Vec<_>>().join(" or "),
    }
}

fn one_of(exports: &Exports) -> String {
    let names: Vec<String> = exports.values.keys().map(|name| format!("`.{name}`")).collect();
    format!("choose one of its values: {}", names.join(", "))
}

/// Returns the expression of one entry, where the value is written out.
fn member<'e>(expression: Option<&'e Expression>, key: &str) -> Option<&'e Expression> {
    entry(expression, key).map(|entry| &entry.value)
}

fn member_key(expression: Option<&Expression>, key: &str) -> Option<Span> {
    entry(expression, key).map(|entry| entry.key.span)
}

fn entry<'e>(expression: Option<&'e Expression>, key: &str) -> Option<&'e crate::config::ir::Entry> {
    match &expression?.form {
        Form::Object(entries) => entries.iter().find(|entry| entry.key.as_text() == Some(key)),
        _ => None,
    }
}

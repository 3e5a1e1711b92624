//! The values of variables: given or default, converted to the declared type, validated.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::constraint::{self, constant};
use super::convert::convert;
use super::expression::{Failure, evaluate, fail};
use super::operators::{Truth, truth};
use super::scope::Scope;
use super::text::{described, to_text};
use super::types::Type;
use crate::config::{Assigned, Assignment, Condition, Config, Origin, Variable, parse_expression};
use crate::model::{Diagnostic, Value, nearest};

/// Returns the values of all variables. One that has a mistake is unknown, so that nothing follows from it.
pub(super) fn variables(
    config: &Config,
    assignments: &[Assignment],
    diagnostics: &mut Vec<Diagnostic>,
) -> (BTreeMap<Arc<str>, Value>, BTreeSet<Arc<str>>) {
    let (mut values, mut broken) = (BTreeMap::new(), BTreeSet::new());
    let mut given: BTreeMap<&str, &Assignment> = BTreeMap::new();
    for assignment in assignments {
        given.insert(&assignment.name, assignment);
        if !config.variables.contains_key(&*assignment.name) {
            diagnostics.extend(undeclared(config, assignment));
        }
    }
    for (name, variable) in &config.variables {
        let value = value(name, variable, given.get(&**name).copied()).unwrap_or_else(|failure| {
            diagnostics.push(*failure);
            broken.insert(name.clone());
            Value::Unknown
        });
        values.insert(name.clone(), if variable.sensitive { value.sensitive() } else { value });
    }
    (values, broken)
}

fn undeclared(config: &Config, assignment: &Assignment) -> Option<Diagnostic> {
    let name = &assignment.name;
    let message = format!("no variable `{name}` is declared");
    let diagnostic = match assignment.origin {
        Origin::Environment => return None,
        Origin::File => Diagnostic::warning(message),
        Origin::Flag => Diagnostic::error(message),
    };
    let diagnostic = diagnostic.at(assignment.span);
    Some(match nearest(name, config.variables.keys().map(|known| &**known)) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic.hint(format!("declare it: `variable \"{name}\" {{ … }}`")),
    })
}

fn value(name: &str, variable: &Variable, given: Option<&Assignment>) -> Result<Value, Failure> {
    let of = variable.constraint.as_ref().map(constraint::read).transpose()?;
    let (value, span) = match (given, &variable.default) {
        (Some(assignment), _) => (assigned(assignment, of.as_ref())?, assignment.span),
        (None, Some(default)) => (constant(default)?, default.span),
        (None, None) => {
            let label = variable.description.clone().unwrap_or_default();
            let diagnostic =
                Diagnostic::error(format!("variable `{name}` has no value")).labelled(variable.header, label);
            let hint = format!("give it a `default`, `--var {name}=…`, or a line in `rayform.vars.hcl`");
            return Err(Box::new(diagnostic.hint(hint)));
        }
    };
    let value = match (&value, variable.nullable, &variable.default) {
        (Value::Null, false, Some(default)) => constant(default)?,
        (Value::Null, false, None) => {
            return Err(fail(format!("variable `{name}` is not `nullable` and has been given null"), span));
        }
        _ => value,
    };
    let converted = convert(&value, of.as_ref().unwrap_or(&Type::Any));
    converted.map_err(|error| {
        let message = if variable.sensitive {
            format!("the value of the sensitive variable `{name}` has not the declared type")
        } else {
            format!("variable `{name}`: {error}")
        };
        Box::new(Diagnostic::error(message).at(span).related(variable.header, "declared here"))
    })
}

/// Returns a given value. A text from a flag or the environment is an expression, unless the type is a text.
fn assigned(assignment: &Assignment, of: Option<&Type>) -> Result<Value, Failure> {
    match (&assignment.value, of) {
        (Assigned::Expression(expression), _) => constant(expression),
        (Assigned::Text(text), None | Some(Type::String | Type::Number | Type::Bool | Type::Any)) => {
            Ok(Value::string(text))
        }
        (Assigned::Text(text), Some(_)) => {
            let expression = parse_expression(text, assignment.span.file)?;
            constant(&expression)
        }
    }
}

/// Checks the `validation` blocks of all variables that have a value.
pub(super) fn validate(
    config: &Config,
    broken: &BTreeSet<Arc<str>>,
    scope: &Scope<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, variable) in config.variables.iter().filter(|(name, _)| !broken.contains(*name)) {
        for validation in &variable.validations {
            let message = format!("variable `{name}`");
            diagnostics.extend(check(validation, &message, scope));
        }
    }
}

/// Returns what is wrong where a condition does not hold; one that is not known yet holds for now.
pub(super) fn check<'a>(condition: &'a Condition, of: &str, scope: &Scope<'a>) -> Option<Diagnostic> {
    let value = match evaluate(&condition.condition, scope, None) {
        Ok(value) => value,
        Err(failure) => return Some(*failure),
    };
    match truth(value.unmark().0) {
        Truth::No => {}
        Truth::Yes | Truth::Unknown => return None,
        Truth::Neither => {
            let message = format!("a condition is `true` or `false`, not {}", described(&value));
            return Some(*fail(message, condition.condition.span));
        }
    }
    let message = match evaluate(&condition.message, scope, None) {
        Ok(message) => message,
        Err(failure) => return Some(*failure),
    };
    let text = match (&message, to_text(&message)) {
        (Value::Sensitive(_), _) => "the condition does not hold (its message is sensitive)".to_owned(),
        (_, Some(text)) => text.trim_end().trim_end_matches('.').to_owned(),
        (_, None) => "the condition does not hold".to_owned(),
    };
    Some(*fail(format!("{of}: {text}"), condition.condition.span))
}

//! The values of variables: given or default, converted to the declared type, validated.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::constraint::{self, constant};
use super::convert::convert;
use super::expression::{Failure, evaluate, fail};
use super::operators::{Truth, truth};
use super::scope::Scope;
use super::text::{described, to_text};
use super::types::Type;
use super::visit::remember;
use crate::config::{Assigned, Assignment, Condition, Config, Origin, Variable, parse_expression};
use crate::model::{Diagnostic, Secrets, Span, Value, nearest};

/// A variable with its type and default read once, however many instances its module has.
pub(super) struct Input<'a> {
    pub name: &'a str,
    pub variable: &'a Variable,
    of: Type,
    default: Option<Value>,
}

/// Returns the assignments that count, by variable; what is not declared is reported.
pub(super) fn given<'a>(
    config: &Config,
    assignments: &'a [Assignment],
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<&'a str, &'a Assignment> {
    let mut given = BTreeMap::new();
    for assignment in assignments {
        given.insert(assignment.name.as_str(), assignment);
        if !config.variables.contains_key(&*assignment.name) {
            diagnostics.extend(undeclared(config, assignment));
        }
    }
    given
}

/// Remembers what is given to sensitive variables, right or wrong, before anything is said of it.
pub(super) fn remember_given(config: &Config, assignments: &[Assignment], secrets: &mut Secrets) {
    let is_sensitive = |name: &str| config.variables.get(name).is_some_and(|variable| variable.sensitive);
    for assignment in assignments.iter().filter(|assignment| is_sensitive(&assignment.name)) {
        let value = match &assignment.value {
            Assigned::Expression(expression) => constant(expression),
            Assigned::Value(value) => Ok(value.clone()),
            Assigned::Text(text) => {
                text.lines().for_each(|line| secrets.insert(line));
                parse_expression(text, assignment.span.file).and_then(|expression| constant(&expression))
            }
        };
        value.iter().for_each(|value| remember(value, true, secrets));
    }
    for default in config.variables.values().filter(|variable| variable.sensitive).filter_map(|it| it.default.as_ref())
    {
        constant(default).iter().for_each(|value| remember(value, true, secrets));
    }
}

fn undeclared(config: &Config, assignment: &Assignment) -> Option<Diagnostic> {
    let name = &assignment.name;
    let message = format!("no variable `{name}` is declared");
    let diagnostic = match assignment.origin {
        Origin::Environment => return None,
        Origin::File => Diagnostic::warning(message),
        Origin::Flag => Diagnostic::error(message),
    };
    // The value beside the name may be a secret whose name is misspelt, so only files are shown.
    let diagnostic = if assignment.origin == Origin::File { diagnostic.at(assignment.span) } else { diagnostic };
    Some(match nearest(name, config.variables.keys().map(|known| &**known)) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic.hint(format!("declare it: `variable \"{name}\" {{ … }}`")),
    })
}

impl<'a> Input<'a> {
    /// Reads the type and the default of a variable.
    pub(super) fn read(name: &'a str, variable: &'a Variable) -> Result<Self, Failure> {
        let of = variable.constraint.as_ref().map(constraint::read).transpose()?.unwrap_or(Type::Any);
        let default = variable.default.as_ref().map(constant).transpose()?;
        Ok(Self { name, variable, of, default })
    }

    /// Returns the value of a variable of the root module.
    pub(super) fn assigned(&self, given: Option<&Assignment>) -> Result<Value, Failure> {
        match given {
            Some(assignment) => self.convert(self.read_given(assignment)?, assignment.span),
            None => self.default_value().ok_or_else(|| {
                let (name, label) = (self.name, self.variable.description.clone().unwrap_or_default());
                let message = format!("variable `{name}` has no value");
                let diagnostic = Diagnostic::error(message).labelled(self.variable.header, label);
                let hint = format!("give it a `default`, `--var {name}=…`, or a line in `rayform.vars.hcl`");
                Box::new(diagnostic.hint(hint))
            })?,
        }
    }

    /// Returns a given value. A text from a flag or the environment is an expression, unless the variable is a
    /// text, a number or a bool, or has no type.
    fn read_given(&self, assignment: &Assignment) -> Result<Value, Failure> {
        let is_plain = match self.of {
            Type::String | Type::Number | Type::Bool => true,
            _ => self.variable.constraint.is_none(),
        };
        match &assignment.value {
            Assigned::Expression(expression) => constant(expression),
            Assigned::Value(value) => Ok(value.clone()),
            Assigned::Text(text) if is_plain => Ok(Value::string(text)),
            Assigned::Text(text) => constant(&parse_expression(text, assignment.span.file)?),
        }
    }

    /// Returns the default as the variable has it; nothing where there is none.
    pub(super) fn default_value(&self) -> Option<Result<Value, Failure>> {
        let expression = self.variable.default.as_ref()?;
        Some(self.convert(self.default.clone()?, expression.span))
    }

    /// Converts a value that was given to the declared type. Null means the default where the variable is not nullable.
    pub(super) fn convert(&self, value: Value, span: Span) -> Result<Value, Failure> {
        let (name, variable) = (self.name, self.variable);
        let value = match (value.unmark().0, variable.nullable, &self.default) {
            (Value::Null, false, Some(default)) => default.clone(),
            (Value::Null, false, None) => {
                return Err(fail(format!("variable `{name}` is not `nullable` and has been given null"), span));
            }
            _ => value,
        };
        let converted = convert(&value, &self.of).map_err(|error| {
            let message = if variable.sensitive || matches!(value, Value::Sensitive(_)) {
                format!("the value of the sensitive variable `{name}` has not the declared type")
            } else {
                format!("variable `{name}`: {error}")
            };
            Box::new(Diagnostic::error(message).at(span).related(variable.header, "declared here"))
        })?;
        Ok(if variable.sensitive { converted.sensitive() } else { converted })
    }
}

/// Checks the `validation` blocks of a variable that has a value.
pub(super) fn validate(name: &Arc<str>, variable: &Variable, scope: &Scope<'_>) -> Vec<Diagnostic> {
    let of = format!("variable `{name}`");
    variable.validations.iter().filter_map(|validation| check(validation, &of, scope)).collect()
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

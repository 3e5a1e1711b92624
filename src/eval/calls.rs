//! Function calls: those that need the evaluator are here, the others in `functions`.
use std::path::Path;
use std::sync::Arc;

use super::expression::{Failure, evaluate, fail, mark};
use super::functions;
use super::inspect::inspect;
use super::scope::{Frame, Instance, Roots, Scope};
use super::text::described;
use crate::config::ir::{Call, Expression, Step};
use crate::config::parse_template;
use crate::model::{Diagnostic, Span, Value, nearest};

/// How many template files may lead to one another.
const MAX_TEMPLATES: usize = 16;

/// Evaluates a call.
pub(super) fn call(call: &Call, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    match (&*call.name, call.arguments.as_slice()) {
        ("try", arguments) => attempt(call, arguments, scope, frame),
        ("can", [argument]) => Ok(match evaluate(argument, scope, frame) {
            Ok(value) if is_settled(argument, &value) => Value::Bool(true),
            Ok(_) => Value::Unknown,
            Err(_) => Value::Bool(false),
        }),
        ("can", _) => Err(fail("`can` takes one argument", call.name_span)),
        _ => {
            let arguments = match evaluate_arguments(call, scope, frame)? {
                Given::All(arguments) => arguments,
                Given::Unknown { sensitive } => return Ok(mark(Value::Unknown, sensitive)),
            };
            match &*call.name {
                "templatefile" => template_file(call, &arguments, scope),
                "templatestring" => template_string(call, &arguments, scope),
                name => eager(call, name, &arguments, scope),
            }
        }
    }
}

/// Returns the names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    functions::names()
}

fn eager(call: &Call, name: &str, arguments: &[Value], scope: &Scope<'_>) -> Result<Value, Failure> {
    if functions::find(name).is_none() {
        let diagnostic = Diagnostic::error(format!("there is no function `{name}`")).at(call.name_span);
        return Err(Box::new(match (of_terraform(name), nearest(name, names())) {
            (Some(hint), _) => diagnostic.hint(hint),
            (None, Some(meant)) => diagnostic.hint(format!("did you mean `{meant}`?")),
            (None, None) => diagnostic,
        }));
    }
    functions::call(name, arguments, scope.environment).map_err(|error| {
        let argument = error.argument.and_then(|index| call.arguments.get(index).or(call.arguments.last()));
        fail(format!("`{name}`: {}", error.message), argument.map_or(call.name_span, |argument| argument.span))
    })
}

/// Says what to write instead of functions that Terraform has, or had.
fn of_terraform(name: &str) -> Option<&'static str> {
    match name {
        "bcrypt" | "uuid" => {
            Some("another text in each plan would be a change in each plan; `uuidv5(…)` always gives the same")
        }
        "list" => Some("write `[…]`, or `tolist([…])`"),
        "map" => Some("write `{ name = value }`, or `tomap({ … })`"),
        "rsadecrypt" => Some("decrypt it outside, and pass it by a variable with `sensitive = true`"),
        "timestamp" => Some("`plantimestamp()` is the time of the plan"),
        _ if name.starts_with("provider::") => Some("there are no providers, and none of their functions"),
        _ => None,
    }
}

/// Returns the first argument that has a value.
fn attempt(
    call: &Call,
    arguments: &[Expression],
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
) -> Result<Value, Failure> {
    let mut last = fail("`try` takes at least one argument", call.name_span);
    for argument in arguments {
        match evaluate(argument, scope, frame) {
            Ok(value) if is_settled(argument, &value) => return Ok(value),
            Ok(value) => return Ok(mark(Value::Unknown, inspect(&value).is_ok_and(|found| found.sensitive))),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// Tells whether an expression that has a value now has one after apply too.
///
/// What is computed from unknown parts may still fail. A plain reference does not: its way is known.
fn is_settled(expression: &Expression, value: &Value) -> bool {
    let is_plain = |steps: &[Step]| steps.iter().all(|step| matches!(step, Step::Attribute(..) | Step::Index(_)));
    let is_reference = expression.as_reference().is_some_and(|(_, steps)| is_plain(steps));
    value.is_wholly_known() || is_reference && !matches!(value.unmark().0, Value::Unknown)
}

/// The arguments of a call.
enum Given {
    All(Vec<Value>),
    /// A list that is spread out is unknown.
    Unknown {
        sensitive: bool,
    },
}

/// Evaluates all arguments.
fn evaluate_arguments(call: &Call, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Given, Failure> {
    let mut values =
        call.arguments.iter().map(|argument| evaluate(argument, scope, frame)).collect::<Result<Vec<_>, _>>()?;
    if !call.spread {
        return Ok(Given::All(values));
    }
    let Some(last) = values.pop() else { return Ok(Given::All(values)) };
    let (bare, marked) = last.unmark();
    match bare {
        Value::Unknown => return Ok(Given::Unknown { sensitive: marked }),
        Value::List(items) => values.extend(items.iter().map(|item| mark(item.clone(), marked))),
        Value::Set(items) => values.extend(items.iter().map(|item| mark(item.clone(), marked))),
        _ => {
            let span = call.arguments.last().map_or(call.name_span, |argument| argument.span);
            return Err(fail(format!("`...` spreads a list, not {}", described(&last)), span));
        }
    }
    Ok(Given::All(values))
}

fn template_file(call: &Call, arguments: &[Value], scope: &Scope<'_>) -> Result<Value, Failure> {
    let [path, variables] = arguments else {
        return Err(fail("`templatefile` takes a path and a map of variables", call.name_span));
    };
    let (path, path_marked) = path.unmark();
    let Value::String(path) = path else {
        return if matches!(path, Value::Unknown) {
            Ok(mark(Value::Unknown, path_marked))
        } else {
            Err(fail(format!("`templatefile` takes a path, not {}", described(&arguments[0])), call.arguments[0].span))
        };
    };
    let text = eager(call, "file", &[Value::String(path.clone())], scope)?;
    let Value::String(text) = text else { return Ok(text) };
    let value = render(call, &format!("`{}`: ", Path::new(&**path).display()), &text, variables, scope)?;
    Ok(mark(value, path_marked))
}

fn template_string(call: &Call, arguments: &[Value], scope: &Scope<'_>) -> Result<Value, Failure> {
    let [text, variables] = arguments else {
        return Err(fail("`templatestring` takes a text and a map of variables", call.name_span));
    };
    match text.unmark() {
        (Value::String(text), marked) => Ok(mark(render(call, "", text, variables, scope)?, marked)),
        (Value::Unknown, marked) => Ok(mark(Value::Unknown, marked)),
        _ => Err(fail(format!("`templatestring` takes a text, not {}", described(text)), call.arguments[0].span)),
    }
}

/// Evaluates a text as a template in which only the given variables have a meaning.
fn render(call: &Call, origin: &str, text: &str, variables: &Value, scope: &Scope<'_>) -> Result<Value, Failure> {
    let span = call.name_span;
    if scope.templates == MAX_TEMPLATES {
        return Err(fail(format!("more than {MAX_TEMPLATES} templates lead to one another"), span));
    }
    let (bare, marked) = variables.unmark();
    let variables = match bare {
        Value::Map(variables) if marked => {
            Arc::new(variables.iter().map(|(name, value)| (name.clone(), value.clone().sensitive())).collect())
        }
        Value::Map(variables) => variables.clone(),
        Value::Unknown => return Ok(mark(Value::Unknown, marked)),
        _ => return Err(fail(format!("the variables are a map, not {}", described(variables)), span)),
    };
    let parsed = parse_template(text, span.file).map_err(|error| outside(&error, origin, text, span))?;
    let (roots, instance) = (Roots::default(), Instance::Single);
    let names = Some(&*variables);
    let inner =
        Scope { newer: None, roots: &roots, names, instance: &instance, templates: scope.templates + 1, ..*scope };
    let value = evaluate(&parsed, &inner, None).map_err(|error| outside(&error, origin, text, span))?;
    Ok(mark(value, marked))
}

/// Words an error inside a template, which has no place in the configuration, at the call.
fn outside(error: &Diagnostic, origin: &str, text: &str, span: Span) -> Failure {
    let line = error
        .at
        .as_ref()
        .map_or(1, |(at, _)| text.get(..at.start as usize).map_or(0, |before| before.matches('\n').count()) + 1);
    let mut failure = fail(format!("{origin}line {line} of the template: {}", error.message), span);
    failure.hint.clone_from(&error.hint);
    failure
}

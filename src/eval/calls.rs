//! Function calls: those that need the evaluator are here, the others in `functions`.
use std::path::Path;

use super::expression::{Failure, evaluate, fail, mark};
use super::functions;
use super::scope::{Frame, Instance, Roots, Scope};
use super::text::described;
use crate::config::ir::{Call, Expression};
use crate::config::parse_template;
use crate::model::{Diagnostic, Span, Value, nearest};

/// How many template files may lead to one another.
const MAX_TEMPLATES: usize = 16;

/// Evaluates a call.
pub(super) fn call(call: &Call, scope: &Scope<'_>, frame: Option<&Frame<'_>>) -> Result<Value, Failure> {
    match (&*call.name, call.arguments.as_slice()) {
        ("try", arguments) => attempt(call, arguments, scope, frame),
        ("can", [argument]) => Ok(Value::Bool(evaluate(argument, scope, frame).is_ok())),
        ("can", _) => Err(fail("`can` takes one argument", call.name_span)),
        _ => {
            let arguments = evaluate_arguments(call, scope, frame)?;
            let Some(arguments) = arguments else { return Ok(Value::Unknown) };
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
        return Err(Box::new(match nearest(name, names()) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None => diagnostic,
        }));
    }
    functions::call(name, arguments, scope.environment).map_err(|error| {
        let argument = error.argument.and_then(|index| call.arguments.get(index).or(call.arguments.last()));
        fail(format!("`{name}`: {}", error.message), argument.map_or(call.name_span, |argument| argument.span))
    })
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
            Ok(value) => return Ok(value),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// Evaluates all arguments; nothing where a list that is spread out is unknown.
fn evaluate_arguments(
    call: &Call,
    scope: &Scope<'_>,
    frame: Option<&Frame<'_>>,
) -> Result<Option<Vec<Value>>, Failure> {
    let mut values =
        call.arguments.iter().map(|argument| evaluate(argument, scope, frame)).collect::<Result<Vec<_>, _>>()?;
    if !call.spread {
        return Ok(Some(values));
    }
    let Some(last) = values.pop() else { return Ok(Some(values)) };
    let (bare, marked) = last.unmark();
    match bare {
        Value::Unknown => return Ok(None),
        Value::List(items) => values.extend(items.iter().map(|item| mark(item.clone(), marked))),
        Value::Set(items) => values.extend(items.iter().map(|item| mark(item.clone(), marked))),
        other => {
            let span = call.arguments.last().map_or(call.name_span, |argument| argument.span);
            return Err(fail(format!("`...` spreads a list, not {}", described(other)), span));
        }
    }
    Ok(Some(values))
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
            Err(fail(format!("`templatefile` takes a path, not {}", described(path)), call.arguments[0].span))
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
        (other, _) => {
            Err(fail(format!("`templatestring` takes a text, not {}", described(other)), call.arguments[0].span))
        }
    }
}

/// Evaluates a text as a template in which only the given variables have a meaning.
fn render(call: &Call, origin: &str, text: &str, variables: &Value, scope: &Scope<'_>) -> Result<Value, Failure> {
    let span = call.name_span;
    if scope.templates == MAX_TEMPLATES {
        return Err(fail(format!("more than {MAX_TEMPLATES} templates lead to one another"), span));
    }
    let (variables, marked) = variables.unmark();
    let variables = match variables {
        Value::Map(variables) => variables.clone(),
        Value::Unknown => return Ok(mark(Value::Unknown, marked)),
        other => return Err(fail(format!("the variables are a map, not {}", described(other)), span)),
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

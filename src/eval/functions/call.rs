//! Calls a function: checks and converts its arguments, and carries unknown and sensitive marks across.
use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::table::{Accepts, Function, Parameter, Parts, Run, find};
use crate::eval::convert::convert;
use crate::eval::inspect::{inspect, unmark_deep};
use crate::model::Value;

/// How many elements a result may have.
pub(super) const MAX_ELEMENTS: usize = 1_000_000;

/// How long a resulting text may be, in bytes.
pub(super) const MAX_TEXT: usize = 16 * 1024 * 1024;

/// What functions may know beside their arguments.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    /// The folder of the module that calls, absolute; files are read inside it alone.
    pub folder: &'a Path,
    /// The same from the root module's folder, as `path.module` gives it.
    pub place: &'a Path,
    /// The folder that relative paths start from, absolute: that of the root module.
    pub root: &'a Path,
    /// The user's home folder, where it is known.
    pub home: Option<&'a Path>,
    /// The workspace that is worked in.
    pub workspace: &'a str,
    /// When the plan was made, such as `2026-11-22T21:05:45Z`.
    pub now: &'a str,
    /// Reads a file. Refuses one that a link leads to out of the calling module's folder.
    pub read: &'a dyn Fn(&Path) -> Result<Vec<u8>, ReadError>,
    /// Lists all files below a folder, as paths relative to it.
    pub list: &'a dyn Fn(&Path) -> Result<Vec<PathBuf>, ReadError>,
}

/// Says why a file or a folder could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the file is too large")]
    TooLarge,
    #[error("a link leads out of the module's folder")]
    Outside,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Says why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct FunctionError {
    /// The argument to blame, counted from zero, where it is one of them.
    pub argument: Option<usize>,
    pub message: String,
}

/// What a function returns.
pub(super) type Outcome = Result<Value, FunctionError>;

impl FunctionError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into() }
    }

    pub(super) fn at(argument: usize, message: impl Into<String>) -> Self {
        Self { argument: Some(argument), message: message.into() }
    }
}

/// Calls the function with this name.
pub(crate) fn call(name: &str, arguments: &[Value], environment: &Environment<'_>) -> Outcome {
    let function = find(name).ok_or_else(|| FunctionError::new(format!("there is no function named `{name}`")))?;
    check_count(function, arguments.len())?;
    carry_out(function, arguments, environment).map_err(|error| {
        let is_secret = arguments.iter().any(|argument| inspect(argument).is_ok_and(|found| found.sensitive));
        if is_secret { veiled(&error) } else { error }
    })
}

/// Says that a call failed without a word of its arguments.
fn veiled(error: &FunctionError) -> FunctionError {
    let message = "this fails, and what is wrong is not shown, for an argument is sensitive";
    FunctionError { argument: error.argument, message: message.to_owned() }
}

fn carry_out(function: &Function, arguments: &[Value], environment: &Environment<'_>) -> Outcome {
    let (mut prepared, mut marks) = (Vec::with_capacity(arguments.len()), Marks::default());
    for (index, argument) in arguments.iter().enumerate() {
        if let Some(parameter) = function.parameter(index) {
            prepared.push(marks.prepare(argument, parameter).map_err(|message| {
                FunctionError::at(index, format!("invalid value for `{}`: {message}", parameter.name))
            })?);
        }
    }
    let result = if marks.unknown { Value::Unknown } else { run(function, prepared, environment)? };
    Ok(if marks.sensitive { result.sensitive() } else { result })
}

fn run(function: &Function, prepared: Vec<Value>, environment: &Environment<'_>) -> Outcome {
    let arguments = Arguments(prepared);
    let result = match &function.run {
        Run::Plain(plain) => plain(&arguments),
        Run::Sure(sure) => Ok(sure(&arguments)),
        Run::SureWithin(sure) => Ok(sure(&arguments, environment)),
        Run::Within(within) => within(&arguments, environment),
        Run::Evaluator => Err(FunctionError::new(format!("`{}` cannot be called here", function.name))),
    };
    result.and_then(check_size).map_err(|error| blame(error, function))
}

/// Names the parameter in a message about an argument.
fn blame(error: FunctionError, function: &Function) -> FunctionError {
    match error.argument.and_then(|index| function.parameter(index)) {
        Some(parameter) => FunctionError {
            message: format!("invalid value for `{}`: {}", parameter.name, error.message),
            argument: error.argument,
        },
        None => error,
    }
}

fn check_count(function: &Function, given: usize) -> Result<(), FunctionError> {
    let expected = function.parameters.len();
    if given < expected {
        let (signature, missing) = (function.signature(), &function.parameters[given]);
        let message = format!(
            "not enough arguments: `{signature}` expects {expected}, and `{}` is missing: {}",
            missing.name, missing.about
        );
        return Err(FunctionError::new(message));
    }
    if given > expected && function.rest.is_none() {
        let message = format!("too many arguments: `{}` expects only {expected}", function.signature());
        return Err(FunctionError::at(expected, message));
    }
    Ok(())
}

/// Refuses a result that is too large to go on with.
fn check_size(value: Value) -> Outcome {
    let (bare, _) = value.unmark();
    let (elements, bytes) = match bare {
        Value::List(items) => (items.len(), 0),
        Value::Set(items) => (items.len(), 0),
        Value::Map(entries) => (entries.len(), 0),
        Value::String(text) => (0, text.len()),
        _ => (0, 0),
    };
    if elements > MAX_ELEMENTS {
        return Err(too_many_elements());
    }
    if bytes > MAX_TEXT { Err(text_too_long()) } else { Ok(value) }
}

pub(super) fn too_many_elements() -> FunctionError {
    FunctionError::new(format!("the result would have more than {MAX_ELEMENTS} elements, which is the limit"))
}

pub(super) fn text_too_long() -> FunctionError {
    FunctionError::new(format!("the result would be longer than {} MiB, which is the limit", MAX_TEXT / 1024 / 1024))
}

/// What the arguments pass on to the result.
#[derive(Default)]
struct Marks {
    unknown: bool,
    sensitive: bool,
}

impl Marks {
    /// Returns the argument as the function takes it; the error says what is wrong with it.
    fn prepare(&mut self, argument: &Value, parameter: &Parameter) -> Result<Value, FunctionError> {
        if parameter.parts == Parts::Raw {
            return Ok(argument.clone());
        }
        let bare = self.take(argument);
        let whole = match bare {
            Value::Null if !parameter.nullable => return Err(FunctionError::new("the argument must not be null")),
            Value::Resource(exports) => Value::map(exports.values.iter().map(|(name, value)| (name, value.clone()))),
            other => other.clone(),
        };
        let parts = if parameter.parts == Parts::Whole { self.take_parts(whole)? } else { whole };
        if parameter.accepts == Accepts::Any {
            return Ok(parts);
        }
        let converted =
            convert(&parts, &parameter.accepts.to_type()).map_err(|error| FunctionError::new(error.to_string()))?;
        Ok(self.take(&converted).clone())
    }

    /// Takes the marks off the value itself.
    fn take<'a>(&mut self, value: &'a Value) -> &'a Value {
        let (bare, sensitive) = value.unmark();
        self.sensitive |= sensitive;
        self.unknown |= *bare == Value::Unknown;
        bare
    }

    /// Takes the marks off all parts of the value.
    fn take_parts(&mut self, value: Value) -> Result<Value, FunctionError> {
        let found = inspect(&value).map_err(|error| FunctionError::new(error.to_string()))?;
        self.unknown |= found.unknown;
        self.sensitive |= found.sensitive;
        Ok(if found.sensitive { unmark_deep(&value).0 } else { value })
    }
}

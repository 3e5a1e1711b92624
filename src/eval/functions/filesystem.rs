//! Functions on files and paths. Files are read inside the calling module's folder alone.
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arguments::Arguments;
use super::call::{Environment, FunctionError, Outcome, ReadError};
use super::glob::Glob;
use super::table::{Function, Parameter, Run};
use crate::model::Value;

const PATH: &[Parameter] = &[Parameter::string("path", "a path; where relative, from the root module's folder")];
const FILE: &[Parameter] = &[Parameter::string("path", "a file in the module's folder")];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "abspath",
        about: "Returns a path as an absolute one.",
        parameters: PATH,
        rest: None,
        run: Run::SureWithin(abspath),
    },
    Function {
        name: "basename",
        about: "Returns the last part of a path.",
        parameters: PATH,
        rest: None,
        run: Run::Sure(basename),
    },
    Function {
        name: "dirname",
        about: "Returns a path without its last part.",
        parameters: PATH,
        rest: None,
        run: Run::Sure(dirname),
    },
    Function {
        name: "file",
        about: "Returns the text of a file, which must be UTF-8.",
        parameters: FILE,
        rest: None,
        run: Run::Within(file),
    },
    Function {
        name: "filebase64",
        about: "Returns the contents of a file in Base64.",
        parameters: FILE,
        rest: None,
        run: Run::Within(filebase64),
    },
    Function {
        name: "fileexists",
        about: "Tells whether there is a file at a path.",
        parameters: FILE,
        rest: None,
        run: Run::Within(fileexists),
    },
    Function {
        name: "fileset",
        about: "Returns the files below a folder whose paths match a pattern.",
        parameters: &[
            Parameter::string("path", "a folder in the module's folder"),
            Parameter::string("pattern", "with `*`, `**`, `?`, `[a-z]` and `{a,b}`"),
        ],
        rest: None,
        run: Run::Within(fileset),
    },
    Function {
        name: "pathexpand",
        about: "Puts the user's home folder in place of a leading `~`.",
        parameters: PATH,
        rest: None,
        run: Run::Within(pathexpand),
    },
    Function {
        name: "templatefile",
        about: "Renders a file as a template.",
        parameters: &[
            Parameter::string("path", "a file in the module's folder"),
            Parameter::any("vars", "its variables"),
        ],
        rest: None,
        run: Run::Evaluator,
    },
];

/// Returns the contents of the file that the first argument names.
pub(super) fn read(arguments: &Arguments, environment: &Environment<'_>) -> Result<Vec<u8>, FunctionError> {
    let given = arguments.string(0);
    let path = resolve(given, environment).map_err(|message| FunctionError::at(0, message.to_string()))?;
    (environment.read)(&path).map_err(|error| FunctionError::at(0, explain(given, &error)))
}

/// Says why a path may not be read.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` is outside of the module's folder, and files are read inside it alone; {}", self.hint())]
struct OutsideError {
    path: String,
}

impl OutsideError {
    fn hint(&self) -> &'static str {
        if self.path.split('/').any(|part| part == "..") {
            "copy the file into the folder, or give the module what it holds as a variable"
        } else {
            "write `${path.module}/` before the name of a file of this module"
        }
    }
}

/// Returns the absolute path that a text means, which must be inside the calling module's folder.
fn resolve(text: &str, environment: &Environment<'_>) -> Result<PathBuf, OutsideError> {
    let path = lexical(&environment.root.join(expand(text, environment)));
    if path.starts_with(lexical(environment.folder)) { Ok(path) } else { Err(OutsideError { path: text.to_owned() }) }
}

/// Returns why a file could not be read, naming the path as it was given.
fn explain(given: &str, error: &ReadError) -> String {
    match error {
        ReadError::Io(source) if source.kind() == std::io::ErrorKind::NotFound => {
            format!("no file exists at \"{given}\"")
        }
        other => format!("could not read \"{given}\": {other}"),
    }
}

fn file(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    let text = String::from_utf8(read(arguments, environment)?).map_err(|_| {
        let message = format!(
            "contents of \"{}\" are not valid UTF-8; use the filebase64 function to obtain the Base64 encoded contents",
            arguments.string(0)
        );
        FunctionError::at(0, message)
    })?;
    Ok(Value::string(text))
}

fn filebase64(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    Ok(Value::string(STANDARD.encode(read(arguments, environment)?)))
}

fn fileexists(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    let given = arguments.string(0);
    let path = resolve(given, environment).map_err(|message| FunctionError::at(0, message.to_string()))?;
    match (environment.read)(&path) {
        Ok(_) | Err(ReadError::TooLarge) => Ok(Value::Bool(true)),
        Err(ReadError::Io(source)) if source.kind() == std::io::ErrorKind::NotFound => Ok(Value::Bool(false)),
        Err(error) => Err(FunctionError::at(0, explain(given, &error))),
    }
}

fn fileset(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    let (given, pattern) = (arguments.string(0), arguments.string(1));
    let folder = resolve(given, environment).map_err(|message| FunctionError::at(0, message.to_string()))?;
    let glob =
        Glob::new(pattern).ok_or_else(|| FunctionError::at(1, "failed to glob pattern: syntax error in pattern"))?;
    let files = match (environment.list)(&folder) {
        Ok(files) => files,
        Err(ReadError::Io(source)) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(FunctionError::at(0, explain(given, &error))),
    };
    let paths = files.iter().map(|path| slashed(path)).filter(|path| glob.matches(path));
    Ok(Value::Set(Arc::new(paths.map(Value::string).collect::<BTreeSet<_>>())))
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

fn abspath(arguments: &Arguments, environment: &Environment<'_>) -> Value {
    let path = lexical(&environment.root.join(arguments.string(0)));
    Value::string(path.to_string_lossy())
}

fn pathexpand(arguments: &Arguments, environment: &Environment<'_>) -> Outcome {
    let path = arguments.string(0);
    if path.starts_with('~') && path[1..].starts_with(|character| character != '/') {
        return Err(FunctionError::at(0, "cannot expand user-specific home dir"));
    }
    Ok(Value::string(expand(arguments.string(0), environment).to_string_lossy()))
}

/// Replaces a leading `~`, where the home folder is known.
fn expand(text: &str, environment: &Environment<'_>) -> PathBuf {
    match (text.strip_prefix('~'), environment.home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            lexical(&home.join(rest.trim_start_matches('/')))
        }
        _ => PathBuf::from(text),
    }
}

/// Returns the path without `.` and `..`, as far as the text alone tells.
fn lexical(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

fn basename(arguments: &Arguments) -> Value {
    let path = arguments.string(0);
    let trimmed = path.trim_end_matches('/');
    Value::string(match trimmed.rsplit('/').next() {
        _ if path.is_empty() => ".",
        Some("") | None => "/",
        Some(last) => last,
    })
}

fn dirname(arguments: &Arguments) -> Value {
    let path = arguments.string(0);
    let folder = path.rfind('/').map_or("", |at| &path[..=at]);
    Value::string(cleaned(folder))
}

/// Returns a path in its shortest form: no empty parts, no `.`, no `name/..`.
fn cleaned(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

//! Where variables get their values: environment, files and flags, in their order of precedence.
use std::path::{Path, PathBuf};

use super::ir::Expression;
use super::{Sources, json, parse, source};
use crate::model::{Diagnostic, FileId, Span, Value, on_large_stack};

/// One value given to a variable. Of several for one variable, the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    pub name: String,
    pub value: Assigned,
    pub origin: Origin,
    /// The place of the name, or of the whole text.
    pub span: Span,
}

/// What was given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Assigned {
    /// From a file: must be a constant.
    Expression(Expression),
    /// From a test: evaluated already.
    Value(Value),
    /// From a flag or the environment: a text, or an expression where the variable's type is no text.
    Text(String),
}

/// Who gave a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Environment,
    File,
    Flag,
}

/// One of `--var name=value` and `--var-file path`, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Variable(String),
    File(PathBuf),
}

/// The prefixes of environment variables, the stronger last.
const PREFIXES: [&str; 2] = ["RAYFORM_VAR_", "TF_VAR_"];

/// Gathers all values, the weakest first: environment, files of the folder, flags.
pub(crate) fn variables(
    folder: &Path,
    environment: &[(String, String)],
    flags: &[Flag],
    sources: &mut Sources,
) -> Result<Vec<Assignment>, Vec<Diagnostic>> {
    let mut gathered = Gathered { sources, assignments: Vec::new(), diagnostics: Vec::new() };
    gathered.environment(environment);
    match source::list(folder) {
        Ok(listed) => {
            listed.variables.iter().for_each(|path| gathered.file(path));
            listed.json_variables.iter().for_each(|path| gathered.file(path));
            listed.automatic_variables.iter().for_each(|path| gathered.file(path));
        }
        Err(diagnostic) => gathered.diagnostics.push(*diagnostic),
    }
    for flag in flags {
        match flag {
            Flag::Variable(text) => gathered.flag(text),
            Flag::File(path) => gathered.file(path),
        }
    }
    if gathered.diagnostics.is_empty() { Ok(gathered.assignments) } else { Err(gathered.diagnostics) }
}

struct Gathered<'a> {
    sources: &'a mut Sources,
    assignments: Vec<Assignment>,
    diagnostics: Vec<Diagnostic>,
}

impl Gathered<'_> {
    fn environment(&mut self, environment: &[(String, String)]) {
        for prefix in PREFIXES {
            for (key, value) in environment {
                if let Some(name) = key.strip_prefix(prefix) {
                    let file = self.sources.add(format!("the environment variable {key}"), value.clone());
                    self.text(name, value, Origin::Environment, whole(file, value));
                }
            }
        }
    }

    fn flag(&mut self, text: &str) {
        let Some((name, value)) = text.split_once('=') else {
            let message = format!("`--var {text}` gives no value");
            self.diagnostics.push(Diagnostic::error(message).hint("write it as `--var name=value`"));
            return;
        };
        let name = name.trim();
        let file = self.sources.add(format!("--var {name}"), value);
        self.text(name, value, Origin::Flag, whole(file, value));
    }

    fn text(&mut self, name: &str, value: &str, origin: Origin, span: Span) {
        let value = Assigned::Text(value.to_owned());
        self.assignments.push(Assignment { name: name.to_owned(), value, origin, span });
    }

    fn file(&mut self, path: &Path) {
        let file = match self.sources.read(path) {
            Ok(file) => file,
            Err(diagnostic) => return self.diagnostics.push(*diagnostic),
        };
        let text = self.sources.text(file).to_owned();
        let read = if path.extension().is_some_and(|extension| extension == "json") {
            in_json(&text, file).map_err(|diagnostic| vec![*diagnostic])
        } else {
            hcl(&text, file)
        };
        match read {
            Ok(assignments) => self.assignments.extend(assignments),
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
    }
}

fn hcl(text: &str, file: FileId) -> Result<Vec<Assignment>, Vec<Diagnostic>> {
    let body = on_large_stack(|| parse::parse_body(text, file))?;
    if let Some(block) = body.blocks.first() {
        let message = format!("a file of variables holds `name = value`, not blocks such as `{}`", block.kind);
        return Err(vec![Diagnostic::error(message).at(block.header)]);
    }
    let assign = |attribute: super::ir::Attribute| Assignment {
        name: attribute.name.to_string(),
        value: Assigned::Expression(attribute.value),
        origin: Origin::File,
        span: attribute.name_span,
    };
    Ok(body.attributes.into_iter().map(assign).collect())
}

fn in_json(text: &str, file: FileId) -> Result<Vec<Assignment>, Box<Diagnostic>> {
    let (place, root) = (json::Place(file), json::read(text, file)?);
    let json::NodeForm::Object(entries) = &root.form else {
        return Err(Box::new(Diagnostic::error("a file of variables holds one JSON object").at(place.of(&root.place))));
    };
    let assign = |(name, node): &(json::Quoted, json::Node)| {
        Ok(Assignment {
            name: name.text.clone(),
            value: Assigned::Expression(json::expression(node, json::Texts::Literal, place)?),
            origin: Origin::File,
            span: place.of(&name.place),
        })
    };
    entries.iter().filter(|(name, _)| name.text != "//").map(assign).collect()
}

/// Returns the place of a whole text, or of its first line where it is long.
fn whole(file: FileId, text: &str) -> Span {
    span(file, 0, text.lines().next().map_or(0, str::len))
}

fn span(file: FileId, start: usize, end: usize) -> Span {
    let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span { file, start: narrow(start), end: narrow(end) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ir::Form;
    use crate::model::Value;

    #[test]
    fn stronger_values_come_later() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rayform.vars.hcl"), "a = 3\n").unwrap();
        std::fs::write(folder.path().join("rayform.vars.json"), r#"{"a": 4}"#).unwrap();
        std::fs::write(folder.path().join("z.auto.vars.hcl"), "a = 6\n").unwrap();
        std::fs::write(folder.path().join("b.auto.vars.hcl"), "a = 5\n").unwrap();
        let environment =
            [("TF_VAR_a", "2"), ("RAYFORM_VAR_a", "1"), ("PATH", "x")].map(|(key, value)| (key.into(), value.into()));
        let flags = [Flag::Variable("a=7".into())];
        let mut sources = Sources::default();
        let found = variables(folder.path(), &environment, &flags, &mut sources).unwrap();
        let values: Vec<String> = found
            .iter()
            .map(|assignment| match &assignment.value {
                Assigned::Text(text) => text.clone(),
                Assigned::Expression(Expression { form: Form::Literal(Value::Number(number)), .. }) => {
                    number.to_string()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(values, ["1", "2", "3", "4", "5", "6", "7"]);
    }

    #[test]
    fn a_flag_without_a_value_is_an_error() {
        let flags = [Flag::Variable("a".into())];
        let errors = variables(Path::new("."), &[], &flags, &mut Sources::default()).unwrap_err();
        assert_eq!(errors[0].message, "`--var a` gives no value");
    }
}

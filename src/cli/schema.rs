//! `schema`: prints the JSON schema or the reference page of a resource type, or of the whole language.
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::eval;
use crate::render::{self, reference::Subject};
use crate::resource::{self, CheckDoc, ResourceType};

/// Print the JSON schema or the reference page of a resource type, or of all of them.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The resource type, such as `ray_head`; all where it is left out.
    resource_type: Option<String>,
    /// The form: a JSON schema, or a page of reference.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    /// Write one file per resource type into this folder instead, and one for the language as a whole.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print a complete configuration that uses the type instead.
    #[arg(long, requires = "resource_type")]
    example: bool,
    /// Print the checks of Ray systems instead: code, severity, what each finds, and where to read more.
    #[arg(long, conflicts_with_all = ["resource_type", "out", "example"])]
    checks: bool,
    /// Print the functions of the configuration language instead, with what each does.
    #[arg(long, conflicts_with_all = ["resource_type", "out", "example", "checks"])]
    functions: bool,
}

/// The forms of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON schema.
    Json,
    /// Reference pages.
    Markdown,
}

impl Schema {
    pub(super) fn run(&self, _global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        if self.checks {
            terminal.data(&resource::all_checks().iter().map(check).collect::<String>())?;
            return Ok(Exit::Done);
        }
        if self.functions {
            let line = |(signature, about): (String, &str)| format!("{signature}\n    {about}\n");
            terminal.data(&eval::functions().map(line).collect::<String>())?;
            return Ok(Exit::Done);
        }
        let chosen = self.chosen()?;
        if self.example {
            chosen.into_iter().try_for_each(|resource_type| terminal.data(resource_type.example()))?;
        } else if let Some(folder) = &self.out {
            self.files(&chosen).iter().try_for_each(|(name, text)| write(folder, name, text))?;
        } else if self.format == Format::Markdown {
            terminal.data(&self.files(&chosen).swap_remove(0).1)?;
        } else if self.resource_type.is_some() {
            chosen.into_iter().try_for_each(|resource_type| terminal.data(&text(resource_type)))?;
        } else {
            let all: serde_json::Map<_, _> =
                chosen.into_iter().map(|it| (it.name().to_owned(), it.schema().to_value())).collect();
            terminal.line(&format!("{:#}", serde_json::Value::from(all)))?;
        }
        Ok(Exit::Done)
    }

    /// Returns the files that `--out` writes, what is about all types first.
    fn files(&self, chosen: &[&'static dyn ResourceType]) -> Vec<(String, String)> {
        let is_whole = self.resource_type.is_none();
        let mut files = Vec::new();
        match self.format {
            Format::Json => {
                if is_whole {
                    let types = chosen.iter().map(|it| (it.name(), it.schema().to_value()));
                    let schema = render::schema::configuration(types);
                    files.push(("configuration.json".to_owned(), format!("{schema:#}\n")));
                }
                files.extend(chosen.iter().map(|it| (format!("{}.json", it.name()), text(*it))));
            }
            Format::Markdown => {
                if is_whole {
                    files.push(("language.md".to_owned(), language(chosen)));
                }
                files.extend(chosen.iter().map(|it| (format!("{}.md", it.name()), page(*it))));
            }
        }
        files
    }

    /// Returns the resource types that were asked for.
    fn chosen(&self) -> Result<Vec<&'static dyn ResourceType>, Failure> {
        let Some(name) = &self.resource_type else { return Ok(resource::all().to_vec()) };
        let names: Vec<_> = resource::all().iter().map(|it| it.name()).collect();
        let unknown = || {
            Failure::refused_with(
                format!("there is no resource type `{name}`"),
                format!("there are: {}", names.join(", ")),
            )
        };
        Ok(vec![resource::find(name).ok_or_else(unknown)?])
    }
}

/// Returns the reference page of the language.
fn language(types: &[&dyn ResourceType]) -> String {
    let names: Vec<&str> = types.iter().map(|it| it.name()).collect();
    let functions: Vec<_> = eval::functions().collect();
    let checks: Vec<_> = resource::all_checks().iter().map(|check| (check.code, check.finds.to_owned())).collect();
    render::reference::language(&names, &functions, &checks)
}

/// Returns the reference page of a resource type.
fn page(resource_type: &dyn ResourceType) -> String {
    let schema = resource_type.schema().to_value();
    render::reference::resource_type(&Subject {
        name: resource_type.name(),
        schema: &schema,
        exports: resource_type.exports(),
        example: resource_type.example(),
    })
}

/// Returns the lines of one check.
fn check(check: &CheckDoc) -> String {
    let CheckDoc { code, severity, finds, because, source } = check;
    let severity = format!("{severity:?}").to_lowercase();
    let because = if because.is_empty() { String::new() } else { format!(": {because}") };
    format!("{code} {severity}  {finds}{because}\n      {source}\n")
}

/// Returns the schema as it stands in a file.
fn text(resource_type: &dyn ResourceType) -> String {
    format!("{:#}\n", resource_type.schema().to_value())
}

fn write(folder: &std::path::Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    let failed = |source| Failure::File { path: path.display().to_string(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::write(&path, text).map_err(failed)
}

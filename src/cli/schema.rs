//! `schema`: prints the JSON schema of a resource type, or of all of them.
use std::path::PathBuf;

use clap::Args;

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::eval;
use crate::resource::{self, CheckDoc, ResourceType};

/// Print the JSON schema of a resource type, or of all of them.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The resource type, such as `ray_head`; all where it is left out.
    resource_type: Option<String>,
    /// Write one file per resource type into this folder instead.
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
            for resource_type in chosen {
                write(folder, resource_type)?;
            }
        } else if self.resource_type.is_some() {
            chosen.into_iter().try_for_each(|resource_type| terminal.data(&text(resource_type)))?;
        } else {
            let all: serde_json::Map<_, _> =
                chosen.into_iter().map(|it| (it.name().to_owned(), it.schema().to_value())).collect();
            terminal.line(&format!("{:#}", serde_json::Value::from(all)))?;
        }
        Ok(Exit::Done)
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

fn write(folder: &std::path::Path, resource_type: &dyn ResourceType) -> Result<(), Failure> {
    let path = folder.join(format!("{}.json", resource_type.name()));
    let failed = |source| Failure::File { path: path.display().to_string(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::write(&path, text(resource_type)).map_err(failed)
}

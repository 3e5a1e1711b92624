//! `schema`: prints the JSON schema or the reference page of a resource type or data source, or of the whole language.
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::eval;
use crate::model::{Json, nearest};
use crate::render::{self, reference::Subject};
use crate::resource::{self, CheckDoc, DataSource, ResourceType};

/// Print the JSON schema or the reference page of a resource type or data source, or of all of them.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The resource type, such as `ray_head`, or the data source, such as `data.secret`; all where it is left out.
    #[arg(value_name = "TYPE")]
    chosen: Option<String>,
    /// The form: a JSON schema, or a page of reference.
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    /// Write one file per type into this folder instead, and one for the language as a whole.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print a complete configuration that uses the type instead.
    #[arg(long, requires = "chosen")]
    example: bool,
    /// Print the checks of Ray systems instead: code, severity, what each finds, and where to read more.
    #[arg(long, conflicts_with_all = ["chosen", "out", "example"])]
    checks: bool,
    /// Print the functions of the configuration language instead, with what each does.
    #[arg(long, conflicts_with_all = ["chosen", "out", "example", "checks"])]
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

/// A resource type or a data source, as it describes itself.
struct Described {
    /// Such as `ray_head` or `data.secret`.
    name: String,
    schema: Json,
    exports: &'static [(&'static str, &'static str)],
    example: &'static str,
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
            chosen.iter().try_for_each(|it| terminal.data(it.example))?;
        } else if let Some(folder) = &self.out {
            self.files(&chosen).iter().try_for_each(|(name, text)| write(folder, name, text))?;
        } else if self.format == Format::Markdown {
            terminal.data(&self.files(&chosen).swap_remove(0).1)?;
        } else if self.chosen.is_some() {
            chosen.iter().try_for_each(|it| terminal.data(&it.text()))?;
        } else {
            let all: serde_json::Map<_, _> = chosen.into_iter().map(|it| (it.name, it.schema)).collect();
            terminal.line(&format!("{:#}", serde_json::Value::from(all)))?;
        }
        Ok(Exit::Done)
    }

    /// Returns the files that `--out` writes, what is about all types first.
    fn files(&self, chosen: &[Described]) -> Vec<(String, String)> {
        let is_whole = self.chosen.is_none();
        let mut files = Vec::new();
        match self.format {
            Format::Json => {
                if is_whole {
                    files.push(("configuration.json".to_owned(), configuration()));
                }
                files.extend(chosen.iter().map(|it| (format!("{}.json", it.name), it.text())));
            }
            Format::Markdown => {
                if is_whole {
                    files.push(("language.md".to_owned(), language()));
                }
                files.extend(chosen.iter().map(|it| (format!("{}.md", it.name), it.page())));
            }
        }
        files
    }

    /// Returns what was asked for.
    fn chosen(&self) -> Result<Vec<Described>, Failure> {
        let types = resource::all().iter().map(|it| Described::of_resource_type(*it));
        let mut all: Vec<Described> =
            types.chain(resource::data_sources().iter().map(|it| Described::of_data(*it))).collect();
        let Some(name) = &self.chosen else { return Ok(all) };
        let names: Vec<String> = all.iter().map(|it| it.name.clone()).collect();
        all.retain(|it| it.name == *name);
        if all.is_empty() {
            let hint = match nearest(name, names.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are: {}", names.join(", ")),
            };
            return Err(Failure::refused_with(format!("there is no resource type or data source `{name}`"), hint));
        }
        Ok(all)
    }
}

impl Described {
    fn of_resource_type(resource_type: &dyn ResourceType) -> Self {
        Self {
            name: resource_type.name().to_owned(),
            schema: resource_type.schema().to_value(),
            exports: resource_type.exports(),
            example: resource_type.example(),
        }
    }

    fn of_data(data_source: &dyn DataSource) -> Self {
        Self {
            name: format!("data.{}", data_source.name()),
            schema: data_source.schema().to_value(),
            exports: data_source.exports(),
            example: data_source.example(),
        }
    }

    /// Returns the schema as it stands in a file.
    fn text(&self) -> String {
        format!("{:#}\n", self.schema)
    }

    /// Returns the reference page.
    fn page(&self) -> String {
        let Self { name, schema, exports, example } = self;
        render::reference::of_type(&Subject { name, schema, exports, example })
    }
}

/// Returns the schema of a whole configuration.
fn configuration() -> String {
    let types = resource::all().iter().map(|it| (it.name(), it.schema().to_value()));
    let data_sources = resource::data_sources().iter().map(|it| (it.name(), it.schema().to_value()));
    format!("{:#}\n", render::schema::configuration(types, data_sources))
}

/// Returns the reference page of the language.
fn language() -> String {
    let names: Vec<&str> = resource::all().iter().map(|it| it.name()).collect();
    let data_sources: Vec<String> = resource::data_sources().iter().map(|it| format!("data.{}", it.name())).collect();
    let data_sources: Vec<&str> = data_sources.iter().map(String::as_str).collect();
    let functions: Vec<_> = eval::functions().collect();
    let checks: Vec<_> = resource::all_checks().iter().map(|check| (check.code, check.finds.to_owned())).collect();
    render::reference::language(&names, &data_sources, &functions, &checks)
}

/// Returns the lines of one check.
fn check(check: &CheckDoc) -> String {
    let CheckDoc { code, severity, finds, because, source } = check;
    let severity = format!("{severity:?}").to_lowercase();
    let because = if because.is_empty() { String::new() } else { format!(": {because}") };
    format!("{code} {severity}  {finds}{because}\n      {source}\n")
}

fn write(folder: &std::path::Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    let failed = |source| Failure::File { path: path.display().to_string(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::write(&path, text).map_err(failed)
}

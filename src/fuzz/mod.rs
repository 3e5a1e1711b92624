//! What must hold for any input at all. `fuzz/` looks for inputs where it does not; a test tries a fixed number.
#[cfg(test)]
mod generate;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::config::{self, Sources};
use crate::eval::{self, Inputs};
use crate::model::{Diagnostic, FileId, Secrets};
use crate::render::{self, View};
use crate::resource;
use crate::state::Store;

/// The names of all targets.
#[cfg(test)]
pub(crate) const TARGETS: [&str; 5] = ["parse", "evaluate", "fmt", "plan", "state"];

/// Tries one input; panics where something does not hold.
pub(crate) fn run(target: &str, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match target {
        "parse" => parse(data),
        "evaluate" => evaluate(&text),
        "fmt" => format(&text),
        "plan" => in_folder("saved.plan", data, |folder| crate::cli::reads_plan(&folder.join("saved.plan"))),
        "state" => in_folder("rayform.state.json", data, |folder| {
            // Any error is a good answer, as long as it is one.
            drop(Store::new(folder, None).load(|| "lineage".to_owned()));
        }),
        other => panic!("there is no target `{other}`"),
    }
}

/// Both syntaxes; every mistake can be shown with its line.
fn parse(data: &[u8]) {
    for name in ["main.rf.hcl", "main.rf.json", "rayform.vars.hcl", "rayform.vars.json"] {
        in_folder(name, data, |folder| {
            let mut loaded = config::load(folder);
            let variables = config::variables(folder, &[], &[], &mut loaded.sources);
            let found = loaded.config.err().into_iter().chain(variables.err());
            found.for_each(|diagnostics| show(&diagnostics, &loaded.sources));
        });
    }
}

fn evaluate(text: &str) {
    in_folder("main.rf.hcl", text.as_bytes(), |folder| {
        let loaded = config::load(folder);
        let Ok(config) = loaded.config else { return };
        match eval::evaluate(&config, &inputs(), &mut Secrets::default()) {
            Ok(evaluation) => show(&evaluation.desired.diagnostics, &loaded.sources),
            Err(diagnostics) => show(&diagnostics, &loaded.sources),
        }
    });
}

/// Formatting twice is formatting once, and means the same.
fn format(text: &str) {
    let Ok(once) = config::format(text, FileId(0)) else { return };
    let twice = config::format(&once, FileId(0)).expect("what is formatted parses");
    assert_eq!(once, twice, "formatting twice is formatting once");
    assert_eq!(config::meaning(text), config::meaning(&once), "formatting keeps the meaning of\n{text}");
}

fn show(diagnostics: &[Diagnostic], sources: &Sources) {
    let text = render::diagnostics(diagnostics, sources, &Secrets::default(), false, View::plain());
    assert_eq!(text.is_empty(), diagnostics.is_empty());
}

fn inputs() -> Inputs {
    let now = "2026-01-02T03:04:05Z".to_owned();
    Inputs {
        reading: crate::eval::Reading::Never,
        assignments: Vec::new(),
        now,
        home: None,
        workspace: "default".to_owned(),
        resource_types: resource::all(),
    }
}

/// Writes one file into a folder of its own.
fn in_folder(name: &str, data: &[u8], work: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(name), data).expect("a file");
    work(folder.path());
}

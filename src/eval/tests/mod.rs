//! What the tests of the evaluator share: a folder of files, evaluated.
mod clusters;
mod data;
mod expressions;
mod language;
mod modules;
mod order;
mod resources;
mod values;

use std::path::Path;

use super::{Evaluation, Inputs, ResourceTypes, evaluate};
use crate::config::{self, Flag, Sources};
use crate::model::{Diagnostic, Secrets};

/// When all tests plan.
const NOW: &str = "2026-01-02T03:04:05Z";

/// Writes one file into a folder and evaluates the folder.
fn evaluated(text: &str, types: ResourceTypes) -> (Sources, Result<Evaluation, Vec<Diagnostic>>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("main.rf.hcl"), text).expect("a file");
    in_folder(folder.path(), &[], types)
}

/// Evaluates a folder with values of variables such as `name=value`.
fn in_folder(
    folder: &Path,
    variables: &[&str],
    types: ResourceTypes,
) -> (Sources, Result<Evaluation, Vec<Diagnostic>>) {
    let mut loaded = config::load(folder);
    let flags: Vec<Flag> = variables.iter().map(|text| Flag::Variable((*text).to_owned())).collect();
    let config = match loaded.config {
        Ok(config) => config,
        Err(diagnostics) => return (loaded.sources, Err(diagnostics)),
    };
    let result = config::variables(folder, &[], &flags, &mut loaded.sources).and_then(|assignments| {
        let inputs = Inputs {
            reading: crate::eval::Reading::Never,
            assignments,
            now: NOW.to_owned(),
            home: None,
            workspace: "default".to_owned(),
            resource_types: types,
        };
        evaluate(&config, &inputs, &mut Secrets::default())
    });
    (loaded.sources, result)
}

/// Returns each diagnostic as `line: message (hint) at "source"`.
fn told(sources: &Sources, diagnostics: &[Diagnostic]) -> Vec<String> {
    let tell = |diagnostic: &Diagnostic| {
        let hint = diagnostic.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let Some((span, _)) = &diagnostic.at else { return format!("{diagnostic}{hint}") };
        let text = sources.text(span.file);
        let (start, end) = (span.start as usize, span.end as usize);
        let line = text[..start].matches('\n').count() + 1;
        format!("{line}: {diagnostic}{hint} at {}", &text[start..end])
    };
    diagnostics.iter().map(tell).collect()
}

/// Checks that a configuration has exactly these mistakes.
#[track_caller]
fn fails(text: &str, types: ResourceTypes, expected: &[&str]) {
    let (sources, result) = evaluated(text, types);
    let found = match result {
        Ok(evaluation) => told(&sources, &evaluation.desired.diagnostics),
        Err(diagnostics) => told(&sources, &diagnostics),
    };
    assert_eq!(found, expected);
}

/// Evaluates a configuration that has no mistakes.
#[track_caller]
fn succeeds(text: &str, types: ResourceTypes) -> Evaluation {
    let (sources, result) = evaluated(text, types);
    match result {
        Ok(evaluation) => evaluation,
        Err(diagnostics) => panic!("{:#?}", told(&sources, &diagnostics)),
    }
}

/// Joins what is written for every number.
fn repeated(numbers: std::ops::Range<usize>, write: impl Fn(usize) -> String) -> String {
    numbers.map(write).collect::<Vec<_>>().concat()
}

//! `test`: applies the configuration to sandboxes of their own, and looks at what comes of it.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::arguments::{Applying, Given, Global, Planning, Variables};
use super::connecting::{self, Connections, Opened};
use super::exit::{Exit, Failure};
use super::planning::{self, Planned};
use super::project;
use super::reading;
use super::terminal::Terminal;
use super::working;
use crate::config::ir::Attribute;
use crate::config::{self, Assigned, Assignment, Config, Origin, Sources, TestCommand, TestFile, TestRun};
use crate::eval::{self, Names};
use crate::model::{Diagnostic, Known, Output, Severity, Value};
use crate::plan::Mode;
use crate::state::State;

/// Run the tests of the configuration: every `*.rftest.hcl` of the folder and of `tests/` below it.
///
/// Each file has a sandbox and a state of its own, which its `run` blocks share in the order of the file and which go
/// with it. A run may work in another module (`module { source = "./FOLDER" }`, from the folder of the configuration),
/// with a state of its own, and plan in part (`plan_options`). A run that fails with an error skips the rest of its
/// file. Exits with 1 where a run fails.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// Only this file; may be repeated.
    #[arg(long = "filter", value_name = "FILE")]
    filters: Vec<PathBuf>,
    #[command(flatten)]
    planning: Planning,
    #[command(flatten)]
    applying: Applying,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pass,
    /// Something does not hold; the next run can go on from here.
    Fail,
    /// It could not be carried out.
    Error,
    Skip,
}

/// How many runs ended how.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Test {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let is_meant = |path: &PathBuf| self.filters.is_empty() || self.filters.iter().any(|it| path.ends_with(it));
        let paths: Vec<PathBuf> = config::list_tests(&global.chdir).into_iter().filter(is_meant).collect();
        if paths.is_empty() {
            let hint = "a test is a file `NAME.rftest.hcl`, with `run \"NAME\" { assert { … } }` in it";
            return Err(Failure::refused_with("there are no tests", hint));
        }
        let mut counts = Counts::default();
        for path in paths {
            self.file(&path, global, terminal, &mut counts).await?;
        }
        let Counts { passed, failed, skipped } = counts;
        let line = serde_json::json!({"type": "test_summary", "passed": passed, "failed": failed, "skipped": skipped});
        let skips = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        say(terminal, &format!("\n{passed} passed, {failed} failed{skips}"), &line)?;
        Ok(if failed > 0 { Exit::Mistaken } else { Exit::Done })
    }

    async fn file(
        &self,
        path: &Path,
        global: &Global,
        terminal: &mut Terminal,
        counts: &mut Counts,
    ) -> Result<(), Failure> {
        let name = path.strip_prefix(&global.chdir).unwrap_or(path).display().to_string();
        let mut bench = Bench::new(self, global, terminal)?;
        let tests = match config::test_file(path, &mut bench.sources) {
            Ok(tests) => tests,
            Err(diagnostics) => {
                terminal.sources = bench.sources;
                terminal.failure(&Failure::Mistakes(diagnostics));
                counts.failed += 1;
                return Ok(());
            }
        };
        let mut is_over = false;
        for run in &tests.runs {
            let (verdict, failure) =
                if is_over { (Verdict::Skip, None) } else { bench.run(&tests, run, terminal).await };
            is_over |= verdict == Verdict::Error;
            counts.add(verdict);
            let line = serde_json::json!({"type": "test_run", "file": name, "run": run.name, "status": verdict.word()});
            say(terminal, &format!("{name}: run \"{}\"... {}", run.name, verdict.word()), &line)?;
            failure.iter().for_each(|failure| terminal.failure(failure));
        }
        Ok(())
    }
}

/// What the runs of one file share.
struct Bench {
    global: Global,
    planning: Planning,
    applying: Applying,
    /// The file of tests, and what its values come from.
    sources: Sources,
    /// The outputs of each run, by name.
    runs: BTreeMap<Arc<str>, Value>,
    /// Holds the sandbox and the state.
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(test: &Test, global: &Global, terminal: &Terminal) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let global = Global {
            sandbox: Some(folder.path().to_path_buf()),
            workspace: None,
            opened: Opened::default(),
            ..global.clone()
        };
        let applying = Applying { auto_approve: true, ..test.applying.clone() };
        let sources = terminal.sources.clone();
        let planning = test.planning.clone();
        Ok(Self { global, planning, applying, sources, runs: BTreeMap::new(), _folder: folder })
    }

    /// Carries one run out without a word; returns what it found.
    async fn run(&mut self, tests: &TestFile, run: &TestRun, terminal: &mut Terminal) -> (Verdict, Option<Failure>) {
        terminal.mute();
        let result = self.attempt(tests, run, terminal).await;
        let held = terminal.unmute();
        match result {
            Err(Failure::Told) => (Verdict::Error, Some(Failure::Mistakes(held))),
            Ok(problems) if problems.is_empty() => (Verdict::Pass, None),
            Ok(problems) => (Verdict::Fail, Some(Failure::Mistakes(problems))),
            Err(failure) => (Verdict::Error, Some(failure)),
        }
    }

    /// Returns what does not hold.
    async fn attempt(
        &mut self,
        tests: &TestFile,
        run: &TestRun,
        terminal: &mut Terminal,
    ) -> Result<Vec<Diagnostic>, Failure> {
        let global = self.place(run)?;
        let loaded = config::load_beside(&global.chdir, self.sources.clone());
        terminal.sources = loaded.sources;
        let config = loaded.config.map_err(Failure::Mistakes)?;
        let planning = self.planning(&global, &config, tests, run)?;
        match self.carry_out(&global, &planning, run, terminal).await {
            Err(Failure::Mistakes(found)) if !run.expect_failures.is_empty() => {
                expected(&config, run, found).map_err(Failure::Mistakes)
            }
            Err(failure) => Err(failure),
            Ok(_) if !run.expect_failures.is_empty() => Ok(run.expect_failures.iter().map(unfailed).collect()),
            Ok((planned, state)) => self.look(&global, &planned, &state, run).await,
        }
    }

    /// Returns where a run works: another module has a state of its own, on the same sandbox.
    fn place(&self, run: &TestRun) -> Result<Global, Failure> {
        let Some(module) = &run.module else { return Ok(self.global.clone()) };
        let chdir = self.global.chdir.join(module);
        if !project::has_configuration(&chdir)? {
            let missing = Diagnostic::error(format!("there is no configuration in `{}`", chdir.display()));
            let hint = "the folder is looked for from that of the configuration, not from that of the test";
            return Err(Failure::Mistakes(vec![missing.at(run.header).hint(hint)]));
        }
        let name = module.components().filter_map(|part| part.as_os_str().to_str()).collect::<Vec<_>>().join("-");
        Ok(Global { chdir, workspace: Some(format!("module-{name}")), ..self.global.clone() })
    }

    /// Returns how a run plans.
    fn planning(
        &self,
        global: &Global,
        config: &Arc<Config>,
        tests: &TestFile,
        run: &TestRun,
    ) -> Result<Planning, Failure> {
        let mut planning = self.planning.clone();
        planning.variables.given = self.given(global, config, tests, run)?;
        planning.refresh_only |= run.options.refresh_only;
        planning.refresh &= !run.options.trusting;
        planning.targets.extend(run.options.targets.iter().cloned());
        planning.replace.extend(run.options.replace.iter().cloned());
        Ok(planning)
    }

    /// Evaluates the values that the file and the run give to variables.
    fn given(&self, global: &Global, config: &Arc<Config>, tests: &TestFile, run: &TestRun) -> Result<Given, Failure> {
        let mut sources = self.sources.clone();
        let inputs = project::inputs(global, &Variables::default(), &mut sources)?;
        let mut names = Names::from([(Arc::from("run"), Value::Map(Arc::new(self.runs.clone())))]);
        let (mut values, mut assignments) = (BTreeMap::new(), Vec::new());
        for attribute in tests.variables.iter().chain(&run.variables) {
            let Attribute { name, name_span, value } = attribute;
            names.insert(Arc::from("var"), Value::Map(Arc::new(values.clone())));
            let value = eval::value_of(config, &inputs, value, &names);
            let value = value.map_err(|failure| Failure::Mistakes(vec![*failure]))?;
            values.insert(name.clone(), value.clone());
            let value = Assigned::Value(value);
            assignments.push(Assignment { name: name.to_string(), value, origin: Origin::File, span: *name_span });
        }
        Ok(Given { sources: self.sources.clone(), assignments })
    }

    /// Plans or applies; returns the plan's evaluation and the state that it led to.
    async fn carry_out(
        &self,
        global: &Global,
        planning: &Planning,
        run: &TestRun,
        terminal: &mut Terminal,
    ) -> Result<(Arc<eval::Evaluation>, State), Failure> {
        let lock = working::begin(global, &planning.locking, "test", terminal)?;
        let mode = if planning.refresh_only { Mode::RefreshOnly } else { Mode::Apply };
        let planned: Planned = planning::plan(global, planning, mode, terminal).await?;
        let (evaluation, store) = (planned.project.evaluation.clone(), planned.store.clone());
        if run.command == TestCommand::Plan {
            return Ok((evaluation, planned.state));
        }
        match working::carry_out(planned, lock, &self.applying, terminal).await? {
            Exit::Done | Exit::Changes => Ok((evaluation, project::load(&store)?.state)),
            _ => Err(Failure::Told),
        }
    }

    /// Checks the conditions, and remembers the outputs for later runs.
    async fn look(
        &mut self,
        global: &Global,
        evaluation: &eval::Evaluation,
        state: &State,
        run: &TestRun,
    ) -> Result<Vec<Diagnostic>, Failure> {
        let mut known = if run.command == TestCommand::Apply { project::known(state) } else { Known::default() };
        let outputs = outputs(global, evaluation, &mut known, run).await?;
        let outputs = Value::map(outputs.into_iter().map(|(name, output)| (name, output.value)));
        self.runs.insert(run.name.clone(), outputs.clone());
        let runs = Value::Map(Arc::new(self.runs.clone()));
        let names = Names::from([(Arc::from("run"), runs), (Arc::from("output"), outputs)]);
        Ok(evaluation.unmet(&run.asserts, &known, &names))
    }
}

/// Returns the outputs; after an apply, what they want to know of the cluster is asked.
async fn outputs(
    global: &Global,
    evaluation: &eval::Evaluation,
    known: &mut Known,
    run: &TestRun,
) -> Result<BTreeMap<String, Output>, Failure> {
    if run.command == TestCommand::Plan {
        return Ok(evaluation.desired.outputs.clone());
    }
    let all = evaluation.clusters.keys().cloned().collect();
    let connections = connecting::connect(global, &evaluation.clusters, all, Connections::default()).await?;
    reading::settle(&connections, known, |known| evaluation.outputs(known)).await
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Skip => "skip",
        }
    }
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail | Verdict::Error => self.failed += 1,
            Verdict::Skip => self.skipped += 1,
        }
    }
}

/// Returns what is left of the mistakes when those that were expected are taken out, and what was expected in vain.
///
/// An error that nobody expected is the error of the run.
fn expected(config: &Config, run: &TestRun, found: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let places: Vec<_> = run.expect_failures.iter().map(|reference| config.conditions_of(reference)).collect();
    let place = |diagnostic: &Diagnostic| diagnostic.at.as_ref().map(|(span, _)| *span);
    let is_expected = |diagnostic: &Diagnostic| {
        place(diagnostic).is_some_and(|place| places.iter().flatten().any(|spans| spans.contains(&place)))
    };
    let (met, others): (Vec<_>, Vec<_>) =
        found.into_iter().filter(|it| it.severity == Severity::Error).partition(is_expected);
    if !others.is_empty() {
        return Err(others);
    }
    let refused = |spans: &[_]| met.iter().filter_map(place).any(|place| spans.contains(&place));
    let in_vain = run.expect_failures.iter().zip(&places).filter_map(|(reference, spans)| match spans {
        Some(spans) => (!refused(spans)).then(|| unfailed(reference)),
        None => Some(Diagnostic::error("there is no such thing in the configuration").at(reference.span)),
    });
    Ok(in_vain.collect())
}

fn unfailed(reference: &config::ir::Expression) -> Diagnostic {
    Diagnostic::error("this was expected to refuse, and does not").at(reference.span)
}

fn say(terminal: &mut Terminal, text: &str, line: &serde_json::Value) -> Result<(), Failure> {
    if terminal.json {
        terminal.json(&format!("{line}\n"))?;
    } else {
        terminal.line(text)?;
    }
    Ok(())
}

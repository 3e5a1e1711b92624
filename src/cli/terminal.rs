//! The only place that prints: data to standard output, messages to standard error.
use std::io::{self, BufRead, IsTerminal, Write};

use terminal_size::{Height, Width};

use super::exit::Failure;
use crate::config::Sources;
use crate::model::Event;
use crate::model::{Diagnostic, Secrets};
use crate::plan::{Drift, Plan};
use crate::render::{self, View};

/// Where the words go, and how.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(super) struct Terminal {
    /// One JSON object per line instead of text.
    pub json: bool,
    /// Warnings as one line each.
    pub compact_warnings: bool,
    /// The files that diagnostics point into.
    pub sources: Sources,
    /// What must not be printed.
    pub secrets: Secrets,
    no_color: bool,
    /// Diagnostics that are kept instead of printed, while nothing is: a test is under way.
    held: Option<Vec<Diagnostic>>,
    /// The version line of JSON output has been printed.
    has_begun: bool,
    /// Diagnostics that were shown: evaluation and plan both bring those of the configuration.
    told: Vec<Diagnostic>,
}

impl Terminal {
    pub(super) fn new(json: bool, no_color: bool, compact_warnings: bool) -> Self {
        Self {
            json,
            compact_warnings,
            sources: Sources::default(),
            secrets: Secrets::default(),
            no_color,
            held: None,
            has_begun: false,
            told: Vec::new(),
        }
    }

    /// Prints nothing from now on, and keeps the diagnostics.
    pub(super) fn mute(&mut self) {
        self.held = Some(Vec::new());
        // The places of the next run are others, though they bear the same numbers.
        self.told.clear();
    }

    /// Prints again, and returns the diagnostics that were kept.
    pub(super) fn unmute(&mut self) -> Vec<Diagnostic> {
        self.held.take().unwrap_or_default()
    }

    /// Prints data as it is.
    pub(super) fn data(&mut self, text: &str) -> io::Result<()> {
        if self.held.is_some() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Prints one line of data.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        self.data(&format!("{text}\n"))
    }

    /// Prints lines of JSON; before the first of them, the version of their format.
    pub(super) fn json(&mut self, lines: &str) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.data(&render::json::version())?;
        }
        self.data(lines)
    }

    /// Prints a message. With `--json` standard output bears everything that matters, so it is left out.
    pub(super) fn message(&mut self, text: &str) {
        if !self.json && self.held.is_none() {
            // A closed standard error must not end an apply.
            writeln!(io::stderr().lock(), "{text}").unwrap_or_default();
        }
    }

    /// Shows diagnostics, each with its source line, and each once.
    pub(super) fn diagnostics(&mut self, diagnostics: &[Diagnostic]) -> io::Result<()> {
        if let Some(held) = &mut self.held {
            held.extend_from_slice(diagnostics);
            return Ok(());
        }
        let is_new = |diagnostic: &&Diagnostic| !self.told.contains(diagnostic);
        let diagnostics: Vec<Diagnostic> = diagnostics.iter().filter(is_new).cloned().collect();
        if diagnostics.is_empty() {
            return Ok(());
        }
        self.told.extend_from_slice(&diagnostics);
        if self.json {
            let line = |diagnostic| render::json::diagnostic(diagnostic, &self.sources, &self.secrets);
            let lines: String = diagnostics.iter().map(line).collect();
            return self.json(&lines);
        }
        let (view, compact) = (self.error_view(), self.compact_warnings);
        let text = render::diagnostics(&diagnostics, &self.sources, &self.secrets, compact, view);
        self.message(text.trim_end());
        Ok(())
    }

    /// Shows a plan.
    pub(super) fn plan(&mut self, plan: &Plan) -> io::Result<()> {
        let text = if self.json { render::json::plan(plan) } else { render::text::plan(plan, self.out_view()) };
        self.data(&text)
    }

    /// Shows what others changed.
    pub(super) fn drift(&mut self, drift: &[Drift]) -> io::Result<()> {
        let text = if self.json {
            render::json::drift(drift, &self.secrets)
        } else {
            render::text::drift(drift, &self.secrets, self.out_view())
        };
        self.data(&text)
    }

    /// Says why a command could not do its work: the chain of causes, and what would help.
    pub(super) fn failure(&mut self, failure: &Failure) {
        let shown = match failure {
            Failure::Mistakes(diagnostics) => self.diagnostics(diagnostics),
            other => self.diagnostics(&[as_diagnostic(other)]),
        };
        // Nobody is left to tell when even this cannot be printed.
        shown.unwrap_or_default();
    }

    /// Tells what happened, as a line of text or of JSON; goes to standard output.
    pub(super) fn event(&mut self, event: &Event) -> io::Result<()> {
        if self.json {
            self.data(&render::json::event(event, &self.secrets))
        } else {
            match render::progress::event(event, &self.secrets, self.out_view()) {
                Some(line) => self.line(&line),
                None => Ok(()),
            }
        }
    }

    /// Returns how text is shown on standard output.
    pub(super) fn out_view(&self) -> View {
        self.view(io::stdout().is_terminal(), terminal_size::terminal_size_of(io::stdout()))
    }

    /// Returns how text is shown on standard error.
    pub(super) fn error_view(&self) -> View {
        self.view(io::stderr().is_terminal(), terminal_size::terminal_size_of(io::stderr()))
    }

    fn view(&self, is_terminal: bool, size: Option<(Width, Height)>) -> View {
        let refused = self.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let width = told.or_else(|| size.map(|(width, _)| width.0.into()).filter(|width| *width > 0)).unwrap_or(100);
        View { colour: is_terminal && !refused, width }
    }

    /// Tells whether live progress can be drawn.
    pub(super) fn is_live(&self) -> bool {
        !self.json && self.held.is_none() && io::stderr().is_terminal()
    }

    /// Asks a question; only `yes` is yes.
    pub(super) fn approves(&mut self, question: &str) -> io::Result<bool> {
        if std::env::var("RAYFORM_INPUT").is_ok_and(|value| value == "false" || value == "0") {
            return Ok(false);
        }
        self.message(question);
        write!(io::stderr().lock(), "  Enter a value: ")?;
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim() == "yes")
    }
}

/// Returns a failure with its causes, the outermost first.
fn as_diagnostic(failure: &Failure) -> Diagnostic {
    let mut message = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors of others repeat their cause.
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    let diagnostic = Diagnostic::error(message);
    failure.hint().into_iter().fold(diagnostic, Diagnostic::hint)
}

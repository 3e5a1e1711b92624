//! The only place that prints: data to standard output, messages to standard error.
use std::io::{self, BufRead, IsTerminal, Write};

use crate::config::Sources;
use crate::model::{Diagnostic, Secrets};
use crate::render;

/// Where the words go, and how.
#[derive(Debug)]
pub(super) struct Terminal {
    /// One JSON object per line instead of text.
    pub json: bool,
    /// Warnings as one line each.
    pub compact_warnings: bool,
    no_color: bool,
}

impl Terminal {
    pub(super) fn new(json: bool, no_color: bool, compact_warnings: bool) -> Self {
        Self { json, compact_warnings, no_color }
    }

    /// Prints data as it is.
    #[expect(clippy::unused_self, reason = "printing needs a terminal, so that nothing else prints")]
    pub(super) fn data(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Prints one line of data.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        self.data(&format!("{text}\n"))
    }

    /// Prints a message. With `--json` standard output bears everything that matters, so it is left out.
    pub(super) fn message(&mut self, text: &str) {
        if !self.json {
            // A closed standard error must not end an apply.
            writeln!(io::stderr().lock(), "{text}").unwrap_or_default();
        }
    }

    /// Shows diagnostics, each with its source line.
    pub(super) fn diagnostics(&mut self, diagnostics: &[Diagnostic], sources: &Sources, secrets: &Secrets) -> io::Result<()> {
        if diagnostics.is_empty() {
            return Ok(());
        }
        if self.json {
            let lines = render::json::diagnostics(diagnostics, sources, secrets);
            return self.data(&lines);
        }
        let text = render::diagnostics::text(diagnostics, sources, secrets, self.error_style(), self.compact_warnings);
        self.message(text.trim_end());
        Ok(())
    }

    /// Tells whether standard output shows colours.
    pub(super) fn out_style(&self) -> render::Style {
        self.style(io::stdout().is_terminal())
    }

    /// Tells whether standard error shows colours.
    pub(super) fn error_style(&self) -> render::Style {
        self.style(io::stderr().is_terminal())
    }

    fn style(&self, is_terminal: bool) -> render::Style {
        let refused = self.no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if is_terminal && !refused { render::Style::Colour } else { render::Style::Plain }
    }

    /// Tells whether live progress can be drawn.
    pub(super) fn is_live(&self) -> bool {
        !self.json && io::stderr().is_terminal()
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

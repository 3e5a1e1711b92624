//! `console`: answers expressions, line by line.
use std::io::{self, BufRead, IsTerminal};

use clap::Args;

use super::arguments::{Global, Variables};
use super::exit::{Exit, Failure};
use super::project::{self, Project};
use super::terminal::Terminal;
use crate::config;
use crate::eval::Evaluation;
use crate::model::Known;

/// Answer expressions with the configuration, its variables and what is recorded; asks no cluster.
///
/// On a terminal, lines can be edited and the arrow keys lead through earlier ones. Otherwise every line of standard
/// input is answered, and the exit code is 1 where one could not be. An expression goes on in the next line while a
/// bracket is open. `exit` or Ctrl-D ends.
#[derive(Debug, Args)]
pub(super) struct Console {
    #[command(flatten)]
    pub variables: Variables,
}

impl Console {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let project = Project::open_or_empty(global, &self.variables, terminal)?;
        let state = project::load(&project::store(global))?.state;
        let known = project::known(&state);
        let mut session = Session { evaluation: &project.evaluation, known, failed: false };
        if io::stdin().is_terminal() {
            session.interactive(terminal)?;
            return Ok(Exit::Done);
        }
        session.piped(terminal)?;
        Ok(if session.failed { Exit::Mistaken } else { Exit::Done })
    }
}

struct Session<'a> {
    evaluation: &'a Evaluation,
    known: Known,
    /// Some line could not be answered.
    failed: bool,
}

impl Session<'_> {
    /// Answers every line of standard input.
    fn piped(&mut self, terminal: &mut Terminal) -> Result<(), Failure> {
        let failed = |source| Failure::File { path: "standard input".to_owned(), source };
        let mut text = String::new();
        for line in io::stdin().lock().lines() {
            if !self.line(&mut text, &line.map_err(failed)?, terminal)? {
                return Ok(());
            }
        }
        if !text.trim().is_empty() {
            self.answer(&text, terminal)?;
        }
        Ok(())
    }

    /// Answers what is typed, with editing and history.
    fn interactive(&mut self, terminal: &mut Terminal) -> Result<(), Failure> {
        let failed = |error: rustyline::error::ReadlineError| Failure::refused(error.to_string());
        let mut editor = rustyline::DefaultEditor::new().map_err(failed)?;
        let mut text = String::new();
        loop {
            match editor.readline(if text.is_empty() { "> " } else { ": " }) {
                Ok(line) => {
                    editor.add_history_entry(&line).map_err(failed)?;
                    if !self.line(&mut text, &line, terminal)? {
                        return Ok(());
                    }
                }
                // Ctrl-C drops what was begun.
                Err(rustyline::error::ReadlineError::Interrupted) if !text.is_empty() => text.clear(),
                Err(rustyline::error::ReadlineError::Interrupted | rustyline::error::ReadlineError::Eof) => {
                    return Ok(());
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Takes one more line, and answers where an expression ends; tells whether to go on.
    fn line(&mut self, text: &mut String, line: &str, terminal: &mut Terminal) -> Result<bool, Failure> {
        if text.is_empty() && line.trim() == "exit" {
            return Ok(false);
        }
        let (line, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        text.push_str(line);
        text.push('\n');
        if !goes_on && config::is_complete(text) {
            let whole = std::mem::take(text);
            if !whole.trim().is_empty() {
                self.answer(&whole, terminal)?;
            }
        }
        Ok(true)
    }

    fn answer(&mut self, text: &str, terminal: &mut Terminal) -> Result<(), Failure> {
        let text = text.trim();
        let file = terminal.sources.add("console", text);
        let answer = config::parse_expression(text, file)
            .and_then(|expression| self.evaluation.answer(&expression, &self.known));
        match answer {
            Ok(answer) if terminal.json => {
                let line = serde_json::json!({"type": "answer", "expression": text, "answer": answer});
                terminal.json(&format!("{line}\n"))?;
            }
            Ok(answer) => terminal.line(&answer)?,
            Err(diagnostic) => {
                self.failed = true;
                terminal.diagnostics(&[*diagnostic])?;
            }
        }
        Ok(())
    }
}

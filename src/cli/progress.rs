//! Follows an apply: plain lines, or on a terminal one live line per object at work.
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use super::exit::Failure;
use super::terminal::Terminal;
use crate::model::{Address, Event, Located, Severity, Verb};
use crate::render;
use crate::workflow::{Outcome, WorkflowError};

/// Tells what happens while it happens.
pub(super) struct Progress<'a> {
    terminal: &'a mut Terminal,
    live: Option<Live>,
    counts: BTreeMap<Verb, usize>,
}

/// The live lines: one for each object that is sent or waited for.
struct Live {
    lines: MultiProgress,
    at_work: BTreeMap<(Address, Located), AtWork>,
}

/// One object at work.
struct AtWork {
    bar: ProgressBar,
    verb: Verb,
    reason: Option<String>,
    since: Instant,
}

/// How often the seconds of the live lines are counted on.
const TICK: Duration = Duration::from_secs(1);

impl<'a> Progress<'a> {
    pub(super) fn new(terminal: &'a mut Terminal) -> Self {
        let live = terminal.is_live().then(|| Live { lines: MultiProgress::new(), at_work: BTreeMap::new() });
        Self { terminal, live, counts: BTreeMap::new() }
    }

    /// Runs the work to its end, and tells its events.
    pub(super) async fn follow(
        &mut self,
        work: impl Future<Output = Result<Outcome, WorkflowError>>,
        mut events: UnboundedReceiver<Event>,
    ) -> Result<Outcome, WorkflowError> {
        let mut ticks = tokio::time::interval(TICK);
        tokio::pin!(work);
        let outcome = loop {
            tokio::select! {
                biased;
                Some(event) = events.recv() => self.tell(&event),
                outcome = &mut work => break outcome,
                _ = ticks.tick(), if self.live.is_some() => self.redraw(),
            }
        };
        while let Ok(event) = events.try_recv() {
            self.tell(&event);
        }
        // Whoever is interrupted leaves lines of what was waited for.
        if let Some(live) = &mut self.live {
            live.end(|_| true);
        }
        outcome
    }

    /// Says how it ended.
    pub(super) fn finish(&mut self, outcome: &Outcome, unresolved: usize) -> Result<(), Failure> {
        self.terminal.diagnostics(&outcome.diagnostics)?;
        if unresolved > 0 {
            let message =
                format!("{unresolved} requests have no known result; the next run asks the cluster about them.");
            self.terminal.message(&message);
        }
        if self.terminal.json {
            let count = |verb| self.counts.get(&verb).copied().unwrap_or_default();
            let line = serde_json::json!({
                "type": "applied", "created": count(Verb::Create), "updated": count(Verb::Update),
                "replaced": count(Verb::Replace), "adopted": count(Verb::Adopt), "deleted": count(Verb::Delete),
                "failed": outcome.failures, "interrupted": outcome.interrupted,
            });
            return Ok(self.terminal.json(&format!("{line}\n"))?);
        }
        Ok(self.terminal.line(&self.summary(outcome))?)
    }

    /// Returns the last line.
    fn summary(&self, outcome: &Outcome) -> String {
        let count = |verbs: &[Verb]| verbs.iter().filter_map(|verb| self.counts.get(verb)).sum::<usize>();
        let (added, changed) = (count(&[Verb::Create, Verb::Replace]), count(&[Verb::Update]));
        let mut text = format!("{added} added, {changed} changed, {} destroyed", count(&[Verb::Delete, Verb::Replace]));
        for (verbs, word) in [(Verb::Adopt, "adopted"), (Verb::Forget, "forgotten"), (Verb::Wait, "waited for")] {
            let number = count(&[verbs]);
            if number > 0 {
                text = format!("{text}, {number} {word}");
            }
        }
        let failed = outcome.failures > 0 || outcome.diagnostics.iter().any(|it| it.severity == Severity::Error);
        match (outcome.interrupted, failed) {
            (true, _) => format!("\nInterrupted. Resources: {text}. The next apply goes on from here."),
            (_, true) => format!("\nApply failed in part. Resources: {text}, {} failed.", outcome.failures),
            _ => format!("\nApply complete! Resources: {text}."),
        }
    }

    fn tell(&mut self, event: &Event) {
        if let Event::Done { verb, .. } = event {
            *self.counts.entry(*verb).or_default() += 1;
        }
        let Some(live) = &mut self.live else {
            // Whoever reads may have gone; the work goes on.
            return self.terminal.event(event).unwrap_or_default();
        };
        live.note(event);
        if !matches!(event, Event::Waiting { .. } | Event::Started { .. }) {
            let terminal = &mut *self.terminal;
            live.lines.suspend(|| terminal.event(event)).unwrap_or_default();
        }
        self.redraw();
    }

    /// Writes the live lines anew.
    fn redraw(&mut self) {
        let (mut view, secrets) = (self.terminal.error_view(), &self.terminal.secrets);
        // The template indents each line by two.
        view.width = view.width.saturating_sub(2);
        for ((address, object), work) in self.live.iter().flat_map(|live| &live.at_work) {
            let seconds = work.since.elapsed().as_secs_f64();
            let reason = work.reason.as_deref();
            work.bar.set_message(render::progress::at_work(address, object, work.verb, reason, seconds, secrets, view));
        }
    }
}

impl Live {
    /// Adds, changes or ends the line of an object.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Sent { address, object, verb } => self.begin(address, object, *verb, None),
            Event::Waiting { address, object, reason } => {
                self.begin(address, object, Verb::Wait, Some(reason.clone()));
            }
            Event::ObjectDone { address, object, .. } => self.end(|key| key.0 == *address && key.1 == *object),
            Event::Done { address, .. } | Event::Failed { address, .. } => self.end(|key| key.0 == *address),
            _ => {}
        }
    }

    fn begin(&mut self, address: &Address, object: &Located, verb: Verb, reason: Option<String>) {
        let lines = &self.lines;
        let new = || {
            let style = ProgressStyle::with_template("  {msg}").expect("a constant template");
            let bar = lines.add(ProgressBar::new_spinner().with_style(style));
            AtWork { bar, verb, reason: None, since: Instant::now() }
        };
        let work = self.at_work.entry((address.clone(), object.clone())).or_insert_with(new);
        work.reason = reason.or(work.reason.take());
    }

    fn end(&mut self, is_meant: impl Fn(&(Address, Located)) -> bool) {
        for (_, work) in self.at_work.extract_if(.., |key, _| is_meant(key)) {
            work.bar.finish_and_clear();
        }
    }
}

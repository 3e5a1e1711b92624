//! Carries a plan out: lock, journal, progress, Ctrl-C, the new state.
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::arguments::{Applying, Global, Locking};
use super::connecting::Connections;
use super::exit::{Exit, Failure};
use super::planning::Planned;
use super::progress::Progress;
use super::project::{self, Project};
use super::reading;
use super::terminal::Terminal;
use crate::model::{Address, Diagnostic, Event, Known, Severity};
use crate::plan::Mode;
use crate::state::{Lock, Status};
use crate::workflow::{self, Limits, Outcome, Work};

/// Takes the lock before anything is looked at, so that nothing changes underneath.
pub(super) fn begin(
    global: &Global,
    locking: &Locking,
    command: &str,
    terminal: &mut Terminal,
) -> Result<Lock, Failure> {
    project::lock(&project::store(global), locking, command, terminal)
}

/// Does what the plan says, and records it.
pub(super) async fn carry_out(
    planned: Planned,
    lock: Lock,
    applying: &Applying,
    terminal: &mut Terminal,
) -> Result<Exit, Failure> {
    let Planned { project, connections, store, state, mut plan, is_recovered } = planned;
    if plan.is_empty() && !plan.is_record_outdated() && !is_recovered {
        return Ok(Exit::Done);
    }
    workflow::verify(&mut plan, &state, &connections.clusters).await?;
    let mode = plan.mode;
    let (events, received) = mpsc::unbounded_channel();
    let (interrupts, interrupted) = watch::channel(0_u8);
    let listening = tokio::spawn(count_interrupts(interrupts, events.clone()));
    let journal = store.begin(&lock, state.clone())?;
    let (resources, outputs) = (Arc::clone(&project.evaluation), Arc::clone(&project.evaluation));
    let work = Work {
        clusters: &connections.clusters,
        state: &state,
        journal: &journal,
        resolve: &move |address, known| resources.resolve(address, known),
        outputs: &move |known| outputs.outputs(known),
        events,
        interrupts: interrupted,
        limits: Limits { parallelism: applying.parallelism.into(), timeout: applying.timeout, ..Limits::default() },
    };
    let mut progress = Progress::new(terminal);
    let outcome = progress.follow(workflow::apply(plan.approve(), work), received).await?;
    listening.abort();
    let (now, open) = store.finish(journal)?;
    connections.finish()?;
    progress.finish(&outcome, open.len())?;
    if mode == Mode::Apply && outcome.failures == 0 && !outcome.interrupted {
        let mut known = outcome.known.clone();
        // What `--target` leaves out is passed over like what is up, and may not be there.
        let is_up = |address: &Address| now.resources.get(address).is_some_and(|it| it.status == Status::Ready);
        known.exports.retain(|address, _| is_up(address));
        if !look_back(&project, &connections, known, terminal).await? {
            return Ok(Exit::Partial);
        }
    }
    Ok(exit(&outcome))
}

/// Shows what `check` blocks, and the `data` blocks that were put off, find now that everything is up and that the plan
/// has not shown already. Tells whether there is no mistake among it.
async fn look_back(
    project: &Project,
    connections: &Connections,
    mut known: Known,
    terminal: &mut Terminal,
) -> Result<bool, Failure> {
    let (evaluation, told) = (&project.evaluation, &project.evaluation.desired.diagnostics);
    let mut found = reading::settle(connections, &mut known, |known| evaluation.put_off(known)).await?;
    found.extend(reading::settle(connections, &mut known, |known| evaluation.checks(known)).await?);
    let new: Vec<Diagnostic> = found.into_iter().filter(|diagnostic| !told.contains(diagnostic)).collect();
    terminal.diagnostics(&new)?;
    Ok(!new.iter().any(Diagnostic::is_error))
}

/// Counts Ctrl-C: the first stops what has not begun, the second ends the process.
async fn count_interrupts(interrupts: watch::Sender<u8>, events: mpsc::UnboundedSender<Event>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        interrupts.send_modify(|count| *count += 1);
        if *interrupts.borrow() > 1 {
            std::process::exit(Exit::Interrupted as i32);
        }
        events.send(Event::Interrupted).unwrap_or_default();
    }
}

fn exit(outcome: &Outcome) -> Exit {
    let has_errors = outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    match (outcome.interrupted, outcome.failures > 0 || has_errors) {
        (true, _) => Exit::Interrupted,
        (_, true) => Exit::Partial,
        _ => Exit::Done,
    }
}

//! Carries an approved plan out: each resource as soon as what it needs is up.
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::WorkflowError;
use super::error::Stop;
use super::run::{Limits, Resolve, ResolveOutputs, Run};
use super::walk::{Step, Walk};
use crate::cluster::Cluster;
use crate::model::{Diagnostic, Event};
use crate::plan::{Action, ApprovedPlan, Mode, Plan, record_output};
use crate::state::{Entry, Journal, State, StateError};

/// What apply works with.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub(crate) struct Work<'a> {
    pub cluster: &'a Cluster,
    /// The state that the plan was made from.
    pub state: &'a State,
    pub journal: &'a Journal,
    /// Evaluates what is known only during apply.
    pub resolve: &'a Resolve,
    pub outputs: &'a ResolveOutputs,
    pub events: UnboundedSender<Event>,
    /// Counts how often the user asked to stop: once ends gently, twice at once.
    pub interrupts: watch::Receiver<u8>,
    pub limits: Limits,
}

/// What came of it. The journal holds the new state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Resources that failed; those that were skipped because of them do not count.
    pub failures: usize,
    pub interrupted: bool,
    /// One for each failure.
    pub diagnostics: Vec<Diagnostic>,
}

/// Applies a plan. Whatever comes, what was done stands in the journal.
pub(crate) async fn apply(approved: ApprovedPlan, work: Work<'_>) -> Result<Outcome, WorkflowError> {
    let plan = approved.into_plan();
    check(&plan, work.state)?;
    let run = Run::new(&plan, &work);
    if work.state.cluster.as_ref() != Some(&plan.cluster) {
        run.journal(Entry::Cluster(plan.cluster.clone())).await.map_err(fatal)?;
    }
    let mut outcome = walk(&run, work.interrupts.clone()).await?;
    if outcome.failures == 0 && !outcome.interrupted {
        record_outputs(&run, work.outputs).await.map_err(fatal)?;
    }
    outcome.diagnostics.dedup();
    Ok(outcome)
}

/// Refuses what must never be begun.
fn check(plan: &Plan, state: &State) -> Result<(), WorkflowError> {
    if let Some(recorded) = state.cluster.as_ref().filter(|recorded| recorded.uid != plan.cluster.uid) {
        return Err(WorkflowError::WrongCluster { recorded: recorded.clone(), found: plan.cluster.clone() });
    }
    plan.graph.order().map(drop).map_err(|cycle| WorkflowError::Cycle(cycle.0))
}

/// Walks the graph until nothing can begin any more and everything that began has ended.
async fn walk(run: &Run<'_>, mut interrupts: watch::Receiver<u8>) -> Result<Outcome, WorkflowError> {
    let mut walk = Walk::new(&run.plan.graph);
    let mut running = FuturesUnordered::new();
    let mut outcome = Outcome::default();
    let mut lost_journal = None;
    loop {
        while !outcome.interrupted
            && lost_journal.is_none()
            && let Some(step) = walk.begin()
        {
            running.push(async move {
                let result = run.step(&step).await;
                (step, result)
            });
        }
        let (step, result) = tokio::select! {
            ended = running.next() => match ended {
                Some(ended) => ended,
                None => break,
            },
            count = next_interrupt(&mut interrupts) => {
                if count > 1 {
                    return Err(WorkflowError::Abandoned);
                }
                run.tell(Event::Interrupted);
                outcome.interrupted = true;
                continue;
            }
        };
        match result {
            Ok(()) => walk.done(&step),
            Err(stop) => stopped(run, &mut walk, &step, stop, &mut outcome, &mut lost_journal),
        }
    }
    match lost_journal {
        Some(source) => Err(WorkflowError::Journal { source }),
        None => Ok(outcome),
    }
}

/// Waits for the next time that the user asks to stop.
async fn next_interrupt(interrupts: &mut watch::Receiver<u8>) -> u8 {
    if interrupts.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    *interrupts.borrow_and_update()
}

/// Takes note of a step that did not get to its end.
fn stopped(
    run: &Run<'_>,
    walk: &mut Walk,
    step: &Step,
    stop: Stop,
    outcome: &mut Outcome,
    lost_journal: &mut Option<StateError>,
) {
    let skipped = walk.fail(step);
    match stop {
        Stop::Interrupted => {}
        Stop::Fatal(error) => *lost_journal = Some(error),
        Stop::Failed(diagnostic) => {
            outcome.failures += 1;
            outcome.diagnostics.push((*diagnostic).clone());
            run.tell(Event::Failed { address: step.address().clone(), diagnostic: *diagnostic });
            let mut told = std::collections::BTreeSet::from([step.address().clone()]);
            for skipped in skipped.iter().filter(|skipped| run.has_work(skipped)) {
                if told.insert(skipped.address().clone()) {
                    let because = step.address().clone();
                    run.tell(Event::Skipped { address: skipped.address().clone(), because });
                }
            }
        }
    }
}

impl Run<'_> {
    async fn step(&self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Raise(address) => self.raise(address).await,
            Step::Lower(address) => self.lower(address).await,
        }
    }

    /// Tells whether a step does anything that a user would miss.
    fn has_work(&self, step: &Step) -> bool {
        let Some(planned) = self.plan.resources.get(step.address()) else { return false };
        match step {
            Step::Raise(_) => super::send::raises(planned),
            Step::Lower(_) => super::delete::lowers(planned),
        }
    }
}

/// Records the outputs, evaluated again where they were not known.
async fn record_outputs(run: &Run<'_>, resolve: &ResolveOutputs) -> Result<(), Stop> {
    let plan = run.plan;
    let is_open = |change: &crate::plan::OutputChange| change.after.as_ref().is_some_and(|it| !it.is_wholly_known());
    let resolved = match plan.mode == Mode::Apply && plan.outputs.values().any(is_open) {
        true => resolve(&run.known()),
        false => std::collections::BTreeMap::new(),
    };
    for (name, change) in &plan.outputs {
        let value = resolved.get(name).map(|output| &output.value).or(change.after.as_ref());
        let output = value.and_then(|value| record_output(value, change.sensitive, &run.state.salt));
        if run.state.outputs.get(name) != output.as_ref() {
            run.journal(Entry::Output { name: name.clone(), output }).await?;
        }
    }
    Ok(())
}

fn fatal(stop: Stop) -> WorkflowError {
    match stop {
        Stop::Fatal(source) => WorkflowError::Journal { source },
        Stop::Interrupted | Stop::Failed(_) => WorkflowError::Abandoned,
    }
}

/// Tells whether a resource is gone at the end.
pub(super) fn ends(action: Action) -> bool {
    matches!(action, Action::Delete | Action::Forget)
}

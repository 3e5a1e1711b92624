//! Evaluates a configuration whose `data` blocks read clusters: asks what they want to know until they want no more.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::arguments::{Global, Variables};
use super::connecting::{self, Connections};
use super::exit::Failure;
use super::project::{self, Project};
use super::terminal::Terminal;
use crate::eval::{self, Read as Reads, Reading};
use crate::model::{Known, Read};
use crate::state::{Loaded, Status};
use crate::workflow;

/// Reads the configuration and evaluates it with what its `data` blocks read; connects to the clusters that are used.
pub(super) async fn open(
    global: &Global,
    variables: &Variables,
    loaded: &Loaded,
    terminal: &mut Terminal,
) -> Result<(Project, Connections), Failure> {
    let (config, mut inputs) = project::configuration(global, variables, terminal)?;
    let ready = loaded.state.resources.iter().filter(|(_, recorded)| recorded.status == Status::Ready);
    let mut reads = Reads { up: ready.map(|(address, _)| address.clone()).collect(), ..Reads::default() };
    let mut connections = Connections::default();
    let evaluation = loop {
        inputs.reading = Reading::From(reads.clone());
        let pass = eval::pass(&config, &inputs, &mut terminal.secrets);
        let has_more_up = reads.follow(&pass.moves);
        if pass.wanted.is_empty() && !(has_more_up && is_deferred(&pass)) {
            break pass.result.map_err(Failure::Mistakes)?;
        }
        let clusters = pass.wanted.iter().map(|read| read.cluster.clone()).collect();
        connections = connecting::connect(global, &pass.clusters, clusters, connections).await?;
        reads.answers.extend(workflow::read(&connections.clusters, &pass.wanted).await?);
    };
    terminal.diagnostics(&evaluation.desired.diagnostics)?;
    let used = connecting::used(&evaluation.desired, loaded);
    connecting::check_flags(global, &used)?;
    let connections = connecting::connect(global, &evaluation.clusters, used, connections).await?;
    Ok((Project { evaluation: Arc::new(evaluation) }, connections))
}

/// Tells whether something was put off until apply.
fn is_deferred(pass: &eval::Pass) -> bool {
    pass.result.as_ref().map_or(true, |evaluation| !evaluation.desired.deferred.is_empty())
}

/// Evaluates something during apply, or after it, and asks for what it wants to know.
pub(super) async fn settle<T>(
    connections: &Connections,
    known: &mut Known,
    evaluate: impl Fn(&Known) -> Result<T, BTreeSet<Read>>,
) -> Result<T, Failure> {
    loop {
        match evaluate(known) {
            Ok(value) => return Ok(value),
            Err(wanted) => known.answers.extend(workflow::read(&connections.clusters, &wanted).await?),
        }
    }
}

//! Evaluates a configuration whose `data` blocks read clusters: asks what they want to know until they want no more.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::arguments::{Global, Variables};
use super::connecting::{self, Connections};
use super::early::{self, Early};
use super::exit::Failure;
use super::project;
use super::terminal::Terminal;
use crate::config::Config;
use crate::eval::{self, Evaluation, Inputs, Read as Reads, Reading};
use crate::model::{Clusters, Diagnostic, Known, Read, Severity};
use crate::state::{Loaded, Status};
use crate::workflow::{self, Glance};

/// What the clusters are needed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    /// They are looked at, whatever the configuration says.
    pub look: bool,
    /// What `data` blocks read is needed: where it is not there, nothing can be done.
    pub data: bool,
}

/// An evaluated configuration and the clusters that it uses.
#[derive(Debug)]
pub(super) struct Open {
    pub evaluation: Evaluation,
    pub connections: Connections,
    /// What was seen of clusters meanwhile.
    pub glances: Clusters<Glance>,
}

/// Reads the configuration and evaluates it with what its `data` blocks read; connects to the clusters that are used.
///
/// `early` are those that were met already.
pub(super) async fn open(
    global: &Global,
    variables: &Variables,
    loaded: &Loaded,
    mut early: Early,
    needs: Needs,
    terminal: &mut Terminal,
) -> Result<Open, Failure> {
    if !early.connections.clusters.is_empty() {
        early = early::begin(global, &connecting::unnamed(), loaded, early).await;
    }
    let (config, mut inputs) = project::configuration(global, variables, terminal)?;
    if needs.look && !early.is_plain && early.looks.is_empty() {
        early = early::begin(global, &eval::known_clusters(&config), loaded, early).await;
    }
    let ready = loaded.state.resources.iter().filter(|(_, recorded)| recorded.status == Status::Ready);
    let mut reads = Reads { up: ready.map(|(address, _)| address.clone()).collect(), ..Reads::default() };
    let Early { mut connections, looks, .. } = early;
    let evaluation = loop {
        inputs.reading = Reading::From(reads.clone());
        let pass = eval::pass(&config, &inputs, &mut terminal.secrets);
        let has_more_up = reads.follow(&pass.moves);
        if pass.wanted.is_empty() && !(has_more_up && is_deferred(&pass)) {
            break match pass.result {
                Err(mistakes) if !needs.data => without_data(&config, inputs, mistakes, terminal)?,
                result => result.map_err(Failure::Mistakes)?,
            };
        }
        let clusters = pass.wanted.iter().map(|read| read.cluster.clone()).collect();
        connections = connecting::connect(global, &pass.clusters, clusters, connections).await?;
        reads.answers.extend(workflow::read(&connections.clusters, &pass.wanted).await?);
    };
    terminal.diagnostics(&evaluation.desired.diagnostics)?;
    let mut glances = Clusters::new();
    for (name, look) in looks {
        glances.insert(name, look.await.expect("asking does not panic")?);
    }
    let used = connecting::used(&evaluation.desired, loaded);
    connecting::check_flags(global, &used)?;
    let connections = connecting::connect(global, &evaluation.clusters, used, connections).await?;
    Ok(Open { evaluation, connections, glances })
}

/// Evaluates a configuration whose `data` blocks cannot be read: what is deleted is recorded and needs none of them.
fn without_data(
    config: &Arc<Config>,
    mut inputs: Inputs,
    mistakes: Vec<Diagnostic>,
    terminal: &mut Terminal,
) -> Result<Evaluation, Failure> {
    inputs.reading = Reading::Never;
    let Ok(evaluation) = eval::evaluate(config, &inputs, &mut terminal.secrets) else {
        return Err(Failure::Mistakes(mistakes));
    };
    let weakened = |mistake: Diagnostic| Diagnostic { severity: Severity::Warning, ..mistake };
    terminal.diagnostics(&mistakes.into_iter().map(weakened).collect::<Vec<_>>())?;
    Ok(evaluation)
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

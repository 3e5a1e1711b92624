//! From a configuration to a plan: refresh, draft, dry-runs, decision.
use std::sync::Arc;

use super::arguments::{Global, Planning, Variables};
use super::connecting::Connections;
use super::early::{self, Early};
use super::exit::Failure;
use super::project::{self, Project};
use super::reading::{self, Needs, Open};
use super::terminal::Terminal;
use crate::model::{Clusters, Desired, Import, Kind, Observed};
use crate::plan::{self, Drift, Mode, Options, Plan};
use crate::ssa::Schemas;
use crate::state::{Loaded, State, Store};
use crate::workflow::{self, Glance};

/// A plan with all that carrying it out needs.
#[derive(Debug)]
pub(super) struct Planned {
    pub project: Project,
    pub connections: Connections,
    pub store: Store,
    pub state: State,
    pub plan: Plan,
    /// The last run died, and `state` holds what was found out about its requests.
    pub is_recovered: bool,
}

/// Plans; changes nothing, in the cluster or on disk.
pub(super) async fn plan(
    global: &Global,
    planning: &Planning,
    mode: Mode,
    terminal: &mut Terminal,
) -> Result<Planned, Failure> {
    let store = project::store(global);
    let early = if planning.refresh { early::meet(global).await } else { Early::default() };
    let loaded = begun(project::load(&store)?, planning);
    let needs = Needs { look: planning.refresh, data: mode != Mode::Destroy };
    let Open { mut evaluation, connections, glances } =
        reading::open(global, &planning.variables, &loaded, early, needs, terminal).await?;
    let is_recovered = loaded.unfinished.is_some();
    let state = recovered(&connections, loaded, terminal).await?;
    let mut desired = evaluation.hand_over();
    let observed = observe(&connections, glances, &mut desired, &state, &store, planning).await?;
    let draft = plan::draft(desired, &state, &observed, options(planning, mode)).map_err(Failure::Mistakes)?;
    let answers =
        if planning.refresh { workflow::ask(&connections.clusters, draft.questions()).await? } else { Vec::new() };
    let plan = draft.decide(answers).map_err(Failure::Mistakes)?;
    terminal.diagnostics(&plan.diagnostics)?;
    let project = Project { evaluation: Arc::new(evaluation) };
    Ok(Planned { project, connections, store, state, plan, is_recovered })
}

/// Gives a state that is made just now the lineage of the saved plan that is to be carried out.
fn begun(mut loaded: Loaded, planning: &Planning) -> Loaded {
    if let Some((lineage, salt)) = planning.first.as_ref().filter(|_| loaded.is_new) {
        loaded.state.lineage.clone_from(lineage);
        loaded.state.salt.clone_from(salt);
    }
    loaded
}

/// Finds what others changed of what is recorded.
pub(super) async fn drift(
    global: &Global,
    variables: &Variables,
    terminal: &mut Terminal,
) -> Result<Vec<Drift>, Failure> {
    let store = project::store(global);
    let early = early::meet(global).await;
    let loaded = project::load(&store)?;
    let Open { evaluation, connections, glances } =
        reading::open(global, variables, &loaded, early, Needs { look: true, data: true }, terminal).await?;
    let state = recovered(&connections, loaded, terminal).await?;
    let observed = refresh(&connections, glances, &mut Desired::default(), &state, &store).await?;
    plan::check_clusters(&Desired::default(), &state, &observed).map_err(Failure::Mistakes)?;
    Ok(plan::drift(&state, &observed, Some(&evaluation.desired)))
}

/// Returns what is live, or what the state believes where it is not to be asked.
async fn observe(
    connections: &Connections,
    glances: Clusters<Glance>,
    desired: &mut Desired,
    state: &State,
    store: &Store,
    planning: &Planning,
) -> Result<Clusters<Observed>, Failure> {
    if !planning.refresh {
        let assumed = connections.clusters.iter().map(|(name, cluster)| {
            let observed = plan::assume(name, cluster.context(), state);
            (name.clone(), observed)
        });
        return Ok(assumed.collect());
    }
    refresh(connections, glances, desired, state, store).await
}

/// Looks at everything that is desired or recorded.
async fn refresh(
    connections: &Connections,
    glances: Clusters<Glance>,
    desired: &mut Desired,
    state: &State,
    store: &Store,
) -> Result<Clusters<Observed>, Failure> {
    let schemas = Schemas::built_in();
    let knows = |kind: &Kind| schemas.of(kind).is_some();
    Ok(workflow::refresh(&connections.clusters, glances, desired, state, &knows, Some(&store.cache())).await?)
}

/// Returns the state with the requests of a run that died resolved, in memory only.
async fn recovered(connections: &Connections, loaded: Loaded, terminal: &mut Terminal) -> Result<State, Failure> {
    let Some(open) = loaded.unfinished else { return Ok(loaded.state) };
    let recovery = workflow::recover(&connections.clusters, loaded.state, open).await?;
    for notice in &recovery.notices {
        terminal.message(notice);
    }
    Ok(recovery.state)
}

fn options(planning: &Planning, mode: Mode) -> Options {
    Options {
        mode,
        on_conflict: planning.on_conflict.into(),
        targets: planning.targets.clone(),
        excludes: planning.excludes.clone(),
        replace: planning.replace.clone(),
        imports: planning
            .imports
            .iter()
            .map(|(to, id)| Import { to: to.clone(), id: id.clone(), span: None })
            .collect(),
        adopt: planning.adopt,
        allow_data_loss: planning.allow_data_loss,
    }
}

/// Returns the mode that the flags ask for.
pub(super) fn mode(planning: &Planning) -> Mode {
    match (planning.destroy, planning.refresh_only) {
        (true, _) => Mode::Destroy,
        (_, true) => Mode::RefreshOnly,
        _ => Mode::Apply,
    }
}

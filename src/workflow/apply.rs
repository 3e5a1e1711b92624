//! Carries an approved plan out: each resource as soon as what it needs is up.
use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::WorkflowError;
use super::error::Stop;
use super::run::{Limits, Resolve, ResolveOutputs, Run};
use super::walk::{Step, Walk};
use crate::cluster::Cluster;
use crate::model::{Clusters, Diagnostic, Event, Known, Output};
use crate::plan::{Action, ApprovedPlan, Mode, Plan, record_output};
use crate::state::{Entry, Journal, State, StateError};

/// What apply works with.
pub(crate) struct Work<'a> {
    pub clusters: &'a Clusters<Cluster>,
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
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// Resources that failed; those that were skipped because of them do not count.
    pub failures: usize,
    pub interrupted: bool,
    /// One for each failure.
    pub diagnostics: Vec<Diagnostic>,
    /// What the resources that are up export.
    pub known: Known,
}

/// Applies a plan. Whatever comes, what was done stands in the journal.
pub(crate) async fn apply(approved: ApprovedPlan, work: Work<'_>) -> Result<Outcome, WorkflowError> {
    let plan = approved.into_plan();
    check(&plan, work.state)?;
    let state = work.state.clone().renamed(&plan.moves);
    let work = Work { state: &state, ..work };
    let run = Run::new(&plan, &work);
    run.note_clusters();
    for (from, to) in &plan.moves {
        run.note(Entry::Moved { from: from.clone(), to: to.clone() });
    }
    let mut outcome = walk(&run, work.interrupts.clone()).await?;
    if outcome.failures == 0 && !outcome.interrupted {
        record_outputs(&run, work.outputs).await;
    }
    run.flush().await.map_err(fatal)?;
    outcome.diagnostics.dedup();
    outcome.known = run.known();
    Ok(outcome)
}

/// Refuses what must never be begun.
fn check(plan: &Plan, state: &State) -> Result<(), WorkflowError> {
    for (name, planned) in &plan.clusters {
        let found = planned.identity.clone();
        if let Some(recorded) = state.clusters.get(name).filter(|recorded| recorded.uid != found.uid) {
            return Err(WorkflowError::WrongCluster { name: name.clone(), recorded: recorded.clone(), found });
        }
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
            Err(reason) => stopped(run, &mut walk, &step, reason, &mut outcome, &mut lost_journal),
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
    reason: Stop,
    outcome: &mut Outcome,
    lost_journal: &mut Option<StateError>,
) {
    let skipped = walk.fail(step);
    match reason {
        // The step may see the wish to stop before the walk does.
        Stop::Interrupted => outcome.interrupted = true,
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
async fn record_outputs(run: &Run<'_>, resolve: &ResolveOutputs) {
    let plan = run.plan;
    let is_open = |change: &crate::plan::OutputChange| change.after.as_ref().is_some_and(|it| !it.is_wholly_known());
    let is_unknown = plan.mode == Mode::Apply && plan.outputs.values().any(is_open);
    let resolved = if is_unknown { resolved_outputs(run, resolve).await } else { BTreeMap::new() };
    for (name, change) in &plan.outputs {
        let resolved = resolved.get(name);
        let value = resolved.map(|output| &output.value).or(change.after.as_ref());
        let is_sensitive = change.sensitive || resolved.is_some_and(|output| output.sensitive);
        let output = value.and_then(|value| record_output(value, is_sensitive, &run.state.salt));
        if run.state.outputs.get(name) != output.as_ref() {
            run.note(Entry::Output { name: name.clone(), output });
        }
    }
}

/// Evaluates the outputs with what is known now, and asks for what they want to know beyond that. What cannot be asked
/// is not recorded; the next run asks again.
async fn resolved_outputs(run: &Run<'_>, resolve: &ResolveOutputs) -> BTreeMap<String, Output> {
    loop {
        match resolve(&run.known()) {
            Ok(outputs) => return outputs,
            Err(reads) if run.ask(&reads).await.is_ok() => {}
            Err(_) => return BTreeMap::new(),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::Router;
    use axum::extract::Request;
    use axum::http::{Method, StatusCode};
    use axum::response::{IntoResponse, Response};
    use serde_json::json;

    use super::*;
    use crate::cluster::{Settings, Target, connect};
    use crate::model::{
        Address, ClusterIdentity, ClusterName, DesiredObject, FileId, Generated, Graph, Json, Kind, Lifecycle, Object,
        Readiness, Secrets, ServedKind, Span,
    };
    use crate::plan::{Change, PlannedCluster, ResourcePlan, Totals, Validation};
    use crate::state::{Act, Intent, LockOwner, RecordedObject, Store};
    use crate::workflow::recover::{Recovered, recover};

    /// A server that keeps objects by path. `refuse*` is refused, the answer for `lost*` is lost.
    #[derive(Clone, Default)]
    struct Server {
        objects: Arc<Mutex<BTreeMap<String, Json>>>,
        log: Arc<Mutex<Vec<String>>>,
    }

    impl Server {
        async fn answer(self, request: Request) -> Response {
            let (parts, body) = request.into_parts();
            let path = parts.uri.path().to_owned();
            if path == "/api" || path == "/apis" {
                return json!({ "kind": "APIGroupDiscoveryList", "items": [] }).to_string().into_response();
            }
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            self.log.lock().expect("a lock").push(format!("{} {name}", parts.method));
            let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            let mut objects = self.objects.lock().expect("a lock");
            match parts.method {
                _ if name.starts_with("refuse") => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
                Method::PATCH => {
                    let is_new = !objects.contains_key(&path);
                    let mut object: Json = serde_json::from_slice(&bytes).expect("JSON");
                    object["metadata"]["uid"] = format!("uid-of-{name}").into();
                    object["metadata"]["managedFields"] = json!([{ "manager": "rayform", "operation": "Apply" }]);
                    objects.insert(path, object.clone());
                    if name.starts_with("lost") {
                        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
                    }
                    let code = if is_new { StatusCode::CREATED } else { StatusCode::OK };
                    (code, object.to_string()).into_response()
                }
                Method::DELETE if objects.remove(&path).is_some() => {
                    json!({ "kind": "Status" }).to_string().into_response()
                }
                _ => objects
                    .get(&path)
                    .map_or(StatusCode::NOT_FOUND.into_response(), |it| it.to_string().into_response()),
            }
        }

        async fn cluster(&self) -> Cluster {
            let server = self.clone();
            let router = Router::new().fallback(move |request: Request| server.clone().answer(request));
            let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
            let known = |kind: &str, plural: &str, namespaced| ServedKind {
                kind: Kind::new("v1", kind),
                versions: vec!["v1".into()],
                plural: plural.to_owned(),
                namespaced,
            };
            cluster.learn([known("Secret", "secrets", true), known("Namespace", "namespaces", false)]);
            cluster
        }

        fn log(&self) -> Vec<String> {
            self.log.lock().expect("a lock").clone()
        }
    }

    fn secret(name: &str) -> Object {
        let annotations = json!({ "rayform.dev/lineage": "lineage" });
        let metadata = json!({ "name": name, "namespace": "a", "annotations": annotations });
        Object::new(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata })).expect("an object")
    }

    fn create(name: &str) -> Change {
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let mut desired = DesiredObject::new(secret(name), span, |_, _| Readiness::ready());
        desired.generated.insert("/data/password".to_owned(), Generated { length: 20 });
        Change::Create { desired, validation: Validation::Server }
    }

    fn delete(kind: &str, namespace: Option<&str>, name: &str) -> Change {
        let kind = Kind::new("v1", kind);
        let cluster = ClusterName::default();
        let object = RecordedObject {
            cluster: cluster.clone(),
            kind: kind.clone(),
            namespace: namespace.map(Into::into),
            name: name.into(),
            uid: format!("uid-of-{name}"),
            applied: Json::Null,
        };
        Change::Delete { cluster, kind, identity: object.identity(), uid: object.uid, live: None }
    }

    fn address(name: &str) -> Address {
        Address::root("secret", name)
    }

    fn plan(action: Action, changes: Vec<(&str, Change)>, needs: &[(&str, &str)]) -> Plan {
        let mut graph = Graph::default();
        let mut resources = BTreeMap::new();
        for (name, change) in changes {
            graph.add(address(name));
            let resource = ResourcePlan {
                action,
                cluster: ClusterName::default(),
                moved_from: None,
                changes: vec![change],
                impact: None,
                lifecycle: Lifecycle::default(),
                triggers: BTreeMap::new(),
                triggered_by: None,
                before_delete: Vec::new(),
                exports: Arc::default(),
                unknown_until: BTreeSet::new(),
                is_outdated: false,
            };
            resources.insert(address(name), resource);
        }
        for (node, on) in needs {
            graph.depend(address(node), address(on));
        }
        let identity = ClusterIdentity { uid: "c".to_owned(), server: "sandbox".to_owned() };
        let planned = PlannedCluster { identity, context: None };
        Plan {
            mode: Mode::Apply,
            clusters: Clusters::from([(ClusterName::default(), planned)]),
            lineage: "lineage".to_owned(),
            serial: 0,
            moves: Vec::new(),
            resources,
            graph,
            drift: Vec::new(),
            outputs: BTreeMap::new(),
            deferred: BTreeMap::new(),
            diagnostics: Vec::new(),
            totals: Totals::default(),
            secrets: Secrets::default(),
        }
    }

    /// What a run left: its outcome, its events by name, the state, the text of the journal.
    struct Ran {
        outcome: Outcome,
        events: Vec<String>,
        state: State,
        journal: String,
    }

    async fn run(server: &Server, plan: Plan, interrupts: u8) -> Ran {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path(), None);
        let text = |text: &str| text.to_owned();
        let owner = LockOwner { who: text("a"), host: text("h"), pid: 1, since: text("now"), command: text("apply") };
        let lock = store.lock(&owner, Duration::ZERO).expect("a lock");
        let state = State { lineage: text("lineage"), salt: text("salt"), ..State::default() };
        let journal = store.begin(&lock, state.clone()).expect("a journal");
        let clusters = Clusters::from([(ClusterName::default(), server.cluster().await)]);
        let (events, mut source) = tokio::sync::mpsc::unbounded_channel();
        let (_sender, interrupts) = watch::channel(interrupts);
        let resolve = |_: &Address, _: &Known| Err(Vec::new().into());
        let outputs = |_: &Known| Ok(BTreeMap::new());
        let work = Work {
            clusters: &clusters,
            state: &state,
            journal: &journal,
            resolve: &resolve,
            outputs: &outputs,
            events,
            interrupts,
            limits: Limits::default(),
        };
        let outcome = apply(plan.approve(), work).await.expect("an outcome");
        let mut told = Vec::new();
        while let Some(event) = source.recv().await {
            match event {
                Event::Skipped { address, because } => told.push(format!("{} skipped: {}", address.name, because.name)),
                Event::Done { address, .. } => told.push(format!("{} done", address.name)),
                _ => {}
            }
        }
        let path = folder.path().join(".rayform").join("journal");
        let text = std::fs::read_to_string(path).expect("the journal");
        let (state, open) = store.finish(journal).expect("a state");
        assert!(open.is_empty(), "{open:?}");
        Ran { outcome, events: told, state, journal: text }
    }

    #[tokio::test]
    async fn a_failure_stops_only_what_depends_on_it() {
        let changes = vec![("a", create("refuse")), ("b", create("b")), ("c", create("c"))];
        let ran = run(&Server::default(), plan(Action::Create, changes, &[("b", "a")]), 0).await;
        assert_eq!((ran.outcome.failures, ran.outcome.interrupted), (1, false));
        assert_eq!(ran.events, ["b skipped: a", "c done"]);
        assert_eq!(ran.state.resources[&address("c")].objects[0].uid, "uid-of-c");
        assert_eq!(ran.state.resources.len(), 1, "what was never made is not recorded");
    }

    #[tokio::test]
    async fn a_made_value_is_sent_and_written_nowhere() {
        let server = Server::default();
        let ran = run(&server, plan(Action::Create, vec![("a", create("a"))], &[]), 0).await;
        let objects = server.objects.lock().expect("a lock");
        let sent =
            objects.values().next().and_then(|it| it["data"]["password"].as_str()).expect("a password").to_owned();
        assert_eq!(sent.len(), 28, "20 characters in base64");
        assert!(!ran.journal.contains(&sent));
        let applied = &ran.state.resources[&address("a")].objects[0].applied;
        assert!(applied["data"]["password"].as_str().is_some_and(|it| it.starts_with("sha256:")), "{applied}");
    }

    #[tokio::test]
    async fn an_object_whose_answer_was_lost_is_recorded() {
        let ran = run(&Server::default(), plan(Action::Create, vec![("a", create("lost"))], &[]), 0).await;
        assert_eq!(ran.outcome.failures, 1);
        assert_eq!(ran.state.resources[&address("a")].objects[0].uid, "uid-of-lost");
    }

    #[tokio::test]
    async fn after_an_interrupt_nothing_is_sent() {
        let server = Server::default();
        let ran = run(&server, plan(Action::Create, vec![("a", create("a"))], &[]), 1).await;
        assert_eq!((ran.outcome.failures, server.log()), (0, Vec::new()));
        assert!(ran.outcome.interrupted && ran.state.resources.is_empty());
    }

    #[tokio::test]
    async fn what_needs_others_is_deleted_first() {
        let changes = vec![("a", delete("Secret", Some("a"), "a")), ("b", delete("Secret", Some("a"), "b"))];
        let server = Server::default();
        let ran = run(&server, plan(Action::Delete, changes, &[("b", "a")]), 0).await;
        assert_eq!(server.log(), ["DELETE b", "DELETE a"]);
        assert_eq!(ran.events, ["b done", "a done"]);
    }

    #[tokio::test]
    async fn a_namespace_of_kubernetes_is_never_deleted() {
        let server = Server::default();
        for name in ["default", "kube-system"] {
            let ran = run(&server, plan(Action::Delete, vec![("a", delete("Namespace", None, name))], &[]), 0).await;
            assert_eq!(ran.outcome.failures, 1);
        }
        assert_eq!(server.log(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_dead_run_is_resolved_by_looking() {
        let server = Server::default();
        let clusters = Clusters::from([(ClusterName::default(), server.cluster().await)]);
        let cluster = &clusters[&ClusterName::default()];
        cluster.apply(&secret("made"), crate::cluster::Apply::default()).await.expect("an object");
        let system = json!({ "metadata": { "name": "kube-system", "uid": "c" } });
        server.objects.lock().expect("a lock").insert("/api/v1/namespaces/kube-system".to_owned(), system);
        let intent = |name: &str| {
            let span = Span { file: FileId(0), start: 0, end: 0 };
            let desired = DesiredObject::new(secret(name), span, |_, _| Readiness::ready());
            let object = crate::workflow::object::recorded(&secret(name), &desired, "", "salt");
            Intent { address: address(name), act: Act::Apply, object }
        };
        let state = State { lineage: "lineage".to_owned(), ..State::default() };
        let Recovered { state, notices } =
            recover(&clusters, state, vec![intent("made"), intent("never")]).await.expect("a state");
        assert_eq!(state.resources.keys().collect::<Vec<_>>(), [&address("made")]);
        assert_eq!(notices[0], "`secret.made`: Secret a/made had been applied; it is recorded now");
        assert_eq!(notices[1], "`secret.never`: Secret a/never had not been made");
    }
}

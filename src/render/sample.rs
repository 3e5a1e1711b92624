//! Plans made by hand, for the tests of all formats.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use crate::model::{
    Address, ClusterIdentity, ClusterName, Clusters, DesiredObject, FieldPath, FileId, Graph, Json, Lifecycle, Located,
    Object, Owner, Readiness, Secrets, Span, Step, Surroundings, UNKNOWN, Value,
};
use crate::plan::{
    Action, Change, Disagreement, Drift, DriftKind, FieldChange, Mode, OutputChange, Plan, PlannedCluster,
    ResourcePlan, Totals, Validation,
};

fn judge(_: &Object, _: Surroundings<'_>) -> Readiness {
    Readiness::ready()
}

/// Returns a desired object with the marks that every object of ours bears.
pub(super) fn desired(mut json: Json) -> DesiredObject {
    json["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "rayform".into();
    json["metadata"]["annotations"]["rayform.dev/lineage"] = "l".into();
    let span = Span { file: FileId(0), start: 0, end: 0 };
    DesiredObject::new(Object::new(json).expect("an object"), span, judge)
}

pub(super) fn live(json: Json) -> Object {
    desired(json).object
}

pub(super) fn config_map() -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "a", "name": "m"},
           "data": {"redis.conf": "appendonly yes\nport 6379\n", "empty": "", "url": UNKNOWN}})
}

pub(super) fn deployment() -> Json {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "a", "name": "head"},
           "spec": {"replicas": 1, "template": {"spec": {"containers": [
               {"name": "ray", "image": "ray:2", "args": ["a", "b"]}]}}}})
}

pub(super) fn secret() -> Json {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a", "name": "s"}, "data": {"password": "aHVudGVyMjI="}})
}

/// Returns a change of one field.
pub(super) fn field(path: &[&str], before: Json, after: Json) -> FieldChange {
    let some = |value: Json| Some(value).filter(|value| !value.is_null());
    FieldChange { before: some(before), after: some(after), ..FieldChange::at(FieldPath::fields(path)) }
}

/// Returns a path into the container `ray`.
pub(super) fn container(name: &str) -> FieldPath {
    let keys = BTreeMap::from([("name".to_owned(), json!("ray"))]);
    let path = FieldPath::fields(&["spec", "template", "spec", "containers"]);
    path.join(Step::Key(keys)).join(Step::Field(name.to_owned()))
}

pub(super) fn owner(manager: &str, subresource: Option<&str>) -> Owner {
    Owner {
        manager: manager.to_owned(),
        operation: "Update".to_owned(),
        subresource: subresource.map(str::to_owned),
        time: Some("2026-01-02T03:04:05Z".to_owned()),
    }
}

pub(super) fn update(json: Json, fields: Vec<FieldChange>) -> Change {
    Change::Update { desired: desired(json.clone()), live: Box::new(live(json)), fields, force: false, adopt: false }
}

pub(super) fn create(json: Json) -> Change {
    Change::Create { desired: desired(json), validation: Validation::Server }
}

pub(super) fn delete(json: Json) -> Change {
    let live = live(json);
    let cluster = ClusterName::default();
    Change::Delete {
        cluster,
        kind: live.kind(),
        identity: live.identity(),
        uid: "u1".to_owned(),
        live: Some(Box::new(live)),
    }
}

pub(super) fn resource(action: Action, changes: Vec<Change>) -> ResourcePlan {
    ResourcePlan {
        action,
        cluster: ClusterName::default(),
        moved_from: None,
        changes,
        impact: None,
        lifecycle: Lifecycle::default(),
        triggers: BTreeMap::new(),
        triggered_by: None,
        before_delete: Vec::new(),
        exports: Arc::default(),
        unknown_until: BTreeSet::new(),
        is_outdated: false,
    }
}

fn cluster(uid: &str, server: &str, context: &str) -> PlannedCluster {
    let identity = ClusterIdentity { uid: uid.to_owned(), server: server.to_owned() };
    PlannedCluster { identity, context: Some(context.to_owned()) }
}

/// Returns a plan for two clusters; one resource moves from the default one to the other.
pub(super) fn two_clusters() -> Plan {
    let west = ClusterName::named("west");
    let there = |json: Json| {
        let desired = DesiredObject { cluster: west.clone(), ..desired(json) };
        Change::Create { desired, validation: Validation::Server }
    };
    let moved = resource(Action::Replace, vec![there(deployment()), delete(deployment())]);
    let mut plan = plan(vec![
        ("here", resource(Action::Create, vec![create(secret())])),
        ("moved", ResourcePlan { cluster: west.clone(), ..moved }),
        ("there", ResourcePlan { cluster: west.clone(), ..resource(Action::Create, vec![there(secret())]) }),
    ]);
    plan.clusters.insert(west.clone(), cluster("c2", "https://127.0.0.2:6443", "kind-west"));
    plan
}

/// Returns a plan of these resources, all of type `ray_head`.
pub(super) fn plan(resources: Vec<(&str, ResourcePlan)>) -> Plan {
    let named = resources.into_iter().map(|(name, resource)| (Address::root("ray_head", name), resource));
    let mut secrets = Secrets::default();
    secrets.insert("hunter22");
    Plan {
        mode: Mode::Apply,
        clusters: Clusters::from([(ClusterName::default(), cluster("c1", "https://127.0.0.1:6443", "kind-dev"))]),
        lineage: "l".to_owned(),
        serial: 1,
        moves: Vec::new(),
        resources: named.collect(),
        graph: Graph::default(),
        drift: Vec::new(),
        outputs: BTreeMap::new(),
        deferred: BTreeMap::new(),
        diagnostics: Vec::new(),
        totals: Totals::default(),
        secrets,
    }
}

/// Returns drift of each kind.
pub(super) fn drift() -> Vec<Drift> {
    let address = Address::root("ray_head", "main");
    let object = Located::new(&ClusterName::default(), live(deployment()).identity());
    let disagreement = |path: FieldPath, recorded: Json, live: Option<Json>| Disagreement {
        path,
        recorded: Some(recorded),
        live,
        sensitive: false,
        owner: Some(owner("kubectl-edit", None)),
        certain: true,
        expected: false,
    };
    let expected = Disagreement {
        owner: Some(owner("kube-controller-manager", Some("scale"))),
        expected: true,
        ..disagreement(FieldPath::fields(&["spec", "replicas"]), json!(1), Some(json!(4)))
    };
    let removed = Disagreement { certain: false, ..disagreement(container("args"), json!(["a"]), None) };
    let hidden = Disagreement {
        sensitive: true,
        ..disagreement(FieldPath::fields(&["data", "password"]), Json::Null, Some(Json::Null))
    };
    let changed =
        vec![disagreement(container("image"), json!("ray:2"), Some(json!("ray:3"))), removed, expected, hidden];
    let kinds = [
        DriftKind::Deleted,
        DriftKind::Recreated { recorded: "u1".to_owned(), live: "u2".to_owned() },
        DriftKind::Changed(changed),
    ];
    kinds.into_iter().map(|kind| Drift { address: address.clone(), object: object.clone(), kind }).collect()
}

/// Returns a plan in which everything happens.
pub(super) fn everything() -> Plan {
    let conf = field(
        &["data", "redis.conf"],
        json!("appendonly yes\nport 6379\nrequirepass hunter22\n"),
        json!("appendonly yes\nport 6380\nrequirepass hunter22\n"),
    );
    let image = FieldChange {
        before: Some(json!("ray:2")),
        after: Some(json!("ray:3")),
        owner: Some(owner("kubectl-edit", None)),
        ..FieldChange::at(container("image"))
    };
    let args = FieldChange {
        before: Some(json!(["a", "b"])),
        after: Some(json!(["a", "c"])),
        by_server: true,
        ..FieldChange::at(container("args"))
    };
    let password = FieldChange { sensitive: true, ..field(&["data", "password"], json!(0), json!(0)) };
    let url = FieldChange { unknown: true, ..field(&["data", "url"], json!("http://a"), Json::Null) };
    let selector = FieldChange {
        forces_replacement: true,
        ..field(&["spec", "selector", "matchLabels", "a/b"], json!("x"), json!("y"))
    };
    let replace = Change::Replace {
        desired: desired(deployment()),
        live: Box::new(live(deployment())),
        fields: vec![selector],
        orphan_pods: true,
    };
    let mut not_yet = create(deployment());
    if let Change::Create { validation, .. } = &mut not_yet {
        *validation = Validation::NotYet { reason: "this plan makes the namespace `a`".to_owned() };
    }
    let keep = Change::Keep { desired: desired(secret()), live: Box::new(live(secret())) };
    let cluster = ClusterName::default();
    let forget = Change::Forget { cluster, kind: live(secret()).kind(), identity: live(secret()).identity() };
    let mut changed = resource(Action::Update, vec![update(deployment(), vec![image, args]), keep]);
    changed.impact = Some("restarts the head: running jobs are lost, there is no GCS fault tolerance".to_owned());
    let mut plan = plan(vec![
        (
            "adopted",
            resource(Action::Adopt, vec![update(deployment(), vec![field(&["spec", "replicas"], json!(2), json!(2))])]),
        ),
        ("changed", changed),
        ("config", resource(Action::Update, vec![update(config_map(), vec![conf, url])])),
        ("created", resource(Action::Create, vec![create(config_map()), create(secret()), not_yet])),
        ("forgotten", resource(Action::Forget, vec![forget])),
        ("gone", resource(Action::Delete, vec![delete(deployment())])),
        ("kept", resource(Action::NoOp, vec![])),
        ("replaced", resource(Action::Replace, vec![replace])),
        ("secret", resource(Action::Update, vec![update(secret(), vec![password])])),
    ]);
    plan.outputs = outputs();
    plan.totals = Totals { cpu: (3000, 7500), memory: (8 << 30, 24 << 30), gpu: (0, 1) };
    plan
}

fn outputs() -> BTreeMap<String, OutputChange> {
    let output = |before, after, sensitive| OutputChange { before, after, sensitive };
    BTreeMap::from([
        ("dashboard".to_owned(), output(None, Some(Value::Unknown), false)),
        ("old".to_owned(), output(Some(json!({"a": 1})), None, false)),
        ("password".to_owned(), output(Some(json!("sha256:0")), Some(Value::string("hunter22")), true)),
        ("same".to_owned(), output(Some(json!("a")), Some(Value::string("a")), false)),
    ])
}

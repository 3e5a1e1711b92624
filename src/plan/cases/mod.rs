//! Whole plans of small worlds: what is applied, what others do to it, and what is planned then.
mod answers;
mod endings;
mod others;
mod replacing;
mod secrets;
mod several_clusters;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::draft::Draft;
use super::*;
use crate::model::{
    Address, Blind, Carried, ClusterIdentity, ClusterName, Clusters, Desired, DesiredObject, DesiredResource, Exports,
    FIELD_MANAGER, FieldPath, FileId, Generated, Graph, Json, Kind, Lifecycle, Object, Objects, Observed, OnDestroy,
    Readiness, Scope, ServedKind, Span, Surroundings, Target,
};
use crate::ssa::{self, Schemas};
use crate::state::{Recorded, RecordedObject, State, Status, applied_form};

const NOW: &str = "2026-01-02T03:04:05Z";

fn judge(_: &Object, _: Surroundings<'_>) -> Readiness {
    Readiness::ready()
}

/// What is desired, recorded and live.
pub(super) struct World {
    pub(super) desired: Desired,
    pub(super) state: State,
    pub(super) observed: Observed,
    /// The clusters beside the default one.
    pub(super) others: Clusters<Observed>,
    pub(super) options: Options,
    pub(super) schemas: Schemas,
}

pub(super) fn deployment(replicas: i64, image: &str) -> Json {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "a", "name": "d"}, "spec": {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [
            {"name": "c", "image": image, "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}]}}}})
}

pub(super) fn config_map(name: &str, value: &str) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "a", "name": name}, "data": {"k": value}})
}

pub(super) fn claim(size: &str) -> Json {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "a", "name": "p"},
           "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}})
}

pub(super) fn address(name: &str) -> Address {
    Address::root("thing", name)
}

pub(super) fn object(json: Json) -> Object {
    Object::new(json).expect("an object")
}

pub(super) fn desired_object(json: Json) -> DesiredObject {
    DesiredObject::new(object(json), Span { file: FileId(0), start: 0, end: 1 }, judge)
}

impl World {
    /// Returns a world in which nothing is.
    pub(super) fn empty() -> Self {
        let cluster = ClusterIdentity { uid: "c1".to_owned(), server: "sandbox".to_owned() };
        let served = |group: &str, version: &str, kind: &str, namespaced: bool| {
            let plural = format!("{}s", kind.to_lowercase());
            let kind = Kind { group: group.into(), version: version.into(), kind: kind.into() };
            let served = ServedKind { kind: kind.clone(), versions: vec![version.into()], plural, namespaced };
            (kind.group_kind(), served)
        };
        let kinds = BTreeMap::from([
            served("apps", "v1", "Deployment", true),
            served("apps", "v1", "StatefulSet", true),
            served("", "v1", "ConfigMap", true),
            served("", "v1", "Secret", true),
            served("", "v1", "Namespace", false),
            served("", "v1", "PersistentVolumeClaim", true),
            served("apiextensions.k8s.io", "v1", "CustomResourceDefinition", false),
        ]);
        let state = State {
            lineage: "l1".to_owned(),
            salt: "salt".to_owned(),
            clusters: Clusters::from([(ClusterName::default(), cluster.clone())]),
            ..State::default()
        };
        let (live, documents, blind) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self {
            desired: Desired::default(),
            state,
            observed: Observed { cluster, context: None, live, kinds, documents, blind, requests: 1 },
            others: Clusters::new(),
            options: Options::default(),
            schemas: Schemas::built_in(),
        }
    }

    /// Returns a world in which one resource, `thing.a`, is applied.
    pub(super) fn applied(json: Json) -> Self {
        let mut world = Self::empty();
        world.want("a", json);
        world.apply();
        world
    }

    pub(super) fn want(&mut self, name: &str, json: Json) -> &mut DesiredResource {
        self.want_all(name, vec![desired_object(json)])
    }

    pub(super) fn want_all(&mut self, name: &str, objects: Vec<DesiredObject>) -> &mut DesiredResource {
        let address = address(name);
        let resource = DesiredResource {
            address: address.clone(),
            span: Span { file: FileId(0), start: 0, end: 1 },
            cluster: ClusterName::default(),
            lifecycle: Lifecycle::default(),
            triggers: Vec::new(),
            objects: Objects::Known(objects),
            exports: Exports { address: address.clone(), values: Arc::default() },
            on_restart: Some("restarts it".to_owned()),
            on_delete: Some("loses it".to_owned()),
            before_delete: Vec::new(),
        };
        self.desired.graph.add(address.clone());
        self.desired.resources.insert(address.clone(), resource);
        self.desired.resources.get_mut(&address).expect("just inserted")
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.desired.resources.remove(&address(name));
        let mut graph = Graph::default();
        self.desired.resources.keys().for_each(|address| graph.add(address.clone()));
        self.desired.graph = graph;
    }

    /// Makes live and recorded what is desired, as a first apply does.
    pub(super) fn apply(&mut self) {
        for (address, resource) in self.desired.resources.clone() {
            let mut objects = Vec::new();
            for desired in resource.objects.known().iter().cloned() {
                let kind = desired.object.kind();
                let schema = self.schemas.of(&kind).cloned();
                let is_namespaced = self.observed.served(&kind.group, &kind.kind).map(|served| served.namespaced);
                let generated = desired.generated.clone();
                let mut desired = prepare::stamp(desired, &address, "l1", schema.as_ref(), is_namespaced);
                for pointer in generated.keys() {
                    desired.object.edit(|json| {
                        json["data"][pointer.trim_start_matches("/data/")] = "Z2VuZXJhdGVk".into();
                    });
                }
                let identity = desired.object.identity();
                let uid = format!("uid-{}", identity.name);
                self.put(desired.object.json().clone(), FIELD_MANAGER, &uid);
                let applied = applied_form(&desired.object, &desired.sensitive, "salt");
                let (namespace, name) = (identity.namespace, identity.name);
                let cluster = ClusterName::default();
                objects.push(RecordedObject { cluster, kind, namespace, name, uid, applied });
            }
            let recorded = Recorded {
                status: Status::Ready,
                dependencies: BTreeSet::new(),
                exports: BTreeMap::new(),
                on_destroy: resource.lifecycle.on_destroy,
                prevent_destroy: resource.lifecycle.prevent_destroy,
                triggers: triggers::digests(&resource.triggers, "salt"),
                before_delete: Vec::new(),
                objects,
            };
            self.state.resources.insert(address, recorded);
        }
    }

    /// Applies an object as a manager, by force.
    pub(super) fn put(&mut self, json: Json, manager: &str, uid: &str) {
        let config = object(json);
        let live = self.observed.live.get(&config.identity());
        let schema = self.schemas.of(&config.kind()).expect("a built-in kind");
        let mut new = ssa::apply(live, &config, schema, manager, true, NOW).expect("it can be applied").object;
        new.edit(|json| {
            json["metadata"]["uid"] = uid.into();
            json["metadata"]["resourceVersion"] = "7".into();
        });
        self.observed.live.insert(config.identity(), new);
    }

    /// Writes over the live object of the one resource, as `kubectl` and controllers do.
    pub(super) fn edit(&mut self, manager: &str, subresource: Option<&str>, change: impl FnOnce(&mut Json)) {
        let (identity, live) = self.observed.live.first_key_value().expect("something is live");
        let mut new = live.clone();
        new.edit(change);
        let schema = self.schemas.of(&live.kind()).expect("a built-in kind");
        let new = ssa::update(Some(live), &new, schema, manager, subresource, NOW);
        let identity = identity.clone();
        self.observed.live.insert(identity, new);
    }

    pub(super) fn draft(&self) -> Result<Draft, Vec<crate::model::Diagnostic>> {
        let mut observed = self.others.clone();
        observed.insert(ClusterName::default(), self.observed.clone());
        draft(self.desired.clone(), &self.state, &observed, self.options.clone())
    }

    /// Plans; every dry-run answers what the local merge would.
    pub(super) fn plan(&self) -> Result<Plan, Vec<crate::model::Diagnostic>> {
        let draft = self.draft()?;
        let answers = draft.questions().iter().map(|question| self.answer(question)).collect();
        draft.decide(answers)
    }

    fn answer(&self, question: &Question) -> Answer {
        let config = &question.object;
        let observed = self.others.get(&question.cluster).unwrap_or(&self.observed);
        let live = observed.live.get(&config.identity());
        let Some(schema) = self.schemas.of(&config.kind()) else {
            return Answer::NotPreviewable { reason: "no schema".to_owned() };
        };
        match ssa::apply(live, config, schema, FIELD_MANAGER, question.force, NOW) {
            Ok(applied) => Answer::Accepted { object: Box::new(applied.object), warnings: Vec::new() },
            Err(error) => panic!("the server refuses: {error}"),
        }
    }

    /// Plans, and checks the plan's short form, one line per resource, object, field, drift and warning.
    #[track_caller]
    pub(super) fn check(&self, expected: &[&str]) {
        let lines = match self.plan() {
            Ok(plan) => short(&plan),
            Err(diagnostics) => diagnostics.iter().map(|it| format!("error: {}", it.message)).collect(),
        };
        assert_eq!(lines, expected);
    }
}

fn short(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for (address, resource) in &plan.resources {
        let impact = resource.impact.as_ref().map(|impact| format!(" ({impact})")).unwrap_or_default();
        lines.push(format!("{address} {:?}{impact}", resource.action));
        for change in &resource.changes {
            let (verb, force) = match change {
                Change::Keep { .. } => ("keep", false),
                Change::Wait { .. } => ("wait", false),
                Change::Create { validation: Validation::Server, .. } => ("create", false),
                Change::Create { .. } => ("create unseen", false),
                Change::Update { adopt: true, force, .. } => ("adopt", *force),
                Change::Update { force, .. } => ("update", *force),
                Change::Replace { .. } => ("replace", false),
                Change::Delete { .. } => ("delete", false),
                Change::Forget { .. } => ("forget", false),
            };
            lines.push(format!("  {verb}{} {}", if force { " by force" } else { "" }, change.located()));
            lines.extend(change.fields().iter().map(field));
        }
    }
    for drift in &plan.drift {
        match &drift.kind {
            DriftKind::Changed(found) => lines.extend(found.iter().map(|it| {
                let owner = it.owner.as_ref().map(|owner| owner.manager.clone()).unwrap_or_default();
                let (sure, left) =
                    (if it.certain { "" } else { " perhaps" }, if it.expected { " as expected" } else { "" });
                format!("drift {} by{sure} {owner}{left}", it.path)
            })),
            DriftKind::Deleted => lines.push(format!("drift {} deleted", drift.object)),
            DriftKind::Deleting { .. } => lines.push(format!("drift {} is being deleted", drift.object)),
            DriftKind::Recreated { .. } => lines.push(format!("drift {} recreated", drift.object)),
        }
    }
    lines.extend(plan.diagnostics.iter().map(|it| format!("{:?}: {}", it.severity, it.message).to_lowercase()));
    lines
}

fn field(field: &FieldChange) -> String {
    let show = |value: &Option<Json>| value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let owner = field.owner.as_ref().map(|owner| format!(" of {}", owner.manager)).unwrap_or_default();
    let marks = [(field.sensitive, " sensitive"), (field.unknown, " unknown"), (field.forces_replacement, " forces")];
    let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
    format!("    {} {} -> {}{owner}{marks}", field.path, show(&field.before), show(&field.after))
}

/// A secret with one given and one generated value.
pub(super) fn secret(given: &str) -> DesiredObject {
    let mut desired = desired_object(json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": "a", "name": "s"}, "stringData": {"user": given}}));
    desired.generated.insert("/data/password".to_owned(), Generated { length: 32 });
    desired
}

#[test]
fn what_is_not_there_is_created() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.check(&["thing.a Create", "  create ConfigMap a/m"]);
    assert_eq!(world.draft().expect("a draft").questions().len(), 1);
}

#[test]
fn what_is_applied_is_kept_and_costs_no_question() {
    let world = World::applied(deployment(1, "i"));
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    assert_eq!(world.draft().expect("a draft").questions(), []);
    assert!(world.plan().expect("a plan").is_empty());
}

#[test]
fn one_changed_attribute_is_one_changed_field() {
    let mut world = World::applied(deployment(1, "i"));
    world.want("a", deployment(1, "j"));
    world.check(&[
        "thing.a Update (restarts it)",
        "  update Deployment a/d",
        r#"    .spec.template.spec.containers[name="c"].image "i" -> "j""#,
    ]);
    world.want("a", deployment(2, "i"));
    world.check(&["thing.a Update", "  update Deployment a/d", "    .spec.replicas 1 -> 2"]);
    let totals = world.plan().expect("a plan").totals;
    assert_eq!((totals.cpu, totals.memory), ((1000, 2000), (1 << 30, 2 << 30)));
}

#[test]
fn a_field_that_is_left_out_is_removed() {
    let mut world = World::applied(config_map("m", "1"));
    let mut json = config_map("m", "1");
    json["data"] = json!({"l": "2"});
    world.want("a", json);
    world.check(&["thing.a Update", "  update ConfigMap a/m", r#"    .data.k "1" -> -"#, r#"    .data.l - -> "2""#]);
}

#[test]
fn what_was_not_seen_ready_is_waited_for() {
    let mut world = World::applied(config_map("m", "1"));
    world.state.resources.get_mut(&address("a")).expect("recorded").status = Status::Incomplete;
    world.check(&["thing.a Wait", "  wait ConfigMap a/m"]);
    world.state.resources.get_mut(&address("a")).expect("recorded").status = Status::Tainted;
    world.check(&["thing.a Replace (loses it)", "  replace ConfigMap a/m"]);
}

#[test]
fn only_targets_are_planned() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.want("b", config_map("n", "1"));
    world.options.targets = vec![Target::Resource(address("b"))];
    world.check(&["thing.a NoOp", "thing.b Create", "  create ConfigMap a/n"]);
}

#[test]
fn without_a_refresh_the_state_stands_for_the_cluster() {
    let mut world = World::empty();
    world.want_all("a", vec![secret("me")]);
    world.want("b", deployment(1, "i"));
    world.apply();
    world.observed = assume(&ClusterName::default(), None, &world.state);
    world.check(&["thing.a NoOp", "  keep Secret a/s", "thing.b NoOp", "  keep Deployment a/d"]);
    world.want_all("a", vec![secret("you")]);
    let draft = world.draft().expect("a draft");
    assert_eq!(draft.questions(), []);
    let plan = draft.decide(Vec::new()).expect("a plan");
    let desired = plan.resources[&address("a")].changes[0].desired().expect("desired");
    // No hash may ever be applied in place of a value.
    assert!(!desired.object.json().to_string().contains("sha256:"));
    assert_eq!(desired.generated.len(), 1);
}

#[test]
fn the_same_plan_has_the_same_fingerprint() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("a", config_map("m", "2"));
    let print = |world: &World| fingerprint(&world.plan().expect("a plan"), "salt")[&address("a")].clone();
    let first = print(&world);
    assert_eq!(first, print(&world));
    world.edit("controller", None, |json| json["metadata"]["resourceVersion"] = "8".into());
    assert_eq!(first, print(&world));
    world.want("a", config_map("m", "3"));
    assert_ne!(first, print(&world));
}

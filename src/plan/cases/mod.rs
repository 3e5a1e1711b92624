//! Whole plans of small worlds: what is applied, what others do to it, and what is planned then.
mod several_clusters;

use std::collections::{BTreeMap, BTreeSet};

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
            let served = ServedKind {
                kind: Kind { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() },
                versions: vec![version.to_owned()],
                plural: format!("{}s", kind.to_lowercase()),
                namespaced,
            };
            ((group.to_owned(), kind.to_owned()), served)
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
            exports: Exports { address: address.clone(), values: BTreeMap::new() },
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
            for mut desired in resource.objects.known().iter().cloned() {
                let kind = desired.object.kind();
                let schema = self.schemas.of(&kind).cloned();
                let is_namespaced = self.observed.served(&kind.group, &kind.kind).map(|served| served.namespaced);
                let generated = desired.generated.clone();
                prepare::stamp(&mut desired, &address, "l1", schema.as_ref(), is_namespaced);
                for pointer in generated.keys() {
                    fields::edit(&mut desired.object, |json| {
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
        fields::edit(&mut new, |json| {
            json["metadata"]["uid"] = uid.into();
            json["metadata"]["resourceVersion"] = "7".into();
        });
        self.observed.live.insert(config.identity(), new);
    }

    /// Writes over the live object of the one resource, as `kubectl` and controllers do.
    pub(super) fn edit(&mut self, manager: &str, subresource: Option<&str>, change: impl FnOnce(&mut Json)) {
        let (identity, live) = self.observed.live.first_key_value().expect("something is live");
        let mut new = live.clone();
        fields::edit(&mut new, change);
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
fn what_kubectl_scales_is_repaired() {
    let mut world = World::applied(deployment(1, "i"));
    world.edit("kubectl", Some("scale"), |json| json["spec"]["replicas"] = 5.into());
    world.check(&[
        "thing.a Update",
        "  update by force Deployment a/d",
        "    .spec.replicas 5 -> 1 of kubectl",
        "drift .spec.replicas by kubectl",
    ]);
}

#[test]
fn what_an_autoscaler_scales_is_left_alone() {
    let mut world = World::applied(deployment(1, "i"));
    world.edit("kube-controller-manager", Some("scale"), |json| json["spec"]["replicas"] = 5.into());
    world.check(&[
        "thing.a NoOp",
        "  keep Deployment a/d",
        "drift .spec.replicas by kube-controller-manager as expected",
    ]);
}

#[test]
fn what_an_edit_removes_is_put_back() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("kubectl-edit", None, |json| json["data"] = json!({"other": "x"}));
    world.check(&[
        "thing.a Update",
        "  update ConfigMap a/m",
        r#"    .data.k - -> "1""#,
        "drift .data.k by perhaps kubectl-edit",
    ]);
}

#[test]
fn what_others_add_is_no_drift() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("kubectl-label", None, |json| json["metadata"]["labels"]["x"] = "y".into());
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m"]);
}

#[test]
fn a_field_of_another_declarative_owner_is_a_conflict() {
    let mut world = World::applied(config_map("m", "1"));
    world.put(config_map("m", "2"), "argocd", "uid-m");
    world.check(&[
        "error: ConfigMap a/m has fields of another owner: `.data.k` belongs to argocd (Apply) at 2026-01-02T03:04:05Z",
    ]);
    world.options.on_conflict = ConflictPolicy::Force;
    world.check(&[
        "thing.a Update",
        "  update by force ConfigMap a/m",
        r#"    .data.k "2" -> "1" of argocd"#,
        "drift .data.k by argocd",
    ]);
    world.options.on_conflict = ConflictPolicy::Yield;
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m", "drift .data.k by argocd"]);
}

#[test]
fn a_field_that_was_never_ours_is_a_conflict() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("kubectl-edit", None, |json| json["data"]["n"] = "theirs".into());
    let mut json = config_map("m", "1");
    json["data"]["n"] = "ours".into();
    world.want("a", json);
    world.check(&[
        "error: ConfigMap a/m has fields of another owner: `.data.n` belongs to kubectl-edit (Update) at 2026-01-02T03:04:05Z",
    ]);
}

#[test]
fn what_was_deleted_is_made_again() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    world.check(&["thing.a Create", "  create ConfigMap a/m", "drift ConfigMap a/m deleted"]);
}

#[test]
fn what_somebody_else_made_is_taken_over_only_when_asked() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.put(config_map("m", "2"), "helm", "u9");
    world.check(&["error: ConfigMap a/m exists already, made by helm"]);
    world.options.adopt = true;
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.resources[&address("a")].action, Action::Adopt);
    assert!(short(&plan).contains(&r#"    .data.k "2" -> "1" of helm"#.to_owned()));
}

#[test]
fn what_was_made_again_by_another_hand_is_not_taken_over() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    world.put(config_map("m", "2"), "helm", "u9");
    world.check(&["error: ConfigMap a/m was deleted and made again by somebody else, made by helm"]);
}

#[test]
fn what_is_ours_by_its_annotations_is_recorded_again() {
    let mut world = World::applied(config_map("m", "1"));
    world.state.resources.clear();
    world.check(&["thing.a Wait", "  wait ConfigMap a/m"]);
}

#[test]
fn a_removed_block_is_deleted_or_kept() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.check(&["thing.a Delete", "  delete ConfigMap a/m"]);
    let recorded = world.state.resources.get_mut(&address("a")).expect("recorded");
    recorded.on_destroy = OnDestroy::Keep;
    world.check(&["thing.a Forget", "  forget ConfigMap a/m"]);
    let recorded = world.state.resources.get_mut(&address("a")).expect("recorded");
    (recorded.on_destroy, recorded.prevent_destroy) = (OnDestroy::Delete, true);
    world.check(&["error: `thing.a` has `prevent_destroy` and would be deleted"]);
}

#[test]
fn deletions_go_backwards() {
    let mut world = World::empty();
    world.want_all("a", vec![desired_object(config_map("m", "1")), desired_object(config_map("n", "1"))]);
    world.apply();
    world.options.mode = Mode::Destroy;
    world.check(&["thing.a Delete (loses it)", "  delete ConfigMap a/n", "  delete ConfigMap a/m"]);
}

#[test]
fn an_object_that_left_its_resource_is_deleted() {
    let mut world = World::empty();
    world.want_all("a", vec![desired_object(config_map("m", "1")), desired_object(config_map("n", "1"))]);
    world.apply();
    world.want("a", config_map("m", "1"));
    world.check(&["thing.a Update", "  keep ConfigMap a/m", "  delete ConfigMap a/n"]);
}

#[test]
fn a_renamed_block_keeps_its_objects() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.want("b", config_map("m", "1"));
    world.check(&[
        "thing.a Forget",
        "  forget ConfigMap a/m",
        "thing.b Update",
        "  update ConfigMap a/m",
        r#"    .metadata.annotations.rayform.dev/address "thing.a" -> "thing.b""#,
        "warning: `thing.a` seems to be called `thing.b` now: its object is kept",
    ]);
}

#[test]
fn a_block_and_object_with_new_names_are_pointed_out() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.want("b", config_map("n", "1"));
    world.check(&[
        "thing.a Delete",
        "  delete ConfigMap a/m",
        "thing.b Create",
        "  create ConfigMap a/n",
        "warning: `thing.a` is deleted and `thing.b` is created",
    ]);
}

#[test]
fn two_blocks_cannot_stand_for_one_object() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.want("b", config_map("m", "2"));
    world.check(&["error: ConfigMap a/m is described twice, by `thing.a` and by `thing.b`"]);
}

#[test]
fn an_immutable_field_forces_replacement_when_the_server_confirms() {
    let mut world = World::applied(deployment(1, "i"));
    let mut json = deployment(1, "i");
    json["spec"]["selector"]["matchLabels"]["app"] = "e".into();
    json["spec"]["template"]["metadata"]["labels"]["app"] = "e".into();
    world.want("a", json);
    let refused = |message: &str| Answer::Refused {
        code: 422,
        reason: "Invalid".to_owned(),
        message: message.to_owned(),
        causes: vec![("spec.selector".to_owned(), message.to_owned())],
    };
    let draft = || world.draft().expect("a draft");
    let plan = draft().decide(vec![refused("Invalid value: field is immutable")]).expect("a plan");
    assert_eq!(plan.resources[&address("a")].action, Action::Replace);
    assert_eq!(plan.resources[&address("a")].impact.as_deref(), Some("restarts it"));
    let errors = draft().decide(vec![refused("does not match the labels")]).expect_err("a plain validation error");
    assert_eq!(errors[0].message, "the server refuses Deployment a/d: `spec.selector`: does not match the labels");
}

#[test]
fn a_missing_namespace_is_refused_when_planning() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    let refused = Answer::Refused {
        code: 404,
        reason: "NotFound".to_owned(),
        message: "namespaces \"a\" not found".to_owned(),
        causes: Vec::new(),
    };
    let errors = world.draft().expect("a draft").decide(vec![refused]).expect_err("nobody makes it");
    assert_eq!(errors[0].message, "the server refuses ConfigMap a/m: namespaces \"a\" not found");
    assert!(errors[0].hint.as_deref().is_some_and(|hint| hint.contains("`namespace` resource")));
}

#[test]
fn what_holds_data_is_replaced_only_when_allowed() {
    let mut world = World::applied(claim("2Gi"));
    world.want("a", claim("1Gi"));
    let confirm = || Answer::Refused {
        code: 422,
        reason: "Invalid".to_owned(),
        message: "spec.resources.requests.storage: Forbidden: field can not be less than previous value".to_owned(),
        causes: Vec::new(),
    };
    let decide = |world: &World| world.draft().expect("a draft").decide(vec![confirm()]);
    let errors = decide(&world).expect_err("data would be lost");
    assert_eq!(errors[0].message, "replacing PersistentVolumeClaim a/p deletes what it holds");
    world.options.allow_data_loss = true;
    assert_eq!(decide(&world).expect("a plan").resources[&address("a")].action, Action::Replace);
}

#[test]
fn what_the_server_makes_no_change_of_is_kept() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("a", config_map("m", "2"));
    let live = world.observed.live.values().next().expect("live").clone();
    let answer = Answer::Accepted { object: Box::new(live), warnings: vec!["deprecated".to_owned()] };
    let plan = world.draft().expect("a draft").decide(vec![answer]).expect("a plan");
    assert_eq!(short(&plan), ["thing.a NoOp", "  keep ConfigMap a/m", "warning: configmap a/m: deprecated"]);
}

#[test]
fn what_a_webhook_adds_is_shown_as_the_servers() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("a", config_map("m", "2"));
    let draft = world.draft().expect("a draft");
    let Answer::Accepted { mut object, warnings } = world.answer(&draft.questions()[0]) else { panic!("refused") };
    fields::edit(&mut object, |json| json["data"]["hook"] = "x".into());
    let plan = draft.decide(vec![Answer::Accepted { object, warnings }]).expect("a plan");
    let fields = plan.resources[&address("a")].changes[0].fields();
    let by_server: Vec<String> = fields.iter().filter(|it| it.by_server).map(field).collect();
    assert_eq!(by_server, [r#"    .data.hook - -> "x""#]);
}

#[test]
fn what_the_server_refuses_is_an_error_without_secrets() {
    let mut world = World::empty();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a", "name": "s"}, "data": {"p": "aHVudGVyMjI="}});
    world.want("a", secret);
    let refused = Answer::Refused {
        code: 422,
        reason: "Invalid".to_owned(),
        message: "Secret is invalid: aHVudGVyMjI=".to_owned(),
        causes: vec![("data[p]".to_owned(), "Invalid value: aHVudGVyMjI=".to_owned())],
    };
    let errors = world.draft().expect("a draft").decide(vec![refused]).expect_err("refused");
    assert_eq!(errors[0].message, "the server refuses Secret a/s: `data[p]`");
}

#[test]
fn a_new_namespace_and_its_objects_come_in_one_plan() {
    let mut world = World::empty();
    world.want("m", config_map("m", "1"));
    world.want("z", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}));
    world.check(&["thing.m Create", "  create unseen ConfigMap a/m", "thing.z Create", "  create Namespace a"]);
    let graph = world.plan().expect("a plan").graph;
    assert_eq!(graph.needs(&address("m")).collect::<Vec<_>>(), [&address("z")]);
}

#[test]
fn a_new_definition_and_its_objects_come_in_one_plan() {
    let mut world = World::empty();
    let spec = json!({"group": "x.io", "scope": "Namespaced", "names": {"kind": "Toy", "plural": "toys"}, "versions": [
        {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]});
    world.want(
        "z",
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                           "metadata": {"name": "toys.x.io"}, "spec": spec}),
    );
    let toy = |field: &str| json!({"apiVersion": "x.io/v1", "kind": "Toy", "metadata": {"namespace": "a", "name": "t"}, "spec": {field: 1}});
    world.want("t", toy("size"));
    let plan = world.plan().expect("a plan");
    assert_eq!(short(&plan)[..2], ["thing.t Create", "  create unseen Toy a/t"]);
    world.forget("z");
    world.check(&["error: the cluster does not know the kind `Toy` of `x.io/v1`"]);
}

#[test]
fn ignored_fields_are_left_alone() {
    let mut world = World::applied(deployment(1, "i"));
    let resource = world.want("a", deployment(3, "i"));
    resource.lifecycle.ignore_changes = vec![FieldPath::fields(&["spec", "replicas"])];
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    world.edit("kubectl", Some("scale"), |json| json["spec"]["replicas"] = 5.into());
    world.check(&["thing.a NoOp", "  keep Deployment a/d", "drift .spec.replicas by kubectl as expected"]);
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
fn refreshing_forgets_what_is_gone() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    world.options.mode = Mode::RefreshOnly;
    world.check(&["thing.a Forget", "  forget ConfigMap a/m", "drift ConfigMap a/m deleted"]);
}

#[test]
fn another_cluster_is_refused() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.cluster.uid = "c2".to_owned();
    world.check(&["error: this is another cluster than the one in the state: sandbox (c2) instead of sandbox (c1)"]);
}

#[test]
fn what_cannot_be_seen_is_not_taken_for_absent() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    let scope = Scope { kind: Kind::new("v1", "ConfigMap"), namespace: Some("a".to_owned()) };
    world.observed.blind.push(Blind { scope, reason: "forbidden".to_owned() });
    world.check(&["error: it is not known whether ConfigMap a/m exists: forbidden"]);
}

#[test]
fn what_is_being_deleted_is_not_planned_over() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("x", None, |json| {
        json["metadata"]["deletionTimestamp"] = NOW.into();
        json["metadata"]["finalizers"] = json!(["x/y"]);
    });
    world.check(&["error: ConfigMap a/m is being deleted; it waits for x/y"]);
}

/// A secret with one given and one generated value.
pub(super) fn secret(given: &str) -> DesiredObject {
    let mut desired = desired_object(json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": "a", "name": "s"}, "stringData": {"user": given}}));
    desired.generated.insert("/data/password".to_owned(), Generated { length: 32 });
    desired
}

#[test]
fn generated_values_are_carried_over() {
    let mut world = World::empty();
    world.want_all("a", vec![secret("me")]);
    let created = world.plan().expect("a plan");
    let Change::Create { desired, .. } = &created.resources[&address("a")].changes[0] else { panic!("not created") };
    assert_eq!((desired.generated.len(), desired.object.pointer("/data/password")), (1, None));
    world.apply();
    world.check(&["thing.a NoOp", "  keep Secret a/s"]);
    world.want_all("a", vec![secret("you")]);
    world.check(&["thing.a Update", "  update Secret a/s", "    .data.user null -> null sensitive"]);
    let changed = world.plan().expect("a plan");
    let desired = changed.resources[&address("a")].changes[0].desired().expect("desired").object.clone();
    assert_eq!(desired.text("/data/password"), Some("Z2VuZXJhdGVk"));
}

#[test]
fn a_generated_value_that_is_lost_is_made_again() {
    let mut world = World::empty();
    world.want_all("a", vec![secret("me")]);
    world.apply();
    world.edit("kubectl-edit", None, |json| {
        json["data"].as_object_mut().expect("a map").remove("password");
    });
    world.check(&[
        "thing.a Update",
        "  update Secret a/s",
        "    .data.password - -> - sensitive unknown",
        "drift .data.password by perhaps ",
    ]);
}

#[test]
fn a_secret_text_is_hidden_when_it_changes_and_when_it_goes() {
    let with_env = |value: &str| {
        let mut json = deployment(1, "i");
        json["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "TOKEN", "value": value}]);
        let mut desired = desired_object(json);
        desired.sensitive.insert("/spec/template/spec/containers/0/env/0/value".to_owned());
        desired
    };
    let mut world = World::empty();
    world.want_all("a", vec![with_env("hunter22")]);
    world.apply();
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    world.observed = assume(&ClusterName::default(), None, &world.state);
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    world.observed = World::empty().observed;
    world.apply();
    world.want_all("a", vec![with_env("hunter23")]);
    let text = |world: &World| short(&world.plan().expect("a plan")).join("\n");
    assert!(
        text(&world).contains("env[name=\"TOKEN\"].value null -> null sensitive") && !text(&world).contains("hunter")
    );
    world.want("a", deployment(1, "i"));
    assert!(text(&world).contains("env") && !text(&world).contains("hunter"), "{}", text(&world));
}

#[test]
fn values_known_only_after_apply_are_not_asked_about() {
    let mut world = World::applied(deployment(1, "i"));
    let mut json = deployment(1, "i");
    json["spec"]["replicas"] = crate::model::UNKNOWN.into();
    world.want("a", json);
    assert_eq!(world.draft().expect("a draft").questions(), []);
    world.check(&["thing.a Update", "  update Deployment a/d", "    .spec.replicas 1 -> - unknown"]);
    world.observed.live.clear();
    world.state.resources.clear();
    world.check(&["thing.a Create", "  create unseen Deployment a/d"]);
}

/// A definition with an atomic list of groups, as `RayCluster` has it.
fn cluster_definition() -> Json {
    let group = json!({"type": "object", "properties": {"groupName": {"type": "string"}, "image": {"type": "string"},
                                                        "replicas": {"type": "integer", "default": 0}}});
    let spec = json!({"type": "object", "properties": {"groups": {"type": "array", "items": group}}});
    let version = json!({"name": "v1", "served": true, "storage": true,
                         "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "rays.x.io"},
           "spec": {"group": "x.io", "scope": "Namespaced", "names": {"kind": "Ray", "plural": "rays"}, "versions": [version]}})
}

#[test]
fn what_an_autoscaler_owns_inside_a_list_is_carried_over() {
    let mut world = World::empty();
    world.schemas.add_definition(&object(cluster_definition())).expect("a definition");
    let kind = Kind::new("x.io/v1", "Ray");
    let served = ServedKind { kind, versions: vec!["v1".to_owned()], plural: "rays".to_owned(), namespaced: true };
    world.observed.kinds.insert(("x.io".to_owned(), "Ray".to_owned()), served);
    let ray = |image: &str| {
        let groups = json!([{"groupName": "g", "image": image, "replicas": 1}]);
        let mut desired = desired_object(json!({"apiVersion": "x.io/v1", "kind": "Ray",
            "metadata": {"namespace": "a", "name": "r"}, "spec": {"groups": groups}}));
        desired.carried.push(Carried {
            list: "/spec/groups".to_owned(),
            key: "groupName".to_owned(),
            field: "replicas".to_owned(),
        });
        desired
    };
    world.want_all("r", vec![ray("i")]);
    world.apply();
    world.edit("python-requests", None, |json| json["spec"]["groups"][0]["replicas"] = 5.into());
    // The definition lies in the configuration, so that its schema is known.
    world.want("z", cluster_definition());
    let plan = world.plan().expect("a plan");
    let lines = short(&plan);
    assert_eq!(lines[..2], ["thing.r NoOp", "  keep Ray a/r"]);
    assert!(lines.contains(&"drift .spec.groups by python-requests as expected".to_owned()), "{lines:?}");
    world.want_all("r", vec![ray("j")]);
    let plan = world.plan().expect("a plan");
    let Change::Update { desired, force: true, .. } = &plan.resources[&address("r")].changes[0] else {
        panic!("not updated by force: {:?}", short(&plan))
    };
    let wanted = json!([{"groupName": "g", "image": "j", "replicas": 5}]);
    assert_eq!(desired.object.pointer("/spec/groups"), Some(&wanted));
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

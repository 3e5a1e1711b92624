//! Whole plans of resources that move, are removed, or are taken over.
use serde_json::json;

use super::Mode;
use super::cases::{World, address, config_map, deployment, object};
use crate::model::{
    Address, FieldPath, FileId, Import, Json, Key, Move, Object, Removal, Span, Target, Trigger, Value,
};
use crate::ssa;

const SPAN: Span = Span { file: FileId(0), start: 0, end: 1 };

fn selector(text: &str) -> Target {
    text.parse().expect("a selector")
}

fn moved(from: &str, to: &str) -> Move {
    Move { within: Vec::new(), from: selector(from), to: selector(to), from_span: SPAN, to_span: SPAN }
}

fn removed(from: &str, destroy: bool) -> Removal {
    Removal { within: Vec::new(), from: selector(from), from_span: SPAN, destroy: Some(destroy) }
}

/// Returns a world in which `thing.a` is applied and only `thing.b` is desired, with the same object.
fn renamed(json: Json) -> World {
    let mut world = World::applied(json.clone());
    world.forget("a");
    world.want("b", json);
    world
}

#[test]
fn a_resource_that_moved_keeps_its_objects() {
    let mut world = renamed(config_map("m", "1"));
    world.desired.moves = vec![moved("thing.a", "thing.b")];
    world.check(&[
        "thing.b Move",
        "  update ConfigMap a/m",
        r#"    .metadata.annotations.rayform.dev/address "thing.a" -> "thing.b""#,
    ]);
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.moves, [(address("a"), address("b"))]);
    assert_eq!(plan.resources[&address("b")].moved_from, Some(address("a")));
    assert!(!plan.is_empty());
    assert_eq!(world.draft().expect("a draft").questions(), [], "who it belongs to needs no dry-run");
}

#[test]
fn a_chain_ends_where_the_resource_is_now() {
    let mut world = renamed(config_map("m", "1"));
    world.desired.moves = vec![moved("thing.x", "thing.b"), moved("thing.a", "thing.x")];
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.resources[&address("b")].moved_from, Some(address("a")));
    assert_eq!(plan.resources.len(), 1);
}

#[test]
fn what_changes_with_the_move_is_shown_with_it() {
    let mut world = renamed(config_map("m", "1"));
    world.want("b", config_map("m", "2"));
    world.desired.moves = vec![moved("thing.a", "thing.b")];
    world.check(&[
        "thing.b Update",
        "  update ConfigMap a/m",
        r#"    .data.k "1" -> "2""#,
        r#"    .metadata.annotations.rayform.dev/address "thing.a" -> "thing.b""#,
    ]);
}

#[test]
fn nothing_moves_onto_another_resource() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("b", config_map("n", "1"));
    world.apply();
    world.forget("a");
    world.desired.moves = vec![moved("thing.a", "thing.b")];
    world.check(&[
        "thing.a Delete",
        "  delete ConfigMap a/m",
        "thing.b NoOp",
        "  keep ConfigMap a/n",
        "warning: `thing.a` cannot move to `thing.b`: that is recorded, too",
    ]);
}

#[test]
fn what_moves_to_a_name_that_is_not_there_is_said() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.desired.moves = vec![moved("thing.a", "thing.b")];
    world.check(&[
        "thing.b Delete",
        "  delete ConfigMap a/m",
        "warning: `thing.a` has moved to `thing.b`, which the configuration does not have: it is destroyed",
    ]);
    world.desired.removals = vec![removed("thing.b", false)];
    world.check(&["thing.b Forget", "  forget ConfigMap a/m"]);
}

#[test]
fn a_move_that_a_target_leaves_out_is_an_error() {
    let mut world = renamed(config_map("m", "1"));
    world.want("c", config_map("o", "1"));
    world.desired.moves = vec![moved("thing.a", "thing.b")];
    world.options.targets = vec![selector("thing.c")];
    world.check(&["error: `thing.a` has moved to `thing.b`, which this plan leaves out"]);
}

#[test]
fn count_that_comes_or_goes_moves_the_first_instance() {
    let first = Address { key: Some(Key::Index(0)), ..address("a") };
    let mut world = World::applied(config_map("m", "1"));
    let mut resource = world.desired.resources.remove(&address("a")).expect("desired");
    resource.address = first.clone();
    world.desired.resources.insert(first.clone(), resource);
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.moves, [(address("a"), first.clone())]);
    assert_eq!(plan.resources.len(), 1);
}

#[test]
fn a_resource_of_another_type_takes_the_objects_over() {
    let mut world = World::empty();
    let both =
        vec![super::cases::desired_object(config_map("m", "1")), super::cases::desired_object(deployment(1, "i"))];
    world.want_all("a", both);
    world.apply();
    world.forget("a");
    world.want("b", config_map("m", "1"));
    world.want("c", deployment(1, "i"));
    let retyped = |name: &str| Address { resource_type: "other".to_owned(), ..address(name) };
    for name in ["b", "c"] {
        let mut resource = world.desired.resources.remove(&address(name)).expect("desired");
        resource.address = retyped(name);
        world.desired.resources.insert(retyped(name), resource);
    }
    world.desired.graph = crate::model::Graph::default();
    world.desired.moves = vec![moved("thing.a", "other.b"), moved("thing.a", "other.c")];
    world.check(&[
        "other.b Move",
        "  update ConfigMap a/m",
        r#"    .metadata.annotations.rayform.dev/address "thing.a" -> "other.b""#,
        "other.c Move",
        "  update Deployment a/d",
        r#"    .metadata.annotations.rayform.dev/address "thing.a" -> "other.c""#,
        "thing.a Forget",
        "  forget Deployment a/d",
        "  forget ConfigMap a/m",
    ]);
}

#[test]
fn what_is_removed_is_deleted_or_forgotten_as_the_block_says() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.desired.removals = vec![removed("thing.a", false)];
    world.check(&["thing.a Forget", "  forget ConfigMap a/m"]);
    world.desired.removals = vec![removed("thing.a", true)];
    world.state.resources.get_mut(&address("a")).expect("recorded").on_destroy = crate::model::OnDestroy::Keep;
    world.check(&["thing.a Delete", "  delete ConfigMap a/m"]);
}

/// Makes `a/m` as `kubectl apply` does, with one field more than is desired.
fn made_by_kubectl(world: &mut World) {
    let mut json = config_map("m", "1");
    json["data"]["old"] = "x".into();
    json["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
    put(world, json, "kubectl-client-side-apply");
}

fn put(world: &mut World, json: Json, manager: &str) {
    let new: Object = object(json);
    let schema = world.schemas.of(&new.kind()).expect("built in");
    let mut live = ssa::update(None, &new, schema, manager, None, "2026-01-02T03:04:05Z");
    live.edit(|json| json["metadata"]["uid"] = "u1".into());
    world.observed.live.insert(live.identity(), live);
}

fn import(id: &str) -> Import {
    Import { to: address("a"), id: id.to_owned(), span: Some(SPAN) }
}

#[test]
fn an_import_takes_over_what_kubectl_applied_and_removes_what_is_not_desired() {
    let mut world = World::empty();
    world.want("a", config_map("m", "2"));
    made_by_kubectl(&mut world);
    world.desired.imports = vec![import("a/m")];
    world.check(&[
        "thing.a Adopt",
        "  adopt ConfigMap a/m",
        r#"    .data.k "1" -> "2""#,
        r#"    .data.old "x" -> -"#,
        r#"    .metadata.annotations.kubectl.kubernetes.io/last-applied-configuration "{}" -> -"#,
        r#"    .metadata.annotations.rayform.dev/address - -> "thing.a""#,
        r#"    .metadata.annotations.rayform.dev/lineage - -> "l1""#,
        r#"    .metadata.labels.app.kubernetes.io/managed-by - -> "rayform""#,
    ]);
}

#[test]
fn an_import_does_not_take_what_a_controller_keeps() {
    let mut world = World::empty();
    world.want("a", config_map("m", "2"));
    put(&mut world, config_map("m", "1"), "my-operator");
    world.desired.imports = vec![import("v1/ConfigMap/a/m")];
    world.check(&["error: ConfigMap a/m has fields of another owner: `.data.k` belongs to my-operator (Update) at 2026-01-02T03:04:05Z"]);
}

#[test]
fn an_import_must_find_what_it_names() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.desired.imports = vec![import("a/m")];
    world.check(&["error: there is no ConfigMap a/m in the cluster to import into `thing.a`"]);
    world.desired.imports = vec![import("a/n")];
    world.check(&["error: `thing.a` does not describe `a/n`"]);
    world.desired.imports = vec![Import { to: address("b"), ..import("a/m") }];
    world.check(&["error: there is no `thing.b` in the configuration to import into"]);
    world.desired.imports = vec![import("a/b/c")];
    world.check(&["error: `a/b/c` names no object"]);
}

#[test]
fn what_is_recorded_needs_no_import() {
    let mut world = World::applied(config_map("m", "1"));
    world.desired.imports = vec![import("a/m")];
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m"]);
    world.options.imports = vec![Import { span: None, ..import("a/m") }];
    world.check(&["error: `thing.a` has recorded ConfigMap a/m already"]);
    let mut world = renamed(config_map("m", "1"));
    world.desired.imports = vec![Import { to: address("b"), ..import("a/m") }];
    world.check(&["error: ConfigMap a/m is recorded already, as `thing.a`"]);
}

#[test]
fn when_destroying_nothing_is_imported() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.desired.imports = vec![import("a/m")];
    world.options.mode = Mode::Destroy;
    world.check(&["thing.a NoOp"]);
}

fn value(text: &str) -> Trigger {
    Trigger::Value { name: "local.version".to_owned(), value: Value::string(text) }
}

#[test]
fn a_value_that_changes_makes_a_resource_anew() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1")).triggers = vec![value("1")];
    world.apply();
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m"]);
    world.want("a", config_map("m", "1")).triggers = vec![value("2")];
    world.check(&["thing.a Replace (loses it)", "  replace ConfigMap a/m"]);
    assert_eq!(world.plan().expect("a plan").resources[&address("a")].triggered_by.as_deref(), Some("local.version"));
    world.want("a", config_map("m", "1")).triggers = vec![value("1"), Trigger::Resources(selector("thing.b"))];
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m"]);
}

#[test]
fn a_trigger_that_is_new_is_only_recorded() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("a", config_map("m", "1")).triggers = vec![value("1")];
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m"]);
    assert!(world.plan().expect("a plan").is_record_outdated());
}

#[test]
fn a_resource_that_changes_makes_others_anew_and_they_others() {
    let mut world = World::empty();
    world.want("a", config_map("a", "1")).triggers = vec![Trigger::Resources(selector("thing.b"))];
    world.want("b", config_map("b", "1")).triggers = vec![Trigger::Resources(selector("thing.c"))];
    world.want("c", config_map("c", "1"));
    world.desired.graph.depend(address("a"), address("b"));
    world.desired.graph.depend(address("b"), address("c"));
    world.apply();
    world.want("c", config_map("c", "2"));
    world.check(&[
        "thing.a Replace (loses it)",
        "  replace ConfigMap a/a",
        "thing.b Replace (loses it)",
        "  replace ConfigMap a/b",
        "thing.c Update",
        "  update ConfigMap a/c",
        r#"    .data.k "1" -> "2""#,
    ]);
}

#[test]
fn an_ignored_field_of_a_list_item_is_called_by_name() {
    let mut world = World::empty();
    let image = FieldPath::fields(&["spec", "template", "spec", "containers", "c", "image"]);
    world.want("a", deployment(1, "i")).lifecycle.ignore_changes = vec![image];
    world.apply();
    world.edit("kubectl-edit", None, |json| json["spec"]["template"]["spec"]["containers"][0]["image"] = "j".into());
    world.check(&[
        "thing.a NoOp",
        "  keep Deployment a/d",
        "drift .spec.template.spec.containers[name=\"c\"].image by kubectl-edit as expected",
    ]);
}

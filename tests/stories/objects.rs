//! Objects that exist already, move, change what cannot change, or come with their own kind.
use serde_json::json;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("an_object_that_exists_is_adopted_only_when_asked", an_object_that_exists_is_adopted_only_when_asked),
    ("a_conflict_is_told_when_planning", a_conflict_is_told_when_planning),
    ("a_definition_and_its_object_go_in_one_plan", a_definition_and_its_object_go_in_one_plan),
    ("a_removed_block_is_deleted", a_removed_block_is_deleted),
    ("a_renamed_block_does_not_delete_its_object", a_renamed_block_does_not_delete_its_object),
    ("an_immutable_field_forces_replacement", an_immutable_field_forces_replacement),
    ("destroy_goes_backwards_and_leaves_nothing", destroy_goes_backwards_and_leaves_nothing),
    ("a_namespace_with_foreign_objects_is_not_deleted", a_namespace_with_foreign_objects_is_not_deleted),
];

const SETTINGS: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "config_map" "settings" {
  namespace = namespace.team.name
  name      = "settings"
  data      = { colour = "green" }
}
"#;

const SETTINGS_PATH: &str = "/api/v1/namespaces/{n}/configmaps/settings";

/// Makes the namespace and its settings as somebody else.
fn somebody_made_the_settings(world: &World) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{n}"}});
    world.create_as("kubectl-create", "/api/v1/namespaces", &namespace);
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "red", "size": "L"},
    });
    world.create_as("kubectl-create", "/api/v1/namespaces/{n}/configmaps", &settings);
}

fn an_object_that_exists_is_adopted_only_when_asked(world: &World) {
    somebody_made_the_settings(world);
    world.configure(SETTINGS);
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("exists already") && run.stderr.contains("kubectl-create"), "{run}");
    let run = world.rayform("apply --auto-approve --adopt --on-conflict=force");
    assert_eq!(run.code, 0, "{run}");
    let live = world.get(SETTINGS_PATH).expect("there");
    assert_eq!(live["data"], json!({"colour": "green", "size": "L"}), "what is not ours stays");
    world.expect_no_changes();
}

fn a_conflict_is_told_when_planning(world: &World) {
    world.configure(SETTINGS);
    let _ = world.apply();
    world.merge_as("kubectl-patch", SETTINGS_PATH, &json!({"data": {"size": "L"}}));
    world.configure(&SETTINGS.replace(r#"colour = "green""#, r#"colour = "green", size = "XL""#));
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("kubectl-patch") && run.stderr.contains("main.rf.hcl"), "{run}");
    let run = world.rayform("apply --auto-approve --on-conflict=force");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(world.get(SETTINGS_PATH).expect("there")["data"]["size"], "XL");
    world.expect_no_changes();
}

fn a_definition_and_its_object_go_in_one_plan(world: &World) {
    world.configure(
        r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "manifest" "kind" {
  object = {
    apiVersion = "apiextensions.k8s.io/v1"
    kind       = "CustomResourceDefinition"
    metadata   = { name = "widgets.{n}.example.com" }
    spec = {
      group = "{n}.example.com"
      scope = "Namespaced"
      names = { plural = "widgets", singular = "widget", kind = "Widget", listKind = "WidgetList" }
      versions = [{
        name    = "v1"
        served  = true
        storage = true
        schema = { openAPIV3Schema = {
          type = "object"
          properties = { spec = {
            type = "object"
            properties = {
              size  = { type = "integer", default = 3 }
              parts = { type = "array", items = { type = "object", properties = {
                name  = { type = "string" }
                count = { type = "integer", default = 1 }
              } } }
            }
          } }
        } }
      }]
    }
  }
}

resource "manifest" "one" {
  depends_on = [manifest.kind]
  object = {
    apiVersion = "{n}.example.com/v1"
    kind       = "Widget"
    metadata   = { name = "one", namespace = namespace.team.name }
    spec       = { parts = [{ name = "a" }] }
  }
}
"#,
    );
    let run = world.rayform("plan");
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("3 to add"), "{run}");
    let _ = world.apply();
    world.expect_no_changes();
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
}

fn a_removed_block_is_deleted(world: &World) {
    world.configure(SETTINGS);
    let _ = world.apply();
    world.configure("resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n");
    let run = world.rayform("plan");
    assert!(run.stdout.contains("0 to add, 0 to change, 1 to destroy"), "{run}");
    let _ = world.apply();
    assert!(world.get(SETTINGS_PATH).is_none());
    world.expect_no_changes();
}

fn a_renamed_block_does_not_delete_its_object(world: &World) {
    world.configure(SETTINGS);
    let _ = world.apply();
    let uid = world.get(SETTINGS_PATH).expect("there")["metadata"]["uid"].clone();
    world.configure(&SETTINGS.replace("\"config_map\" \"settings\"", "\"config_map\" \"options\""));
    let run = world.rayform("plan");
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("config_map.settings") && text.contains("config_map.options"), "{run}");
    assert!(!text.contains("1 to destroy"), "{run}");
    let _ = world.rayform("apply --auto-approve");
    assert_eq!(world.get(SETTINGS_PATH).expect("still there")["metadata"]["uid"], uid);
}

fn an_immutable_field_forces_replacement(world: &World) {
    let class = |parameter: &str| {
        format!(
            "resource \"storage_class\" \"fast\" {{\n  name = \"{{n}}\"\n  provisioner = \"example.com/disk\"\n  \
             parameters = {{ type = \"{parameter}\" }}\n}}\n"
        )
    };
    world.configure(&class("a"));
    let _ = world.apply();
    let uid = world.get("/apis/storage.k8s.io/v1/storageclasses/{n}").expect("there")["metadata"]["uid"].clone();
    world.configure(&class("b"));
    let run = world.rayform("plan");
    assert!(run.stdout.contains("forces replacement") && run.stdout.contains("-/+"), "{run}");
    let _ = world.apply();
    let live = world.get("/apis/storage.k8s.io/v1/storageclasses/{n}").expect("there");
    assert_ne!(live["metadata"]["uid"], uid);
    assert_eq!(live["parameters"]["type"], "b");
    world.expect_no_changes();
    let run = world.rayform("destroy --auto-approve");
    assert_eq!(run.code, 0, "{run}");
}

fn destroy_goes_backwards_and_leaves_nothing(world: &World) {
    world.configure(SETTINGS);
    let _ = world.apply();
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    let settings = run.stdout.find("config_map.settings: Destruction complete");
    let namespace = run.stdout.find("namespace.team: Destruction complete");
    assert!(settings.is_some() && settings < namespace, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
    let run = world.rayform("state list");
    assert_eq!(run.stdout, "", "{run}");
}

fn a_namespace_with_foreign_objects_is_not_deleted(world: &World) {
    world.configure(SETTINGS);
    let _ = world.apply();
    let foreign =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "precious"}, "data": {"a": "1"}});
    world.create_as("kubectl-create", "/api/v1/namespaces/{n}/configmaps", &foreign);
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_ne!(run.code, 0, "{run}");
    assert!(format!("{}{}", run.stdout, run.stderr).contains("precious"), "{run}");
    assert!(world.get("/api/v1/namespaces/{n}/configmaps/precious").is_some());
}

//! What somebody else does behind rayform's back, and who is named for it.
use serde_json::{Value, json};
use snapbox::prelude::*;
use snapbox::{assert_data_eq, str};

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("kubectl_scale_is_named_and_repaired", kubectl_scale_is_named_and_repaired),
    ("hands_that_meddle_are_shown_field_by_field", hands_that_meddle_are_shown_field_by_field),
    ("kubectl_edit_is_named_and_repaired", kubectl_edit_is_named_and_repaired),
    ("a_foreign_label_is_left_alone", a_foreign_label_is_left_alone),
    ("our_label_changed_is_repaired", our_label_changed_is_repaired),
    ("a_deleted_object_is_missed_and_made_again", a_deleted_object_is_missed_and_made_again),
    ("a_recreated_object_is_seen_by_its_uid", a_recreated_object_is_seen_by_its_uid),
    ("a_field_taken_by_a_foreign_apply_is_a_conflict", a_field_taken_by_a_foreign_apply_is_a_conflict),
    ("an_autoscaler_that_scales_is_no_drift", an_autoscaler_that_scales_is_no_drift),
];

const DEPLOYMENT: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "manifest" "web" {
  object = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "web", namespace = namespace.team.name, labels = { tier = "front" } }
    spec = {
      replicas = 2
      selector = { matchLabels = { app = "web" } }
      template = {
        metadata = { labels = { app = "web" } }
        spec     = { containers = [{ name = "web", image = "nginx:1.27" }] }
      }
    }
  }
}
"#;

const WEB: &str = "/apis/apps/v1/namespaces/{n}/deployments/web";

/// Applies the configuration; where nobody plays the controllers, without waiting for pods.
fn given(world: &World, text: &str) {
    let text = if world.has_controllers() {
        text.to_owned()
    } else {
        text.replace("  object = {", "  wait = false\n  object = {")
    };
    world.configure(&text);
    let _ = world.apply();
    world.expect_no_changes();
}

#[track_caller]
fn expect_drift(world: &World, words: &[&str]) {
    let run = world.rayform("drift");
    assert_eq!(run.code, 2, "{run}");
    for word in words {
        assert!(run.stdout.contains(word), "no `{word}` in\n{run}");
    }
}

#[track_caller]
fn expect_repair(world: &World, pointer: &str, path: &str, value: &Value) {
    let _ = world.apply();
    let live = world.get(path).expect("the object is there");
    assert_eq!(live.pointer(pointer), Some(value));
    world.expect_no_changes();
    let run = world.rayform("drift");
    assert_eq!(run.code, 0, "{run}");
}

fn kubectl_scale_is_named_and_repaired(world: &World) {
    given(world, DEPLOYMENT);
    world.scale(WEB, 5);
    expect_drift(world, &["manifest.web", "spec.replicas", "2", "5", "kubectl"]);
    expect_repair(world, "/spec/replicas", WEB, &json!(2));
}

fn hands_that_meddle_are_shown_field_by_field(world: &World) {
    given(world, DEPLOYMENT);
    world.scale(WEB, 5);
    let containers = json!([{"name": "web", "image": "nginx:1.28"}]);
    world.merge_as("kubectl-edit", WEB, &json!({"spec": {"template": {"spec": {"containers": containers}}}}));
    world.merge_as("kubectl-label", WEB, &json!({"metadata": {"labels": {"tier": "back", "theirs": "1"}}}));
    let run = world.rayform("drift");
    assert_eq!(run.code, 2, "{run}");
    assert_data_eq!(
        run.stdout,
        str![[r#"
  # manifest.web: Deployment {n}/web has been changed
      ~ .metadata.labels.tier = "front" -> "back" # by kubectl-label (Update) at [TIME]
      ~ .spec.replicas = 2 -> 5 # by kubectl (Update of scale)
      ~ .spec.template.spec.containers[name="web"].image = "nginx:1.27" -> "nginx:1.28" # by kubectl-edit (Update) at [TIME]

"#]]
        .raw()
    );
    let _ = world.apply();
    world.expect_no_changes();
}

fn kubectl_edit_is_named_and_repaired(world: &World) {
    given(world, DEPLOYMENT);
    let containers = json!([{"name": "web", "image": "nginx:1.28"}]);
    world.merge_as("kubectl-edit", WEB, &json!({"spec": {"template": {"spec": {"containers": containers}}}}));
    expect_drift(world, &["image", "nginx:1.27", "nginx:1.28", "kubectl-edit"]);
    expect_repair(world, "/spec/template/spec/containers/0/image", WEB, &json!("nginx:1.27"));
}

fn a_foreign_label_is_left_alone(world: &World) {
    given(world, DEPLOYMENT);
    world.merge_as("kubectl-label", WEB, &json!({"metadata": {"labels": {"cost-centre": "42"}}}));
    world.expect_no_changes();
    let run = world.rayform("drift");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(world.get(WEB).expect("there").pointer("/metadata/labels/cost-centre"), Some(&json!("42")));
}

fn our_label_changed_is_repaired(world: &World) {
    given(world, DEPLOYMENT);
    world.merge_as("kubectl-label", WEB, &json!({"metadata": {"labels": {"tier": "back"}}}));
    expect_drift(world, &["labels.tier", "front", "back", "kubectl-label"]);
    expect_repair(world, "/metadata/labels/tier", WEB, &json!("front"));
}

fn a_deleted_object_is_missed_and_made_again(world: &World) {
    given(world, DEPLOYMENT);
    world.delete(WEB);
    expect_drift(world, &["manifest.web", "deleted"]);
    let run = world.rayform("plan");
    assert!(run.stdout.contains("1 to add, 0 to change, 0 to destroy"), "{run}");
    expect_repair(world, "/spec/replicas", WEB, &json!(2));
}

fn a_recreated_object_is_seen_by_its_uid(world: &World) {
    given(world, DEPLOYMENT);
    let settings = "/api/v1/namespaces/{n}/configmaps/settings";
    let more = format!(
        "{DEPLOYMENT}\nresource \"config_map\" \"settings\" {{\n  namespace = namespace.team.name\n  name = \"settings\"\n  data = {{ a = \"1\" }}\n}}\n"
    );
    given(world, &more);
    world.delete(settings);
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "2"}});
    world.create_as("kubectl-create", "/api/v1/namespaces/{n}/configmaps", &object);
    expect_drift(world, &["config_map.settings"]);
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("made again") && run.stderr.contains("kubectl-create"), "{run}");
}

fn a_field_taken_by_a_foreign_apply_is_a_conflict(world: &World) {
    given(world, DEPLOYMENT);
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "{n}"},
        "spec": {"replicas": 4},
    });
    world.force_as("argocd-controller", WEB, &object);
    expect_drift(world, &["spec.replicas", "argocd-controller"]);
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("argocd-controller") && run.stderr.contains("--on-conflict"), "{run}");
    let run = world.rayform("plan --on-conflict=yield --detailed-exitcode");
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("apply --auto-approve --on-conflict=force --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(world.get(WEB).expect("there").pointer("/spec/replicas"), Some(&json!(2)));
    world.expect_no_changes();
}

fn an_autoscaler_that_scales_is_no_drift(world: &World) {
    let ray = r#"
resource "namespace" "team" {
  name = "{n}"
}
resource "ray_head" "main" {
  namespace = namespace.team.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 1
  memory    = "8Gi"
}
resource "ray_worker_pool" "cpu" {
  head   = ray_head.main
  cpu    = 1
  memory = "8Gi"
}
resource "horizontal_pod_autoscaler" "cpu" {
  target       = ray_worker_pool.cpu
  min_replicas = 1
  max_replicas = 4
  metric "cpu" {
    average_utilization = 60
  }
}
"#;
    if !world.has_controllers() {
        return;
    }
    given(world, ray);
    let pools = world.items("/apis/autoscaling/v2/namespaces/{n}/horizontalpodautoscalers");
    let pool = pools[0]["spec"]["scaleTargetRef"]["name"].as_str().expect("a target").to_owned();
    let path = format!("/apis/apps/v1/namespaces/{{n}}/deployments/{pool}");
    let scale = json!({"spec": {"replicas": 3}});
    world.merge_as("kube-controller-manager", &format!("{path}/scale"), &scale);
    world.expect_no_changes();
    let run = world.rayform("drift");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(world.get(&path).expect("there").pointer("/spec/replicas"), Some(&json!(3)));
}

//! Clusters that are too small, images that are not there, servers that are gone, objects that will not go.
use serde_json::json;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("a_quota_that_is_too_small_is_named", a_quota_that_is_too_small_is_named),
    ("pods_that_fit_nowhere_are_told", pods_that_fit_nowhere_are_told),
    ("an_image_that_cannot_be_pulled_fails_early", an_image_that_cannot_be_pulled_fails_early),
    ("a_slow_rollout_is_waited_for_by_the_next_run", a_slow_rollout_is_waited_for_by_the_next_run),
    ("another_cluster_is_refused", another_cluster_is_refused),
    ("a_server_that_is_down_is_said", a_server_that_is_down_is_said),
    ("a_finalizer_that_nobody_clears_is_named", a_finalizer_that_nobody_clears_is_named),
    ("an_operator_stays_as_long_as_its_custom_resource", an_operator_stays_as_long_as_its_custom_resource),
];

fn web(image: &str, cpu: &str) -> String {
    format!(
        r#"
resource "namespace" "team" {{
  name = "{{n}}"
}}

resource "manifest" "web" {{
  object = {{
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = {{ name = "web", namespace = namespace.team.name }}
    spec = {{
      selector = {{ matchLabels = {{ app = "web" }} }}
      template = {{
        metadata = {{ labels = {{ app = "web" }} }}
        spec = {{ containers = [{{
          name      = "web"
          image     = "{image}"
          resources = {{ requests = {{ cpu = "{cpu}", memory = "64Mi" }}, limits = {{ cpu = "{cpu}", memory = "64Mi" }} }}
        }}] }}
      }}
    }}
  }}
}}
"#
    )
}

/// Applies what cannot become ready, and returns what was said.
#[track_caller]
fn expect_trouble(world: &World, timeout: &str, words: &[&str]) {
    let run = world.rayform(&format!("apply --auto-approve --timeout={timeout}"));
    assert_eq!(run.code, 6, "{run}");
    let text = format!("{}{}", run.stdout, run.stderr);
    for word in words {
        assert!(text.contains(word), "no `{word}` in\n{run}");
    }
}

fn a_quota_that_is_too_small_is_named(world: &World) {
    if !world.has_controllers() {
        return;
    }
    let quota = "resource \"namespace\" \"team\" {\n  name = \"{n}\"\n  quota {\n    cpu = 1\n    pods = 5\n  }\n}";
    let with_quota = web("nginx:1.27", "2").replace("resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}", quota);
    assert!(with_quota.contains("quota"));
    world.configure(&with_quota);
    let run = world.rayform("apply --auto-approve --timeout=60s");
    assert_ne!(run.code, 0, "{run}");
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("quota"), "{run}");
}

fn pods_that_fit_nowhere_are_told(world: &World) {
    if world.has_controllers() {
        world.configure(&web("nginx:1.27", "500"));
        expect_trouble(world, "4s", &["Insufficient cpu"]);
    }
}

fn an_image_that_cannot_be_pulled_fails_early(world: &World) {
    if world.has_controllers() {
        world.configure(&web("nginx:does-not-exist", "1"));
        expect_trouble(world, "60s", &["ImagePull", "nginx:does-not-exist"]);
    }
}

fn a_slow_rollout_is_waited_for_by_the_next_run(world: &World) {
    if !world.has_controllers() {
        return;
    }
    world.configure(&web("nginx:1.27", "500"));
    expect_trouble(world, "3s", &["Insufficient cpu"]);
    let deployment = "/apis/apps/v1/namespaces/{n}/deployments/web";
    let uid = world.get(deployment).expect("made")["metadata"]["uid"].clone();
    let run = world.rayform("plan --detailed-exitcode");
    assert_eq!(run.code, 2, "{run}");
    world.configure(&web("nginx:1.27", "1"));
    let _ = world.apply();
    assert_eq!(world.get(deployment).expect("there")["metadata"]["uid"], uid, "not made again");
    world.expect_no_changes();
}

fn another_cluster_is_refused(world: &World) {
    world.configure("resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n");
    let _ = world.apply();
    let path = world.folder().join("rayform.state.json");
    let state = std::fs::read_to_string(&path).expect("a state");
    let mut json: serde_json::Value = serde_json::from_str(&state).expect("JSON");
    json["cluster"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    std::fs::write(&path, json.to_string()).expect("written");
    for line in ["plan", "apply --auto-approve", "destroy --auto-approve", "drift"] {
        let run = world.rayform(line);
        assert_eq!(run.code, 1, "{line}: {run}");
        assert!(run.stderr.contains("another cluster"), "{line}: {run}");
    }
    assert!(world.get("/api/v1/namespaces/{n}").is_some());
}

fn a_server_that_is_down_is_said(world: &World) {
    world.configure("resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n");
    let nowhere = world.folder().join("nowhere");
    let text = "{apiVersion: v1, kind: Config, clusters: [{name: a, cluster: {server: \"http://127.0.0.1:9\"}}], \
                users: [{name: a, user: {}}], contexts: [{name: a, context: {cluster: a, user: a}}], current-context: a}";
    std::fs::write(&nowhere, text).expect("written");
    let run = world.rayform("plan --kubeconfig=nowhere");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("cannot be reached"), "{run}");
    let run = world.rayform("plan --kubeconfig=missing");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("missing"), "{run}");
}

fn a_finalizer_that_nobody_clears_is_named(world: &World) {
    world.configure(
        "resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n\nresource \"config_map\" \"held\" {\n  \
         namespace = namespace.team.name\n  name = \"held\"\n  data = { a = \"1\" }\n}\n",
    );
    let _ = world.apply();
    let path = "/api/v1/namespaces/{n}/configmaps/held";
    world.merge_as("somebody", path, &json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    let run = world.rayform("destroy --auto-approve --timeout=3s");
    assert_eq!(run.code, 6, "{run}");
    assert!(format!("{}{}", run.stdout, run.stderr).contains("example.com/hold"), "{run}");
    let run = world.rayform("state list");
    assert!(run.stdout.contains("config_map.held"), "{run}");
    let run = world.rayform("drift");
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stdout.contains("held is being deleted"), "{run}");
    assert!(run.stdout.contains("# it waits for example.com/hold"), "{run}");
    world.merge_as("somebody", path, &json!({"metadata": {"finalizers": null}}));
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
}

const OPERATOR: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "manifests" "operator" {
  namespace = namespace.team.name
  wait      = false
  yaml      = <<-YAML
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: things.{n}.example.com}
    spec:
      group: {n}.example.com
      scope: Namespaced
      names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
      versions:
        - name: v1
          served: true
          storage: true
          schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: operator}
    spec:
      replicas: 0
      selector: {matchLabels: {app: operator}}
      template:
        metadata: {labels: {app: operator}}
        spec: {containers: [{name: main, image: "example.com/operator:1"}]}
    ---
    apiVersion: {n}.example.com/v1
    kind: Thing
    metadata: {name: one, finalizers: [example.com/clean-up]}
  YAML
}
"#;

fn an_operator_stays_as_long_as_its_custom_resource(world: &World) {
    world.configure(OPERATOR);
    let _ = world.apply();
    let run = world.rayform("destroy --auto-approve --timeout=3s");
    assert_eq!(run.code, 6, "{run}");
    assert!(world.get("/apis/apps/v1/namespaces/{n}/deployments/operator").is_some(), "{run}");
    let path = "/apis/{n}.example.com/v1/namespaces/{n}/things/one";
    world.merge_as("operator", path, &json!({"metadata": {"finalizers": null}}));
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
}

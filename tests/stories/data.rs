//! `data` blocks: what somebody else made is read when planning, and what this plan makes when it is up.
use serde_json::{Value, json};

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("what_others_made_is_read_and_followed", what_others_made_is_read_and_followed),
    ("a_destroy_needs_nothing_that_is_read", a_destroy_needs_nothing_that_is_read),
    ("what_the_plan_makes_is_read_during_apply", what_the_plan_makes_is_read_during_apply),
    ("a_secret_that_is_read_is_written_nowhere", a_secret_that_is_read_is_written_nowhere),
    ("what_cannot_be_read_stops_the_plan", what_cannot_be_read_stops_the_plan),
    ("what_was_put_off_is_read_though_nothing_needs_it", what_was_put_off_is_read_though_nothing_needs_it),
    ("a_check_reads_again_after_apply", a_check_reads_again_after_apply),
    ("a_saved_plan_stops_when_what_it_read_has_changed", a_saved_plan_stops_when_what_it_read_has_changed),
];

/// Makes a Namespace of the story's own, as another team would.
fn foreign_namespace(world: &World, team: &str) {
    let metadata = json!({"name": "{n}", "labels": {"team": team}});
    world.create_as(
        "kubectl",
        "/api/v1/namespaces",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
    );
}

/// Makes a ConfigMap of settings in such a Namespace.
fn foreign_settings(world: &World) {
    foreign_namespace(world, "red");
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "{n}"},
        "data": {"size": "4"},
    });
    world.create_as("kubectl", "/api/v1/namespaces/{n}/configmaps", &settings);
}

fn note(world: &World, name: &str, key: &str) -> Value {
    let path = format!("/api/v1/namespaces/{{n}}/configmaps/{name}");
    world.get(&path).map(|found| found["data"][key].clone()).unwrap_or_default()
}

const FOLLOWING: &str = r#"
data "namespace" "theirs" {
  name = "{n}"
}

data "manifest" "account" {
  api_version = "v1"
  kind        = "ConfigMap"
  namespace   = data.namespace.theirs.name
  name        = "settings"
}

resource "config_map" "note" {
  for_each  = data.manifest.account.object.data
  namespace = data.namespace.theirs.name
  name      = "note-${each.key}"
  data      = { value = "${each.value} for ${data.namespace.theirs.labels.team}" }
}
"#;

fn what_others_made_is_read_and_followed(world: &World) {
    foreign_settings(world);
    world.configure(FOLLOWING);
    let _ = world.apply();
    assert_eq!(note(world, "note-size", "value"), "4 for red");
    world.expect_no_changes();
    let more = json!({"data": {"zone": "b"}});
    world.merge_as("kubectl-edit", "/api/v1/namespaces/{n}/configmaps/settings", &more);
    world.merge_as("kubectl-label", "/api/v1/namespaces/{n}", &json!({"metadata": {"labels": {"team": "blue"}}}));
    let run = world.rayform("plan");
    assert!(run.stdout.contains("\"4 for red\" -> \"4 for blue\""), "{run}");
    assert!(run.stdout.contains("Plan: 1 to add, 1 to change, 0 to destroy."), "{run}");
    let _ = world.apply();
    assert_eq!(note(world, "note-zone", "value"), "b for blue");
    let run = world.rayform("destroy --auto-approve");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_some(), "what is only read stays");
}

fn a_destroy_needs_nothing_that_is_read(world: &World) {
    foreign_settings(world);
    world.configure(FOLLOWING);
    let _ = world.apply();
    world.delete("/api/v1/namespaces/{n}/configmaps/settings");
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    let run = world.rayform("destroy --auto-approve");
    assert!(run.code == 0 && run.stderr.contains("warning: there is no ConfigMap"), "{run}");
    assert_eq!(note(world, "note-size", "value"), Value::Null);
}

const MAKING: &str = r#"
resource "namespace" "team" {
  name   = "{n}"
  labels = { team = "red" }
}

data "namespace" "team" {
  name       = namespace.team.name
  depends_on = [namespace.team]
}

resource "config_map" "note" {
  namespace = namespace.team.name
  name      = "note"
  data      = { uid = data.namespace.team.uid, phase = data.namespace.team.phase }
}

output "uid" {
  value = data.namespace.team.uid
}
"#;

fn what_the_plan_makes_is_read_during_apply(world: &World) {
    world.configure(MAKING);
    let run = world.rayform("validate");
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("plan");
    let told = "  # data.namespace.team is read during apply, after namespace.team\n <= data \"namespace\" \"team\"\n";
    assert!(run.stdout.contains(told) && run.stdout.contains("uid = (known after apply)"), "{run}");
    let run = world.rayform("plan --json");
    let line = r#"{"address":"data.namespace.team","type":"deferred_read","until":["namespace.team"]}"#;
    assert!(run.stdout.contains(line), "{run}");
    let _ = world.apply();
    let uid = world.get("/api/v1/namespaces/{n}").expect("it is made")["metadata"]["uid"].clone();
    assert_eq!((note(world, "note", "uid"), note(world, "note", "phase")), (uid.clone(), json!("Active")));
    assert_eq!(world.rayform("output uid --json").stdout.trim(), "\"[UID]\"");
    world.expect_no_changes();
}

const SECRET: &str = r#"
data "secret" "theirs" {
  name      = "theirs"
  namespace = "{n}"
}

resource "secret" "ours" {
  namespace = "{n}"
  name      = "ours"
  data      = { url = "redis://:${data.secret.theirs.data.password}@redis" }
}

resource "config_map" "careless" {
  namespace = "{n}"
  name      = "careless"
  data      = { copy = data.secret.theirs.data.password }
}

output "length" {
  value = length(nonsensitive(data.secret.theirs.data.password))
}
"#;

fn a_secret_that_is_read_is_written_nowhere(world: &World) {
    foreign_namespace(world, "red");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "namespace": "{n}"},
        "stringData": {"password": "swordfish-4711"},
    });
    world.create_as("kubectl", "/api/v1/namespaces/{n}/secrets", &secret);
    world.configure(SECRET);
    let plan = world.rayform("plan --out=plan.rfplan");
    assert_eq!(plan.code, 0, "{plan}");
    let apply = world.apply();
    let json = world.rayform("plan --json");
    assert_eq!(note(world, "careless", "copy"), "swordfish-4711");
    world.expect_no_changes();
    for text in [&plan.stdout, &plan.stderr, &apply.stdout, &apply.stderr, &json.stdout, &json.stderr] {
        assert!(!text.contains("swordfish"), "{text}");
    }
    for name in ["plan.rfplan", "rayform.state.json"] {
        let text = std::fs::read_to_string(world.folder().join(name)).expect("a file");
        assert!(!text.contains("swordfish"), "{name} holds the secret");
    }
}

fn what_cannot_be_read_stops_the_plan(world: &World) {
    world.configure(
        "data \"namespace\" \"gone\" {\n  name = \"{n}\"\n}\n\ndata \"manifest\" \"odd\" {\n  api_version = \"example.com/v1\"\n  \
         kind = \"Odd\"\n  name = \"a\"\n}\n\noutput \"odd\" {\n  value = data.manifest.odd.object\n}\n",
    );
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    for told in [
        "there is no Namespace `",
        "main.rf.hcl:2:10",
        "name the resource in `depends_on`",
        "`data.manifest.odd` cannot be read: the cluster does not serve the kind `Odd` of `example.com/v1`",
    ] {
        assert!(run.stderr.contains(told), "{told}: {run}");
    }
}

const CHECKED: &str = r#"
resource "namespace" "team" {
  name   = "{n}"
  labels = { ready = "yes" }
}

check "ready" {
  data "namespace" "team" {
    name = "{n}"
  }
  assert {
    condition     = data.namespace.team.labels.ready == "yes"
    error_message = "the namespace is not ready"
  }
}
"#;

fn what_was_put_off_is_read_though_nothing_needs_it(world: &World) {
    let text = |label: &str| {
        format!(
            r#"
resource "namespace" "team" {{
  name   = "{{n}}"
  labels = {{ team = "red" }}
}}

resource "storage_class" "other" {{
  name        = "{{n}}"
  provisioner = "example.com/none"
}}

data "namespace" "team" {{
  name       = "{{n}}"
  depends_on = [namespace.team]
  lifecycle {{
    postcondition {{
      condition     = self.labels.team == "{label}"
      error_message = "the namespace belongs to ${{self.labels.team}}"
    }}
  }}
}}
"#
        )
    };
    world.configure(&text("blue"));
    let run = world.rayform("apply --auto-approve --target=storage_class.other");
    assert_eq!(run.code, 0, "what it needs is left out: {run}");
    let run = world.rayform("apply --auto-approve");
    assert!(run.code == 6 && run.stderr.contains("the namespace belongs to red"), "{run}");
    world.configure(&text("red"));
    let run = world.rayform("apply --auto-approve");
    assert_eq!(run.code, 0, "{run}");
}

fn a_check_reads_again_after_apply(world: &World) {
    world.configure(CHECKED);
    let run = world.rayform("plan");
    assert!(run.code == 0 && run.stderr.contains("there is no Namespace"), "{run}");
    let _ = world.apply();
    let run = world.rayform("plan");
    assert!(run.code == 0 && run.stderr.is_empty(), "{run}");
    world.merge_as("kubectl-label", "/api/v1/namespaces/{n}", &json!({"metadata": {"labels": {"ready": "no"}}}));
    let run = world.rayform("plan");
    assert!(run.code == 0 && run.stderr.contains("check `ready`: the namespace is not ready"), "{run}");
    let run = world.apply();
    let told = run.stderr.matches("the namespace is not ready").count();
    assert_eq!(told, 1, "told by the plan, and not again when it holds: {run}");
}

fn a_saved_plan_stops_when_what_it_read_has_changed(world: &World) {
    foreign_namespace(world, "red");
    world.configure(
        "data \"namespace\" \"theirs\" {\n  name = \"{n}\"\n}\n\nresource \"config_map\" \"note\" {\n  namespace = \"{n}\"\n  \
         name = \"note\"\n  data = { team = data.namespace.theirs.labels.team }\n}\n",
    );
    let run = world.rayform("plan --out=plan.rfplan");
    assert_eq!(run.code, 0, "{run}");
    world.merge_as("kubectl-label", "/api/v1/namespaces/{n}", &json!({"metadata": {"labels": {"team": "blue"}}}));
    let run = world.rayform("apply plan.rfplan");
    assert!(run.code != 0 && run.stderr.contains("config_map.note"), "{run}");
    assert_eq!(note(world, "note", "team"), Value::Null, "nothing was done");
}

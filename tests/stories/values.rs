//! Values that are made once, and what must follow when a value changes.
use serde_json::Value;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("a_generated_value_outlives_every_other_change", a_generated_value_outlives_every_other_change),
    ("pods_roll_when_what_they_read_changes", pods_roll_when_what_they_read_changes),
    ("a_silenced_finding_is_not_told", a_silenced_finding_is_not_told),
];

const SECRET: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "secret" "session" {
  namespace = namespace.team.name
  name      = "session"
  # more
  generate "password" {
    length = 40
  }
}
"#;

const SECRET_PATH: &str = "/api/v1/namespaces/{n}/secrets/session";

fn a_generated_value_outlives_every_other_change(world: &World) {
    world.configure(SECRET);
    let _ = world.apply();
    let password = |world: &World| world.get(SECRET_PATH).expect("there")["data"]["password"].clone();
    let made = password(world);
    assert!(made.as_str().is_some_and(|text| text.len() == 56), "40 characters in base64");
    world.expect_no_changes();
    for more in [r#"data = { user = "ray" }"#, r#"data = { user = "roy", team = "a" }"#, r#"labels = { a = "b" }"#] {
        world.configure(&SECRET.replace("# more", more));
        let run = world.rayform("plan");
        assert!(run.stdout.contains("1 to change") && !run.stdout.contains("password"), "{run}");
        let _ = world.apply();
        assert_eq!(password(world), made, "{more}");
        world.expect_no_changes();
    }
    world.merge_as("kubectl-edit", SECRET_PATH, &serde_json::json!({"data": {"password": null}}));
    let run = world.rayform("plan");
    assert!(run.stdout.contains("password"), "{run}");
    let _ = world.apply();
    let again = password(world);
    assert!(again.is_string() && again != made);
    world.expect_no_changes();
}

const HEAD: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "config_map" "settings" {
  namespace = namespace.team.name
  name      = "settings"
  data      = { COLOUR = "green" }
}

resource "ray_head" "main" {
  namespace = namespace.team.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 1
  memory    = "8Gi"
  auth {}
  env_from {
    config_map = config_map.settings.name
  }
}
"#;

fn pods_roll_when_what_they_read_changes(world: &World) {
    if !world.has_controllers() {
        return;
    }
    world.configure(HEAD);
    let _ = world.apply();
    world.expect_no_changes();
    let checksums = |world: &World| {
        let deployments = world.items("/apis/apps/v1/namespaces/{n}/deployments");
        let annotations = deployments[0]["spec"]["template"]["metadata"]["annotations"].clone();
        let found = annotations.as_object().cloned().unwrap_or_default().into_iter();
        found.filter(|(name, _)| name.contains("config_map-settings") || name.contains("configmap-settings")).collect()
    };
    let first: Vec<(String, Value)> = checksums(world);
    assert_eq!(first.len(), 1, "{first:?}");
    world.configure(&HEAD.replace("green", "blue"));
    let run = world.rayform("plan");
    assert!(run.stdout.contains("2 to change"), "{run}");
    let _ = world.apply();
    assert_ne!(checksums(world), first);
    world.expect_no_changes();
}

fn a_silenced_finding_is_not_told(world: &World) {
    let open = HEAD.replace("config_map.settings.name", "\"elsewhere\"");
    world.configure(&open);
    let run = world.rayform("plan");
    assert!(run.stderr.contains("RF614") && run.stderr.contains("elsewhere"), "{run}");
    world.configure(&open.replace("  auth {}", "  allow_checks = [\"RF614\"]\n  auth {}"));
    let run = world.rayform("plan");
    assert_eq!(run.code, 0, "{run}");
    assert!(!run.stderr.contains("RF614"), "{run}");
}

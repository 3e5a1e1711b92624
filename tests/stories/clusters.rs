//! Two clusters in one configuration: nothing of the one happens in the other.
//!
//! The default cluster is the story's own, sandbox or real; `west` is a sandbox of its own.
use std::process::Stdio;

use http::Method;
use serde_json::{Value, json};

use crate::Told;
use crate::world::{Another, World};

pub(crate) const STORIES: &[Told] = &[
    ("two_clusters_hold_objects_of_equal_names", two_clusters_hold_objects_of_equal_names),
    ("a_resource_moves_to_another_cluster", a_resource_moves_to_another_cluster),
    ("another_cluster_behind_a_name_is_refused", another_cluster_behind_a_name_is_refused),
    ("a_cluster_that_is_gone_from_the_configuration_is_missed", a_cluster_that_is_gone_is_missed),
    ("a_saved_plan_is_for_both_of_its_clusters", a_saved_plan_is_for_both_of_its_clusters),
    ("a_killed_apply_on_two_clusters_is_taken_up_again", a_killed_apply_on_two_clusters_is_taken_up_again),
    ("a_lost_state_is_rebuilt_from_both_clusters", a_lost_state_is_rebuilt_from_both_clusters),
    ("a_cluster_that_nothing_uses_is_not_asked", a_cluster_that_nothing_uses_is_not_asked),
    ("every_cluster_has_a_sandbox_of_its_own", every_cluster_has_a_sandbox_of_its_own),
];

const SETTINGS_PATH: &str = "/api/v1/namespaces/{n}/configmaps/settings";

/// The clusters, and a namespace in each.
const GROUND: &str = r#"
cluster {}

cluster "west" {
  kubeconfig = "WEST"
}

resource "namespace" "here" {
  name = "{n}"
}

resource "namespace" "there" {
  cluster = cluster.west
  name    = "{n}"
}
"#;

/// Writes the configuration: the ground and more of it.
fn configure(world: &World, west: &Another, more: &str) {
    let ground = GROUND.replace("WEST", &west.kubeconfig.display().to_string());
    world.configure(&format!("{ground}{more}"));
}

/// Returns a map of settings in a cluster.
fn settings(name: &str, cluster: &str, colour: &str) -> String {
    let namespace = if cluster.is_empty() { "here" } else { "there" };
    let cluster = if cluster.is_empty() { String::new() } else { format!("  cluster   = cluster.{cluster}\n") };
    format!(
        "resource \"config_map\" \"{name}\" {{\n{cluster}  namespace = namespace.{namespace}.name\n  \
         name      = \"settings\"\n  data      = {{ colour = \"{colour}\" }}\n}}\n"
    )
}

/// Returns the colour in the settings of the other cluster.
fn colour_in(world: &World, west: &Another) -> Option<Value> {
    west.api.get(&world.fill(SETTINGS_PATH)).map(|live| live["data"]["colour"].clone())
}

fn colour_here(world: &World) -> Option<Value> {
    world.get(SETTINGS_PATH).map(|live| live["data"]["colour"].clone())
}

fn two_clusters_hold_objects_of_equal_names(world: &World) {
    let west = Another::start();
    let both = |here: &str, there: &str| format!("{}{}", settings("here", "", here), settings("there", "west", there));
    configure(world, &west, &both("green", "blue"));
    let run = world.apply();
    assert!(run.stdout.contains("Cluster west: [SERVER]"), "{run}");
    assert!(run.stdout.contains("# config_map.there will be created in cluster west"), "{run}");
    assert!(run.stdout.contains("# config_map.here will be created\n"), "{run}");
    assert_eq!((colour_here(world), colour_in(world, &west)), (Some(json!("green")), Some(json!("blue"))));
    world.expect_no_changes();

    let patch = json!({"data": {"colour": "red"}});
    let path = format!("{}?fieldManager=kubectl-edit", world.fill(SETTINGS_PATH));
    west.api.send(Method::PATCH, &path, "application/merge-patch+json", &patch).expect("accepted");
    let run = world.rayform("drift");
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stdout.contains("ConfigMap {n}/settings in cluster west has been changed"), "{run}");
    assert_eq!(run.stdout.matches("has been changed").count(), 1, "{run}");
    let _ = world.apply();
    assert_eq!(colour_in(world, &west), Some(json!("blue")));

    configure(world, &west, &settings("here", "", "green"));
    let _ = world.apply();
    assert_eq!((colour_here(world), colour_in(world, &west)), (Some(json!("green")), None));
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
    assert!(west.api.get(&world.fill("/api/v1/namespaces/{n}")).is_none());
}

fn a_resource_moves_to_another_cluster(world: &World) {
    let west = Another::start();
    configure(world, &west, &settings("main", "", "green"));
    let _ = world.apply();
    configure(world, &west, &settings("main", "west", "green"));
    let run = world.rayform("plan");
    let heading = "# config_map.main must be replaced in cluster west, and leaves the default cluster";
    assert!(run.stdout.contains(heading), "{run}");
    assert!(run.stdout.contains("Plan: 1 to add, 0 to change, 1 to destroy."), "{run}");
    let run = world.rayform("plan --json");
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let clusters: Vec<&Value> =
        lines.iter().filter(|line| line["type"] == "cluster").map(|line| &line["name"]).collect();
    assert_eq!(clusters, [&Value::Null, &json!("west")], "{run}");
    let change = lines.iter().find(|line| line["type"] == "planned_change").expect("a change");
    assert_eq!((&change["action"], &change["cluster"]), (&json!("replace"), &json!("west")), "{run}");
    let _ = world.apply();
    assert_eq!((colour_here(world), colour_in(world, &west)), (None, Some(json!("green"))));
    world.expect_no_changes();
}

fn another_cluster_behind_a_name_is_refused(world: &World) {
    let (west, other) = (Another::start(), Another::start());
    configure(world, &west, &settings("there", "west", "blue"));
    let _ = world.apply();
    configure(world, &other, &settings("there", "west", "green"));
    for line in
        ["plan", "apply --auto-approve", "apply --auto-approve --refresh=false", "destroy --auto-approve", "drift"]
    {
        let run = world.rayform(line);
        assert_eq!(run.code, 1, "{line}: {run}");
        assert!(
            run.stderr.contains("`west`") && run.stderr.contains("another cluster")
                || run.stderr.contains("the state belongs to the cluster"),
            "{line}: {run}"
        );
    }
    assert_eq!((colour_in(world, &west), colour_in(world, &other)), (Some(json!("blue")), None));
    assert!(other.api.get(&world.fill("/api/v1/namespaces/{n}")).is_none());
    let same = GROUND.replace("WEST", &west.kubeconfig.display().to_string());
    let twin = format!("\ncluster \"twin\" {{\n  kubeconfig = {:?}\n}}\n", west.kubeconfig.display().to_string());
    let more = "resource \"namespace\" \"twin\" {\n  cluster = \"twin\"\n  name = \"{n}-2\"\n}\n";
    world.configure(&format!("{same}{}{twin}{more}", settings("there", "west", "blue")));
    let run = world.rayform("apply --auto-approve");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("cluster `twin` and cluster `west` are one and the same"), "{run}");
}

fn a_cluster_that_is_gone_is_missed(world: &World) {
    let west = Another::start();
    configure(world, &west, &settings("there", "west", "blue"));
    let _ = world.apply();
    world.configure("resource \"namespace\" \"here\" {\n  name = \"{n}\"\n}\n");
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("cluster `west` holds objects of `config_map.there`, `namespace.there`"), "{run}");
    assert!(run.stderr.contains("state rm"), "{run}");
    let run = world.rayform("state rm config_map.there namespace.there");
    assert_eq!(run.code, 0, "{run}");
    world.expect_no_changes();
    let _ = world.apply();
    assert_eq!(colour_in(world, &west), Some(json!("blue")), "it was forgotten, not deleted");
}

fn a_saved_plan_is_for_both_of_its_clusters(world: &World) {
    let (west, other) = (Another::start(), Another::start());
    configure(world, &west, "");
    let run = world.rayform("apply --auto-approve --target=namespace.here");
    assert_eq!(run.code, 0, "{run}");
    configure(world, &west, &settings("there", "west", "blue"));
    let run = world.rayform("plan --out=plan");
    assert_eq!(run.code, 0, "{run}");
    configure(world, &other, &settings("there", "west", "blue"));
    let run = world.rayform("apply plan");
    assert_eq!(run.code, 5, "{run}");
    assert!(run.stderr.contains("it is for the cluster `west` at [SERVER]"), "{run}");
    configure(world, &west, &settings("there", "west", "blue"));
    let run = world.rayform("apply --timeout=90s plan");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!((colour_in(world, &west), colour_in(world, &other)), (Some(json!("blue")), None));
    world.expect_no_changes();
}

/// Maps in both clusters, of equal names.
const MANY: &str = r#"
resource "config_map" "here" {
  count     = 20
  namespace = namespace.here.name
  name      = "many-${count.index}"
  data      = { index = tostring(count.index) }
}

resource "config_map" "there" {
  count     = 20
  cluster   = "west"
  namespace = namespace.there.name
  name      = "many-${count.index}"
  data      = { index = tostring(count.index) }
}
"#;

/// Expects that every map in both clusters is recorded.
#[track_caller]
fn expect_all_recorded(world: &World, west: &Another) {
    let state = std::fs::read_to_string(world.folder().join("rayform.state.json")).expect("a state");
    let is_ours = |map: &&Value| map["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("many-"));
    let path = "/api/v1/namespaces/{n}/configmaps";
    for maps in [world.items(path), west.api.items(&world.fill(path))] {
        let uids: Vec<_> = maps.iter().filter(is_ours).map(|map| map["metadata"]["uid"].clone()).collect();
        assert_eq!(uids.len(), 20);
        assert!(uids.iter().all(|uid| state.contains(uid.as_str().expect("a uid"))), "something is not recorded");
    }
}

fn a_killed_apply_on_two_clusters_is_taken_up_again(world: &World) {
    let west = Another::start();
    configure(world, &west, MANY);
    for bytes in [1, 9000, 20_000] {
        let mut command = world.command("apply --auto-approve");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let journal = world.folder().join(".rayform/journal");
        world.wait_for("the journal", || {
            std::fs::metadata(&journal).is_ok_and(|found| found.len() >= bytes)
                || world.folder().join("rayform.state.json").exists()
        });
        child.kill().expect("started by us");
        child.wait().expect("started by us");
        let _ = world.apply();
        expect_all_recorded(world, &west);
        world.expect_no_changes();
        let run = world.rayform("destroy --auto-approve --timeout=90s");
        assert_eq!(run.code, 0, "{run}");
        assert!(world.get("/api/v1/namespaces/{n}").is_none());
        assert!(west.api.get(&world.fill("/api/v1/namespaces/{n}")).is_none());
    }
}

fn a_lost_state_is_rebuilt_from_both_clusters(world: &World) {
    let west = Another::start();
    configure(world, &west, MANY);
    let _ = world.apply();
    let path = world.folder().join("rayform.state.json");
    let state: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("a state")).expect("JSON");
    assert_eq!(state["rayform_state"], 2, "an older rayform must not take both clusters for one");
    let lineage = state["lineage"].as_str().expect("a lineage").to_owned();
    std::fs::remove_dir_all(world.folder().join(".rayform")).expect("removed");
    std::fs::write(&path, "").expect("as a full disk leaves it");
    let run = world.rayform(&format!("state recover --lineage={lineage}"));
    assert_eq!(run.code, 0, "{run}");
    expect_all_recorded(world, &west);
    let _ = world.apply();
    world.expect_no_changes();
}

fn a_cluster_that_nothing_uses_is_not_asked(world: &World) {
    world.configure(
        "cluster {}\ncluster \"west\" {\n  kubeconfig = \"missing\"\n}\nresource \"namespace\" \"here\" {\n  name = \"{n}\"\n}\n",
    );
    let _ = world.apply();
    let state = std::fs::read_to_string(world.folder().join("rayform.state.json")).expect("a state");
    assert!(state.contains("\"rayform_state\": 1"), "one cluster needs no new format");
    world.configure(
        "cluster \"west\" {}\nresource \"namespace\" \"there\" {\n  cluster = \"west\"\n  name = \"{n}-2\"\n}\n",
    );
    std::fs::remove_file(world.folder().join("rayform.state.json")).expect("removed");
    std::fs::remove_dir_all(world.folder().join(".rayform")).expect("removed");
    let run = world.rayform("plan --context=some");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("`--context` chooses the default cluster"), "{run}");
}

fn every_cluster_has_a_sandbox_of_its_own(world: &World) {
    world.configure(
        "cluster {}\ncluster \"west\" {}\nresource \"namespace\" \"both\" {\n  for_each = { here = null, there = \"west\" }\n  \
         cluster = each.value\n  name = \"{n}\"\n}\n",
    );
    let run = world.rayform("apply --sandbox --auto-approve");
    assert_eq!(run.code, 0, "{run}");
    let folder = world.folder().join(".rayform/sandbox");
    for part in ["objects.log", "clusters/west/objects.log"] {
        let log = std::fs::read_to_string(folder.join(part)).expect("a sandbox");
        assert!(log.contains(&world.fill("\"name\":\"{n}\"")), "{part}");
    }
    let run = world.rayform("plan --sandbox --detailed-exitcode");
    assert_eq!(run.code, 0, "{run}");
}

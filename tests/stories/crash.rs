//! Killed at any instant, rayform neither forgets an object that it made nor makes it twice.
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("a_killed_apply_is_taken_up_again", a_killed_apply_is_taken_up_again),
    ("a_killed_destroy_is_taken_up_again", a_killed_destroy_is_taken_up_again),
    ("a_second_run_is_kept_out", a_second_run_is_kept_out),
    ("ctrl_c_finishes_what_is_in_flight", ctrl_c_finishes_what_is_in_flight),
    ("a_lost_state_is_rebuilt_from_the_cluster", a_lost_state_is_rebuilt_from_the_cluster),
];

/// How many objects an apply makes.
const OBJECTS: usize = 40;

/// How often it is killed; `RAYFORM_CRASH_ROUNDS` asks for more.
fn rounds() -> u64 {
    std::env::var("RAYFORM_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

const MANY: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "config_map" "many" {
  count     = 40
  namespace = namespace.team.name
  name      = "many-${count.index}"
  data      = { index = tostring(count.index) }
}
"#;

/// Starts rayform and kills it when its journal has grown to a size; returns whether it was still running.
fn kill_when_journal_has(world: &World, line: &str, bytes: u64) -> bool {
    let mut child = world.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let journal = world.folder().join(".rayform/journal");
    loop {
        if let Some(status) = child.try_wait().expect("started by us") {
            assert!(status.success(), "{line} ended with {status}");
            return false;
        }
        if std::fs::metadata(&journal).is_ok_and(|found| found.len() >= bytes) {
            child.kill().expect("started by us");
            child.wait().expect("started by us");
            return true;
        }
        std::thread::yield_now();
    }
}

/// Returns sizes spread over a journal's life, other ones for every seed.
fn sizes() -> impl Iterator<Item = u64> {
    let scatter = |round: u64| (round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16) % 40_000;
    (0..rounds()).map(move |round| if round == 0 { 1 } else { scatter(round) })
}

#[track_caller]
fn expect_all_recorded(world: &World) {
    let is_ours = |map: &&Value| map["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("many-"));
    let maps = world.items("/api/v1/namespaces/{n}/configmaps");
    let live: Vec<_> = maps.iter().filter(is_ours).map(|map| map["metadata"]["uid"].clone()).collect();
    assert_eq!(live.len(), OBJECTS);
    let state = std::fs::read_to_string(world.folder().join("rayform.state.json")).expect("a state");
    let lost: Vec<_> = live.iter().filter(|uid| !state.contains(uid.as_str().expect("a uid"))).collect();
    assert!(lost.is_empty(), "not recorded: {lost:?}");
}

fn a_killed_apply_is_taken_up_again(world: &World) {
    world.configure(MANY);
    for bytes in sizes() {
        kill_when_journal_has(world, "apply --auto-approve", bytes);
        let _ = world.apply();
        expect_all_recorded(world);
        world.expect_no_changes();
        let run = world.rayform("destroy --auto-approve --timeout=90s");
        assert_eq!(run.code, 0, "{run}");
        assert!(world.get("/api/v1/namespaces/{n}").is_none());
    }
}

fn a_killed_destroy_is_taken_up_again(world: &World) {
    world.configure(MANY);
    for bytes in sizes().take(2) {
        let _ = world.apply();
        kill_when_journal_has(world, "destroy --auto-approve", bytes);
        let run = world.rayform("destroy --auto-approve --timeout=90s");
        assert_eq!(run.code, 0, "{run}");
        assert!(world.get("/api/v1/namespaces/{n}").is_none());
        assert_eq!(world.rayform("state list").stdout, "");
    }
}

fn a_second_run_is_kept_out(world: &World) {
    world.configure(MANY);
    let mut first = world.command("apply");
    let mut first = first.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let lock = world.folder().join(".rayform/lock");
    world.wait_for("the lock", || std::fs::read_to_string(&lock).is_ok_and(|text| text.contains("pid")));
    let run = world.rayform("apply --auto-approve");
    assert_eq!(run.code, 4, "{run}");
    assert!(run.stderr.contains("locked by"), "{run}");
    let run = world.rayform("plan");
    assert_eq!(run.code, 0, "a plan needs no lock: {run}");
    first.stdin.take().expect("piped").write_all(b"no\n").expect("it listens");
    first.wait().expect("started by us");
}

fn ctrl_c_finishes_what_is_in_flight(world: &World) {
    world.configure(MANY);
    let child =
        world.command("apply --auto-approve --parallelism=1").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("it runs");
    let journal = world.folder().join(".rayform/journal");
    world.wait_for("the first objects", || std::fs::metadata(&journal).is_ok_and(|found| found.len() > 3000));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is a kill");
    assert!(sent.success());
    let output = child.wait_with_output().expect("started by us");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!journal.exists(), "everything is recorded in the state");
    let _ = world.apply();
    expect_all_recorded(world);
}

fn a_lost_state_is_rebuilt_from_the_cluster(world: &World) {
    world.configure(MANY);
    let _ = world.apply();
    let path = world.folder().join("rayform.state.json");
    let state: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("a state")).expect("JSON");
    let lineage = state["lineage"].as_str().expect("a lineage");
    std::fs::write(&path, "").expect("as a full disk leaves it");
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("is empty") && run.stderr.contains("state recover"), "{run}");
    let run = world.rayform(&format!("state recover --lineage={lineage}"));
    assert_eq!(run.code, 0, "{run}");
    expect_all_recorded(world);
    let _ = world.apply();
    world.expect_no_changes();
}

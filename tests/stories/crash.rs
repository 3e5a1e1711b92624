//! Killed at any instant, rayform neither forgets an object that it made nor makes it twice.
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("a_killed_apply_is_taken_up_again", a_killed_apply_is_taken_up_again),
    ("a_killed_destroy_is_taken_up_again", a_killed_destroy_is_taken_up_again),
    ("a_second_run_is_kept_out", a_second_run_is_kept_out),
    ("ctrl_c_finishes_what_is_in_flight", ctrl_c_finishes_what_is_in_flight),
    ("ctrl_c_twice_ends_at_once", ctrl_c_twice_ends_at_once),
    ("a_lost_state_is_rebuilt_from_the_cluster", a_lost_state_is_rebuilt_from_the_cluster),
];

/// How many objects an apply makes, beside the namespace.
const OBJECTS: usize = 100;

/// How often it is killed; `RAYFORM_CRASH_ROUNDS` asks for more.
fn rounds() -> u64 {
    std::env::var("RAYFORM_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// An instant in the life of a run: when its journal has so many bytes, and a little later.
#[derive(Clone, Copy, Debug)]
struct Instant {
    bytes: u64,
    later: Duration,
}

pub(crate) const MANY: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "config_map" "many" {
  count     = 100
  namespace = namespace.team.name
  name      = "many-${count.index}"
  data      = { index = tostring(count.index) }
}
"#;

/// Starts rayform and kills it at an instant; returns whether it was still running.
fn kill_at(world: &World, line: &str, instant: Instant) -> bool {
    let mut child = world.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let journal = world.folder().join(".rayform/journal");
    loop {
        if let Some(status) = child.try_wait().expect("started by us") {
            assert!(status.success(), "{line} ended with {status}");
            return false;
        }
        if std::fs::metadata(&journal).is_ok_and(|found| found.len() >= instant.bytes) {
            std::thread::sleep(instant.later);
            child.kill().expect("started by us");
            child.wait().expect("started by us");
            return true;
        }
        std::thread::yield_now();
    }
}

/// Lets rayform run to its end, and returns the largest size of its journal.
fn journal_of(world: &World, line: &str) -> u64 {
    let mut child = world.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let journal = world.folder().join(".rayform/journal");
    let mut largest = 0;
    while child.try_wait().expect("started by us").is_none() {
        largest = largest.max(std::fs::metadata(&journal).map_or(0, |found| found.len()));
        std::thread::yield_now();
    }
    largest
}

/// Returns instants spread over a run whose journal grows to a size: its beginning, and others for every round.
fn instants(whole: u64) -> impl Iterator<Item = Instant> {
    let scatter = |round: u64| round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
    (0..rounds()).map(move |round| Instant {
        bytes: if round == 0 { 1 } else { scatter(round) % whole.max(1) },
        later: Duration::from_micros(scatter(round + 1) % 8000),
    })
}

#[track_caller]
pub(crate) fn expect_all_recorded(world: &World) {
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
    let whole = journal_of(world, "apply --auto-approve");
    expect_all_destroyed(world);
    let mut killed = 0;
    for instant in instants(whole) {
        killed += u32::from(kill_at(world, "apply --auto-approve", instant));
        let _ = world.apply();
        expect_all_recorded(world);
        world.expect_no_changes();
        expect_all_destroyed(world);
    }
    assert!(killed > 0, "no run was killed");
}

fn a_killed_destroy_is_taken_up_again(world: &World) {
    world.configure(MANY);
    let whole = journal_of(world, "apply --auto-approve");
    for instant in instants(whole).take(2) {
        let _ = world.apply();
        kill_at(world, "destroy --auto-approve", instant);
        expect_all_destroyed(world);
        assert_eq!(world.rayform("state list").stdout, "");
    }
}

#[track_caller]
fn expect_all_destroyed(world: &World) {
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
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
    interrupt(&child);
    let output = child.wait_with_output().expect("started by us");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!journal.exists(), "everything is recorded in the state");
    let _ = world.apply();
    expect_all_recorded(world);
}

/// Does what Ctrl-C does.
fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is a kill");
    assert!(sent.success());
}

fn ctrl_c_twice_ends_at_once(world: &World) {
    world.configure(MANY);
    let child = world.command("apply --auto-approve --parallelism=1").stderr(Stdio::piped()).spawn();
    let mut child = child.expect("it runs");
    let journal = world.folder().join(".rayform/journal");
    world.wait_for("the first objects", || std::fs::metadata(&journal).is_ok_and(|found| found.len() > 3000));
    // One object after the other: whoever still waits for the second Ctrl-C has not finished yet.
    while child.try_wait().expect("started by us").is_none() {
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().expect("started by us");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let _ = world.apply();
    expect_all_recorded(world);
    world.expect_no_changes();
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

//! Servers that fail, connections that break, disks that are full: nothing is lost, and the next run goes on.
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Told;
use crate::crash::{MANY, expect_all_recorded};
use crate::world::{Place, World};

pub(crate) const STORIES: &[Told] = &[
    ("passing_faults_of_a_server_are_outlived", passing_faults_of_a_server_are_outlived),
    ("watches_that_break_are_taken_up_again", watches_that_break_are_taken_up_again),
    ("a_server_that_refuses_for_good_is_told", a_server_that_refuses_for_good_is_told),
    ("a_server_that_starts_again_meanwhile_loses_nothing", a_server_that_starts_again_meanwhile_loses_nothing),
    ("a_full_disk_loses_nothing", a_full_disk_loses_nothing),
    ("a_folder_that_cannot_be_written_is_said_before", a_folder_that_cannot_be_written_is_said_before),
];

/// Lets the sandbox fail as it is told. A real server cannot be told to.
fn with_faults(world: &World, faults: &Value) -> bool {
    let is_sandbox = matches!(world.place, Place::Sandbox);
    if is_sandbox {
        world.stop_sandbox();
        world.start_sandbox(faults);
    }
    is_sandbox
}

fn status(code: u16, retry_after: u64) -> Value {
    json!({"status": {"code": code, "retry_after": retry_after}})
}

fn passing_faults_of_a_server_are_outlived(world: &World) {
    world.configure(MANY);
    let faults = json!([
        {"method": "PATCH", "skip": 5, "times": 2, "effect": status(429, 1)},
        {"method": "PATCH", "skip": 10, "times": 2, "effect": status(503, 0)},
        {"method": "PATCH", "skip": 20, "times": 3, "effect": {"reset": {"carried_out": true}}},
        {"method": "PATCH", "skip": 20, "times": 3, "effect": {"reset": {"carried_out": false}}},
        {"method": "PATCH", "skip": 20, "times": 2, "effect": {"truncate": {"bytes": 20}}},
        {"method": "GET", "path_contains": "configmaps", "times": 1, "effect": status(500, 0)},
        {"method": "GET", "path_contains": "namespaces", "times": 1, "effect": {"truncate": {"bytes": 9}}},
        {"method": "DELETE", "skip": 3, "times": 2, "effect": {"reset": {"carried_out": true}}},
        {"method": "DELETE", "skip": 3, "times": 2, "effect": status(429, 1)},
    ]);
    if !with_faults(world, &faults) {
        return;
    }
    let _ = world.apply();
    expect_all_recorded(world);
    world.expect_no_changes();
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
}

fn watches_that_break_are_taken_up_again(world: &World) {
    world.configure(
        r#"
resource "namespace" "team" {
  name = "{n}"
}
resource "ray_head" "main" {
  namespace = namespace.team.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 1
  memory    = "8Gi"
}
"#,
    );
    let faults = json!([
        {"method": "WATCH", "times": 3, "effect": "gone"},
        {"method": "WATCH", "times": 3, "effect": {"drop_watch": {"after_events": 0}}},
        {"method": "WATCH", "times": 2, "effect": status(500, 0)},
        {"method": "WATCH", "times": 2, "effect": {"truncate": {"bytes": 40}}},
    ]);
    if !with_faults(world, &faults) {
        return;
    }
    let _ = world.apply();
    world.expect_no_changes();
}

fn a_server_that_refuses_for_good_is_told(world: &World) {
    world.configure(MANY);
    let faults = json!([{"method": "PATCH", "path_contains": "configmaps/many-7", "effect": status(500, 0)}]);
    if !with_faults(world, &faults) {
        return;
    }
    let run = world.rayform("apply --auto-approve");
    assert_ne!(run.code, 0, "{run}");
    assert!(run.stderr.contains("many-7 could not be created: an internal error"), "{run}");
    with_faults(world, &json!([]));
    let _ = world.apply();
    expect_all_recorded(world);
    world.expect_no_changes();
}

fn a_server_that_starts_again_meanwhile_loses_nothing(world: &World) {
    world.configure(MANY);
    if !matches!(world.place, Place::Sandbox) {
        return;
    }
    let mut command = world.command("apply --auto-approve --parallelism=2");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let journal = world.folder().join(".rayform/journal");
    world.wait_for("the first objects", || std::fs::metadata(&journal).is_ok_and(|found| found.len() > 3000));
    world.stop_sandbox();
    std::thread::sleep(Duration::from_millis(300));
    world.start_sandbox(&json!([]));
    let output = child.wait_with_output().expect("started by us");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    expect_all_recorded(world);
    world.expect_no_changes();
}

/// Returns a command that runs rayform where no file may grow beyond so many blocks of 512 bytes.
fn with_small_disk(world: &World, blocks: u32, line: &str) -> std::process::Command {
    let inner = world.command(line);
    let mut command = std::process::Command::new("sh");
    // The signal is ignored, so that writes fail as on a full disk.
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"")).arg("sh");
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(world.folder()).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    command
}

fn a_full_disk_loses_nothing(world: &World) {
    world.configure(MANY);
    for blocks in [0, 1, 3, 20, 60, 100] {
        let output = with_small_disk(world, blocks, "apply --auto-approve").output().expect("it runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{blocks}: {errors}");
        assert!(errors.contains("error") && errors.contains(".rayform"), "{blocks}: {errors}");
        let _ = world.apply();
        expect_all_recorded(world);
        world.expect_no_changes();
        let run = world.rayform("destroy --auto-approve --timeout=90s");
        assert_eq!(run.code, 0, "{run}");
    }
}

fn a_folder_that_cannot_be_written_is_said_before(world: &World) {
    world.configure(MANY);
    // Root may write anywhere; a file in the folder's place stops root, too.
    world.write(".rayform", "in the way");
    let run = world.rayform("apply --auto-approve");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains(".rayform"), "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none(), "nothing is made that cannot be recorded");
}

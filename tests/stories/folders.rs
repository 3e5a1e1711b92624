//! Every folder of `examples/`: applied, its next plan is empty, and taken away again.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::Told;
use crate::world::{Another, World};

pub(crate) const STORIES: &[Told] = &[
    ("every_folder_of_examples_has_a_story", |_| every_folder_has_a_story()),
    ("the_example_gpu_pools_is_stable", |world| is_stable(world, "gpu-pools")),
    ("the_example_monitoring_is_stable", |world| is_stable(world, "monitoring")),
    ("the_example_tenants_is_stable", |world| is_stable(world, "tenants")),
    ("the_example_existing_cluster_is_taken_over", the_example_existing_cluster_is_taken_over),
    ("the_example_multi_cluster_has_two", the_example_multi_cluster_has_two),
    ("the_pipeline_of_the_example_ci_runs", the_pipeline_of_the_example_ci_runs),
    ("the_tests_of_the_example_tenants_pass", the_tests_of_the_example_tenants_pass),
];

/// Told as stories of their own.
const ELSEWHERE: &[&str] = &["ci", "existing-cluster", "multi-cluster", "quickstart"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn every_folder_has_a_story() {
    let folders = std::fs::read_dir(folder("")).expect("there are examples").filter_map(Result::ok);
    let found: BTreeSet<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let told = STORIES.iter().filter_map(|(name, _)| name.strip_prefix("the_example_")?.strip_suffix("_is_stable"));
    let told: BTreeSet<String> =
        told.map(|name| name.replace('_', "-")).chain(ELSEWHERE.iter().map(ToString::to_string)).collect();
    assert_eq!(found, told);
}

/// Works on a copy of the folder, so that the state of one place is not that of the other.
fn is_stable(world: &World, name: &str) {
    if !world.has_controllers() {
        return;
    }
    copy(&folder(name), &world.folder());
    let _ = world.apply();
    world.expect_no_changes();
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("state list");
    assert_eq!(run.stdout, "", "{run}");
}

/// Makes what stands in `before.yaml` as `kubectl apply` does, then follows the README.
fn the_example_existing_cluster_is_taken_over(world: &World) {
    if !world.has_controllers() {
        return;
    }
    copy(&folder("existing-cluster"), &world.folder());
    let before = std::fs::read_to_string(world.folder().join("before.yaml")).expect("a text");
    for document in before.split("\n---\n") {
        let object: serde_json::Value = serde_saphyr::from_str(document).expect("YAML");
        let path = match object["kind"].as_str().expect("a kind") {
            "Namespace" => "/api/v1/namespaces",
            "Service" => "/api/v1/namespaces/ray/services",
            _ => "/api/v1/namespaces/ray/configmaps",
        };
        world.create_as("kubectl-client-side-apply", path, &object);
    }
    let run = world.rayform("plan");
    assert_eq!(run.code, 0, "{run}");
    for told in [" to adopt", "\"debug\" -> \"info\"", "kubectl"] {
        assert!(run.stdout.contains(told), "{told}: {run}");
    }
    let _ = world.apply();
    world.expect_no_changes();
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/ray").is_some(), "what is only read stays");
    assert!(world.get("/api/v1/namespaces/ray/services/ray-jobs").is_none());
    world.delete("/api/v1/namespaces/ray");
    world.wait_for("the namespace to go", || world.get("/api/v1/namespaces/ray").is_none());
}

/// The east is the story's own cluster, sandbox or real; the west a sandbox beside it.
fn the_example_multi_cluster_has_two(world: &World) {
    if !world.has_controllers() {
        return;
    }
    let west = Another::start();
    copy(&folder("multi-cluster"), &world.folder());
    let values = format!(
        "--var=kubeconfig_east={} --var=kubeconfig_west={}",
        world.kubeconfig_file().display(),
        west.kubeconfig.display()
    );
    let run = world.rayform(&format!("apply --auto-approve {values}"));
    assert_eq!(run.code, 0, "{run}");
    let path = "/apis/apps/v1/namespaces/team-a/deployments";
    let workers = |items: &[serde_json::Value]| {
        let replicas = |it: &serde_json::Value| it["spec"]["replicas"].as_u64();
        items
            .iter()
            .filter(|it| it["metadata"]["name"].as_str().is_some_and(|name| name.contains("cpu")))
            .filter_map(replicas)
            .sum::<u64>()
    };
    let in_west = west.api.get(path).expect("a list")["items"].as_array().cloned().unwrap_or_default();
    assert_eq!((workers(&world.items(path)), workers(&in_west)), (2, 1));
    let run = world.rayform(&format!("plan --detailed-exitcode {values}"));
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform(&format!("destroy --auto-approve --timeout=90s {values}"));
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("state list");
    assert_eq!(run.stdout, "", "{run}");
}

fn the_tests_of_the_example_tenants_pass(world: &World) {
    copy(&folder("tenants"), &world.folder());
    let run = world.rayform("test");
    assert!(run.code == 0 && run.stdout.ends_with("2 passed, 0 failed\n"), "{run}");
}

/// Goes through a pull request, a merge and a night, with the program under test in the script's place.
fn the_pipeline_of_the_example_ci_runs(world: &World) {
    if !world.has_controllers() {
        return;
    }
    copy(&folder("ci"), &world.folder());
    let step = |step: &str| {
        let mut command = world.command("");
        let program = std::mem::replace(&mut command, std::process::Command::new("./pipeline.sh"));
        command.current_dir(world.folder()).arg(step).env("RAYFORM", program.get_program());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().expect("there is a shell");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, text) = step("review");
    assert!(code == Some(0) && text.contains("3 to add"), "{text}");
    let (code, text) = step("deploy");
    assert!(code == Some(0) && text.contains("Apply complete"), "{text}");
    assert_eq!(step("watch").0, Some(0));
    world.scale("/apis/apps/v1/namespaces/ray-jobs/deployments/jobs-worker-jobs", 5);
    let (code, text) = step("watch");
    assert!(code == Some(2) && text.contains("kubectl"), "{text}");
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").filter_map(Result::ok) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}

//! Objects as they are found in public projects: many kinds, written sparsely and in odd ways.
//!
//! `RAYFORM_PUBLIC_MANIFESTS=FOLDER` adds every YAML file of a folder of one's own.
use std::path::Path;

use serde_json::json;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("objects_of_many_kinds_are_stable", objects_of_many_kinds_are_stable),
    ("what_the_server_refuses_is_told_when_planning", what_the_server_refuses_is_told_when_planning),
    ("manifests_of_a_folder_are_stable", manifests_of_a_folder_are_stable),
];

pub(crate) const OBJECTS: &str = include_str!("tricky.yaml");

pub(crate) const FARM: &str = r#"
resource "namespace" "farm" {
  name = "{n}"
}

resource "manifests" "farm" {
  namespace = namespace.farm.name
  yaml      = file("objects.yaml")
  wait      = false
}
"#;

fn objects_of_many_kinds_are_stable(world: &World) {
    world.write("objects.yaml", OBJECTS);
    world.configure(FARM);
    let _ = world.apply();
    world.expect_no_changes();
    somebody_changes_much(world);
    let run = world.rayform("plan --detailed-exitcode --on-conflict=force");
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stdout.contains("meddler"), "{run}");
    let run = world.rayform("apply --auto-approve --on-conflict=force --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    world.expect_no_changes();
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
}

fn somebody_changes_much(world: &World) {
    for (path, patch) in [
        ("/api/v1/namespaces/{n}/configmaps/papers", json!({"data": {"empty": "full"}})),
        ("/apis/apps/v1/namespaces/{n}/statefulsets/barn", json!({"spec": {"replicas": 1}})),
        ("/apis/batch/v1/namespaces/{n}/cronjobs/milking", json!({"spec": {"schedule": "0 6 * * *"}})),
        ("/apis/networking.k8s.io/v1/namespaces/{n}/ingresses/road", json!({"spec": {"tls": null}})),
        ("/apis/{n}.example.com/v1/namespaces/{n}/orchards/south", json!({"spec": {"trees": []}})),
    ] {
        world.merge_as("meddler", path, &patch);
    }
}

fn what_the_server_refuses_is_told_when_planning(world: &World) {
    // The port has no number that a server takes, and the namespace does not exist yet.
    let objects = "
apiVersion: v1
kind: ConfigMap
metadata: {name: fine}
---
apiVersion: v1
kind: Service
metadata: {name: wrong}
spec:
  ports: [{port: 70000}]
";
    world.write("objects.yaml", objects);
    world.configure(FARM);
    let run = world.rayform("plan");
    assert_eq!(run.code, 1, "{run}");
    for part in ["Service {n}/wrong", "spec.ports[0].port", "main.rf.hcl:8", "line 6 of the text"] {
        assert!(run.stderr.contains(part), "{part}: {run}");
    }
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
}

/// Applies each file of the folder in a namespace of its own; those that are refused when planning are told.
#[expect(clippy::print_stdout, reason = "a report that was asked for")]
fn manifests_of_a_folder_are_stable(world: &World) {
    let Some(folder) = std::env::var_os("RAYFORM_PUBLIC_MANIFESTS") else { return };
    let mut files = Vec::new();
    find(Path::new(&folder), &mut files);
    assert!(!files.is_empty(), "no YAML file in {}", folder.display());
    let (mut refused, mut unstable) = (Vec::new(), Vec::new());
    for (number, file) in files.iter().enumerate() {
        let text = String::from_utf8_lossy(&std::fs::read(file).expect("readable")).into_owned();
        std::fs::write(world.folder().join("objects.yaml"), text).expect("written");
        world.configure(&FARM.replace("{n}", &format!("{{n}}-{number}")));
        let run = world.rayform("apply --auto-approve --timeout=90s");
        match run.code {
            0 => {
                let run = world.rayform("plan --detailed-exitcode");
                if run.code != 0 {
                    unstable.push(format!("{}: {run}", file.display()));
                }
            }
            1 => refused.push(format!("{}: {}", file.display(), run.stderr.lines().next().unwrap_or_default())),
            _ => unstable.push(format!("{}: {run}", file.display())),
        }
        let run = world.rayform("destroy --auto-approve --timeout=90s");
        assert_eq!(run.code, 0, "{}: {run}", file.display());
    }
    println!("{} files, {} refused when planning:\n{}", files.len(), refused.len(), refused.join("\n"));
    assert!(unstable.is_empty(), "{}", unstable.join("\n"));
}

/// Collects all YAML files below a folder, in name order.
fn find(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
}

//! Every example of the documentation: applied twice, the second plan is empty, destroyed.
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::world::World;
use crate::{Story, Told};

pub(crate) const STORIES: &[Told] = &[("the_quickstart_lives_through_a_day", the_quickstart_lives_through_a_day)];

/// Makes the kinds of the Prometheus operator known, as its own definitions would.
fn install_monitoring(world: &World) {
    for (kind, plural) in
        [("PodMonitor", "podmonitors"), ("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")]
    {
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let name = format!("{plural}.monitoring.coreos.com");
        if world.get(&format!("{path}/{name}")).is_some() {
            continue;
        }
        let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": open}}});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
            "spec": {
                "group": "monitoring.coreos.com", "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
            },
        });
        world.create_as("prometheus-operator", path, &definition);
        world.wait_for("the definition", || world.get(&format!("/apis/monitoring.coreos.com/v1/{plural}")).is_some());
    }
}

/// Applies what is configured, expects that the next plan is empty, and takes it all away.
#[track_caller]
fn expect_stable(world: &World, name: &str) {
    let run = world.rayform("apply --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{name}: {run}");
    let run = world.rayform("plan --detailed-exitcode");
    assert_eq!(run.code, 0, "{name}: the second plan is not empty: {run}");
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{name}: {run}");
}

/// Returns a story for each resource type: its example is applied twice.
pub(crate) fn of_resource_types() -> Vec<Story> {
    let output = Command::new(env!("CARGO_BIN_EXE_rayform")).arg("schema").output().expect("it runs");
    let schemas: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let names = schemas.as_object().expect("by name").keys();
    let story = |name: &String| {
        let title = format!("the_example_of_{}_is_applied_twice", name.replace('.', "_"));
        let kind = name.clone();
        Story::new(title, move |world| the_example_is_applied_twice(world, &kind))
    };
    names.map(story).collect()
}

fn the_example_is_applied_twice(world: &World, kind: &str) {
    install_monitoring(world);
    let example = world.rayform(&format!("schema {kind} --example"));
    assert_eq!(example.code, 0, "{example}");
    world.configure(&with_own_names(&example.stdout));
    expect_stable(world, kind);
}

/// Gives a namespace of the story's own to an example, and names of its own to what is outside of namespaces.
fn with_own_names(example: &str) -> String {
    let named = regex::Regex::new(
        r#"(?m)^(resource "(?:namespace|storage_class|priority_class)" "\w+" \{\n(?:(?:  .*)?\n)*?  name +=) "([^"]+)""#,
    );
    let text = named.expect("a pattern").replace_all(example, r#"$1 "{n}-$2""#).into_owned();
    let nameless = regex::Regex::new(r#"(?m)^(resource "namespace" "(\w+)" \{\n)\}"#).expect("a pattern");
    nameless.replace_all(&text, "$1  name = \"{n}-$2\"\n}").into_owned()
}

fn the_quickstart_lives_through_a_day(world: &World) {
    if !world.has_controllers() {
        return;
    }
    install_monitoring(world);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart/main.rf.hcl");
    let text = std::fs::read_to_string(path).expect("the quickstart");
    let text = text.replace("\"team-a\"", "\"{n}\"").replace("\"ray-ssd\"", "\"{n}-ssd\"");
    world.configure(&text);
    let _ = world.apply();
    world.expect_no_changes();
    let pools = world.items("/apis/apps/v1/namespaces/{n}/deployments");
    let is_head = |it: &&Value| it["metadata"]["labels"]["ray.io/node-type"] == "head";
    let head = pools.iter().find(is_head).expect("a head")["metadata"]["name"].as_str().expect("a name").to_owned();
    let path = format!("/apis/apps/v1/namespaces/{{n}}/deployments/{head}");
    world.scale(&path, 2);
    let run = world.rayform("plan --detailed-exitcode");
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stdout.contains("kubectl") && run.stdout.contains("replicas = 2 -> 1"), "{run}");
    let _ = world.apply();
    world.expect_no_changes();
    let run = world.rayform("output --raw dashboard");
    assert!(run.stdout.starts_with("http://"), "{run}");
    let run = world.rayform("destroy --auto-approve --timeout=90s");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}").is_none());
}

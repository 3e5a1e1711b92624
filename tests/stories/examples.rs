//! Every example of the documentation: applied twice, the second plan is empty, destroyed.
use std::path::Path;

use serde_json::{Value, json};

use crate::Story;
use crate::world::World;

pub(crate) const STORIES: &[Story] = &[
    ("every_example_of_a_resource_type_is_applied_twice", every_example_of_a_resource_type_is_applied_twice),
    ("the_quickstart_lives_through_a_day", the_quickstart_lives_through_a_day),
];

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

fn every_example_of_a_resource_type_is_applied_twice(world: &World) {
    // On the real server it has not been seen to end yet; `RAYFORM_ALL_EXAMPLES=1` tells it there as well.
    let is_real = matches!(world.place, crate::world::Place::Real { .. });
    if is_real && std::env::var_os("RAYFORM_ALL_EXAMPLES").is_none() {
        return;
    }
    install_monitoring(world);
    let schemas: Value = serde_json::from_str(&world.rayform("schema").stdout).expect("JSON");
    for name in schemas.as_object().expect("by name").keys() {
        let example = world.rayform(&format!("schema {name} --example"));
        assert_eq!(example.code, 0, "{example}");
        world.configure(&example.stdout);
        expect_stable(world, name);
    }
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

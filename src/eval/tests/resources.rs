//! Resources: the first configuration of the guide, every example, names, repetition, unknown values.
use std::collections::BTreeMap;

use super::{fails, succeeds, told};
use crate::model::{Address, Json, Objects, Value};
use crate::resource;

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

const FOLDER: &str = r#"
variable "ray_image" {
  type    = string
  default = "rayproject/ray:2.52.0"
}

resource "namespace" "team_a" {
  name = "team-a"
  quota {
    cpu    = 64
    memory = "256Gi"
    pods   = 50
  }
}

resource "storage_class" "ssd" {
  name                   = "ray-ssd"
  provisioner            = "ebs.csi.aws.com"
  parameters             = { type = "gp3" }
  volume_binding_mode    = "WaitForFirstConsumer"
  reclaim_policy         = "Retain"
  allow_volume_expansion = true
}

resource "redis" "gcs" {
  namespace = namespace.team_a.name
  storage {
    storage_class = storage_class.ssd.name
    size          = "8Gi"
  }
}

resource "ray_head" "main" {
  namespace = namespace.team_a.name
  image     = var.ray_image
  cpu       = 2
  memory    = "8Gi"

  gcs_fault_tolerance {
    redis = redis.gcs
  }
}

resource "ray_worker_pool" "cpu" {
  head   = ray_head.main
  cpu    = 4
  memory = "16Gi"
}

resource "horizontal_pod_autoscaler" "cpu" {
  target       = ray_worker_pool.cpu
  min_replicas = 1
  max_replicas = 10

  metric "memory" {
    average_utilization = 70
  }
}

resource "prometheus_discovery" "main" {
  head = ray_head.main

  pod_monitor {
    labels = { release = "prometheus" }
  }
}

output "dashboard" {
  value = ray_head.main.dashboard_url
}
"#;

#[test]
fn the_first_configuration_of_the_guide_is_evaluated() {
    let evaluation = succeeds(FOLDER, resource::all());
    let desired = &evaluation.desired;
    assert_eq!(desired.resources.len(), 7);
    for (address, resource) in &desired.resources {
        assert!(!resource.objects.known().is_empty(), "{address}");
    }
    let needs = |text: &str| -> Vec<String> { desired.graph.needs(&address(text)).map(ToString::to_string).collect() };
    assert_eq!(needs("redis.gcs"), ["namespace.team_a", "storage_class.ssd"]);
    assert_eq!(needs("horizontal_pod_autoscaler.cpu"), ["ray_worker_pool.cpu"]);
    assert!(matches!(&desired.outputs["dashboard"].value, Value::String(url) if url.starts_with("http://")));
}

#[test]
fn an_autoscaled_pool_leaves_its_replicas_out() {
    let evaluation = succeeds(FOLDER, resource::all());
    let pool = &evaluation.desired.resources[&address("ray_worker_pool.cpu")];
    let deployment = pool.objects.known().iter().find(|object| object.object.kind().kind == "Deployment");
    assert_eq!(deployment.expect("a Deployment").object.json().pointer("/spec/replicas"), None);
}

#[test]
fn every_example_is_evaluated() {
    for resource_type in resource::all() {
        let (sources, result) = super::evaluated(resource_type.example(), resource::all());
        if let Err(diagnostics) = result {
            panic!("{}: {:#?}", resource_type.name(), told(&sources, &diagnostics));
        }
    }
}

#[test]
fn mistakes_in_blocks_are_explained() {
    fails(
        r#"
resource "namespace" "a" {
  quota = 1
  labels {
    x = "y"
  }
  nmae = "b"
}
resource "redis" "b" {
  namespace = namespace.a
  storage "x" {
    sise = 1
  }
  storage {}
}
resource "ray_worker_pool" "c" {
  head = redis.b
}
output "d" {
  value = namespace.e.nam
}
"#,
        resource::all(),
        &[
            "3: `quota` is a block, not an attribute (write `quota { … }`) at quota",
            "4: `labels` is an attribute, not a block (write `labels = { … }`) at labels",
            "7: `namespace` has no attribute `nmae` (did you mean `name`?) at nmae",
            "11: `storage` has no label (write `storage { … }`) at \"x\"",
            "12: `storage` has no attribute `sise` (did you mean `size`?) at sise",
            "14: a second `storage` block in `redis` at storage",
            "20: there is no `namespace.e` (did you mean `namespace.a`?) at namespace.e",
        ],
    );
}

#[test]
fn exports_and_references_are_checked() {
    fails(
        r#"
resource "namespace" "a" {}
resource "redis" "b" {
  namespace = namespace.a
  storage {
    size = "1Gi"
  }
}
resource "ray_worker_pool" "c" {
  head = namespace.a
}
output "d" {
  value = namespace.a.nmae
}
"#,
        resource::all(),
        &[
            "4: `namespace` takes a text, not the whole resource `namespace.a` (choose one of its values: `.name`) at \
             namespace.a",
            "10: `head` takes a whole `ray_head`, not the whole resource `namespace.a` (write it as `ray_head.main`, \
             with the name of the block) at namespace.a",
            "13: `namespace.a` exports no `nmae` (did you mean `name`?) at nmae",
        ],
    );
}

#[test]
fn blocks_are_repeated() {
    let evaluation = succeeds(
        r#"
resource "namespace" "a" {
  count = 2
  name  = "a-${count.index}"
}
resource "namespace" "b" {
  for_each = { x = "1", y = "2" }
  name     = "b-${each.key}-${each.value}"
}
resource "config_map" "c" {
  for_each  = toset(["x"])
  namespace = namespace.b[each.key].name
  data      = { n = join(",", namespace.a[*].name) }
}
"#,
        resource::all(),
    );
    let addresses: Vec<String> = evaluation.desired.resources.keys().map(ToString::to_string).collect();
    assert_eq!(
        addresses,
        ["config_map.c[\"x\"]", "namespace.a[0]", "namespace.a[1]", "namespace.b[\"x\"]", "namespace.b[\"y\"]"]
    );
    let needs: Vec<String> =
        evaluation.desired.graph.needs(&address("config_map.c[\"x\"]")).map(ToString::to_string).collect();
    assert_eq!(needs, ["namespace.a[0]", "namespace.a[1]", "namespace.b[\"x\"]"]);
    fails(
        "resource \"namespace\" \"a\" {\n  for_each = [\"x\"]\n}\nresource \"namespace\" \"b\" {\n  count = -1\n}\n",
        resource::all(),
        &[
            "2: `for_each` takes a map or a set of texts, not a list (`toset(…)` makes a set of a list) at [\"x\"]",
            "5: `count` is a whole number, zero or more, not the number -1 at -1",
        ],
    );
}

#[test]
fn secrets_are_remembered_and_found_in_objects() {
    let evaluation = succeeds(
        r#"
variable "password" {
  default   = "hunter22"
  sensitive = true
}
resource "namespace" "a" {}
resource "config_map" "c" {
  namespace = namespace.a.name
  data      = { url = "redis://:${var.password}@host", plain = "x" }
}
"#,
        resource::all(),
    );
    assert!(evaluation.desired.secrets.taints("redis://:hunter22@host"));
    let object = &evaluation.desired.resources[&address("config_map.c")].objects.known()[0];
    assert_eq!(object.sensitive.iter().collect::<Vec<_>>(), ["/data/url"]);
}

#[test]
fn unknown_texts_are_found_and_evaluated_again() {
    let evaluation = succeeds(
        r#"
resource "namespace" "a" {}
resource "manifest" "m" {
  object = {
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "m", namespace = namespace.a.name }
    data       = { n = "x" }
  }
}
locals {
  uid = manifest.m.uid
}
resource "config_map" "c" {
  namespace = namespace.a.name
  data      = { uid = "uid ${local.uid}" }
}
resource "config_map" "d" {
  namespace = namespace.a.name
  name      = "d-${local.uid}"
  data      = { x = "y" }
}
"#,
        resource::all(),
    );
    let c = &evaluation.desired.resources[&address("config_map.c")];
    assert_eq!(c.objects.known()[0].unknown.iter().collect::<Vec<_>>(), ["/data/uid"]);
    let d = &evaluation.desired.resources[&address("config_map.d")];
    assert!(matches!(&d.objects, Objects::Unknown { until } if until.contains(&address("manifest.m"))));
    let exports = BTreeMap::from([("uid".to_owned(), Value::string("1234"))]);
    let known = BTreeMap::from([(address("manifest.m"), exports)]);
    let again = evaluation.resolve(&address("config_map.d"), &known).expect("it is known now");
    assert_eq!(again.objects.known()[0].object.identity().name, "d-1234");
    let again = evaluation.resolve(&address("config_map.c"), &known).expect("it is known now");
    assert_eq!(again.objects.known()[0].object.json().pointer("/data/uid"), Some(&Json::from("uid 1234")));
}

#[test]
fn dynamic_blocks_are_expanded() {
    let evaluation = succeeds(
        r#"
resource "namespace" "a" {
  dynamic "limits" {
    for_each = { Container = "1", Pod = "2" }
    iterator = limit
    content {
      type = limit.key
      max  = { cpu = limit.value }
    }
  }
}
"#,
        resource::all(),
    );
    let objects = evaluation.desired.resources[&address("namespace.a")].objects.known();
    let range = objects.iter().find(|object| object.object.kind().kind == "LimitRange").expect("a LimitRange");
    assert_eq!(range.object.json().pointer("/spec/limits/1/max/cpu"), Some(&Json::from("2")));
}

#[test]
fn a_thousand_resources_are_evaluated_in_order() {
    let blocks: String = (1..1_000)
        .map(|index| {
            format!(
                "resource \"namespace\" \"n{index}\" {{\n  labels = {{ before = namespace.n{}.name }}\n}}\n",
                index - 1
            )
        })
        .collect();
    let evaluation = succeeds(&format!("resource \"namespace\" \"n0\" {{}}\n{blocks}"), resource::all());
    assert_eq!(evaluation.desired.resources.len(), 1_000);
}

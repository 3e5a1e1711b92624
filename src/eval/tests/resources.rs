//! Resources: the first configuration of the guide, every example, names, repetition, unknown values.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::ResourceTypes;
use super::{fails, repeated, succeeds, told};
use crate::model::{Address, DesiredResource, Json, Known, Object, Objects, OnDestroy, Readiness, Value};
use crate::resource::{self, Context, ExpandedObject, Expansion, Problem, ResourceType};

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
    let deployment = pool.objects.known().iter().find(|object| object.object.kind_name() == "Deployment");
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
            "14: `storage` needs `size` at storage",
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

/// Exports an `id` that only an apply can tell, and makes a `ConfigMap` of its arguments.
#[derive(Debug)]
struct Ticket;

impl ResourceType for Ticket {
    fn name(&self) -> &'static str {
        "ticket"
    }

    fn schema(&self) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "text": {"type": "string"},
                "size": {"type": "integer"},
                "of": {"x-reference": "ticket", "type": "object"},
            },
        })
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[("id", "Known after apply."), ("text", "As given.")]
    }

    fn example(&self) -> &'static str {
        "resource \"ticket\" \"a\" {}"
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let name = arguments["name"].as_str().unwrap_or(&context.address.name);
        if arguments["text"] == "warn" {
            let problem = Problem::warning("text", "this warns").code("RF999");
            return Ok(Expansion { problems: vec![problem], ..Expansion::default() });
        }
        if arguments["text"] == "fail" {
            return Err(vec![Problem::error("text", "this fails").code("RF999").hint("do not")]);
        }
        let referrers: Vec<String> =
            context.referrers.iter().map(|referrer| format!("{} {}", referrer.address, referrer.attribute)).collect();
        let json = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"},
            "data": {"text": format!("of {}", arguments["text"].as_str().unwrap_or_default()), "size": arguments["size"],
                     "referrers": referrers, "of": arguments["of"]},
        });
        let object = Object::new(json).expect("an object");
        let text = Value::string(arguments["text"].as_str().unwrap_or_default());
        Ok(Expansion {
            objects: vec![ExpandedObject::new(object, |_, _| Readiness::ready())],
            exports: BTreeMap::from([("id".to_owned(), Value::Unknown), ("text".to_owned(), text)]),
            ..Expansion::default()
        })
    }
}

pub(super) const TICKETS: ResourceTypes = &[&Ticket];

pub(super) fn data<'e>(resource: &'e DesiredResource, name: &str) -> &'e Json {
    &resource.objects.known()[0].object.json()["data"][name]
}

#[test]
fn what_terraform_writes_in_front_of_a_type_and_counts_is_taken() {
    let text = r#"
variable "secret" {
  default   = "x"
  sensitive = true
}
resource "ticket" "a" {
  count = length(var.secret)
}
resource "ticket" "b" {
  text       = join("", [for resource in ["x"] : resource])
  depends_on = [resource.ticket.a]
}
output "text" {
  value = resource.ticket.b.text
}
"#;
    let desired = succeeds(text, TICKETS).desired;
    assert_eq!(desired.outputs["text"].value, Value::string("x"));
    let b = address("ticket.b");
    assert_eq!(desired.graph.needs(&b).cloned().collect::<Vec<_>>(), [address("ticket.a[0]")]);
}

#[test]
fn a_mistake_in_count_is_told_once() {
    let text = r#"
locals {
  none = tonumber("x")
}
resource "ticket" "a" {
  count = local.none
  text  = "a-${count.index}"
}
"#;
    fails(
        text,
        TICKETS,
        &["3: `tonumber`: invalid value for `v`: cannot convert string to number: a number is required at \"x\""],
    );
}

#[test]
fn unknown_values_are_found_and_evaluated_again() {
    let text = r#"
resource "ticket" "a" {}
locals {
  id = ticket.a.id
}
resource "ticket" "text" {
  text = "id ${local.id}"
}
resource "ticket" "named" {
  name = "n-${local.id}"
}
resource "ticket" "sized" {
  size = local.id
}
resource "ticket" "chosen" {
  text = ticket.text.text
}
"#;
    let evaluation = succeeds(text, TICKETS);
    let resource = |name: &str| &evaluation.desired.resources[&address(name)];
    let unknown = |name: &str| resource(name).objects.known()[0].unknown.iter().cloned().collect::<Vec<_>>();
    assert_eq!(unknown("ticket.text"), ["/data/text"]);
    assert_eq!(unknown("ticket.chosen"), ["/data/text"]);
    for name in ["ticket.named", "ticket.sized"] {
        let expected = BTreeSet::from([address("ticket.a")]);
        assert!(matches!(&resource(name).objects, Objects::Unknown { until } if *until == expected), "{name}");
    }
    let exports =
        BTreeMap::from([(address("ticket.a"), Arc::new(BTreeMap::from([("id".to_owned(), Value::string("12"))])))]);
    let known = Known { exports, ..Known::default() };
    let again = |name: &str| evaluation.resolve(&address(name), &known).expect("it is known now");
    assert_eq!(data(&again("ticket.text"), "text"), "of id 12");
    assert_eq!(again("ticket.named").objects.known()[0].object.name(), "n-12");
    assert_eq!(data(&again("ticket.sized"), "size"), 12);
}

#[test]
fn the_number_of_instances_must_be_known() {
    fails(
        "resource \"ticket\" \"a\" {}\nresource \"ticket\" \"b\" {\n  count = ticket.a.id\n}\n",
        TICKETS,
        &["3: `count` depends on something that is known only after apply (let it depend on variables and locals, or \
           apply what it needs first with `--target`) at ticket.a.id"],
    );
}

#[test]
fn what_follows_from_a_mistake_is_not_reported() {
    fails(
        r#"
resource "ticket" "a" {
  text = "fail"
}
resource "ticket" "b" {
  count = ticket.a.id
  size  = ticket.a.nothing
}
output "c" {
  value = ticket.b[0].id
}
"#,
        TICKETS,
        &["3: this fails (do not) at \"fail\""],
    );
}

#[test]
fn warnings_can_be_allowed() {
    let block =
        |allowed: &str| format!("resource \"ticket\" \"a\" {{\n  text = \"warn\"\n  allow_checks = [{allowed}]\n}}\n");
    fails(&block(""), TICKETS, &["2: this warns at \"warn\""]);
    fails(&block("\"RF999\""), TICKETS, &[]);
}

#[test]
fn referrers_are_known_before_they_are_evaluated() {
    let text = r#"
resource "ticket" "a" {
  count = 2
}
locals {
  first = ticket.a[0]
}
resource "ticket" "b" {
  of = local.first
}
resource "ticket" "c" {
  for_each = { x = ticket.a[1] }
  of       = each.value
}
"#;
    let evaluation = succeeds(text, TICKETS);
    let resource = |name: &str| &evaluation.desired.resources[&address(name)];
    assert_eq!(data(resource("ticket.a[0]"), "referrers"), &serde_json::json!(["ticket.b of"]));
    assert_eq!(data(resource("ticket.a[1]"), "referrers"), &serde_json::json!(["ticket.c of"]));
    assert_eq!(data(resource("ticket.b"), "of")["$address"], "ticket.a[0]");
}

#[test]
fn lifecycles_are_read() {
    let text = r#"
resource "ticket" "a" {
  depends_on = [ticket.b]
  lifecycle {
    prevent_destroy = true
    on_destroy      = "keep"
    ignore_changes  = [spec.replicas, metadata.annotations["a/b"], "spec.list[0]"]
  }
}
resource "ticket" "b" {}
"#;
    let evaluation = succeeds(text, TICKETS);
    let lifecycle = &evaluation.desired.resources[&address("ticket.a")].lifecycle;
    assert!(lifecycle.prevent_destroy && lifecycle.on_destroy == OnDestroy::Keep);
    let paths: Vec<String> = lifecycle.ignore_changes.iter().map(ToString::to_string).collect();
    assert_eq!(paths, [".spec.replicas", ".metadata.annotations.a/b", ".spec.list[0]"]);
    let needs: Vec<String> = evaluation.desired.graph.needs(&address("ticket.a")).map(ToString::to_string).collect();
    assert_eq!(needs, ["ticket.b"]);
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
    let range = objects.iter().find(|object| object.object.kind_name() == "LimitRange").expect("a LimitRange");
    assert_eq!(range.object.json().pointer("/spec/limits/1/max/cpu"), Some(&Json::from("2")));
}

#[test]
fn a_thousand_resources_are_evaluated_in_order() {
    let blocks = repeated(1..1_000, |index| {
        let before = index - 1;
        format!("resource \"namespace\" \"n{index}\" {{\n  labels = {{ before = namespace.n{before}.name }}\n}}\n")
    });
    let evaluation = succeeds(&format!("resource \"namespace\" \"n0\" {{}}\n{blocks}"), resource::all());
    assert_eq!(evaluation.desired.resources.len(), 1_000);
}

//! Blocks that get other names, go away without their objects, or take over what is there already.
use serde_json::{Value, json};

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("a_moved_resource_keeps_its_object", a_moved_resource_keeps_its_object),
    ("count_becomes_for_each_without_a_loss", count_becomes_for_each_without_a_loss),
    ("a_chain_of_moves_is_followed_from_any_link", a_chain_of_moves_is_followed_from_any_link),
    ("manifests_become_single_types", manifests_become_single_types),
    ("moves_that_contradict_are_mistakes", moves_that_contradict_are_mistakes),
    ("a_move_is_part_of_a_saved_plan", a_move_is_part_of_a_saved_plan),
    ("what_is_removed_without_destroying_stays", what_is_removed_without_destroying_stays),
    ("state_mv_renames_and_the_object_follows", state_mv_renames_and_the_object_follows),
    ("a_state_is_pulled_changed_and_pushed", a_state_is_pulled_changed_and_pushed),
    ("an_import_takes_over_what_kubectl_applied", an_import_takes_over_what_kubectl_applied),
    ("imports_come_for_each_member", imports_come_for_each_member),
    ("an_import_leaves_an_autoscaler_its_replicas", an_import_leaves_an_autoscaler_its_replicas),
    ("the_import_command_plans_and_applies_one_resource", the_import_command_plans_and_applies_one_resource),
    ("a_change_elsewhere_makes_a_resource_anew", a_change_elsewhere_makes_a_resource_anew),
    ("conditions_hold_before_and_after", conditions_hold_before_and_after),
    ("a_check_warns_and_stops_nothing", a_check_warns_and_stops_nothing),
    ("an_ignored_field_is_named_through_a_list", an_ignored_field_is_named_through_a_list),
    ("resources_move_into_modules_and_modules_into_instances", resources_move_into_modules_and_modules_into_instances),
    ("modules_are_targeted_and_replaced", modules_are_targeted_and_replaced),
    ("a_module_imports_by_its_whole_address", a_module_imports_by_its_whole_address),
];

const NAMESPACE: &str = "resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n";

const MAPS: &str = "/api/v1/namespaces/{n}/configmaps";

/// Returns a config map under a block name, with an object name of its own.
fn map(block: &str, name: &str) -> String {
    format!(
        "resource \"config_map\" \"{block}\" {{\n  namespace = namespace.team.name\n  name      = \"{name}\"\n  \
         data      = {{ colour = \"green\" }}\n}}\n"
    )
}

fn moved(from: &str, to: &str) -> String {
    format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n")
}

fn configure(world: &World, parts: &[&str]) {
    world.configure(&format!("{NAMESPACE}{}", parts.concat()));
}

fn uid(world: &World, name: &str) -> Value {
    world.get(&format!("{MAPS}/{name}")).expect("the object is there")["metadata"]["uid"].clone()
}

fn address_of(world: &World, name: &str) -> Value {
    world.get(&format!("{MAPS}/{name}")).expect("there")["metadata"]["annotations"]["rayform.dev/address"].clone()
}

#[track_caller]
fn fails(world: &World, line: &str, words: &[&str]) {
    let run = world.rayform(line);
    assert_eq!(run.code, 1, "{run}");
    for word in words {
        assert!(run.stderr.contains(word), "no `{word}` in\n{run}");
    }
}

#[track_caller]
fn plans(world: &World, words: &[&str]) {
    let run = world.rayform("plan --detailed-exitcode");
    assert_eq!(run.code, 2, "{run}");
    for word in words {
        assert!(run.stdout.contains(word), "no `{word}` in\n{run}");
    }
}

fn a_moved_resource_keeps_its_object(world: &World) {
    configure(world, &[&map("settings", "settings")]);
    let _ = world.apply();
    let before = uid(world, "settings");
    configure(world, &[&map("options", "settings"), &moved("config_map.settings", "config_map.options")]);
    plans(
        world,
        &["config_map.settings has moved to config_map.options", "Plan: 0 to add, 0 to change, 0 to destroy, 1 moved."],
    );
    let _ = world.apply();
    assert_eq!((uid(world, "settings"), address_of(world, "settings")), (before, json!("config_map.options")));
    world.expect_no_changes();
    let list = world.rayform("state list").stdout;
    assert!(list.contains("config_map.options") && !list.contains("config_map.settings"), "{list}");
}

fn count_becomes_for_each_without_a_loss(world: &World) {
    let counted = map("many", "many-${count.index}").replace("  namespace", "  count     = 2\n  namespace");
    configure(world, &[&counted]);
    let _ = world.apply();
    let before = (uid(world, "many-0"), uid(world, "many-1"));
    let each = map("many", "many-${each.value}").replace("  namespace", "  for_each  = { a = 0, b = 1 }\n  namespace");
    let moves =
        [moved("config_map.many[0]", "config_map.many[\"a\"]"), moved("config_map.many[1]", "config_map.many[\"b\"]")];
    configure(world, &[&each, &moves.concat()]);
    plans(world, &["config_map.many[0] has moved to config_map.many[\"a\"]", "0 to destroy, 2 moved."]);
    let _ = world.apply();
    assert_eq!((uid(world, "many-0"), uid(world, "many-1")), before);
    world.expect_no_changes();
}

fn a_chain_of_moves_is_followed_from_any_link(world: &World) {
    configure(world, &[&map("one", "settings")]);
    let _ = world.apply();
    let before = uid(world, "settings");
    let chain = [moved("config_map.two", "config_map.three"), moved("config_map.one", "config_map.two")].concat();
    configure(world, &[&map("three", "settings"), &chain]);
    plans(world, &["config_map.one has moved to config_map.three"]);
    let _ = world.apply();
    assert_eq!(uid(world, "settings"), before);
    world.expect_no_changes();
    let _ = world.rayform("state mv config_map.three config_map.two");
    plans(world, &["config_map.two has moved to config_map.three"]);
}

fn manifests_become_single_types(world: &World) {
    let yaml = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: {{n}} }}\ndata: {{ colour: green }}\n"
        )
    };
    world.write("all.yaml", &format!("{}---\n{}", yaml("left"), yaml("right")));
    let all =
        "resource \"manifests\" \"all\" {\n  depends_on = [namespace.team]\n  yaml       = file(\"all.yaml\")\n}\n";
    configure(world, &[all]);
    let _ = world.apply();
    let before = (uid(world, "left"), uid(world, "right"));
    let moves = [moved("manifests.all", "config_map.left"), moved("manifests.all", "config_map.right")].concat();
    configure(world, &[&map("left", "left"), &map("right", "right"), &moves]);
    plans(world, &["manifests.all has moved to config_map.left", "has moved to config_map.right", "0 to destroy"]);
    let _ = world.apply();
    assert_eq!((uid(world, "left"), uid(world, "right")), before);
    world.expect_no_changes();
    let list = world.rayform("state list").stdout;
    assert_eq!(list, "config_map.left\nconfig_map.right\nnamespace.team\n");
}

fn moves_that_contradict_are_mistakes(world: &World) {
    let both = [map("a", "a"), map("b", "b")].concat();
    configure(world, &[&both, &moved("config_map.a", "config_map.b")]);
    fails(world, "plan", &["has moved to `config_map.b`, and is still in the configuration", "main.rf.hcl"]);
    let circle = [moved("config_map.x", "config_map.y"), moved("config_map.y", "config_map.x")].concat();
    configure(world, &[&circle]);
    fails(world, "plan", &["lead in a circle", "config_map.x"]);
    let twice = [moved("config_map.x", "config_map.a"), moved("config_map.x", "config_map.b")].concat();
    configure(world, &[&both, &twice]);
    fails(world, "plan", &["has moved to `config_map.a`, and to `config_map.b`"]);
}

fn a_move_is_part_of_a_saved_plan(world: &World) {
    configure(world, &[&map("settings", "settings")]);
    let _ = world.apply();
    configure(world, &[&map("options", "settings"), &moved("config_map.settings", "config_map.options")]);
    let run = world.rayform("plan --out=move.plan");
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("apply move.plan");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(address_of(world, "settings"), json!("config_map.options"));
    world.expect_no_changes();
}

fn what_is_removed_without_destroying_stays(world: &World) {
    configure(world, &[&map("settings", "settings")]);
    let _ = world.apply();
    let removed = "removed {\n  from = config_map.settings\n  lifecycle {\n    destroy = false\n  }\n}\n";
    configure(world, &[&map("settings", "settings"), removed]);
    fails(world, "plan", &["`config_map.settings` is removed, and is still in the configuration"]);
    configure(world, &[removed]);
    plans(world, &["config_map.settings will be forgotten, its objects stay", "0 to destroy, 1 to forget."]);
    let _ = world.apply();
    assert!(world.get(&format!("{MAPS}/settings")).is_some(), "its object stays");
    world.expect_no_changes();
    configure(world, &[&map("settings", "settings")]);
    let _ = world.apply();
    configure(world, &[&removed.replace("false", "true")]);
    plans(world, &["1 to destroy"]);
    let _ = world.apply();
    assert!(world.get(&format!("{MAPS}/settings")).is_none());
}

fn state_mv_renames_and_the_object_follows(world: &World) {
    configure(world, &[&map("settings", "settings")]);
    let _ = world.apply();
    let before = uid(world, "settings");
    fails(world, "state mv config_map.none config_map.options", &["`config_map.none` is not recorded"]);
    fails(world, "state mv config_map.settings namespace.team", &["that is recorded, too"]);
    let run = world.rayform("state mv config_map.settings config_map.options");
    assert_eq!(run.code, 0, "{run}");
    configure(world, &[&map("options", "settings")]);
    let _ = world.apply();
    assert_eq!((uid(world, "settings"), address_of(world, "settings")), (before, json!("config_map.options")));
    world.expect_no_changes();
}

fn a_state_is_pulled_changed_and_pushed(world: &World) {
    configure(world, &[&map("settings", "settings")]);
    let _ = world.apply();
    let pulled = world.command("state pull").output().expect("it runs").stdout;
    let mut state: Value = serde_json::from_slice(&pulled).expect("JSON");
    let serial = state["serial"].as_u64().expect("a serial");
    let push = |state: &Value| world.write("new.json", &state.to_string());
    state["resources"].as_object_mut().expect("a map").remove("config_map.settings");
    push(&state);
    fails(world, "state push new.json", &["another state has the serial"]);
    state["serial"] = (serial - 1).into();
    push(&state);
    fails(world, "state push new.json", &["it is older"]);
    state["serial"] = (serial + 1).into();
    state["lineage"] = "other".into();
    push(&state);
    fails(world, "state push new.json", &["it is another state"]);
    state["lineage"] = serde_json::from_slice::<Value>(&pulled).expect("JSON")["lineage"].clone();
    push(&state);
    let run = world.rayform("state push new.json");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(world.rayform("state list").stdout, "namespace.team\n");
    std::fs::write(world.folder().join("old.json"), &pulled).expect("written");
    fails(world, "state push old.json", &["it is older"]);
    let run = world.rayform("state push --force old.json");
    assert_eq!(run.code, 0, "{run}");
    world.expect_no_changes();
}

/// Makes a namespace and config maps as `kubectl apply` leaves them.
fn kubectl_applied(world: &World, names: &[&str]) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{n}"}});
    world.create_as("kubectl-client-side-apply", "/api/v1/namespaces", &namespace);
    for name in names {
        let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
        let settings = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "annotations": annotations},
            "data": {"colour": "red", "size": "L"},
        });
        world.create_as("kubectl-client-side-apply", MAPS, &settings);
    }
}

fn import(to: &str, id: &str) -> String {
    format!("import {{\n  to = {to}\n  id = \"{id}\"\n}}\n")
}

fn an_import_takes_over_what_kubectl_applied(world: &World) {
    kubectl_applied(world, &["settings"]);
    world.merge_as("cost-controller", &format!("{MAPS}/settings"), &json!({"metadata": {"labels": {"cost": "42"}}}));
    let imports = [import("namespace.team", "{n}"), import("config_map.settings", "{n}/settings")].concat();
    let both = map("settings", "settings").replace("colour = \"green\"", "colour = \"green\", size = \"L\"");
    configure(world, &[&both, &import("config_map.settings", "{n}/nothing")]);
    fails(world, "plan", &["`config_map.settings` does not describe `{n}/nothing`", "main.rf.hcl"]);
    configure(world, &[&both, &imports]);
    plans(
        world,
        &[
            "config_map.settings will be adopted",
            "<= resource \"config_map\" \"settings\"",
            "now owned by kubectl-client-side-apply (Update)",
            "cost-controller (Update)",
            "0 to add, 0 to change, 0 to destroy, 2 to adopt.",
        ],
    );
    let _ = world.apply();
    world.expect_no_changes();
    let live = world.get(&format!("{MAPS}/settings")).expect("there");
    assert_eq!(live["data"], json!({"colour": "green", "size": "L"}));
    assert_eq!(live["metadata"]["labels"]["cost"], "42", "what a controller wrote stays");
    configure(world, &[&map("settings", "settings"), &imports]);
    let _ = world.apply();
    let live = world.get(&format!("{MAPS}/settings")).expect("there");
    assert_eq!(live["data"], json!({"colour": "green"}), "what is left out later really goes");
    assert_eq!(live["metadata"]["labels"]["cost"], "42");
    world.expect_no_changes();
}

fn imports_come_for_each_member(world: &World) {
    kubectl_applied(world, &["left", "right"]);
    let each =
        map("many", "${each.key}").replace("  namespace", "  for_each  = toset([\"left\", \"right\"])\n  namespace");
    let imports = "import {\n  for_each = toset([\"left\", \"right\"])\n  to       = config_map.many[each.key]\n  \
                   id       = \"v1/ConfigMap/{n}/${each.key}\"\n}\n";
    configure(world, &[&each, &import("namespace.team", "{n}"), imports]);
    plans(
        world,
        &["config_map.many[\"left\"] will be adopted", "config_map.many[\"right\"] will be adopted", "3 to adopt"],
    );
    let _ = world.apply();
    world.expect_no_changes();
    configure(world, &[&each, &import("config_map.many[\"up\"]", "{n}/up")]);
    fails(world, "plan", &["there is no `config_map.many[\"up\"]` in the configuration to import into"]);
}

fn an_import_leaves_an_autoscaler_its_replicas(world: &World) {
    kubectl_applied(world, &[]);
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "minReadySeconds": 1,
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]},
            },
        },
    });
    world.create_as("kubectl-client-side-apply", "/apis/apps/v1/namespaces/{n}/deployments", &deployment);
    let web = "/apis/apps/v1/namespaces/{n}/deployments/web";
    world.merge_as("kube-controller-manager", &format!("{web}/scale"), &json!({"spec": {"replicas": 3}}));
    let manifest = r#"resource "manifest" "web" {
  wait   = false
  object = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "web", namespace = namespace.team.name }
    spec = {
      replicas = 2
      selector = { matchLabels = { app = "web" } }
      template = {
        metadata = { labels = { app = "web" } }
        spec     = { containers = [{ name = "web", image = "nginx:1.27" }] }
      }
    }
  }
}
"#;
    let imports = [import("namespace.team", "{n}"), import("manifest.web", "apps/v1/Deployment/{n}/web")].concat();
    configure(world, &[manifest, &imports]);
    plans(world, &["manifest.web will be adopted", "minReadySeconds"]);
    let _ = world.apply();
    let live = world.get(web).expect("there");
    assert_eq!(live["spec"]["replicas"], 3, "the autoscaler's");
    assert!(live["spec"].get("minReadySeconds").is_none_or(|it| *it == 0), "not in the configuration");
    world.expect_no_changes();
}

fn the_import_command_plans_and_applies_one_resource(world: &World) {
    kubectl_applied(world, &["settings"]);
    configure(world, &[&map("settings", "settings"), &map("other", "other")]);
    fails(world, "import config_map.settings {n}/settings", &["exists already", "import"]);
    let run = world.rayform("import namespace.team {n} --auto-approve");
    assert_eq!(run.code, 0, "{run}");
    fails(world, "import namespace.team {n}", &["has recorded Namespace {n} already"]);
    fails(world, "import config_map.other {n}/other", &["there is no ConfigMap {n}/other in the cluster"]);
    let run = world.rayform("import config_map.settings {n}/settings --auto-approve");
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("1 to adopt"), "{run}");
    assert!(world.get(&format!("{MAPS}/other")).is_none(), "only what was named");
    let _ = world.apply();
    world.expect_no_changes();
}

/// Returns the settings with a `lifecycle` block.
fn map_with(block: &str, lifecycle: &str) -> String {
    let map = map(block, block);
    format!("{}  lifecycle {{\n    {lifecycle}\n  }}\n}}\n", map.trim_end().trim_end_matches('}'))
}

fn a_change_elsewhere_makes_a_resource_anew(world: &World) {
    let version = |text: &str| format!("locals {{\n  version = \"{text}\"\n}}\n");
    let triggers = "replace_triggered_by = [local.version, config_map.base]";
    configure(world, &[&version("1"), &map("base", "base"), &map_with("user", triggers)]);
    let _ = world.apply();
    world.expect_no_changes();
    let before = (uid(world, "base"), uid(world, "user"));
    configure(world, &[&version("2"), &map("base", "base"), &map_with("user", triggers)]);
    plans(
        world,
        &["config_map.user must be replaced", "local.version has changed", "1 to add, 0 to change, 1 to destroy"],
    );
    let _ = world.apply();
    world.expect_no_changes();
    assert_eq!(uid(world, "base"), before.0);
    let middle = uid(world, "user");
    assert_ne!(middle, before.1);
    let base = map("base", "base").replace("green", "blue");
    configure(world, &[&version("2"), &base, &map_with("user", triggers)]);
    plans(world, &["config_map.base has changed", "1 to add, 1 to change, 1 to destroy"]);
    let _ = world.apply();
    world.expect_no_changes();
    assert_ne!(uid(world, "user"), middle);
    configure(world, &[&version("2"), &base, &map_with("user", "replace_triggered_by = [config_map.bsae]")]);
    fails(world, "plan", &["there is no `config_map.bsae`", "did you mean `config_map.base`?"]);
}

fn conditions_hold_before_and_after(world: &World) {
    let condition = |kind: &str, condition: &str| {
        format!(
            "{kind} {{\n      condition     = {condition}\n      error_message = \"${{local.said}} in {kind}\"\n    }}"
        )
    };
    let locals = "locals {\n  said = \"wrong\"\n}\n";
    let right = condition("postcondition", "self.name == \"user\"");
    configure(world, &[locals, &map_with("user", &right)]);
    let _ = world.apply();
    let wrong = condition("postcondition", "self.name == \"other\"");
    configure(world, &[locals, &map_with("user", &wrong)]);
    fails(world, "plan", &["`config_map.user`: wrong in postcondition", "main.rf.hcl"]);
    configure(world, &[locals, &map_with("user", &condition("precondition", "local.said == \"right\""))]);
    fails(world, "plan", &["`config_map.user`: wrong in precondition"]);
    configure(world, &[locals, &map_with("user", &condition("precondition", "self.name == \"user\""))]);
    fails(world, "plan", &["`self`"]);
}

fn a_check_warns_and_stops_nothing(world: &World) {
    let check = "check \"colours\" {\n  assert {\n    condition     = config_map.user.name == \"other\"\n    \
                 error_message = \"the name is ${config_map.user.name}\"\n  }\n}\n";
    configure(world, &[&map("user", "user"), check]);
    let run = world.rayform("apply --auto-approve");
    assert_eq!(run.code, 0, "{run}");
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains("check `colours`: the name is user") && text.contains("warning"), "{run}");
    world.expect_no_changes();
}

fn an_ignored_field_is_named_through_a_list(world: &World) {
    let manifest = |image: &str| {
        format!(
            r#"resource "manifest" "web" {{
  wait   = false
  object = {{
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = {{ name = "web", namespace = namespace.team.name }}
    spec = {{
      selector = {{ matchLabels = {{ app = "web" }} }}
      template = {{
        metadata = {{ labels = {{ app = "web" }} }}
        spec     = {{ containers = [{{ name = "side", image = "{image}" }}, {{ name = "web", image = "{image}" }}] }}
      }}
    }}
  }}
  lifecycle {{
    ignore_changes = [spec.template.spec.containers["web"].image]
  }}
}}
"#
        )
    };
    configure(world, &[&manifest("nginx:1.27")]);
    let _ = world.apply();
    configure(world, &[&manifest("nginx:1.28")]);
    plans(world, &["containers[name=\"side\"]", "0 to add, 1 to change, 0 to destroy"]);
    let _ = world.apply();
    let live = world.get("/apis/apps/v1/namespaces/{n}/deployments/web").expect("there");
    let image = |index: usize| live["spec"]["template"]["spec"]["containers"][index]["image"].clone();
    assert_eq!((image(0), image(1)), (json!("nginx:1.28"), json!("nginx:1.27")));
    world.expect_no_changes();
}

/// Writes a module of one config map, `settings`, and what calls it.
fn configure_modules(world: &World, call: &str, rest: &str) {
    std::fs::create_dir_all(world.folder().join("team")).expect("a folder");
    let module = "variable \"namespace\" {\n  type = string\n}\nvariable \"name\" {\n  type = string\n}\n\
                  resource \"config_map\" \"settings\" {\n  namespace = var.namespace\n  name      = var.name\n  \
                  data      = { colour = \"green\" }\n}\n";
    world.write("team/main.rf.hcl", module);
    configure(world, &[call, rest]);
}

fn call(name: &str, repetition: &str, object: &str) -> String {
    format!(
        "module \"{name}\" {{\n  source    = \"./team\"\n{repetition}  namespace = namespace.team.name\n  \
         name      = {object}\n}}\n"
    )
}

fn resources_move_into_modules_and_modules_into_instances(world: &World) {
    configure(world, &[&map("settings", "left")]);
    let _ = world.apply();
    let before = uid(world, "left");
    let one = call("team", "", "\"left\"");
    configure_modules(world, &one, &moved("config_map.settings", "module.team.config_map.settings"));
    plans(world, &["config_map.settings has moved to module.team.config_map.settings"]);
    let _ = world.apply();
    world.expect_no_changes();
    let each = call("team", "  for_each  = toset([\"left\", \"right\"])\n", "each.key");
    configure_modules(world, &each, &moved("module.team", "module.team[\"left\"]"));
    plans(
        world,
        &["has moved to module.team[\"left\"].config_map.settings", "1 to add, 0 to change, 0 to destroy, 1 moved."],
    );
    let _ = world.apply();
    world.expect_no_changes();
    let renamed = call("crew", "  for_each  = toset([\"left\", \"right\"])\n", "each.key");
    configure_modules(world, &renamed, &moved("module.team", "module.crew"));
    plans(world, &["0 to destroy, 2 moved."]);
    let _ = world.apply();
    assert_eq!(uid(world, "left"), before);
    assert_eq!(address_of(world, "left"), json!("module.crew[\"left\"].config_map.settings"));
    world.expect_no_changes();
    let run = world.rayform("state mv module.crew module.team");
    assert_eq!(run.code, 0, "{run}");
    plans(world, &["module.team[\"left\"].config_map.settings has moved to module.crew[\"left\"].config_map.settings"]);
    let removed = "removed {\n  from = module.team\n  lifecycle {\n    destroy = false\n  }\n}\n";
    configure(world, &[removed]);
    plans(world, &["0 to destroy, 2 to forget."]);
}

fn modules_are_targeted_and_replaced(world: &World) {
    let each = call("team", "  for_each  = toset([\"left\", \"right\"])\n", "each.key");
    configure_modules(world, &each, "");
    let run = world.rayform("apply --auto-approve --target=module.team[\"left\"]");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get(&format!("{MAPS}/left")).is_some() && world.get(&format!("{MAPS}/right")).is_none(), "{run}");
    let run = world.rayform("plan --exclude=module.team");
    assert!(run.stdout.contains("No changes"), "{run}");
    let _ = world.apply();
    let before = (uid(world, "left"), uid(world, "right"));
    let run = world.rayform("apply --auto-approve --replace=module.team[\"right\"].config_map.settings");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(uid(world, "left"), before.0);
    assert_ne!(uid(world, "right"), before.1);
    world.expect_no_changes();
}

fn a_module_imports_by_its_whole_address(world: &World) {
    kubectl_applied(world, &["left"]);
    let each = call("team", "  for_each  = toset([\"left\"])\n", "each.key");
    let imports = [import("namespace.team", "{n}"), import("module.team[\"left\"].config_map.settings", "{n}/left")];
    configure_modules(world, &each, &imports.concat());
    plans(world, &["module.team[\"left\"].config_map.settings will be adopted"]);
    let _ = world.apply();
    world.expect_no_changes();
}

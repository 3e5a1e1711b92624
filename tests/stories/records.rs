//! What only the state remembers: it follows the configuration though the cluster has nothing to do.
use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("an_object_to_keep_is_kept_when_its_block_goes", an_object_to_keep_is_kept_when_its_block_goes),
    ("a_targeted_apply_records_nothing_of_the_rest", a_targeted_apply_records_nothing_of_the_rest),
    ("workspaces_keep_their_states_apart", workspaces_keep_their_states_apart),
];

const SETTINGS: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "config_map" "settings" {
  namespace = namespace.team.name
  name      = "settings"
  data      = { colour = "green" }
}
"#;

const SETTINGS_PATH: &str = "/api/v1/namespaces/{n}/configmaps/settings";

fn an_object_to_keep_is_kept_when_its_block_goes(world: &World) {
    world.configure(SETTINGS);
    let _ = world.apply();
    let keep = "  data      = { colour = \"green\" }\n  lifecycle {\n    on_destroy = \"keep\"\n  }\n";
    world.configure(&SETTINGS.replace("  data      = { colour = \"green\" }\n", keep));
    let run = world.rayform("plan --detailed-exitcode");
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("No changes") && run.stdout.contains("concern only the state"), "{run}");
    let _ = world.apply();
    let run = world.rayform("plan");
    assert!(!run.stdout.contains("concern only the state"), "{run}");
    world.configure("resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n");
    let _ = world.apply();
    assert!(world.get(SETTINGS_PATH).is_some(), "it was to be kept");
    world.expect_no_changes();
}

fn a_targeted_apply_records_nothing_of_the_rest(world: &World) {
    world.configure(SETTINGS);
    let run = world.rayform("apply --auto-approve --target=namespace.team");
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("state list");
    assert!(run.stdout.contains("namespace.team") && !run.stdout.contains("config_map.settings"), "{run}");
    let _ = world.apply();
    let run = world.rayform("apply --refresh-only --auto-approve");
    assert_eq!(run.code, 0, "{run}");
    let run = world.rayform("plan");
    assert!(!run.stdout.contains("concern only the state"), "{run}");
    world.expect_no_changes();
}

fn workspaces_keep_their_states_apart(world: &World) {
    world.configure("variable \"stage\" {}\nresource \"namespace\" \"team\" {\n  name = \"{n}-${var.stage}\"\n}\n");
    let run = world.rayform("workspace select staging");
    assert!(run.code == 1 && run.stderr.contains("rayform workspace new staging"), "{run}");
    for stage in ["default", "staging"] {
        let run = world.rayform(&format!("workspace select --or-create {stage}"));
        assert_eq!(run.code, 0, "{run}");
        let run = world.rayform(&format!("apply --auto-approve --var=stage={stage}"));
        assert_eq!(run.code, 0, "{run}");
        let run = world.rayform(&format!("plan --detailed-exitcode --var=stage={stage}"));
        assert_eq!(run.code, 0, "{run}");
    }
    assert_eq!(world.rayform("workspace list").stdout, "  default\n* staging\n");
    // Each state knows its own namespace alone.
    for stage in ["default", "staging"] {
        let run = world.rayform(&format!("state show namespace.team --workspace={stage}"));
        assert!(run.stdout.contains(&format!("{{n}}-{stage}")), "{run}");
    }
    let run = world.rayform("plan --workspace=stagin --var=stage=x");
    assert!(run.code == 1 && run.stderr.contains("did you mean `staging`?"), "{run}");
    let run = world.rayform("workspace delete staging --workspace=default");
    assert!(run.code == 1 && run.stderr.contains("still records 1 resources"), "{run}");
    let run = world.rayform("destroy --auto-approve --var=stage=staging");
    assert_eq!(run.code, 0, "{run}");
    assert!(world.get("/api/v1/namespaces/{n}-default").is_some(), "the other state's namespace stays");
    let run = world.rayform("workspace delete staging --workspace=default");
    assert_eq!(run.code, 0, "{run}");
}

//! `rayform test`: what it tells of runs that pass, fail, are refused as expected, and break.
use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("a_test_tells_what_holds_and_what_does_not", a_test_tells_what_holds_and_what_does_not),
    ("a_broken_run_skips_the_rest_of_its_file", a_broken_run_skips_the_rest_of_its_file),
    ("a_run_prepares_with_another_module_and_plans_in_parts", a_run_prepares_with_another_module_and_plans_in_parts),
    ("mistakes_in_a_test_have_their_lines", mistakes_in_a_test_have_their_lines),
];

const CONFIGURATION: &str = r#"
variable "memory" {
  default = "8Gi"

  validation {
    condition     = quantity(var.memory) >= quantity("4Gi")
    error_message = "A head needs at least 4Gi."
  }
}

variable "team" {
  type = string
}

resource "namespace" "team" {
  name = "team-${var.team}"
}

resource "ray_head" "main" {
  namespace = namespace.team.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = var.memory
}

output "namespace" {
  value = namespace.team.name
}
"#;

fn a_test_tells_what_holds_and_what_does_not(world: &World) {
    world.configure(CONFIGURATION);
    let text = r#"
variables {
  team = "a"
}

run "names" {
  command = plan

  assert {
    condition     = namespace.team.name == "team-a"
    error_message = "The namespace bears the team's name."
  }
}

run "comes_up" {
  variables {
    team = trimprefix(run.names.namespace, "team-")
  }

  assert {
    condition     = ray_head.main.namespace == run.names.namespace
    error_message = "The head lives elsewhere."
  }
}

run "small_heads_are_refused" {
  command = plan

  variables {
    memory = "3Gi"
  }

  expect_failures = [var.memory]
}

run "fails" {
  assert {
    condition     = output.namespace == "x"
    error_message = "The namespace is ${output.namespace}."
  }
}
"#;
    world.write("team.rftest.hcl", text);
    let run = world.rayform("test");
    assert_eq!(run.code, 1, "{run}");
    let expected = "team.rftest.hcl: run \"names\"... pass
team.rftest.hcl: run \"comes_up\"... pass
team.rftest.hcl: run \"small_heads_are_refused\"... pass
team.rftest.hcl: run \"fails\"... fail

3 passed, 1 failed
";
    assert_eq!(run.stdout, expected, "{run}");
    assert!(run.stderr.contains("The namespace is team-a") && run.stderr.contains("team.rftest.hcl:38:21"), "{run}");
    let (before, _) = text.split_once("run \"fails\"").expect("the last run");
    world.write("team.rftest.hcl", before);
    let run = world.rayform("test --json");
    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains(r#"{"failed":0,"passed":3,"skipped":0,"type":"test_summary"}"#), "{run}");
}

fn a_broken_run_skips_the_rest_of_its_file(world: &World) {
    world.configure(CONFIGURATION);
    world.write("team.rftest.hcl", "run \"first\" {\n  command = plan\n}\n\nrun \"second\" {\n  command = plan\n}\n");
    let run = world.rayform("test");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.ends_with("\n0 passed, 1 failed, 1 skipped\n"), "{run}");
    assert!(run.stderr.contains("variable `team` has no value"), "{run}");
}

fn a_run_prepares_with_another_module_and_plans_in_parts(world: &World) {
    let team = "variable \"team\" {\n  type = string\n}\n\ndata \"namespace\" \"team\" {\n  name = var.team\n}\n\n\
                resource \"config_map\" \"a\" {\n  namespace = data.namespace.team.name\n  name = \"a\"\n}\n\n\
                resource \"config_map\" \"b\" {\n  namespace = \"nowhere\"\n  name = \"b\"\n}\n";
    std::fs::create_dir_all(world.folder().join("tests/setup")).expect("a folder");
    // Without its options, a run would fail: there is no namespace `nowhere`.
    world.configure(team);
    world.write(
        "tests/setup/main.rf.hcl",
        "resource \"namespace\" \"team\" {\n  name = \"team-a\"\n}\n\noutput \"name\" {\n  value = namespace.team.name\n}\n",
    );
    let text = r#"
run "setup" {
  module {
    source = "./tests/setup"
  }
}

run "one" {
  variables {
    team = run.setup.name
  }
  plan_options {
    target = [config_map.a]
  }
}

run "rest" {
  variables {
    team = run.setup.name
  }
  plan_options {
    mode = refresh-only
  }
}

run "no_such_folder" {
  module {
    source = "./tests/nowhere"
  }
}
"#;
    world.write("team.rftest.hcl", text);
    let run = world.rayform("test --json");
    let verdicts: Vec<&str> = run.stdout.lines().filter(|line| line.contains("test_run")).collect();
    let verdict = |name: &str, status: &str| {
        format!(r#"{{"file":"team.rftest.hcl","run":"{name}","status":"{status}","type":"test_run"}}"#)
    };
    let expected = [("setup", "pass"), ("one", "pass"), ("rest", "pass"), ("no_such_folder", "error")];
    assert_eq!(verdicts, expected.map(|(name, status)| verdict(name, status)), "{run}");
    assert!(
        run.stderr.contains("there is no configuration in") || run.stdout.contains("there is no configuration in"),
        "{run}"
    );
}

fn mistakes_in_a_test_have_their_lines(world: &World) {
    world.configure(CONFIGURATION);
    world.write("team.rftest.hcl", "run \"first\" {\n  comand = plan\n}\n\nrnu \"second\" {}\n");
    let run = world.rayform("test");
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("team.rftest.hcl:2:3") && run.stderr.contains("did you mean `command`?"), "{run}");
    assert!(run.stderr.contains("team.rftest.hcl:5:1") && run.stderr.contains("did you mean `run`?"), "{run}");
}

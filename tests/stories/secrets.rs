//! Secrets: a marker stands in every place where one can enter, and is looked for in every byte that rayform
//! wrote, to the screen and to files, as it is and encoded.
use std::path::Path;
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
    ("secrets_are_in_nothing_that_rayform_writes", secrets_are_in_nothing_that_rayform_writes),
    ("mistakes_do_not_show_secrets", mistakes_do_not_show_secrets),
];

/// What every marker begins with. Names of keys are not secret and do not hold it.
const MARKER: &str = "Sesame-";

const CONFIGURATION: &str = r#"
variable "flag" {
  type      = string
  sensitive = true
}
variable "env" {
  type      = string
  sensitive = true
}
variable "file" {
  type      = object({ password = string, port = number, lines = string })
  sensitive = true
}
variable "fallback" {
  type      = string
  sensitive = true
  default   = "Sesame-fallback"
}
locals {
  local   = sensitive("Sesame-local")
  encoded = base64encode(local.local)
}
resource "namespace" "team" {
  name = "{n}"
}
resource "secret" "opaque" {
  namespace   = namespace.team.name
  name        = "opaque"
  data        = { literal = "Sesame-data", flag = var.flag, lines = var.file.lines }
  binary_data = { bytes = base64encode("Sesame-bytes") }
}
resource "secret" "registry" {
  namespace = namespace.team.name
  name      = "registry"
  docker_registry {
    server   = "registry.example.com"
    username = "robot"
    password = var.env
  }
}
resource "secret" "tls" {
  namespace = namespace.team.name
  name      = "tls"
  tls {
    certificate = "-----BEGIN CERTIFICATE-----\nSesame-certificate\n-----END CERTIFICATE-----\n"
    key         = "-----BEGIN PRIVATE KEY-----\nSesame-key\n-----END PRIVATE KEY-----\n"
  }
}
resource "config_map" "derived" {
  namespace = namespace.team.name
  name      = "derived"
  data = {
    plain   = local.local
    encoded = local.encoded
    json    = jsonencode({ password = local.local })
    yaml    = yamlencode({ password = var.file.password, lines = var.file.lines })
    part    = "before ${var.flag} behind"
    upper   = upper(var.flag)
    more    = "1"
  }
}
resource "manifest" "raw" {
  object = {
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "raw", namespace = namespace.team.name }
    stringData = { text = "Sesame-text" }
    data       = { bytes = base64encode("Sesame-raw") }
  }
}
resource "ray_head" "main" {
  namespace   = namespace.team.name
  image       = "rayproject/ray:2.52.0"
  cpu         = 1
  memory      = "8Gi"
  env         = { TOKEN = var.flag, OTHER = local.encoded, FALLBACK = var.fallback }
  annotations = { "example.com/token" = local.local }
}
output "shown" {
  value     = [local.local, var.flag, local.encoded]
  sensitive = true
}
"#;

const VARIABLES: &str =
    "file = { password = \"Sesame-file\", port = 6379, lines = \"Sesame-line-one\\nSesame \\\"line\\\" two\\n\" }\n";

/// Runs rayform with the secret values given, and with everything logged.
fn run(world: &World, line: &str) -> Output {
    let mut command = world.command(line);
    command.env("RAYFORM_VAR_env", "Sesame-env").env("RAYFORM_LOG", "trace").env("RUST_BACKTRACE", "1");
    if !["show", "output", "state"].contains(&line.split(' ').next().unwrap_or_default()) {
        command.args(["--var", "flag=Sesame-flag"]);
    }
    command.output().expect("it runs")
}

/// Whole secrets, whose hashes without a salt would give them away to who guesses.
const WHOLE: [&str; 6] = ["Sesame-flag", "Sesame-env", "Sesame-local", "Sesame-data", "Sesame-fallback", "Sesame-text"];

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Returns the markers in a text: as they are, in upper case, in base64 at each of its three phases, and hashed.
fn found(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let phase = |shift: usize| {
        let encoded = STANDARD.encode([&vec![b' '; shift][..], MARKER.as_bytes()].concat());
        // What depends on bytes before or behind the marker alone is left out.
        let (start, end) = ([0, 2, 3][shift], encoded.trim_end_matches('=').len() - 2);
        encoded[start..end].to_owned()
    };
    let mut needles = vec![MARKER.to_owned(), MARKER.to_uppercase(), phase(0), phase(1), phase(2)];
    needles.extend(WHOLE.iter().map(|secret| hexadecimal(&Sha256::digest(secret))));
    let at = |needle: &String| {
        text.match_indices(needle.as_str())
            .map(|(at, _)| around(&text, at))
            .next()
            .map(|text| format!("{needle}: {text}"))
    };
    needles.iter().filter_map(at).collect()
}

fn around(text: &str, at: usize) -> String {
    let start = (0..=at.saturating_sub(60)).rev().find(|start| text.is_char_boundary(*start)).unwrap_or(0);
    text[start..].chars().take(140).collect()
}

/// Looks into all files below a folder but the configuration.
fn look(folder: &Path, leaks: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            look(&path, leaks);
        } else if !path.to_string_lossy().ends_with(".hcl") {
            let bytes = std::fs::read(&path).expect("a file");
            leaks.extend(found(&bytes).into_iter().map(|leak| format!("{}: {leak}", path.display())));
        }
    }
}

/// Checks what a run printed and what lies in the folder.
#[track_caller]
fn check(world: &World, line: &str, output: &Output) {
    let mut leaks: Vec<String> = Vec::new();
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        leaks.extend(found(bytes).into_iter().map(|leak| format!("{name}: {leak}")));
    }
    look(&world.folder(), &mut leaks);
    assert!(leaks.is_empty(), "after `{line}`:\n{}", leaks.join("\n"));
}

/// Runs a command that ends with this code and shows nothing.
#[track_caller]
fn hidden(world: &World, line: &str, code: i32) {
    let output = run(world, line);
    let told = String::from_utf8_lossy(&output.stderr);
    let told: String = told.lines().filter(|line| !line.contains("TRACE") && !line.contains("DEBUG")).collect();
    assert_eq!(output.status.code(), Some(code), "`{line}`: {told}");
    check(world, line, &output);
}

fn secrets_are_in_nothing_that_rayform_writes(world: &World) {
    world.configure(CONFIGURATION);
    world.write("secret.auto.vars.hcl", VARIABLES);
    for line in ["validate", "plan --out=saved.plan", "plan --json", "render", "graph"] {
        hidden(world, line, 0);
    }
    for format in ["text", "json", "markdown", "html"] {
        hidden(world, &format!("show saved.plan --format={format}"), 0);
    }
    hidden(world, "apply --auto-approve --timeout=90s", 0);
    for line in ["plan", "drift", "output", "show", "show --format=json", "state list", "apply --auto-approve --json"] {
        hidden(world, line, 0);
    }
    world.merge_as(
        "kubectl-edit",
        "/api/v1/namespaces/{n}/configmaps/derived",
        &serde_json::json!({
            "data": {"plain": "someone else's", "upper": null}
        }),
    );
    world.merge_as(
        "kubectl-edit",
        "/api/v1/namespaces/{n}/secrets/opaque",
        &serde_json::json!({
            "data": {"flag": "U2VjcmV0"}
        }),
    );
    hidden(world, "drift", 2);
    hidden(world, "drift --json", 2);
    hidden(world, "plan --out=saved.plan", 0);
    hidden(world, "apply saved.plan", 0);
    world.configure(&CONFIGURATION.replace("more    = \"1\"", "more    = \"2 ${var.fallback}\""));
    hidden(world, "plan --json", 0);
    hidden(world, "apply --auto-approve --json", 0);
    hidden(world, "destroy --auto-approve", 0);
}

fn mistakes_do_not_show_secrets(world: &World) {
    world.write("secret.auto.vars.hcl", VARIABLES);
    for (more, line) in [
        ("output \"open\" {\n  value = local.local\n}", "plan"),
        ("locals {\n  sum = var.flag + 1\n}", "plan"),
        ("locals {\n  sum = \"${local.local}-x\" + 1\n}", "plan --json"),
        ("locals {\n  part = { a = 1 }[var.env]\n}", "validate"),
        ("locals {\n  parsed = jsondecode(var.file.password)\n}", "plan"),
        ("locals {\n  kinds = var.file.port == 1 ? [1] : { a = var.file.password }\n}", "plan"),
        (
            "variable \"checked\" {\n  default = \"x\"\n  validation {\n    condition     = var.flag == var.checked\n    \
             error_message = \"It is ${var.flag}.\"\n  }\n}",
            "plan",
        ),
        ("resource \"namespace\" \"odd\" {\n  name = var.flag\n}", "plan"),
        ("resource \"namespace\" \"odd\" {\n  name = \"odd\"\n  quota {\n    cpu = var.flag\n  }\n}", "plan"),
        (
            "resource \"ray_head\" \"odd\" {\n  namespace = \"x\"\n  cpu = 1\n  memory = var.flag\n  image = local.local\n}",
            "plan",
        ),
        ("resource \"namespace\" \"odd\" {\n  for_each = toset([var.flag])\n  name = each.key\n}", "plan"),
        ("resource \"namespace\" \"odd\" {\n  count = var.flag\n  name = \"a\"\n}", "plan"),
        (
            "resource \"config_map\" \"odd\" {\n  namespace = namespace.team.name\n  name = \"odd\"\n  data = { a = var.flag }\n  \
             lifecycle {\n    precondition {\n      condition     = var.flag == \"\"\n      \
             error_message = \"It is ${var.flag}.\"\n    }\n  }\n}",
            "plan",
        ),
        ("output \"odd\" {\n  value = nosuch(\"Sesame\")\n}\nlocals {\n  again = local.local.x\n}", "plan"),
    ] {
        world.configure(&format!("{CONFIGURATION}{more}\n"));
        hidden(world, line, 1);
    }
    world.configure(CONFIGURATION);
    for line in
        ["plan --var=file=Sesame-wrong", "plan --var=file={password=\"Sesame-wrong", "plan --var=flga=Sesame-typo"]
    {
        hidden(world, line, 1);
    }
    // The server refuses what is asked for, and repeats it.
    let refused = "resource \"manifest\" \"odd\" {\n  object = {\n    apiVersion = \"v1\"\n    kind = \"ConfigMap\"\n    \
                   metadata = { name = \"odd\", namespace = \"{n}\", labels = { a = \"${var.flag} !\" } }\n    \
                   data = { \"a b\" = var.flag }\n  }\n}\n";
    let namespace = "resource \"namespace\" \"team\" {\n  name = \"{n}\"\n}\n";
    let variables = &CONFIGURATION[..CONFIGURATION.find("resource \"namespace\"").unwrap_or(0)];
    world.configure(&format!("{variables}{namespace}"));
    hidden(world, "apply --auto-approve", 0);
    world.configure(&format!("{variables}{namespace}{refused}"));
    let output = run(world, "plan");
    check(world, "plan", &output);
    let output = run(world, "apply --auto-approve");
    check(world, "apply", &output);
}

//! The commands that need no cluster, from outside: whole outputs and exit codes.
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use snapbox::{assert_data_eq, str};

/// How a run ended.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

/// A folder with some files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            std::fs::write(path, text).expect("written");
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a text")
    }

    fn rayform(&self, line: &str) -> Run {
        self.rayform_with(line, "")
    }

    /// Runs rayform in the folder with something on standard input.
    fn rayform_with(&self, line: &str, input: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
        command.current_dir(self.path()).args(line.split_whitespace()).env_clear().env("HOME", self.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        child.stdin.take().expect("it has one").write_all(input.as_bytes()).unwrap_or_default();
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("a text");
        Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

#[test]
fn fmt_writes_and_names_what_it_changes() {
    let files =
        [("a.rf.hcl", "locals {\na=1\n}\n"), ("b.rf.hcl", "locals {\n  b = 1\n}\n"), ("x.auto.vars.hcl", "c=1\n")];
    let folder = Folder::new(&[&files[..], &[("below/d.rf.hcl", "d{}\n"), (".e/f.rf.hcl", "f{}\n")]].concat());
    let run = folder.rayform("fmt --check");
    assert_eq!((run.code, run.stdout.as_str()), (3, "a.rf.hcl\nx.auto.vars.hcl\n"), "{}", run.stderr);
    assert_eq!(folder.read("a.rf.hcl"), files[0].1, "--check writes nothing");
    let run = folder.rayform("fmt --recursive");
    assert_eq!((run.code, run.stdout.as_str()), (0, "a.rf.hcl\nbelow/d.rf.hcl\nx.auto.vars.hcl\n"));
    assert_eq!(folder.read("a.rf.hcl"), "locals {\n  a = 1\n}\n");
    assert_eq!(folder.read(".e/f.rf.hcl"), "f{}\n");
    let run = folder.rayform("fmt --recursive --check");
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
}

#[test]
fn fmt_shows_a_unified_diff_and_formats_standard_input() {
    let folder = Folder::new(&[("a.rf.hcl", "locals {\na=1\n}\n")]);
    let run = folder.rayform("fmt -diff -write=false -list=false a.rf.hcl");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_data_eq!(
        run.stdout,
        str![[r"
--- old/a.rf.hcl
+++ new/a.rf.hcl
@@ -1,3 +1,3 @@
 locals {
-a=1
+  a = 1
 }

"]]
    );
    assert_eq!(folder.rayform_with("fmt -", "a=1\r\nbb=2\r\n").stdout, "a  = 1\r\nbb = 2\r\n");
    assert_eq!(folder.rayform_with("fmt --check -", "a=1\n").code, 3);
    let run = folder.rayform_with("fmt -", "a = [\n");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("--> standard input:1:5"), "{}", run.stderr);
    assert!(folder.rayform("fmt nothing.txt").code == 1);
}

const CONSOLE: &str = r#"variable "team" {
  type    = map(list(string))
  default = { a = ["x"] }
}

variable "password" {
  sensitive = true
  default   = "hunter22"
}

locals {
  names = keys(var.team)
}

resource "namespace" "main" {
  name = "team-a"
}
"#;

#[test]
fn console_answers_every_line() {
    let folder = Folder::new(&[("main.rf.hcl", CONSOLE)]);
    let input =
        "1 + 2\nvar.team\n{\n  a = local.names\n}\n\n\"x\\ny\"\n[var.password, null]\nnamespace.main.name\nexit\n5\n";
    let run = folder.rayform_with("console", input);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_data_eq!(
        run.stdout,
        str![[r#"
3
tomap({
  "a" = tolist([
    "x",
  ])
})
{
  "a" = tolist([
    "a",
  ])
}
<<EOT
x
y
EOT
[
  (sensitive value),
  null,
]
"team-a"

"#]]
    );
}

#[test]
fn console_underlines_mistakes_and_goes_on() {
    let run = Folder::new(&[]).rayform_with("console", "uper(\"a\")\nvar.x\n1 +\n2\n");
    assert_eq!((run.code, run.stdout.as_str()), (1, "2\n"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean `upper`?") && run.stderr.contains("console:1:1"), "{}", run.stderr);
    assert!(run.stderr.contains("there is no `var.x` here"), "{}", run.stderr);
}

#[test]
fn validate_tells_programs_every_mistake() {
    let folder = Folder::new(&[("main.rf.hcl", "locals {\n  é = 1\n}\n\noutput \"o\" {\n  value = local.e\n}\n")]);
    let run = folder.rayform("validate --json");
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    let lines: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3, "{}", run.stdout);
    assert_eq!((&lines[0]["type"], &lines[0]["format"]), (&"version".into(), &1.into()));
    let at = &lines[1]["at"];
    assert_eq!((&lines[1]["severity"], &at["line"], &at["column"]), (&"error".into(), &6.into(), &11.into()));
    assert_eq!(at["snippet"], "  value = local.e");
    assert_eq!(lines[1]["hint"], "did you mean `local.é`?");
    assert_eq!(
        (&lines[2]["type"], &lines[2]["valid"], &lines[2]["errors"]),
        (&"validated".into(), &false.into(), &1.into())
    );
    let run = Folder::new(&[("main.rf.hcl", CONSOLE)]).rayform("validate --json");
    let last = run.stdout.lines().last().expect("a line");
    assert_eq!(last, r#"{"errors":0,"resources":1,"type":"validated","valid":true,"warnings":0}"#);
}

const IN_JSON: &str = r#"{
  "//": "the same in JSON",
  "variable": {"size": {"type": "number", "default": 3, "validation": {
    "condition": "${var.size > 0}", "error_message": "none"}}},
  "resource": {
    "namespace": {"team": {"name": "team-json", "quota": {"cpu": "${var.size * 2}"}}},
    "config_map": {"settings": {
      "namespace": "${namespace.team.name}",
      "depends_on": ["namespace.team"],
      "lifecycle": [{"prevent_destroy": false}],
      "data": {"colour": "green", "pods": "%{ if var.size > 2 }many%{ endif }"}
    }}
  },
  "output": {"name": {"value": "${config_map.settings.name}-${upper(\"x\")}"}}
}
"#;

#[test]
fn a_configuration_in_json_is_applied_and_then_empty() {
    let folder = Folder::new(&[("main.rf.json", IN_JSON)]);
    let run = folder.rayform("apply --sandbox --auto-approve");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = folder.rayform("plan --sandbox --detailed-exitcode");
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = folder.rayform("render");
    assert!(run.stdout.contains("requests.cpu: '6'") || run.stdout.contains("requests.cpu: \"6\""), "{}", run.stdout);
    assert!(run.stdout.contains("pods: many"), "{}", run.stdout);
    assert_eq!(folder.rayform("output --sandbox --raw name").stdout, "settings-X\n");
}

#[test]
fn mistakes_in_json_are_underlined() {
    let folder = Folder::new(&[(
        "main.rf.json",
        &IN_JSON.replace("var.size * 2", "var.sise * 2").replace("\"cpu\"", "\"cqu\""),
    )]);
    let run = folder.rayform("validate");
    assert_eq!(run.code, 1);
    assert_data_eq!(
        run.stderr,
        str![[r#"
error: `quota` has no attribute `cqu`
 --> main.rf.json:6:59
  |
6 |     "namespace": {"team": {"name": "team-json", "quota": {"cqu": "${var.sise * 2}"}}},
  |                                                           ^^^^^
  |
  = help: did you mean `cpu`?

error: there is no variable `sise`
 --> main.rf.json:6:69
  |
6 |     "namespace": {"team": {"name": "team-json", "quota": {"cqu": "${var.sise * 2}"}}},
  |                                                                     ^^^^^^^^
  |
  = help: did you mean `var.size`?

"#]]
    );
}

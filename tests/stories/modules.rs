//! Modules: one folder for many tenants, and folders from a git repository.
use std::path::Path;
use std::process::Command;

use crate::Told;
use crate::world::{Run, World};

pub(crate) const STORIES: &[Told] = &[
    ("a_module_is_applied_for_each_tenant", a_module_is_applied_for_each_tenant),
    ("modules_come_from_git_at_the_commit_that_was_locked", modules_come_from_git_at_the_commit_that_was_locked),
];

const TENANT: &str = r#"
variable "name" {
  type = string
}
variable "colour" {
  type    = string
  default = "green"
}
resource "namespace" "own" {
  name = var.name
}
module "settings" {
  source    = "../settings"
  namespace = namespace.own
  colour    = var.colour
}
output "settings" {
  value = module.settings.map
}
"#;

const SETTINGS: &str = r#"
variable "namespace" {
  type = any
}
variable "colour" {}
resource "config_map" "all" {
  namespace = var.namespace.name
  name      = "settings"
  data      = { colour = var.colour, text = file("${path.module}/text.txt") }
}
output "map" {
  value = config_map.all
}
"#;

const TENANTS: &str = r#"
module "tenant" {
  source   = "./modules/tenant"
  for_each = { a = "green", b = "blue" }
  name     = "{n}-${each.key}"
  colour   = each.value
}
output "names" {
  value = [for tenant in module.tenant : tenant.settings.namespace]
}
"#;

/// Writes the files of both modules below a folder.
fn write_modules(folder: &Path) {
    for (path, text) in
        [("tenant/main.rf.hcl", TENANT), ("settings/main.rf.hcl", SETTINGS), ("settings/text.txt", "hello")]
    {
        let path = folder.join("modules").join(path);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

#[track_caller]
fn expect(run: &Run, code: i32, texts: &[&str]) {
    assert_eq!(run.code, code, "{run}");
    for text in texts {
        assert!(run.stdout.contains(text) || run.stderr.contains(text), "{text}\n{run}");
    }
}

fn a_module_is_applied_for_each_tenant(world: &World) {
    write_modules(&world.folder());
    world.configure(TENANTS);
    expect(&world.rayform("validate"), 0, &["valid: 4 resources"]);
    let run = world.apply();
    expect(&run, 0, &[r#"# module.tenant["a"].namespace.own will be created"#, "4 added"]);
    world.expect_no_changes();
    let settings = world.get("/api/v1/namespaces/{n}-b/configmaps/settings").expect("there");
    assert_eq!(settings["data"], serde_json::json!({"colour": "blue", "text": "hello"}));

    let inside = r#"module.tenant["a"].module.settings.config_map.all"#;
    expect(&world.rayform("state list"), 0, &[inside, r#"module.tenant["b"].namespace.own"#]);
    expect(&world.rayform(&format!("state show {inside}")), 0, &["settings"]);
    expect(&world.rayform("show"), 0, &[inside]);
    expect(&world.rayform("output names"), 0, &["{n}-a", "{n}-b"]);
    expect(&world.rayform("render"), 0, &["name: {n}-a"]);
    let edge = r#""module.tenant[\"a\"].module.settings.config_map.all" -> "module.tenant[\"a\"].namespace.own""#;
    expect(&world.rayform("graph"), 0, &[edge]);

    world.configure(&TENANTS.replace("green", "red").replace("blue", "red"));
    let run = world.rayform(r#"plan --target=module.tenant["b"]"#);
    expect(&run, 0, &[r#"module.tenant["b"].module.settings.config_map.all will be updated"#, "1 to change"]);
    expect(&world.rayform("plan --target=module.tenant"), 0, &["2 to change"]);
    expect(&world.rayform("plan --exclude=module.tenant.module.settings"), 0, &["No changes"]);
    expect(&world.rayform("plan --target=module.tenat"), 1, &["there is no module `module.tenat`"]);

    world.configure(&TENANTS.replace(r#", b = "blue""#, ""));
    expect(&world.rayform("plan"), 0, &[r#"module.tenant["b"].namespace.own will be destroyed"#, "2 to destroy"]);
    let _ = world.apply();
    world.expect_no_changes();
}

/// A repository of modules.
struct Repository<'a> {
    world: &'a World,
    folder: std::path::PathBuf,
}

impl Repository<'_> {
    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.folder).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
        assert!(git.output().expect("git is there").status.success(), "{arguments:?}");
    }

    /// Writes the text of the settings and commits it.
    fn commit(&self, text: &str) {
        write_modules(&self.folder);
        std::fs::write(self.folder.join("modules/settings/text.txt"), text).expect("a file");
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "-m", text]);
    }

    /// Returns the configuration that calls the tenant from here.
    fn configuration(&self, reference: &str) -> String {
        let source = format!("git::file://{}//modules/tenant?ref={reference}", self.folder.display());
        self.world.fill(&TENANTS.replace("./modules/tenant", &source))
    }
}

fn modules_come_from_git_at_the_commit_that_was_locked(world: &World) {
    let folder = world.folder().join("../origin");
    std::fs::create_dir(&folder).expect("a folder");
    let origin = Repository { world, folder: folder.canonicalize().expect("it is there") };
    origin.git(&["init", "--quiet", "--initial-branch=main"]);
    origin.commit("one");
    world.configure(&origin.configuration("main"));
    expect(&world.rayform("plan"), 1, &["module `tenant` is not here yet", "`rayform init` fetches it"]);
    expect(&world.rayform("init"), 0, &["Fetched file://", "keep `rayform.lock.json`"]);
    let lock = || std::fs::read_to_string(world.folder().join("rayform.lock.json")).expect("it was written");
    let locked = lock();
    let _ = world.apply();
    world.expect_no_changes();

    origin.commit("two");
    expect(&world.rayform("init"), 0, &["there is nothing to fetch"]);
    assert_eq!(lock(), locked);
    world.expect_no_changes();
    expect(&world.rayform("init --upgrade"), 0, &["Fetched"]);
    assert_ne!(lock(), locked);
    expect(&world.rayform("plan"), 0, &["2 to change", "two"]);

    std::fs::rename(&origin.folder, origin.folder.with_extension("away")).expect("it is moved");
    expect(&world.rayform("init"), 0, &["there is nothing to fetch"]);
    std::fs::write(world.folder().join("rayform.lock.json"), &locked).expect("it is written");
    expect(&world.rayform("init"), 0, &["there is nothing to fetch"]);
    world.expect_no_changes();
    std::fs::remove_dir_all(world.folder().join(".rayform/modules")).expect("it was there");
    expect(&world.rayform("init"), 1, &["git could not fetch `file://", "git ls-remote"]);
    world.configure(&origin.configuration("--upload-pack=x"));
    expect(&world.rayform("init"), 1, &["`--upload-pack=x` is no name of a branch or tag"]);
}

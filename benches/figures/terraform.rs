//! Terraform on the same shapes, with the one resource that is built into it.
use std::path::Path;
use std::process::Command;

use crate::engine::{by_count, by_for_each, rayform, simple_blocks};
use crate::measure::{Cost, Report, run, seconds, tell};

/// Terraform takes minutes for ten times as many.
const COUNT: usize = 1_000;

/// Plans and formats the same with both; told, and nothing measured, where there is no terraform.
pub(crate) fn beside(report: &mut Report) {
    let folder = tempfile::tempdir().expect("a folder");
    if Command::new("terraform").arg("version").current_dir(&folder).output().is_err() {
        return tell("skipped: no terraform in PATH");
    }
    let [rich, counted, each] = [simple_blocks(COUNT), by_count(COUNT), by_for_each(COUNT)].map(|text| both(&text));
    told(report, "plan of 1,000 resources with 20 expressions each", rich);
    told(report, "plan of `count` of 1,000", counted);
    told(report, "plan of `for_each` of 1,000", each);
    let ratio = |index: usize| seconds(each[index].cpu) / seconds(counted[index].cpu);
    tell(&format!("`for_each` against `count`: rayform {:.2} x, terraform {:.2} x", ratio(0), ratio(1)));
    told(report, "`fmt` of 1,000 resources with 20 expressions each", formatted(&simple_blocks(COUNT)));
}

/// Tells what rayform and terraform take.
fn told(report: &mut Report, what: &str, [ours, theirs]: [Cost; 2]) {
    tell(&format!("{what}: rayform {:.2} s, terraform {:.2} s of CPU", seconds(ours.cpu), seconds(theirs.cpu)));
    report.at_least(
        &format!("terraform's {what} against rayform's"),
        seconds(theirs.cpu) / seconds(ours.cpu),
        " x",
        1.0,
    );
}

/// Returns a folder with the same configuration for both.
fn folder_of(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("main.rf.hcl"), text).expect("written");
    std::fs::write(folder.path().join("main.tf"), of_terraform(text)).expect("written");
    folder
}

fn both(text: &str) -> [Cost; 2] {
    let folder = folder_of(text);
    run(terraform(folder.path(), &["init", "-input=false"]), &[0]);
    let theirs = run(terraform(folder.path(), &["plan", "-refresh=false", "-input=false"]), &[0]);
    [run(rayform(folder.path(), &["plan", "--refresh=false", "--sandbox"]), &[0]), theirs]
}

fn formatted(text: &str) -> [Cost; 2] {
    let folder = folder_of(text);
    let theirs = run(terraform(folder.path(), &["fmt", "-check"]), &[0, 3]);
    [run(rayform(folder.path(), &["fmt", "--check"]), &[0, 3]), theirs]
}

/// Returns the same resources as Terraform's own: what a ConfigMap holds is the input.
fn of_terraform(text: &str) -> String {
    let is_kept = |line: &&str| !line.starts_with("  namespace ") && !line.starts_with("  name ");
    let lines = text.lines().filter(is_kept).map(|line| match line.strip_prefix("  data ") {
        Some(rest) => format!("  input {rest}\n"),
        None => format!("{}\n", line.replace("\"config_map\"", "\"terraform_data\"")),
    });
    lines.collect()
}

fn terraform(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    command.current_dir(folder).args(arguments).env_clear().env("HOME", folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("CHECKPOINT_DISABLE", "1");
    command
}

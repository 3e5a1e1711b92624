//! The house: a module uses only rows below its own, and each outside power has one door.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rows, the lowest first. Modules of one row do not know each other.
const ROWS: &[&[&str]] = &[
    &["model"],
    &["resource", "config", "ssa"],
    &["eval", "state", "sandbox"],
    &["cluster", "plan"],
    &["workflow", "render"],
    &["cli"],
    &["fuzz"],
];

/// What leads outside, and the places that may use it.
const DOORS: &[(&str, &[&str])] = &[
    ("kube::", &["cluster/"]),
    ("clap::", &["cli/"]),
    ("std::fs", &["cluster/credentials", "config/source", "state/", "sandbox/store", "cli/", "fuzz/"]),
    ("std::env::var", &["cli/", "cluster/connect"]),
    ("std::process", &["cli/", "lib.rs", "main.rs"]),
    ("stdout()", &["cli/"]),
    ("stderr()", &["cli/"]),
    ("async fn", &["cluster/", "sandbox/", "workflow/", "cli/"]),
];

#[test]
fn modules_use_only_the_rows_below() {
    let row_of: BTreeMap<&str, usize> =
        ROWS.iter().enumerate().flat_map(|(row, names)| names.iter().map(move |name| (*name, row))).collect();
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        let own = path.split(['/', '.']).next().expect("a path has a first part").to_owned();
        let Some(own_row) = row_of.get(own.as_str()) else { continue };
        for used in code.split("crate::").skip(1).filter_map(first_word) {
            let Some(row) = row_of.get(used.as_str()) else { continue };
            if used != own && row >= own_row {
                wrong.push(format!("{path} uses `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_outside_power_has_its_doors() {
    let mut wrong = Vec::new();
    for (path, code) in sources() {
        for (power, doors) in DOORS {
            if code.contains(power) && !doors.iter().any(|door| path.starts_with(door)) {
                wrong.push(format!("{path} uses `{power}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    let without: Vec<_> =
        sources().into_iter().filter(|(_, code)| !code.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(without.is_empty(), "{without:#?}");
}

#[test]
fn every_module_has_a_row() {
    let folders = fs::read_dir(root()).expect("there is a src").filter_map(Result::ok);
    let names = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
    for name in names {
        let name = name.to_string_lossy().into_owned();
        assert!(ROWS.iter().any(|row| row.contains(&name.as_str())), "`{name}` stands in no row");
    }
}

/// Returns every source file, by its path below `src`, without comments and without its tests.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a text");
            let name = path.strip_prefix(root()).expect("below src").display().to_string();
            if !is_test(&name) {
                files.push((name, without_tests(&text)));
            }
        }
    }
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.contains("/tests/")
}

/// Cuts the unit tests off and blanks comments, but for the header.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//") || line.starts_with("//!");
    code.lines().filter(is_code).map(|line| line.split(" // ").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn first_word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(text[..end].to_owned())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

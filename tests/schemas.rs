//! The files in `schemas/` are what `rayform schema --out schemas` writes now.
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

#[test]
fn the_schemas_are_current() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
    let status = command.args(["schema", "--out"]).arg(folder.path()).status().expect("it runs");
    assert!(status.success());
    let kept = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"));
    assert_eq!(kept, read(folder.path()), "run: cargo run -- schema --out schemas");
    assert!(kept.len() >= 12);
}

/// Returns the files of a folder, by name.
fn read(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    let read = |path: &Path| std::fs::read_to_string(path).expect("a text");
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(&entry.path()))).collect()
}

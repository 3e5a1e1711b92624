//! Modules from git: one copy of each repository, and the files of each commit that is used, under `.rayform/modules`.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::config::{GitSource, LockFile, MODULES, is_commit};

/// Why a module could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    #[error("`git` could not be started, and it fetches modules")]
    Start(#[source] std::io::Error),
    #[error("git could not fetch `{url}`: {reason}")]
    Fetch { url: String, reason: String },
    #[error("there is no branch, tag or commit `{reference}` in `{url}`")]
    NoReference { url: String, reference: String },
    #[error("the commit {commit} of `{url}`, which `rayform.lock.json` asks for, is not there any more")]
    NoCommit { url: String, commit: String },
    #[error("could not write `{path}`")]
    Write { path: String, source: std::io::Error },
}

impl GitError {
    /// Returns the sentence that helps.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Start(_) => "install git, or put it on the `PATH`",
            Self::Fetch { .. } => "rayform asks git as you would: try `git ls-remote` on this address",
            Self::NoReference { .. } => "`git ls-remote` on this address shows what there is",
            Self::NoCommit { .. } => "`rayform init --upgrade` moves to what the reference means now",
            Self::Write { .. } => "the modules are kept beside the configuration, in `.rayform/modules`",
        }
    }
}

/// Fetches modules, each repository at most once.
pub(super) struct Fetcher<'a> {
    /// The root module's folder.
    root: &'a Path,
    /// The repositories that were asked in this run.
    asked: BTreeSet<PathBuf>,
}

impl<'a> Fetcher<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, asked: BTreeSet::new() }
    }

    /// Puts the files of a module in their place, and returns the commit that they are of.
    ///
    /// With a commit in the lock file, that one; what is here already costs no network.
    pub(super) fn fetch(&mut self, source: &GitSource, lock: &LockFile) -> Result<String, GitError> {
        let repository = self.root.join(source.cache()).join("repository.git");
        let commit = match lock.commit(source) {
            Some(commit) => self.held(source, &repository, commit)?,
            None => self.newest(source, &repository)?,
        };
        let target = self.root.join(source.checkout(&commit));
        if !target.is_dir() {
            check_out(source, &repository, &commit, &target)?;
        }
        Ok(commit)
    }

    /// Makes sure that a commit is here.
    fn held(&mut self, source: &GitSource, repository: &Path, commit: &str) -> Result<String, GitError> {
        if resolve(repository, commit)?.is_none() {
            self.ask(source, repository)?;
        }
        if resolve(repository, commit)?.is_none() {
            fetch_commit(repository, &source.url, commit)?;
        }
        resolve(repository, commit)?
            .ok_or_else(|| GitError::NoCommit { url: source.url.clone(), commit: commit.to_owned() })
    }

    /// Finds the commit that a reference means now.
    fn newest(&mut self, source: &GitSource, repository: &Path) -> Result<String, GitError> {
        self.ask(source, repository)?;
        let Some(reference) = &source.reference else {
            return resolve(repository, "refs/rayform/head")?
                .ok_or_else(|| GitError::NoReference { url: source.url.clone(), reference: "HEAD".to_owned() });
        };
        for full in [format!("refs/tags/{reference}"), format!("refs/heads/{reference}")] {
            if let Some(commit) = resolve(repository, &full)? {
                return Ok(commit);
            }
        }
        let may_be_commit = reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        if may_be_commit {
            if is_commit(reference) && resolve(repository, reference)?.is_none() {
                fetch_commit(repository, &source.url, reference)?;
            }
            if let Some(commit) = resolve(repository, reference)? {
                return Ok(commit);
            }
        }
        Err(GitError::NoReference { url: source.url.clone(), reference: reference.clone() })
    }

    /// Fetches all branches and tags of a repository, once in a run.
    fn ask(&mut self, source: &GitSource, repository: &Path) -> Result<(), GitError> {
        if self.asked.contains(repository) {
            return Ok(());
        }
        if !repository.join("HEAD").is_file() {
            std::fs::create_dir_all(repository).map_err(|error| write_error(repository, error))?;
            // Whoever keeps the whole folder in a repository does not keep what is fetched.
            let ignore = self.root.join(MODULES).join(".gitignore");
            std::fs::write(&ignore, "*\n").map_err(|error| write_error(&ignore, error))?;
            run(git(repository).args(["init", "--quiet", "--bare", "--template="]), &source.url)?;
        }
        let mut fetch = git(repository);
        fetch.args(["fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-write-fetch-head", "--"]);
        fetch.arg(&source.url);
        fetch.args(["+HEAD:refs/rayform/head", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]);
        run(&mut fetch, &source.url)?;
        self.asked.insert(repository.to_path_buf());
        Ok(())
    }
}

/// Asks for one commit that no branch and no tag leads to. Some servers do not give it; that is found out later.
fn fetch_commit(repository: &Path, url: &str, commit: &str) -> Result<(), GitError> {
    let mut fetch = git(repository);
    fetch.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", url, commit]);
    match run(&mut fetch, url) {
        Err(GitError::Fetch { .. }) | Ok(_) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Returns the commit that a name means, where there is one.
fn resolve(repository: &Path, name: &str) -> Result<Option<String>, GitError> {
    if !repository.is_dir() {
        return Ok(None);
    }
    let mut parse = git(repository);
    parse.args(["rev-parse", "--quiet", "--verify", "--end-of-options", &format!("{name}^{{commit}}")]);
    match run(&mut parse, "") {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| is_commit(text))),
        Err(GitError::Fetch { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Writes the files of a commit into a folder that is whole or not there.
fn check_out(source: &GitSource, repository: &Path, commit: &str, target: &Path) -> Result<(), GitError> {
    let part = target.with_extension(format!("part-{}", std::process::id()));
    let failed = |error| write_error(&part, error);
    std::fs::create_dir_all(&part).map_err(failed)?;
    // Git works in another folder, and takes relative paths from there.
    let (part, repository) = (part.canonicalize().map_err(failed)?, repository.canonicalize().map_err(failed)?);
    let index = repository.join(format!("index-{}", std::process::id()));
    let mut checkout = git(&repository);
    checkout.env("GIT_WORK_TREE", &part).env("GIT_INDEX_FILE", &index);
    let result = run(checkout.args(["checkout", "--quiet", "--force", commit, "--", "."]), &source.url);
    std::fs::remove_file(&index).unwrap_or_default();
    let result = result.map(drop).and_then(|()| match std::fs::rename(&part, target) {
        Err(error) if !target.is_dir() => Err(write_error(target, error)),
        _ => Ok(()),
    });
    std::fs::remove_dir_all(&part).unwrap_or_default();
    result
}

/// Returns git at work in a repository of ours: no prompts, no hooks, no protocols that run commands.
fn git(repository: &Path) -> Command {
    let mut git = Command::new("git");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
        git.env_remove(variable);
    }
    let repository = repository.canonicalize().unwrap_or_else(|_| repository.to_path_buf());
    git.env("GIT_DIR", repository)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:file")
        .env("LC_ALL", "C")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.version=2", "-c", "gc.auto=0"])
        .stdin(Stdio::null());
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        git.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
    }
    git
}

fn run(command: &mut Command, url: &str) -> Result<String, GitError> {
    let output = command.output().map_err(GitError::Start)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(GitError::Fetch { url: url.to_owned(), reason: reason(&String::from_utf8_lossy(&output.stderr)) })
}

/// Returns the line that says why git failed: its own, or that of ssh where git knows only that ssh failed.
fn reason(said: &str) -> String {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_of_git = |line: &&str| line.starts_with("fatal:") || line.starts_with("error:");
    let own = lines.clone().find(is_of_git).or_else(|| lines.clone().next_back()).unwrap_or("it says nothing");
    let own = own.trim_start_matches("fatal:").trim_start_matches("error:").trim();
    if own != "Could not read from remote repository." {
        return own.to_owned();
    }
    let before: Vec<_> = lines.by_ref().take_while(|line| !is_of_git(line)).collect();
    before.last().map_or(own, |line| line.trim_start_matches("ERROR:").trim()).to_owned()
}

fn write_error(path: &Path, source: std::io::Error) -> GitError {
    GitError::Write { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a tag `v1`, and a branch `main` that is ahead of it.
    struct Origin(tempfile::TempDir);

    impl Origin {
        fn new() -> Self {
            let origin = Self(tempfile::tempdir().expect("a folder"));
            origin.git(&["init", "--quiet", "--initial-branch=main"]);
            origin.commit("one");
            origin.git(&["tag", "v1"]);
            origin.commit("two");
            origin
        }

        fn git(&self, arguments: &[&str]) {
            let mut git = Command::new("git");
            git.arg("-C").arg(self.0.path()).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments);
            assert!(git.output().expect("git is there").status.success(), "{arguments:?}");
        }

        fn commit(&self, text: &str) {
            std::fs::create_dir_all(self.0.path().join("m")).expect("a folder");
            std::fs::write(self.0.path().join("m/text"), text).expect("a file");
            self.git(&["add", "."]);
            self.git(&["commit", "--quiet", "-m", text]);
        }

        fn source(&self, reference: Option<&str>) -> GitSource {
            let url = format!("file://{}", self.0.path().display());
            GitSource { url, reference: reference.map(str::to_owned), folder: "m".into() }
        }
    }

    fn text(root: &Path, source: &GitSource, commit: &str) -> String {
        std::fs::read_to_string(root.join(source.checkout(commit)).join("m/text")).expect("it is checked out")
    }

    #[test]
    fn references_are_branches_tags_and_commits() {
        let (origin, root) = (Origin::new(), tempfile::tempdir().expect("a folder"));
        let mut fetcher = Fetcher::new(root.path());
        let mut fetched = |reference: Option<&str>| {
            let source = origin.source(reference);
            let commit = fetcher.fetch(&source, &LockFile::default()).expect("it is there");
            (text(root.path(), &source, &commit), commit)
        };
        let (one, commit) = fetched(Some("v1"));
        assert_eq!((one.as_str(), fetched(Some("main")).0.as_str(), fetched(None).0.as_str()), ("one", "two", "two"));
        assert_eq!(fetched(Some(&commit)), ("one".to_owned(), commit.clone()));
        assert_eq!(fetched(Some(&commit[..10])).1, commit);
        let error = fetcher.fetch(&origin.source(Some("v2")), &LockFile::default()).expect_err("there is none");
        assert!(matches!(error, GitError::NoReference { reference, .. } if reference == "v2"));
    }

    #[test]
    fn what_is_held_stays_and_needs_no_network() {
        let (origin, root) = (Origin::new(), tempfile::tempdir().expect("a folder"));
        let (source, mut lock) = (origin.source(Some("main")), LockFile::default());
        let commit = Fetcher::new(root.path()).fetch(&source, &lock).expect("it is there");
        lock.hold(&source, &commit);
        origin.commit("three");
        assert_eq!(Fetcher::new(root.path()).fetch(&source, &lock).expect("it is here"), commit);
        let newer = Fetcher::new(root.path()).fetch(&source, &LockFile::default()).expect("it moved");
        assert_eq!(text(root.path(), &source, &newer), "three");
        drop(origin);
        assert_eq!(Fetcher::new(root.path()).fetch(&source, &lock).expect("it is here"), commit);
        lock.hold(&source, &"0".repeat(40));
        assert!(matches!(Fetcher::new(root.path()).fetch(&source, &lock), Err(GitError::Fetch { .. })));
    }

    #[test]
    fn what_ssh_says_comes_before_what_git_makes_of_it() {
        let behind =
            "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n";
        let denied = format!("git@h: Permission denied (publickey).\r\n{behind}");
        assert_eq!(reason(&denied), "git@h: Permission denied (publickey).");
        assert_eq!(reason(&format!("ERROR: Repository not found.\n{behind}")), "Repository not found.");
        assert_eq!(reason(behind), "Could not read from remote repository.");
        assert_eq!(reason("warning: x\nfatal: not a repository\n"), "not a repository");
        assert_eq!(reason(""), "it says nothing");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let root = tempfile::tempdir().expect("a folder");
        let source = GitSource { url: "file:///nowhere/m.git".into(), reference: None, folder: PathBuf::new() };
        let error = Fetcher::new(root.path()).fetch(&source, &LockFile::default()).expect_err("there is none");
        assert!(error.to_string().starts_with("git could not fetch `file:///nowhere/m.git`: "), "{error}");
    }
}

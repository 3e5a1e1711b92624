//! `source` texts that lead into a git repository, such as `git::https://host/team/modules.git//ray?ref=v1.2.0`.
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::model::{Diagnostic, nearest};

/// Where modules from git are kept, from the root module's folder.
pub(crate) const MODULES: &str = ".rayform/modules";

/// The protocols that git is let to speak. Others, such as `ext`, run commands.
const SCHEMES: [&str; 4] = ["https", "ssh", "file", "http"];

/// A module in a git repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GitSource {
    /// As git takes it.
    pub url: String,
    /// A branch, a tag or a commit; the default branch where none is given.
    pub reference: Option<String>,
    /// The folder of the module inside the repository; empty for its root.
    pub folder: PathBuf,
}

/// Why a text does not lead anywhere.
type Refused = Box<Diagnostic>;

impl GitSource {
    /// Returns the folder that holds what is known of the repository, from the root module's folder.
    pub(crate) fn cache(&self) -> PathBuf {
        let name = self.url.trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or_default();
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(40).collect();
        let digest = Sha256::digest(self.url.as_bytes());
        let hash = digest.iter().take(5).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        Path::new(MODULES).join(format!("{name}-{hash}"))
    }

    /// Returns the folder that holds the files of one commit, from the root module's folder.
    pub(crate) fn checkout(&self, commit: &str) -> PathBuf {
        self.cache().join(commit)
    }

    /// Returns the repository and the version, for messages.
    pub(crate) fn title(&self) -> String {
        match &self.reference {
            Some(reference) => format!("{} at {reference}", self.url),
            None => self.url.clone(),
        }
    }
}

/// Returns the checkout that a place lies in, where it lies in one.
pub(super) fn checkout_of(place: &Path) -> Option<PathBuf> {
    place.starts_with(MODULES).then(|| place.components().take(4).collect())
}

/// Reads a text that means git; nothing where it means something else.
pub(super) fn parse(text: &str) -> Option<Result<GitSource, Refused>> {
    if let Some(url) = text.strip_prefix("git::") {
        return Some(read(url));
    }
    if text.starts_with("github.com/") {
        return Some(github(text));
    }
    text.starts_with("git@").then(|| read(text))
}

/// Reads `github.com/team/repository`.
fn github(text: &str) -> Result<GitSource, Refused> {
    let mut source = read(&format!("https://{text}"))?;
    let path = source.url.trim_start_matches("https://github.com/");
    if path.split('/').filter(|part| !part.is_empty()).count() != 2 {
        let hint = "write `github.com/team/repository`, and `//folder` behind it for a folder in it";
        return Err(Box::new(Diagnostic::error(format!("`{text}` is no repository")).hint(hint)));
    }
    source.url = format!("{}.git", source.url.trim_end_matches(".git"));
    Ok(source)
}

fn read(text: &str) -> Result<GitSource, Refused> {
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Box::new(Diagnostic::error("there is no room for white space in the address of a repository")));
    }
    let reference = reference(query)?;
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.to_owned()),
        // The short form of ssh: `git@host:path`.
        None => match address.split_once(':') {
            Some((host, path)) if host.contains('@') => ("ssh", format!("{host}/{}", path.trim_start_matches('/'))),
            _ => return Err(Box::new(no_scheme(address))),
        },
    };
    if !SCHEMES.contains(&scheme) {
        return Err(Box::new(no_scheme(address)));
    }
    let (repository, folder) = split(&rest);
    check_host(scheme, repository)?;
    Ok(GitSource { url: format!("{scheme}://{repository}"), reference, folder: folder_in(folder)? })
}

fn no_scheme(address: &str) -> Diagnostic {
    let hint = "after `git::` comes an address that begins with `https://`, `ssh://` or `file:///`";
    Diagnostic::error(format!("`{address}` is no address of a repository")).hint(hint)
}

/// Splits at the `//` that stands between repository and folder.
fn split(rest: &str) -> (&str, &str) {
    match rest.get(1..).and_then(|behind| behind.find("//")) {
        Some(at) => (&rest[..=at], &rest[at + 3..]),
        None => (rest, ""),
    }
}

/// Refuses what git would take for something else, and what must not be written down.
fn check_host(scheme: &str, repository: &str) -> Result<(), Refused> {
    if scheme == "file" {
        let message = "`file` is followed by an absolute path: `file:///srv/modules.git`";
        let is_absolute = repository.starts_with('/');
        return if is_absolute { Ok(()) } else { Err(Box::new(Diagnostic::error(message))) };
    }
    let (host, path) = repository.split_once('/').unwrap_or((repository, ""));
    let (user, host) = host.rsplit_once('@').map_or((None, host), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| scheme != "ssh" || user.contains(':')) {
        let hint = "git asks its credential helpers, and ssh its agent";
        let message = "a user with a password or token does not belong into `source`, which is shown and written down";
        return Err(Box::new(Diagnostic::error(message).hint(hint)));
    }
    let is_odd = |part: &str| part.is_empty() || part.starts_with('-');
    if is_odd(host) || is_odd(path) || user.is_some_and(is_odd) {
        return Err(Box::new(Diagnostic::error(format!("`{scheme}://{repository}` is no address of a repository"))));
    }
    Ok(())
}

fn folder_in(text: &str) -> Result<PathBuf, Refused> {
    let folder = Path::new(text.trim_matches('/'));
    if folder.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(folder.to_path_buf());
    }
    Err(Box::new(Diagnostic::error(format!("`{text}` leads out of the repository"))))
}

/// Reads what stands behind the `?`.
fn reference(query: &str) -> Result<Option<String>, Refused> {
    let mut reference = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("ref", name) if is_reference(name) => reference = Some(name.to_owned()),
            ("ref", name) => {
                let message = format!("`{name}` is no name of a branch or tag, and no commit");
                return Err(Box::new(Diagnostic::error(message)));
            }
            // What is fetched is decided by rayform, so that one copy serves all versions.
            ("depth", _) => {}
            (name, _) => {
                let diagnostic = Diagnostic::error(format!("`source` takes no `{name}` behind the `?`"));
                return Err(Box::new(match nearest(name, ["ref"]) {
                    Some(_) => diagnostic.hint("did you mean `ref`?"),
                    None => diagnostic.hint("it takes `ref`, a branch, tag or commit"),
                }));
            }
        }
    }
    Ok(reference)
}

/// Tells whether git allows a name for branches and tags; so none is taken for a flag, a range or a way elsewhere.
fn is_reference(name: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || "/._-+@#=".contains(c);
    !name.is_empty()
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && name.strip_suffix(".lock").is_none()
        && !name.contains("..")
        && !name.contains("//")
        && !name.contains("@{")
        && name != "@"
        && name.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, Option<&str>, &str), &str>) {
        let found = parse(text).expect("it means git").map_err(|it| it.message);
        let expected = expected.map(|(url, reference, folder)| GitSource {
            url: url.to_owned(),
            reference: reference.map(str::to_owned),
            folder: PathBuf::from(folder),
        });
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn addresses_are_terraforms() {
        check("git::https://h/t/m.git", Ok(("https://h/t/m.git", None, "")));
        check("git::https://h/t/m.git//a/b?ref=v1.2.0", Ok(("https://h/t/m.git", Some("v1.2.0"), "a/b")));
        check("git::ssh://git@h:22/t/m.git//a", Ok(("ssh://git@h:22/t/m.git", None, "a")));
        check("git::file:///srv/m.git//a?ref=main&depth=1", Ok(("file:///srv/m.git", Some("main"), "a")));
        check("git@h:t/m.git?ref=x/y", Ok(("ssh://git@h/t/m.git", Some("x/y"), "")));
        check("git::git@h:t/m.git", Ok(("ssh://git@h/t/m.git", None, "")));
        check("github.com/t/m//a?ref=v1", Ok(("https://github.com/t/m.git", Some("v1"), "a")));
        check("github.com/t/m.git", Ok(("https://github.com/t/m.git", None, "")));
        assert!(parse("./git").is_none() && parse("a/b/c").is_none());
    }

    #[test]
    fn what_git_would_take_for_something_else_is_refused() {
        let no = |text: &str| format!("`{text}` is no address of a repository");
        check("git::ext::sh -c x", Err("there is no room for white space in the address of a repository"));
        check("git::ext::sh", Err(&no("ext::sh")));
        check("git::ext://sh", Err(&no("ext://sh")));
        check("git::--upload-pack=x", Err(&no("--upload-pack=x")));
        check("git::ssh://-oProxyCommand=x/y", Err(&no("ssh://-oProxyCommand=x/y")));
        check("git::ssh://-oProxyCommand=x@h/y", Err(&no("ssh://-oProxyCommand=x@h/y")));
        check("git::https://h", Err(&no("https://h")));
        check("git::https://h/m.git//../x", Err("`../x` leads out of the repository"));
        check("git::file://srv/m.git", Err("`file` is followed by an absolute path: `file:///srv/modules.git`"));
        check("github.com/t", Err("`github.com/t` is no repository"));
        for name in ["-x", "--upload-pack=x", "", "a..b", "a:b", "@{u}", "a^", "x.lock", "/a"] {
            let message = format!("`{name}` is no name of a branch or tag, and no commit");
            check(&format!("git::https://h/t/m.git?ref={name}"), Err(&message));
        }
        check("git::https://h/t/m.git?rev=x", Err("`source` takes no `rev` behind the `?`"));
    }

    #[test]
    fn secrets_do_not_belong_into_addresses() {
        let message = "a user with a password or token does not belong into `source`, which is shown and written down";
        for address in ["https://user:token@h/m.git", "https://token@h/m.git", "ssh://git:token@h/m.git"] {
            check(&format!("git::{address}"), Err(message));
        }
    }

    #[test]
    fn a_checkout_has_a_readable_name() {
        let source = GitSource { url: "https://h/t/m.git".to_owned(), reference: None, folder: PathBuf::new() };
        let place = source.checkout("abc").join("a");
        assert_eq!(checkout_of(&place), Some(source.checkout("abc")));
        assert!(source.cache().starts_with(MODULES) && source.cache().to_string_lossy().contains("/m-"));
        assert_eq!(checkout_of(Path::new("modules/a")), None);
    }
}

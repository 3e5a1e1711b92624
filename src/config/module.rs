//! `module` blocks, and the text that says where a module comes from.
use std::path::{Component, Path, PathBuf};

use super::blocks::{Config, ModuleBlock};
use super::collect::{add, labels, repetition, split};
use super::git_source::{self, GitSource};
use super::ir::{Attribute, Block};
use super::settings;
use crate::model::{Diagnostic, Span, nearest};

/// Where a module comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A folder, relative to the one of the module that calls.
    Local(PathBuf),
    Git(GitSource),
}

/// What no input of a module can be called, as in Terraform.
pub(super) const RESERVED: [&str; 6] = ["source", "version", "providers", "count", "for_each", "depends_on"];

/// Adds a `module` block.
pub(super) fn collect(block: Block, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    let Some([name]) = labels(&block, &["name"], diagnostics) else { return };
    for inner in &block.body.blocks {
        let message = format!("`module` has no block `{}`", inner.kind);
        let hint = format!("the inputs of a module are attributes: write `{} = …`", inner.kind);
        diagnostics.push(Diagnostic::error(message).at(inner.header).hint(hint));
    }
    let header = block.header;
    let settings: Vec<&str> = RESERVED.into_iter().chain(["cluster"]).collect();
    let (mut taken, inputs) = split(block.body.attributes, &settings);
    for (name, hint) in [
        ("version", "a module from git is held at a version by `?ref=…` at the end of its `source`"),
        ("providers", "the cluster is chosen by `cluster = cluster.NAME`"),
    ] {
        if let Some(attribute) = taken.remove(name) {
            let diagnostic = Diagnostic::error(format!("`module` has no attribute `{name}`"));
            diagnostics.push(diagnostic.at(attribute.name_span).hint(hint));
        }
    }
    let repetition = repetition(taken.remove("count"), taken.remove("for_each"), diagnostics);
    let depends_on = settings::references(taken.remove("depends_on"), diagnostics);
    let cluster = taken.remove("cluster").map(|attribute| attribute.value);
    let Some((source, source_span)) = source(taken.remove("source"), &name, &inputs, header, diagnostics) else {
        return;
    };
    let module = ModuleBlock { header, source, source_span, repetition, cluster, depends_on, inputs };
    add(&mut config.modules, name, module, |module| module.header, "module", diagnostics);
}

fn source(
    attribute: Option<Attribute>,
    name: &str,
    inputs: &[Attribute],
    header: Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(Source, Span)> {
    let Some(attribute) = attribute else {
        let diagnostic = Diagnostic::error(format!("module `{name}` has no `source`")).at(header);
        let meant = inputs.iter().find(|input| nearest(&input.name, ["source"]).is_some());
        diagnostics.push(match meant {
            Some(input) => diagnostic.related(input.name_span, "did you mean `source`?"),
            None => diagnostic.hint("write the folder of the module: `source = \"./modules/name\"`"),
        });
        return None;
    };
    let span = attribute.value.span;
    let Some(text) = attribute.value.as_text() else {
        diagnostics.push(settings::literal_needed("source", "a text", &attribute.value));
        return None;
    };
    match parse(text) {
        Ok(source) => Some((source, span)),
        Err(diagnostic) => {
            diagnostics.push(diagnostic.at(span));
            None
        }
    }
}

/// Reads the text of `source`.
pub(super) fn parse(text: &str) -> Result<Source, Box<Diagnostic>> {
    if text == "." || text == ".." || text.starts_with("./") || text.starts_with("../") {
        return Ok(Source::Local(PathBuf::from(text)));
    }
    if let Some(source) = git_source::parse(text) {
        return source.map(Source::Git);
    }
    let error = Diagnostic::error(format!("`{text}` does not say where the module is"));
    if text.contains("://") || text.contains(".com/") || text.contains(".org/") {
        return Err(Box::new(error.hint(format!("for a repository, write `git::https://{}`", without_scheme(text)))));
    }
    if Path::new(text).is_absolute() {
        let hint = "write it relative to the folder of this file, so that it works on other machines too";
        return Err(Box::new(error.hint(hint)));
    }
    if text.split('/').filter(|part| !part.is_empty()).count() == 3 {
        let hint = "there is no registry: write `git::https://…?ref=…`, or copy the module into a folder, such as `./modules/a`";
        return Err(Box::new(error.hint(hint)));
    }
    Err(Box::new(error.hint(format!("a folder begins with `./` or `../`: write `./{text}`"))))
}

fn without_scheme(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

/// Returns a path without `.`, and without `..` as far as the text alone tells; empty for the folder itself.
pub(crate) fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => drop(clean.pop()),
                Some(Component::RootDir) => {}
                _ => clean.push(".."),
            },
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Source, &str>) {
        assert_eq!(parse(text).map_err(|it| it.message), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_folder_begins_with_a_dot() {
        check("./modules/a", Ok(Source::Local("./modules/a".into())));
        check("../a", Ok(Source::Local("../a".into())));
        check("..", Ok(Source::Local("..".into())));
        check("modules/a", Err("`modules/a` does not say where the module is"));
        check("/modules/a", Err("`/modules/a` does not say where the module is"));
        check("", Err("`` does not say where the module is"));
        check("https://h/m.git", Err("`https://h/m.git` does not say where the module is"));
    }

    #[test]
    fn a_repository_begins_with_git() {
        let source = GitSource { url: "https://h/m.git".into(), reference: Some("v1".into()), folder: "a".into() };
        check("git::https://h/m.git//a?ref=v1", Ok(Source::Git(source)));
    }

    #[test]
    fn paths_are_cleaned_without_looking() {
        for (path, expected) in
            [("./a/./b", "a/b"), ("a/../b", "b"), ("a/..", ""), ("../a/../../b", "../../b"), ("/../a", "/a")]
        {
            assert_eq!(cleaned(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}

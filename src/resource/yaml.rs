//! Reads YAML text as `kubectl` does: several documents, YAML 1.1 booleans and octals, nothing ambiguous.
use serde_saphyr::{
    DuplicateKeyPolicy, Error, Location, Options, Spanned, UserMessageFormatter, from_multiple_with_options,
};

use crate::model::Json;

/// The deepest nesting that is read; the largest CRDs reach half of it.
const DEEPEST: usize = 120;

/// One document that is not empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// Counted from 1: where the document's content begins.
    pub line: u64,
    pub json: Json,
}

/// Says where and why a text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Counted from 1, where it is known.
    pub line: Option<u64>,
    pub message: String,
}

/// Reads all documents of a text.
pub(crate) fn documents(text: &str) -> Result<Vec<Document>, Mistake> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let read: Vec<Spanned<Json>> =
        from_multiple_with_options(text, options()).map_err(|error| mistake(&error, text))?;
    let documents = read.into_iter().map(|read| Document { line: read.referenced.line(), json: read.value });
    Ok(documents.filter(|document| !document.json.is_null()).collect())
}

/// Returns the reader's settings. The limits are far above real manifests (the CRDs of KubeRay have 4 MB) and far below
/// what would exhaust a machine.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            max_documents: 100_000,
            max_nodes: 5_000_000,
            max_events: 12_000_000,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        legacy_octal_numbers: true,
        emit_comments: false,
        with_snippet: false,
    }
}

fn mistake(error: &Error, text: &str) -> Mistake {
    let line = error.location().as_ref().map(Location::line);
    let near = line.and_then(|line| text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?));
    if near.is_some_and(is_of_a_template) {
        let message = "`{{` begins a template of another tool: this is no YAML before that tool has filled it in";
        return Mistake { line, message: message.to_owned() };
    }
    let message = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    // The position is told apart; of a long message the first line says it.
    let first = message.lines().next().unwrap_or("it cannot be read");
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let without_position = match first.rsplit_once(" at line ") {
        Some((before, _)) => before,
        None => match first.split_once(": ") {
            Some((position, rest)) if position.starts_with("line ") => rest,
            _ => first,
        },
    };
    Mistake { line, message: without_position.to_owned() }
}

/// Tells whether a line is of a template: `{{ … }}` outside of quotes and comments is the beginning of a map in YAML.
fn is_of_a_template(line: &str) -> bool {
    let before = line.split_once("{{").map(|(before, _)| before);
    before.is_some_and(|before| !before.contains(['#', '"', '\'']))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Json, (u64, &str)>) {
        let actual = documents(text).map(|read| read.into_iter().map(|document| document.json).collect::<Json>());
        let actual = actual.map_err(|mistake| (mistake.line.unwrap_or(0), mistake.message));
        assert_eq!(actual, expected.map_err(|(line, message)| (line, message.to_owned())));
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        check("a: 0755", Ok(json!([{ "a": 493 }])));
        check("a: 0o755", Ok(json!([{ "a": 493 }])));
        check("a: yes\nb: off\nc: \"no\"", Ok(json!([{ "a": true, "b": false, "c": "no" }])));
        check("a: 0x1F\nb: 1e3\nc: ~\nd: 1.5", Ok(json!([{ "a": 31, "b": 1000.0, "c": null, "d": 1.5 }])));
        check("a: 2001-01-01\nb: 12:30\nc: 1.2.3", Ok(json!([{ "a": "2001-01-01", "b": "12:30", "c": "1.2.3" }])));
        check("8080: a", Ok(json!([{ "8080": "a" }])));
    }

    #[test]
    fn documents_without_content_are_left_out() {
        check("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", Ok(json!([{ "a": 1 }, { "b": 2 }])));
        check("", Ok(json!([])));
        check("\u{FEFF}a: 1\r\nb: 2\r\n", Ok(json!([{ "a": 1, "b": 2 }])));
    }

    #[test]
    fn anchors_and_merges_are_resolved() {
        check("a: &x {k: 1}\nb: {<<: *x, l: 2}", Ok(json!([{ "a": { "k": 1 }, "b": { "k": 1, "l": 2 } }])));
    }

    #[test]
    fn documents_know_their_line() {
        let lines: Vec<u64> = documents("# first\na: 1\n---\n\nb: 2\n").unwrap().iter().map(|d| d.line).collect();
        assert_eq!(lines, [2, 5]);
    }

    #[test]
    fn mistakes_tell_the_line() {
        check("a: 1\nb: [1\n", Err((2, "unclosed bracket '['")));
        check("a: 1\na: 2\n", Err((2, "duplicate mapping key `a` is not allowed here")));
        check("a:\n\t- b\n", Err((2, "tabs disallowed within this context (block indentation)")));
        check("a: *nowhere", Err((1, "reference to unknown value")));
        let template = "`{{` begins a template of another tool: this is no YAML before that tool has filled it in";
        check("a: b\nc: {{ .Values.c }}\n", Err((2, template)));
        check("{{- if .Values.c }}\na: b\n{{- end }}\n", Err((1, template)));
        check("a: .inf", Err((1, "value `.inf` is not a finite number")));
    }

    #[test]
    fn bombs_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(documents(&deep).is_err());
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
        }
        assert!(documents(&bomb).is_err());
    }
}

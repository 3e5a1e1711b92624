//! Diagnostics with the source line underlined.
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::config::Sources;
use crate::model::{Diagnostic, Secrets, Severity, Span};

use super::style::View;

/// How much of a line is shown on either side of what is underlined, in bytes.
const AROUND: usize = 400;

/// Returns all diagnostics, errors first, each kind in the order of the source.
///
/// With `compact`, warnings and remarks are one line each.
pub(crate) fn diagnostics(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    secrets: &Secrets,
    compact: bool,
    view: View,
) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|it| (it.severity, it.at.as_ref().map(|(span, _)| *span), it.code, &it.message));
    sorted.dedup_by(is_told_twice);
    let mut text = String::new();
    let mut was_long = false;
    for diagnostic in sorted {
        let is_long = diagnostic.is_error() || !compact;
        if is_long || was_long {
            text.push_str(if text.is_empty() { "" } else { "\n" });
        }
        was_long = is_long;
        let told = if is_long { long(diagnostic, sources, view) } else { short(diagnostic, sources) };
        text.push_str(&redact(&told, diagnostic, sources, secrets));
        text.push('\n');
    }
    text
}

/// Hides secrets, but not where a file is called like one.
fn redact(text: &str, diagnostic: &Diagnostic, sources: &Sources, secrets: &Secrets) -> String {
    let mut places: Vec<String> =
        diagnostic.at.iter().chain(&diagnostic.related).map(|(span, _)| place(*span, sources)).collect();
    places.retain(|place| secrets.taints(place));
    let (mut redacted, mut rest) = (String::new(), text);
    while let Some((at, place)) = places.iter().filter_map(|place| Some((rest.find(place)?, place))).min() {
        redacted.push_str(&secrets.redact(&rest[..at]));
        redacted.push_str(place);
        rest = &rest[at + place.len()..];
    }
    redacted + &secrets.redact(rest)
}

/// Tells whether two neighbours say the same; the one that helps is kept. A name that is missing is found missing
/// where it is looked up and where it is evaluated.
fn is_told_twice<'a>(next: &mut &'a Diagnostic, kept: &mut &'a Diagnostic) -> bool {
    let is_missing = |it: &Diagnostic| it.is_error() && it.at.is_some() && it.message.starts_with("there is no ");
    let is_same = next == kept || (next.at == kept.at && is_missing(next) && is_missing(kept));
    if is_same && kept.hint.is_none() {
        std::mem::swap(next, kept);
    }
    is_same
}

/// Returns where a span begins, as `main.rf.hcl:3:5`; lines and columns count from one.
fn place(span: Span, sources: &Sources) -> String {
    let (line, column) = position(span, sources);
    format!("{}:{line}:{column}", sources.name(span.file))
}

/// Returns line and column, in characters, both from one.
pub(super) fn position(span: Span, sources: &Sources) -> (usize, usize) {
    let before = &sources.text(span.file)[..boundary(sources.text(span.file), span.start as usize)];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Returns the line in which a span begins; of a very long one, the part around the span.
pub(super) fn line_of(span: Span, sources: &Sources) -> &str {
    let text = sources.text(span.file);
    let start = boundary(text, span.start as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = boundary(text, (span.end as usize).clamp(start, line_end));
    let from = boundary(text, line_start.max(start.saturating_sub(AROUND)));
    &text[from..boundary(text, line_end.min(end.saturating_add(AROUND)))]
}

fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let code = diagnostic.code.map(|code| format!("[{code}]")).unwrap_or_default();
    let place = diagnostic.at.as_ref().map(|(span, _)| format!(" ({})", place(*span, sources))).unwrap_or_default();
    format!("{}{code}: {}{place}", word(diagnostic.severity), diagnostic.message)
}

fn long(diagnostic: &Diagnostic, sources: &Sources, view: View) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut title = level.primary_title(diagnostic.message.as_str());
    if let Some(code) = diagnostic.code {
        title = title.id(code);
    }
    let mut group = Group::with_title(title);
    if let Some((span, label)) = &diagnostic.at {
        group = group.element(snippet(*span, label, AnnotationKind::Primary, sources));
    }
    for (span, label) in &diagnostic.related {
        group = group.element(snippet(*span, label, AnnotationKind::Context, sources));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = if view.colour { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(view.width.max(40)).render(&[group])
}

/// Returns the line of a span; a span of several lines is cut behind its first.
fn snippet<'a>(
    span: Span,
    label: &'a str,
    kind: AnnotationKind,
    sources: &'a Sources,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text = sources.text(span.file);
    let start = boundary(text, span.start as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = boundary(text, (span.end as usize).clamp(start, line_end));
    let from = boundary(text, line_start.max(start.saturating_sub(AROUND)));
    let to = boundary(text, line_end.min(end.saturating_add(AROUND)));
    let end = end.min(to);
    let line = text[..line_start].bytes().filter(|byte| *byte == b'\n').count() + 1;
    let mut annotation = kind.span(start - from..end - from);
    if !label.is_empty() {
        annotation = annotation.label(label);
    }
    Snippet::source(&text[from..to]).line_start(line).path(sources.name(span.file)).annotation(annotation)
}

/// Returns the nearest place at or before `index` where a character begins.
fn boundary(text: &str, index: usize) -> usize {
    text.floor_char_boundary(index.min(text.len()))
}

pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::model::FileId;

    const SOURCE: &str = "resource \"ray_head\" \"main\" {\n  imgae = \"größe\"\n}\n";

    fn span(text: &str, part: &str) -> Span {
        let start = text.find(part).expect("the part is in the text");
        let to_u32 = |index: usize| u32::try_from(index).expect("a short text");
        Span { file: FileId(0), start: to_u32(start), end: to_u32(start + part.len()) }
    }

    fn show(found: &[Diagnostic], compact: bool) -> String {
        let mut sources = Sources::default();
        sources.add("main.rf.hcl", SOURCE);
        diagnostics(found, &sources, &Secrets::default(), compact, View::plain())
    }

    #[test]
    fn a_name_that_is_missing_is_told_once_with_its_hint() {
        let span = span(SOURCE, "imgae");
        let bare = Diagnostic::error("there is no `var.imgae` here").at(span);
        let helpful = Diagnostic::error("there is no variable `imgae`").at(span).hint("declare it");
        let (mut next, mut kept) = (&helpful, &bare);
        assert!(is_told_twice(&mut next, &mut kept));
        assert_eq!(kept, &helpful);
        let other = Diagnostic::error("`imgae` is no number").at(span);
        let (mut next, mut kept) = (&other, &bare);
        assert!(!is_told_twice(&mut next, &mut kept));
    }

    #[test]
    fn a_file_that_is_called_like_a_secret_keeps_its_name() {
        let mut sources = Sources::default();
        sources.add("main.rf.hcl", "a = \"main\"\n");
        let mut secrets = Secrets::default();
        secrets.insert("main");
        let error = Diagnostic::error("no main here").at(span("a = \"main\"", "main"));
        let text = diagnostics(&[error], &sources, &secrets, false, View::plain());
        assert!(text.contains("main.rf.hcl:1:6"), "{text}");
        assert_eq!(text.matches("main").count(), 1, "{text}");
    }

    #[test]
    fn the_source_line_is_underlined() {
        let error = Diagnostic::error("`ray_head` has no argument `imgae`")
            .labelled(span(SOURCE, "imgae"), "unknown")
            .related(span(SOURCE, "resource"), "in this block")
            .hint("did you mean `image`?");
        assert_data_eq!(
            show(&[error], false),
            str![[r#"
error: `ray_head` has no argument `imgae`
 --> main.rf.hcl:2:3
  |
2 |   imgae = "größe"
  |   ^^^^^ unknown
  |
 ::: main.rf.hcl:1:1
  |
1 | resource "ray_head" "main" {
  | -------- in this block
  |
  = help: did you mean `image`?

"#]]
        );
    }

    #[test]
    fn errors_come_first_and_compact_warnings_are_lines() {
        let warning = Diagnostic::warning("slow").code("RF101").at(span(SOURCE, "größe"));
        let error = Diagnostic::error("no cluster");
        assert_data_eq!(
            show(&[warning.clone(), error, warning], true),
            str![[r"
error: no cluster

warning[RF101]: slow (main.rf.hcl:2:12)

"]]
        );
    }

    #[test]
    fn places_beyond_the_text_are_shown_at_its_end() {
        let beyond = Span { file: FileId(0), start: 10_000, end: 20_000 };
        assert!(show(&[Diagnostic::error("torn").at(beyond)], false).contains("torn"));
        let inside = span(SOURCE, "ö");
        let cut = Span { start: inside.start + 1, end: inside.end, ..inside };
        assert!(show(&[Diagnostic::error("cut").at(cut)], false).contains("cut"));
    }
}

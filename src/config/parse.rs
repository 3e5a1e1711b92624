//! Source text into our own form: files at once on all cores, each on a stack that is large enough.
use std::borrow::Cow;
use std::collections::BTreeSet;

use hcl_edit::{parser, structure};

use super::explain::explain;
use super::format::tokens::{Kind, Token, tokens};
use super::ir::{Body, Expression};
use super::lower::{Lowering, Shift};
use super::{Sources, for_object, heredoc, json, repeated_key, template};
use crate::model::{Diagnostic, FileId, Span, on_all_cores, on_large_stack};

/// Parses files; the results are in the order of the files.
pub(super) fn parse_files(sources: &Sources, files: &[FileId]) -> Vec<Result<Body, Vec<Diagnostic>>> {
    on_all_cores(files.to_vec(), &|file| {
        let (name, text) = (sources.name(file), sources.text(file));
        let is_json = std::path::Path::new(name).extension().is_some_and(|extension| extension == "json");
        if is_json { json::body(text, file) } else { parse_body(text, file) }
    })
}

/// Parses one expression, such as the value of `--var`.
pub(crate) fn parse_expression(text: &str, file: FileId) -> Result<Expression, Box<Diagnostic>> {
    on_large_stack(|| {
        let lowering = Lowering::new(file, text, Vec::new());
        let parsed =
            parse(text.trim_end(), parser::parse_expr).map_err(|error| Box::new(diagnose(&lowering, &error)))?;
        lowering.expression(&parsed)
    })
}

/// How many keys of objects may come again in what is parsed at a time.
const MAX_REPEATED: usize = 100;

/// Parses what the parser alone would read otherwise, or refuse. Everything stays in its place.
fn parse<T>(text: &str, strictly: impl Fn(&str) -> Result<T, parser::Error>) -> Result<T, parser::Error> {
    let mut text = readable(text);
    let mut result = strictly(&text);
    for _ in 0..MAX_REPEATED {
        let Err(error) = &result else { break };
        let is_repeated = error.message().contains("found redefined object key");
        let offset = error.location().offset();
        let Some(without) = is_repeated.then(|| repeated_key::without_first(&text, offset)).flatten() else { break };
        text = Cow::Owned(without);
        result = strictly(&text);
    }
    result
}

/// Returns a text that the parser reads as HCL asks for, with everything in its place.
fn readable(text: &str) -> Cow<'_, str> {
    match heredoc::without_empty(text) {
        Cow::Borrowed(text) => for_object::joined(text),
        Cow::Owned(text) => Cow::Owned(for_object::joined(&text).into_owned()),
    }
}

/// Tells whether an expression may end here: all brackets, texts and heredocs are closed.
pub(crate) fn is_complete(text: &str) -> bool {
    let count = |wanted: Kind| move |token: &&Token| token.kind == wanted;
    let tokens = tokens(text);
    let number = |wanted: Kind| tokens.iter().filter(count(wanted)).count();
    let is_heredoc_begun = text.lines().last().is_some_and(is_heredoc_marker);
    tokens.iter().map(|token| token.kind.nesting()).sum::<i32>() <= 0
        && number(Kind::OpenHeredoc) <= number(Kind::CloseHeredoc)
        && !is_heredoc_begun
}

/// Tells whether a line ends in `<<EOT`, whose text begins in the next one.
fn is_heredoc_marker(line: &str) -> bool {
    let Some((_, marker)) = line.rsplit_once("<<") else { return false };
    let marker = marker.strip_prefix('-').unwrap_or(marker).trim_end();
    !marker.is_empty() && marker.chars().all(|character| character.is_alphanumeric() || character == '_')
}

/// Parses a text that is a template as a whole, such as a file for `templatefile`.
pub(crate) fn parse_template(text: &str, file: FileId) -> Result<Expression, Box<Diagnostic>> {
    on_large_stack(|| {
        let lowering = Lowering::new(file, text, Vec::new());
        let parsed = parser::parse_template(text).map_err(|error| Box::new(diagnose(&lowering, &error)))?;
        template::whole(&lowering, &parsed)
    })
}

/// How much of a file is parsed at a time, in bytes: the parser's tree weighs 45 times the text.
const PIECE_BYTES: usize = 4 * 1024;

/// Parses a whole file; the parser's tree is dropped as soon as it is in our own form.
pub(super) fn parse_body(text: &str, file: FileId) -> Result<Body, Vec<Diagnostic>> {
    if text.len() > 2 * PIECE_BYTES
        && let Some(body) = parse_pieces(text, file)
    {
        return Ok(body);
    }
    let tree = parse_tree(text, file)?;
    let lowering = Lowering::new(file, text, Vec::new());
    lowering.body(&tree).map_err(|diagnostic| vec![*diagnostic])
}

/// Parses a whole file into the parser's tree. After a mistake its top-level blocks are tried one by one, to find all
/// mistakes.
pub(super) fn parse_tree(text: &str, file: FileId) -> Result<structure::Body, Vec<Diagnostic>> {
    let error = match parse(text, parser::parse_body) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    let mut found = Vec::new();
    for (start, chunk) in chunks(text) {
        if let Err(error) = parse(chunk, parser::parse_body) {
            let shifts = vec![Shift { start: 0, origin: start }];
            found.push(diagnose(&Lowering::new(file, chunk, shifts), &error));
        }
    }
    if found.is_empty() {
        found.push(diagnose(&Lowering::new(file, text, Vec::new()), &error));
    }
    Err(found)
}

/// Parses a large file piece by piece, so that there is never a tree of all of it.
///
/// Nothing where a piece has a mistake, or was cut inside of something: what is open at a cut is a mistake, too.
fn parse_pieces(text: &str, file: FileId) -> Option<Body> {
    let parsed = of_pieces(text, &|origin, piece, tree| {
        Lowering::new(file, piece, vec![Shift { start: 0, origin }]).body(tree).ok()
    })?;
    let mut body = Body::default();
    for piece in parsed {
        let piece = piece?;
        body.attributes.extend(piece.attributes);
        body.blocks.extend(piece.blocks);
    }
    // What is set twice, in different pieces, is a mistake that the parser finds in the whole.
    let mut names = BTreeSet::new();
    body.attributes.iter().all(|attribute| names.insert(&*attribute.name)).then_some(())?;
    Some(body)
}

/// Works on the trees of all pieces of a text, on all cores: with the offset of each piece, and its text.
///
/// Nothing where a piece does not parse by itself.
pub(super) fn of_pieces<T: Send>(
    text: &str,
    work: &(dyn Fn(usize, &str, &structure::Body) -> T + Sync),
) -> Option<Vec<T>> {
    let of_piece = |(origin, piece): (usize, &str)| {
        let tree = parse(piece, parser::parse_body).ok()?;
        Some(work(origin, piece, &tree))
    };
    on_all_cores(pieces(text), &of_piece).into_iter().collect()
}

/// Joins the chunks of a file to pieces of some size.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    for (origin, chunk) in chunks(text) {
        let end = origin + chunk.len();
        if end - start >= PIECE_BYTES || end == text.len() {
            pieces.push((start, &text[start..end]));
            start = end;
        }
    }
    pieces
}

/// Cuts a file before every line that looks like the beginning of a block: a word in the first column.
///
/// Never behind an attribute: those that follow each other are laid out together.
fn chunks(text: &str) -> Vec<(usize, &str)> {
    let (mut cuts, mut offset, mut previous_ended) = (vec![0], 0, true);
    for line in text.split_inclusive('\n') {
        let begins = line.starts_with(|c: char| c.is_ascii_alphabetic()) && line.trim_end().ends_with(['{', '}']);
        if begins && previous_ended && offset > 0 {
            cuts.push(offset);
        }
        let trimmed = line.trim_end();
        let is_whole = begins && trimmed.ends_with('}') && !trimmed.contains('=');
        previous_ended = trimmed.is_empty() || trimmed == "}" || trimmed.starts_with('#') || is_whole;
        offset += line.len();
    }
    cuts.push(text.len());
    cuts.windows(2).map(|pair| (pair[0], &text[pair[0]..pair[1]])).collect()
}

/// Words the parser's error; where the parser is vague, looks for what is not closed.
pub(super) fn diagnose(lowering: &Lowering<'_>, error: &parser::Error) -> Diagnostic {
    let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join("; ");
    let start = error.location().offset().min(lowering.text.len());
    if !message.contains("at most")
        && let Some(found) = explain(lowering.text)
    {
        let diagnostic = Diagnostic::error(found.message).at(lowering.span(Some(found.range)));
        return match found.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        };
    }
    let rest = lowering.text.get(start..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    let span = lowering.span(Some(start..start + length));
    if let Some(diagnostic) = colon(lowering.text, start, span).or_else(|| single_quote(lowering.text, start, span)) {
        return diagnostic;
    }
    Diagnostic::error(reword(&message)).at(span)
}

/// Explains `name: value`, which YAML and JSON write.
fn colon(text: &str, at: usize, span: Span) -> Option<Diagnostic> {
    let line = text.get(at..)?;
    if !line.starts_with(':') {
        return None;
    }
    let message = "`:` does not give a value to an attribute";
    Some(Diagnostic::error(message).at(span).hint("write `name = value`"))
}

/// Explains `'text'`, which YAML and Python write.
fn single_quote(text: &str, at: usize, span: Span) -> Option<Diagnostic> {
    let line = text.get(at..)?;
    let message = "a text stands in double quotes";
    line.starts_with('\'').then(|| Diagnostic::error(message).at(span).hint("write `\"…\"`"))
}

fn reword(message: &str) -> String {
    if message.contains("at most 64 nested levels") {
        return "this is nested more than 64 levels deep, which is the limit".to_owned();
    }
    if message.contains("at most 128 chained binary operators") {
        return "more than 128 operators are chained, which is the limit".to_owned();
    }
    if message.contains("found redefined attribute") {
        return "this attribute is set twice".to_owned();
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ir::{Form, Part};
    use crate::model::Value;

    fn parse(text: &str) -> Result<Body, Vec<Diagnostic>> {
        on_large_stack(|| parse_body(text, FileId(0)))
    }

    #[track_caller]
    fn fails(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<(String, String)> = parse(text)
            .expect_err("a mistake")
            .into_iter()
            .map(|diagnostic| {
                let (span, _) = diagnostic.at.expect("a place");
                (text[span.start as usize..span.end as usize].to_owned(), diagnostic.message)
            })
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(at, message)| (at.as_str(), message.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn literal(text: &str, expected: &str) {
        let body = parse(text).expect("it parses");
        assert_eq!(body.attributes[0].value.as_text(), Some(expected), "{:?}", body.attributes[0].value);
    }

    #[test]
    fn every_block_with_a_mistake_is_reported() {
        fails(
            "a {\n  b = \"x\n}\n\nc {\n  d = 1\n}\n\ne {\n  f: 1\n}\n",
            &[
                ("\"x", "the text is not closed before the end of its line"),
                (":", "`:` does not give a value to an attribute"),
            ],
        );
    }

    #[test]
    fn single_quotes_are_explained() {
        fails("a = 'b'\n", &[("'", "a text stands in double quotes")]);
    }

    #[test]
    fn a_large_file_is_parsed_in_pieces_with_the_same_result() {
        let block = |index: usize| {
            format!("a \"b{index}\" {{\n  c = \"${{d}}-{index}\"\n  e = <<-EOT\n    f\n\n    g {{\n  EOT\n}}\n\n")
        };
        let text: String = (0..10_000).map(block).collect();
        let cut = pieces(&text);
        assert!(cut.len() > 5 && cut.iter().map(|(_, piece)| piece.len()).sum::<usize>() == text.len());
        let body = on_large_stack(|| parse_pieces(&text, FileId(0))).expect("it parses");
        assert_eq!(body.blocks.len(), 10_000);
        let label = &body.blocks[9_999].labels[0];
        assert_eq!(&text[label.span.start as usize..label.span.end as usize], "\"b9999\"");
        let whole = on_large_stack(|| {
            let lowering = Lowering::new(FileId(0), &text, Vec::new());
            lowering.body(&parser::parse_body(&text).expect("it parses")).expect("it is lowered")
        });
        assert_eq!(body, whole);
    }

    #[test]
    fn a_cut_inside_of_something_does_not_count() {
        let filler = "x = 1 # filler\n".repeat(3 * PIECE_BYTES / 15);
        let text = format!("a {{\n  b = <<EOT\n{filler}\nc {{\n  d = 1\n}}\nEOT\n}}\n");
        assert!(on_large_stack(|| parse_pieces(&text, FileId(0))).is_none());
        assert_eq!(parse(&text).expect("it parses").blocks.len(), 1);
    }

    #[test]
    fn depth_is_limited() {
        for (open, close) in [("[", "]"), ("(", ")"), ("{a=", "}"), ("-", ""), ("!", ""), ("f(", ")"), ("\"${", "}\"")]
        {
            let text = format!("a = {}1{}\n", open.repeat(100_000), close.repeat(100_000));
            let errors = parse(&text).expect_err(open);
            assert_eq!(errors[0].message, "this is nested more than 64 levels deep, which is the limit", "{open}");
        }
        let blocks = format!("{}{}", "a {\n".repeat(100_000), "}\n".repeat(100_000));
        let errors = parse(&blocks).expect_err("a limit");
        assert_eq!(errors.len(), 1, "one mistake, not one for each block");
        let chain = format!("a = {}1\n", "1 + ".repeat(100_000));
        assert_eq!(
            parse(&chain).expect_err("a limit")[0].message,
            "more than 128 operators are chained, which is the limit"
        );
        let splats = format!("a = x{}\n", "[*]".repeat(100_000));
        assert_eq!(parse(&splats).expect_err("a limit")[0].message, "more than 32 splats stand in one another");
    }

    #[test]
    fn what_is_set_twice_is_found_across_the_pieces_of_a_large_file() {
        let between = "x \"y\" {\n  a = 1\n}\n".repeat(20_000);
        let errors = parse(&format!("a = {{\n}}\n{between}a = {{\n}}\n")).expect_err("twice");
        assert_eq!(errors[0].message, "this attribute is set twice");
    }

    #[test]
    fn long_traversals_are_flat() {
        assert!(parse(&format!("a = x{}\n", ".b".repeat(100_000))).is_ok());
    }

    #[test]
    fn heredocs_lose_their_indentation() {
        literal("a = <<-EOT\n    b\n      c\n\n    d\n  EOT\n", "b\n  c\n\nd\n");
        literal("a = <<EOT\n  b\nEOT\n", "  b\n");
    }

    #[test]
    fn line_breaks_in_a_loop_end_nothing() {
        for value in [
            "k == 1 ? k :\n  f(k)",
            "k\n  ? 1\n  : 2",
            "a ||\n b",
            "k # why\n  + 1",
            "!\nk",
            "[\n1,\n]",
            "<<X\n  t\nX\n",
        ] {
            let text = format!("x = {{\n  for k in l :\n  k => {value}\n  if k }}\ny = 1\n");
            let body = parse(&text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
            assert_eq!(body.attributes.len(), 2);
            let span = body.attributes[1].name_span;
            assert_eq!(&text[span.start as usize..span.end as usize], "y");
        }
    }

    #[test]
    fn of_entries_with_one_key_the_last_counts() {
        let body = parse("x = { a = 1, b = 2, a = 3, a = 4 }\n").expect("it parses");
        let Form::Object(entries) = &body.attributes[0].value.form else { panic!("an object") };
        assert_eq!(entries.iter().map(|entry| entry.key.as_text()).collect::<Vec<_>>(), [Some("b"), Some("a")]);
        assert_eq!(entries[1].key.span.start, 27);
    }

    #[test]
    fn directives_in_heredocs_are_dedented_too() {
        let text = "a = <<-EOT\n    %{ for x in y ~}\n    - ${x}\n      sub\n    %{ endfor ~}\n    end\n  EOT\n";
        let body = parse(text).expect("it parses");
        let Form::Template(parts) = &body.attributes[0].value.form else { panic!("a template") };
        let Part::For(each) = &parts[0] else { panic!("a loop: {parts:?}") };
        let body = &each.body;
        // As in Terraform, what `~` joins to the line before does not begin a line.
        assert_eq!(body[0], Part::Literal("    - ".into()));
        assert_eq!(body[2], Part::Literal("\n  sub\n".into()));
        let Part::Interpolation(inner) = &body[1] else { panic!("an interpolation") };
        assert_eq!(&text[inner.span.start as usize..inner.span.end as usize], "x");
    }

    #[test]
    fn a_sole_interpolation_stays_a_template_of_one_part() {
        let body = parse("a = \"${b}\"\nc = 12345678901234567890.5\n").expect("it parses");
        assert!(matches!(&body.attributes[0].value.form, Form::Template(parts) if parts.len() == 1));
        let Form::Literal(Value::Number(number)) = &body.attributes[1].value.form else { panic!("a number") };
        assert_eq!(number.to_string(), "12345678901234567890.5");
    }
}

//! Of the entries of an object with the same key the last one counts, as in Terraform; the parser refuses them.
use super::format::tokens::{Kind, Token, tokens};

/// Returns a text without the first entry whose key comes again at an offset, with all else in its place.
pub(super) fn without_first(text: &str, again: usize) -> Option<String> {
    let tokens = tokens(text);
    let at = tokens.iter().position(|token| token.range.start == again)?;
    let wanted = key(text, &tokens[at..])?;
    let open = opened(&tokens[..at])?;
    let mut entries = entries(&tokens[open + 1..at]);
    let first = entries.find(|entry| key(text, entry) == Some(wanted))?;
    let range = first.first()?.range.start..first.last()?.range.end;
    let mut without = text.to_owned();
    without.replace_range(range.clone(), &" ".repeat(range.len()));
    Some(without)
}

/// Returns the text of the key that some tokens begin with.
fn key<'t>(text: &'t str, tokens: &[Token]) -> Option<&'t str> {
    let end = tokens.iter().position(|token| matches!(token.kind, Kind::Equal | Kind::Colon))?;
    Some(text[tokens.first()?.range.start..tokens[end].range.start].trim_end())
}

/// Returns the place of the bracket that is still open behind some tokens.
fn opened(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().rposition(|token| {
        depth += token.kind.nesting();
        depth == 1
    })
}

/// Returns the entries of an object, each with the comma behind it.
fn entries<'t>(tokens: &'t [Token]) -> impl Iterator<Item = &'t [Token]> {
    let mut depth = 0;
    let entries = tokens.chunk_by(move |token, _| {
        depth += token.kind.nesting();
        depth > 0 || !(token.kind == Kind::Comma || token.kind.ends_line())
    });
    // A line break stays where it is: it may end the text of a heredoc, or a comment.
    let inner = |entry: &'t [Token]| {
        let [inner @ .., last] = entry else { return entry };
        if last.kind.ends_line() { inner } else { entry }
    };
    entries.map(inner).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let again = text.find('!').expect("a mark");
        let text = text.replacen('!', "", 1);
        assert_eq!(without_first(&text, again).as_deref(), Some(expected));
    }

    #[test]
    fn the_first_of_two_entries_goes_and_nothing_moves() {
        check("x = { a = 1, !a = 2 }\n", "x = {        a = 2 }\n");
        check(
            "x = {\n  b = {\n    a = 0\n  }\n  a = [ # why\n    1 ]\n  !a = 2\n}\n",
            "x = {\n  b = {\n    a = 0\n  }\n                     \n  a = 2\n}\n",
        );
        check("x = { \"a\" : f(1, 2), b = 3, !\"a\" : 2 }\n", "x = {                b = 3, \"a\" : 2 }\n");
    }
}

//! Works around a defect of the parser: between the operators of a `{ for … }` it takes a line break for the end.
use std::borrow::Cow;

use super::format::tokens::{Kind, Token, tokens};

/// Returns a text in which `{ for … }` are on one line, without comments, with all else in its place.
///
/// <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#collection-values>
pub(super) fn joined(text: &str) -> Cow<'_, str> {
    if !may_hold_for(text) {
        return Cow::Borrowed(text);
    }
    let tokens = tokens(text);
    let (mut joined, mut at) = (String::with_capacity(text.len()), 0);
    for token in breaks(text, &tokens) {
        joined.push_str(&text[at..token.range.start]);
        joined.extend(std::iter::repeat_n(' ', token.range.len()));
        at = token.range.end;
    }
    joined.push_str(&text[at..]);
    Cow::Owned(joined)
}

fn may_hold_for(text: &str) -> bool {
    text.match_indices("for").any(|(at, _)| {
        let before = text[..at].trim_end();
        let is_word = text[at + 3..].starts_with(|after: char| after.is_ascii_whitespace());
        // Behind a comment, too; whatever else stands first in its line is found to be no loop.
        is_word && (before.ends_with('{') || text[before.len()..at].contains('\n'))
    })
}

/// Returns the line breaks and comments that stand right in a `{ for … }`, not in other brackets there.
fn breaks<'t>(text: &str, tokens: &'t [Token]) -> Vec<&'t Token> {
    let (mut breaks, mut around, mut previous) = (Vec::new(), Vec::new(), Kind::Other);
    for (index, token) in tokens.iter().enumerate() {
        match token.kind.nesting() {
            1 => around.push(token.kind == Kind::OpenBrace && begins_with_for(text, &tokens[index + 1..])),
            -1 => drop(around.pop()),
            _ => {}
        }
        let is_break = token.kind.ends_line() || token.kind.is_comment();
        // The line of a heredoc's marker has an end.
        if is_break && around.last() == Some(&true) && previous != Kind::CloseHeredoc {
            breaks.push(token);
        }
        previous = token.kind;
    }
    breaks
}

fn begins_with_for(text: &str, tokens: &[Token]) -> bool {
    let mut tokens = tokens.iter().filter(|token| !token.kind.ends_line() && !token.kind.is_comment());
    let is_word = |token: Option<&Token>| token.is_some_and(|token| token.kind == Kind::Word);
    tokens.next().is_some_and(|token| &text[token.range.clone()] == "for") && is_word(tokens.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_breaks_right_in_a_loop_go_and_nothing_moves() {
        let text =
            "a = {\n  for k in b : # why\n  k => k ?\n  [\n    1\n  ] : {\n    c = 1\n  }\n}\nd = {\n  for = 1\n}\n";
        let expected =
            "a = {   for k in b :         k => k ?   [\n    1\n  ] : {\n    c = 1\n  } }\nd = {\n  for = 1\n}\n";
        assert_eq!(joined(text), expected);
        assert_eq!(joined(text).len(), text.len());
    }

    #[test]
    fn what_holds_no_loop_is_not_copied() {
        assert!(matches!(joined("a = [for k in b : k]\nc = {\n  d = 1\n}\n"), Cow::Borrowed(_)));
    }
}

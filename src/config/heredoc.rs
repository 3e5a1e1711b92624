//! Works around a defect of the parser: it reads an empty heredoc on to the next line that bears its marker.
use std::borrow::Cow;

use super::format::tokens::{Kind, tokens};

/// Returns a text in which every empty heredoc is `""`, with all else in its place.
pub(super) fn without_empty(text: &str) -> Cow<'_, str> {
    if !may_hold_empty(text) {
        return Cow::Borrowed(text);
    }
    let (mut filled, mut at) = (String::with_capacity(text.len()), 0);
    for pair in tokens(text).windows(2) {
        if pair[0].kind == Kind::OpenHeredoc && pair[1].kind == Kind::CloseHeredoc {
            let range = pair[0].range.start..pair[1].range.end;
            filled.push_str(&text[at..range.start]);
            filled.push_str("\"\"");
            filled.extend(std::iter::repeat_n(' ', range.len() - 2));
            at = range.end;
        }
    }
    filled.push_str(&text[at..]);
    Cow::Owned(filled)
}

/// Tells whether somewhere a line that opens a heredoc may be followed by its marker.
fn may_hold_empty(text: &str) -> bool {
    text.match_indices("<<").any(|(at, _)| {
        let mut lines = text[at + 2..].lines();
        let marker = lines.next().map(|line| line.strip_prefix('-').unwrap_or(line).trim_end());
        lines.next().map(str::trim) == marker
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_empty_heredocs_are_filled_and_nothing_moves() {
        let text = "a = <<EOT\nEOT\nb = <<-X\n  y\n  X\nc = [<<-Z\n  Z\n]\n";
        let expected = "a = \"\"       \nb = <<-X\n  y\n  X\nc = [\"\"      \n]\n";
        assert_eq!(without_empty(text), expected);
        assert_eq!(without_empty(text).len(), text.len());
        let in_a_text = "a = \"<<EOT\"\n# <<EOT\n# EOT\n";
        assert_eq!(without_empty(in_a_text), in_a_text);
    }
}

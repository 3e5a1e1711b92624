//! Tokens into lines with their indentation, spaces, and columns of `=` and comments.
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::spacing::is_spaced;
use super::tokens::{Kind, Token, tokens};

/// One line in three cells. A line with nothing to align has all of its tokens in `lead`.
#[derive(Clone, Debug)]
struct Line {
    lead: Range<usize>,
    /// From `=` on, where the rest of the line closes what it opens.
    assign: Range<usize>,
    /// The comment at the end of a line that holds something else.
    comment: Range<usize>,
}

/// Lays out a text that parses.
pub(super) fn lay_out(text: &str) -> String {
    let tokens = tokens(text);
    let lines = lines(&tokens);
    let mut layout = Layout { text, tokens: &tokens, spaces: vec![0; tokens.len()] };
    layout.indent(&lines);
    layout.space(&lines);
    layout.align(&lines, |line| &line.assign);
    layout.align(&lines, |line| &line.comment);
    layout.written()
}

/// Cuts tokens into lines. A heredoc belongs to the line that opens it.
fn lines(tokens: &[Token]) -> Vec<Line> {
    let (mut lines, mut start) = (Vec::new(), 0);
    for (index, token) in tokens.iter().enumerate() {
        if token.kind.ends_line() {
            lines.push(line(tokens, start..index + 1));
            start = index + 1;
        }
    }
    if start < tokens.len() {
        lines.push(line(tokens, start..tokens.len()));
    }
    lines
}

fn line(tokens: &[Token], all: Range<usize>) -> Line {
    let has_comment = all.len() > 1 && tokens[all.end - 1].kind.is_comment();
    let end = if has_comment { all.end - 1 } else { all.end };
    let kinds = |range: Range<usize>| tokens[range].iter().map(|token| token.kind);
    let equal = kinds(all.start..end).skip(1).position(|kind| kind == Kind::Equal).map(|index| all.start + 1 + index);
    let is_whole = |equal: &usize| kinds(*equal..end).map(Kind::nesting).sum::<i32>() == 0;
    let assign = equal.filter(is_whole).unwrap_or(end);
    Line { lead: all.start..assign, assign: assign..end, comment: end..all.end }
}

struct Layout<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// How many spaces stand before each token.
    spaces: Vec<usize>,
}

impl Layout<'_> {
    /// Indents by two what stands in brackets. Brackets that one line opens together count as one step.
    fn indent(&mut self, lines: &[Line]) {
        let mut open: Vec<i32> = Vec::new();
        for line in lines {
            let Some(first) = self.tokens.get(line.lead.clone()).and_then(<[Token]>::first) else { continue };
            if first.kind == Kind::Newline {
                continue;
            }
            let net = self.net(line);
            if net < 0 {
                close(&mut open, -net);
            }
            self.spaces[line.lead.start] = 2 * open.len();
            if net > 0 {
                open.push(net);
            }
        }
    }

    /// Returns how many more brackets are open behind a line than before it.
    fn net(&self, line: &Line) -> i32 {
        self.tokens[line.lead.start..line.assign.end].iter().map(|token| token.kind.nesting()).sum()
    }

    /// Puts one space or none between the tokens of each cell.
    fn space(&mut self, lines: &[Line]) {
        for line in lines {
            for cell in [&line.lead, &line.assign] {
                for index in cell.start + 1..cell.end {
                    let (token, next) = (&self.tokens[index - 1], &self.tokens[index]);
                    let before = (index >= cell.start + 2).then(|| self.tokens[index - 2].kind);
                    let is_in = token.kind == Kind::Word && &self.text[token.range.clone()] == "in";
                    self.spaces[index] = usize::from(is_spaced(before, token.kind, next.kind, is_in));
                }
            }
        }
    }

    /// Lets a cell begin in one column in every run of lines that have it.
    fn align(&mut self, lines: &[Line], cell: fn(&Line) -> &Range<usize>) {
        for run in lines.chunk_by(|left, right| cell(left).is_empty() == cell(right).is_empty()) {
            if run.first().is_none_or(|line| cell(line).is_empty()) {
                continue;
            }
            let widths: Vec<usize> = run.iter().map(|line| self.width(line.lead.start..cell(line).start)).collect();
            let widest = widths.iter().copied().max().unwrap_or(0);
            for (line, width) in run.iter().zip(widths) {
                self.spaces[cell(line).start] = widest - width + 1;
            }
        }
    }

    /// Returns how many characters a stretch of a line takes, as a reader counts them.
    fn width(&self, range: Range<usize>) -> usize {
        let of = |index: usize| {
            let text = &self.text[self.tokens[index].range.clone()];
            let length = if text.is_ascii() { text.len() } else { text.graphemes(true).count() };
            self.spaces[index] + length
        };
        range.map(of).sum()
    }

    fn written(&self) -> String {
        let mut written = String::with_capacity(self.text.len() + self.text.len() / 8);
        for (token, spaces) in self.tokens.iter().zip(&self.spaces) {
            written.extend(std::iter::repeat_n(' ', *spaces));
            written.push_str(&self.text[token.range.clone()]);
        }
        written
    }
}

/// Closes brackets, the innermost first; a step of indentation ends with the last bracket of its line.
fn close(open: &mut Vec<i32>, mut brackets: i32) {
    while brackets > 0
        && let Some(last) = open.last_mut()
    {
        if *last > brackets {
            *last -= brackets;
            return;
        }
        brackets -= *last;
        open.pop();
    }
}

//! Source text into tokens, each with its place. Every byte that is no token is white space within a line.
use std::ops::Range;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// What a token is, as far as layout depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    Newline,
    /// From `#` or `//` to the end of its line, the line end included.
    LineComment,
    BlockComment,
    Word,
    Number,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    /// `${`, `${~`, `%{` or `%{~`.
    OpenTemplate,
    /// `}` or `~}` at the end of a template sequence.
    CloseTemplate,
    OpenQuote,
    CloseQuote,
    /// `<<EOT` or `<<-EOT`, with its line end.
    OpenHeredoc,
    /// The line of the marker, without its line end.
    CloseHeredoc,
    /// Text inside of quotes or of a heredoc.
    Literal,
    Equal,
    Colon,
    DoubleColon,
    Comma,
    Question,
    Dot,
    Ellipsis,
    Bang,
    Minus,
    /// Any other operator: arithmetic, comparison, logic.
    Operator,
    /// `=>`, and what belongs to no other kind.
    Other,
}

impl Kind {
    /// Returns how many more brackets are open behind the token than before it.
    pub(in crate::config) fn nesting(self) -> i32 {
        match self {
            Self::OpenBrace | Self::OpenBracket | Self::OpenParenthesis | Self::OpenTemplate => 1,
            Self::CloseBrace | Self::CloseBracket | Self::CloseParenthesis | Self::CloseTemplate => -1,
            _ => 0,
        }
    }

    /// Tells whether a line ends with the token.
    pub(in crate::config) fn ends_line(self) -> bool {
        matches!(self, Self::Newline | Self::LineComment)
    }

    /// Tells whether the token is a comment.
    pub(in crate::config) fn is_comment(self) -> bool {
        matches!(self, Self::LineComment | Self::BlockComment)
    }
}

/// Cuts a text that parses into tokens. Any other text ends in tokens, too, though not always in sensible ones.
pub(in crate::config) fn tokens(text: &str) -> Vec<Token> {
    let mut scanner = Scanner { text, at: 0, tokens: Vec::with_capacity(text.len() / 4), around: Vec::new() };
    while scanner.at < text.len() {
        match scanner.around.last() {
            Some(Around::Quotes) => scanner.quoted(),
            Some(Around::Heredoc(_)) => scanner.heredoc(),
            _ => scanner.code(),
        }
    }
    scanner.tokens
}

/// What the scanner is inside of.
#[derive(Clone, Debug)]
enum Around {
    Quotes,
    /// With the marker's place.
    Heredoc(Range<usize>),
    /// `${` or `%{`.
    Template,
    /// `{`.
    Brace,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    around: Vec<Around>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, range: self.at..self.at + length });
        self.at += length;
    }

    /// Reads one token outside of texts.
    fn code(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        match first {
            '\n' => self.push(Kind::Newline, 1),
            '\r' if rest[1..].starts_with('\n') => self.push(Kind::Newline, 2),
            ' ' | '\t' | '\r' => self.at += 1,
            '#' => self.line_comment(),
            '/' if rest.starts_with("//") => self.line_comment(),
            '/' if rest.starts_with("/*") => {
                self.push(Kind::BlockComment, rest.find("*/").map_or(rest.len(), |end| end + 2));
            }
            '"' => self.enter(Kind::OpenQuote, 1, Around::Quotes),
            '{' => self.enter(Kind::OpenBrace, 1, Around::Brace),
            '}' => self.close_brace(),
            '~' if rest.starts_with("~}") && matches!(self.around.last(), Some(Around::Template)) => {
                self.around.pop();
                self.push(Kind::CloseTemplate, 2);
            }
            '<' if rest.starts_with("<<") => self.open_heredoc(),
            '0'..='9' => self.push(Kind::Number, number(rest)),
            _ if is_word_start(first) => {
                let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
                self.push(Kind::Word, end);
            }
            _ => self.sign(first),
        }
    }

    fn enter(&mut self, kind: Kind, length: usize, around: Around) {
        self.push(kind, length);
        self.around.push(around);
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        self.push(Kind::LineComment, rest.find('\n').map_or(rest.len(), |end| end + 1));
    }

    fn close_brace(&mut self) {
        match self.around.pop() {
            Some(Around::Template) => self.push(Kind::CloseTemplate, 1),
            _ => self.push(Kind::CloseBrace, 1),
        }
    }

    fn sign(&mut self, first: char) {
        const SIGNS: [(&str, Kind); 27] = [
            ("...", Kind::Ellipsis),
            ("::", Kind::DoubleColon),
            ("==", Kind::Operator),
            ("!=", Kind::Operator),
            ("<=", Kind::Operator),
            (">=", Kind::Operator),
            ("&&", Kind::Operator),
            ("||", Kind::Operator),
            ("=>", Kind::Other),
            ("[", Kind::OpenBracket),
            ("]", Kind::CloseBracket),
            ("(", Kind::OpenParenthesis),
            (")", Kind::CloseParenthesis),
            ("=", Kind::Equal),
            (":", Kind::Colon),
            (",", Kind::Comma),
            ("?", Kind::Question),
            (".", Kind::Dot),
            ("!", Kind::Bang),
            ("-", Kind::Minus),
            ("+", Kind::Operator),
            ("*", Kind::Operator),
            ("/", Kind::Operator),
            ("%", Kind::Operator),
            ("<", Kind::Operator),
            (">", Kind::Operator),
            ("\u{FEFF}", Kind::Other),
        ];
        let rest = self.rest();
        match SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            Some((sign, kind)) => self.push(*kind, sign.len()),
            None => self.push(Kind::Other, first.len_utf8()),
        }
    }

    /// Reads up to the next template sequence or the closing quote.
    fn quoted(&mut self) {
        let (rest, mut end) = (self.rest(), 0);
        while let Some(next) = rest[end..].find(['"', '\\', '$', '%']) {
            end += next;
            match rest.as_bytes()[end] {
                b'\\' => end += 1 + rest[end + 1..].chars().next().map_or(0, char::len_utf8),
                b'"' => break,
                _ if is_escaped_template(&rest[end..]) => end += 3,
                _ if is_template(&rest[end..]) => break,
                _ => end += 1,
            }
        }
        if !rest[end..].starts_with(['"', '$', '%']) {
            end = rest.len();
        }
        if end > 0 {
            return self.push(Kind::Literal, end);
        }
        if rest.starts_with('"') {
            self.around.pop();
            return self.push(Kind::CloseQuote, 1);
        }
        self.open_template();
    }

    fn open_template(&mut self) {
        let length = if self.rest()[2..].starts_with('~') { 3 } else { 2 };
        self.enter(Kind::OpenTemplate, length, Around::Template);
    }

    fn open_heredoc(&mut self) {
        let rest = self.rest();
        let word = rest[2..].strip_prefix('-').unwrap_or(&rest[2..]);
        let start = rest.len() - word.len();
        let end = start + word.find(|character| !is_word(character)).unwrap_or(word.len());
        let Some(line) = rest[end..].find('\n').filter(|_| end > start) else { return self.sign('<') };
        let marker = self.at + start..self.at + end;
        self.enter(Kind::OpenHeredoc, end + line + 1, Around::Heredoc(marker));
    }

    /// Reads up to the next template sequence or the line of the marker.
    fn heredoc(&mut self) {
        let Some(Around::Heredoc(marker)) = self.around.last() else { return };
        let (rest, marker, mut end) = (self.rest(), &self.text[marker.clone()], 0);
        let mut begins_line = self.text[..self.at].ends_with('\n');
        loop {
            if begins_line && rest[end..].lines().next().is_some_and(|line| line.trim() == marker) {
                return self.close_heredoc(end, marker.len());
            }
            let Some(next) = rest[end..].find(['\n', '$', '%']) else { break };
            end += next;
            begins_line = rest[end..].starts_with('\n');
            if is_template(&rest[end..]) {
                if end > 0 {
                    self.push(Kind::Literal, end);
                }
                return self.open_template();
            }
            end += if is_escaped_template(&rest[end..]) { 3 } else { 1 };
        }
        self.push(Kind::Literal, rest.len());
    }

    fn close_heredoc(&mut self, literal: usize, marker: usize) {
        if literal > 0 {
            self.push(Kind::Literal, literal);
        }
        let indentation = self.rest().len() - self.rest().trim_start().len();
        self.around.pop();
        self.push(Kind::CloseHeredoc, indentation + marker);
    }
}

/// Tells whether a text begins with `${` or `%{`.
fn is_template(text: &str) -> bool {
    text.starts_with("${") || text.starts_with("%{")
}

/// Tells whether a text begins with `$${` or `%%{`, which stand for themselves less one sign.
fn is_escaped_template(text: &str) -> bool {
    text.starts_with("$${") || text.starts_with("%%{")
}

/// Outside of texts and comments, what is not ASCII can only belong to a name.
fn is_word_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii() && character != '\u{FEFF}'
}

fn is_word(character: char) -> bool {
    is_word_start(character) || character.is_ascii_digit() || character == '-'
}

/// Returns the length of the number that a text begins with.
fn number(text: &str) -> usize {
    let digits = |from: usize| text[from..].len() - text[from..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    end
}

//! Finds what a parser cannot say well: texts, heredocs, brackets and directives that are not closed.
use std::ops::Range;

/// What is wrong, where, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Explanation {
    pub range: Range<usize>,
    pub message: String,
    pub hint: Option<&'static str>,
}

/// Returns the first thing in a text that is opened and never closed, or closed and never opened.
pub(super) fn explain(text: &str) -> Option<Explanation> {
    let mut scanner = Scanner { text, at: 0, open: Vec::new(), directives: Vec::new() };
    scanner.run().err().or_else(|| scanner.unclosed())
}

/// What is open at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Bracket(char),
    Quote,
    Template,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: Vec<(Open, usize)>,
    /// `if` and `for` directives, with the depth of `open` around them.
    directives: Vec<(&'a str, usize, usize)>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn run(&mut self) -> Result<(), Explanation> {
        while let Some(character) = self.rest().chars().next() {
            if matches!(self.open.last(), Some((Open::Quote, _))) {
                self.quoted(character)?;
            } else {
                self.code(character)?;
            }
        }
        Ok(())
    }

    /// Reads on inside of quotes.
    fn quoted(&mut self, character: char) -> Result<(), Explanation> {
        let rest = self.rest();
        match character {
            '\n' => return Err(self.unclosed_quote()),
            '\\' => self.at += 1 + rest[1..].chars().next().filter(|next| *next != '\n').map_or(0, char::len_utf8),
            '"' => self.close_quote()?,
            '$' | '%' if rest[1..].starts_with(character) && rest[2..].starts_with('{') => self.at += 3,
            '$' | '%' if rest[1..].starts_with('{') => self.open_template(character)?,
            _ => self.at += character.len_utf8(),
        }
        Ok(())
    }

    fn close_quote(&mut self) -> Result<(), Explanation> {
        self.open.pop();
        if let Some((word, at, depth)) = self.directives.last().copied()
            && depth > self.open.len()
        {
            return Err(unclosed_directive(word, at));
        }
        self.at += 1;
        Ok(())
    }

    fn open_template(&mut self, sign: char) -> Result<(), Explanation> {
        let start = self.at;
        self.at += 2;
        if sign == '%' {
            let words = self.rest().trim_start_matches('~').trim_start();
            let end = words.find(|character: char| !character.is_alphanumeric()).unwrap_or(words.len());
            self.directive(&words[..end], start)?;
        }
        self.open.push((Open::Template, start));
        Ok(())
    }

    fn directive(&mut self, word: &'a str, at: usize) -> Result<(), Explanation> {
        let opener = match word {
            "endif" | "else" => "if",
            "endfor" => "for",
            _ => {
                self.directives.push((word, at, self.open.len()));
                return Ok(());
            }
        };
        match self.directives.last() {
            Some((found, ..)) if *found == opener && word == "else" => {}
            Some((found, ..)) if *found == opener => drop(self.directives.pop()),
            _ => {
                let message = format!("`%{{ {word} }}` has no `%{{ {opener} … }}` before it");
                return Err(Explanation { range: at..at + 2, message, hint: None });
            }
        }
        Ok(())
    }

    /// Reads on outside of quotes.
    fn code(&mut self, character: char) -> Result<(), Explanation> {
        let rest = self.rest();
        match character {
            '#' => self.skip_line(),
            '/' if rest.starts_with("//") => self.skip_line(),
            '/' if rest.starts_with("/*") => self.comment()?,
            '"' => {
                self.open.push((Open::Quote, self.at));
                self.at += 1;
            }
            '<' if rest.starts_with("<<") => self.heredoc()?,
            '{' | '[' | '(' => {
                self.open.push((Open::Bracket(character), self.at));
                self.at += 1;
            }
            '}' | ']' | ')' => self.close(character)?,
            _ => self.at += character.len_utf8(),
        }
        Ok(())
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn comment(&mut self) -> Result<(), Explanation> {
        let end = self.rest().find("*/").ok_or_else(|| Explanation {
            range: self.at..self.at + 2,
            message: "the comment is not closed".to_owned(),
            hint: Some("end it with `*/`"),
        })?;
        self.at += end + 2;
        Ok(())
    }

    fn close(&mut self, character: char) -> Result<(), Explanation> {
        let opener = match character {
            '}' => '{',
            ']' => '[',
            _ => '(',
        };
        match self.open.last().copied() {
            Some((Open::Bracket(found), _)) if found == opener => {}
            Some((Open::Template, _)) if opener == '{' => {}
            Some((Open::Bracket(found), at)) => {
                let message = format!("`{found}` is not closed before this `{character}`");
                return Err(Explanation { range: at..at + 1, message, hint: None });
            }
            _ => {
                let message = format!("`{character}` closes nothing");
                return Err(Explanation { range: self.at..self.at + 1, message, hint: None });
            }
        }
        self.open.pop();
        self.at += 1;
        Ok(())
    }

    /// Skips a heredoc up to the line that ends it.
    fn heredoc(&mut self) -> Result<(), Explanation> {
        let start = self.at;
        let head = self.rest()[2..].trim_start_matches('-');
        let line = head.find('\n').unwrap_or(head.len());
        let word = head[..line].trim_end();
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
            self.at += 2;
            return Ok(());
        }
        let mut offset = self.text.len() - head.len() + line;
        for line in head[line..].split_inclusive('\n') {
            if line.trim_start().trim_end_matches(['\n', ',', ')', ']', '}', ' ']) == word {
                self.at = offset + line.find(word).unwrap_or(0) + word.len();
                return Ok(());
            }
            offset += line.len();
        }
        Err(Explanation {
            range: start..start + 2 + word.len(),
            message: format!("the heredoc `{word}` is not closed"),
            hint: Some("its name must stand alone on a line behind the text"),
        })
    }

    fn unclosed(&self) -> Option<Explanation> {
        let (open, at) = *self.open.last()?;
        Some(match open {
            Open::Quote => self.unclosed_quote(),
            Open::Template => unclosed_bracket("${", at),
            Open::Bracket(bracket) => unclosed_bracket(&bracket.to_string(), at),
        })
    }

    fn unclosed_quote(&self) -> Explanation {
        let start = self.open.last().map_or(self.at, |(_, at)| *at);
        Explanation {
            range: start..self.at,
            message: "the text is not closed before the end of its line".to_owned(),
            hint: Some("write `\"` at its end, or use a heredoc (`<<-EOT`) for a text of several lines"),
        }
    }
}

fn unclosed_bracket(bracket: &str, at: usize) -> Explanation {
    Explanation { range: at..at + bracket.len(), message: format!("`{bracket}` is not closed"), hint: None }
}

fn unclosed_directive(word: &str, at: usize) -> Explanation {
    Explanation {
        range: at..at + 2,
        message: format!("`%{{ {word} … }}` is not closed"),
        hint: Some(if word == "for" { "end it with `%{ endfor }`" } else { "end it with `%{ endif }`" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Range<usize>, &str)>) {
        let found = explain(text).map(|explanation| (explanation.range, explanation.message));
        assert_eq!(found, expected.map(|(range, message)| (range, message.to_owned())), "{text}");
    }

    #[test]
    fn what_is_not_closed_is_found_where_it_begins() {
        check("a = \"b\nc = 1\n", Some((4..6, "the text is not closed before the end of its line")));
        check("a = [1,\n", Some((4..5, "`[` is not closed")));
        check("a {\n  b = (1\n}\n", Some((10..11, "`(` is not closed before this `}`")));
        check("a = \"${b\"\n", Some((8..9, "the text is not closed before the end of its line")));
        check("a = \"%{if b}c\"\n", Some((5..7, "`%{ if … }` is not closed")));
        check("a = \"%{endfor}\"\n", Some((5..7, "`%{ endfor }` has no `%{ for … }` before it")));
        check("a = <<-EOT\n  b\n", Some((4..9, "the heredoc `EOT` is not closed")));
        check("/* a\n", Some((0..2, "the comment is not closed")));
        check("a }\n", Some((2..3, "`}` closes nothing")));
    }

    #[test]
    fn what_is_closed_is_not_explained() {
        check("a = \"$${b %%{ \\\" ${ \"x\" } %{if c}d%{else}e%{endif}\" # \"\nb = <<EOT\n\"{\nEOT\n", None);
        check("a = f(<<EOT\nx\nEOT\n)\n// (\n", None);
    }
}

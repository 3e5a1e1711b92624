//! Made-up configurations in untidy layout, and damaged ones.
use super::random::Random;

const WORDS: [&str; 8] = ["a", "b", "abc", "long_name_here", "x-y", "größe", "for", "in"];
const ATOMS: [&str; 14] = [
    "1",
    "-1",
    "1.5e3",
    "true",
    "null",
    "var.x",
    "local.a0",
    "a.b.c",
    "a[0]",
    "a.*.b",
    "a[*].b",
    "\"s\"",
    "\"${x}\"",
    "each.value[\"k\"]",
];
const FUNCTIONS: [&str; 10] =
    ["upper", "concat", "merge", "try", "length", "jsonencode", "range", "format", "flatten", "tolist"];
const OPERATORS: [&str; 10] = ["+", " - ", "*", "/", "%", "==", "!=", "<", "&&", "||"];
/// What damages a text.
const SHARDS: [&str; 24] = [
    "{", "}", "[", "]", "(", ")", "\"", "${", "%{", "~}", "$${", "<<EOT\n", "<<-EOT\n", "EOT\n", "\n", "\r\n", "#",
    "/*", "\\", "\u{FEFF}", "é", "= ", "...", "\u{0}",
];

/// Writes made-up texts.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    pub random: Random,
}

impl Generator {
    /// Returns a configuration that parses, as a list of blocks.
    pub(super) fn blocks(&mut self) -> Vec<String> {
        let mut blocks = Vec::new();
        for index in 0..=self.random.below(5) {
            let name = format!("a{index}");
            let (indent, space, value) = (self.indent(), self.space(), self.expression(3, true));
            blocks.push(match self.random.below(4) {
                0 => format!("output {name}{space}{{\n{indent}value{space}= {value}\n}}\n"),
                1 => format!("resource \"config_map\" {name} {{{space}\n{}{indent}}}\n", self.body(2)),
                _ => format!("locals{space}{{\n{indent}{name}{space}={space}{value}\n{indent}}}\n"),
            });
        }
        blocks
    }

    /// Returns the inside of a block: attributes, comments, blank lines, heredocs, blocks.
    pub(super) fn body(&mut self, depth: usize) -> String {
        let mut body = String::new();
        for index in 0..self.random.below(6) {
            let (indent, space) = (self.indent(), self.space());
            let word = self.random.choose(&WORDS);
            let line = match self.random.below(10) {
                0 => self.random.choose(&["\n", "\n\n\n", "  \n"]).to_owned(),
                1 => format!(
                    "{indent}{}\n",
                    self.random.choose(&["# full", "// full", "/* block */", "/* two\n  lines */"])
                ),
                2 if depth > 0 => {
                    let label = self.random.choose(&["", " \"l\"", " \"two words\" m", " /* c */ m"]);
                    format!(
                        "{indent}block{label}{space}{{{}{}}}{}",
                        self.line_end(),
                        self.body(depth - 1),
                        self.line_end()
                    )
                }
                3 => format!("{indent}h{index}{space}={space}{}\n", self.heredoc()),
                _ => {
                    let (value, end) = (self.expression(3, true), self.line_end());
                    format!("{indent}{word}{index}{space}={space}{value}{end}")
                }
            };
            body.push_str(&line);
        }
        body
    }

    /// Returns an expression; `several` allows line ends in brackets.
    pub(super) fn expression(&mut self, depth: usize, several: bool) -> String {
        if depth == 0 {
            return self.random.choose(&ATOMS).to_owned();
        }
        let space = self.space();
        let break_ = if several && self.random.once_in(4) { self.line_end() } else { String::new() };
        let mut inner = |several| self.expression(depth - 1, several);
        match inner(false).len() % 12 {
            0 => format!("[{break_}{}{space},{}{break_}]", inner(several), inner(several)),
            1 => format!("{{{space}k{space}={}{space},\"q\"={}{space}}}", inner(several), inner(several)),
            2 => format!("{{\n  k = {}\n\n(a){space}:{space}{}\n}}", inner(several), inner(several)),
            3 => format!("({break_}{}{space})", inner(several)),
            4 => format!("{}{space}?{space}{} :{}", inner(false), inner(false), inner(false)),
            5 => {
                format!("[for v{space} in {space}{}{space}:{}{space}if {}]", inner(false), inner(several), inner(false))
            }
            6 => format!("{{for k,v in {}:k=>{}{space}...}}", inner(false), inner(several)),
            7 => format!("\"{space}${{{space}{}{space}}}é\\n$${{x}}%{{ if true ~}} y %{{ endif }}\"", inner(false)),
            8 => format!("-{space}({})", inner(several)),
            9 => format!("!{space}{}", inner(false)),
            10 => {
                let (left, right) = (inner(false), inner(false));
                format!("{left}{space}{}{space}{right}", self.random.choose(&OPERATORS))
            }
            _ => {
                let argument = inner(several);
                format!("{}({break_}{argument}{space})", self.random.choose(&FUNCTIONS))
            }
        }
    }

    fn heredoc(&mut self) -> String {
        let dash = self.random.choose(&["", "-"]);
        let mut text = format!("<<{dash}EOT\n");
        for _ in 0..self.random.below(4) {
            let line = self.random.choose(&[
                "x  =  1",
                "# no",
                "",
                "${ var.x }",
                "\"q\" $${y}",
                "%{ if true ~}\nz\n%{ endif ~}",
            ]);
            text += &self.indent();
            text += line;
            text.push('\n');
        }
        if dash == "-" { text + &self.indent() + "EOT" } else { text + "EOT" }
    }

    fn space(&mut self) -> String {
        self.random.choose(&["", " ", " ", "   ", "\t", " /* c */ "]).to_owned()
    }

    fn indent(&mut self) -> String {
        self.random.choose(&["", "  ", "     ", "\t"]).to_owned()
    }

    fn line_end(&mut self) -> String {
        self.random.choose(&["\n", "\n", " \n", " # c\n", "// é\n"]).to_owned()
    }

    /// Damages a text in a few places.
    pub(super) fn damage(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.random.below(4) {
            let at = self.random.below(bytes.len() + 1);
            let end = (at + self.random.below(20)).min(bytes.len());
            match self.random.below(6) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes.extend_from_within(at..end),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.random.below(8),
                3 => {
                    let shard = self.random.choose(&SHARDS).repeat(1 + self.random.below(200));
                    bytes.splice(at..at, shard.into_bytes());
                }
                4 => {
                    let part = bytes[at..end].to_vec();
                    let to = self.random.below(bytes.len() + 1);
                    bytes.splice(to..to, part);
                }
                _ => {
                    let shard = self.random.choose(&SHARDS);
                    bytes.splice(at..end, shard.bytes());
                }
            }
        }
        bytes
    }
}

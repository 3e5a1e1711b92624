//! Patterns of file paths: `*`, `?`, `[a-z]` and `{a,b}` inside one part, `**` for any number of parts.

/// How many alternatives the braces of one part may stand for.
const MAX_ALTERNATIVES: usize = 1_000;

/// A pattern of relative paths.
#[derive(Debug)]
pub(super) struct Glob {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// `**`
    Any,
    /// One of these, piece by piece.
    Name(Vec<Vec<Piece>>),
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(char),
    /// `?`
    One,
    /// `*`
    Run,
    /// `[a-z]`, or `[^a-z]` where negated.
    Class {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Glob {
    /// Reads a pattern; none where its brackets or braces are not closed, or it leads upwards.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let mut names: Vec<&str> = Vec::new();
        for name in pattern.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop()?),
                other => names.push(other),
            }
        }
        let parts = names.into_iter().map(|name| if name == "**" { Some(Part::Any) } else { parse_name(name) });
        Some(Self { parts: parts.collect::<Option<_>>()? })
    }

    /// Tells whether the path is one of the pattern.
    pub(super) fn matches(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        // From the end: reached[n] says whether the parts so far match the names from n on.
        let mut reached = vec![false; names.len() + 1];
        reached[names.len()] = true;
        for part in self.parts.iter().rev() {
            let mut before = vec![false; names.len() + 1];
            for place in (0..=names.len()).rev() {
                before[place] = match part {
                    Part::Any => reached[place] || (place < names.len() && before[place + 1]),
                    Part::Name(alternatives) => {
                        place < names.len()
                            && reached[place + 1]
                            && alternatives.iter().any(|pieces| fits(pieces, names[place]))
                    }
                };
            }
            reached = before;
        }
        !self.parts.is_empty() && reached[0]
    }
}

/// Reads one part, its braces multiplied out.
fn parse_name(name: &str) -> Option<Part> {
    let mut alternatives = vec![Vec::new()];
    let characters: Vec<char> = name.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        if characters[at] == '{' {
            let (choices, end) = parse_braces(&characters, at)?;
            if alternatives.len() * choices.len() > MAX_ALTERNATIVES {
                return None;
            }
            alternatives = alternatives
                .iter()
                .flat_map(|head: &Vec<Piece>| choices.iter().map(|tail| [head.as_slice(), tail].concat()))
                .collect();
            at = end;
        } else {
            let (piece, end) = parse_piece(&characters, at)?;
            for pieces in &mut alternatives {
                pieces.push(piece.clone());
            }
            at = end;
        }
    }
    Some(Part::Name(alternatives))
}

/// Reads `{a,b}` and returns its choices and where it ends. There are no braces inside braces.
fn parse_braces(characters: &[char], start: usize) -> Option<(Vec<Vec<Piece>>, usize)> {
    let (mut choices, mut at) = (vec![Vec::new()], start + 1);
    loop {
        match characters.get(at)? {
            '}' => return Some((choices, at + 1)),
            '{' => return None,
            ',' => {
                choices.push(Vec::new());
                at += 1;
            }
            _ => {
                let (piece, end) = parse_piece(characters, at)?;
                choices.last_mut()?.push(piece);
                at = end;
            }
        }
    }
}

fn parse_piece(characters: &[char], at: usize) -> Option<(Piece, usize)> {
    match characters[at] {
        '*' => Some((Piece::Run, at + 1)),
        '?' => Some((Piece::One, at + 1)),
        '\\' => Some((Piece::Literal(*characters.get(at + 1)?), at + 2)),
        '[' => parse_class(characters, at + 1),
        other => Some((Piece::Literal(other), at + 1)),
    }
}

/// Reads `[a-z]` behind its bracket.
fn parse_class(characters: &[char], start: usize) -> Option<(Piece, usize)> {
    let negated = characters.get(start) == Some(&'^');
    let (mut ranges, mut at) = (Vec::new(), start + usize::from(negated));
    loop {
        if *characters.get(at)? == ']' {
            let class = Piece::Class { negated, ranges };
            return if at == start + usize::from(negated) { None } else { Some((class, at + 1)) };
        }
        let (low, next) = class_character(characters, at)?;
        let (high, end) =
            if characters.get(next) == Some(&'-') { class_character(characters, next + 1)? } else { (low, next) };
        ranges.push((low, high));
        at = end;
    }
}

fn class_character(characters: &[char], at: usize) -> Option<(char, usize)> {
    match *characters.get(at)? {
        '\\' => Some((*characters.get(at + 1)?, at + 2)),
        ']' | '-' => None,
        other => Some((other, at + 1)),
    }
}

/// Tells whether the pieces match the whole name, in time of their product.
fn fits(pieces: &[Piece], name: &str) -> bool {
    let characters: Vec<char> = name.chars().collect();
    let mut reached = vec![false; characters.len() + 1];
    reached[0] = true;
    for piece in pieces {
        let mut after = vec![false; characters.len() + 1];
        if matches!(piece, Piece::Run) {
            let first = reached.iter().position(|is_reached| *is_reached).unwrap_or(reached.len());
            after[first..].fill(true);
        } else {
            for (place, character) in characters.iter().enumerate() {
                after[place + 1] = reached[place] && fits_one(piece, *character);
            }
        }
        reached = after;
    }
    reached[characters.len()]
}

fn fits_one(piece: &Piece, character: char) -> bool {
    match piece {
        Piece::Literal(literal) => *literal == character,
        Piece::One | Piece::Run => true,
        Piece::Class { ranges, negated } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&character)) != *negated
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 5] = [".hidden", "b.txt", "sub/c.txt", "sub/deep/e.md", "[x].txt"];

    #[track_caller]
    fn check(pattern: &str, expected: &[&str]) {
        let glob = Glob::new(pattern).unwrap();
        let found: Vec<_> = FILES.into_iter().filter(|path| glob.matches(path)).collect();
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn one_part_stays_in_its_folder() {
        check("*", &[".hidden", "b.txt", "[x].txt"]);
        check("?.txt", &["b.txt"]);
        check("[a-c].txt", &["b.txt"]);
        check("[^a].txt", &["b.txt"]);
        check("[!a].txt", &[]);
        check("sub**", &[]);
        check("{b,x}.{md,txt}", &["b.txt"]);
        check("\\[x\\].txt", &["[x].txt"]);
    }

    #[test]
    fn two_stars_stand_for_any_folders() {
        check("**", &FILES);
        check("**/c.txt", &["sub/c.txt"]);
        check("sub/**/e.md", &["sub/deep/e.md"]);
        check("**/**/e.md", &["sub/deep/e.md"]);
        check("sub/../b.txt", &["b.txt"]);
    }

    #[test]
    fn what_is_not_closed_is_an_error() {
        for pattern in ["[", "{a", "{b,sub/c}.txt", "[]a].txt", "../x", "a\\"] {
            assert!(Glob::new(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn many_stars_do_not_hang() {
        assert!(!Glob::new(&"*a".repeat(200)).unwrap().matches(&"a".repeat(150)));
    }
}

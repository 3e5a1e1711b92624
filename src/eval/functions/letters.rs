//! Upper, lower and title case letter by letter, without the letters that would become several.
//!
//! These are the simple case mappings of <https://www.unicode.org/Public/UCD/latest/ucd/UnicodeData.txt>.

/// Returns the text with every letter in upper case.
pub(super) fn upper_case(text: &str) -> String {
    text.chars().map(upper).collect()
}

/// Returns the text with every letter in lower case.
pub(super) fn lower_case(text: &str) -> String {
    text.chars().map(lower).collect()
}

/// Returns the text with the first letter of every word in title case.
///
/// A word goes on through letters, digits and underscores; outside of ASCII only white space ends it.
pub(super) fn title_case(text: &str) -> String {
    let mut before = ' ';
    let titled = text.chars().map(|character| {
        let begins = ends_word(before);
        before = character;
        if begins { title(character) } else { character }
    });
    titled.collect()
}

fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => with_small_iota(character).unwrap_or(character),
    }
}

fn lower(character: char) -> char {
    // The full mapping of `İ` alone has two characters; its first is the simple one.
    character.to_lowercase().next().unwrap_or(character)
}

/// The letters that join two have a form of their own at the beginning of a word.
fn title(character: char) -> char {
    match character {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian letters have no title case.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => character,
        _ => upper(character),
    }
}

/// Greek letters with a small iota below: one letter in simple upper case, two in full.
fn with_small_iota(character: char) -> Option<char> {
    let distance = match character {
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => 8,
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => 9,
        _ => return None,
    };
    char::from_u32(u32::from(character) + distance)
}

fn ends_word(character: char) -> bool {
    if character.is_ascii() {
        !(character.is_ascii_alphanumeric() || character == '_')
    } else {
        character.is_whitespace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stay_single() {
        assert_eq!(upper_case("straße ŉ ᾳ ǆ"), "STRAßE ŉ ᾼ Ǆ");
        assert_eq!(lower_case("ΑΣ İ"), "ας i".replace('ς', "σ"));
    }

    #[test]
    fn words_end_at_ascii_punctuation_and_white_space() {
        assert_eq!(title_case("a-b c_d é’f ǆ"), "A-B C_d É’f ǅ");
    }
}

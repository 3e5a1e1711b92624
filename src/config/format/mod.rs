//! The canonical layout of a file. The text is edited by spans: only the white space between tokens moves, so
//! texts, heredocs and comments stay as they were written.
mod layout;
mod rewrite;
mod spacing;
pub(super) mod tokens;

#[cfg(test)]
mod tests;

use hcl_edit::structure::Body;

use super::parse;
use crate::model::{Diagnostic, FileId, on_large_stack};

/// Returns a file in canonical layout, without a byte-order mark; formatting twice is formatting once.
///
/// A text that does not parse is not touched. `text` may have any line ends; each stays what it is.
pub(crate) fn format(text: &str, file: FileId) -> Result<String, Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lay_out = |text: &str, tree: &Body| layout::lay_out(&rewrite::rewrite(text, tree));
    match parse::of_pieces(text, &|_, piece, tree| lay_out(piece, tree)) {
        Some(pieces) => Ok(pieces.concat()),
        // Some piece has a mistake, or was cut inside of something: the whole tells.
        None => on_large_stack(|| parse::parse_tree(text, file).map(|tree| lay_out(text, &tree))),
    }
}

/// Returns what a text says, without places: equal where only the layout differs.
#[cfg(any(test, fuzzing))]
pub(crate) fn meaning(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).replace("\r\n", "\n");
    let mut body = on_large_stack(|| parse::parse_body(&text, FileId(0))).ok()?;
    unwrap(&mut body);
    let spans = regex::Regex::new(r"Span \{[^}]*\}").expect("a pattern");
    Some(spans.replace_all(&format!("{body:?}"), "").into_owned())
}

/// Takes away what `fmt` takes away: `"${x}"` around the value of an attribute, quotes around a type.
#[cfg(any(test, fuzzing))]
fn unwrap(body: &mut super::ir::Body) {
    use super::ir::{Form, Part};
    for attribute in &mut body.attributes {
        while let Form::Template(parts) = &attribute.value.form
            && let [Part::Interpolation(inner)] = parts.as_slice()
        {
            attribute.value = inner.clone();
        }
    }
    body.blocks.iter_mut().for_each(|block| unwrap(&mut block.body));
}

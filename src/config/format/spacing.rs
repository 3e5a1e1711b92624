//! Whether a space stands between two tokens of one line.
use super::tokens::Kind;

/// Returns whether a space stands between `token` and `next`; `before` is what stands before `token` in its cell.
///
/// The rules are those of `terraform fmt`.
#[expect(clippy::match_same_arms, reason = "the first rule that fits counts")]
pub(super) fn is_spaced(before: Option<Kind>, token: Kind, next: Kind, is_keyword_in: bool) -> bool {
    match (token, next) {
        (_, Kind::Newline | Kind::Comma | Kind::Ellipsis) => false,
        (Kind::Word, Kind::OpenParenthesis) | (Kind::Dot, _) | (_, Kind::Dot) => false,
        (Kind::Word, Kind::DoubleColon) | (Kind::DoubleColon, Kind::Word) => false,
        (Kind::Comma, _) => true,
        (Kind::Literal | Kind::OpenQuote | Kind::OpenHeredoc, _)
        | (_, Kind::Literal | Kind::CloseQuote | Kind::CloseHeredoc) => false,
        (Kind::Word, _) if is_keyword_in && before == Some(Kind::Word) => true,
        (Kind::Word | Kind::Number, Kind::OpenBracket) => false,
        (_, Kind::OpenBracket) if token.nesting() < 0 => false,
        (Kind::Bang, _) => false,
        (Kind::Minus, _) => ends_operand(before),
        (Kind::OpenBrace, Kind::CloseBrace) => false,
        (Kind::OpenBrace, _) | (_, Kind::CloseBrace) => true,
        (Kind::OpenTemplate, Kind::OpenBrace) | (Kind::CloseBrace, Kind::CloseTemplate) => true,
        (Kind::CloseTemplate, Kind::OpenTemplate) => false,
        _ => token.nesting() <= 0 && next.nesting() >= 0,
    }
}

/// Tells whether a minus behind this token subtracts; else it negates.
fn ends_operand(before: Option<Kind>) -> bool {
    !matches!(
        before,
        None | Some(
            Kind::OpenParenthesis
                | Kind::OpenBrace
                | Kind::OpenBracket
                | Kind::Equal
                | Kind::Colon
                | Kind::Comma
                | Kind::Question
                | Kind::Operator
                | Kind::Minus
                | Kind::Bang
        )
    )
}

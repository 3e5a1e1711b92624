//! `required_version`: whether this rayform is one that the configuration was written for.
use crate::model::{Diagnostic, Span};

/// This version, as `Cargo.toml` has it.
const CURRENT: &str = env!("CARGO_PKG_VERSION");

/// Returns what is wrong where the constraints do not hold or cannot be read.
pub(super) fn check(constraints: &str, span: Span) -> Option<Diagnostic> {
    match holds(constraints, CURRENT) {
        Some(true) => None,
        Some(false) => {
            let message = format!("this is rayform {CURRENT}, the configuration needs `{constraints}`");
            Some(Diagnostic::error(message).at(span))
        }
        None => {
            let message = format!("`{constraints}` is not a version constraint");
            Some(Diagnostic::error(message).at(span).hint("write it as `>= 0.1, < 2` or `~> 0.1.0`"))
        }
    }
}

/// Tells whether all constraints hold; nothing where one cannot be read.
fn holds(constraints: &str, version: &str) -> Option<bool> {
    let version = parse(version)?;
    constraints
        .split(',')
        .map(|constraint| holds_one(constraint.trim(), &version))
        .try_fold(true, |all, one| Some(all & one?))
}

fn holds_one(constraint: &str, version: &[u64]) -> Option<bool> {
    let digits = constraint.find(|character: char| character.is_ascii_digit())?;
    let wanted = parse(&constraint[digits..])?;
    let order = padded(version).cmp(&padded(&wanted));
    Some(match constraint[..digits].trim() {
        "" | "=" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "~>" => {
            let fixed = wanted.len().saturating_sub(1).max(1);
            order.is_ge() && padded(version)[..fixed] == padded(&wanted)[..fixed]
        }
        _ => return None,
    })
}

fn parse(text: &str) -> Option<Vec<u64>> {
    let numbers: Vec<u64> = text.trim().split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    (numbers.len() <= 3).then_some(numbers)
}

fn padded(numbers: &[u64]) -> [u64; 3] {
    std::array::from_fn(|index| numbers.get(index).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_terraforms() {
        let cases = [
            (">= 0.1, < 2", "1.5.0", Some(true)),
            ("~> 1.2", "1.9.0", Some(true)),
            ("~> 1.2.3", "1.3.0", Some(false)),
            ("1.0", "1.0.0", Some(true)),
            ("!= 1.0", "1.0.0", Some(false)),
            ("> x", "1.0.0", None),
            ("=> 1", "1.0.0", None),
        ];
        for (constraints, version, expected) in cases {
            assert_eq!(holds(constraints, version), expected, "{constraints} {version}");
        }
    }
}

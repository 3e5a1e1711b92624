//! Reads Kubernetes quantities, for sums and comparisons.
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive};

use crate::model::Json;

/// Returns a quantity in thousandths, rounded up; none where the value is no quantity or too large.
///
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>
pub(super) fn milli(value: &Json) -> Option<i64> {
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let is_exponent = suffix.len() > 1 && suffix.starts_with(['e', 'E']);
    let (digits, factor) = if is_exponent && suffix.len() < 5 { (text.as_str(), 1.into()) } else { (digits, factor(suffix)?) };
    let number: BigDecimal = digits.parse().ok()?;
    (number * factor * BigDecimal::from(1000)).with_scale_round(0, RoundingMode::Up).to_i64()
}

fn factor(suffix: &str) -> Option<BigDecimal> {
    let binary = |power: u32| BigDecimal::from(1_u64 << (10 * power));
    let decimal = |exponent: i64| BigDecimal::new(1.into(), -exponent);
    Some(match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(milli(&Json::from(text)), expected, "{text}");
    }

    #[test]
    fn quantities_are_read() {
        check("2", Some(2000));
        check("500m", Some(500));
        check("1.5", Some(1500));
        check("1Ki", Some(1_024_000));
        check("2Gi", Some(2_147_483_648_000));
        check("1e3", Some(1_000_000));
        check("1E", None);
        check("0.1m", Some(1));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in ["", "a", "1x", "Gi", "--1", "1e999999999"] {
            check(text, None);
        }
        assert_eq!(milli(&Json::Null), None);
    }
}

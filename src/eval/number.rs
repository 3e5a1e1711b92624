//! Numbers within bounds: no text or power makes one that takes the machine's memory or time.
use std::num::NonZeroU64;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, Context, RoundingMode, Zero};

use crate::model::Number;

/// The digits that are kept: those of a binary fraction of 512 bits, as Terraform has it.
const DIGITS: u64 = 155;

/// The largest and smallest power of ten.
const MAX_EXPONENT: i64 = 5_000;

/// How long a text that is a number may be.
const MAX_TEXT: usize = 10_000;

/// Reads a decimal number such as `-1.5e3`; none where the text is not one or is out of bounds.
pub(crate) fn parse(text: &str) -> Option<Number> {
    if text.len() > MAX_TEXT {
        return None;
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, magnitude) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || exponent.abs() > MAX_EXPONENT {
        return None;
    }
    let integer = BigInt::parse_bytes(digits.as_bytes(), 10)?;
    let scale = i64::try_from(fraction.len()).ok()? - exponent;
    bounded(BigDecimal::new(if negative { -integer } else { integer }, scale))
}

/// Rounds a result to the digits that are kept; none where its exponent is out of bounds.
///
/// Integers are kept whole as far as the exponent allows.
pub(crate) fn bounded(decimal: BigDecimal) -> Option<Number> {
    if decimal.is_zero() {
        return Some(Number::new(BigDecimal::zero()));
    }
    if decimal.order_of_magnitude().abs() > MAX_EXPONENT {
        return None;
    }
    if decimal.digits() <= DIGITS || decimal.fractional_digit_count() <= 0 {
        return Some(Number::new(decimal));
    }
    let digits = NonZeroU64::new(DIGITS)?;
    let context = Context::new(digits, RoundingMode::HalfEven);
    Some(Number::new(decimal.with_precision_round(digits, context.rounding_mode()).normalized()))
}

/// Returns the shortest decimal that stands for this double; none for infinity and no number.
pub(crate) fn from_f64(double: f64) -> Option<Number> {
    if double.is_finite() { parse(&format!("{double:e}")) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|number| number.to_string()).as_deref(), expected);
    }

    #[test]
    fn decimal_texts_are_numbers() {
        check("1e3", Some("1000"));
        check("+1", Some("1"));
        check(".5", Some("0.5"));
        check("5.", Some("5"));
        check("-1.50", Some("-1.5"));
        check("1E-2", Some("0.01"));
    }

    #[test]
    fn other_texts_are_not() {
        for text in ["", " 1", "1 ", "0x10", "1_000", "inf", "nan", "-", ".", "1e", "e1", "1.2.3", "--1", "１"] {
            check(text, None);
        }
    }

    #[test]
    fn huge_exponents_are_out_of_bounds() {
        check("1e1000000000", None);
        check("1e-1000000000", None);
        check(&"9".repeat(20_000), None);
        assert_eq!(from_f64(f64::INFINITY), None);
    }

    #[test]
    fn a_double_is_its_shortest_decimal() {
        assert_eq!(from_f64(0.1).unwrap().to_string(), "0.1");
        assert_eq!(from_f64(1e21).unwrap().to_string(), "1000000000000000000000");
    }
}

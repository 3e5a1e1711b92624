//! Decimal numbers as text with a chosen number of digits.
use std::cmp::Ordering;

use bigdecimal::num_bigint::{BigInt, BigUint};
use bigdecimal::num_traits::{One, Zero};

use crate::model::Number;

/// The bits of the binary fractions by which Terraform keeps numbers.
const BITS: i64 = 512;

/// A number without its sign, as `0.digits` times ten to the power of `point`. Zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    pub digits: String,
    pub point: i64,
}

impl Digits {
    /// Returns all digits of a number.
    pub(super) fn all(number: &Number) -> Self {
        let (integer, scale) = number.decimal().abs().normalized().into_bigint_and_scale();
        Self::new(integer.magnitude(), scale)
    }

    /// Returns the digits of a number, rounded to this many behind the point.
    pub(super) fn behind_point(number: &Number, places: usize) -> Self {
        let (integer, scale) = number.decimal().abs().normalized().into_bigint_and_scale();
        let places = i64::try_from(places).unwrap_or(i64::MAX);
        if scale <= places {
            return Self::new(integer.magnitude(), scale);
        }
        Self::new(&round(integer.magnitude(), scale, scale - places), places)
    }

    /// Returns the digits of a number, rounded to this many.
    pub(super) fn significant(number: &Number, count: usize) -> Self {
        let all = Self::all(number);
        let surplus = i64::try_from(all.digits.len().saturating_sub(count)).unwrap_or(0);
        if surplus == 0 {
            return all;
        }
        let (integer, scale) = number.decimal().abs().normalized().into_bigint_and_scale();
        Self::new(&round(integer.magnitude(), scale, surplus), scale - surplus)
    }

    fn new(integer: &BigUint, scale: i64) -> Self {
        if integer.is_zero() {
            return Self { digits: String::new(), point: 0 };
        }
        let text = integer.to_string();
        let point = i64::try_from(text.len()).unwrap_or(i64::MAX) - scale;
        Self { digits: text.trim_end_matches('0').to_owned(), point }
    }

    /// Returns the form `123.450` with that many places behind the point.
    pub(super) fn fixed(&self, places: usize) -> String {
        let mut text = String::new();
        if self.point <= 0 {
            text.push('0');
        }
        for place in 0..self.point {
            text.push(self.digit(place));
        }
        if places > 0 {
            text.push('.');
        }
        for place in 0..i64::try_from(places).unwrap_or(i64::MAX) {
            text.push(self.digit(self.point + place));
        }
        text
    }

    /// Returns the form `1.2345e+02` with that many places behind the point.
    pub(super) fn scientific(&self, places: usize) -> String {
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let one = Self { digits: self.digits.clone(), point: 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", one.fixed(places), exponent.abs())
    }

    fn digit(&self, place: i64) -> char {
        let byte = usize::try_from(place).ok().and_then(|place| self.digits.as_bytes().get(place));
        byte.map_or('0', |byte| char::from(*byte))
    }
}

/// Divides by a power of ten and rounds. A tie goes where the nearest binary fraction lies, else to even.
fn round(integer: &BigUint, scale: i64, drop: i64) -> BigUint {
    let divisor = ten_to(drop);
    let (quotient, remainder) = (integer / &divisor, integer % &divisor);
    let up = match (&remainder * 2_u32).cmp(&divisor) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => match binary_against(integer, scale) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => quotient.bit(0),
        },
    };
    if up { quotient + 1_u32 } else { quotient }
}

/// Compares the nearest binary fraction of a decimal with the decimal itself.
fn binary_against(integer: &BigUint, scale: i64) -> Ordering {
    if scale <= 0 {
        return Ordering::Equal;
    }
    let divisor = ten_to(scale);
    let bits = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    // One bit too many at most: the quotient then has 512 or 513 bits.
    let mut shift = BITS - bits(integer) + bits(&divisor);
    let mut scaled = shifted(integer, shift);
    if bits(&(&scaled / &divisor)) > BITS {
        shift -= 1;
        scaled = shifted(integer, shift);
    }
    let (quotient, remainder) = (&scaled / &divisor, &scaled % &divisor);
    let twice = &remainder * 2_u32;
    let up = twice > divisor || (twice == divisor && quotient.bit(0));
    match (remainder.is_zero(), up) {
        (true, _) => Ordering::Equal,
        (false, true) => Ordering::Greater,
        (false, false) => Ordering::Less,
    }
}

fn shifted(integer: &BigUint, shift: i64) -> BigUint {
    if shift >= 0 { integer << shift.unsigned_abs() } else { integer >> shift.unsigned_abs() }
}

fn ten_to(exponent: i64) -> BigUint {
    let exponent = u32::try_from(exponent.max(0)).unwrap_or(u32::MAX);
    if exponent == 0 { BigUint::one() } else { BigUint::from(10_u32).pow(exponent) }
}

/// Returns the whole number; none where there is a fraction.
pub(super) fn whole(number: &Number) -> Option<BigInt> {
    number.decimal().is_integer().then(|| number.decimal().with_scale(0).into_bigint_and_scale().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::number::parse;

    #[test]
    fn ties_go_where_the_binary_fraction_lies() {
        let fixed = |text: &str, places| Digits::behind_point(&parse(text).unwrap(), places).fixed(places);
        assert_eq!(fixed("1.555", 2), "1.56");
        assert_eq!(fixed("12.345", 2), "12.34");
        assert_eq!(fixed("2.5", 0), "2");
        assert_eq!(fixed("3.5", 0), "4");
        assert_eq!(fixed("0.05", 1), "0.1");
        assert_eq!(fixed("9.99", 1), "10.0");
        assert_eq!(fixed("0.004", 2), "0.00");
    }

    #[test]
    fn scientific_form_has_one_digit_before_the_point() {
        assert_eq!(Digits::significant(&parse("12345.678").unwrap(), 4).scientific(3), "1.235e+04");
        assert_eq!(Digits::significant(&parse("0").unwrap(), 7).scientific(6), "0.000000e+00");
        assert_eq!(Digits::significant(&parse("9.99").unwrap(), 2).scientific(1), "1.0e+01");
    }
}

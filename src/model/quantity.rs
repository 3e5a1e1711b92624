//! An amount as Kubernetes writes it: `500m`, `1.5Gi`, `1e3`; parsed, compared, added, printed as the server does.
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, ToPrimitive, Zero};

/// Thousand-millionths in one.
const NANO: i128 = 1_000_000_000;
/// Thousand-millionths in one thousandth.
const MILLI: i128 = 1_000_000;
/// The greatest amount, up or down: Kubernetes keeps amounts within 64 bits.
const LIMIT: i128 = i64::MAX as i128 * NANO;

/// Powers of 1024, the greatest first.
const BINARY: [(&str, u32); 6] = [("Ei", 60), ("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
/// Powers of ten, the greatest first.
const DECIMAL: [(&str, i32); 10] =
    [("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3), ("u", -6), ("n", -9)];

/// An exact amount in steps of a thousand-millionth, at most 2^63 - 1; finer amounts are rounded away from zero.
///
/// Equal and ordered by the amount alone: `1` and `1000m` are equal. Displays in the canonical form of the server.
/// Rules: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    nano: i128,
    notation: Notation,
}

/// How an amount was written, and is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    /// With `k`, `M`, `m` and so on.
    Decimal,
    /// With `Ki`, `Mi` and so on.
    Binary,
    /// With a power of ten, such as `1e3`.
    Exponent,
}

/// Says that a text is no quantity.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) struct QuantityError {
    text: String,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a quantity", self.text)?;
        match meant(&self.text) {
            Some(meant) => write!(f, "; did you mean {meant}?"),
            None => f.write_str(" such as `2`, `500m` or `4Gi`"),
        }
    }
}

/// Returns what may be meant by a unit that is written as elsewhere, such as `GB`.
fn meant(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    if parse(&text).is_some() {
        return Some(format!("`{text}`"));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|digits| *digits > 0)?;
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    let unit = unit.strip_suffix("ytes").or(unit.strip_suffix("yte")).unwrap_or(&unit);
    if ["b", "cpu", "cpus", "core", "cores"].contains(&unit) {
        return Some(format!("`{number}`"));
    }
    let (prefix, is_binary) = match unit.strip_suffix('b').unwrap_or(unit).split_at_checked(1)? {
        (prefix, "") => (prefix, false),
        (prefix, "i") => (prefix, true),
        _ => return None,
    };
    let decimal = if prefix == "k" { prefix.to_owned() } else { prefix.to_ascii_uppercase() };
    let binary = format!("`{number}{}i`", prefix.to_ascii_uppercase());
    match prefix {
        "k" | "m" | "g" | "t" | "p" | "e" if is_binary => Some(binary),
        "k" | "m" | "g" | "t" | "p" | "e" => Some(format!("`{number}{decimal}` or {binary}")),
        _ => None,
    }
}

impl Quantity {
    pub(crate) const ZERO: Self = Self { nano: 0, notation: Notation::Decimal };

    /// Returns an amount of thousandths, printed with decimal units.
    pub(crate) fn from_milli(milli: i64) -> Self {
        Self::limited(i128::from(milli) * MILLI, Notation::Decimal)
    }

    /// Returns an amount of bytes, printed with binary units.
    pub(crate) fn from_bytes(bytes: i64) -> Self {
        Self::limited(i128::from(bytes) * NANO, Notation::Binary)
    }

    /// Returns the amount in thousandths, rounded up.
    pub(crate) fn milli(&self) -> i64 {
        saturate(divide_up(self.nano, MILLI))
    }

    /// Returns the amount in whole units (bytes, of memory and storage), rounded up.
    pub(crate) fn bytes(&self) -> i64 {
        saturate(divide_up(self.nano, NANO))
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.nano == 0
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.nano < 0
    }

    /// Returns the amount rounded up to thousandths, as the server keeps it in `requests`, `limits` and quotas.
    pub(crate) fn rounded_up_to_milli(&self) -> Self {
        let away = if self.nano < 0 { -divide_up(-self.nano, MILLI) } else { divide_up(self.nano, MILLI) };
        Self::limited(away * MILLI, self.notation)
    }

    /// Returns the sum in the notation of the first, unless it is past the limit.
    pub(crate) fn checked_add(&self, other: &Self) -> Option<Self> {
        let notation = if self.nano == 0 { other.notation } else { self.notation };
        self.nano.checked_add(other.nano).and_then(|nano| Self::within(nano, notation))
    }

    /// Returns the product, unless it is past the limit.
    pub(crate) fn checked_mul(&self, factor: i64) -> Option<Self> {
        self.nano.checked_mul(i128::from(factor)).and_then(|nano| Self::within(nano, self.notation))
    }

    fn within(nano: i128, notation: Notation) -> Option<Self> {
        (-LIMIT..=LIMIT).contains(&nano).then_some(Self { nano, notation })
    }

    fn limited(nano: i128, notation: Notation) -> Self {
        Self { nano: nano.clamp(-LIMIT, LIMIT), notation }
    }

    fn fmt_decimal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut power) = (self.nano, -9_i32);
        while number % 1000 == 0 {
            number /= 1000;
            power += 3;
        }
        // 2^63 is less than 10^19, so that the suffixes reach.
        match DECIMAL.iter().find(|(_, suffix_power)| *suffix_power == power) {
            Some((suffix, _)) if self.notation != Notation::Exponent => write!(f, "{number}{suffix}"),
            _ if power == 0 => write!(f, "{number}"),
            _ => write!(f, "{number}e{power}"),
        }
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text).ok_or_else(|| QuantityError { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.nano / NANO;
        let is_binary = self.notation == Notation::Binary && self.nano % NANO == 0 && units.abs() >= 1024;
        match self.nano {
            0 => f.write_str("0"),
            _ if is_binary => match BINARY.iter().find(|(_, power)| units % (1_i128 << power) == 0) {
                Some((suffix, power)) => write!(f, "{}{suffix}", units >> power),
                None => write!(f, "{units}"),
            },
            _ => self.fmt_decimal(f),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.len() + fraction.len() == 0 {
        return None;
    }
    let (multiplier, power, notation) = parse_suffix(suffix)?;
    let nano = amount(whole, fraction, multiplier, power);
    let signed = if negative { -nano } else { nano };
    Some(Quantity::limited(signed, if is_below_one(nano) { below_one(notation) } else { notation }))
}

/// Returns the multiplier, the power of ten and the notation that a suffix stands for.
fn parse_suffix(suffix: &str) -> Option<(i64, i64, Notation)> {
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((1_i64 << power, 0, Notation::Binary));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((1, i64::from(*power), Notation::Decimal));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let power: i32 = exponent.parse().ok()?;
    Some((1, i64::from(power), Notation::Exponent))
}

/// Returns the amount in thousand-millionths, rounded up, at most the limit. The digits are digits only.
fn amount(whole: &str, fraction: &str, multiplier: i64, power: i64) -> i128 {
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX / 4);
    if whole.is_empty() && fraction.is_empty() {
        return 0;
    }
    // Before any big number is built: a power of ten may have nine digits.
    let leading_zeros = length(fraction) - length(fraction.trim_start_matches('0'));
    let magnitude = power + if whole.is_empty() { -leading_zeros } else { length(whole) };
    if magnitude > 20 {
        return LIMIT;
    }
    if magnitude < -40 {
        return 1;
    }
    let digits: BigInt = format!("{whole}{fraction}").parse().unwrap_or_default();
    let exact = BigDecimal::new(digits * multiplier, length(fraction) - power - 9);
    let rounded = exact.with_scale_round(0, RoundingMode::Up);
    if rounded.is_zero() { 0 } else { rounded.to_i128().unwrap_or(LIMIT) }
}

fn is_below_one(nano: i128) -> bool {
    nano > 0 && nano < NANO
}

/// A part of one has no binary notation.
fn below_one(notation: Notation) -> Notation {
    if notation == Notation::Binary { Notation::Decimal } else { notation }
}

/// Divides by a positive number, rounding up.
fn divide_up(number: i128, by: i128) -> i128 {
    number.div_euclid(by) + i128::from(number.rem_euclid(by) != 0)
}

fn saturate(number: i128) -> i64 {
    number.clamp(i128::from(i64::MIN), i128::from(i64::MAX)).to_i64().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let quantity: Quantity = text.parse().unwrap();
        assert_eq!(quantity.to_string(), expected, "{text}");
        assert_eq!(expected.parse::<Quantity>().unwrap(), quantity, "{text}");
    }

    #[test]
    fn units_of_elsewhere_are_understood_but_not_taken() {
        let told = |text: &str| text.parse::<Quantity>().unwrap_err().to_string();
        for (text, meant) in [
            ("8gb", "`8G` or `8Gi`"),
            ("8 GB", "`8G` or `8Gi`"),
            ("1.5kb", "`1.5k` or `1.5Ki`"),
            ("8GiB", "`8Gi`"),
            ("8gi", "`8Gi`"),
            ("512 Mi", "`512Mi`"),
            ("2 cores", "`2`"),
            ("100bytes", "`100`"),
        ] {
            assert_eq!(told(text), format!("`{text}` is not a quantity; did you mean {meant}?"));
        }
        for text in ["", "much", "8x", "8Gx", "gb"] {
            assert_eq!(told(text), format!("`{text}` is not a quantity such as `2`, `500m` or `4Gi`"));
        }
    }

    #[test]
    fn quantities_print_as_the_server_prints_them() {
        for (text, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("0Ki", "0"),
            ("1024Mi", "1Gi"),
            ("1000M", "1G"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("1.50", "1500m"),
            ("1.5Gi", "1536Mi"),
            ("5000m", "5"),
            ("1000m", "1"),
            ("307200Ki", "300Mi"),
            (".001Ki", "1024m"),
            ("0.001Ki", "1024m"),
            ("1Ki", "1Ki"),
            ("0.5Ki", "512"),
            ("1025", "1025"),
            ("1025Ki", "1025Ki"),
            ("1.1Ki", "1126400m"),
            ("0.1n", "1n"),
            ("0.000000000001", "1n"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("1e1", "10"),
            ("12e-1", "1200e-3"),
            ("100e6", "100e6"),
            ("1E", "1E"),
            ("+2", "2"),
            ("-1.5", "-1500m"),
            ("-2048", "-2048"),
            ("-2Ki", "-2Ki"),
            ("1.", "1"),
            (".5", "500m"),
            ("100000000000000000000", "9223372036854775807"),
            ("8Ei", "9223372036854775807"),
        ] {
            check(text, expected);
        }
        assert_eq!("1e999999999".parse::<Quantity>().unwrap().bytes(), i64::MAX);
        assert_eq!("1e-999999999".parse::<Quantity>().unwrap().to_string(), "1e-9");
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "x", "1x", "1.2.3", "-", ".", "1 Gi", "1KI", "1e", "1e1.5", "--1", "1Gi ", "\u{661}"] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_compare_whatever_their_notation() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(quantity("1"), quantity("1000m"));
        assert!(quantity("1Gi") > quantity("1G"));
        assert!(quantity("-1") < quantity("0"));
    }

    #[test]
    fn parts_round_up() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(quantity("0.0001").milli(), 1);
        assert_eq!(quantity("1500m").bytes(), 2);
        assert_eq!(quantity("-1500m").bytes(), -1);
        assert_eq!(quantity("0.1m").rounded_up_to_milli().to_string(), "1m");
    }

    #[test]
    fn sums_and_products_keep_the_notation() {
        let quantity = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(quantity("1Gi").checked_add(&quantity("512Mi")).unwrap().to_string(), "1536Mi");
        assert_eq!(quantity("500m").checked_mul(3).unwrap().to_string(), "1500m");
        assert_eq!(Quantity::ZERO.checked_add(&quantity("1Gi")).unwrap().to_string(), "1Gi");
        assert_eq!(quantity("9E").checked_mul(2), None);
        assert_eq!(Quantity::from_bytes(1 << 31).to_string(), "2Gi");
        assert_eq!(Quantity::from_milli(2500).to_string(), "2500m");
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_canonical(text in "[+-]?[0-9]{0,12}(\\.[0-9]{0,12})?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|e[+-]?[0-9]{1,2})?") {
            if let Ok(quantity) = text.parse::<Quantity>() {
                let printed = quantity.to_string();
                let again: Quantity = printed.parse().unwrap();
                prop_assert_eq!(again, quantity);
                prop_assert_eq!(again.to_string(), printed);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = text.parse::<Quantity>();
        }
    }
}

//! Logarithm and power of doubles, step by step as Go computes them, so that the last digit is the same.
//!
//! The logarithm is that of Sun's fdlibm, <https://www.netlib.org/fdlibm/e_log.c>.

const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// The polynomial of the logarithm, lowest power first.
const COEFFICIENTS: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// Returns the natural logarithm.
pub(super) fn log(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 || x.is_infinite() {
        return x.ln();
    }
    let (mut fraction, mut exponent) = split(x);
    if fraction < std::f64::consts::FRAC_1_SQRT_2 {
        fraction *= 2.0;
        exponent -= 1;
    }
    let (f, k) = (fraction - 1.0, f64::from(exponent));
    let s = f / (2.0 + f);
    let (square, fourth) = (s * s, s * s * (s * s));
    let [c1, c2, c3, c4, c5, c6, c7] = COEFFICIENTS;
    let odd = square * (c1 + fourth * (c3 + fourth * (c5 + fourth * c7)));
    let even = fourth * (c2 + fourth * (c4 + fourth * c6));
    let half = 0.5 * f * f;
    k * LN2_HIGH - ((half - (s * (half + (odd + even)) + k * LN2_LOW)) - f)
}

/// Returns `x` raised to the power of `y`: the whole part of `y` by squaring, the rest by the exponential.
pub(super) fn pow(x: f64, y: f64) -> f64 {
    let magnitude = y.abs();
    // Where there is nothing to compute, all ways give the same.
    if [0.0, 1.0, f64::INFINITY].contains(&x.abs()) || !x.is_finite() || magnitude >= 1e18 || !y.is_finite() {
        return x.powf(y);
    }
    if magnitude.to_bits() == 0.5_f64.to_bits() && x > 0.0 {
        return if y > 0.0 { x.sqrt() } else { 1.0 / x.sqrt() };
    }
    let (mut whole, mut rest) = (magnitude.trunc(), magnitude.fract());
    if rest != 0.0 && x < 0.0 {
        return f64::NAN;
    }
    let mut product = 1.0;
    if rest != 0.0 {
        if rest > 0.5 {
            rest -= 1.0;
            whole += 1.0;
        }
        product = (rest * log(x)).exp();
    }
    let (mut fraction, mut exponent) = split(x);
    let mut total = 0_i64;
    let mut exponent_now = i64::from(exponent);
    while whole >= 1.0 {
        if exponent_now.abs() > 1 << 12 {
            total += exponent_now;
            break;
        }
        if whole % 2.0 >= 1.0 {
            product *= fraction;
            total += exponent_now;
        }
        fraction *= fraction;
        exponent_now *= 2;
        if fraction.abs() < 0.5 {
            fraction += fraction;
            exponent_now -= 1;
        }
        whole = (whole / 2.0).trunc();
    }
    exponent = i32::try_from(total.clamp(-5000, 5000)).unwrap_or(0);
    if y < 0.0 { scale(1.0 / product, -exponent) } else { scale(product, exponent) }
}

/// Returns a fraction from a half up to one, and the power of two that it is to be multiplied with.
fn split(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    // A subnormal number has its leading zeros in the fraction.
    let (normal, shift) = if x.abs() < f64::MIN_POSITIVE { (x * 2_f64.powi(64), -64) } else { (x, 0) };
    let bits = normal.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7FF).unwrap_or(0) - 1022;
    (f64::from_bits(bits & !(0x7FF << 52) | (1022 << 52)), exponent + shift)
}

/// Multiplies with a power of two, in steps that neither overflow nor vanish before the result does.
fn scale(mut x: f64, mut exponent: i32) -> f64 {
    while exponent.abs() > 1000 {
        let step = exponent.clamp(-1000, 1000);
        x *= 2_f64.powi(step);
        exponent -= step;
    }
    x * 2_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares bit by bit.
    #[track_caller]
    fn check(actual: f64, expected: f64) {
        assert_eq!(actual.to_bits(), expected.to_bits(), "{actual} is not {expected}");
    }

    #[test]
    fn the_last_digit_is_gos() {
        check(log(2.0) / log(3.0), 0.630_929_753_571_457_5);
        check(pow(10.0, 300.0), 1.000_000_000_000_000_6e300);
        check(pow(2.0, 10.0), 1024.0);
        check(pow(-2.0, 3.0), -8.0);
        check(pow(0.0, 0.0), 1.0);
    }

    #[test]
    fn limits_are_kept() {
        check(pow(10.0, 400.0), f64::INFINITY);
        check(pow(10.0, -400.0), 0.0);
        assert!(pow(-8.0, 0.3).is_nan());
        check(log(0.0), f64::NEG_INFINITY);
    }
}

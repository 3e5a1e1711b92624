//! Functions on numbers.
use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode, Zero};

use super::arguments::Arguments;
use super::call::{FunctionError, Outcome};
use super::float;
use super::table::{Function, Parameter, Run};
use crate::eval::convert::convert;
use crate::eval::number::{bounded, from_f64};
use crate::eval::types::Type;
use crate::model::{Number, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "abs",
        about: "Returns the number without its sign.",
        parameters: &[Parameter::number("num", "any number")],
        rest: None,
        run: Run::Sure(abs),
    },
    Function {
        name: "ceil",
        about: "Returns the nearest whole number that is not less.",
        parameters: &[Parameter::number("num", "any number")],
        rest: None,
        run: Run::Sure(ceil),
    },
    Function {
        name: "floor",
        about: "Returns the nearest whole number that is not greater.",
        parameters: &[Parameter::number("num", "any number")],
        rest: None,
        run: Run::Sure(floor),
    },
    Function {
        name: "log",
        about: "Returns the logarithm of a number to a base.",
        parameters: &[Parameter::number("num", "a number above zero"), Parameter::number("base", "the base")],
        rest: None,
        run: Run::Plain(log),
    },
    Function {
        name: "max",
        about: "Returns the greatest of the numbers.",
        parameters: &[],
        rest: Some(Parameter::number("numbers", "one number or more")),
        run: Run::Plain(max),
    },
    Function {
        name: "min",
        about: "Returns the least of the numbers.",
        parameters: &[],
        rest: Some(Parameter::number("numbers", "one number or more")),
        run: Run::Plain(min),
    },
    Function {
        name: "parseint",
        about: "Reads a whole number that is written in another base.",
        parameters: &[
            Parameter::any("number", "the digits, with a sign or not"),
            Parameter::number("base", "from 2 to 62"),
        ],
        rest: None,
        run: Run::Plain(parseint),
    },
    Function {
        name: "pow",
        about: "Returns a number raised to a power.",
        parameters: &[Parameter::number("num", "the base"), Parameter::number("power", "the exponent")],
        rest: None,
        run: Run::Plain(pow),
    },
    Function {
        name: "signum",
        about: "Returns -1, 0 or 1 for a number below, at or above zero.",
        parameters: &[Parameter::number("num", "a whole number")],
        rest: None,
        run: Run::Plain(signum),
    },
    Function {
        name: "sum",
        about: "Adds the numbers of a list or set.",
        parameters: &[Parameter::any("list", "a list or set of numbers, at least one")],
        rest: None,
        run: Run::Plain(sum),
    },
];

/// How many digits `parseint` reads.
const MAX_DIGITS: usize = 5_000;

fn abs(arguments: &Arguments) -> Value {
    number(arguments.number(0).decimal().abs())
}

fn ceil(arguments: &Arguments) -> Value {
    number(arguments.number(0).decimal().with_scale_round(0, RoundingMode::Ceiling))
}

fn floor(arguments: &Arguments) -> Value {
    number(arguments.number(0).decimal().with_scale_round(0, RoundingMode::Floor))
}

fn log(arguments: &Arguments) -> Outcome {
    double(float::log(arguments.number(0).as_f64()) / float::log(arguments.number(1).as_f64()))
}

fn pow(arguments: &Arguments) -> Outcome {
    double(float::pow(arguments.number(0).as_f64(), arguments.number(1).as_f64()))
}

fn max(arguments: &Arguments) -> Outcome {
    let greatest = arguments.rest(0).iter().max();
    greatest.cloned().ok_or_else(|| FunctionError::new("must pass at least one number"))
}

fn min(arguments: &Arguments) -> Outcome {
    let least = arguments.rest(0).iter().min();
    least.cloned().ok_or_else(|| FunctionError::new("must pass at least one number"))
}

fn parseint(arguments: &Arguments) -> Outcome {
    let Value::String(text) = arguments.value(0) else {
        let message = format!("first argument must be a string, not {}", arguments.value(0).type_name());
        return Err(FunctionError::at(0, message));
    };
    let base = arguments.number(1).as_i64().and_then(|base| u32::try_from(base).ok());
    let Some(base) = base.filter(|base| (2..=62).contains(base)) else {
        return Err(FunctionError::at(1, "base must be a whole number between 2 and 62 inclusive"));
    };
    let shown: String = text.chars().take(60).collect();
    let integer = parse_digits(text, base)
        .ok_or_else(|| FunctionError::at(0, format!("cannot parse \"{shown}\" as a base {base} integer")))?;
    Ok(number(integer.into()))
}

/// Digits are `0-9a-z`, then `A-Z`; up to base 36 the case does not matter.
fn parse_digits(text: &str, base: u32) -> Option<BigInt> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return None;
    }
    let mut integer = BigInt::zero();
    for byte in digits.bytes() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
            b'A'..=b'Z' => byte - b'A' + 36,
            _ => return None,
        };
        if u32::from(digit) >= base {
            return None;
        }
        integer = integer * base + digit;
    }
    Some(if negative { -integer } else { integer })
}

fn signum(arguments: &Arguments) -> Outcome {
    Ok(Value::Number(Number::from(arguments.integer(0)?.signum())))
}

fn sum(arguments: &Arguments) -> Outcome {
    let items: Vec<&Value> = match arguments.value(0) {
        Value::List(items) => items.iter().collect(),
        Value::Set(items) => items.iter().collect(),
        other => {
            let message =
                format!("cannot sum {}: argument must be list, set, or tuple of number values", other.type_name());
            return Err(FunctionError::at(0, message));
        }
    };
    if items.is_empty() {
        return Err(FunctionError::at(0, "cannot sum an empty list"));
    }
    let mut total = BigDecimal::zero();
    for item in items {
        match convert(item, &Type::Number) {
            Ok(Value::Number(number)) => total += &*number.decimal(),
            _ => return Err(FunctionError::at(0, "argument must be list, set, or tuple of number values")),
        }
    }
    bounded(total).map(Value::Number).ok_or_else(out_of_range)
}

fn number(decimal: BigDecimal) -> Value {
    Value::Number(Number::new(decimal))
}

fn double(double: f64) -> Outcome {
    from_f64(double).map(Value::Number).ok_or_else(out_of_range)
}

fn out_of_range() -> FunctionError {
    FunctionError::new("the result is not a number within range")
}

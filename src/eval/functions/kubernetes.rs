//! Functions that Terraform does not have, for the texts of Kubernetes.
use bigdecimal::BigDecimal;
use sha2::{Digest, Sha256};

use super::arguments::Arguments;
use super::call::{FunctionError, Outcome};
use super::hash::hexadecimal_text;
use super::table::{Function, Parameter, Run};
use crate::eval::number;
use crate::model::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "dns_label",
        about: "Makes a text into a name of at most 63 lower-case letters, digits and dashes; a longer one ends in a hash.",
        parameters: &[Parameter::string("str", "any text with a letter or digit in it")],
        rest: None,
        run: Run::Plain(dns_label),
    },
    Function {
        name: "quantity",
        about: "Returns a quantity such as `500m` or `8Gi` as a number.",
        parameters: &[Parameter::string("str", "a quantity")],
        rest: None,
        run: Run::Plain(quantity),
    },
];

/// The length of a DNS label: <https://www.rfc-editor.org/rfc/rfc1123#section-2>.
const MAX_LABEL: usize = 63;

/// How many digits of the hash a shortened label ends in.
const HASH: usize = 8;

fn dns_label(arguments: &Arguments) -> Outcome {
    let text = arguments.string(0);
    let mut label = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            label.push(character);
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    let label = label.trim_end_matches('-');
    if label.is_empty() {
        return Err(FunctionError::at(0, "the text must have a letter or digit in it"));
    }
    if label.len() <= MAX_LABEL {
        return Ok(Value::string(label));
    }
    let hash = hexadecimal_text(&Sha256::digest(text.as_bytes()));
    let head = label[..MAX_LABEL - HASH - 1].trim_end_matches('-');
    Ok(Value::string(format!("{head}-{}", &hash[..HASH])))
}

/// Reads `<number><suffix>` as
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/> has it.
fn quantity(arguments: &Arguments) -> Outcome {
    let text = arguments.string(0);
    let invalid = || {
        let shown: String = text.chars().take(60).collect();
        FunctionError::at(0, format!("`{shown}` is not a quantity such as `500m`, `2` or `8Gi`"))
    };
    let end = text.find(|character: char| !matches!(character, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (amount, suffix) = text.split_at(end);
    let is_exponent = suffix.len() > 1 && suffix.starts_with(['e', 'E']);
    let (amount, factor) = if is_exponent { (text, Some(BigDecimal::from(1))) } else { (amount, factor(suffix)) };
    let amount = number::parse(amount).ok_or_else(invalid)?;
    let product = &*amount.decimal() * factor.ok_or_else(invalid)?;
    number::bounded(product).map(Value::Number).ok_or_else(invalid)
}

fn factor(suffix: &str) -> Option<BigDecimal> {
    let decimal = |exponent: i64| Some(BigDecimal::new(1.into(), -exponent));
    let binary = |power: u32| Some(BigDecimal::from(1024_i64.pow(power)));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
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
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_quantity(text: &str, expected: Option<&str>) {
        let actual = quantity(&Arguments(vec![Value::string(text)]));
        let text =
            actual.ok().map(|value| if let Value::Number(number) = value { number.to_string() } else { String::new() });
        assert_eq!(text.as_deref(), expected);
    }

    #[test]
    fn quantities_are_numbers() {
        check_quantity("500m", Some("0.5"));
        check_quantity("2", Some("2"));
        check_quantity("8Gi", Some("8589934592"));
        check_quantity("1.5k", Some("1500"));
        check_quantity("12e6", Some("12000000"));
        check_quantity("2E", Some("2000000000000000000"));
        check_quantity("-100n", Some("-0.0000001"));
        check_quantity(".5Ki", Some("512"));
    }

    #[test]
    fn other_texts_are_not_quantities() {
        for text in ["", "m", "1K", "1 Gi", "1ki", "1e", "1ee3", "1e1000000000", "--1", "1.2.3", "Gi"] {
            check_quantity(text, None);
        }
    }

    #[track_caller]
    fn check_label(text: &str, expected: Option<&str>) {
        let actual = dns_label(&Arguments(vec![Value::string(text)])).ok();
        assert_eq!(actual, expected.map(Value::string));
    }

    #[test]
    fn labels_are_lower_case_letters_digits_and_dashes() {
        check_label("team-a", Some("team-a"));
        check_label("Team A__(blue)", Some("team-a-blue"));
        check_label("--x--", Some("x"));
        check_label("é1", Some("1"));
        check_label("", None);
        check_label("___", None);
    }

    #[test]
    fn long_labels_end_in_a_hash() {
        check_label(&"a".repeat(63), Some(&"a".repeat(63)));
        let long = "a".repeat(64);
        let expected = format!("{}-ffe054fe", "a".repeat(54));
        check_label(&long, Some(&expected));
    }
}

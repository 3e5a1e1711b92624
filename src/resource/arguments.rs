//! The small types that arguments are made of: quantities, plain texts, raw Kubernetes values.
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Map;

use crate::model::{Json, Quantity, UNKNOWN};

/// A Kubernetes quantity as text or number: `2`, `"500m"`, `"8Gi"`; perhaps known only after apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QuantityArgument {
    Known(Quantity),
    /// A text that holds [`UNKNOWN`].
    Unknown(String),
}

/// A text, or a number or bool that becomes one, as in the value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TextArgument(pub String);

/// A whole number or a percentage, as in `max_surge`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountOrPercent(pub Json);

/// A raw Kubernetes value; its keys in snake case become camel case.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RawArgument(pub Map<String, Json>);

impl QuantityArgument {
    /// Returns the amount, where it is known.
    pub(crate) fn known(&self) -> Option<Quantity> {
        match self {
            Self::Known(quantity) => Some(*quantity),
            Self::Unknown(_) => None,
        }
    }

    /// Returns the amount in whole units, rounded up, where it is known.
    pub(crate) fn units(&self) -> Option<i64> {
        self.known().map(|quantity| quantity.bytes())
    }

    /// Returns the canonical text.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Known(quantity) => Json::from(quantity.to_string()),
            Self::Unknown(text) => Json::from(text.as_str()),
        }
    }
}

impl From<Quantity> for QuantityArgument {
    fn from(quantity: Quantity) -> Self {
        Self::Known(quantity)
    }
}

impl<'de> Deserialize<'de> for QuantityArgument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = TextArgument::deserialize(deserializer)?.0;
        if text.contains(UNKNOWN) {
            return Ok(Self::Unknown(text));
        }
        let quantity: Quantity = text.parse().map_err(D::Error::custom)?;
        if quantity.is_negative() {
            return Err(D::Error::custom(format!("`{text}` is less than nothing")));
        }
        Ok(Self::Known(quantity))
    }
}

impl<'de> Deserialize<'de> for TextArgument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::String(text) => Ok(Self(text)),
            other @ (Json::Number(_) | Json::Bool(_)) => Ok(Self(other.to_string())),
            _ => Err(D::Error::custom("expected a text, a number or a bool")),
        }
    }
}

impl<'de> Deserialize<'de> for CountOrPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Json::deserialize(deserializer)?;
        let is_percent = |text: &str| {
            text.contains(UNKNOWN) || text.strip_suffix('%').is_some_and(|number| number.parse::<u16>().is_ok())
        };
        match &value {
            Json::Number(number) if number.as_u64().is_some() => Ok(Self(value)),
            Json::String(text) if is_percent(text) => Ok(Self(value)),
            _ => Err(D::Error::custom("expected a whole number such as `1`, or a percentage such as `\"25%\"`")),
        }
    }
}

impl<'de> Deserialize<'de> for RawArgument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match camel_keys(Json::deserialize(deserializer)?) {
            Json::Object(entries) => Ok(Self(entries)),
            _ => Err(D::Error::custom("expected an object")),
        }
    }
}

impl JsonSchema for QuantityArgument {
    fn schema_name() -> Cow<'static, str> {
        "quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number"],
            "x-quantity": true,
            "description": "A Kubernetes quantity such as `2`, `\"500m\"` or `\"8Gi\"`.",
        })
    }
}

impl JsonSchema for TextArgument {
    fn schema_name() -> Cow<'static, str> {
        "plain_text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl JsonSchema for CountOrPercent {
    fn schema_name() -> Cow<'static, str> {
        "count_or_percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "description": "A whole number, or a percentage such as `\"25%\"`." })
    }
}

impl JsonSchema for RawArgument {
    fn schema_name() -> Cow<'static, str> {
        "raw_value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": true,
            "description": "A raw Kubernetes value; keys in snake case become camel case.",
        })
    }
}

/// Maps whose keys are the user's own, not names of fields.
const OPAQUE: [&str; 8] =
    ["matchLabels", "nodeSelector", "labels", "annotations", "limits", "requests", "data", "volumeAttributes"];

/// Turns the keys of nested maps from snake case into camel case, but not the user's own keys.
///
/// Recursion is as deep as the value, which the configuration's limits on nesting bound.
pub(crate) fn camel_keys(value: Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.into_iter().map(camel_keys).collect()),
        Json::Object(entries) => Json::Object(
            entries
                .into_iter()
                .map(|(name, value)| (camel(&name), value))
                .map(|(name, value)| {
                    let value = if OPAQUE.contains(&name.as_str()) { value } else { camel_keys(value) };
                    (name, value)
                })
                .collect(),
        ),
        scalar => scalar,
    }
}

/// Turns `match_labels` into `matchLabels`, and leaves `matchLabels` alone.
fn camel(name: &str) -> String {
    let (mut result, mut is_after_underscore) = (String::with_capacity(name.len()), false);
    for letter in name.chars() {
        match letter {
            '_' => is_after_underscore = true,
            _ if is_after_underscore => {
                result.extend(letter.to_uppercase());
                is_after_underscore = false;
            }
            _ => result.push(letter),
        }
    }
    // Kubernetes writes these names in capitals.
    match result.as_str() {
        "clusterIp" => "clusterIP".to_owned(),
        "hostIp" => "hostIP".to_owned(),
        "hostPid" => "hostPID".to_owned(),
        "hostIpc" => "hostIPC".to_owned(),
        "podIp" => "podIP".to_owned(),
        _ => result,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Json, expected: Result<&str, &str>) {
        let actual = serde_json::from_value::<QuantityArgument>(value).map(|quantity| quantity.to_json());
        assert_eq!(actual.map_err(|error| error.to_string()), expected.map(Json::from).map_err(str::to_owned));
    }

    #[test]
    fn quantities_are_texts_or_numbers() {
        check(json!(2), Ok("2"));
        check(json!(0.5), Ok("500m"));
        check(json!("1024Mi"), Ok("1Gi"));
        check(json!("8Gb"), Err("`8Gb` is not a quantity; did you mean `8G` or `8Gi`?"));
        check(json!(-1), Err("`-1` is less than nothing"));
        check(json!([]), Err("expected a text, a number or a bool"));
    }

    #[test]
    fn keys_of_the_user_keep_their_case() {
        let value = json!({"label_selector": {"match_labels": {"my_label": "a_b"}}, "host_ip": [{"top_key": 1}]});
        let expected = json!({"labelSelector": {"matchLabels": {"my_label": "a_b"}}, "hostIP": [{"topKey": 1}]});
        assert_eq!(camel_keys(value), expected);
    }
}

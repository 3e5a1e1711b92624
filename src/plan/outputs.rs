//! How the outputs change, and the form in which they are recorded.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Desired, Json, Value, salted_hash};
use crate::state::{RecordedOutput, State};

use super::{Mode, OutputChange};

/// Returns every output that is desired or recorded.
pub(super) fn changes(desired: &Desired, state: &State, mode: Mode) -> BTreeMap<String, OutputChange> {
    let names: BTreeSet<&String> = desired.outputs.keys().chain(state.outputs.keys()).collect();
    let change = |name: &String| {
        let recorded = state.outputs.get(name);
        let output = desired.outputs.get(name);
        let after = match mode {
            Mode::Apply => output.map(|output| output.value.clone()),
            Mode::Destroy => None,
            Mode::RefreshOnly => recorded.map(|recorded| Value::from(&recorded.value)),
        };
        let sensitive = output.is_some_and(|it| it.sensitive) || recorded.is_some_and(|it| it.sensitive);
        OutputChange { before: recorded.map(|it| before(it, after.as_ref(), &state.salt)), after, sensitive }
    };
    names.into_iter().map(|name| (name.clone(), change(name))).collect()
}

/// Returns an output as the state records it: a sensitive one as a salted hash. None while it is not wholly known.
pub(crate) fn record(value: &Value, sensitive: bool, salt: &str) -> Option<RecordedOutput> {
    let json = to_json(value)?;
    let value = if sensitive { Json::from(salted_hash(salt, &json.to_string())) } else { json };
    Some(RecordedOutput { value, sensitive })
}

/// Returns a wholly known value as JSON; marks are dropped.
pub(crate) fn to_json(value: &Value) -> Option<Json> {
    let list =
        |items: &mut dyn Iterator<Item = &Value>| items.map(to_json).collect::<Option<Vec<_>>>().map(Json::Array);
    Some(match value {
        Value::Unknown => return None,
        Value::Null => Json::Null,
        Value::Bool(bool) => Json::Bool(*bool),
        Value::Number(number) => number.to_json(),
        Value::String(text) => Json::from(text.as_ref()),
        Value::List(items) => list(&mut items.iter())?,
        Value::Set(items) => list(&mut items.iter())?,
        Value::Map(entries) => {
            let entry = |(name, value): (&Arc<str>, &Value)| Some((name.to_string(), to_json(value)?));
            Json::Object(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        Value::Sensitive(inner) => to_json(inner)?,
        Value::Resource(exports) => {
            let entry = |(name, value): (&String, &Value)| Some((name.clone(), to_json(value)?));
            Json::Object(exports.values.iter().map(entry).collect::<Option<_>>()?)
        }
    })
}

/// Tells whether [`to_json`] of a value is this JSON, without making it.
pub(super) fn is_json(value: &Value, json: &Json) -> bool {
    let all = |items: &mut dyn ExactSizeIterator<Item = &Value>, found: &[Json]| {
        items.len() == found.len() && items.zip(found).all(|(item, json)| is_json(item, json))
    };
    match (value, json) {
        (Value::Sensitive(inner), _) => is_json(inner, json),
        (Value::Null, Json::Null) => true,
        (Value::Bool(bool), Json::Bool(found)) => bool == found,
        (Value::Number(number), Json::Number(_)) => number.to_json() == *json,
        (Value::String(text), Json::String(found)) => **text == **found,
        (Value::List(items), Json::Array(found)) => all(&mut items.iter(), found),
        (Value::Set(items), Json::Array(found)) => all(&mut items.iter(), found),
        (Value::Map(entries), Json::Object(found)) => {
            let is_entry = |(name, value): (&Arc<str>, &Value)| found.get(&**name).is_some_and(|it| is_json(value, it));
            entries.len() == found.len() && entries.iter().all(is_entry)
        }
        (Value::Resource(exports), Json::Object(found)) => {
            let is_entry = |(name, value): (&String, &Value)| found.get(name).is_some_and(|it| is_json(value, it));
            exports.values.len() == found.len() && exports.values.iter().all(is_entry)
        }
        _ => false,
    }
}

/// Returns the recorded value; the hash of an unchanged secret is exchanged for the value itself.
fn before(recorded: &RecordedOutput, after: Option<&Value>, salt: &str) -> Json {
    let same = after.and_then(to_json).filter(|json| {
        recorded.sensitive && recorded.value.as_str() == Some(salted_hash(salt, &json.to_string()).as_str())
    });
    same.unwrap_or_else(|| recorded.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_json_that_is_made_of_it_and_no_other() {
        let list = Value::list(vec![Value::Null, Value::Number(2.into()), Value::string("a").sensitive()]);
        let set = Value::Set(Arc::new([Value::Bool(true), Value::Number(2.into())].into()));
        let map = |value: &Value| Value::map([("a", value.clone()), ("b", Value::string("x"))]);
        let half = Value::Number("0.5".parse().expect("a number"));
        let values = [map(&list), map(&set), list, set, half, Value::Null, Value::Bool(false), Value::string("")];
        for (index, value) in values.iter().enumerate() {
            for (other, json) in values.iter().map(|value| to_json(value).expect("known")).enumerate() {
                assert_eq!(is_json(value, &json), index == other, "{value:?} and {json}");
            }
        }
        assert!(!is_json(&Value::Unknown, &Json::Null));
    }

    #[test]
    fn an_unchanged_secret_output_is_no_change() {
        let secret = Value::string("hunter22");
        let mut state = State { salt: "salt".to_owned(), ..State::default() };
        state.outputs.extend(record(&secret, true, "salt").map(|it| ("password".to_owned(), it)));
        let output = |text| crate::model::Output { value: Value::string(text).sensitive(), sensitive: true };
        let mut desired = Desired::default();
        desired.outputs.insert("password".to_owned(), output("hunter22"));
        assert!(!changes(&desired, &state, Mode::Apply)["password"].is_change());
        desired.outputs.insert("password".to_owned(), output("hunter23"));
        assert!(changes(&desired, &state, Mode::Apply)["password"].is_change());
        assert!(changes(&desired, &state, Mode::Destroy)["password"].is_change());
    }
}

//! Functions on maps and objects.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::arguments::Arguments;
use super::call::{FunctionError, MAX_ELEMENTS, Outcome, too_many_elements};
use super::table::{Accepts, Function, Parameter, Run};
use crate::model::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "keys",
        about: "Returns the names of a map or object, sorted.",
        parameters: &[Parameter::any("inputMap", "a map or object").apart()],
        rest: None,
        run: Run::Plain(keys),
    },
    Function {
        name: "lookup",
        about: "Returns the value of a name, or a default where the name is not there.",
        parameters: &[
            Parameter::any("inputMap", "a map or object").apart(),
            Parameter::string("key", "the name to look for"),
        ],
        rest: Some(Parameter::any("default", "the value where the name is not there").nullable().raw()),
        run: Run::Plain(lookup),
    },
    Function {
        name: "merge",
        about: "Joins maps and objects into one; later ones win.",
        parameters: &[],
        rest: Some(Parameter::any("maps", "maps or objects; null is passed over").nullable().apart()),
        run: Run::Plain(merge),
    },
    Function {
        name: "transpose",
        about: "Swaps names and texts of a map of lists of texts.",
        parameters: &[Parameter::new("values", Accepts::MapOfStrings, "a map of lists of texts")],
        rest: None,
        run: Run::Plain(transpose),
    },
    Function {
        name: "values",
        about: "Returns the values of a map or object, in the order of the names.",
        parameters: &[Parameter::any("mapping", "a map or object").apart()],
        rest: None,
        run: Run::Plain(values),
    },
    Function {
        name: "zipmap",
        about: "Makes a map of a list of names and a list of values.",
        parameters: &[
            Parameter::new("keys", Accepts::Strings, "the names"),
            Parameter::any("values", "as many values").apart(),
        ],
        rest: None,
        run: Run::Plain(zipmap),
    },
];

fn keys(arguments: &Arguments) -> Outcome {
    let entries = entries(arguments, 0)?;
    Ok(Value::list(entries.keys().map(Value::string).collect()))
}

fn lookup(arguments: &Arguments) -> Outcome {
    let (entries, key) = (entries(arguments, 0)?, arguments.string(1));
    match (entries.get(key), arguments.rest(2)) {
        (_, [_, _, ..]) => Err(FunctionError::new("lookup() takes two or three arguments")),
        (Some(value), _) => Ok(value.clone()),
        (None, [default]) => Ok(default.clone()),
        (None, _) => Err(FunctionError::at(1, format!("the given object has no attribute \"{key}\""))),
    }
}

fn merge(arguments: &Arguments) -> Outcome {
    let mut merged = BTreeMap::new();
    for (place, argument) in arguments.rest(0).iter().enumerate() {
        match argument {
            Value::Null => {}
            Value::Map(entries) => merged.extend(entries.iter().map(|(name, value)| (name.clone(), value.clone()))),
            other => {
                let message = format!("arguments must be maps or objects, got {}", other.type_name());
                return Err(FunctionError::at(place, message));
            }
        }
    }
    Ok(Value::Map(Arc::new(merged)))
}

fn transpose(arguments: &Arguments) -> Outcome {
    let (mut transposed, mut total) = (BTreeMap::<Arc<str>, Vec<Value>>::new(), 0);
    for (name, list) in arguments.map(0) {
        let Value::List(texts) = list else {
            return Err(FunctionError::at(0, format!("the list of `{name}` must not be null")));
        };
        total += texts.len();
        if total > MAX_ELEMENTS {
            return Err(too_many_elements());
        }
        for text in texts.iter() {
            let Value::String(text) = text else {
                return Err(FunctionError::at(0, format!("the list of `{name}` must not hold null")));
            };
            transposed.entry(text.clone()).or_default().push(Value::String(name.clone()));
        }
    }
    Ok(Value::map(transposed.into_iter().map(|(name, texts)| (name, Value::list(texts)))))
}

fn values(arguments: &Arguments) -> Outcome {
    Ok(Value::list(entries(arguments, 0)?.values().cloned().collect()))
}

fn zipmap(arguments: &Arguments) -> Outcome {
    let keys = arguments.strings(0)?;
    let Value::List(values) = arguments.value(1) else {
        return Err(FunctionError::at(1, "values argument must be a list or tuple value"));
    };
    if keys.len() != values.len() {
        let message = format!("number of keys ({}) does not match number of values ({})", keys.len(), values.len());
        return Err(FunctionError::at(1, message));
    }
    Ok(Value::map(keys.into_iter().zip(values.iter().cloned())))
}

fn entries(arguments: &Arguments, index: usize) -> Result<&BTreeMap<Arc<str>, Value>, FunctionError> {
    match arguments.value(index) {
        Value::Map(entries) => Ok(entries),
        other => Err(FunctionError::at(index, format!("must have map or object type, not {}", other.type_name()))),
    }
}

//! Functions that change types and marks.
use super::arguments::Arguments;
use super::call::{FunctionError, Outcome};
use super::table::{Function, Parameter, Run};
use crate::eval::convert::convert;
use crate::eval::types::Type;
use crate::model::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "can",
        about: "Tells whether an expression evaluates without an error.",
        parameters: &[Parameter::any("expression", "what to try").raw()],
        rest: None,
        run: Run::Evaluator,
    },
    Function {
        name: "issensitive",
        about: "Tells whether a value must not be shown.",
        parameters: &[Parameter::any("value", "any value").nullable().raw()],
        rest: None,
        run: Run::Sure(issensitive),
    },
    Function {
        name: "nonsensitive",
        about: "Returns a sensitive value as one that may be shown.",
        parameters: &[Parameter::any("value", "any value").nullable().raw()],
        rest: None,
        run: Run::Sure(nonsensitive),
    },
    Function {
        name: "sensitive",
        about: "Returns the value as one that must not be shown.",
        parameters: &[Parameter::any("value", "any value").nullable().raw()],
        rest: None,
        run: Run::Sure(sensitive),
    },
    Function {
        name: "tobool",
        about: "Returns the value as a bool.",
        parameters: &[Parameter::any("v", "a bool, or the text of one").nullable().raw()],
        rest: None,
        run: Run::Plain(tobool),
    },
    Function {
        name: "tolist",
        about: "Returns the elements as a list of one type.",
        parameters: &[Parameter::any("v", "a list or set").nullable().raw()],
        rest: None,
        run: Run::Plain(tolist),
    },
    Function {
        name: "tomap",
        about: "Returns the attributes as a map of one type.",
        parameters: &[Parameter::any("v", "a map or object").nullable().raw()],
        rest: None,
        run: Run::Plain(tomap),
    },
    Function {
        name: "tonumber",
        about: "Returns the value as a number.",
        parameters: &[Parameter::any("v", "a number, or the text of one").nullable().raw()],
        rest: None,
        run: Run::Plain(tonumber),
    },
    Function {
        name: "toset",
        about: "Returns the elements as a set: of one type, each once.",
        parameters: &[Parameter::any("v", "a list or set").nullable().raw()],
        rest: None,
        run: Run::Plain(toset),
    },
    Function {
        name: "tostring",
        about: "Returns the value as a text.",
        parameters: &[Parameter::any("v", "a string, number or bool").nullable().raw()],
        rest: None,
        run: Run::Plain(tostring),
    },
    Function {
        name: "try",
        about: "Returns the first of the expressions that evaluates without an error.",
        parameters: &[],
        rest: Some(Parameter::any("expressions", "what to try, in order").raw()),
        run: Run::Evaluator,
    },
];

fn issensitive(arguments: &Arguments) -> Value {
    match arguments.value(0) {
        Value::Sensitive(_) => Value::Bool(true),
        Value::Unknown => Value::Unknown,
        _ => Value::Bool(false),
    }
}

fn nonsensitive(arguments: &Arguments) -> Value {
    arguments.value(0).unmark().0.clone()
}

fn sensitive(arguments: &Arguments) -> Value {
    arguments.value(0).clone().sensitive()
}

fn tobool(arguments: &Arguments) -> Outcome {
    to(arguments, &Type::Bool)
}

fn tolist(arguments: &Arguments) -> Outcome {
    to(arguments, &Type::list(Type::Any))
}

fn tomap(arguments: &Arguments) -> Outcome {
    to(arguments, &Type::map(Type::Any))
}

fn tonumber(arguments: &Arguments) -> Outcome {
    to(arguments, &Type::Number)
}

fn toset(arguments: &Arguments) -> Outcome {
    to(arguments, &Type::set(Type::Any))
}

fn tostring(arguments: &Arguments) -> Outcome {
    to(arguments, &Type::String)
}

fn to(arguments: &Arguments, of: &Type) -> Outcome {
    convert(arguments.value(0), of).map_err(|error| {
        let from = arguments.value(0).type_name();
        FunctionError::at(0, format!("cannot convert {from} to {}: {error}", of.word()))
    })
}

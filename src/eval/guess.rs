//! The type of an expression as far as its text and the declared types tell it. Values do not say whether they are a
//! list or a tuple, a map or an object; only what is shown depends on it.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::constraint;
use super::types::{Attribute, Type};
use crate::config::ir::{Call, Expression, Form, Part, Step};
use crate::config::{Config, Variable};
use crate::model::Value;

/// How many locals are followed.
const MAX_DEPTH: usize = 32;

/// Returns the type of an expression; `any` where nothing tells it.
pub(super) fn guess(expression: &Expression, config: &Config) -> Type {
    Guess { config }.expression(expression, 0)
}

struct Guess<'a> {
    config: &'a Config,
}

impl Guess<'_> {
    fn expression(&self, expression: &Expression, depth: usize) -> Type {
        if depth > MAX_DEPTH {
            return Type::Any;
        }
        let of = |inner: &Expression| self.expression(inner, depth + 1);
        match &expression.form {
            Form::Literal(value) => Type::of(value),
            Form::Template(parts) => match parts.as_slice() {
                [Part::Interpolation(inner)] => of(inner),
                _ => Type::String,
            },
            Form::Tuple(items) => Type::Tuple(items.iter().map(of).collect()),
            Form::Object(entries) => {
                let names: BTreeMap<&str, Type> =
                    entries.iter().filter_map(|entry| Some((entry.key.as_text()?, of(&entry.value)))).collect();
                Type::object(names.into_iter().map(|(name, of)| (name, Attribute::required(of))))
            }
            Form::Traversal(traversal) => match self.root(&traversal.root, &traversal.steps, depth) {
                Some(root) => steps(root, &traversal.steps[1..]),
                None => steps(of(&traversal.root), &traversal.steps),
            },
            Form::Call(call) => self.call(call, depth),
            Form::Conditional(conditional) => {
                let (then, otherwise) = (of(&conditional.then), of(&conditional.otherwise));
                super::types::unify(&[then, otherwise]).unwrap_or(Type::Any)
            }
            Form::Name(_) | Form::Unary(..) | Form::Binary(_) | Form::For(_) => Type::Any,
        }
    }

    /// Returns the type of `var.name` or `local.name`.
    fn root(&self, root: &Expression, steps: &[Step], depth: usize) -> Option<Type> {
        let (Form::Name(root), Some(Step::Attribute(name, _))) = (&root.form, steps.first()) else { return None };
        match &**root {
            "var" => Some(self.config.variables.get(name).and_then(declared).unwrap_or(Type::Any)),
            "local" => Some(self.expression(&self.config.locals.get(name)?.value, depth + 1)),
            _ => Some(Type::Any),
        }
    }

    fn call(&self, call: &Call, depth: usize) -> Type {
        let first = || call.arguments.first().map_or(Type::Any, |argument| self.expression(argument, depth + 1));
        match &*call.name {
            "tolist" | "distinct" | "matchkeys" | "sort" => Type::list(element(first())),
            "csvdecode" | "setproduct" => Type::list(Type::Any),
            "compact" | "formatlist" | "regexall" | "split" | "cidrsubnets" => Type::list(Type::String),
            "range" => Type::list(Type::Number),
            "chunklist" => Type::list(Type::list(element(first()))),
            "tomap" => Type::map(element(first())),
            "transpose" => Type::map(Type::list(Type::String)),
            "keys" if matches!(first(), Type::Map(_)) => Type::list(Type::String),
            "values" if matches!(first(), Type::Map(_)) => Type::list(element(first())),
            "try" | "sensitive" | "nonsensitive" => first(),
            "reverse" | "slice" if matches!(first(), Type::List(_)) => first(),
            "concat" | "coalescelist" | "merge" => self.same(call, depth),
            "element" | "one" => element(first()),
            "tostring" => Type::String,
            "tonumber" => Type::Number,
            "tobool" => Type::Bool,
            _ => Type::Any,
        }
    }

    /// Returns the type of all arguments, where they are collections of one type.
    fn same(&self, call: &Call, depth: usize) -> Type {
        let mut types = call.arguments.iter().map(|argument| self.expression(argument, depth + 1));
        let first = types.next().unwrap_or(Type::Any);
        let is_collection = matches!(first, Type::List(_) | Type::Map(_));
        if is_collection && types.all(|of| of == first) { first } else { Type::Any }
    }
}

fn declared(variable: &Variable) -> Option<Type> {
    constraint::read(variable.constraint.as_ref()?).ok()
}

/// Returns the type behind some steps.
fn steps(mut of: Type, steps: &[Step]) -> Type {
    for step in steps {
        of = match (step, of) {
            (
                Step::Attribute(name, _) | Step::Index(Expression { form: Form::Literal(Value::String(name)), .. }),
                Type::Object(mut attributes),
            ) => member(&mut attributes, name),
            (Step::Attribute(..) | Step::Index(_), of) => element(of),
            (Step::Splat { .. }, _) => Type::Any,
        };
    }
    of
}

fn member(attributes: &mut BTreeMap<Arc<str>, Attribute>, name: &str) -> Type {
    attributes.remove(name).map_or(Type::Any, |attribute| attribute.of)
}

/// Returns the type of the members of a collection.
fn element(of: Type) -> Type {
    match of {
        Type::List(inner) | Type::Set(inner) | Type::Map(inner) => *inner,
        Type::Tuple(items) => super::types::unify(&items).unwrap_or(Type::Any),
        Type::Object(attributes) => {
            let types: Vec<Type> = attributes.into_values().map(|attribute| attribute.of).collect();
            super::types::unify(&types).unwrap_or(Type::Any)
        }
        _ => Type::Any,
    }
}

//! What names mean at some place of a configuration.
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::expression::Failure;
use super::functions::Environment;
use crate::config::ir::Step;
use crate::model::{Diagnostic, Key, Span, Value, nearest};

/// The values that all expressions of a configuration can refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    pub variables: BTreeMap<Arc<str>, Value>,
    pub locals: BTreeMap<Arc<str>, Value>,
    /// By type and name: a resource, or a list or map of them.
    pub resources: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>>,
    /// What `data` blocks have read, by type and name: an object, or a list or map of them.
    pub data: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>>,
    /// The outputs of each call of a module: a map of them, or a list or map of such maps.
    pub modules: BTreeMap<Arc<str>, Value>,
}

/// Which instance of a block is being evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Instance {
    /// The only one.
    Single,
    /// One of `count`.
    Counted(Value),
    /// One of `for_each`: `each.key` and `each.value`.
    Each { key: Value, value: Value },
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// Looked up first, where present: what is newer than `roots`.
    pub newer: Option<&'a Roots>,
    pub roots: &'a Roots,
    /// The variables of a template file, where one is evaluated.
    pub names: Option<&'a BTreeMap<Arc<str>, Value>>,
    pub instance: &'a Instance,
    pub environment: &'a Environment<'a>,
    /// How many template files lead here.
    pub templates: usize,
}

/// The variables of `for`, the innermost first.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub parent: Option<&'a Frame<'a>>,
    pub name: &'a str,
    pub value: &'a Value,
    /// How many members the outermost loop and all loops in it have gone through.
    pub steps: &'a Cell<usize>,
}

impl Instance {
    /// Returns the key of the instance in addresses.
    pub(super) fn key(&self) -> Option<Key> {
        match self {
            Self::Counted(Value::Number(index)) => index.as_i64().and_then(|i| u64::try_from(i).ok()).map(Key::Index),
            Self::Each { key: Value::String(name), .. } => Some(Key::Name(name.to_string())),
            _ => None,
        }
    }
}

impl<'a> Frame<'a> {
    fn find(frame: Option<&Frame<'a>>, name: &str) -> Option<&'a Value> {
        let mut next = frame.copied();
        while let Some(frame) = next {
            if frame.name == name {
                return Some(frame.value);
            }
            next = frame.parent.copied();
        }
        None
    }
}

impl<'a> Scope<'a> {
    /// Returns what a name stands for, and how many steps behind it belong to the name.
    pub(super) fn find(
        &self,
        name: &str,
        steps: &[Step],
        span: Span,
        frame: Option<&Frame<'a>>,
    ) -> Result<(Cow<'a, Value>, usize), Failure> {
        if let Some(value) = Frame::find(frame, name) {
            return Ok((Cow::Borrowed(value), 0));
        }
        if let Some(value) = self.names.and_then(|names| names.get(name)) {
            return Ok((Cow::Borrowed(value), 0));
        }
        let Some(Step::Attribute(attribute, attribute_span)) = steps.first() else {
            return Err(Box::new(self.bare(name, span)));
        };
        let found = match name {
            "var" => self.root(|roots| roots.variables.get(attribute)),
            "local" => self.root(|roots| roots.locals.get(attribute)),
            "module" => self.root(|roots| roots.modules.get(attribute)),
            // That there is such a cluster was checked when the graph was made.
            "cluster" => return Ok((Cow::Owned(Value::String(attribute.clone())), 1)),
            "path" => return self.path(attribute, *attribute_span).map(|value| (Cow::Owned(value), 1)),
            // The second name is what configurations that come from Terraform say.
            "rayform" | "terraform" => return self.settings(name, attribute, *attribute_span),
            "data" => return self.data(attribute, steps, span),
            "resource" => {
                return self.find(attribute, &steps[1..], span, None).map(|(value, used)| (value, used + 1));
            }
            "each" => return self.each(attribute, *attribute_span).map(|value| (Cow::Borrowed(value), 1)),
            "count" => return self.count(attribute, *attribute_span).map(|value| (Cow::Borrowed(value), 1)),
            _ => self.root(|roots| roots.resources.get(name)?.get(attribute)),
        };
        let whole = Span { end: attribute_span.end, ..span };
        found.map(|value| (Cow::Borrowed(value), 1)).ok_or_else(|| Box::new(self.missing(name, attribute, whole)))
    }

    /// Finds `data.TYPE.NAME`; that there is such a block was checked when the graph was made.
    fn data(&self, data_type: &str, steps: &[Step], span: Span) -> Result<(Cow<'a, Value>, usize), Failure> {
        let Some(Step::Attribute(name, name_span)) = steps.get(1) else {
            return Err(Box::new(self.bare("data", span)));
        };
        let found = self.root(|roots| roots.data.get(data_type)?.get(name));
        let whole = Span { end: name_span.end, ..span };
        let missing = || Box::new(Diagnostic::error(format!("there is no `data.{data_type}.{name}` here")).at(whole));
        found.map(|value| (Cow::Borrowed(value), 2)).ok_or_else(missing)
    }

    fn root(&self, pick: impl Fn(&'a Roots) -> Option<&'a Value>) -> Option<&'a Value> {
        self.newer.and_then(&pick).or_else(|| pick(self.roots))
    }

    fn bare(&self, name: &str, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(format!("`{name}` alone is no value")).at(span);
        match name {
            "var" | "local" | "module" | "data" | "each" | "count" | "path" | "rayform" => {
                diagnostic.hint(format!("write `{name}.` and a name, such as `{name}.{}`", example(name)))
            }
            _ if self.roots.resources.contains_key(name) => diagnostic.hint(format!("write `{name}.` and a name")),
            _ => diagnostic.hint("a text stands in quotes: `\"…\"`"),
        }
    }

    fn missing(&self, name: &str, attribute: &str, span: Span) -> Diagnostic {
        let names: Vec<&str> = match name {
            "var" => self.roots.variables.keys().map(|name| &**name).collect(),
            "local" => self.roots.locals.keys().map(|name| &**name).collect(),
            "module" => self.roots.modules.keys().map(|name| &**name).collect(),
            _ => self.roots.resources.get(name).into_iter().flat_map(BTreeMap::keys).map(|name| &**name).collect(),
        };
        let diagnostic = Diagnostic::error(format!("there is no `{name}.{attribute}` here")).at(span);
        match nearest(attribute, names) {
            Some(meant) => diagnostic.hint(format!("did you mean `{name}.{meant}`?")),
            None => diagnostic,
        }
    }

    fn path(&self, attribute: &str, span: Span) -> Result<Value, Failure> {
        match attribute {
            "module" => Ok(Value::string(self.environment.place.to_string_lossy())),
            "root" => Ok(Value::string(".")),
            "cwd" => Ok(Value::string(self.environment.root.to_string_lossy())),
            _ => Err(Box::new(unknown_member("path", attribute, &["module", "root", "cwd"], span))),
        }
    }

    fn settings(&self, name: &str, attribute: &str, span: Span) -> Result<(Cow<'a, Value>, usize), Failure> {
        match attribute {
            "workspace" => Ok((Cow::Owned(Value::string(self.environment.workspace)), 1)),
            _ => Err(Box::new(unknown_member(name, attribute, &["workspace"], span))),
        }
    }

    fn each(&self, attribute: &str, span: Span) -> Result<&'a Value, Failure> {
        let Instance::Each { key, value } = self.instance else {
            let message = "`each` has a meaning only in a block with `for_each`";
            return Err(Box::new(Diagnostic::error(message).at(span)));
        };
        match attribute {
            "key" => Ok(key),
            "value" => Ok(value),
            _ => Err(Box::new(unknown_member("each", attribute, &["key", "value"], span))),
        }
    }

    fn count(&self, attribute: &str, span: Span) -> Result<&'a Value, Failure> {
        let Instance::Counted(index) = self.instance else {
            let message = "`count` has a meaning only in a block with `count`";
            return Err(Box::new(Diagnostic::error(message).at(span)));
        };
        match attribute {
            "index" => Ok(index),
            _ => Err(Box::new(unknown_member("count", attribute, &["index"], span))),
        }
    }
}

fn example(name: &str) -> &'static str {
    match name {
        "each" => "key",
        "count" => "index",
        "path" => "module",
        "rayform" => "workspace",
        "module" => "tenant",
        "data" => "namespace.shared",
        _ => "image",
    }
}

fn unknown_member(name: &str, attribute: &str, known: &[&str], span: Span) -> Diagnostic {
    let list: Vec<String> = known.iter().map(|member| format!("`{name}.{member}`")).collect();
    Diagnostic::error(format!("there is no `{name}.{attribute}`"))
        .at(span)
        .hint(format!("there is {}", list.join(", ")))
}

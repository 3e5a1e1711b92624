//! One instance of a `data` block: what it asks the cluster for, and what it is with the answer.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::arguments::{Owner, body};
use super::clusters::{self, Chooser};
use super::expand::marked;
use super::inputs::check;
use super::instances::{instances, joined};
use super::json::Output;
use super::locate::locate;
use super::reading::Source;
use super::scope::{Instance, Scope};
use super::visit::remember;
use crate::config::{Config, DataBlock};
use crate::model::{Address, Answers, ClusterName, Diagnostic, Json, Read, Secrets, UNKNOWN, Value};
use crate::resource::Problem;

/// What an instance is looked at with.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub block: &'a DataBlock,
    pub source: &'a Source,
    /// The block in its module, without the instance's key.
    pub address: &'a Address,
    /// The cluster of the module, where it has one of its own.
    pub inherited: Option<&'a ClusterName>,
    /// The configuration of the root module, which describes the clusters.
    pub root: &'a Config,
    /// What has been answered.
    pub answers: &'a Answers,
    /// Whether something may be asked: all that it needs is up.
    pub may_ask: bool,
}

/// What a block, or one instance of it, is.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Unknown in part or as a whole where it is not read yet.
    pub value: Value,
    /// What is still to be asked.
    pub wanted: Vec<Read>,
    /// The clusters that are read.
    pub clusters: Vec<ClusterName>,
    pub secrets: Secrets,
    pub diagnostics: Vec<Diagnostic>,
}

/// Looks at all instances of a block; nothing where it is not known how many there are.
pub(super) fn see<'a>(look: Look<'a>, scope: &Scope<'a>) -> Result<Option<Sight>, Box<Diagnostic>> {
    let Some(instances) = instances(&look.block.repetition, scope)? else { return Ok(None) };
    let (mut whole, mut values) = (Sight::default(), Vec::with_capacity(instances.len()));
    for instance in &instances {
        let sight = look.at(&Scope { instance, ..*scope }, instance);
        values.push(sight.value);
        whole.wanted.extend(sight.wanted);
        whole.clusters.extend(sight.clusters);
        whole.secrets.extend(sight.secrets);
        whole.diagnostics.extend(sight.diagnostics);
    }
    whole.value = joined(&look.block.repetition, &instances, values);
    Ok(Some(whole))
}

impl<'a> Look<'a> {
    /// Looks at one instance.
    fn at(self, scope: &Scope<'a>, instance: &Instance) -> Sight {
        let Self { block, source, .. } = self;
        let address = Address { key: instance.key(), ..self.address.clone() };
        let (mut output, owner) = (Output::default(), Owner { kind: source.data_source.name(), header: block.header });
        let arguments = Json::Object(body(owner, &block.arguments, source.fields(), scope, None, &mut output));
        let of = format!("`{address}`");
        output.diagnostics.extend(block.preconditions.iter().filter_map(|condition| check(condition, &of, scope)));
        let mut sight = Sight { secrets: output.secrets, diagnostics: output.diagnostics, ..Sight::default() };
        let is_open = output.unknown || arguments.to_string().contains(UNKNOWN);
        sight.value = self.unread(&arguments, &sight.secrets);
        if sight.diagnostics.iter().any(Diagnostic::is_error) {
            return sight;
        }
        match self.exports(&address, &arguments, is_open, scope, &mut sight) {
            Ok(None) => {}
            Ok(Some(exports)) => {
                let own = BTreeMap::from([(Arc::from("self"), exports.clone())]);
                let after = Scope { names: Some(&own), ..*scope };
                sight.diagnostics.extend(block.postconditions.iter().filter_map(|it| check(it, &of, &after)));
                remember(&exports, false, &mut sight.secrets);
                sight.value = exports;
            }
            Err(problems) => sight.diagnostics.extend(problems),
        }
        sight
    }

    /// Returns what the instance exports; nothing where it is not read yet.
    fn exports(
        self,
        address: &Address,
        arguments: &Json,
        is_open: bool,
        scope: &Scope<'_>,
        sight: &mut Sight,
    ) -> Result<Option<Value>, Vec<Diagnostic>> {
        let chooser = Chooser {
            own: self.block.cluster.as_ref(),
            resource_type: &address.resource_type,
            name: &address.name,
            header: self.block.header,
        };
        let cluster = clusters::choose(chooser, self.inherited, self.root, scope).map_err(|failure| vec![*failure])?;
        sight.clusters.push(cluster.clone());
        if is_open {
            return Ok(None);
        }
        let said = |problem: Problem| self.said(problem);
        let data_source = self.source.data_source;
        let question = data_source
            .question(arguments.clone())
            .map_err(|problems| problems.into_iter().map(said).collect::<Vec<_>>())?;
        let read = Read { cluster, question };
        if !self.may_ask {
            return Ok(None);
        }
        match self.answers.get(&read) {
            None => {
                sight.wanted.push(read);
                Ok(None)
            }
            Some(Err(reason)) => {
                let message = format!("`{address}` cannot be read: {reason}");
                Err(vec![Diagnostic::error(message).at(self.block.header)])
            }
            Some(Ok(found)) => {
                let exports = data_source.answer(&read.question, found).map_err(|problem| vec![said(problem)])?;
                let secrets = &sight.secrets;
                Ok(Some(Value::map(exports.into_iter().map(|(name, value)| {
                    let is_secret = data_source.secrets(arguments).contains(&name.as_str());
                    let value = marked(value, secrets);
                    (name, if is_secret { value.sensitive() } else { value })
                }))))
            }
        }
    }

    /// Returns what can be said before anything is read: what is given is known.
    fn unread(self, arguments: &Json, secrets: &Secrets) -> Value {
        let data_source = self.source.data_source;
        Value::map(data_source.exports().iter().map(|(name, _)| {
            let given = arguments.get(name).and_then(Json::as_str).filter(|text| !text.contains(UNKNOWN));
            let value = given.map_or(Value::Unknown, |text| marked(Value::string(text), secrets));
            (name, if data_source.secrets(arguments).contains(name) { value.sensitive() } else { value })
        }))
    }

    fn said(self, problem: Problem) -> Diagnostic {
        let span = locate(&self.block.arguments, &problem.argument, self.block.header);
        let diagnostic = Diagnostic::error(problem.message).at(span);
        match problem.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}

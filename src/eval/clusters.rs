//! The clusters of a configuration: what their blocks say, and which one a resource chooses.
use super::expression::{Failure, evaluate};
use super::scope::Scope;
use super::text::{described, to_text};
use crate::config::Config;
use crate::config::ir::Expression;
use crate::model::{Address, ClusterName, Clusters, Desired, Diagnostic, Span, Value, nearest};

/// What a `cluster` block says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterSettings {
    pub kubeconfig: Option<String>,
    pub context: Option<String>,
}

/// Returns what all `cluster` blocks say. With no labelled block, there is a default cluster without any block.
pub(super) fn settings(
    config: &Config,
    text: &mut dyn FnMut(&Expression) -> Option<String>,
) -> Clusters<ClusterSettings> {
    let mut read = |expression: &Option<Expression>| expression.as_ref().and_then(&mut *text);
    let mut all: Clusters<ClusterSettings> = config
        .clusters
        .iter()
        .map(|(name, block)| {
            let settings = ClusterSettings { kubeconfig: read(&block.kubeconfig), context: read(&block.context) };
            (name.clone(), settings)
        })
        .collect();
    if has_default(config) {
        all.entry(ClusterName::default()).or_default();
    }
    all
}

/// Returns the clusters whose blocks are literal texts: where they are is known before anything is evaluated.
pub(crate) fn known_clusters(config: &Config) -> Clusters<ClusterSettings> {
    let mut all = settings(config, &mut |expression| expression.as_text().map(str::to_owned));
    let is_literal = |expression: &Option<Expression>| expression.as_ref().is_none_or(|it| it.as_text().is_some());
    all.retain(|name, _| {
        config.clusters.get(name).is_none_or(|block| is_literal(&block.kubeconfig) && is_literal(&block.context))
    });
    all
}

/// What chooses a cluster: a block, by its type and name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chooser<'a> {
    /// What it says itself.
    pub own: Option<&'a Expression>,
    pub resource_type: &'a str,
    pub name: &'a str,
    pub header: Span,
}

/// Returns the cluster that an instance is to live in: its own, else the one that its module was given.
pub(super) fn choose(
    chooser: Chooser<'_>,
    inherited: Option<&ClusterName>,
    root: &Config,
    scope: &Scope<'_>,
) -> Result<ClusterName, Failure> {
    let own = chooser.own.map(|expression| named(expression, root, scope)).transpose()?.flatten();
    match own.or_else(|| inherited.cloned()) {
        Some(cluster) => Ok(cluster),
        None => default(chooser, root),
    }
}

/// Refuses references to whole resources of other clusters: neither can reach the other by a name of the cluster.
pub(super) fn strangers(
    references: &[(Address, Span)],
    cluster: &ClusterName,
    desired: &Desired,
) -> impl Iterator<Item = Diagnostic> {
    references.iter().filter_map(move |(address, span)| {
        let other = &desired.resources.get(address)?.cluster;
        let diagnostic = || {
            let message = format!("`{address}` lives in {other}, and this in {cluster}");
            let hint = "what belongs together lives in one cluster: choose the same for both";
            Diagnostic::error(message).at(*span).hint(hint)
        };
        (other != cluster).then(diagnostic)
    })
}

/// Returns the cluster that an expression names; nothing for null.
pub(super) fn named(expression: &Expression, root: &Config, scope: &Scope<'_>) -> Result<Option<ClusterName>, Failure> {
    let value = evaluate(expression, scope, None)?;
    let name = match &value {
        Value::Null => return Ok(None),
        Value::Unknown => {
            let message = "the cluster depends on something that is known only after apply";
            let hint = "choose it by what is known when planning, such as `cluster.NAME`, a variable or `each.key`";
            return Err(Box::new(Diagnostic::error(message).at(expression.span).hint(hint)));
        }
        Value::Sensitive(_) => {
            let message = "the name of a cluster is shown everywhere and must not be sensitive";
            return Err(Box::new(Diagnostic::error(message).at(expression.span)));
        }
        other => to_text(other).ok_or_else(|| {
            let message = format!("`cluster` takes the name of a cluster, not {}", described(other));
            Box::new(Diagnostic::error(message).at(expression.span).hint("write `cluster = cluster.NAME`"))
        })?,
    };
    check_name(&name, expression.span, root).map(Some)
}

/// Returns the cluster of that name, if a block describes it.
pub(super) fn check_name(name: &str, span: Span, config: &Config) -> Result<ClusterName, Failure> {
    let found = ClusterName::named(name);
    if config.clusters.contains_key(&found) {
        return Ok(found);
    }
    let diagnostic = Diagnostic::error(format!("there is no cluster `{name}`")).at(span);
    let known: Vec<&str> = config.clusters.keys().filter_map(ClusterName::name).collect();
    Err(Box::new(match nearest(name, known.iter().copied()) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None if known.is_empty() => diagnostic.hint(format!("declare it with `cluster \"{name}\" {{ … }}`")),
        None => diagnostic.hint(format!("there is `{}`", known.join("`, `"))),
    }))
}

/// Nothing falls back to a default cluster that nobody wrote down where others are.
fn default(chooser: Chooser<'_>, config: &Config) -> Result<ClusterName, Failure> {
    if has_default(config) {
        return Ok(ClusterName::default());
    }
    let message = format!("`{}.{}` does not say which cluster it lives in", chooser.resource_type, chooser.name);
    let name = config.clusters.keys().find_map(ClusterName::name).unwrap_or("NAME");
    let hint =
        format!("write `cluster = cluster.{name}`, or add a `cluster` block without a label for all that says nothing");
    Err(Box::new(Diagnostic::error(message).at(chooser.header).hint(hint)))
}

fn has_default(config: &Config) -> bool {
    config.clusters.is_empty() || config.clusters.contains_key(&ClusterName::default())
}

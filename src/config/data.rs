//! `data` blocks.
use std::sync::Arc;

use super::blocks::{Config, DataBlock};
use super::collect::{labels, repetition, split, twice};
use super::ir::Block;
use super::settings;
use crate::model::Diagnostic;

/// Adds a `data` block; `check` is the name of the `check` block that it stands in.
pub(super) fn collect(block: Block, check: Option<&Arc<str>>, config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    let Some([data_type, name]) = labels(&block, &["type", "name"], diagnostics) else { return };
    let (header, type_span) = (block.header, block.labels[0].span);
    let mut arguments = block.body;
    let (mut taken, kept) = split(arguments.attributes, &["count", "for_each", "depends_on", "cluster"]);
    arguments.attributes = kept;
    let (lifecycle, kept) = arguments.blocks.into_iter().partition(|inner| &*inner.kind == "lifecycle");
    arguments.blocks = kept;
    let (preconditions, postconditions) = settings::conditions_of_lifecycle(lifecycle, diagnostics);
    for attribute in taken.values().filter(|it| check.is_some() && matches!(&*it.name, "count" | "for_each")) {
        let message = format!("a `data` block in a `check` has no `{}`", attribute.name);
        let hint = "put the block beside the `check`, which can refer to it there";
        diagnostics.push(Diagnostic::error(message).at(attribute.name_span).hint(hint));
    }
    let data = DataBlock {
        data_type: data_type.clone(),
        type_span,
        name: name.clone(),
        header,
        check: check.cloned(),
        repetition: repetition(taken.remove("count"), taken.remove("for_each"), diagnostics),
        cluster: taken.remove("cluster").map(|attribute| attribute.value),
        depends_on: settings::references(taken.remove("depends_on"), diagnostics),
        preconditions,
        postconditions,
        arguments,
    };
    if let Some(first) = config.data.get(&(data_type.clone(), name.clone())) {
        diagnostics.push(twice(format!("a second `data.{data_type}.{name}`"), header, first.header));
        return;
    }
    config.data.insert((data_type, name), data);
}

//! Plans, events, state and diagnostics into text for terminals and programs.
mod body;
mod diagnostics;
pub(crate) mod graph;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod progress;
pub(crate) mod reference;
#[cfg(test)]
mod sample;
pub(crate) mod schema;
pub(crate) mod state;
mod style;
pub(crate) mod text;
mod words;
pub(crate) mod yaml;

pub(crate) use diagnostics::diagnostics;
pub(crate) use style::View;

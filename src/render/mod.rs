//! Plans, events, state and diagnostics into text for terminals and programs.
mod body;
mod style;
mod text;
mod words;

pub(crate) use style::View;
pub(crate) use text::{drift as drift_text, plan as plan_text};

//! Configuration in JSON: the same blocks in the form that programs write, with the places of all parts.
mod body;
mod expression;
mod text;

#[cfg(test)]
mod tests;

pub(super) use body::body;
pub(super) use expression::{Texts, expression};
pub(super) use text::{Node, NodeForm, Place, Quoted, read};

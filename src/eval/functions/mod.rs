//! The functions of the configuration language, by Terraform's names and with its results.
mod arguments;
mod call;
#[cfg(test)]
mod cases;
mod charset;
mod collection;
mod conversion;
mod csv;
mod decimal;
mod encoding;
mod filesystem;
mod float;
mod format;
mod glob;
mod hash;
mod json;
mod kubernetes;
mod letters;
mod map;
#[cfg(test)]
mod marks;
mod matching;
mod moment;
mod network;
mod numeric;
mod pattern;
mod set;
mod string;
mod table;
mod time;
mod verb;
mod yaml_decode;
mod yaml_encode;

pub(crate) use call::{Environment, ReadError, call};
pub(crate) use table::{all, find, names};

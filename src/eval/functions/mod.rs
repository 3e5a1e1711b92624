//! The functions of the configuration language, by Terraform's names and with its results.
mod arguments;
mod call;
mod collection;
mod conversion;
mod letters;
mod map;
mod numeric;
mod set;
mod string;
mod table;

pub(crate) use call::{Environment, FunctionError, ReadError, call};
pub(crate) use table::{Accepts, Function, Parameter, all, find, names};

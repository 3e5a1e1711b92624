//! Configuration and variables into desired objects: scope, functions, expansion.
mod convert;
mod functions;
mod inspect;
mod number;
mod types;

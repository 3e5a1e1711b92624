//! Files into blocks with spans; nothing is evaluated here.
mod source;

pub(crate) use source::Sources;

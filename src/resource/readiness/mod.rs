//! Judges live objects: ready, on their way, or failed for good; one rule per kind.
mod claim;
mod generic;
mod pod;
mod ray;
mod table;
mod workload;

#[cfg(test)]
mod tests;

pub(crate) use table::judge_of;

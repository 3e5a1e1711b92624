//! `check` blocks: what should hold. What does not is a warning, and stops nothing.
use super::inputs;
use super::scope::Scope;
use crate::config::CheckBlock;
use crate::model::{Diagnostic, Severity};

/// Returns what does not hold; what is not known yet is asked again after apply.
pub(super) fn failed<'a>(name: &str, block: &'a CheckBlock, scope: &Scope<'a>) -> Vec<Diagnostic> {
    let of = format!("check `{name}`");
    let found = block.asserts.iter().filter_map(|assert| inputs::check(assert, &of, scope));
    found.map(as_warning).collect()
}

/// Makes a warning of a mistake.
pub(super) fn as_warning(diagnostic: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..diagnostic }
}

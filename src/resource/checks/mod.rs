//! The checks that look at the finished objects of all resources together, and the table of all checks.
mod autoscaling;
mod checksums;
mod codes;
mod exposure;
mod gcs;
mod quota;
mod references;
#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests read better with literals as arguments")]
mod tests;
mod view;

use view::View;

pub(crate) use checksums::{annotate_checksums, read_by_pods};
pub(crate) use codes::{CheckDoc, all};

use crate::model::{Address, Desired, Diagnostic};

/// Checks what all resources are together; each finding with the resource that it is about.
pub(crate) fn findings(desired: &Desired) -> Vec<(Address, Diagnostic)> {
    let view = View::new(desired);
    let mut findings = Vec::new();
    findings.extend(quota::check(&view));
    findings.extend(references::check(&view));
    findings.extend(exposure::check(&view));
    findings.extend(autoscaling::check(&view));
    findings.extend(gcs::check(&view));
    findings
}

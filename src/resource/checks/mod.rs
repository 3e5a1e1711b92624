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

use std::collections::BTreeSet;

use crate::model::{Address, ClusterName, Desired, Diagnostic};

/// Checks what all resources of each cluster are together; each finding with the resource that it is about.
pub(crate) fn findings(desired: &Desired) -> Vec<(Address, Diagnostic)> {
    let clusters: BTreeSet<&ClusterName> = desired.resources.values().map(|resource| &resource.cluster).collect();
    let mut findings = Vec::new();
    for cluster in clusters {
        let view = View::new(desired, cluster);
        findings.extend(quota::check(&view));
        findings.extend(references::check(&view));
        findings.extend(exposure::check(&view));
        findings.extend(autoscaling::check(&view));
        findings.extend(gcs::check(&view));
    }
    findings
}

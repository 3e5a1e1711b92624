//! How a Ray node is asked whether it lives.
use super::ports::DASHBOARD_AGENT;
use super::version::RayVersion;
use crate::resource::pods::{Probes, exec, http_get};

/// The first version with one URL for the health of a node.
///
/// <https://github.com/ray-project/kuberay/blob/v1.7.0/ray-operator/controllers/ray/common/pod.go>
/// (`supportsUnifiedHealthCheck`)
const ONE_URL: RayVersion = RayVersion(2, 53, 0);

/// Seconds between tries.
const PERIOD: u32 = 5;
/// With the period, 600 s: as long as a worker waits for a head that restarts.
const LIVENESS_FAILURES: u32 = 120;
const READINESS_FAILURES: u32 = 10;
/// With the period, 600 s: large images and slow disks.
const STARTUP_FAILURES: u32 = 120;

/// Asks raylet and GCS in turn, with what every Ray image has.
const ASK_HEAD: &str = "\
from urllib.request import urlopen
for url in ('http://localhost:52365/api/local_raylet_healthz', 'http://localhost:8265/api/gcs_healthz'):
    answer = urlopen(url, timeout=2).read().decode()
    assert 'success' in answer, answer
";

/// Returns the probes of the head. A version that is not known is treated as an old one, which all answer to.
pub(crate) fn head_probes(version: Option<RayVersion>) -> Probes {
    let probe = |failures| match version {
        Some(version) if version >= ONE_URL => http_get("/api/healthz", DASHBOARD_AGENT, 5, PERIOD, failures),
        _ => exec(&["python", "-c", ASK_HEAD], 5, PERIOD, failures),
    };
    probes(probe)
}

/// Returns the probes of a worker.
pub(crate) fn worker_probes(version: Option<RayVersion>) -> Probes {
    let path = match version {
        Some(version) if version >= ONE_URL => "/api/healthz",
        _ => "/api/local_raylet_healthz",
    };
    probes(|failures| http_get(path, DASHBOARD_AGENT, 2, PERIOD, failures))
}

fn probes(probe: impl Fn(u32) -> crate::model::Json) -> Probes {
    Probes {
        liveness: Some(probe(LIVENESS_FAILURES)),
        readiness: Some(probe(READINESS_FAILURES)),
        startup: Some(probe(STARTUP_FAILURES)),
    }
}

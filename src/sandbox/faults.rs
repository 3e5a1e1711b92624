//! Faults that a test asks for: refusals, delays, dropped watches, stale lists, lost connections.
//!
//! A test inside the process calls `Sandbox::fault`; a test of the binary puts `faults.json`, a list of the same
//! things, into the sandbox's folder, where it is read when the folder is opened:
//! `[{"method": "PATCH", "path_contains": "/deployments/", "times": 2, "effect": {"status": {"code": 503, "retry_after": 1}}}]`.
use http::Method;
use serde::Deserialize;

/// One fault and the requests that it strikes. Absent conditions hold for every request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`, or `WATCH` for a `GET` that watches.
    #[serde(default)]
    pub method: Option<String>,
    /// A part of the path.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// A part of the query, as it was sent.
    #[serde(default)]
    pub query_contains: Option<String>,
    /// How many of the requests that match pass unharmed before the first is struck.
    #[serde(default)]
    pub skip: u32,
    /// How many requests are struck; all where absent.
    #[serde(default)]
    pub times: Option<u32>,
    pub effect: Effect,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Effect {
    /// The request is refused and not carried out.
    Status {
        code: u16,
        /// Seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The request waits, then is carried out. On a held clock it waits until the clock is advanced.
    Latency { milliseconds: u64 },
    /// The watch ends without a word after so many events.
    DropWatch { after_events: usize },
    /// The watch, or the list, is told that its version is too old.
    Gone,
    /// The list shows what was there so many changes ago.
    StaleList { changes: u64 },
    /// The connection breaks before the answer; the request is carried out or not.
    Reset { carried_out: bool },
    /// The body of the answer ends after so many bytes.
    Truncate { bytes: usize },
}

/// The faults that are still to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults)
    }

    #[cfg(test)]
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Returns what strikes a request, and counts it. The first fault that matches wins.
    pub(super) fn strike(&mut self, method: &Method, path: &str, query: &str) -> Option<Effect> {
        let index = self.0.iter().position(|fault| fault.matches(method, path, query))?;
        let fault = &mut self.0[index];
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        let effect = fault.effect.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(effect)
    }
}

impl Fault {
    fn matches(&self, method: &Method, path: &str, query: &str) -> bool {
        let is_watch = method == Method::GET && query.split('&').any(|part| part == "watch=true" || part == "watch=1");
        let method_matches = self.method.as_deref().is_none_or(|wanted| match wanted {
            "WATCH" => is_watch,
            "GET" => method == Method::GET && !is_watch,
            other => method.as_str() == other,
        });
        let holds = |part: &Option<String>, whole: &str| part.as_deref().is_none_or(|part| whole.contains(part));
        method_matches
            && holds(&self.path_contains, path)
            && holds(&self.query_contains, query)
            && self.times != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_says_after_those_it_lets_pass() {
        let text = r#"[{"method": "PATCH", "path_contains": "/pods/", "skip": 1, "times": 2,
                        "effect": {"status": {"code": 503, "retry_after": 1}}}]"#;
        let mut faults = Faults::new(serde_json::from_str(text).unwrap());
        let mut strike = |method| faults.strike(&method, "/api/v1/namespaces/a/pods/x", "").is_some();
        let struck: Vec<bool> = (0..5).map(|_| strike(Method::PATCH)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(!strike(Method::GET));
    }

    #[test]
    fn a_watch_is_not_a_get() {
        let fault = Fault {
            method: Some("WATCH".to_owned()),
            path_contains: None,
            query_contains: None,
            skip: 0,
            times: None,
            effect: Effect::Gone,
        };
        let mut faults = Faults::new(vec![fault]);
        assert_eq!(faults.strike(&Method::GET, "/api/v1/pods", "limit=5"), None);
        assert_eq!(faults.strike(&Method::GET, "/api/v1/pods", "watch=true"), Some(Effect::Gone));
    }
}

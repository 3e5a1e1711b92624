//! Probes: what is derived, and what the block changes in it.
use serde_json::{Map, json};

use super::arguments::ProbeArguments;
use crate::model::Json;

/// The probes of a container, as they are derived; those left out are not probed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    pub liveness: Option<Json>,
    pub readiness: Option<Json>,
    pub startup: Option<Json>,
}

/// Returns a probe that asks a URL: every `period` seconds, `failures` times.
pub(crate) fn http_get(path: &str, port: u16, timeout: u32, period: u32, failures: u32) -> Json {
    let handler = json!({ "path": path, "port": port, "scheme": "HTTP" });
    json!({ "httpGet": handler, "timeoutSeconds": timeout, "periodSeconds": period, "failureThreshold": failures })
}

/// Returns a probe that runs a command.
pub(crate) fn exec(command: &[&str], timeout: u32, period: u32, failures: u32) -> Json {
    let handler = json!({ "command": command });
    json!({ "exec": handler, "timeoutSeconds": timeout, "periodSeconds": period, "failureThreshold": failures })
}

/// Returns the derived probe with the block's changes in it; a new handler stands for the old one.
pub(super) fn merged(derived: Option<&Json>, changes: Option<&ProbeArguments>) -> Option<Json> {
    let Some(changes) = changes else { return derived.cloned() };
    if changes.enabled == Some(false) {
        return None;
    }
    let mut probe = derived.and_then(Json::as_object).cloned().unwrap_or_default();
    let handlers = [
        ("httpGet", &changes.http_get),
        ("exec", &changes.exec),
        ("tcpSocket", &changes.tcp_socket),
        ("grpc", &changes.grpc),
    ];
    if handlers.iter().any(|(_, handler)| handler.is_some()) {
        for (name, _) in &handlers {
            probe.remove(*name);
        }
    }
    for (name, handler) in handlers {
        if let Some(handler) = handler {
            probe.insert(name.to_owned(), Json::Object(handler.0.clone()));
        }
    }
    set_numbers(&mut probe, changes);
    (!probe.is_empty()).then_some(Json::Object(probe))
}

fn set_numbers(probe: &mut Map<String, Json>, changes: &ProbeArguments) {
    for (name, number) in [
        ("initialDelaySeconds", changes.initial_delay_seconds),
        ("timeoutSeconds", changes.timeout_seconds),
        ("periodSeconds", changes.period_seconds),
        ("successThreshold", changes.success_threshold),
        ("failureThreshold", changes.failure_threshold),
    ] {
        if let Some(number) = number {
            probe.insert(name.to_owned(), Json::from(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::arguments::RawArgument;

    #[test]
    fn a_change_keeps_the_rest_of_the_probe() {
        let changes = ProbeArguments { period_seconds: Some(7), ..ProbeArguments::default() };
        let probe = merged(Some(&http_get("/", 1, 2, 3, 4)), Some(&changes));
        assert_eq!(probe, Some(http_get("/", 1, 2, 7, 4)));
    }

    #[test]
    fn a_new_handler_stands_for_the_old_one() {
        let handler = RawArgument(json!({"port": 5}).as_object().cloned().unwrap());
        let changes = ProbeArguments { tcp_socket: Some(handler), ..ProbeArguments::default() };
        let probe = merged(Some(&http_get("/", 1, 2, 3, 4)), Some(&changes));
        let expected =
            json!({"tcpSocket": {"port": 5}, "timeoutSeconds": 2, "periodSeconds": 3, "failureThreshold": 4});
        assert_eq!(probe, Some(expected));
    }

    #[test]
    fn a_probe_can_be_left_out() {
        let changes = ProbeArguments { enabled: Some(false), ..ProbeArguments::default() };
        assert_eq!(merged(Some(&http_get("/", 1, 2, 3, 4)), Some(&changes)), None);
    }
}

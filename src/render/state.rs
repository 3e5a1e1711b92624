//! The state as text and as JSON.
use serde_json::json;

use crate::model::{Address, ClusterIdentity, ClusterName, Json};
use crate::state::{Recorded, State, Status};

/// Returns the addresses of all recorded resources, one per line.
pub(crate) fn list(state: &State) -> String {
    let lines: Vec<String> = state.resources.keys().map(|address| format!("{address}\n")).collect();
    lines.concat()
}

/// Returns one recorded resource.
pub(crate) fn resource(address: &Address, recorded: &Recorded) -> String {
    let mut lines = vec![format!("# {address} ({})", status(recorded.status))];
    lines.push(format!("resource {:?} {:?} {{", address.resource_type, address.name));
    for object in &recorded.objects {
        lines.push(format!("    {} # {}, uid {}", object.located(), object.kind.api_version(), object.uid));
    }
    if !recorded.dependencies.is_empty() {
        let needs: Vec<String> = recorded.dependencies.iter().map(ToString::to_string).collect();
        lines.push(format!("    # needs {}", needs.join(", ")));
    }
    for (name, value) in &recorded.exports {
        lines.push(format!("    {name} = {value}"));
    }
    lines.push("}\n".to_owned());
    lines.join("\n")
}

/// Returns the whole state.
pub(crate) fn show(state: &State) -> String {
    let cluster = |(name, identity): (&ClusterName, &ClusterIdentity)| {
        let label = name.name().map(|name| format!(" {name}")).unwrap_or_default();
        format!("Cluster{label}: {}\n", identity.server)
    };
    let serial = format!("Serial: {}\n", state.serial);
    let head = if state.clusters.is_empty() { "The state is empty.\n" } else { &serial };
    let mut text: String = state.clusters.iter().map(cluster).chain([head.to_owned()]).collect();
    for (address, recorded) in &state.resources {
        text.push('\n');
        text.push_str(&resource(address, recorded));
    }
    let shown = |output: &crate::state::RecordedOutput| {
        if output.sensitive { crate::model::REDACTED.to_owned() } else { output.value.to_string() }
    };
    if !state.outputs.is_empty() {
        text.push_str("\nOutputs:\n\n");
        let lines: Vec<String> = state.outputs.iter().map(|(name, it)| format!("{name} = {}\n", shown(it))).collect();
        text.push_str(&lines.concat());
    }
    text
}

/// Returns the whole state for programs, on one line.
pub(crate) fn show_json(state: &State) -> String {
    let resources: Vec<Json> =
        state.resources.iter().map(|(address, recorded)| resource_json(address, recorded)).collect();
    let outputs: serde_json::Map<String, Json> = state
        .outputs
        .iter()
        .map(|(name, it)| {
            let value = if it.sensitive { Json::Null } else { it.value.clone() };
            (name.clone(), json!({"value": value, "sensitive": it.sensitive}))
        })
        .collect();
    let mut json = json!({
        "type": "state", "serial": state.serial, "lineage": state.lineage,
        "cluster": state.clusters.get(&ClusterName::default()), "resources": resources, "outputs": outputs,
    });
    let named = state.clusters.iter().filter_map(|(name, it)| Some((name.name()?.to_owned(), json!(it))));
    let named: serde_json::Map<String, Json> = named.collect();
    if !named.is_empty() {
        json["clusters"] = named.into();
    }
    format!("{json}\n")
}

/// Returns one recorded resource for programs.
pub(crate) fn resource_json(address: &Address, recorded: &Recorded) -> Json {
    let objects: Vec<Json> = recorded
        .objects
        .iter()
        .map(|it| {
            let mut json = json!({"apiVersion": it.kind.api_version(), "kind": it.kind.kind,
                                  "namespace": it.namespace, "name": it.name, "uid": it.uid});
            if let Some(name) = it.cluster.name() {
                json["cluster"] = name.into();
            }
            json
        })
        .collect();
    let needs: Vec<String> = recorded.dependencies.iter().map(ToString::to_string).collect();
    json!({"address": address.to_string(), "status": status(recorded.status), "needs": needs,
           "exports": recorded.exports, "objects": objects})
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Ready => "ready",
        Status::Incomplete => "incomplete",
        Status::Tainted => "tainted",
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::*;
    use crate::model::{ClusterIdentity, Kind, OnDestroy};
    use crate::state::{RecordedObject, RecordedOutput};

    fn state() -> State {
        let object = RecordedObject {
            cluster: ClusterName::default(),
            kind: Kind::new("v1", "Namespace"),
            namespace: None,
            name: "team-a".into(),
            uid: "u1".to_owned(),
            applied: json!({}),
        };
        let recorded = Recorded {
            status: Status::Incomplete,
            dependencies: [Address::root("a", "b")].into(),
            exports: [("name".to_owned(), json!("team-a"))].into(),
            on_destroy: OnDestroy::Delete,
            prevent_destroy: false,
            triggers: std::collections::BTreeMap::new(),
            before_delete: Vec::new(),
            objects: vec![object],
        };
        let mut state = State { serial: 3, ..State::default() };
        let identity = ClusterIdentity { uid: "c".to_owned(), server: "sandbox".to_owned() };
        state.clusters.insert(ClusterName::default(), identity);
        state.resources.insert(Address::root("namespace", "team_a"), recorded);
        state.outputs.insert("password".to_owned(), RecordedOutput { value: json!("sha256:0"), sensitive: true });
        state
    }

    #[test]
    fn the_state_is_shown() {
        assert_eq!(list(&state()), "namespace.team_a\n");
        assert_data_eq!(
            show(&state()),
            str![[r#"
Cluster: sandbox
Serial: 3

# namespace.team_a (incomplete)
resource "namespace" "team_a" {
    Namespace team-a # v1, uid u1
    # needs a.b
    name = "team-a"
}

Outputs:

password = (sensitive value)

"#]]
        );
    }

    #[test]
    fn programs_see_no_secret() {
        assert!(!show_json(&state()).contains("sha256"));
    }
}

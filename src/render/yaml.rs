//! The manifests of a configuration, as YAML.
use crate::model::{Desired, DesiredObject, Json, Secrets, UNKNOWN};

use super::body;

/// Returns every object in the order of apply, secrets hidden unless asked for.
pub(crate) fn manifests(desired: &Desired, show_secrets: bool) -> Result<String, YamlError> {
    let order = desired.graph.order().unwrap_or_else(|_| desired.resources.keys().cloned().collect());
    let mut text = String::new();
    for resource in order.iter().filter_map(|address| desired.resources.get(address)) {
        for object in resource.objects.known() {
            text.push_str("---\n");
            text.push_str("# ");
            text.push_str(&resource.address.to_string());
            if let Some(name) = resource.cluster.name() {
                text.push_str(" in cluster ");
                text.push_str(name);
            }
            text.push('\n');
            text.push_str(&manifest(object, &desired.secrets, show_secrets)?);
        }
    }
    Ok(text)
}

/// Says why an object cannot be written as YAML.
#[derive(Debug, thiserror::Error)]
#[error("could not write {identity} as YAML")]
pub(crate) struct YamlError {
    pub identity: Box<crate::model::Identity>,
    pub source: Box<serde_saphyr::ser::Error>,
}

fn manifest(desired: &DesiredObject, secrets: &Secrets, show_secrets: bool) -> Result<String, YamlError> {
    let mut json = if show_secrets { desired.object.json().clone() } else { body::masked(desired) };
    clean(&mut json, if show_secrets { None } else { Some(secrets) });
    serde_saphyr::to_string(&json)
        .map_err(|source| YamlError { identity: Box::new(desired.object.identity()), source: Box::new(source) })
}

/// Hides secrets in all texts, and says what is known only after apply.
fn clean(json: &mut Json, secrets: Option<&Secrets>) {
    match json {
        Json::String(text) => {
            if text.contains(UNKNOWN) {
                *text = text.replace(UNKNOWN, "(known after apply)");
            }
            if let Some(secrets) = secrets {
                *text = secrets.redact(text);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| clean(item, secrets)),
        Json::Object(entries) => entries.values_mut().for_each(|value| clean(value, secrets)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use snapbox::{assert_data_eq, str};

    use super::super::sample;
    use super::*;

    fn show(json: Json, show_secrets: bool) -> String {
        manifest(&sample::desired(json), &Secrets::default(), show_secrets).expect("it can be written")
    }

    #[test]
    fn texts_that_yaml_would_read_otherwise_are_quoted() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"},
                            "data": {"a": "no", "b": "1_000", "c": "0755", "d": "x: y\nz\n", "e": UNKNOWN, "f": "12:30"}});
        assert_data_eq!(
            show(object, false),
            str![[r#"
apiVersion: v1
data:
  a: "no"
  b: "1_000"
  c: "0755"
  d: |
    x: y
    z
  e: (known after apply)
  f: "12:30"
kind: ConfigMap
metadata:
  annotations:
    rayform.dev/lineage: l
  labels:
    app.kubernetes.io/managed-by: rayform
  name: m

"#]]
        );
    }

    #[test]
    fn secrets_are_shown_only_when_asked_for() {
        assert!(!show(sample::secret(), false).contains("aHVudGVyMjI="));
        assert!(show(sample::secret(), true).contains("aHVudGVyMjI="));
    }
}

//! Checks objects as the server does, with its words: names, required fields, what must fit together.
//! Sources: `pkg/apis/*/validation/validation.go` of <https://github.com/kubernetes/kubernetes>.
use std::collections::BTreeSet;

use serde_json::json;

use super::admission::{check_quantity, quantity};
use super::json::{get, integer, items, set, text};
use super::kinds::KindInfo;
use super::selectors::Labels;
use super::status::{Cause, Status};
use super::world::World;
use super::{crd, structural};
use crate::model::Json;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  \
    or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Checks the name of a new object; makes one where only a prefix is given.
pub(super) fn check_name(info: &KindInfo, object: &mut Json, revision: u64) -> Result<(), Status> {
    let name = text(object, "/metadata/name").to_owned();
    let prefix = text(object, "/metadata/generateName").to_owned();
    let fail = |cause: Cause| Err(Status::invalid(&info.group, &info.kind, &name, &[cause]));
    if name.is_empty() && prefix.is_empty() {
        return fail(Cause::required("metadata.name", "name or generateName is required"));
    }
    if name.is_empty() {
        let generated = format!("{prefix}{}", super::controllers::suffix(&format!("{prefix}{revision}")));
        set(object, &["metadata", "name"], generated);
        return Ok(());
    }
    match name_mistake(info, &name) {
        Some(why) => fail(Cause::invalid("metadata.name", &Json::from(name.clone()), why)),
        None => Ok(()),
    }
}

fn name_mistake(info: &KindInfo, name: &str) -> Option<&'static str> {
    if info.group == "rbac.authorization.k8s.io" {
        let is_wrong = matches!(name, "." | "..") || name.contains('/') || name.contains('%');
        return is_wrong.then_some("may not contain '/' or '%'");
    }
    match info.kind.as_str() {
        "Service" if !info.is_custom() => (!is_label_1035(name)).then_some(LABEL_1035),
        "Namespace" if !info.is_custom() => (!is_label(name)).then_some(LABEL),
        _ => (!is_subdomain(name)).then_some(SUBDOMAIN),
    }
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && has_label_form(text)
}

fn has_label_form(text: &str) -> bool {
    let edge =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
}

fn is_label_1035(text: &str) -> bool {
    is_label(text) && text.starts_with(|letter: char| letter.is_ascii_lowercase())
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(has_label_form)
}

fn is_label_value(text: &str) -> bool {
    let edge = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

/// Returns the mistakes in an object.
pub(super) fn validate(world: &World, info: &KindInfo, object: &Json) -> Vec<Cause> {
    let mut causes = labels(object, "metadata.labels", "/metadata/labels");
    if let Some(structure) = structural::of(world, info) {
        causes.extend(structural::validate(&structure, object));
        return causes;
    }
    match info.kind.as_str() {
        "Pod" => causes.extend(pod_spec(&object["spec"], "spec")),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => causes.extend(workload(info, object)),
        "Job" => causes.extend(job(&object["spec"], "spec")),
        "CronJob" => {
            if text(object, "/spec/schedule").is_empty() {
                causes.push(Cause::required("spec.schedule", ""));
            }
            causes.extend(job(&object["spec"]["jobTemplate"]["spec"], "spec.jobTemplate.spec"));
        }
        "Service" => causes.extend(service(object)),
        "PersistentVolumeClaim" => causes.extend(claim(&object["spec"], "spec")),
        "StorageClass" if text(object, "/provisioner").is_empty() => causes.push(Cause::required("provisioner", "")),
        "HorizontalPodAutoscaler" => causes.extend(autoscaler(object)),
        "PodDisruptionBudget" => causes.extend(budget(object)),
        "ConfigMap" => causes.extend(keys(object, "data").chain(keys(object, "binaryData"))),
        "Secret" => causes.extend(secret(object)),
        "RoleBinding" | "ClusterRoleBinding" => causes.extend(binding(info, object)),
        "Ingress" => causes.extend(ingress(object)),
        "ResourceQuota" => causes.extend(hard(object)),
        "CustomResourceDefinition" => causes.extend(crd::validate(object)),
        _ => {}
    }
    causes
}

fn labels(object: &Json, field: &str, pointer: &str) -> Vec<Cause> {
    let entries = object.pointer(pointer).and_then(Json::as_object).into_iter().flatten();
    entries
        .filter(|(_, value)| !value.as_str().is_some_and(is_label_value))
        .map(|(_, value)| Cause::invalid(field, value, LABEL_VALUE))
        .collect()
}

fn workload(info: &KindInfo, object: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    let selector = object.pointer("/spec/selector");
    let is_empty = Labels::of(selector).is_none_or(|labels| labels.is_empty());
    if selector.is_none_or(Json::is_null) {
        causes.push(Cause::required("spec.selector", ""));
    } else if is_empty {
        let why = "empty selector is invalid for deployment";
        causes.push(Cause::invalid(
            "spec.selector",
            selector.unwrap_or(&Json::Null),
            &why.replace("deployment", &info.singular),
        ));
    }
    let template_labels = object.pointer("/spec/template/metadata/labels");
    if !is_empty && !Labels::of(selector).is_some_and(|labels| labels.matches(template_labels)) {
        let labels = template_labels.cloned().unwrap_or_else(|| json!({}));
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &labels, why));
    }
    causes.extend(labels(object, "spec.template.labels", "/spec/template/metadata/labels"));
    if integer(object, "/spec/replicas").is_some_and(|replicas| replicas < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.replicas", &object["spec"]["replicas"], why));
    }
    let policy = text(object, "/spec/template/spec/restartPolicy");
    if !matches!(policy, "" | "Always") {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", &Json::from(policy), &["Always"]));
    }
    let is_recreated = info.kind == "Deployment" && text(object, "/spec/strategy/type") == "Recreate";
    if is_recreated && get(object, &["spec", "strategy", "rollingUpdate"]).is_some() {
        let why = "may not be specified when strategy `type` is 'Recreate'";
        causes.push(Cause::forbidden("spec.strategy.rollingUpdate", why));
    }
    for (index, template) in items(object, "/spec/volumeClaimTemplates").iter().enumerate() {
        causes.extend(claim(&template["spec"], &format!("spec.volumeClaimTemplates[{index}].spec")));
    }
    let claims: Vec<&str> =
        items(object, "/spec/volumeClaimTemplates").iter().map(|claim| text(claim, "/metadata/name")).collect();
    causes.extend(template_spec(&object["spec"]["template"]["spec"], "spec.template.spec", &claims));
    causes
}

fn job(spec: &Json, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let policy = text(spec, "/template/spec/restartPolicy");
    if !matches!(policy, "OnFailure" | "Never") {
        let field = format!("{path}.template.spec.restartPolicy");
        let supported = ["OnFailure", "Never"];
        causes.push(Cause::not_supported(field, &Json::from(policy), &supported));
    }
    causes.extend(template_spec(&spec["template"]["spec"], &format!("{path}.template.spec"), &[]));
    causes
}

fn pod_spec(spec: &Json, path: &str) -> Vec<Cause> {
    template_spec(spec, path, &[])
}

/// Checks a pod's spec. The volumes of a StatefulSet's claims count as there.
fn template_spec(spec: &Json, path: &str, claims: &[&str]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut volumes: BTreeSet<&str> = claims.iter().copied().collect();
    for (index, volume) in items(spec, "/volumes").iter().enumerate() {
        let (name, field) = (text(volume, "/name"), format!("{path}.volumes[{index}].name"));
        if !is_label(name) {
            causes.push(if name.is_empty() {
                Cause::required(field, "")
            } else {
                Cause::invalid(field, &volume["name"], LABEL)
            });
        } else if !volumes.insert(name) && !claims.contains(&name) {
            causes.push(Cause::duplicate(field, &volume["name"]));
        }
        if volume.as_object().is_some_and(|fields| fields.len() < 2) {
            causes.push(Cause::required(format!("{path}.volumes[{index}]"), "must specify a volume type"));
        }
    }
    if items(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for list in ["containers", "initContainers"] {
        for (index, container) in items(spec, &format!("/{list}")).iter().enumerate() {
            let path = format!("{path}.{list}[{index}]");
            if !names.insert(text(container, "/name")) {
                causes.push(Cause::duplicate(format!("{path}.name"), &container["name"]));
            }
            causes.extend(self::container(container, &path, &volumes));
        }
    }
    causes
}

fn container(container: &Json, path: &str, volumes: &BTreeSet<&str>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = text(container, "/name");
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    } else if !is_label(name) {
        causes.push(Cause::invalid(format!("{path}.name"), &container["name"], LABEL));
    }
    if text(container, "/image").is_empty() {
        causes.push(Cause::required(format!("{path}.image"), ""));
    }
    for (index, port) in items(container, "/ports").iter().enumerate() {
        causes.extend(port_number(&port["containerPort"], format!("{path}.ports[{index}].containerPort")));
    }
    for (index, variable) in items(container, "/env").iter().enumerate() {
        if text(variable, "/name").is_empty() {
            causes.push(Cause::required(format!("{path}.env[{index}].name"), ""));
        }
        if variable.get("valueFrom").is_some() && !text(variable, "/value").is_empty() {
            let why = "may not be specified when `value` is not empty";
            causes.push(Cause::invalid(format!("{path}.env[{index}].valueFrom"), &Json::from(""), why));
        }
    }
    let mut paths = BTreeSet::new();
    for (index, mount) in items(container, "/volumeMounts").iter().enumerate() {
        if !volumes.contains(text(mount, "/name")) {
            causes.push(Cause::not_found(format!("{path}.volumeMounts[{index}].name"), &mount["name"]));
        }
        if text(mount, "/mountPath").is_empty() {
            causes.push(Cause::required(format!("{path}.volumeMounts[{index}].mountPath"), ""));
        } else if !paths.insert(text(mount, "/mountPath")) {
            let why = "must be unique";
            causes.push(Cause::invalid(format!("{path}.volumeMounts[{index}].mountPath"), &mount["mountPath"], why));
        }
    }
    causes.extend(resources(&container["resources"], path));
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe_spec) = container.get(probe) {
            causes.extend(check_probe(probe_spec, &format!("{path}.{probe}")));
        }
    }
    causes
}

fn check_probe(probe: &Json, path: &str) -> Vec<Cause> {
    let handlers = ["httpGet", "exec", "tcpSocket", "grpc"].iter().filter(|name| probe.get(**name).is_some()).count();
    match handlers {
        0 => vec![Cause::required(path, "must specify a handler type")],
        1 => Vec::new(),
        _ => vec![Cause::forbidden(path, "may not specify more than 1 handler type")],
    }
}

fn resources(resources: &Json, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for kind in ["limits", "requests"] {
        for (name, value) in resources.get(kind).and_then(Json::as_object).into_iter().flatten() {
            causes.extend(check_quantity(format!("{path}.resources.{kind}[{name}]"), value));
        }
    }
    for (name, request) in resources.get("requests").and_then(Json::as_object).into_iter().flatten() {
        let limit = quantity(get(resources, &["limits", name]));
        if let (Some(limit), Some(request_amount)) = (limit, quantity(Some(request)))
            && request_amount > limit
        {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            causes.push(Cause::invalid(format!("{path}.resources.requests"), request, &why));
        }
    }
    causes
}

fn port_number(port: &Json, field: String) -> Option<Cause> {
    let is_port = port.as_i64().is_some_and(|port| (1..=65_535).contains(&port));
    (!is_port).then(|| {
        Cause::invalid(field, if port.is_null() { &Json::Null } else { port }, "must be between 1 and 65535, inclusive")
    })
}

fn service(object: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    let kind = text(object, "/spec/type");
    let supported = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !supported.contains(&kind) {
        causes.push(Cause::not_supported("spec.type", &Json::from(kind), &supported));
    }
    let ports = items(object, "/spec/ports");
    if ports.is_empty() && kind != "ExternalName" && text(object, "/spec/clusterIP") != "None" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if kind == "ExternalName" && text(object, "/spec/externalName").is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    }
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let (path, name) = (format!("spec.ports[{index}]"), text(port, "/name"));
        causes.extend(port_number(&port["port"], format!("{path}.port")));
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(format!("{path}.name"), ""));
        } else if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(format!("{path}.name"), &port["name"]));
        }
        if !numbers.insert((text(port, "/protocol"), integer(port, "/port"))) {
            let value = json!({"port": port["port"], "protocol": port["protocol"]});
            causes.push(Cause::duplicate(path, &value));
        }
    }
    causes
}

fn claim(spec: &Json, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if items(spec, "/accessModes").is_empty() {
        causes.push(Cause::required(format!("{path}.accessModes"), "at least 1 access mode is required"));
    }
    let modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for mode in items(spec, "/accessModes") {
        if !mode.as_str().is_some_and(|mode| modes.contains(&mode)) {
            causes.push(Cause::not_supported(format!("{path}.accessModes"), mode, &modes));
        }
    }
    match get(spec, &["resources", "requests", "storage"]) {
        None => causes.push(Cause::required(format!("{path}.resources[storage]"), "")),
        Some(size) => causes.extend(check_quantity(format!("{path}.resources[storage]"), size)),
    }
    causes
}

fn autoscaler(object: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (least, most) = (integer(object, "/spec/minReplicas").unwrap_or(1), integer(object, "/spec/maxReplicas"));
    match most {
        Some(most) if most < 1 => {
            causes.push(Cause::invalid("spec.maxReplicas", &json!(most), "must be greater than 0"));
        }
        Some(most) if most < least => {
            let why = "must be greater than or equal to `minReplicas`";
            causes.push(Cause::invalid("spec.maxReplicas", &json!(most), why));
        }
        Some(_) => {}
        None => causes.push(Cause::invalid("spec.maxReplicas", &json!(0), "must be greater than 0")),
    }
    for (pointer, field) in [("/spec/scaleTargetRef/kind", "kind"), ("/spec/scaleTargetRef/name", "name")] {
        if text(object, pointer).is_empty() {
            causes.push(Cause::required(format!("spec.scaleTargetRef.{field}"), ""));
        }
    }
    causes
}

fn budget(object: &Json) -> Option<Cause> {
    let spec = &object["spec"];
    let both = spec.get("minAvailable").is_some() && spec.get("maxUnavailable").is_some();
    both.then(|| Cause::invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
}

fn keys<'a>(object: &'a Json, field: &'a str) -> impl Iterator<Item = Cause> + 'a {
    let valid = |key: &str| {
        !key.is_empty()
            && key.len() <= 253
            && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    let entries = object.get(field).and_then(Json::as_object).into_iter().flatten();
    entries
        .filter(move |(key, _)| !valid(key))
        .map(move |(key, _)| Cause::invalid(format!("{field}[{key}]"), &Json::from(key.clone()), CONFIG_KEY))
}

fn secret(object: &Json) -> Vec<Cause> {
    let mut causes: Vec<Cause> = keys(object, "data").collect();
    let required: &[&str] = match text(object, "/type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    for key in required {
        if get(object, &["data", key]).is_none() {
            causes.push(Cause::required(format!("data[{key}]"), ""));
        }
    }
    causes
}

fn binding(info: &KindInfo, object: &Json) -> Vec<Cause> {
    let mut causes = Vec::new();
    if text(object, "/roleRef/name").is_empty() {
        causes.push(Cause::required("roleRef.name", ""));
    }
    let kinds: &[&str] = if info.kind == "ClusterRoleBinding" { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    let kind = text(object, "/roleRef/kind");
    if !kinds.contains(&kind) {
        causes.push(Cause::not_supported("roleRef.kind", &Json::from(kind), kinds));
    }
    for (index, subject) in items(object, "/subjects").iter().enumerate() {
        if text(subject, "/name").is_empty() {
            causes.push(Cause::required(format!("subjects[{index}].name"), ""));
        }
        // Beside a RoleBinding, its own namespace may be meant: pkg/apis/rbac/validation of Kubernetes.
        let is_nowhere = text(subject, "/kind") == "ServiceAccount" && text(subject, "/namespace").is_empty();
        if is_nowhere && info.kind == "ClusterRoleBinding" {
            causes.push(Cause::required(format!("subjects[{index}].namespace"), ""));
        }
    }
    causes
}

fn ingress(object: &Json) -> Option<Cause> {
    let is_empty = items(object, "/spec/rules").is_empty() && get(object, &["spec", "defaultBackend"]).is_none();
    is_empty.then(|| {
        Cause::invalid("spec", &Json::from(Vec::<Json>::new()), "either `defaultBackend` or `rules` must be specified")
    })
}

fn hard(object: &Json) -> Vec<Cause> {
    let entries = object.pointer("/spec/hard").and_then(Json::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| check_quantity(format!("spec.hard[{name}]"), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_server_judges_them() {
        assert!(is_subdomain("a.b-c.d1"));
        assert!(!is_subdomain("Bad_Name"));
        assert!(!is_subdomain("a..b"));
        assert!(!is_subdomain("-a"));
        assert!(is_label_1035("web"));
        assert!(!is_label_1035("1web"));
        assert!(is_label("1web"));
        assert!(!is_label(&"a".repeat(64)));
    }
}

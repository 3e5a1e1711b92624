//! What pods refer to by name: Secrets, ConfigMaps, claims, accounts.
use std::collections::{BTreeMap, BTreeSet};

use super::view::{Item, Pods, View, items};
use crate::model::{Address, Diagnostic, Json, Severity, UNKNOWN};

type Finding = (Address, Diagnostic);

pub(super) fn check(view: &View<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = view.pods.iter().flat_map(|pods| check_pods(view, pods)).collect();
    let mounts = mounts(view);
    findings.extend(view.of_kind("PersistentVolumeClaim").filter_map(|claim| check_claim(&mounts, claim)));
    findings.extend(view.of_kind("ConfigMap").filter_map(check_size));
    findings
}

/// One name in a pod spec that leads to another object.
pub(super) struct PodReference<'a> {
    pub kind: &'static str,
    pub name: &'a str,
    pub key: Option<&'a str>,
    pub is_optional: bool,
}

/// Returns every Secret, ConfigMap, claim and account that a pod spec names.
pub(super) fn references(spec: &Json) -> Vec<PodReference<'_>> {
    let mut found: Vec<(&'static str, Option<&Json>, &'static str)> = Vec::new();
    for container in items(spec, "/initContainers").chain(items(spec, "/containers")) {
        for variable in items(container, "/env") {
            found.push(("Secret", variable.pointer("/valueFrom/secretKeyRef"), "name"));
            found.push(("ConfigMap", variable.pointer("/valueFrom/configMapKeyRef"), "name"));
        }
        for source in items(container, "/envFrom") {
            found.push(("Secret", source.get("secretRef"), "name"));
            found.push(("ConfigMap", source.get("configMapRef"), "name"));
        }
    }
    for volume in items(spec, "/volumes") {
        found.push(("Secret", volume.get("secret"), "secretName"));
        found.push(("ConfigMap", volume.get("configMap"), "name"));
        found.push(("PersistentVolumeClaim", volume.get("persistentVolumeClaim"), "claimName"));
        for source in items(volume, "/projected/sources") {
            found.push(("Secret", source.get("secret"), "name"));
            found.push(("ConfigMap", source.get("configMap"), "name"));
        }
    }
    found.extend(items(spec, "/imagePullSecrets").map(|secret| ("Secret", Some(secret), "name")));
    found.push(("ServiceAccount", Some(spec), "serviceAccountName"));
    found.push(("PriorityClass", Some(spec), "priorityClassName"));
    found.into_iter().filter_map(|(kind, source, field)| reference(kind, source, field)).collect()
}

fn reference<'a>(kind: &'static str, source: Option<&'a Json>, field: &str) -> Option<PodReference<'a>> {
    let source = source?;
    Some(PodReference {
        kind,
        name: source.get(field)?.as_str()?,
        key: source.get("key").and_then(Json::as_str),
        is_optional: source.get("optional").and_then(Json::as_bool).unwrap_or(false),
    })
}

fn check_pods(view: &View<'_>, pods: &Pods<'_>) -> Vec<Finding> {
    let namespace = pods.item.object().namespace();
    let mut findings: Vec<Finding> = Vec::new();
    let mut seen = BTreeSet::new();
    for reference in references(pods.spec) {
        let is_given = reference.kind == "ServiceAccount" && reference.name == "default"
            || reference.kind == "PriorityClass" && reference.name.starts_with("system-");
        if is_given
            || reference.is_optional
            || reference.name.contains(UNKNOWN)
            || !seen.insert((reference.kind, reference.name, reference.key))
        {
            continue;
        }
        let home = namespace.filter(|_| reference.kind != "PriorityClass");
        match view.find(reference.kind, home, reference.name) {
            Some(found) => findings.extend(check_key(pods, &reference, found)),
            None => findings.push(missing(view, pods, &reference)),
        }
    }
    findings
}

/// It may be in the cluster already; where its namespace is made by this configuration, that is not likely.
fn missing(view: &View<'_>, pods: &Pods<'_>, reference: &PodReference<'_>) -> Finding {
    let namespace = pods.item.object().namespace();
    let is_new = namespace.is_some_and(|namespace| view.makes_namespace(namespace));
    let severity = if is_new { Severity::Warning } else { Severity::Info };
    let PodReference { kind, name, .. } = reference;
    let message = format!("{} needs the {kind} `{name}`, which this configuration does not make", pods.item.title());
    let (address, diagnostic) = pods.item.finding(severity, "RF614", message);
    let similar = view
        .of_kind(kind)
        .find(|item| item.object().name().eq_ignore_ascii_case(name) || item.object().name().contains(*name));
    let hint = match similar {
        Some(item) => {
            format!("it makes `{}` in `{}`", item.object().name(), item.object().namespace().unwrap_or_default())
        }
        None => "without it the pods do not start; make sure that the cluster has it".to_owned(),
    };
    (address, diagnostic.hint(hint))
}

/// The object is ours, so that its keys are known.
fn check_key(pods: &Pods<'_>, reference: &PodReference<'_>, found: Item<'_>) -> Option<Finding> {
    let key = reference.key?;
    if !["Secret", "ConfigMap"].contains(&reference.kind) || key.contains(UNKNOWN) {
        return None;
    }
    let object = found.object();
    let fields = ["data", "stringData", "binaryData"];
    let holds = |field: &&str| {
        object.pointer(&format!("/{field}")).is_some_and(|data| data.get(key).is_some() || !data.is_object())
    };
    let is_generated = found.desired.generated.keys().any(|pointer| pointer.rsplit('/').next() == Some(key));
    let is_unknown =
        found.desired.unknown.iter().any(|pointer| ["/data", "/stringData", "/binaryData"].contains(&pointer.as_str()));
    if fields.iter().any(holds) || is_generated || is_unknown {
        return None;
    }
    let message = format!("{} needs the key `{key}`, which {} does not have", pods.item.title(), found.title());
    let (address, diagnostic) = pods.item.finding(Severity::Error, "RF614", message);
    Some((address, diagnostic.related(found.desired.span, "made here")))
}

/// The pods that mount a claim, by its namespace and name.
type Mounts<'a> = BTreeMap<(Option<&'a str>, &'a str), Vec<&'a Pods<'a>>>;

fn mounts<'a>(view: &'a View<'_>) -> Mounts<'a> {
    let mut mounts = Mounts::new();
    for pods in &view.pods {
        let claims = references(pods.spec).into_iter().filter(|it| it.kind == "PersistentVolumeClaim");
        for name in claims.map(|claim| claim.name).collect::<BTreeSet<_>>() {
            mounts.entry((pods.item.object().namespace(), name)).or_default().push(pods);
        }
    }
    mounts
}

/// A claim that one node mounts cannot serve pods on several.
fn check_claim(mounts: &Mounts<'_>, claim: Item<'_>) -> Option<Finding> {
    let modes: Vec<&str> = items(claim.object().json(), "/spec/accessModes").filter_map(Json::as_str).collect();
    if modes.is_empty() || modes.iter().any(|mode| mode.ends_with("Many") || mode.contains(UNKNOWN)) {
        return None;
    }
    let users = mounts.get(&(claim.object().namespace(), claim.object().name()))?;
    let most: i64 = users.iter().map(|pods| pods.count.1).sum();
    if most < 2 {
        return None;
    }
    let message = format!(
        "the claim `{}` can be mounted on one node at a time ({}), and {most} pods mount it",
        claim.object().name(),
        modes.join(", ")
    );
    let (address, diagnostic) = claim.finding(Severity::Error, "RF206", message);
    let diagnostic =
        users.iter().fold(diagnostic, |diagnostic, pods| diagnostic.related(pods.item.desired.span, pods.item.title()));
    Some((
        address,
        diagnostic.hint("use `ReadWriteMany` and a storage class that has it, or a volume for each pod (`ephemeral`)"),
    ))
}

/// The server refuses ConfigMaps of more than 1 MiB.
///
/// <https://kubernetes.io/docs/concepts/configuration/configmap/>
fn check_size(map: Item<'_>) -> Option<Finding> {
    let texts = map.object().pointer("/data").and_then(Json::as_object);
    let size: usize =
        texts.into_iter().flatten().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    (size > 1 << 20).then(|| {
        let message = format!("{} holds {size} bytes; the server takes 1048576 at most", map.title());
        let (address, diagnostic) = map.finding(Severity::Error, "RF956", message);
        (address, diagnostic.hint("make several of it"))
    })
}

//! Which cluster it is, which kinds it serves, and their `OpenAPI` documents.
use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use serde::Deserialize;

use super::client::{Call, JSON};
use super::{Cluster, ClusterError};
use crate::model::{ClusterIdentity, GroupKind, Json, Kind, Object, ServedKind};

/// Asks for all groups in one answer; older servers answer the second choice.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Where the `OpenAPI` document of each `apiVersion` is, as `(path, hash)`.
pub(crate) type DocumentIndex = BTreeMap<String, (String, String)>;

/// What the server serves, by group and kind.
pub(crate) type Kinds = BTreeMap<GroupKind, ServedKind>;

impl Cluster {
    /// Asks which cluster it is.
    ///
    /// Where `kube-system` may not be read, the server's URL stands for the uid.
    pub(crate) async fn identity(&self) -> Result<ClusterIdentity, ClusterError> {
        let server = self.server().to_owned();
        match self.read("/api/v1/namespaces/kube-system", JSON, "read the namespace `kube-system`").await {
            Ok(namespace) => {
                let uid = namespace.pointer("/metadata/uid").and_then(Json::as_str).unwrap_or_default().to_owned();
                Ok(ClusterIdentity { uid, server })
            }
            Err(ClusterError::Forbidden(_)) => Ok(ClusterIdentity { uid: format!("unknown, at {server}"), server }),
            Err(error) => Err(error),
        }
    }

    /// Asks which kinds are served, in two requests where the server can, and remembers them.
    pub(crate) async fn discover(&self) -> Result<Kinds, ClusterError> {
        let (core, groups) = futures::future::try_join(
            self.read("/api", AGGREGATED, "discover the core kinds"),
            self.read("/apis", AGGREGATED, "discover the kinds"),
        )
        .await?;
        let kinds = if is_aggregated(&core) && is_aggregated(&groups) {
            let mut kinds = aggregated(&core);
            kinds.extend(aggregated(&groups));
            kinds
        } else {
            self.discover_one_by_one(&core, &groups).await?
        };
        self.learn(kinds.values().cloned());
        Ok(kinds)
    }

    /// Asks where the `OpenAPI` v3 documents are.
    pub(crate) async fn document_index(&self) -> Result<DocumentIndex, ClusterError> {
        let index = self.read("/openapi/v3", JSON, "read the OpenAPI index").await?;
        let paths = index.get("paths").and_then(Json::as_object);
        let entry = |(path, place): (&String, &Json)| {
            let api_version = path.strip_prefix("apis/").or_else(|| path.strip_prefix("api/"))?.to_owned();
            let url = place.get("serverRelativeURL")?.as_str()?.to_owned();
            let hash = url.split_once("hash=").map(|(_, hash)| hash.to_owned()).unwrap_or_default();
            Some((api_version, (url, hash)))
        };
        Ok(paths.into_iter().flatten().filter_map(entry).collect())
    }

    /// Reads one `OpenAPI` document, at a path of the index.
    pub(crate) async fn document(&self, path: &str) -> Result<Vec<u8>, ClusterError> {
        let call = get(path, JSON, &format!("read the OpenAPI document {path}"));
        Ok(self.send(call).await?.body)
    }

    /// Reads a path that is no object.
    pub(super) async fn read(&self, path: &str, accept: &'static str, what: &str) -> Result<Json, ClusterError> {
        let reply = self.send(get(path, accept, what)).await?;
        serde_json::from_slice(&reply.body).map_err(|source| ClusterError::Unreadable { what: what.to_owned(), source })
    }

    /// Asks for each group version by itself, as before Kubernetes 1.27.
    async fn discover_one_by_one(&self, core: &Json, groups: &Json) -> Result<Kinds, ClusterError> {
        let mut kinds = Kinds::new();
        let asked = group_versions(core, groups).into_iter().map(|(path, api_version)| async move {
            let what = format!("discover the kinds of `{api_version}`");
            match self.read(&path, JSON, &what).await {
                Ok(list) => Ok((api_version, list)),
                // A group whose own server is down must not hide the others.
                Err(ClusterError::Server(_) | ClusterError::NotFound(_)) => Ok((api_version, Json::Null)),
                Err(error) => Err(error),
            }
        });
        for (api_version, list) in futures::future::try_join_all(asked).await? {
            let resources = list.get("resources").and_then(Json::as_array);
            for resource in resources.into_iter().flatten() {
                let text = |name: &str| resource.get(name).and_then(Json::as_str).unwrap_or_default();
                let namespaced = resource.get("namespaced").and_then(Json::as_bool).unwrap_or_default();
                if !text("name").contains('/') {
                    add(&mut kinds, Kind::new(&api_version, text("kind")), text("name"), namespaced);
                }
            }
        }
        Ok(kinds)
    }
}

/// Returns the kind that a `CustomResourceDefinition` makes the server serve.
pub(crate) fn defined_kind(definition: &Object) -> Option<ServedKind> {
    #[derive(Deserialize)]
    struct Version {
        name: String,
        #[serde(default)]
        served: bool,
        #[serde(default)]
        storage: bool,
    }
    let kind = definition.kind();
    if !kind.is("apiextensions.k8s.io", "CustomResourceDefinition") {
        return None;
    }
    let mut versions = Vec::<Version>::deserialize(definition.pointer("/spec/versions")?).ok()?;
    versions.retain(|version| version.served);
    versions.sort_by_key(|version| !version.storage);
    let preferred = Arc::from(versions.first()?.name.as_str());
    let text = |pointer| definition.text(pointer);
    Some(ServedKind {
        kind: Kind { group: text("/spec/group")?.into(), version: preferred, kind: text("/spec/names/kind")?.into() },
        versions: versions.into_iter().map(|version| version.name.into()).collect(),
        plural: text("/spec/names/plural")?.to_owned(),
        namespaced: text("/spec/scope")? == "Namespaced",
    })
}

fn get(path: &str, accept: &'static str, what: &str) -> Call {
    Call { method: Method::GET, path: path.to_owned(), accept, body: None, what: what.to_owned(), secret: false }
}

fn is_aggregated(list: &Json) -> bool {
    list.get("kind").and_then(Json::as_str) == Some("APIGroupDiscoveryList")
}

/// Reads an `APIGroupDiscoveryList`; its groups and versions stand in the order of preference.
fn aggregated(list: &Json) -> Kinds {
    let mut kinds = Kinds::new();
    for group in items(list, "items") {
        let name = group.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
        for version in items(group, "versions") {
            let version_name = version.get("version").and_then(Json::as_str).unwrap_or_default();
            for resource in items(version, "resources") {
                let text = |pointer| resource.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
                let kind =
                    Kind { group: name.into(), version: version_name.into(), kind: text("/responseKind/kind").into() };
                add(&mut kinds, kind, text("/resource"), text("/scope") == "Namespaced");
            }
        }
    }
    kinds
}

fn items<'a>(json: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    json.get(name).and_then(Json::as_array).into_iter().flatten()
}

/// Adds one version of a kind; the first that comes is the preferred one.
fn add(kinds: &mut Kinds, kind: Kind, plural: &str, namespaced: bool) {
    if kind.kind.is_empty() || plural.is_empty() {
        return;
    }
    let version = kind.version.clone();
    let entry = kinds.entry(kind.group_kind());
    let served =
        entry.or_insert_with(|| ServedKind { kind, versions: Vec::new(), plural: plural.to_owned(), namespaced });
    if !served.versions.contains(&version) {
        served.versions.push(version);
    }
}

/// Returns the paths of all group versions, preferred versions first.
fn group_versions(core: &Json, groups: &Json) -> Vec<(String, String)> {
    let core = items(core, "versions").filter_map(Json::as_str);
    let mut found: Vec<_> = core.map(|version| (format!("/api/{version}"), version.to_owned())).collect();
    for group in items(groups, "groups") {
        let preferred = group.pointer("/preferredVersion/groupVersion").and_then(Json::as_str);
        let others = items(group, "versions").filter_map(|version| version.get("groupVersion")?.as_str());
        for api_version in preferred.into_iter().chain(others.filter(|version| Some(*version) != preferred)) {
            found.push((format!("/apis/{api_version}"), api_version.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use serde_json::json;

    use super::*;
    use crate::cluster::{Settings, Target, connect};

    async fn kinds(routes: &[(&'static str, Json)]) -> Kinds {
        let mut app = Router::new();
        for (place, body) in routes.iter().cloned() {
            app = app.route(place, get(move || async move { body.to_string() }));
        }
        let cluster = connect(Target::Service(app), Settings::default()).await.expect("a client");
        cluster.discover().await.expect("kinds")
    }

    #[track_caller]
    fn check(kinds: &Kinds) {
        let cron = &kinds[&("batch".into(), "CronJob".into())];
        assert_eq!((&*cron.kind.version, cron.plural.as_str(), cron.namespaced), ("v1", "cronjobs", true));
        assert_eq!(cron.versions, ["v1".into(), "v1beta1".into()]);
        let namespace = &kinds[&("".into(), "Namespace".into())];
        assert!(!namespace.namespaced);
        assert_eq!(kinds.len(), 2);
    }

    #[tokio::test]
    async fn aggregated_discovery_is_read() {
        let resource = |kind: &str, plural: &str, scope: &str| json!({ "resource": plural, "scope": scope, "responseKind": { "kind": kind } });
        let group = |name: &str, versions: Json| json!({ "kind": "APIGroupDiscoveryList", "items": [{ "metadata": { "name": name }, "versions": versions }] });
        let cron = resource("CronJob", "cronjobs", "Namespaced");
        let versions = json!([{ "version": "v1", "resources": [cron] }, { "version": "v1beta1", "resources": [cron] }]);
        let core = json!([{ "version": "v1", "resources": [resource("Namespace", "namespaces", "Cluster")] }]);
        check(&kinds(&[("/api", group("", core)), ("/apis", group("batch", versions))]).await);
    }

    #[tokio::test]
    async fn old_discovery_is_read_and_subresources_are_left_out() {
        let versions = json!([{ "groupVersion": "batch/v1beta1" }, { "groupVersion": "batch/v1" }]);
        let preferred = json!({ "groupVersion": "batch/v1" });
        let groups = json!({ "groups": [{ "name": "batch", "versions": versions, "preferredVersion": preferred }] });
        let cron = json!({ "resources": [
            { "name": "cronjobs", "kind": "CronJob", "namespaced": true },
            { "name": "cronjobs/status", "kind": "CronJob", "namespaced": true },
        ]});
        let core = json!({ "resources": [{ "name": "namespaces", "kind": "Namespace", "namespaced": false }] });
        let routes = [
            ("/api", json!({ "versions": ["v1"] })),
            ("/apis", groups),
            ("/api/v1", core),
            ("/apis/batch/v1", cron.clone()),
            ("/apis/batch/v1beta1", cron),
        ];
        check(&kinds(&routes).await);
    }

    #[test]
    fn a_definition_tells_its_kind() {
        let definition = Object::new(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "a" },
            "spec": {
                "group": "ray.io", "scope": "Namespaced", "names": { "kind": "RayJob", "plural": "rayjobs" },
                "versions": [{ "name": "v1alpha1", "served": true }, { "name": "v1", "served": true, "storage": true }],
            },
        }));
        let served = defined_kind(&definition.expect("an object")).expect("a kind");
        assert_eq!(served.kind, Kind::new("ray.io/v1", "RayJob"));
        assert_eq!((served.versions.len(), served.plural.as_str(), served.namespaced), (2, "rayjobs", true));
    }
}

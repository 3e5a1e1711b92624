//! `secret`: a Secret: plain entries, registry credentials, a TLS pair, values that are made in the cluster.
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Map, json};

use super::kit::{Context, Expansion, Problem, ResourceType, parse};
use super::metadata::{Metadata, NameRule, Texts, exports};
use super::names::{default_name, object};
use super::parts::without_nulls;
use super::payload;
use crate::model::{Generated, Json, UNKNOWN};

/// The resource type `secret`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret;

/// A Secret. Its values are never shown, and the state holds only salted hashes of them.
///
/// <https://kubernetes.io/docs/concepts/configuration/secret/>
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The name of the Secret. Default: the name of the block, with `-` for `_`.
    name: Option<String>,
    /// The namespace of the Secret.
    namespace: String,
    /// Labels of the Secret.
    #[serde(default)]
    labels: Texts,
    /// Annotations of the Secret; they are not secret.
    #[serde(default)]
    annotations: Texts,
    /// The type. Default: `Opaque`, or what `docker_registry` and `tls` need.
    r#type: Option<String>,
    /// Plain texts by key; they are encoded on the way.
    #[serde(default)]
    data: Texts,
    /// Other bytes by key, as base64, such as `{ "keytab" = filebase64("keytab") }`.
    #[serde(default)]
    binary_data: BTreeMap<String, String>,
    /// Credentials for a container registry; several make one Secret for all of them.
    #[serde(default)]
    #[schemars(extend("x-block" = true))]
    docker_registry: Vec<DockerRegistry>,
    /// A certificate and its key.
    #[schemars(extend("x-block" = true))]
    tls: Option<Tls>,
    /// A value that is made once, at random, and lives in the cluster alone; the label is its key.
    #[serde(default)]
    #[schemars(extend("x-block" = true, "x-label" = "key"))]
    generate: Vec<Generate>,
    /// Whether the entries are fixed for good; a change of them then replaces the Secret. Default: false.
    immutable: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DockerRegistry {
    /// The registry, such as `ghcr.io`. Default: Docker Hub, `https://index.docker.io/v1/`.
    #[serde(default = "docker_hub")]
    server: String,
    username: String,
    /// The password, or a token.
    password: String,
    email: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tls {
    /// The certificate, with those that it rests on, as PEM.
    certificate: String,
    /// The private key, as PEM.
    key: String,
    /// The certificate of the authority, as PEM (`ca.crt`).
    ca: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Generate {
    /// The key in the Secret.
    key: String,
    /// How many characters of `A-Z a-z 0-9`: 8 to 4096. Default: 32, which is 190 bits.
    #[serde(default = "default_length")]
    length: usize,
}

fn docker_hub() -> String {
    "https://index.docker.io/v1/".to_owned()
}

fn default_length() -> usize {
    32
}

/// What the blocks make of a Secret.
#[derive(Debug, Default)]
struct Payload {
    /// Encoded, by key.
    entries: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    bytes: usize,
    problems: Vec<Problem>,
}

impl ResourceType for Secret {
    fn name(&self) -> &'static str {
        "secret"
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Arguments)
    }

    fn exports(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("name", "The name of the Secret."),
            ("namespace", "The namespace of the Secret."),
            ("checksum", "Changes when an entry of the configuration changes; an annotation with it rolls pods."),
        ]
    }

    fn example(&self) -> &'static str {
        EXAMPLE
    }

    fn expand(&self, arguments: Json, context: &Context<'_>) -> Result<Expansion, Vec<Problem>> {
        let arguments: Arguments = parse(without_nulls(arguments))?;
        let name = arguments.name.clone().unwrap_or_else(|| default_name(context.address));
        let namespace = arguments.namespace.as_str();
        let metadata = Metadata {
            name: &name,
            namespace: Some(namespace),
            labels: &arguments.labels,
            annotations: &arguments.annotations,
        };
        let mut payload = arguments.payload();
        payload.problems.extend(metadata.problems(NameRule::Subdomain));
        if !payload.problems.is_empty() {
            return Err(payload.problems);
        }
        let mut json = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata.to_json(),
            "type": arguments.type_name(),
        });
        let checksum = payload::secret_checksum(&payload.entries, &format!("{namespace}/{name}"));
        if !payload.entries.is_empty() {
            json["data"] = payload::entries_json(payload.entries);
        }
        if let Some(immutable) = arguments.immutable {
            json["immutable"] = immutable.into();
        }
        let mut object = object(json);
        object.generated = arguments
            .generate
            .iter()
            .map(|generate| (format!("/data/{}", generate.key), Generated { length: generate.length }))
            .collect();
        let mut exports = exports([("name", &name), ("namespace", namespace)]);
        exports.insert("checksum".to_owned(), checksum);
        Ok(Expansion { objects: vec![object], exports, ..Expansion::default() })
    }
}

const EXAMPLE: &str = r#"variable "registry_password" {
  type      = string
  default   = "not-a-real-one"
  sensitive = true
}

resource "namespace" "app" {
}

resource "secret" "registry" {
  namespace = namespace.app.name

  docker_registry {
    server   = "ghcr.io"
    username = "robot"
    password = var.registry_password
  }
}

resource "secret" "session" {
  namespace = namespace.app.name
  data      = { user = "ray" }

  generate "password" {
    length = 40
  }
}
"#;

impl Arguments {
    /// Returns the type that the blocks need.
    fn needed_type(&self) -> Option<&'static str> {
        if !self.docker_registry.is_empty() {
            return Some("kubernetes.io/dockerconfigjson");
        }
        self.tls.is_some().then_some("kubernetes.io/tls")
    }

    fn type_name(&self) -> &str {
        self.r#type.as_deref().or(self.needed_type()).unwrap_or("Opaque")
    }

    fn payload(&self) -> Payload {
        let mut payload = Payload::default();
        for (key, value) in &self.data {
            payload.text(&format!("data/{key}"), key, &value.0);
        }
        for (key, value) in &self.binary_data {
            payload.binary(&format!("binary_data/{key}"), key, value);
        }
        if !self.docker_registry.is_empty() {
            payload.text("docker_registry", ".dockerconfigjson", &docker_config(&self.docker_registry));
        }
        if let Some(tls) = &self.tls {
            payload.tls(tls);
        }
        for (index, generate) in self.generate.iter().enumerate() {
            payload.generate(index, generate);
        }
        payload.problems.extend(self.wrong_type());
        payload.problems.extend(payload::check_size(if self.data.is_empty() { "" } else { "data" }, payload.bytes));
        payload
    }

    /// Refuses a type that contradicts the blocks.
    fn wrong_type(&self) -> Option<Problem> {
        if self.tls.is_some() && !self.docker_registry.is_empty() {
            let hint = "write two `secret` resources";
            return Some(Problem::error("tls", "a Secret holds either a TLS pair or registry credentials").hint(hint));
        }
        let (named, needed) = (self.r#type.as_deref()?, self.needed_type()?);
        let contradicts = named != needed && !named.contains(UNKNOWN);
        contradicts
            .then(|| Problem::error("type", format!("the blocks make a Secret of type `{needed}`, not `{named}`")))
    }
}

impl Payload {
    fn text(&mut self, argument: &str, key: &str, text: &str) {
        self.problems.extend(payload::check_key(argument, key, &mut self.taken));
        self.bytes += text.len();
        self.entries.insert(key.to_owned(), payload::encode(text));
    }

    fn binary(&mut self, argument: &str, key: &str, base64: &str) {
        self.problems.extend(payload::check_key(argument, key, &mut self.taken));
        match payload::recode(argument, base64) {
            Ok((text, bytes)) => {
                self.bytes += bytes;
                self.entries.insert(key.to_owned(), text);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    fn tls(&mut self, tls: &Tls) {
        let parts = [
            ("tls/certificate", "tls.crt", Some(&tls.certificate), "-----BEGIN CERTIFICATE-----"),
            ("tls/key", "tls.key", Some(&tls.key), "-----BEGIN "),
            ("tls/ca", "ca.crt", tls.ca.as_ref(), "-----BEGIN CERTIFICATE-----"),
        ];
        for (argument, key, text, beginning) in parts {
            let Some(text) = text else { continue };
            if !text.contains(beginning) && !text.contains(UNKNOWN) {
                let hint = format!("PEM text holds a line `{beginning}`; `file(\"…\")` reads it");
                self.problems.push(Problem::error(argument, "the value is not PEM").hint(hint));
            }
            self.text(argument, key, text);
        }
    }

    fn generate(&mut self, index: usize, generate: &Generate) {
        let argument = format!("generate/{index}/key");
        self.problems.extend(payload::check_key(&argument, &generate.key, &mut self.taken));
        if !(8..=4096).contains(&generate.length) {
            let message = format!("`length` is {}; it can be 8 to 4096", generate.length);
            self.problems.push(Problem::error(format!("generate/{index}/length"), message));
        }
    }
}

/// Returns the file that container runtimes read; [`UNKNOWN`] where a part of it is unknown.
///
/// <https://kubernetes.io/docs/concepts/containers/images/#config-json>
fn docker_config(registries: &[DockerRegistry]) -> String {
    let mut auths = Map::new();
    for registry in registries {
        let auth = format!("{}:{}", registry.username, registry.password);
        if auth.contains(UNKNOWN) || registry.server.contains(UNKNOWN) {
            return UNKNOWN.to_owned();
        }
        let mut entry =
            json!({ "username": registry.username, "password": registry.password, "auth": STANDARD.encode(&auth) });
        if let Some(email) = &registry.email {
            entry["email"] = email.as_str().into();
        }
        auths.insert(registry.server.clone(), entry);
    }
    json!({ "auths": auths }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::resource::testing::{errors, expand};

    #[track_caller]
    fn check(arguments: Json, kind: &str, data: &Json) {
        let expansion = expand("secret", arguments).unwrap();
        let object = &expansion.objects[0].object;
        assert_eq!(object.text("/type"), Some(kind));
        assert_eq!(object.pointer("/data").unwrap_or(&Json::Null), data);
    }

    #[track_caller]
    fn refuses(arguments: Json, expected: &[&str]) {
        assert_eq!(errors(&expand("secret", arguments)), expected);
    }

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

    #[test]
    fn entries_are_encoded() {
        check(
            json!({"namespace": "a", "data": {"user": "ray", "port": 1}, "binary_data": {"b": "AAEC"}}),
            "Opaque",
            &json!({"user": "cmF5", "port": "MQ==", "b": "AAEC"}),
        );
    }

    #[test]
    fn registries_share_one_file() {
        let expected =
            r#"{"auths":{"ghcr.io":{"auth":"cm9ib3Q6cHc=","email":"a@b","password":"pw","username":"robot"}}}"#;
        check(
            json!({"namespace": "a", "docker_registry": [
                {"server": "ghcr.io", "username": "robot", "password": "pw", "email": "a@b"},
            ]}),
            "kubernetes.io/dockerconfigjson",
            &json!({".dockerconfigjson": STANDARD.encode(expected)}),
        );
    }

    #[test]
    fn a_pair_is_told_by_its_keys() {
        let key = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";
        check(
            json!({"namespace": "a", "tls": {"certificate": CERTIFICATE, "key": key}}),
            "kubernetes.io/tls",
            &json!({"tls.crt": STANDARD.encode(CERTIFICATE), "tls.key": STANDARD.encode(key)}),
        );
    }

    #[test]
    fn generated_values_are_not_in_the_object() {
        let arguments = json!({"namespace": "a", "generate": [{"key": "password", "length": 40}, {"key": "salt"}]});
        check(arguments.clone(), "Opaque", &Json::Null);
        let expansion = expand("secret", arguments).unwrap();
        let expected = BTreeMap::from([
            ("/data/password".to_owned(), Generated { length: 40 }),
            ("/data/salt".to_owned(), Generated { length: 32 }),
        ]);
        assert_eq!(expansion.objects[0].generated, expected);
    }

    #[test]
    fn what_is_unknown_is_not_encoded() {
        check(
            json!({"namespace": "a", "data": {"a": UNKNOWN}, "docker_registry": [
                {"username": "robot", "password": UNKNOWN},
            ]}),
            "kubernetes.io/dockerconfigjson",
            &json!({"a": UNKNOWN, ".dockerconfigjson": UNKNOWN}),
        );
    }

    #[test]
    fn the_checksum_differs_from_secret_to_secret() {
        let checksum = |name: &str, value: &str| {
            let arguments = json!({"namespace": "a", "name": name, "data": {"a": value}});
            expand("secret", arguments).unwrap().exports["checksum"].clone()
        };
        assert_eq!(checksum("x", "1"), checksum("x", "1"));
        assert_ne!(checksum("x", "1"), checksum("x", "2"));
        assert_ne!(checksum("x", "1"), checksum("y", "1"));
        assert!(matches!(checksum("x", "1"), Value::String(_)));
    }

    #[test]
    fn mistakes_name_their_argument() {
        refuses(
            json!({"namespace": "a", "generate": [{"key": "a", "length": 4}], "data": {"a": "x"}}),
            &["generate/0/key: the key `a` is there twice", "generate/0/length: `length` is 4; it can be 8 to 4096"],
        );
        refuses(
            json!({"namespace": "a", "tls": {"certificate": "x", "key": "y"}}),
            &["tls/certificate: the value is not PEM", "tls/key: the value is not PEM"],
        );
        refuses(
            json!({"namespace": "a", "type": "Opaque", "docker_registry": [{"username": "a", "password": "b"}]}),
            &["type: the blocks make a Secret of type `kubernetes.io/dockerconfigjson`, not `Opaque`"],
        );
    }
}

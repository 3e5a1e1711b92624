//! `import` blocks and the command: which live objects a resource takes over.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Desired, DesiredObject, Diagnostic, Identity, Import, Objects, Observed, nearest};
use crate::state::State;

use super::judge::is_assumed;
use super::{Mode, Options};

/// What the forms of an id are.
const FORMS: &str = "write `namespace/name`, the bare name of what has no namespace, or `apiVersion/Kind/namespace/name` for one of several objects";

/// What an id names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named<'a> {
    /// A resource by the name of one of its objects.
    Resource { namespace: Option<&'a str>, name: &'a str },
    /// One object.
    Object { group: &'a str, kind: &'a str, namespace: Option<&'a str>, name: &'a str },
}

/// Returns the live objects that imports take over. What is recorded already needs no import.
pub(super) fn settle(
    desired: &Desired,
    stamped: &BTreeMap<Address, Vec<DesiredObject>>,
    state: &State,
    observed: &Observed,
    options: &Options,
    selection: &BTreeSet<Address>,
) -> Result<BTreeSet<Identity>, Vec<Diagnostic>> {
    if options.mode != Mode::Apply {
        return Ok(BTreeSet::new());
    }
    let world = World { desired, stamped, state, observed };
    let (mut found, mut errors) = (BTreeSet::new(), Vec::new());
    let is_left_out = |import: &Import| desired.resources.contains_key(&import.to) && !selection.contains(&import.to);
    for import in desired.imports.iter().chain(&options.imports).filter(|import| !is_left_out(import)) {
        match world.import(import) {
            Ok(objects) => found.extend(objects),
            Err(diagnostic) => errors.push(match import.span {
                Some(span) => diagnostic.at(span),
                None => *diagnostic,
            }),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

struct World<'a> {
    desired: &'a Desired,
    stamped: &'a BTreeMap<Address, Vec<DesiredObject>>,
    state: &'a State,
    observed: &'a Observed,
}

impl World<'_> {
    fn import(&self, import: &Import) -> Result<Vec<Identity>, Box<Diagnostic>> {
        let Import { to, id, .. } = import;
        let objects = self.objects(to)?;
        let named = parse(id).ok_or_else(|| hinted(format!("`{id}` names no object"), FORMS))?;
        let meant: Vec<Identity> =
            objects.iter().map(|it| it.object.identity()).filter(|identity| named.is(identity)).collect();
        if meant.is_empty() {
            return Err(not_described(import, objects));
        }
        if is_assumed(self.observed) {
            return Err(hinted("an import must look at the cluster".to_owned(), "plan without `--refresh=false`"));
        }
        self.check_records(import, &meant)?;
        let is_recorded = |identity: &Identity| self.recorded_at(identity) == Some(to);
        if meant.iter().all(is_recorded) {
            return match import.span {
                // A block may stay where it is when it has done its work.
                Some(_) => Ok(Vec::new()),
                None => Err(hinted(format!("`{to}` has recorded {} already", meant[0]), "there is nothing to import")),
            };
        }
        let is_live = |identity: &&Identity| self.observed.live.contains_key(identity);
        if !meant.iter().any(|it| is_live(&it) || self.observed.blind_to(it).is_some()) {
            let message = format!("there is no {} in the cluster to import into `{to}`", meant[0]);
            return Err(hinted(
                message,
                "look whether the id and the cluster are the right ones; without the import, it is created",
            ));
        }
        Ok(match named {
            Named::Object { .. } => meant,
            Named::Resource { .. } => objects.iter().map(|it| it.object.identity()).filter(|it| is_live(&it)).collect(),
        })
    }

    /// Returns the objects that a resource describes.
    fn objects(&self, to: &Address) -> Result<&[DesiredObject], Box<Diagnostic>> {
        let Some(resource) = self.desired.resources.get(to) else {
            let names: Vec<String> = self.desired.resources.keys().map(ToString::to_string).collect();
            let message = format!("there is no `{to}` in the configuration to import into");
            return Err(match nearest(&to.to_string(), names.iter().map(String::as_str)) {
                Some(meant) => hinted(message, &format!("did you mean `{meant}`?")),
                None => hinted(message, "write the resource first: an import only says which objects it takes over"),
            });
        };
        if let Objects::Unknown { .. } = resource.objects {
            let message = format!("it is not known yet which objects `{to}` stands for");
            return Err(hinted(message, "apply what it needs first, with `--target`"));
        }
        Ok(self.stamped.get(to).map(Vec::as_slice).unwrap_or_default())
    }

    /// Refuses what another resource has recorded.
    fn check_records(&self, import: &Import, meant: &[Identity]) -> Result<(), Box<Diagnostic>> {
        let other = meant.iter().find_map(|identity| {
            let owner = self.recorded_at(identity).filter(|owner| **owner != import.to)?;
            Some((identity, owner))
        });
        let Some((identity, owner)) = other else { return Ok(()) };
        let message = format!("{identity} is recorded already, as `{owner}`");
        let hint =
            format!("`moved {{ from = {owner}, to = {} }}` or `rayform state mv` gives it the other name", import.to);
        Err(hinted(message, &hint))
    }

    /// Returns the resource that has recorded the live object.
    fn recorded_at(&self, identity: &Identity) -> Option<&Address> {
        let uid = self.observed.live.get(identity).and_then(|live| live.uid());
        let has = |recorded: &crate::state::Recorded| {
            recorded
                .objects
                .iter()
                .any(|object| object.identity() == *identity && uid.is_none_or(|uid| uid == object.uid))
        };
        self.state.resources.iter().find(|(_, recorded)| has(recorded)).map(|(address, _)| address)
    }
}

/// Says that an id names nothing of a resource.
fn not_described(import: &Import, objects: &[DesiredObject]) -> Box<Diagnostic> {
    let Import { to, id, .. } = import;
    let described: Vec<String> = objects.iter().take(5).map(|it| it.object.identity().to_string()).collect();
    let message = format!("`{to}` does not describe `{id}`");
    match described.as_slice() {
        [] => hinted(message, "it stands for no object"),
        described => hinted(message, &format!("it describes {}; {FORMS}", described.join(", "))),
    }
}

impl Named<'_> {
    fn is(&self, identity: &Identity) -> bool {
        let is_same = |namespace: Option<&str>, name: &str| {
            (identity.namespace.as_deref(), identity.name.as_str()) == (namespace, name)
        };
        match self {
            Self::Resource { namespace, name } => is_same(*namespace, name),
            Self::Object { group, kind, namespace, name } => {
                (identity.group.as_str(), identity.kind.as_str()) == (*group, *kind) && is_same(*namespace, name)
            }
        }
    }
}

/// Reads an id.
fn parse(id: &str) -> Option<Named<'_>> {
    let parts: Vec<&str> = id.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let object = |group, kind, namespace, name| Some(Named::Object { group, kind, namespace, name });
    match parts.as_slice() {
        [name] => Some(Named::Resource { namespace: None, name }),
        [namespace, name] => Some(Named::Resource { namespace: Some(namespace), name }),
        [version, kind, name] if is_version(version) => object("", kind, None, name),
        [version, kind, namespace, name] if is_version(version) => object("", kind, Some(namespace), name),
        [group, version, kind, name] if is_version(version) => object(group, kind, None, name),
        [group, version, kind, namespace, name] if is_version(version) => object(group, kind, Some(namespace), name),
        _ => None,
    }
}

/// Tells whether a text is a version such as `v1` or `v2beta1`.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

fn hinted(message: String, hint: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error(message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, expected: &Named<'_>) {
        assert_eq!(parse(id).as_ref(), Some(expected), "{id}");
    }

    fn resource<'a>(namespace: Option<&'a str>, name: &'a str) -> Named<'a> {
        Named::Resource { namespace, name }
    }

    fn object<'a>(group: &'a str, kind: &'a str, namespace: Option<&'a str>, name: &'a str) -> Named<'a> {
        Named::Object { group, kind, namespace, name }
    }

    #[test]
    fn an_id_names_a_resource_or_one_object() {
        check("gold", &resource(None, "gold"));
        check("team-a/settings", &resource(Some("team-a"), "settings"));
        check("v1/Namespace/team-a", &object("", "Namespace", None, "team-a"));
        check("v1/ConfigMap/team-a/v1", &object("", "ConfigMap", Some("team-a"), "v1"));
        check("storage.k8s.io/v1/StorageClass/gold", &object("storage.k8s.io", "StorageClass", None, "gold"));
        check("apps/v1/Deployment/team-a/web", &object("apps", "Deployment", Some("team-a"), "web"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for id in ["", "/a", "a/", "a/b/c", "apps/Deployment/a/b", "a/v1/B/c/d/e"] {
            assert_eq!(parse(id), None, "{id}");
        }
    }
}

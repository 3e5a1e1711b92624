//! `import` blocks and the command: which live objects a resource takes over.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Address, Clusters, Desired, DesiredObject, Diagnostic, Identity, Import, Located, Object, Objects, Observed,
    nearest,
};
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
    observed: &Clusters<Observed>,
    options: &Options,
    selection: &BTreeSet<Address>,
) -> Result<BTreeSet<Located>, Vec<Diagnostic>> {
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
    observed: &'a Clusters<Observed>,
}

impl World<'_> {
    fn import(&self, import: &Import) -> Result<Vec<Located>, Box<Diagnostic>> {
        let Import { to, id, .. } = import;
        let objects = self.objects(to)?;
        let named = parse(id).ok_or_else(|| hinted(format!("`{id}` names no object"), FORMS))?;
        let described = || objects.iter().map(DesiredObject::located);
        let meant: Vec<Located> = described().filter(|located| named.is(&located.identity)).collect();
        let Some(first) = meant.first() else { return Err(not_described(import, objects)) };
        if self.observed.get(&first.cluster).is_none_or(is_assumed) {
            return Err(hinted("an import must look at the cluster".to_owned(), "plan without `--refresh=false`"));
        }
        self.check_records(import, &meant)?;
        let is_recorded = |located: &Located| self.recorded_at(located) == Some(to);
        if meant.iter().all(is_recorded) {
            return match import.span {
                // A block may stay where it is when it has done its work.
                Some(_) => Ok(Vec::new()),
                None => Err(hinted(format!("`{to}` has recorded {first} already"), "there is nothing to import")),
            };
        }
        if !meant.iter().any(|located| self.is_live(located) || self.is_hidden(located)) {
            return Err(absent(import, first));
        }
        Ok(match named {
            Named::Object { .. } => meant,
            Named::Resource { .. } => described().filter(|located| self.is_live(located)).collect(),
        })
    }

    fn is_live(&self, located: &Located) -> bool {
        self.live(located).is_some()
    }

    /// Tells whether it could not be seen if there is such an object.
    fn is_hidden(&self, located: &Located) -> bool {
        let observed = self.observed.get(&located.cluster);
        observed.is_some_and(|observed| observed.blind_to(&located.identity).is_some())
    }

    fn live(&self, located: &Located) -> Option<&Object> {
        self.observed.get(&located.cluster)?.live.get(&located.identity)
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
    fn check_records(&self, import: &Import, meant: &[Located]) -> Result<(), Box<Diagnostic>> {
        let other = meant.iter().find_map(|located| {
            let owner = self.recorded_at(located).filter(|owner| **owner != import.to)?;
            Some((located, owner))
        });
        let Some((located, owner)) = other else { return Ok(()) };
        let message = format!("{located} is recorded already, as `{owner}`");
        let hint =
            format!("`moved {{ from = {owner}, to = {} }}` or `rayform state mv` gives it the other name", import.to);
        Err(hinted(message, &hint))
    }

    /// Returns the resource that has recorded the live object.
    fn recorded_at(&self, located: &Located) -> Option<&Address> {
        let uid = self.live(located).and_then(|live| live.uid());
        let has = |recorded: &crate::state::Recorded| {
            recorded
                .objects
                .iter()
                .any(|object| object.located() == *located && uid.is_none_or(|uid| uid == object.uid))
        };
        self.state.resources.iter().find(|(_, recorded)| has(recorded)).map(|(address, _)| address)
    }
}

/// Says that there is nothing to take over.
fn absent(import: &Import, first: &Located) -> Box<Diagnostic> {
    let place = match first.cluster.name() {
        Some(_) => first.to_string(),
        None => format!("{first} in the cluster"),
    };
    hinted(
        format!("there is no {place} to import into `{}`", import.to),
        "look whether the id and the cluster are the right ones; without the import, it is created",
    )
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
        let is_same =
            |namespace: Option<&str>, name: &str| (identity.namespace.as_deref(), &*identity.name) == (namespace, name);
        match self {
            Self::Resource { namespace, name } => is_same(*namespace, name),
            Self::Object { group, kind, namespace, name } => {
                (&*identity.group, &*identity.kind) == (*group, *kind) && is_same(*namespace, name)
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

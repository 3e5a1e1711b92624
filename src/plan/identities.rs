//! Two resources must not stand for the same object: each would undo the other.
use std::collections::BTreeMap;

use crate::model::{Address, Desired, DesiredObject, Diagnostic, Located, UNKNOWN};

use super::draft::Stamped;

/// Finds objects that are described twice, before it is known where those live that name no namespace.
pub(crate) fn check_identities(desired: &Desired) -> Result<(), Vec<Diagnostic>> {
    let objects = desired.resources.iter().flat_map(|(address, resource)| {
        resource
            .objects
            .known()
            .iter()
            .map(move |object| (Located::new(&resource.cluster, object.object.identity()), address, object))
    });
    let is_known = |located: &Located| {
        let identity = &located.identity;
        let texts = [Some(&identity.kind), identity.namespace.as_ref(), Some(&identity.name)];
        !texts.into_iter().flatten().any(|text| text.contains(UNKNOWN))
    };
    twice(objects.filter(|(located, ..)| is_known(located)))
}

/// Finds objects that are described twice.
pub(super) fn check(stamped: &Stamped) -> Result<(), Vec<Diagnostic>> {
    let of_resource = |(address, objects)| {
        let objects: &Vec<DesiredObject> = objects;
        objects.iter().map(move |object| (object.located(), address, object))
    };
    twice(stamped.iter().flat_map(of_resource))
}

fn twice<'a>(objects: impl Iterator<Item = (Located, &'a Address, &'a DesiredObject)>) -> Result<(), Vec<Diagnostic>> {
    let mut seen: BTreeMap<Located, (&Address, &DesiredObject)> = BTreeMap::new();
    let mut errors = Vec::new();
    for (located, address, object) in objects {
        if let Some((first_address, first)) = seen.get(&located) {
            let error = format!("{located} is described twice, by `{first_address}` and by `{address}`");
            let says = |what: &str, object: &DesiredObject| match object.place.as_str() {
                "" => what.to_owned(),
                place => format!("{what}, {place}"),
            };
            let diagnostic = Diagnostic::error(error).labelled(object.span, says("here again", object));
            errors.push(diagnostic.related(first.span, says("first here", first)));
        } else {
            seen.insert(located, (address, object));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

//! Judges the objects of resources: on all cores, but for those that may be made anew because another one is.
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Desired, DesiredObject, DesiredResource, Diagnostic, Located, on_all_cores};

use super::Mode;
use super::draft::{Stamped, World};
use super::judge::{Case, Context, Judged, judge};

/// What was decided about one object.
pub(super) type Judgement = (Located, Result<Judged, Vec<Diagnostic>>);

/// Judges, on all cores, the resources that nothing else in the plan can make anew.
pub(super) fn ahead(
    world: &World<'_>,
    desired: &Desired,
    stamped: &mut Stamped,
    selection: &BTreeSet<Address>,
) -> BTreeMap<Address, Vec<Judgement>> {
    if world.options.mode != Mode::Apply {
        return BTreeMap::new();
    }
    let is_ready = |address: &Address| selection.contains(address) && desired.resources[address].triggers.is_empty();
    let ready = stamped.extract_if(.., |address, _| is_ready(address));
    on_all_cores(ready.collect(), &|(address, objects)| {
        let resource = &desired.resources[&address];
        let context = world.contexts.get(&resource.cluster);
        let judgements = context.map(|context| all(context, resource, objects, false));
        (address, judgements.unwrap_or_default())
    })
    .into_iter()
    .collect()
}

/// Judges the objects of one resource, which is perhaps made anew by its triggers.
pub(super) fn all(
    context: &Context<'_>,
    resource: &DesiredResource,
    objects: Vec<DesiredObject>,
    is_triggered: bool,
) -> Vec<Judgement> {
    let address = &resource.address;
    let replace = is_triggered || is_asked_for(context, address);
    let status = context.state.resources.get(address).map(|recorded| recorded.status);
    let judge = |desired: DesiredObject| {
        let located = desired.located();
        (located, judge(context, Case { desired, lifecycle: &resource.lifecycle, status, replace }))
    };
    objects.into_iter().map(judge).collect()
}

/// Tells whether `--replace` names a resource.
fn is_asked_for(context: &Context<'_>, address: &Address) -> bool {
    context.options.replace.iter().any(|wanted| wanted.covers(address))
}

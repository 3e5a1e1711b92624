//! What goes: deletions, renamings, and what is forgotten.
use super::*;

#[test]
fn a_removed_block_is_deleted_or_kept() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.check(&["thing.a Delete", "  delete ConfigMap a/m"]);
    let recorded = world.state.resources.get_mut(&address("a")).expect("recorded");
    recorded.on_destroy = OnDestroy::Keep;
    world.check(&["thing.a Forget", "  forget ConfigMap a/m"]);
    let recorded = world.state.resources.get_mut(&address("a")).expect("recorded");
    (recorded.on_destroy, recorded.prevent_destroy) = (OnDestroy::Delete, true);
    world.check(&["error: `thing.a` has `prevent_destroy` and would be deleted"]);
}

#[test]
fn deletions_go_backwards() {
    let mut world = World::empty();
    world.want_all("a", vec![desired_object(config_map("m", "1")), desired_object(config_map("n", "1"))]);
    world.apply();
    world.options.mode = Mode::Destroy;
    world.check(&["thing.a Delete (loses it)", "  delete ConfigMap a/n", "  delete ConfigMap a/m"]);
}

#[test]
fn an_object_that_left_its_resource_is_deleted() {
    let mut world = World::empty();
    world.want_all("a", vec![desired_object(config_map("m", "1")), desired_object(config_map("n", "1"))]);
    world.apply();
    world.want("a", config_map("m", "1"));
    world.check(&["thing.a Update", "  keep ConfigMap a/m", "  delete ConfigMap a/n"]);
}

#[test]
fn a_renamed_block_keeps_its_objects() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.want("b", config_map("m", "1"));
    world.check(&[
        "thing.a Forget",
        "  forget ConfigMap a/m",
        "thing.b Update",
        "  update ConfigMap a/m",
        r#"    .metadata.annotations.rayform.dev/address "thing.a" -> "thing.b""#,
        "warning: `thing.a` seems to be called `thing.b` now: its object is kept",
    ]);
}

#[test]
fn a_block_and_object_with_new_names_are_pointed_out() {
    let mut world = World::applied(config_map("m", "1"));
    world.forget("a");
    world.want("b", config_map("n", "1"));
    world.check(&[
        "thing.a Delete",
        "  delete ConfigMap a/m",
        "thing.b Create",
        "  create ConfigMap a/n",
        "warning: `thing.a` is deleted and `thing.b` is created",
    ]);
}

#[test]
fn two_blocks_cannot_stand_for_one_object() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.want("b", config_map("m", "2"));
    world.check(&["error: ConfigMap a/m is described twice, by `thing.a` and by `thing.b`"]);
    let found = check_identities(&world.desired).expect_err("no cluster is needed to see it");
    assert_eq!(found[0].message, "ConfigMap a/m is described twice, by `thing.a` and by `thing.b`");
}

#[test]
fn names_that_are_not_known_yet_may_differ() {
    let mut world = World::empty();
    world.want("a", config_map(crate::model::UNKNOWN, "1"));
    world.want("b", config_map(crate::model::UNKNOWN, "2"));
    assert_eq!(check_identities(&world.desired).map_err(|found| found.len()), Ok(()));
}

#[test]
fn refreshing_forgets_what_is_gone() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    world.options.mode = Mode::RefreshOnly;
    world.check(&["thing.a Forget", "  forget ConfigMap a/m", "drift ConfigMap a/m deleted"]);
}

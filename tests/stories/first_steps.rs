//! The first hour with rayform: apply, apply again, change, remove, destroy.
use snapbox::assert_data_eq;
use snapbox::prelude::*;
use snapbox::str;

use crate::Story;
use crate::world::World;

pub(crate) const STORIES: &[Story] = &[
    ("the_second_plan_is_empty", the_second_plan_is_empty),
    ("a_change_of_one_attribute_shows_one_attribute", a_change_of_one_attribute_shows_one_attribute),
];

const SMALL: &str = r#"
resource "namespace" "team" {
  name = "{n}"
}

resource "config_map" "settings" {
  namespace = namespace.team.name
  name      = "settings"
  data      = { colour = "green" }
}
"#;

fn the_second_plan_is_empty(world: &World) {
    world.configure(SMALL);
    let run = world.apply();
    assert_data_eq!(run.stdout, str![[""]].raw());
    world.expect_no_changes();
}

fn a_change_of_one_attribute_shows_one_attribute(world: &World) {
    world.configure(SMALL);
    let _ = world.apply();
    world.configure(&SMALL.replace("green", "blue"));
    let run = world.rayform("plan");
    assert_data_eq!(run.stdout, str![[""]].raw());
}

//! The first hour with rayform: apply, apply again, change, remove, destroy.
use snapbox::assert_data_eq;
use snapbox::prelude::*;
use snapbox::str;

use crate::Told;
use crate::world::World;

pub(crate) const STORIES: &[Told] = &[
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
    assert_data_eq!(
        run.stdout,
        str![[r#"
Cluster: [SERVER] (context [CONTEXT])

rayform will do this:

  # config_map.settings will be created
  + resource "config_map" "settings" {
      + ConfigMap {n}/settings {
            # not yet validated by the server: this plan makes the namespace `{n}`
          + data = {
              + colour = "green"
            }
        }
    }

  # namespace.team will be created
  + resource "namespace" "team" {
      + Namespace {n} {
        }
    }

Plan: 2 to add, 0 to change, 0 to destroy.
namespace.team: Creating...
namespace.team: Creation complete after [SECONDS]s
config_map.settings: Creating...
config_map.settings: Creation complete after [SECONDS]s

Apply complete! Resources: 2 added, 0 changed, 0 destroyed.

"#]]
        .raw()
    );
    world.expect_no_changes();
}

fn a_change_of_one_attribute_shows_one_attribute(world: &World) {
    world.configure(SMALL);
    let _ = world.apply();
    world.configure(&SMALL.replace("green", "blue"));
    let run = world.rayform("plan");
    assert_data_eq!(
        run.stdout,
        str![[r#"
Cluster: [SERVER] (context [CONTEXT])

rayform will do this:

  # config_map.settings will be updated in place
  ~ resource "config_map" "settings" {
      ~ ConfigMap {n}/settings {
          ~ data {
              ~ colour = "green" -> "blue"
            }
        }
    }

Plan: 0 to add, 1 to change, 0 to destroy.

"#]]
        .raw()
    );
}

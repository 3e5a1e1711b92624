//! Two clusters side by side: nothing of the one counts in the other.
use super::*;
use crate::model::{Import, Trigger};

fn west() -> ClusterName {
    ClusterName::named("west")
}

impl World {
    /// Adds an empty cluster `west` that serves the same kinds.
    fn with_west(mut self) -> Self {
        let cluster = ClusterIdentity { uid: "c2".to_owned(), server: "sandbox".to_owned() };
        let observed = Observed { cluster, live: BTreeMap::new(), ..self.observed.clone() };
        self.others.insert(west(), observed);
        self
    }

    /// Makes what is applied look as if it had been applied in `west`, and empties the default cluster.
    fn move_to_west(&mut self) {
        let observed = self.others.get_mut(&west()).expect("there is a west");
        std::mem::swap(&mut observed.live, &mut self.observed.live);
        self.state.clusters.insert(west(), observed.cluster.clone());
        for object in self.state.resources.values_mut().flat_map(|resource| &mut resource.objects) {
            object.cluster = west();
        }
        self.desired.resources.values_mut().for_each(|resource| resource.cluster = west());
    }
}

#[test]
fn equal_names_in_two_clusters_are_two_objects() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.want("b", config_map("m", "2")).cluster = west();
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m", "thing.b Create", "  create ConfigMap a/m in cluster west"]);
}

#[test]
fn what_is_applied_in_another_cluster_is_kept_there() {
    let mut world = World::applied(deployment(1, "i")).with_west();
    world.move_to_west();
    world.check(&["thing.a NoOp", "  keep Deployment a/d in cluster west"]);
    assert!(world.plan().expect("a plan").is_empty());
}

#[test]
fn another_cluster_is_a_replacement() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.want("a", config_map("m", "1")).cluster = west();
    let expected = ["thing.a Replace (loses it)", "  create ConfigMap a/m in cluster west", "  delete ConfigMap a/m"];
    world.check(&expected);
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.resources[&address("a")].leaves(), Some(&ClusterName::default()));
    world.want("a", config_map("m", "1")).lifecycle.prevent_destroy = true;
    world.desired.resources.get_mut(&address("a")).expect("wanted").cluster = west();
    world.check(&["error: `thing.a` has `prevent_destroy` and would be replaced"]);
}

#[test]
fn a_move_that_was_cut_short_only_deletes_what_is_left() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    let left = world.state.resources[&address("a")].objects[0].clone();
    let live = world.observed.live.clone();
    world.move_to_west();
    world.observed.live = live;
    world.state.resources.get_mut(&address("a")).expect("recorded").objects.insert(0, left);
    world.check(&["thing.a Replace (loses it)", "  keep ConfigMap a/m in cluster west", "  delete ConfigMap a/m"]);
}

#[test]
fn a_claim_does_not_move_without_a_second_word() {
    let mut world = World::applied(claim("1Gi")).with_west();
    world.want("a", claim("1Gi")).cluster = west();
    world.check(&["error: replacing PersistentVolumeClaim a/p deletes what it holds"]);
    world.options.allow_data_loss = true;
    world.check(&[
        "thing.a Replace (loses it)",
        "  create PersistentVolumeClaim a/p in cluster west",
        "  delete PersistentVolumeClaim a/p",
    ]);
}

#[test]
fn what_is_removed_is_deleted_where_it_lives() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.move_to_west();
    world.forget("a");
    world.check(&["thing.a Delete", "  delete ConfigMap a/m in cluster west"]);
    world.options.mode = Mode::Destroy;
    world.check(&["thing.a Delete", "  delete ConfigMap a/m in cluster west"]);
}

#[test]
fn drift_is_told_of_its_cluster() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.move_to_west();
    world.others.get_mut(&west()).expect("there is a west").live.clear();
    world.check(&[
        "thing.a Create",
        "  create ConfigMap a/m in cluster west",
        "drift ConfigMap a/m in cluster west deleted",
    ]);
    world.options.mode = Mode::RefreshOnly;
    world.check(&[
        "thing.a Forget",
        "  forget ConfigMap a/m in cluster west",
        "drift ConfigMap a/m in cluster west deleted",
    ]);
}

#[test]
fn a_namespace_that_is_made_elsewhere_does_not_count() {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    let mut world = World::empty().with_west();
    world.want("a", namespace).cluster = west();
    world.want("b", deployment(1, "i"));
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.graph.needs(&address("b")).count(), 0);
    let Change::Create { validation, .. } = &plan.resources[&address("b")].changes[0] else { panic!("a creation") };
    assert_eq!(*validation, Validation::Server, "only a server can say whether the namespace is there");
}

#[test]
fn a_namespace_and_its_objects_hold_together_in_each_cluster() {
    let namespace = || json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    let mut world = World::empty().with_west();
    world.want("a", namespace());
    world.want("b", config_map("m", "1"));
    world.want("c", namespace()).cluster = west();
    world.want("d", config_map("m", "1")).cluster = west();
    let plan = world.plan().expect("a plan");
    let needs = |name: &str| plan.graph.needs(&address(name)).cloned().collect::<Vec<_>>();
    assert_eq!((needs("b"), needs("d")), (vec![address("a")], vec![address("c")]));
}

#[test]
fn an_import_looks_in_the_cluster_of_its_resource() {
    let mut world = World::empty().with_west();
    world.put(config_map("m", "1"), "kubectl", "u9");
    world.want("a", config_map("m", "1")).cluster = west();
    world.desired.imports = vec![Import { to: address("a"), id: "a/m".to_owned(), span: None }];
    world.check(&["error: there is no ConfigMap a/m in cluster west to import into `thing.a`"]);
    let observed = world.others.get_mut(&west()).expect("there is a west");
    std::mem::swap(&mut observed.live, &mut world.observed.live);
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.resources[&address("a")].action, Action::Adopt);
    assert_eq!(plan.resources[&address("a")].changes[0].cluster(), &west());
}

#[test]
fn a_move_to_another_cluster_makes_anew_what_is_triggered_by_it() {
    let mut world = World::empty().with_west();
    world.want("a", config_map("m", "1"));
    let trigger = Trigger::Resources("thing.a".parse().expect("a selector"));
    world.want("b", config_map("n", "1")).triggers = vec![trigger];
    world.desired.graph.depend(address("b"), address("a"));
    world.apply();
    world.want("a", config_map("m", "1")).cluster = west();
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.resources[&address("b")].triggered_by.as_deref(), Some("thing.a"));
}

#[test]
fn another_cluster_behind_a_name_is_refused() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.move_to_west();
    world.others.get_mut(&west()).expect("there is a west").cluster.uid = "c3".to_owned();
    let expected =
        "error: cluster `west` is another cluster than the one in the state: sandbox (c3) instead of sandbox (c2)";
    world.check(&[expected]);
}

#[test]
fn two_names_of_one_cluster_are_refused() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.others.get_mut(&west()).expect("there is a west").cluster = world.observed.cluster.clone();
    world.check(&["error: the default cluster and cluster `west` are one and the same: sandbox"]);
}

#[test]
fn a_cluster_that_is_not_configured_any_more_is_missed() {
    let mut world = World::applied(config_map("m", "1")).with_west();
    world.move_to_west();
    world.desired = Desired::default();
    world.others.clear();
    world.check(&["error: cluster `west` holds objects of `thing.a`, and is not configured any more"]);
    let errors = world.plan().expect_err("it is missed");
    assert!(errors[0].hint.as_ref().is_some_and(|hint| hint.contains("state rm")));
}

#[test]
fn a_plan_of_one_cluster_is_not_that_of_the_other() {
    let mut world = World::empty().with_west();
    world.want("a", config_map("m", "1"));
    let here = fingerprint(&world.plan().expect("a plan"), "salt");
    world.want("a", config_map("m", "1")).cluster = west();
    assert_ne!(here, fingerprint(&world.plan().expect("a plan"), "salt"));
}

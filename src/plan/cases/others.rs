//! What others did: drift, owners, conflicts, and what is theirs.
use super::*;

#[test]
fn what_kubectl_scales_is_repaired() {
    let mut world = World::applied(deployment(1, "i"));
    world.edit("kubectl", Some("scale"), |json| json["spec"]["replicas"] = 5.into());
    world.check(&[
        "thing.a Update",
        "  update by force Deployment a/d",
        "    .spec.replicas 5 -> 1 of kubectl",
        "drift .spec.replicas by kubectl",
    ]);
}

#[test]
fn what_an_autoscaler_scales_is_left_alone() {
    let mut world = World::applied(deployment(1, "i"));
    world.edit("kube-controller-manager", Some("scale"), |json| json["spec"]["replicas"] = 5.into());
    world.check(&[
        "thing.a NoOp",
        "  keep Deployment a/d",
        "drift .spec.replicas by kube-controller-manager as expected",
    ]);
}

#[test]
fn what_an_edit_removes_is_put_back() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("kubectl-edit", None, |json| json["data"] = json!({"other": "x"}));
    world.check(&[
        "thing.a Update",
        "  update ConfigMap a/m",
        r#"    .data.k - -> "1""#,
        "drift .data.k by perhaps kubectl-edit",
    ]);
}

#[test]
fn what_others_add_is_no_drift() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("kubectl-label", None, |json| json["metadata"]["labels"]["x"] = "y".into());
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m"]);
}

#[test]
fn a_field_of_another_declarative_owner_is_a_conflict() {
    let mut world = World::applied(config_map("m", "1"));
    world.put(config_map("m", "2"), "argocd", "uid-m");
    world.check(&[
        "error: ConfigMap a/m has fields of another owner: `.data.k` belongs to argocd (Apply) at 2026-01-02T03:04:05Z",
    ]);
    world.options.on_conflict = ConflictPolicy::Force;
    world.check(&[
        "thing.a Update",
        "  update by force ConfigMap a/m",
        r#"    .data.k "2" -> "1" of argocd"#,
        "drift .data.k by argocd",
    ]);
    world.options.on_conflict = ConflictPolicy::Yield;
    world.check(&["thing.a NoOp", "  keep ConfigMap a/m", "drift .data.k by argocd"]);
}

#[test]
fn a_field_that_was_never_ours_is_a_conflict() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("kubectl-edit", None, |json| json["data"]["n"] = "theirs".into());
    let mut json = config_map("m", "1");
    json["data"]["n"] = "ours".into();
    world.want("a", json);
    world.check(&[
        "error: ConfigMap a/m has fields of another owner: `.data.n` belongs to kubectl-edit (Update) at 2026-01-02T03:04:05Z",
    ]);
}

#[test]
fn what_was_deleted_is_made_again() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    world.check(&["thing.a Create", "  create ConfigMap a/m", "drift ConfigMap a/m deleted"]);
}

#[test]
fn what_somebody_else_made_is_taken_over_only_when_asked() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    world.put(config_map("m", "2"), "helm", "u9");
    world.check(&["error: ConfigMap a/m exists already, made by helm"]);
    world.options.adopt = true;
    let plan = world.plan().expect("a plan");
    assert_eq!(plan.resources[&address("a")].action, Action::Adopt);
    assert!(short(&plan).contains(&r#"    .data.k "2" -> "1" of helm"#.to_owned()));
}

#[test]
fn what_was_made_again_by_another_hand_is_not_taken_over() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    world.put(config_map("m", "2"), "helm", "u9");
    world.check(&["error: ConfigMap a/m was deleted and made again by somebody else, made by helm"]);
}

#[test]
fn what_is_ours_by_its_annotations_is_recorded_again() {
    let mut world = World::applied(config_map("m", "1"));
    world.state.resources.clear();
    world.check(&["thing.a Wait", "  wait ConfigMap a/m"]);
}

#[test]
fn ignored_fields_are_left_alone() {
    let mut world = World::applied(deployment(1, "i"));
    let resource = world.want("a", deployment(3, "i"));
    resource.lifecycle.ignore_changes = vec![FieldPath::fields(&["spec", "replicas"])];
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    world.edit("kubectl", Some("scale"), |json| json["spec"]["replicas"] = 5.into());
    world.check(&["thing.a NoOp", "  keep Deployment a/d", "drift .spec.replicas by kubectl as expected"]);
}

/// A definition with an atomic list of groups, as `RayCluster` has it.
fn cluster_definition() -> Json {
    let group = json!({"type": "object", "properties": {"groupName": {"type": "string"}, "image": {"type": "string"},
                                                        "replicas": {"type": "integer", "default": 0}}});
    let spec = json!({"type": "object", "properties": {"groups": {"type": "array", "items": group}}});
    let version = json!({"name": "v1", "served": true, "storage": true,
                         "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "rays.x.io"},
           "spec": {"group": "x.io", "scope": "Namespaced", "names": {"kind": "Ray", "plural": "rays"}, "versions": [version]}})
}

#[test]
fn what_an_autoscaler_owns_inside_a_list_is_carried_over() {
    let mut world = World::empty();
    world.schemas.add_definition(&object(cluster_definition())).expect("a definition");
    let kind = Kind::new("x.io/v1", "Ray");
    let served = ServedKind { kind, versions: vec!["v1".into()], plural: "rays".to_owned(), namespaced: true };
    world.observed.kinds.insert(("x.io".into(), "Ray".into()), served);
    let ray = |image: &str| {
        let groups = json!([{"groupName": "g", "image": image, "replicas": 1}]);
        let mut desired = desired_object(json!({"apiVersion": "x.io/v1", "kind": "Ray",
            "metadata": {"namespace": "a", "name": "r"}, "spec": {"groups": groups}}));
        desired.carried.push(Carried {
            list: "/spec/groups".to_owned(),
            key: "groupName".to_owned(),
            field: "replicas".to_owned(),
        });
        desired
    };
    world.want_all("r", vec![ray("i")]);
    world.apply();
    world.edit("python-requests", None, |json| json["spec"]["groups"][0]["replicas"] = 5.into());
    // The definition lies in the configuration, so that its schema is known.
    world.want("z", cluster_definition());
    let plan = world.plan().expect("a plan");
    let lines = short(&plan);
    assert_eq!(lines[..2], ["thing.r NoOp", "  keep Ray a/r"]);
    assert!(lines.contains(&"drift .spec.groups by python-requests as expected".to_owned()), "{lines:?}");
    world.want_all("r", vec![ray("j")]);
    let plan = world.plan().expect("a plan");
    let Change::Update { desired, force: true, .. } = &plan.resources[&address("r")].changes[0] else {
        panic!("not updated by force: {:?}", short(&plan))
    };
    let wanted = json!([{"groupName": "g", "image": "j", "replicas": 5}]);
    assert_eq!(desired.object.pointer("/spec/groups"), Some(&wanted));
}

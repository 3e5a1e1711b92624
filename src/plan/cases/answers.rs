//! What the server says, and what it cannot be asked yet.
use super::*;

#[test]
fn a_missing_namespace_is_refused_when_planning() {
    let mut world = World::empty();
    world.want("a", config_map("m", "1"));
    let refused = Answer::Refused {
        code: 404,
        reason: "NotFound".to_owned(),
        message: "namespaces \"a\" not found".to_owned(),
        causes: Vec::new(),
    };
    let errors = world.draft().expect("a draft").decide(vec![refused]).expect_err("nobody makes it");
    assert_eq!(errors[0].message, "the server refuses ConfigMap a/m: namespaces \"a\" not found");
    assert!(errors[0].hint.as_deref().is_some_and(|hint| hint.contains("`namespace` resource")));
}

#[test]
fn what_the_server_makes_no_change_of_is_kept() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("a", config_map("m", "2"));
    let live = world.observed.live.values().next().expect("live").clone();
    let answer = Answer::Accepted { object: Box::new(live), warnings: vec!["deprecated".to_owned()] };
    let plan = world.draft().expect("a draft").decide(vec![answer]).expect("a plan");
    assert_eq!(short(&plan), ["thing.a NoOp", "  keep ConfigMap a/m", "warning: configmap a/m: deprecated"]);
}

#[test]
fn what_a_webhook_adds_is_shown_as_the_servers() {
    let mut world = World::applied(config_map("m", "1"));
    world.want("a", config_map("m", "2"));
    let draft = world.draft().expect("a draft");
    let Answer::Accepted { mut object, warnings } = world.answer(&draft.questions()[0]) else { panic!("refused") };
    object.edit(|json| json["data"]["hook"] = "x".into());
    let plan = draft.decide(vec![Answer::Accepted { object, warnings }]).expect("a plan");
    let fields = plan.resources[&address("a")].changes[0].fields();
    let by_server: Vec<String> = fields.iter().filter(|it| it.by_server).map(field).collect();
    assert_eq!(by_server, [r#"    .data.hook - -> "x""#]);
}

#[test]
fn what_the_server_refuses_is_an_error_without_secrets() {
    let mut world = World::empty();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a", "name": "s"}, "data": {"p": "aHVudGVyMjI="}});
    world.want("a", secret);
    let refused = Answer::Refused {
        code: 422,
        reason: "Invalid".to_owned(),
        message: "Secret is invalid: aHVudGVyMjI=".to_owned(),
        causes: vec![("data[p]".to_owned(), "Invalid value: aHVudGVyMjI=".to_owned())],
    };
    let errors = world.draft().expect("a draft").decide(vec![refused]).expect_err("refused");
    assert_eq!(
        errors[0].message,
        "the server refuses Secret a/s: `data[p]` (the server's words are hidden: it is a Secret)"
    );
}

#[test]
fn a_new_namespace_and_its_objects_come_in_one_plan() {
    let mut world = World::empty();
    world.want("m", config_map("m", "1"));
    world.want("z", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}));
    world.check(&["thing.m Create", "  create unseen ConfigMap a/m", "thing.z Create", "  create Namespace a"]);
    let graph = world.plan().expect("a plan").graph;
    assert_eq!(graph.needs(&address("m")).collect::<Vec<_>>(), [&address("z")]);
}

#[test]
fn a_new_definition_and_its_objects_come_in_one_plan() {
    let mut world = World::empty();
    let spec = json!({"group": "x.io", "scope": "Namespaced", "names": {"kind": "Toy", "plural": "toys"}, "versions": [
        {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}}}]});
    world.want(
        "z",
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                           "metadata": {"name": "toys.x.io"}, "spec": spec}),
    );
    let toy = |field: &str| json!({"apiVersion": "x.io/v1", "kind": "Toy", "metadata": {"namespace": "a", "name": "t"}, "spec": {field: 1}});
    world.want("t", toy("size"));
    let plan = world.plan().expect("a plan");
    assert_eq!(short(&plan)[..2], ["thing.t Create", "  create unseen Toy a/t"]);
    world.forget("z");
    world.check(&["error: the cluster does not know the kind `Toy` of `x.io/v1`"]);
}

#[test]
fn another_cluster_is_refused() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.cluster.uid = "c2".to_owned();
    world.check(&["error: this is another cluster than the one in the state: sandbox (c2) instead of sandbox (c1)"]);
}

#[test]
fn what_cannot_be_seen_is_not_taken_for_absent() {
    let mut world = World::applied(config_map("m", "1"));
    world.observed.live.clear();
    let scope = Scope { kind: Kind::new("v1", "ConfigMap"), namespace: Some("a".into()) };
    world.observed.blind.push(Blind { scope, reason: "forbidden".to_owned() });
    world.check(&["error: it is not known whether ConfigMap a/m exists: forbidden"]);
}

#[test]
fn what_is_being_deleted_is_not_planned_over() {
    let mut world = World::applied(config_map("m", "1"));
    world.edit("x", None, |json| {
        json["metadata"]["deletionTimestamp"] = NOW.into();
        json["metadata"]["finalizers"] = json!(["x/y"]);
    });
    world.check(&["error: ConfigMap a/m is being deleted; it waits for x/y"]);
}

#[test]
fn values_known_only_after_apply_are_not_asked_about() {
    let mut world = World::applied(deployment(1, "i"));
    let mut json = deployment(1, "i");
    json["spec"]["replicas"] = crate::model::UNKNOWN.into();
    world.want("a", json);
    assert_eq!(world.draft().expect("a draft").questions(), []);
    world.check(&["thing.a Update", "  update Deployment a/d", "    .spec.replicas 1 -> - unknown"]);
    world.observed.live.clear();
    world.state.resources.clear();
    world.check(&["thing.a Create", "  create unseen Deployment a/d"]);
}

#[test]
fn what_no_server_takes_is_found_without_one() {
    let refused = |json: Json| {
        let mut world = World::empty();
        world.want("a", json);
        world.draft().expect_err("refused").remove(0).message
    };
    let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "a", "name": "s"}});
    secret["data"] = json!({"k": "no base64!"});
    assert_eq!(refused(secret), "Secret a/s is not valid: .data.k is not base64");
    assert_eq!(refused(config_map("m/1", "1")), "ConfigMap a/m/1 is not valid: `m/1` cannot be a name");
}

#[test]
fn what_tells_items_apart_is_recorded_as_it_is() {
    let mut world = World::empty();
    let mut web = desired_object(deployment(1, "i"));
    let container = "/spec/template/spec/containers/0";
    web.sensitive.extend(["/metadata/name".to_owned(), format!("{container}/name"), format!("{container}/image")]);
    world.want_all("a", vec![web]);
    let plan = world.plan().expect("a plan");
    let desired = plan.resources[&address("a")].changes[0].desired().expect("desired");
    assert_eq!(desired.sensitive.iter().collect::<Vec<_>>(), [&format!("{container}/image")]);
}

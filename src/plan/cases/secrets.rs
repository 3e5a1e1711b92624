//! Secret and generated values.
use super::*;

#[test]
fn generated_values_are_carried_over() {
    let mut world = World::empty();
    world.want_all("a", vec![secret("me")]);
    let created = world.plan().expect("a plan");
    let Change::Create { desired, .. } = &created.resources[&address("a")].changes[0] else { panic!("not created") };
    assert_eq!((desired.generated.len(), desired.object.pointer("/data/password")), (1, None));
    world.apply();
    world.check(&["thing.a NoOp", "  keep Secret a/s"]);
    world.want_all("a", vec![secret("you")]);
    world.check(&["thing.a Update", "  update Secret a/s", "    .data.user null -> null sensitive"]);
    let changed = world.plan().expect("a plan");
    let desired = changed.resources[&address("a")].changes[0].desired().expect("desired").object.clone();
    assert_eq!(desired.text("/data/password"), Some("Z2VuZXJhdGVk"));
}

#[test]
fn a_generated_value_that_is_lost_is_made_again() {
    let mut world = World::empty();
    world.want_all("a", vec![secret("me")]);
    world.apply();
    world.edit("kubectl-edit", None, |json| {
        json["data"].as_object_mut().expect("a map").remove("password");
    });
    world.check(&[
        "thing.a Update",
        "  update Secret a/s",
        "    .data.password - -> - sensitive unknown",
        "drift .data.password by perhaps ",
    ]);
}

#[test]
fn a_secret_text_is_hidden_when_it_changes_and_when_it_goes() {
    let with_env = |value: &str| {
        let mut json = deployment(1, "i");
        json["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "TOKEN", "value": value}]);
        let mut desired = desired_object(json);
        desired.sensitive.insert("/spec/template/spec/containers/0/env/0/value".to_owned());
        desired
    };
    let mut world = World::empty();
    world.want_all("a", vec![with_env("hunter22")]);
    world.apply();
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    world.observed = assume(&ClusterName::default(), None, &world.state);
    world.check(&["thing.a NoOp", "  keep Deployment a/d"]);
    world.observed = World::empty().observed;
    world.apply();
    world.want_all("a", vec![with_env("hunter23")]);
    let text = |world: &World| short(&world.plan().expect("a plan")).join("\n");
    assert!(
        text(&world).contains("env[name=\"TOKEN\"].value null -> null sensitive") && !text(&world).contains("hunter")
    );
    world.want("a", deployment(1, "i"));
    assert!(text(&world).contains("env") && !text(&world).contains("hunter"), "{}", text(&world));
}

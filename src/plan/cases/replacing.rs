//! What cannot change in place.
use super::*;

#[test]
fn an_immutable_field_forces_replacement_when_the_server_confirms() {
    let mut world = World::applied(deployment(1, "i"));
    let mut json = deployment(1, "i");
    json["spec"]["selector"]["matchLabels"]["app"] = "e".into();
    json["spec"]["template"]["metadata"]["labels"]["app"] = "e".into();
    world.want("a", json);
    let refused = |message: &str| Answer::Refused {
        code: 422,
        reason: "Invalid".to_owned(),
        message: message.to_owned(),
        causes: vec![("spec.selector".to_owned(), message.to_owned())],
    };
    let draft = || world.draft().expect("a draft");
    let plan = draft().decide(vec![refused("Invalid value: field is immutable")]).expect("a plan");
    assert_eq!(plan.resources[&address("a")].action, Action::Replace);
    assert_eq!(plan.resources[&address("a")].impact.as_deref(), Some("restarts it"));
    let errors = draft().decide(vec![refused("does not match the labels")]).expect_err("a plain validation error");
    assert_eq!(errors[0].message, "the server refuses Deployment a/d: `spec.selector`: does not match the labels");
}

#[test]
fn what_holds_data_is_replaced_only_when_allowed() {
    let mut world = World::applied(claim("2Gi"));
    world.want("a", claim("1Gi"));
    let confirm = || Answer::Refused {
        code: 422,
        reason: "Invalid".to_owned(),
        message: "spec.resources.requests.storage: Forbidden: field can not be less than previous value".to_owned(),
        causes: Vec::new(),
    };
    let decide = |world: &World| world.draft().expect("a draft").decide(vec![confirm()]);
    let errors = decide(&world).expect_err("data would be lost");
    assert_eq!(errors[0].message, "replacing PersistentVolumeClaim a/p deletes what it holds");
    world.options.allow_data_loss = true;
    assert_eq!(decide(&world).expect("a plan").resources[&address("a")].action, Action::Replace);
}

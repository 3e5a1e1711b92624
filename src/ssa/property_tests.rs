//! Holds proof, merge and canonical form against each other on made-up objects.
use proptest::prelude::*;
use serde_json::{Map, json};

use super::{Proof, Schema, Schemas, apply, canonical, prove, update};
use crate::model::{Json, Kind, Object};

const TIMES: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];

/// What somebody does to an object.
#[derive(Clone, Debug)]
enum Step {
    Apply { manager: &'static str, spec: Json },
    Update { manager: &'static str, spec: Json },
}

fn schema() -> Schema {
    Schemas::built_in().of(&Kind::new("v1", "Pod")).unwrap().clone()
}

fn pod(spec: &Json) -> Object {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"l": "1"}}, "spec": spec});
    canonical(Object::new(pod).unwrap(), Some(&schema()))
}

fn map(values: impl Strategy<Value = Json> + Clone + 'static) -> impl Strategy<Value = Json> + Clone {
    prop::collection::btree_map("[a-c]", values, 0..3).prop_map(|entries| json!(entries))
}

/// Returns a list of items with different names, in any order.
fn named(item: impl Strategy<Value = Json> + 'static) -> impl Strategy<Value = Json> {
    prop::collection::btree_map("[a-d]", item, 0..4).prop_shuffled()
}

/// Shuffles the items of a list-map.
trait Shuffled: Strategy<Value = std::collections::BTreeMap<String, Json>> + Sized + 'static {
    fn prop_shuffled(self) -> BoxedStrategy<Json> {
        let with_name = |(name, mut item): (String, Json)| {
            item["name"] = name.into();
            item
        };
        self.prop_flat_map(move |items| {
            Just(items.into_iter().map(with_name).collect::<Vec<Json>>()).prop_shuffle().prop_map(Json::Array)
        })
        .boxed()
    }
}

impl<S: Strategy<Value = std::collections::BTreeMap<String, Json>> + 'static> Shuffled for S {}

fn spec() -> impl Strategy<Value = Json> {
    let text = "[xy]".prop_map(Json::from);
    let amount = prop_oneof![Just("0.5"), Just("500m"), Just("1024Mi"), Just("1Gi"), Just("2")].prop_map(Json::from);
    let port =
        (80_i64..83, prop_oneof![Just(None), Just(Some("TCP")), Just(Some("UDP"))]).prop_map(|(number, protocol)| {
            let mut port = json!({"containerPort": number});
            if let Some(protocol) = protocol {
                port["protocol"] = protocol.into();
            }
            port
        });
    let ports = prop::collection::vec(port, 0..3).prop_map(|mut ports| {
        let key = |port: &Json| (port["containerPort"].clone(), port["protocol"] == "UDP");
        let mut seen = Vec::new();
        ports.retain(|port| {
            !seen.contains(&key(port)) && {
                seen.push(key(port));
                true
            }
        });
        Json::Array(ports)
    });
    let env = named(text.clone().prop_map(|value| json!({"value": value})));
    let container = (text.clone(), env, ports, map(amount), any::<bool>()).prop_map(|(image, env, ports, limits, tty)| {
        json!({"image": image, "env": env, "ports": ports, "resources": {"limits": limits}, "tty": tty})
    });
    let source = prop_oneof![
        Just(json!({"emptyDir": {}})),
        Just(json!({"configMap": {"name": "c", "items": [{"key": "a", "path": "b"}]}})),
        Just(
            json!({"projected": {"sources": [{"downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "x"}}]}}]}})
        ),
    ];
    let tolerations = prop::collection::vec(text.clone().prop_map(|key| json!({"key": key})), 0..2);
    (named(container), named(source), map(text), tolerations).prop_map(
        |(containers, volumes, selector, tolerations)| {
            let mut spec = Map::new();
            spec.insert("containers".to_owned(), containers);
            spec.insert("volumes".to_owned(), volumes);
            spec.insert("nodeSelector".to_owned(), selector);
            spec.insert("tolerations".to_owned(), tolerations.into());
            Json::Object(spec)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    (prop_oneof![Just("rayform"), Just("other")], any::<bool>(), spec()).prop_map(|(manager, applies, spec)| {
        if applies { Step::Apply { manager, spec } } else { Step::Update { manager, spec } }
    })
}

/// Returns what is live after all steps; what conflicts is forced.
fn live_after(steps: &[Step]) -> Option<Object> {
    let schema = schema();
    let mut live = None;
    for (step, now) in steps.iter().zip(TIMES) {
        live = Some(match step {
            Step::Apply { manager, spec } => {
                apply(live.as_ref(), &pod(spec), &schema, manager, true, now).unwrap().object
            }
            Step::Update { manager, spec } => update(live.as_ref(), &pod(spec), &schema, manager, None, now),
        });
    }
    live
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_second_apply_changes_nothing(steps in prop::collection::vec(step(), 0..3), spec in spec()) {
        let schema = schema();
        let once = apply(live_after(&steps).as_ref(), &pod(&spec), &schema, "rayform", true, TIMES[2]).unwrap().object;
        let twice = apply(Some(&once), &pod(&spec), &schema, "rayform", false, "2027-01-01T00:00:00Z").unwrap();
        prop_assert!(!twice.changed);
        prop_assert_eq!(&twice.object, &once);
        prop_assert_eq!(prove(&pod(&spec), &once, &schema, "rayform"), Proof::Unchanged);
    }

    #[test]
    fn the_proof_agrees_with_the_apply(steps in prop::collection::vec(step(), 1..4), spec in spec(), again in any::<bool>()) {
        let schema = schema();
        let live = live_after(&steps).unwrap();
        // Now and then what is desired is what was written last.
        let desired = match steps.last() {
            Some(Step::Apply { spec, .. } | Step::Update { spec, .. }) if again => pod(spec),
            _ => pod(&spec),
        };
        let is_unchanged = prove(&desired, &live, &schema, "rayform") == Proof::Unchanged;
        let changed = apply(Some(&live), &desired, &schema, "rayform", true, TIMES[2]).unwrap().changed;
        prop_assert_eq!(is_unchanged, !changed);
    }

    #[test]
    fn canonical_form_is_canonical(spec in spec()) {
        let once = pod(&spec);
        prop_assert_eq!(&canonical(once.clone(), Some(&schema())), &once);
        prop_assert_eq!(&canonical(once.clone(), None), &once);
    }

    #[test]
    fn an_apply_without_conflict_takes_nothing(steps in prop::collection::vec(step(), 1..4), spec in spec()) {
        let schema = schema();
        let live = live_after(&steps).unwrap();
        if let Ok(free) = apply(Some(&live), &pod(&spec), &schema, "rayform", false, TIMES[2]) {
            let forced = apply(Some(&live), &pod(&spec), &schema, "rayform", true, TIMES[2]).unwrap();
            prop_assert_eq!(free, forced);
        }
    }
}

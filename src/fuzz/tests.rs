use super::generate::Generator;
use super::random::Random;
use super::{TARGETS, in_folder, inputs, run};
use crate::model::{Diagnostic, Secrets};
use crate::{config, eval, resource};

fn generator(seed: u64) -> Generator {
    Generator { random: Random::new(seed) }
}

/// Tries made-up inputs and damaged ones; what fails is named by its seed.
fn try_all(target: &str, seeds: &[&str], count: u64) {
    assert!(TARGETS.contains(&target));
    for seed in 0..count {
        let mut generator = generator(seed);
        let text = match seed % 3 {
            0 => generator.blocks().concat(),
            1 => generator.body(2),
            _ => generator.random.choose(seeds).to_owned(),
        };
        let input = if seed % 2 == 0 { generator.damage(&text) } else { text.into_bytes() };
        let tried = std::panic::catch_unwind(|| run(target, &input));
        assert!(tried.is_ok(), "{target} with seed {seed}: {:?}", String::from_utf8_lossy(&input));
    }
}

fn examples() -> Vec<&'static str> {
    resource::all().iter().map(|resource_type| resource_type.example()).collect()
}

const JSON: [&str; 3] = [
    r#"{"resource": {"config_map": {"a": {"data": {"x": "${var.x} %{ if true }y%{ endif }"}, "//": 1}}}}"#,
    r#"{"variable": {"x": {"type": "map(string)", "default": {"a": "\u00e9\ud83d\ude00"}}}, "locals": [{"b": 1e3}]}"#,
    r#"{"rayform_state": 1, "rayform_version": "0.1.0", "serial": 3, "lineage": "l", "salt": "s", "resources":
        {"config_map.a": {"status": "ready", "exports": {"name": "a"}, "objects": [{"api_version": "v1",
        "kind": "ConfigMap", "name": "a", "uid": "u", "applied": {"data": {}}}]}}, "outputs": {"o": {"value": [1]}}}"#,
];

#[test]
fn any_text_can_be_parsed_or_refused() {
    try_all("parse", &[examples().as_slice(), &JSON].concat(), 240);
}

#[test]
fn any_configuration_can_be_evaluated_or_refused() {
    try_all("evaluate", &examples(), 120);
}

#[test]
fn formatting_twice_is_formatting_once_and_keeps_the_meaning() {
    try_all("fmt", &examples(), 900);
}

#[test]
fn any_plan_file_is_read_or_refused() {
    try_all("plan", &JSON, 240);
}

#[test]
fn any_state_file_is_read_or_refused() {
    try_all("state", &JSON, 240);
}

/// Returns the outputs or the mistakes of a configuration, without their places; nothing where it does not parse.
fn meaning(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    in_folder("main.rf.hcl", text.as_bytes(), |folder| {
        let tell = |diagnostics: Vec<Diagnostic>| diagnostics.into_iter().map(|it| it.message).collect::<Vec<_>>();
        let Ok(config) = config::load(folder).config else { return };
        found = match eval::evaluate(&config, &inputs(), &mut Secrets::default()) {
            Ok(evaluation) => vec![format!("{:?}", evaluation.desired.outputs)],
            Err(diagnostics) => tell(diagnostics),
        };
        found.sort();
    });
    found
}

#[test]
fn the_order_of_blocks_does_not_matter_and_every_run_says_the_same() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut blocks = generator(seed).blocks();
        let once = meaning(&blocks.concat());
        assert_eq!(once, meaning(&blocks.concat()), "seed {seed}");
        blocks.reverse();
        assert_eq!(once, meaning(&blocks.concat()), "seed {seed} in another order");
        compared += u32::from(!once.is_empty());
    }
    assert!(compared >= 20, "only {compared} configurations parse");
}

//! What rayform costs, against the bare requests that nobody could do without, `kubectl`, and `terraform`.
//!
//! Every figure is a ratio taken in one run on one machine, on a real API server without controllers.
//! `cargo bench` runs all of them; `cargo bench -- plan apply` those whose name holds one of the words.
#[path = "../../tests/stories/api.rs"]
mod api;
#[path = "../../tests/stories/fakelet.rs"]
mod fakelet;
#[path = "../../tests/stories/real.rs"]
#[expect(dead_code, reason = "the stories use all of it")]
mod real;

mod engine;
mod floor;
mod measure;
mod server;
mod terraform;

use std::process::ExitCode;

use measure::Report;

/// A group of figures that share a preparation: its name, and what measures it.
type Group = (&'static str, fn(&mut Report));

const GROUPS: [Group; 8] = [
    ("version", engine::version),
    ("engine", engine::without_refresh),
    ("plan", server::plan),
    ("requests", server::requests),
    ("apply", server::apply),
    ("growth", server::growth),
    ("journal", server::journal),
    ("terraform", terraform::beside),
];

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((floor::NAME, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return floor::run(rest);
    }
    let is_chosen = |name: &str| arguments.is_empty() || arguments.iter().any(|word| name.contains(word.as_str()));
    let mut report = Report::default();
    for (name, measure) in GROUPS.into_iter().filter(|(name, _)| is_chosen(name)) {
        println!("== {name}");
        measure(&mut report);
    }
    report.conclude()
}

//! Runs processes and tells what they cost; compares figures with their targets.
use std::fs;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What one process cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The largest resident set, in bytes.
    pub(crate) memory: u64,
    /// Bytes handed to write calls, to files and sockets.
    pub(crate) written: u64,
}

/// How often a clock tick comes, as `/proc` counts them (`man 5 proc`, `sysconf(_SC_CLK_TCK)`).
const TICKS_PER_SECOND: u64 = 100;

/// Runs a process to its end; it must succeed with one of these exit codes.
#[track_caller]
pub(crate) fn run(mut command: Command, codes: &[i32]) -> Cost {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().expect("it runs");
    let mut cost = Cost::default();
    while !has_ended(&child, &mut cost) {
        std::thread::sleep(Duration::from_millis(1));
    }
    cost.wall = start.elapsed();
    let status = child.wait().expect("it has ended");
    let is_good = status.code().is_some_and(|code| codes.contains(&code));
    assert!(is_good, "{command:?} ended with {status}: {}", errors(&mut child));
    cost
}

/// Looks at a process; what it cost is still there when it has ended and nobody has asked how.
fn has_ended(child: &Child, cost: &mut Cost) -> bool {
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap_or_default();
    cost.memory = cost.memory.max(entry(&read("status"), "VmHWM:").unwrap_or_default() * 1024);
    cost.written = cost.written.max(entry(&read("io"), "wchar:").unwrap_or_default());
    let text = read("stat");
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    // State is the third field of the file, user and system time the fourteenth and fifteenth.
    cost.cpu = Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS_PER_SECOND);
    fields.first().is_none_or(|state| *state == "Z")
}

fn entry(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn errors(child: &mut Child) -> String {
    child.stderr.take().map(std::io::read_to_string).and_then(Result::ok).unwrap_or_default()
}

/// Runs two things in turn, and returns the medians of each by wall time.
pub(crate) fn in_turn(
    rounds: usize,
    mut first: impl FnMut() -> Cost,
    mut second: impl FnMut() -> Cost,
) -> (Cost, Cost) {
    let (firsts, seconds): (Vec<Cost>, Vec<Cost>) = (0..rounds).map(|_| (first(), second())).unzip();
    (median(firsts), median(seconds))
}

pub(crate) fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.wall);
    costs[costs.len() / 2]
}

/// All figures, and how many missed their targets.
#[derive(Debug, Default)]
pub(crate) struct Report {
    met: usize,
    missed: usize,
}

impl Report {
    /// Takes note of a figure that should be at most `target`.
    pub(crate) fn at_most(&mut self, what: &str, figure: f64, unit: &str, target: f64) {
        self.note(what, figure, unit, target, figure <= target, "at most");
    }

    /// Takes note of a figure that should be at least `target`.
    pub(crate) fn at_least(&mut self, what: &str, figure: f64, unit: &str, target: f64) {
        self.note(what, figure, unit, target, figure >= target, "at least");
    }

    #[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
    fn note(&mut self, what: &str, figure: f64, unit: &str, target: f64, is_met: bool, bound: &str) {
        let verdict = if is_met { "met   " } else { "MISSED" };
        println!("{verdict} {what}: {figure:.2}{unit} ({bound} {target}{unit})");
        *(if is_met { &mut self.met } else { &mut self.missed }) += 1;
    }

    /// Prints the sum; missed targets are told, not failed, for machines differ.
    #[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
    pub(crate) fn conclude(&self) -> ExitCode {
        println!("targets: {} met, {} missed", self.met, self.missed);
        ExitCode::SUCCESS
    }
}

/// Tells something that has no target.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
pub(crate) fn tell(text: &str) {
    println!("       {text}");
}

pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

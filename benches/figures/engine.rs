//! The engine alone: no cluster is asked.
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::measure::{Cost, Report, median, megabytes, run, seconds, tell};

const ROUNDS: usize = 5;
const EXPRESSIONS: usize = 20;

/// Returns rayform in a folder.
pub(crate) fn rayform(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
    command.current_dir(folder).args(arguments).env_clear().env("HOME", folder);
    command
}

pub(crate) fn version(report: &mut Report) {
    let folder = tempfile::tempdir().expect("a folder");
    let costs = (0..21).map(|_| run(rayform(folder.path(), &["version"]), &[0])).collect();
    report.at_most("`rayform version`", seconds(median(costs).wall) * 1000.0, " ms", 10.0);
}

/// Plans that do not look at the cluster: 10,000 resources in one module, by `for_each`, by `count`, in 100 modules.
pub(crate) fn without_refresh(report: &mut Report) {
    let plain = plan_of(&|count| blocks(count, 1), 10_000);
    report.at_most("plan --refresh=false of 10,000 resources: CPU", seconds(plain.cpu), " s", 1.5);
    report.at_most("the same: peak memory", megabytes(plain.memory), " MB", 250.0);
    let smaller = plan_of(&|count| blocks(count, 1), 1_000);
    let middle = plan_of(&|count| blocks(count, 1), 3_000);
    tell(&format!(
        "growth: 1,000 {:.2} s, 3,000 {:.2} s, 10,000 {:.2} s of CPU",
        seconds(smaller.cpu),
        seconds(middle.cpu),
        seconds(plain.cpu)
    ));
    report.at_most("the same: 10,000 against 3,000", seconds(plain.cpu) / seconds(middle.cpu), " x", 10.0 / 3.0 * 1.2);
    let rich = plan_of(&simple_blocks, 10_000);
    report.at_most("10,000 resources with 20 expressions each: CPU", seconds(rich.cpu), " s", 2.0);
    report.at_most("the same: peak memory", megabytes(rich.memory), " MB", 250.0);
    let richer = plan_of(&|count| blocks(count, EXPRESSIONS), 10_000);
    report.at_most("10,000 with 20 templates of a call and a sum each: CPU", seconds(richer.cpu), " s", 2.0);
    report.at_most("the same: peak memory", megabytes(richer.memory), " MB", 250.0);
    let modules = plan_of_modules(100, 100);
    report.at_most("the same as 100 modules of 100: CPU", seconds(modules.cpu), " s", 2.0);
    report.at_most("the same: peak memory", megabytes(modules.memory), " MB", 250.0);
    let (counted, each) = (plan_of(&by_count, 10_000), plan_of(&by_for_each, 10_000));
    report.at_most(
        "`for_each` of 10,000 against `count` of 10,000",
        seconds(each.cpu) / seconds(counted.cpu),
        " x",
        1.2,
    );
    formatted(report);
}

fn formatted(report: &mut Report) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &blocks(10_000, EXPRESSIONS));
    let costs = (0..ROUNDS).map(|_| run(rayform(folder.path(), &["fmt", "--check"]), &[0, 3])).collect();
    report.at_most("`fmt` of 10,000 resources", seconds(median(costs).wall), " s", 1.0);
}

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("main.rf.hcl"), text).expect("written");
}

fn plan(folder: &Path) -> Cost {
    let sandbox = "--sandbox";
    median((0..ROUNDS).map(|_| run(rayform(folder, &["plan", "--refresh=false", sandbox]), &[0])).collect())
}

fn plan_of(text: &dyn Fn(usize) -> String, count: usize) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &text(count));
    plan(folder.path())
}

fn plan_of_modules(modules: usize, resources: usize) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("team");
    std::fs::create_dir(&inner).expect("a folder");
    write(
        &inner,
        &("variable \"team\" {\n  type = string\n}\n\n".to_owned()
            + &blocks_with(resources, EXPRESSIONS, "${var.team}-")),
    );
    write(
        folder.path(),
        &format!(
            "module \"team\" {{\n  count  = {modules}\n  source = \"./team\"\n  team   = \"t${{count.index}}\"\n}}\n"
        ),
    );
    plan(folder.path())
}

/// Returns small resources, each with some expressions.
pub(crate) fn blocks(count: usize, expressions: usize) -> String {
    blocks_with(count, expressions, "")
}

fn blocks_with(count: usize, expressions: usize, prefix: &str) -> String {
    let mut text = "locals {\n  teams = { a = \"alpha\", b = \"beta\" }\n}\n\n".to_owned();
    for index in 0..count {
        write!(text, "resource \"config_map\" \"c{index}\" {{\n  namespace = \"bench-{}\"\n  name      = \"{prefix}c{index}\"\n  data = {{\n", index % 10)
            .expect("a text grows");
        for number in 0..expressions {
            writeln!(text, "    k{number} = \"${{upper(local.teams.a)}}-${{{index} + {number}}}\"")
                .expect("a text grows");
        }
        text.push_str("  }\n}\n\n");
    }
    text
}

/// Returns resources with a reference, a template, a call or an operation in each of 20 lines.
pub(crate) fn simple_blocks(count: usize) -> String {
    let mut text = "locals {\n  teams = { a = \"alpha\", b = \"beta\" }\n}\n\n".to_owned();
    for index in 0..count {
        let team = index % 10;
        write!(text, "resource \"config_map\" \"c{index}\" {{\n  namespace = \"bench-{team}\"\n  name      = \"c{index}\"\n  data = {{\n")
            .expect("a text grows");
        for number in 0..EXPRESSIONS {
            let expression = match number % 4 {
                0 => "local.teams.a".to_owned(),
                1 => format!("\"${{local.teams.b}}-{index}\""),
                2 => format!("upper(\"team-{team}\")"),
                _ => format!("{index} + {number}"),
            };
            writeln!(text, "    k{number} = {expression}").expect("a text grows");
        }
        text.push_str("  }\n}\n\n");
    }
    text
}

pub(crate) fn by_count(count: usize) -> String {
    format!(
        "resource \"config_map\" \"c\" {{\n  count     = {count}\n  namespace = \"bench\"\n  name      = \"c${{count.index}}\"\n  data      = {{ k = \"v${{count.index}}\" }}\n}}\n"
    )
}

/// `range` ends at 1,024, so that the keys are made of pairs.
pub(crate) fn by_for_each(count: usize) -> String {
    let numbers = format!("setproduct(range({}), range(100))", count / 100);
    format!(
        "resource \"config_map\" \"c\" {{\n  for_each  = {{ for pair in {numbers} : \"c${{pair[0]}}-${{pair[1]}}\" => pair[1] }}\n  namespace = \"bench\"\n  name      = each.key\n  data      = {{ k = \"v${{each.value}}\" }}\n}}\n"
    )
}

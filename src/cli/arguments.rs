//! What can be typed: the commands and the flags that several of them share.
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::connecting::Opened;
use crate::config::{Assignment, Sources};
use crate::model::{Address, Target};
use crate::plan::ConflictPolicy;

/// Provisions Ray on Kubernetes from HCL files.
#[derive(Debug, Parser)]
#[command(name = "rayform", version, disable_help_subcommand = true, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Every command, in the order of the help.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(super::init::Init),
    Validate(super::validate::Validate),
    Fmt(super::fmt::Fmt),
    Plan(super::plan::Plan),
    Apply(super::apply::Apply),
    Destroy(super::destroy::Destroy),
    Drift(super::drift::Drift),
    Import(super::import::Import),
    Show(super::show::Show),
    Output(super::output::Output),
    Console(super::console::Console),
    State(super::state::State),
    Workspace(super::workspace::Workspace),
    Test(super::test::Test),
    Graph(super::graph::Graph),
    Render(super::render::Render),
    Schema(super::schema::Schema),
    Sandbox(super::sandbox::Sandbox),
    ForceUnlock(super::force_unlock::ForceUnlock),
    Completions(super::completions::Completions),
    Version(super::version::Version),
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// Work in this folder instead of the present one.
    #[arg(long, global = true, value_name = "DIR", default_value = ".", hide_default_value = true)]
    pub chdir: PathBuf,
    /// Print one JSON object per line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print without colours; `NO_COLOR` does the same.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Show warnings as one line each.
    #[arg(long, global = true)]
    pub compact_warnings: bool,
    /// Use an API server inside of this process, whose objects live in DIR [default: .rayform/sandbox]; those of a
    /// named cluster in DIR/clusters/NAME.
    #[arg(long, global = true, value_name = "DIR", num_args = 0..=1, require_equals = true,
          default_missing_value = ".rayform/sandbox")]
    pub sandbox: Option<PathBuf>,
    /// The kubeconfig file of the default cluster, or `in-cluster` for the service account of the pod that rayform runs in; the
    /// configuration's `cluster` block and `KUBECONFIG` come after it.
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Work in this workspace instead of the selected one.
    #[arg(long, global = true, value_name = "NAME", env = "RAYFORM_WORKSPACE",
          value_parser = super::workspace::parse_name)]
    pub workspace: Option<String>,
    /// The sandboxes of this process.
    #[arg(skip)]
    pub opened: Opened,
}

/// Values for variables.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Variables {
    /// Sets a variable; may be repeated, later ones win.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub values: Vec<String>,
    /// Reads variables from a file; may be repeated.
    #[arg(long = "var-file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where each `--var` (false) and `--var-file` (true) stood among the others.
    #[arg(skip)]
    pub order: Vec<bool>,
    /// What a test gives.
    #[arg(skip)]
    pub given: Given,
}

/// Values that come from a file of tests, stronger than all others.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// The texts that the values may be pointed at in.
    pub sources: Sources,
    pub assignments: Vec<Assignment>,
}

/// Which part of the configuration, and how it is compared.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(super) struct Planning {
    #[command(flatten)]
    pub variables: Variables,
    /// Only this resource, or all that is in this module, and what it needs; may be repeated.
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<Target>,
    /// Everything but this resource or module and what needs it; may be repeated.
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub excludes: Vec<Target>,
    /// Replace this resource even if nothing changed; may be repeated.
    #[arg(long = "replace", value_name = "ADDRESS")]
    pub replace: Vec<Target>,
    /// Compare with the cluster; `--refresh=false` trusts the state.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub refresh: bool,
    /// Bring only the state up to what is live.
    #[arg(long, conflicts_with_all = ["destroy", "replace"])]
    pub refresh_only: bool,
    /// Plan to destroy everything.
    #[arg(long)]
    pub destroy: bool,
    /// What to do with a field that another manager owns with another value.
    #[arg(long, value_name = "HOW", default_value = "fail")]
    pub on_conflict: OnConflict,
    /// Take over objects that exist already.
    #[arg(long)]
    pub adopt: bool,
    /// Which resource takes over what, of the command `import`.
    #[arg(skip)]
    pub imports: Vec<(Address, String)>,
    /// Lineage and salt of a first run's state, of a saved plan that was made when there was none.
    #[arg(skip)]
    pub first: Option<(String, String)>,
    /// Allow a claim, volume, namespace or CRD to be replaced, which loses its data.
    #[arg(long)]
    pub allow_data_loss: bool,
    #[command(flatten)]
    pub locking: Locking,
}

/// How the state is locked.
#[derive(Clone, Debug, Args)]
pub(super) struct Locking {
    /// Hold the state's lock while working; `--lock=false` is for emergencies.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true,
          default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub lock: bool,
    /// How long to wait for a lock that another run holds, such as `90s` or `5m`.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub lock_timeout: Duration,
}

/// How the plan is carried out.
#[derive(Clone, Debug, Args)]
pub(super) struct Applying {
    /// Do not ask.
    #[arg(long)]
    pub auto_approve: bool,
    /// How many requests at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// How long to wait for each object to become ready or to be gone, such as `10m`.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub timeout: Duration,
}

/// The values of `--on-conflict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnConflict {
    /// Stop, and name the owner.
    Fail,
    /// Take the field.
    Force,
    /// Leave the field to its owner.
    Yield,
}

impl From<OnConflict> for ConflictPolicy {
    fn from(on_conflict: OnConflict) -> Self {
        match on_conflict {
            OnConflict::Fail => Self::Fail,
            OnConflict::Force => Self::Force,
            OnConflict::Yield => Self::Yield,
        }
    }
}

/// Reads the arguments; a single dash before a long flag is as good as two.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let arguments = with_environment(arguments);
    let long_flags = long_flags(&Arguments::command());
    let widened = arguments.into_iter().map(|argument| widen(argument, &long_flags));
    let matches = Arguments::command().try_get_matches_from(widened)?;
    let mut parsed = <Arguments as clap::FromArgMatches>::from_arg_matches(&matches)?;
    if let Some((_, of_command)) = matches.subcommand() {
        order_variables(&mut parsed.command, of_command);
    }
    Ok(parsed)
}

/// Returns the arguments with those of `RAYFORM_CLI_ARGS` behind the command's name.
fn with_environment(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let more = std::env::var("RAYFORM_CLI_ARGS").unwrap_or_default();
    let is_command = |argument: &OsString| !argument.to_string_lossy().starts_with('-');
    let place = arguments.iter().skip(1).position(is_command).map_or(arguments.len(), |index| index + 2);
    for (offset, word) in more.split_whitespace().enumerate() {
        arguments.insert(place + offset, word.into());
    }
    arguments
}

/// Returns all long flags of a command and of those below it.
fn long_flags(command: &clap::Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned));
    let below = command.get_subcommands().flat_map(long_flags);
    own.chain(below).chain(["help".to_owned(), "version".to_owned()]).collect()
}

/// Returns `-out=file` as `--out=file`.
fn widen(argument: OsString, long_flags: &[String]) -> OsString {
    let Some(text) = argument.to_str() else { return argument };
    let Some(flag) = text.strip_prefix('-').filter(|flag| !flag.starts_with('-') && flag.len() > 1) else {
        return argument;
    };
    let name = flag.split('=').next().unwrap_or(flag);
    if long_flags.iter().any(|long| long == name) { format!("--{flag}").into() } else { argument }
}

/// Remembers how `--var` and `--var-file` were mixed, since the later wins.
fn order_variables(command: &mut Command, matches: &clap::ArgMatches) {
    let Some(variables) = variables_of(command) else { return };
    let indices = |id: &str, is_file: bool| -> Vec<(usize, bool)> {
        let found = matches.indices_of(id).into_iter().flatten();
        found.map(|index| (index, is_file)).collect()
    };
    let mut all = indices("values", false);
    all.extend(indices("files", true));
    all.sort_unstable();
    variables.order = all.into_iter().map(|(_, is_file)| is_file).collect();
}

/// Returns the variables of the commands that take them.
fn variables_of(command: &mut Command) -> Option<&mut Variables> {
    match command {
        Command::Validate(validate) => Some(&mut validate.variables),
        Command::Plan(plan) => Some(&mut plan.planning.variables),
        Command::Apply(apply) => Some(&mut apply.planning.variables),
        Command::Destroy(destroy) => Some(&mut destroy.planning.variables),
        Command::Drift(drift) => Some(&mut drift.variables),
        Command::Console(console) => Some(&mut console.variables),
        Command::Import(import) => Some(&mut import.planning.variables),
        Command::Graph(graph) => Some(&mut graph.variables),
        Command::Render(render) => Some(&mut render.variables),
        _ => None,
    }
}

/// Reads `90s`, `5m`, `1h30m` or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, jiff::Error> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    Duration::try_from(text.parse::<jiff::SignedDuration>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Arguments {
        parse(line.split_whitespace().map(OsString::from).collect()).expect("well-formed")
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn one_dash_before_a_long_flag_is_enough() {
        let arguments = parsed("rayform plan -refresh=false -target=redis.gcs -no-color");
        let Command::Plan(plan) = arguments.command else { panic!("a plan") };
        assert!(!plan.planning.refresh && arguments.global.no_color);
        assert_eq!(plan.planning.targets, [Target::Resource(Address::root("redis", "gcs"))]);
    }

    #[test]
    fn variables_keep_their_order() {
        let arguments = parsed("rayform plan --var a=1 --var-file x --var a=2");
        let Command::Plan(plan) = arguments.command else { panic!("a plan") };
        assert_eq!(plan.planning.variables.order, [false, true, false]);
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        assert_eq!(parse_duration("90").expect("seconds"), Duration::from_secs(90));
        assert_eq!(parse_duration("1h30m").expect("units"), Duration::from_secs(5400));
        assert!(parse_duration("soon").is_err() && parse_duration("-1s").is_err());
    }
}

//! `output`: prints the recorded outputs.
use clap::Args;

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::project;
use super::terminal::Terminal;
use crate::model::{Json, REDACTED};
use crate::state::RecordedOutput;

/// Print the recorded outputs. A sensitive output is not recorded, so it is never printed.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Only this output.
    name: Option<String>,
    /// Print a text without quotes, for scripts; needs a name.
    #[arg(long, requires = "name")]
    raw: bool,
}

impl Output {
    pub(super) fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let outputs = project::load(&project::store(global))?.state.outputs;
        match &self.name {
            Some(name) => {
                let known: Vec<_> = outputs.keys().map(String::as_str).collect();
                let unknown = || {
                    let hint = match known.as_slice() {
                        [] => "there are none: `rayform apply` records them".to_owned(),
                        known => format!("there are: {}", known.join(", ")),
                    };
                    Failure::refused_with(format!("there is no output `{name}` in the state"), hint)
                };
                let output = outputs.get(name).ok_or_else(unknown)?;
                terminal.line(&self.text(output))?;
            }
            None if terminal.json => {
                let all: serde_json::Map<_, _> = outputs.iter().map(|(name, it)| (name.clone(), as_json(it))).collect();
                terminal.line(&Json::from(all).to_string())?;
            }
            None => {
                for (name, output) in &outputs {
                    terminal.line(&format!("{name} = {}", shown(output)))?;
                }
            }
        }
        Ok(Exit::Done)
    }

    fn text(&self, output: &RecordedOutput) -> String {
        match &output.value {
            Json::String(text) if self.raw && !output.sensitive => text.clone(),
            _ => shown(output),
        }
    }
}

fn shown(output: &RecordedOutput) -> String {
    if output.sensitive { REDACTED.to_owned() } else { format!("{:#}", output.value) }
}

fn as_json(output: &RecordedOutput) -> Json {
    let value = if output.sensitive { Json::Null } else { output.value.clone() };
    serde_json::json!({"value": value, "sensitive": output.sensitive})
}

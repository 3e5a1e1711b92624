//! A plan as Markdown, for a comment on a pull request.
use crate::plan::{Action, Plan};

use super::style::View;
use super::text;
use super::words::{self, Counts};

/// Returns a plan: a summary, a table of the resources, and the whole text folded away.
pub(crate) fn plan(plan: &Plan) -> String {
    let whole = text::plan(plan, View::plain());
    let mut lines = vec!["## rayform plan".to_owned(), String::new()];
    let summary = if plan.is_empty() { "No changes.".to_owned() } else { Counts::of(plan).sentence() };
    lines.push(format!("**{summary}**"));
    lines.push(String::new());
    let changed: Vec<_> = plan.resources.iter().filter(|(_, resource)| resource.action != Action::NoOp).collect();
    if !changed.is_empty() {
        lines.push("| | resource | impact |".to_owned());
        lines.push("| --- | --- | --- |".to_owned());
        for (address, resource) in changed {
            let impact = escape(resource.impact.as_deref().unwrap_or_default());
            let word = words::action_word(resource.action);
            lines.push(format!("| {word} | {} | {impact} |", code(&address.to_string())));
        }
        lines.push(String::new());
    }
    if let Some(totals) = words::totals(&plan.totals) {
        lines.extend([escape(&totals), String::new()]);
    }
    let fence = fence(&whole);
    lines.extend(["<details><summary>The whole plan</summary>".to_owned(), String::new()]);
    lines.extend([
        format!("{fence}text"),
        whole.trim_end().to_owned(),
        fence,
        String::new(),
        "</details>\n".to_owned(),
    ]);
    plan.secrets.redact(&lines.join("\n"))
}

/// Returns a fence that no line of the text can end.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn a_plan_is_a_table_and_its_text() {
        let text = super::plan(&sample::everything());
        assert!(text.starts_with(
            "## rayform plan\n\n**Plan: 2 to add, 3 to change, 2 to destroy, 1 to adopt, 1 to forget.**\n"
        ));
        assert!(text.contains("| update | `ray_head.changed` | restarts the head: running jobs are lost"));
        assert!(text.ends_with("\n```\n\n</details>\n"));
        assert!(!text.contains("hunter22"));
    }

    #[test]
    fn no_line_ends_the_fence() {
        assert_eq!(super::fence("a ```` b"), "`````");
    }
}

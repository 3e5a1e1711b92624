//! A plan as one HTML page that needs nothing beside itself.
use crate::plan::Plan;

use super::style::View;
use super::text;
use super::words::Counts;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#222;background:#fff}\
pre{background:#f6f8fa;padding:1rem;overflow:auto}.add{color:#116329}.remove{color:#a40e26}.change{color:#7d4e00}\
.note{color:#57606a}";

/// Returns a plan: its summary, and its text with coloured lines.
pub(crate) fn plan(plan: &Plan) -> String {
    let whole = text::plan(plan, View::plain());
    let summary = if plan.is_empty() { "No changes.".to_owned() } else { Counts::of(plan).sentence() };
    let lines: Vec<String> = whole.lines().map(line).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>rayform plan</title>\n\
         <style>{STYLE}</style>\n<h1>rayform plan</h1>\n<p>{}</p>\n<pre>\n{}\n</pre>\n</html>\n",
        escape(&summary),
        lines.join("\n")
    )
}

fn line(line: &str) -> String {
    let class = match line.trim_start().split(' ').next() {
        Some("+") => "add",
        Some("-" | "-/+") => "remove",
        Some("~" | "<=") => "change",
        Some("#") => "note",
        _ => return escape(line),
    };
    format!("<span class=\"{class}\">{}</span>", escape(line))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::sample;

    #[test]
    fn what_the_plan_says_is_no_markup() {
        let mut plan = sample::everything();
        for planned in plan.clusters.values_mut() {
            planned.identity.server = "<script>alert(\"a\")</script>".to_owned();
        }
        let page = super::plan(&plan);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
        assert!(page.contains("<span class=\"add\">      + ConfigMap a/m {</span>"));
        assert!(!page.contains("hunter22"));
    }
}

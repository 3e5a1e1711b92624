//! A plan and its drift as text for a terminal.
use crate::model::{Address, ClusterName, Json, REDACTED, Secrets, Value};
use crate::plan::{
    Action, Change, Disagreement, Drift, DriftKind, Mode, OutputChange, Plan, PlannedCluster, ResourcePlan,
    value_to_json,
};

use super::body::Body;
use super::style::{Paint, View};
use super::words::{self, Counts};

/// Returns the whole plan.
pub(crate) fn plan(plan: &Plan, view: View) -> String {
    let mut text: String = plan.clusters.iter().map(|(name, planned)| cluster(name, planned)).collect();
    let drift = self::drift(&plan.drift, &plan.secrets, view);
    if !drift.is_empty() {
        text.push_str("\nOther hands have changed what rayform applied:\n\n");
        text.push_str(&drift);
    }
    if plan.is_empty() {
        push_line(&mut text, "");
        push_line(&mut text, nothing(plan));
        if plan.is_record_outdated() {
            push_line(&mut text, "Settings that concern only the state differ: apply records them.");
        }
        return plan.secrets.redacted(text);
    }
    text.push_str("\nrayform will do this:\n");
    for (address, resource) in &plan.resources {
        if resource.action != Action::NoOp {
            text.push('\n');
            text.push_str(&self::resource(address, resource, &plan.secrets, view));
        }
    }
    text.push_str(&deferred(plan, view));
    text.push_str(&outputs(plan, view));
    text.push('\n');
    if let Some(totals) = words::totals(&plan.totals) {
        push_line(&mut text, &totals);
    }
    push_line(&mut text, &view.paint(Paint::Strong, &Counts::of(plan).sentence()));
    plan.secrets.redacted(text)
}

/// Returns drift alone, as the command `drift` shows it; empty where there is none.
pub(crate) fn drift(drift: &[Drift], secrets: &Secrets, view: View) -> String {
    let mut body = Body { view, secrets, text: String::new() };
    for found in drift {
        let what = match &found.kind {
            DriftKind::Deleted => "has been deleted",
            DriftKind::Deleting { .. } => "is being deleted",
            DriftKind::Recreated { .. } => "has been deleted and made again",
            DriftKind::Changed(_) => "has been changed",
        };
        let heading = format!("# {}: {} {what}", found.address, found.object);
        body.heading(Paint::Strong, &heading);
        match &found.kind {
            DriftKind::Deleted => {}
            DriftKind::Deleting { finalizers } => {
                body.remark(
                    1,
                    &format!("it waits for {}", words::list(finalizers, "what is in it, or its grace period")),
                );
            }
            DriftKind::Recreated { recorded, live } => body.line(1, "~", &format!("uid = {recorded:?} -> {live:?}")),
            DriftKind::Changed(disagreements) => disagreements.iter().for_each(|it| disagreement(&mut body, it)),
        }
    }
    secrets.redacted(body.text)
}

/// Returns one resource and what happens to its objects.
fn resource(address: &Address, resource: &ResourcePlan, secrets: &Secrets, view: View) -> String {
    let mut body = Body { view, secrets, text: String::new() };
    let heading = format!("# {}{}", words::heading(address, resource), words::place(resource));
    body.heading(Paint::Strong, &heading);
    if let Some(from) = resource.moved_from.as_ref().filter(|_| resource.action != Action::Move) {
        body.heading(Paint::Faint, &format!("# (moved from {from})"));
    }
    if let Some(impact) = &resource.impact {
        body.heading(Paint::Change, &format!("# {impact}"));
    }
    let name = Address { key: None, modules: Vec::new(), ..address.clone() };
    body.line(0, words::symbol(resource.action), &format!("resource {:?} {:?} {{", name.resource_type, name.name));
    if let Some(trigger) = &resource.triggered_by {
        body.remark(1, &format!("`replace_triggered_by`: {trigger} has changed"));
    }
    if !resource.unknown_until.is_empty() {
        let until: Vec<String> = resource.unknown_until.iter().map(ToString::to_string).collect();
        body.remark(1, &format!("its objects are known only after {}", until.join(", ")));
    }
    for job in &resource.before_delete {
        if matches!(resource.action, Action::Delete | Action::Replace) {
            body.remark(1, &format!("runs {} first", job.identity()));
        }
    }
    let is_hidden = |change: &&Change| match resource.action {
        Action::Move => change.is_relabelling(),
        _ => matches!(change, Change::Keep { .. }),
    };
    resource.changes.iter().filter(|change| !is_hidden(change)).for_each(|change| body.object(change));
    let kept = resource.changes.iter().filter(is_hidden).count();
    if kept > 0 {
        let plural = if kept == 1 { "" } else { "s" };
        body.remark(1, &format!("({kept} unchanged object{plural} hidden)"));
    }
    body.line(0, " ", "}");
    body.text
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn cluster(name: &ClusterName, planned: &PlannedCluster) -> String {
    let label = name.name().map(|name| format!(" {name}")).unwrap_or_default();
    let context = planned.context.as_ref().map(|context| format!(" (context {context})")).unwrap_or_default();
    format!("Cluster{label}: {}{context}\n", planned.identity.server)
}

fn nothing(plan: &Plan) -> &'static str {
    match plan.mode {
        Mode::Apply if plan.clusters.len() > 1 => "No changes. The clusters are as the configuration asks.",
        Mode::Apply => "No changes. The cluster is as the configuration asks.",
        Mode::Destroy => "No changes. There is nothing to destroy.",
        Mode::RefreshOnly if plan.clusters.len() > 1 => "No changes. The state is as the clusters.",
        Mode::RefreshOnly => "No changes. The state is as the cluster.",
    }
}

fn disagreement(body: &mut Body<'_>, found: &Disagreement) {
    let show = |value: &Option<Json>| match value {
        _ if found.sensitive => REDACTED.to_owned(),
        Some(value) => body.short(value),
        None => "(removed)".to_owned(),
    };
    let who = match (&found.owner, found.certain) {
        (Some(owner), true) => format!("by {owner}"),
        (Some(owner), false) => format!("by unknown, the newest other writer is {owner}"),
        (None, _) => "by unknown".to_owned(),
    };
    let expected = if found.expected { ", as it should be: left alone" } else { "" };
    let text = format!("{} = {} -> {} # {who}{expected}", found.path, show(&found.recorded), show(&found.live));
    let symbol = match found.live {
        _ if found.expected => " ",
        Some(_) => "~",
        None => "-",
    };
    body.line(1, symbol, &text);
}

/// Returns what is read during apply.
fn deferred(plan: &Plan, view: View) -> String {
    let mut body = Body { view, secrets: &plan.secrets, text: String::new() };
    for (address, until) in &plan.deferred {
        let until: Vec<String> = until.iter().map(ToString::to_string).collect();
        let when = if until.is_empty() { String::new() } else { format!(", after {}", until.join(", ")) };
        body.text.push('\n');
        body.heading(Paint::Strong, &format!("# {address} is read during apply{when}"));
        let data_type = address.resource_type.trim_start_matches("data.");
        body.line(0, "<=", &format!("data {data_type:?} {:?}", address.name));
    }
    body.text
}

fn outputs(plan: &Plan, view: View) -> String {
    let mut body = Body { view, secrets: &plan.secrets, text: String::new() };
    for (name, output) in plan.outputs.iter().filter(|(_, output)| output.is_change()) {
        let (symbol, text) = output_change(&body, output);
        body.line(0, symbol, &format!("{name} = {text}"));
    }
    if body.text.is_empty() { String::new() } else { format!("\nChanges to outputs:\n{}", body.text) }
}

fn output_change(body: &Body<'_>, output: &OutputChange) -> (&'static str, String) {
    let after = output.after.as_ref().map(|value| match value {
        _ if output.sensitive => REDACTED.to_owned(),
        value => self::value(body, value),
    });
    let before = output.before.as_ref().map(|value| body.short(value));
    match (before, after) {
        (None, after) => ("+", after.unwrap_or_default()),
        (Some(_), Some(after)) if output.sensitive => ("~", after),
        (Some(before), Some(after)) => ("~", format!("{before} -> {after}")),
        (Some(_), None) if output.sensitive => ("-", REDACTED.to_owned()),
        (Some(before), None) => ("-", before),
    }
}

/// Returns a value of the language on one line.
fn value(body: &Body<'_>, value: &Value) -> String {
    if words::holds_sensitive(value) {
        return REDACTED.to_owned();
    }
    value_to_json(value).map_or_else(|| "(known after apply)".to_owned(), |json| body.short(&json))
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, file, str};

    use super::super::sample;
    use super::*;

    #[test]
    fn everything_that_can_happen_is_shown() {
        assert_data_eq!(super::plan(&sample::everything(), View::plain()), file!["snapshots/plan.txt"]);
    }

    #[test]
    fn drift_names_its_owner() {
        assert_data_eq!(
            super::drift(&sample::drift(), &Secrets::default(), View::plain()),
            str![[r#"
  # ray_head.main: Deployment a/head has been deleted
  # ray_head.main: Deployment a/head has been deleted and made again
      ~ uid = "u1" -> "u2"
  # ray_head.main: Deployment a/head has been changed
      ~ .spec.template.spec.containers[name="ray"].image = "ray:2" -> "ray:3" # by kubectl-edit (Update) at 2026-01-02T03:04:05Z
      - .spec.template.spec.containers[name="ray"].args = ["a"] -> (removed) # by unknown, the newest other writer is kubectl-edit (Update) at 2026-01-02T03:04:05Z
        .spec.replicas = 1 -> 4 # by kube-controller-manager (Update of scale) at 2026-01-02T03:04:05Z, as it should be: left alone
      ~ .data.password = (sensitive value) -> (sensitive value) # by kubectl-edit (Update) at 2026-01-02T03:04:05Z

"#]]
        );
    }

    #[test]
    fn an_empty_plan_is_two_lines() {
        let mut plan = sample::plan(vec![("main", sample::resource(Action::NoOp, vec![]))]);
        plan.drift.clear();
        assert_data_eq!(
            super::plan(&plan, View::plain()),
            str![[r"
Cluster: https://127.0.0.1:6443 (context kind-dev)

No changes. The cluster is as the configuration asks.

"]]
        );
    }

    #[test]
    fn colours_are_written_only_when_asked_for() {
        let plan = sample::everything();
        let coloured = super::plan(&plan, View { colour: true, width: 100 });
        assert!(coloured.contains("\u{1b}[32m+\u{1b}[0m"));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), super::plan(&plan, View::plain()));
    }

    #[test]
    fn several_clusters_are_named_and_a_move_says_where_to() {
        assert_data_eq!(
            super::plan(&sample::two_clusters(), View::plain()),
            str![[r#"
Cluster: https://127.0.0.1:6443 (context kind-dev)
Cluster west: https://127.0.0.2:6443 (context kind-west)

rayform will do this:

  # ray_head.here will be created
  + resource "ray_head" "here" {
      + Secret a/s {
          + data = {
              + password = (sensitive value)
            }
        }
    }

  # ray_head.moved must be replaced in cluster west, and leaves the default cluster
-/+ resource "ray_head" "moved" {
      + Deployment a/head {
          + spec = {
              + replicas = 1
              + template = {
                  + spec = {
                      + containers = [
                          + {
                              + args = [
                                  + "a"
                                  + "b"
                                ]
                              + image = "ray:2"
                              + name  = "ray"
                            }
                        ]
                    }
                }
            }
        }
      - Deployment a/head
    }

  # ray_head.there will be created in cluster west
  + resource "ray_head" "there" {
      + Secret a/s {
          + data = {
              + password = (sensitive value)
            }
        }
    }

Plan: 3 to add, 0 to change, 1 to destroy.

"#]]
        );
    }

    #[test]
    fn secrets_are_never_shown() {
        let text = super::plan(&sample::everything(), View::plain());
        assert!(!text.contains("hunter22") && !text.contains("aHVudGVyMjI="));
    }
}

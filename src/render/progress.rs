//! What apply and destroy tell while they work, line by line.
use crate::model::{Address, Event, Located, Secrets, Verb};

use super::style::{Paint, View};
use super::words;

/// Returns the lines of one event; some events are worth none.
pub(crate) fn event(event: &Event, secrets: &Secrets, view: View) -> Option<String> {
    let strong = |address: &Address| view.paint(Paint::Strong, &address.to_string());
    let text = match event {
        Event::Started { address, verb } => format!("{}: {}...", strong(address), words::verb_words(*verb).0),
        Event::Waiting { address, object, reason } => {
            format!("{}: Still waiting [{object}: {}]", strong(address), one_line(reason))
        }
        Event::Done { address, verb: Verb::Forget, .. } => format!("{}: Forgotten", strong(address)),
        Event::Done { address, verb, seconds } => {
            format!("{}: {} complete after {}", strong(address), words::verb_words(*verb).1, duration(*seconds))
        }
        Event::Failed { address, diagnostic } => {
            view.paint(Paint::Remove, &format!("{address}: Failed: {}", one_line(&diagnostic.message)))
        }
        Event::Skipped { address, because } => format!("{}: Skipped, because {because} failed", strong(address)),
        Event::Notice { message } => message.trim_end().to_owned(),
        Event::Interrupted => "Interrupted: what is in flight is finished, nothing new begins".to_owned(),
        Event::Sent { .. } | Event::ObjectDone { .. } => return None,
    };
    Some(secrets.redact(&text))
}

/// Returns the line of one object at work, cut to the width of the screen.
pub(crate) fn at_work(
    address: &Address,
    object: &Located,
    verb: Verb,
    reason: Option<&str>,
    seconds: f64,
    secrets: &Secrets,
    view: View,
) -> String {
    let reason = reason.map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
    let doing = words::verb_words(verb).0;
    let line = secrets.redact(&format!("{address}: {doing} {object} [{}]{reason}", duration(seconds)));
    match line.char_indices().nth(view.width.saturating_sub(1)) {
        Some((end, _)) if line.chars().count() > view.width => format!("{}…", &line[..end]),
        _ => line,
    }
}

/// Returns a duration in the units that people read: `0s`, `59s`, `1m5s`, `2h3m`.
pub(crate) fn duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts from float saturate")]
    let seconds = seconds.max(0.0).round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClusterName, Diagnostic, Object};

    fn address() -> Address {
        Address::root("ray_head", "main")
    }

    fn deployment() -> Located {
        let object = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment",
                                        "metadata": {"namespace": "team-a", "name": "main-head"}});
        Located::new(&ClusterName::default(), Object::new(object).expect("an object").identity())
    }

    #[track_caller]
    fn check(told: &Event, expected: Option<&str>) {
        assert_eq!(event(told, &Secrets::default(), View::plain()).as_deref(), expected);
    }

    #[test]
    fn events_are_lines() {
        check(&Event::Started { address: address(), verb: Verb::Create }, Some("ray_head.main: Creating..."));
        check(
            &Event::Waiting { address: address(), object: deployment(), reason: "0/1 pods\nready".to_owned() },
            Some("ray_head.main: Still waiting [Deployment team-a/main-head: 0/1 pods ready]"),
        );
        check(
            &Event::Done { address: address(), verb: Verb::Create, seconds: 65.2 },
            Some("ray_head.main: Creation complete after 1m5s"),
        );
        check(
            &Event::Failed { address: address(), diagnostic: Diagnostic::error("no image") },
            Some("ray_head.main: Failed: no image"),
        );
        check(&Event::Sent { address: address(), object: deployment(), verb: Verb::Create }, None);
    }

    #[test]
    fn a_line_at_work_fits_the_screen() {
        let view = View { colour: false, width: 40 };
        let line = at_work(&address(), &deployment(), Verb::Create, Some("x"), 3.0, &Secrets::default(), view);
        assert_eq!(line, "ray_head.main: Creating Deployment team…");
        let line = at_work(&address(), &deployment(), Verb::Create, Some("x"), 3.0, &Secrets::default(), View::plain());
        assert_eq!(line, "ray_head.main: Creating Deployment team-a/main-head [3s]: x");
    }

    #[test]
    fn secrets_in_reasons_are_hidden() {
        let mut secrets = Secrets::default();
        secrets.insert("hunter22");
        let notice = Event::Notice { message: "password hunter22".to_owned() };
        assert_eq!(event(&notice, &secrets, View::plain()).as_deref(), Some("password (sensitive value)"));
    }
}

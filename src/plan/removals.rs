//! `removed` blocks: what is not wanted any more, and whether its objects stay.
use crate::model::{Address, Desired, Diagnostic, Removal};

/// Refuses a block that says of something configured that it is removed.
pub(super) fn check(desired: &Desired) -> Result<(), Vec<Diagnostic>> {
    let still = |removal: &Removal| {
        let there = desired.declared.iter().find(|address| removal.covers(address))?;
        let message = match &removal.from {
            from if from.to_string() == there.to_string() => {
                format!("`{from}` is removed, and is still in the configuration")
            }
            from => format!("`{from}` is removed, and `{there}` is still in the configuration"),
        };
        let diagnostic = Diagnostic::error(message).at(removal.from_span);
        Some(diagnostic.hint("take the block away that it names, or the `removed` block"))
    };
    let errors: Vec<Diagnostic> = desired.removals.iter().filter_map(still).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Tells whether the objects of a resource stay, where a block says so.
pub(super) fn keeps(desired: &Desired, address: &Address) -> Option<bool> {
    let said = desired.removals.iter().filter(|removal| removal.covers(address)).filter_map(|removal| removal.destroy);
    // Of several blocks, one that keeps is the safe one.
    said.map(|destroy| !destroy).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileId, Span};

    fn desired(removals: &[(&str, Option<bool>)], declared: &[&str]) -> Desired {
        let span = Span { file: FileId(0), start: 0, end: 0 };
        let removal = |(from, destroy): &(&str, Option<bool>)| Removal {
            within: Vec::new(),
            from: from.parse().expect("a selector"),
            from_span: span,
            destroy: *destroy,
        };
        let declared = declared.iter().map(|text| text.parse().expect("an address")).collect();
        Desired { removals: removals.iter().map(removal).collect(), declared, ..Desired::default() }
    }

    #[track_caller]
    fn keeps_of(removals: &[(&str, Option<bool>)], address: &str) -> Option<bool> {
        keeps(&desired(removals, &[]), &address.parse().expect("an address"))
    }

    #[test]
    fn what_is_removed_must_not_be_configured() {
        let error = |from, declared| check(&desired(&[(from, None)], &[declared])).map_err(|it| it[0].message.clone());
        assert_eq!(
            error("redis.a", "redis.a"),
            Err("`redis.a` is removed, and is still in the configuration".to_owned())
        );
        assert!(error("module.t", "module.t.redis.a").is_err());
        assert_eq!(error("redis.a", "redis.b"), Ok(()));
    }

    #[test]
    fn the_objects_stay_where_a_block_says_so() {
        assert_eq!(keeps_of(&[("redis.a", Some(false))], "redis.a[0]"), Some(true));
        assert_eq!(keeps_of(&[("redis.a", Some(true))], "redis.a"), Some(false));
        assert_eq!(keeps_of(&[("redis.a", None)], "redis.a"), None);
        assert_eq!(keeps_of(&[("module.t", Some(false))], "module.t[\"x\"].redis.a"), Some(true));
    }
}

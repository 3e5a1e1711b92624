//! "Did you mean": the name that a mistyped name was meant to be.

/// Returns the candidate that is nearest to a name, if it is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(MAX_LENGTH).collect();
    let allowed = (name.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &candidate.chars().take(MAX_LENGTH).collect::<Vec<_>>()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed || is_part(&name, candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Longer names are not typed, and comparing them is quadratic.
const MAX_LENGTH: usize = 64;

/// Tells whether one name is a whole word of the other, as `memory` is of `memory_limit`.
fn is_part(name: &[char], candidate: &str) -> bool {
    let name: String = name.iter().collect();
    let is_word = |whole: &str, part: &str| part.len() >= 4 && whole.split(['_', '-']).any(|word| word == part);
    is_word(candidate, &name) || is_word(&name, candidate)
}

/// Returns how many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut rows = vec![(0..=right.len()).collect::<Vec<_>>()];
    for (i, from) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in right.iter().enumerate() {
            let change = rows[i][j] + usize::from(from != to);
            let mut best = change.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left[i - 1] == *to && right[j - 1] == *from {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(nearest(name, ["image", "memory", "memory_limit", "cpu", "ray_head"]), expected);
    }

    #[test]
    fn near_names_are_suggested() {
        check("imgae", Some("image"));
        check("memroy", Some("memory"));
        check("rayhead", Some("ray_head"));
        check("gpu", Some("cpu"));
    }

    #[test]
    fn far_names_are_not() {
        check("replicas", None);
        check("", None);
    }
}

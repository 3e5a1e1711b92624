//! The Ray version of an image, read from its tag.
use std::fmt;
use std::str::FromStr;

use crate::model::UNKNOWN;

/// A Ray version: `2.52.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RayVersion(pub u32, pub u32, pub u32);

/// Says that a text is no Ray version.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a Ray version such as `2.52.0`")]
pub(crate) struct VersionError(String);

impl FromStr for RayVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let numbers: Vec<u32> = text.split('.').map_while(|part| part.parse().ok()).collect();
        match numbers[..] {
            [major, minor, patch] if text.split('.').count() == 3 => Ok(Self(major, minor, patch)),
            _ => Err(VersionError(text.to_owned())),
        }
    }
}

impl fmt::Display for RayVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// Returns the version in the tag of an image, where it has one.
///
/// Tags such as `2.46.0.0e19ea-py39`, `2.52.0-gpu` and `nightly` are in use; only `X.Y.Z` at the start counts,
/// and only for images whose name speaks of Ray: the `3.11.4` of another image is another thing's version.
pub(crate) fn ray_version(image: &str) -> Option<RayVersion> {
    if image.contains(UNKNOWN) {
        return None;
    }
    let (name, tag) = split_tag(image)?;
    let last = name.rsplit('/').next().unwrap_or(name);
    if !name.contains("rayproject/") && !last.split(['-', '_', '.']).any(|word| word == "ray") {
        return None;
    }
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let first = tag.split(['-', '+', '_']).next().unwrap_or(tag);
    let version = first.split('.').take(3).collect::<Vec<_>>().join(".");
    version.parse().ok()
}

/// Returns the Python in the tag of an image: `py311`.
pub(crate) fn python_tag(image: &str) -> Option<&str> {
    let (_, tag) = split_tag(image)?;
    let is_python = |part: &&str| {
        part.strip_prefix("py").is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    tag.split('-').find(is_python)
}

/// Tells whether the tag of an image moves: `latest`, `nightly`, or none.
pub(super) fn is_floating(image: &str) -> bool {
    if image.contains('@') || image.contains(UNKNOWN) {
        return false;
    }
    match split_tag(image) {
        None => true,
        Some((_, tag)) => {
            tag.split('-').next().is_some_and(|word| ["latest", "nightly", "master", "main"].contains(&word))
        }
    }
}

/// Splits the tag off: a colon before a slash belongs to the registry's port.
fn split_tag(image: &str) -> Option<(&str, &str)> {
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, expected: Option<&str>) {
        assert_eq!(ray_version(image).map(|version| version.to_string()), expected.map(str::to_owned), "{image}");
    }

    #[test]
    fn versions_are_read_from_tags() {
        check("rayproject/ray:2.52.0", Some("2.52.0"));
        check("rayproject/ray-ml:2.46.0.0e19ea-py39", Some("2.46.0"));
        check("registry.example.org:5000/team/my-ray:v2.9.3-py310-gpu", Some("2.9.3"));
        check("registry.example.org:5000/ray", None);
        check("rayproject/ray:nightly", None);
        check("rayproject/ray:2.52", None);
        check("library/python:3.11.4", None);
        check("library/array:3.11.4", None);
        check("rayproject/ray:2.52.0@sha256:00", Some("2.52.0"));
    }

    #[test]
    fn pythons_are_read_from_tags() {
        assert_eq!(python_tag("rayproject/ray:2.52.0-py311-gpu"), Some("py311"));
        assert_eq!(python_tag("rayproject/ray:2.52.0"), None);
    }

    #[test]
    fn tags_that_move_are_known() {
        assert!(is_floating("rayproject/ray") && is_floating("rayproject/ray:latest-py311"));
        assert!(!is_floating("rayproject/ray:2.52.0") && !is_floating("rayproject/ray@sha256:00"));
    }
}

//! Names of container images, as container runtimes read them.
use std::sync::LazyLock;

use regex::Regex;

use super::arguments::PodArguments;
use crate::model::UNKNOWN;
use crate::resource::kit::Problem;

/// A registry with its port, the path, a tag, a digest.
///
/// <https://github.com/distribution/reference/blob/main/reference.go>
static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
    let word = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let host = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?";
    let tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    Regex::new(&format!("^(?:{host}/)?{word}(?:/{word})*(?::{tag})?(?:@{digest})?$")).expect("it is one")
});

/// Finds images of a pod that no container runtime could fetch.
pub(super) fn check_images(arguments: &PodArguments) -> Vec<Problem> {
    let own = arguments.image.iter().map(|image| ("image".to_owned(), image));
    let sidecars = arguments.sidecar.iter().map(|container| &container.image);
    let inits = arguments.init_container.iter().map(|container| &container.image);
    let numbered = |block: &'static str| move |(index, image)| Some((format!("{block}/{index}/image"), image?));
    let sidecars = sidecars.map(Option::as_ref).enumerate().filter_map(numbered("sidecar"));
    let inits = inits.map(Option::as_ref).enumerate().filter_map(numbered("init_container"));
    own.chain(sidecars)
        .chain(inits)
        .filter_map(|(argument, image)| Some(Problem::error(argument, fault(image)?)))
        .collect()
}

/// Says what is wrong with the name of an image.
fn fault(image: &str) -> Option<String> {
    if image.contains(UNKNOWN) || IMAGE.is_match(image) {
        return None;
    }
    let why = match image {
        "" => return Some("an image has a name".to_owned()),
        _ if image.contains(char::is_whitespace) => "it has white space",
        _ if image.contains("://") => "it begins with a scheme",
        _ if image.ends_with([':', '@', '/']) => "something is missing at its end",
        _ if image.contains(|c: char| c.is_ascii_uppercase()) => {
            "its path has capital letters, or it has other signs than it may"
        }
        _ => "it is written as `registry/path:tag` or `registry/path@digest`",
    };
    Some(format!("`{image}` is not the name of an image: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, expected: Option<&str>) {
        assert_eq!(fault(image).as_deref().and_then(|fault| fault.rsplit(": ").next()), expected, "{image}");
    }

    #[test]
    fn images_have_a_path_and_perhaps_registry_tag_and_digest() {
        check("redis", None);
        check("rayproject/ray:2.52.0-py312-gpu", None);
        check("localhost:5000/team_a/ray__x", None);
        check("[::1]:5000/ray", None);
        check("Registry.example.com/ray:A", None);
        check(&format!("quay.io/a/b:v1@sha256:{}", "0".repeat(64)), None);
        check(&format!("{UNKNOWN}/ray"), None);
    }

    #[test]
    fn what_no_runtime_can_fetch_is_refused_with_the_reason() {
        check("", Some("an image has a name"));
        check("rayproject/ray: 2.52.0", Some("it has white space"));
        check("ray:2.52.0 ", Some("it has white space"));
        check("https://quay.io/ray", Some("it begins with a scheme"));
        check("ray:", Some("something is missing at its end"));
        check("rayproject/Ray", Some("its path has capital letters, or it has other signs than it may"));
        check("ray@sha256:1", Some("it is written as `registry/path:tag` or `registry/path@digest`"));
    }
}

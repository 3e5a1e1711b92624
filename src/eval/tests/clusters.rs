//! Which cluster a resource lives in, and how the clusters are described.
use super::{evaluated, fails, in_folder, succeeds, told};
use crate::model::{Address, ClusterName, Key};
use crate::resource;

/// Two labelled clusters and one map in whatever cluster the text says.
fn map(clusters: &str, settings: &str) -> String {
    format!(
        "{clusters}resource \"config_map\" \"m\" {{\n  {settings}\n  namespace = \"a\"\n  name = \"m\"\n  data = {{ a = \"b\" }}\n}}\n"
    )
}

const BOTH: &str =
    "cluster \"west\" {\n  context = \"kind-west\"\n}\ncluster \"east\" {\n  context = \"kind-east\"\n}\n";

/// Returns the cluster of every instance.
fn chosen(text: &str) -> Vec<(Option<Key>, ClusterName)> {
    let evaluation = succeeds(text, resource::all());
    let resources = evaluation.desired.resources.into_values();
    resources.map(|resource| (resource.address.key, resource.cluster)).collect()
}

#[test]
fn a_resource_chooses_by_reference_or_by_name() {
    for settings in ["cluster = cluster.west", "cluster = \"west\"", "cluster = true ? \"west\" : cluster.east"] {
        assert_eq!(chosen(&map(BOTH, settings)), [(None, ClusterName::named("west"))]);
    }
}

#[test]
fn instances_choose_by_their_key() {
    let settings = "for_each = toset([\"east\", \"west\"])\n  cluster = each.key";
    let named = |name: &str| (Some(Key::Name(name.to_owned())), ClusterName::named(name));
    assert_eq!(chosen(&map(BOTH, settings)), [named("east"), named("west")]);
}

#[test]
fn the_block_without_a_label_is_for_all_that_says_nothing() {
    assert_eq!(chosen(&map("", "")), [(None, ClusterName::default())]);
    assert_eq!(chosen(&map(&format!("cluster {{}}\n{BOTH}"), "")), [(None, ClusterName::default())]);
    assert_eq!(chosen(&map(&format!("cluster {{}}\n{BOTH}"), "cluster = null")), [(None, ClusterName::default())]);
}

#[test]
fn nothing_falls_back_to_a_cluster_that_nobody_wrote_down() {
    fails(
        &map("cluster \"west\" {}\n", ""),
        resource::all(),
        &[
            "2: `config_map.m` does not say which cluster it lives in (write `cluster = cluster.west`, or add a `cluster` \
           block without a label for all that says nothing) at resource \"config_map\" \"m\"",
        ],
    );
}

#[test]
fn a_name_that_is_no_cluster_is_an_error_with_a_hint() {
    let told_of = |settings: &str| {
        let (sources, result) = evaluated(&map(BOTH, settings), resource::all());
        told(&sources, &result.expect_err("a mistake"))
    };
    assert_eq!(
        told_of("cluster = cluster.wset"),
        ["8: there is no cluster `wset` (did you mean `west`?) at cluster.wset"]
    );
    assert_eq!(
        told_of("cluster = \"north\""),
        ["8: there is no cluster `north` (there is `east`, `west`) at \"north\""]
    );
    assert_eq!(
        told_of("cluster = [1]"),
        ["8: `cluster` takes the name of a cluster, not a list (write `cluster = cluster.NAME`) at [1]"]
    );
    assert_eq!(
        told_of("cluster = sensitive(\"west\")"),
        ["8: the name of a cluster is shown everywhere and must not be sensitive at sensitive(\"west\")"]
    );
    assert_eq!(
        told_of("cluster = cluster"),
        ["8: `cluster` alone is no value (write `cluster.` and a name) at cluster"]
    );
}

#[test]
fn what_the_blocks_say_is_evaluated() {
    let text = "locals {\n  zone = \"b\"\n}\ncluster \"west\" {\n  kubeconfig = \"west.yaml\"\n  context = \"x-${local.zone}\"\n}\n";
    let clusters = succeeds(text, &[]).clusters;
    assert_eq!(clusters.keys().collect::<Vec<_>>(), [&ClusterName::named("west")]);
    let west = &clusters[&ClusterName::named("west")];
    assert_eq!((west.kubeconfig.as_deref(), west.context.as_deref()), (Some("west.yaml"), Some("x-b")));
    fails(
        "cluster \"west\" {}\ncluster \"west\" {}\ncluster {}\ncluster {}\n",
        &[],
        &["2: a second `cluster \"west\"` at cluster \"west\"", "4: a second `cluster` block at cluster"],
    );
}

#[test]
fn what_one_cluster_holds_does_not_count_in_another() {
    // The namespace is quota-bound in `west` alone, and the checksum of a map counts only where the map is.
    let head = |cluster: &str| {
        format!(
            "resource \"ray_head\" \"{cluster}\" {{\n  cluster = \"{cluster}\"\n  namespace = \"a\"\n  name = \"h\"\n  \
             image = \"rayproject/ray:2.52.0\"\n  cpu = 1\n  memory = \"4Gi\"\n  env_from {{\n    config_map = \"m\"\n  }}\n}}\n"
        )
    };
    let text = format!(
        "{BOTH}resource \"config_map\" \"m\" {{\n  cluster = \"west\"\n  namespace = \"a\"\n  name = \"m\"\n  data = {{ a = \"b\" }}\n}}\n{}{}",
        head("west"),
        head("east")
    );
    let desired = succeeds(&text, resource::all()).desired;
    let is_annotated = |name: &str| {
        let objects = desired.resources[&Address::root("ray_head", name)].objects.known();
        objects.iter().any(|object| {
            object.object.json().to_string().contains("config-map-m")
                || object.object.json().to_string().contains("configmap-m")
        })
    };
    assert!(is_annotated("west") && !is_annotated("east"));
}

/// Evaluates a root module and its one module `team`; returns the clusters by address.
fn with_module(root: &str, team: &str) -> Result<Vec<(String, ClusterName)>, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("team")).expect("a folder");
    std::fs::write(folder.path().join("main.rf.hcl"), root).expect("a file");
    std::fs::write(folder.path().join("team/main.rf.hcl"), team).expect("a file");
    let (sources, result) = in_folder(folder.path(), &[], resource::all());
    let evaluation = result.map_err(|diagnostics| told(&sources, &diagnostics))?;
    let resources = evaluation.desired.resources.into_iter();
    Ok(resources.map(|(address, resource)| (address.to_string(), resource.cluster)).collect())
}

#[test]
fn a_module_passes_its_cluster_to_what_says_none() {
    let root = format!(
        "{BOTH}module \"team\" {{\n  source = \"./team\"\n  for_each = toset([\"east\", \"west\"])\n  cluster = each.key\n}}\n"
    );
    let found = with_module(&root, &map("", "")).expect("no mistakes");
    let expected =
        ["east", "west"].map(|name| (format!("module.team[\"{name}\"].config_map.m"), ClusterName::named(name)));
    assert_eq!(found, expected);
    let found = with_module(&root, &map("", "cluster = cluster.west")).expect("no mistakes");
    assert!(found.iter().all(|(_, cluster)| *cluster == ClusterName::named("west")), "its own word counts");
}

#[test]
fn clusters_are_described_in_the_root_module() {
    let root = format!("{BOTH}module \"team\" {{\n  source = \"./team\"\n  cluster = cluster.north\n}}\n");
    let told = with_module(&root, &map("", "")).expect_err("a mistake");
    assert_eq!(told, ["9: there is no cluster `north` (there is `east`, `west`) at cluster.north"]);
    let root = "module \"team\" {\n  source = \"./team\"\n}\n";
    let told = with_module(root, "cluster \"west\" {}\n").expect_err("a mistake");
    let expected = "1: clusters are described in the root module (the call of a module chooses one for all that is in it: \
                    `cluster = cluster.NAME`) at cluster \"west\"";
    assert_eq!(told, [expected]);
}

#[test]
fn what_is_referred_to_as_a_whole_lives_in_the_same_cluster() {
    let text = |pool: &str| {
        format!(
            "{BOTH}resource \"ray_head\" \"main\" {{\n  cluster = cluster.west\n  namespace = \"a\"\n  image = \
             \"rayproject/ray:2.52.0\"\n  cpu = 2\n  memory = \"8Gi\"\n}}\nresource \"ray_worker_pool\" \"cpu\" {{\n  cluster = \
             {pool}\n  head = ray_head.main\n  cpu = 2\n  memory = \"8Gi\"\n}}\n"
        )
    };
    succeeds(&text("cluster.west"), resource::all());
    let (sources, result) = evaluated(&text("cluster.east"), resource::all());
    let expected = "16: `ray_head.main` lives in cluster `west`, and this in cluster `east` (what belongs together lives in one \
                    cluster: choose the same for both) at ray_head.main";
    let found = told(&sources, &result.expect_err("a mistake"));
    assert!(found.iter().any(|line| line == expected), "{found:#?}");
}

//! Evaluation is deterministic, and neither the order of blocks nor that of files matters.
use std::fmt::Write;

use proptest::prelude::*;

use crate::model::{Diagnostic, Objects};
use crate::resource;

/// Blocks that need one another in every way.
const BLOCKS: [&str; 12] = [
    "variable \"team\" {\n  default = \"a\"\n}\n",
    "variable \"sizes\" {\n  type = map(number)\n  default = { small = 1, large = 2 }\n  validation {\n    \
     condition = length(var.team) > 0\n    error_message = \"No team.\"\n  }\n}\n",
    "locals {\n  name = \"team-${var.team}\"\n  total = sum(values(local.doubled))\n}\n",
    "locals {\n  doubled = { for name, size in var.sizes : name => size * 2 }\n}\n",
    "resource \"namespace\" \"team\" {\n  name = local.name\n}\n",
    "resource \"config_map\" \"each\" {\n  for_each = local.doubled\n  namespace = namespace.team.name\n  \
     name = each.key\n  data = { size = each.value, all = join(\",\", config_map.counted[*].name) }\n}\n",
    "resource \"config_map\" \"counted\" {\n  count = length(var.sizes)\n  namespace = namespace.team.name\n  \
     name = \"counted-${count.index}\"\n  data = { total = local.total }\n}\n",
    "resource \"secret\" \"token\" {\n  namespace = namespace.team.name\n  name = \"token\"\n  \
     data = { token = sensitive(\"open sesame\") }\n}\n",
    "resource \"ray_head\" \"main\" {\n  namespace = namespace.team.name\n  image = \"rayproject/ray:2.52.0\"\n  cpu = 1\n  \
     memory = \"8Gi\"\n  auth {}\n  dynamic \"env_from\" {\n    for_each = config_map.each\n    content {\n      \
     config_map = env_from.value.name\n    }\n  }\n}\n",
    "resource \"ray_worker_pool\" \"cpu\" {\n  head = ray_head.main\n  cpu = local.total\n  memory = \"8Gi\"\n}\n",
    "output \"names\" {\n  value = [for key, made in config_map.each : \"${key}-${made.name}\"]\n}\n",
    "output \"total\" {\n  value = local.total\n}\n",
];

/// Mistakes that do not hide one another.
const MISTAKES: [&str; 4] = [
    "locals {\n  wrong = 1 + \"x\"\n}\n",
    "output \"wrong\" {\n  value = local.missing\n}\n",
    "resource \"namespace\" \"wrong\" {\n  nmae = \"x\"\n}\n",
    "output \"follows\" {\n  value = local.wrong\n}\n",
];

/// Evaluates blocks that are spread over some files; returns everything that was found, without places.
fn evaluated(blocks: &[&str], files: usize) -> Result<String, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (index, part) in blocks.chunks(blocks.len().div_ceil(files)).enumerate() {
        std::fs::write(folder.path().join(format!("{index}.rf.hcl")), part.concat()).expect("a file");
    }
    let messages = |found: &[Diagnostic]| {
        let mut messages: Vec<String> = found.iter().map(|found| format!("{found} {:?}", found.hint)).collect();
        messages.sort();
        messages
    };
    let (_, result) = super::in_folder(folder.path(), &[], resource::all());
    let evaluation = result.map_err(|found| messages(&found))?;
    let mut text = format!("{:?}\n{:?}\n", evaluation.desired.outputs, messages(&evaluation.desired.diagnostics));
    for (address, resource) in &evaluation.desired.resources {
        writeln!(text, "{address} {:?}", resource.exports).expect("a text grows");
        if let Objects::Known(objects) = &resource.objects {
            text.extend(objects.iter().map(|object| format!("{}\n", object.object.json())));
        }
    }
    Ok(text)
}

fn shuffled(blocks: Vec<&'static str>) -> impl Strategy<Value = (Vec<&'static str>, usize)> {
    (Just(blocks).prop_shuffle(), 1_usize..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn order_does_not_matter((blocks, files) in shuffled(BLOCKS.to_vec())) {
        let expected = evaluated(&BLOCKS, 1);
        prop_assert!(expected.is_ok(), "{:?}", expected);
        prop_assert_eq!(evaluated(&blocks, files), expected);
    }

    #[test]
    fn order_does_not_matter_for_mistakes((blocks, files) in shuffled([&BLOCKS[..], &MISTAKES[..]].concat())) {
        let expected = evaluated(&[&BLOCKS[..], &MISTAKES[..]].concat(), 1);
        prop_assert_eq!(expected.as_ref().map_err(Vec::len), Err(4));
        prop_assert_eq!(evaluated(&blocks, files), expected);
    }
}

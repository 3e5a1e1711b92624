use super::format;
use crate::model::{FileId, Json};

#[track_caller]
fn check(text: &str, expected: &str) {
    let once = format(text, FileId(0)).expect("it parses");
    assert_eq!(once, expected);
    assert_eq!(format(&once, FileId(0)).expect("it still parses"), expected, "formatting twice is formatting once");
}

/// The pairs in `tests/data/fmt.json` were made by `terraform fmt -`.
#[test]
fn the_layout_is_terraforms() {
    let pairs: Vec<Json> = serde_json::from_str(include_str!("../../../tests/data/fmt.json")).expect("JSON");
    assert!(pairs.len() > 250);
    for pair in &pairs {
        check(pair["input"].as_str().expect("a text"), pair["output"].as_str().expect("a text"));
    }
}

#[test]
fn line_ends_tabs_and_heredocs_survive() {
    check("a=1\r\nbbb=2 # c\r\n", "a   = 1\r\nbbb = 2 # c\r\n");
    check("a=<<-EOT\n\t\tx  =  1\n\tEOT\nb=1\n", "a = <<-EOT\n\t\tx  =  1\n\tEOT\nb = 1\n");
    check("a=\"\\u0041\t$${x}$%%{y}\"\n", "a = \"\\u0041\t$${x}$%%{y}\"\n");
}

#[test]
fn a_byte_order_mark_goes() {
    check("\u{FEFF}a=1\n", "a = 1\n");
}

#[test]
fn columns_are_counted_as_readers_count() {
    check("größe=1 # a\ne\u{301}=22 # b\n", "größe = 1  # a\ne\u{301}     = 22 # b\n");
}

/// Terraform drops a comment between the labels of a block.
#[test]
fn comments_between_labels_are_kept() {
    check("resource /* q */ \"x\" /* z */ {\n}\n", "resource /* q */ \"x\" /* z */ {\n}\n");
}

/// Terraform takes one layer off each time.
#[test]
fn all_layers_of_interpolation_go_at_once() {
    check("a = \"${\"${x}\"}\"\n", "a = x\n");
}

/// Terraform breaks both: the first by a lost line end, the second by a lost pair of parentheses.
#[test]
fn an_interpolation_of_several_lines_is_unwrapped_with_care() {
    check("a = \"${\n  x # c\n}\"\n", "a = \"${\n  x # c\n}\"\n");
    check("a = \"${(x) +\n  (y)}\"\n", "a = ((x) +\n(y))\n");
}

/// Terraform keeps it.
#[test]
fn white_space_at_the_end_of_the_file_goes() {
    check("a = 1   ", "a = 1");
}

/// `"list"` is a list of anything in rayform; Terraform refuses it, and its `fmt` writes a list of texts.
#[test]
fn types_are_written_in_todays_way() {
    check("variable \"v\" {\n  type = \"list\"\n}\n", "variable \"v\" {\n  type = list(any)\n}\n");
    check("variable v {\n  type = map\n}\n", "variable \"v\" {\n  type = map(any)\n}\n");
    check("variable v {\n  type = \"bool\"\n}\n", "variable \"v\" {\n  type = bool\n}\n");
    check("output v {\n  type = \"bool\"\n}\n", "output \"v\" {\n  type = \"bool\"\n}\n");
}

#[test]
fn what_does_not_parse_is_said_with_its_place() {
    let errors = format("a = 1\nb = [\n", FileId(0)).expect_err("a mistake");
    assert_eq!(errors[0].at.as_ref().map(|(span, _)| span.start), Some(10), "{errors:?}");
}

/// Attributes in one run share a column, wherever a large file is cut into pieces.
#[test]
fn a_large_file_is_laid_out_as_a_whole() {
    let check_all = |of: fn(usize) -> (String, String)| {
        let (texts, expected): (Vec<_>, Vec<_>) = (0..10_000).map(of).unzip();
        let laid_out = format(&texts.concat(), FileId(0)).expect("it parses");
        // A difference would fill the screen.
        assert!(laid_out == expected.concat());
    };
    check_all(|i| {
        let block = |inside: &str| format!("resource \"x\" \"y{i}\" {{\n{inside}}}\n# c\n");
        (block("a=1\nlong=2 # so\n"), block("  a    = 1\n  long = 2 # so\n"))
    });
    check_all(|i| {
        (
            format!("a{i:05}={{}}\nlonger{i:05}={{\n}}\nb{i:05}={{}}\n"),
            format!("a{i:05} = {{}}\nlonger{i:05} = {{\n}}\nb{i:05} = {{}}\n"),
        )
    });
    check_all(|i| (format!("a{i:05}={{}}\nlong{i:05}={{}}\n\n"), format!("a{i:05}    = {{}}\nlong{i:05} = {{}}\n\n")));
}
